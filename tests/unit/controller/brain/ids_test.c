/* ids_test.c: lists of broker ids are compared as lists, as sets, and copied. */
#include "controller/brain/ids.h"
#include "tests/unit/unit.h"

#define IDS(...) ((struct bn_fact_ids){(int32_t[]){__VA_ARGS__}, (int32_t)BN_ARRAY_LEN(((int32_t[]){__VA_ARGS__}))})

START_TEST(lists_and_sets) {
    ck_assert(bn_ids_eq(IDS(1, 2), IDS(1, 2)));
    ck_assert(!bn_ids_eq(IDS(1, 2), IDS(2, 1)));
    ck_assert(bn_ids_same_set(IDS(1, 2), IDS(2, 1)));
    ck_assert(!bn_ids_same_set(IDS(1, 1), IDS(1, 2)));
    ck_assert(!bn_ids_same_set(IDS(1, 2), IDS(1, 2, 3)));
    ck_assert_int_eq(bn_ids_find(IDS(7, 8), 8), 1);
    ck_assert_int_eq(bn_ids_find(IDS(7, 8), 9), -1);
    ck_assert(bn_ids_distinct(IDS(1, 2, 3)));
    ck_assert(!bn_ids_distinct(IDS(1, 2, 1)));
    ck_assert(!bn_ids_distinct(IDS(1, -2)));
}
END_TEST

START_TEST(copies_are_owned) {
    int32_t source[] = {4, 5};
    struct bn_ids own = {NULL, 0};
    bn_ids_set(&own, (struct bn_fact_ids){source, 2});
    source[0] = 9;
    ck_assert_int_eq(own.ids[0], 4);
    bn_ids_set(&own, (struct bn_fact_ids){NULL, 0});
    ck_assert_ptr_null(own.ids);
    bn_ids_free(&own);
}
END_TEST

START_TEST(text_is_cut_not_overrun) {
    char text[11];
    ck_assert_str_eq(bn_ids_text(IDS(1, 22, 333), text, sizeof text), "1,22...");
    ck_assert_str_eq(bn_ids_text(IDS(1, 2), text, sizeof text), "1,2");
    ck_assert_str_eq(bn_ids_text((struct bn_fact_ids){NULL, 0}, text, sizeof text), "");
}
END_TEST

Suite *ids_suite(void);
Suite *ids_suite(void) {
    Suite *s = suite_create("ids");
    TCase *c = tcase_create("ids");
    tcase_add_test(c, lists_and_sets);
    tcase_add_test(c, copies_are_owned);
    tcase_add_test(c, text_is_cut_not_overrun);
    suite_add_tcase(s, c);
    return s;
}
