/* epochs_test.c: assignment, truncation from both ends, the answers of OffsetForLeaderEpoch, and the file's text. */
#include "broker/log/epochs.h"
#include "tests/unit/unit.h"

static void fill(struct bn_epochs *t) {
    bn_epochs_init(t);
    ck_assert(bn_epochs_assign(t, 2, 10));
    ck_assert(bn_epochs_assign(t, 4, 20));
    ck_assert(bn_epochs_assign(t, 5, 35));
}

static void check_text(const struct bn_epochs *t, const char *want) {
    struct bn_str s;
    bn_str_init(&s);
    bn_epochs_format(t, &s);
    ck_assert_str_eq(s.ptr, want);
    bn_str_fini(&s);
}

START_TEST(test_assign) {
    struct bn_epochs t;
    fill(&t);
    ck_assert(!bn_epochs_assign(&t, 5, 35));
    ck_assert(!bn_epochs_assign(&t, 5, 99));
    ck_assert(!bn_epochs_assign(&t, -1, 99));
    check_text(&t, "0\n3\n2 10\n4 20\n5 35\n");
    /* The newest knowledge wins over what contradicts it. */
    ck_assert(bn_epochs_assign(&t, 6, 20));
    check_text(&t, "0\n2\n2 10\n6 20\n");
    ck_assert(bn_epochs_assign(&t, 3, 40));
    check_text(&t, "0\n2\n2 10\n3 40\n");
    bn_epochs_fini(&t);
}
END_TEST

START_TEST(test_end_of) {
    static const struct {
        int32_t epoch, found;
        int64_t end;
    } cases[] = {{-1, -1, -1}, {0, 0, 10}, {1, 1, 10}, {2, 2, 20}, {3, 2, 20}, {4, 4, 35}, {5, 5, 50}, {6, -1, -1}};
    struct bn_epochs t;
    int32_t found;
    int64_t end;
    fill(&t);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        bn_epochs_end_of(&t, cases[i].epoch, 50, &found, &end);
        ck_assert_int_eq(found, cases[i].found);
        ck_assert_int_eq(end, cases[i].end);
    }
    bn_epochs_fini(&t);
    bn_epochs_end_of(&t, 0, 50, &found, &end);
    ck_assert_int_eq(end, -1);
}
END_TEST

START_TEST(test_of_and_truncation) {
    struct bn_epochs t;
    fill(&t);
    ck_assert_int_eq(bn_epochs_of(&t, 9), -1);
    ck_assert_int_eq(bn_epochs_of(&t, 10), 2);
    ck_assert_int_eq(bn_epochs_of(&t, 34), 4);
    ck_assert_int_eq(bn_epochs_of(&t, 1000), 5);
    ck_assert(bn_epochs_truncate_end(&t, 35));
    ck_assert(!bn_epochs_truncate_end(&t, 35));
    ck_assert_int_eq(bn_epochs_latest(&t), 4);
    ck_assert(!bn_epochs_truncate_start(&t, 5));
    ck_assert(bn_epochs_truncate_start(&t, 15));
    check_text(&t, "0\n2\n2 15\n4 20\n");
    ck_assert(bn_epochs_truncate_start(&t, 20)); /* where one begins, those before go */
    check_text(&t, "0\n1\n4 20\n");
    ck_assert(!bn_epochs_truncate_start(&t, 20));
    ck_assert(bn_epochs_truncate_start(&t, 25));
    check_text(&t, "0\n1\n4 25\n");
    ck_assert(bn_epochs_truncate_start(&t, 99));
    check_text(&t, "0\n1\n4 99\n");
    bn_epochs_fini(&t);
}
END_TEST

START_TEST(test_parse) {
    static const struct {
        const char *text;
        int rc;
        uint32_t count;
    } cases[] = {
        {"", 0, 0},
        {"0\n0\n", 0, 0},
        {"0\n2\n1 0\n3 7\n", 0, 2},
        {"1\n0\n", BN_BAD, 0},
        {"0\n3\n1 0\n3 7\n", BN_BAD, 0},
        {"0\n1\n1 0 5\n", BN_BAD, 0},
        {"0\n1\n-1 0\n", BN_BAD, 0},
        {"0\n1\n1 -7\n", BN_BAD, 0},
        {"0\n1\n99999999999 0\n", BN_BAD, 0},
        {"0\n", BN_BAD, 0},
        {"0\n1\nx y\n", BN_BAD, 0},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_epochs t;
        struct bn_err e;
        bn_epochs_init(&t);
        ck_assert_int_eq(bn_epochs_parse(&t, bn_slice_str(cases[i].text), &e), cases[i].rc);
        ck_assert_uint_eq(t.count, cases[i].count);
        bn_epochs_fini(&t);
    }
}
END_TEST

Suite *epochs_suite(void);
Suite *epochs_suite(void) {
    Suite *s = suite_create("epochs");
    TCase *t = tcase_create("epochs");
    tcase_add_test(t, test_assign);
    tcase_add_test(t, test_end_of);
    tcase_add_test(t, test_of_and_truncation);
    tcase_add_test(t, test_parse);
    suite_add_tcase(s, t);
    return s;
}
