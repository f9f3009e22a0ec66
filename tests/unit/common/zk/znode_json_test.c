/* znode_json_test.c: the guards: an error sticks, the first one counts, and numbers never narrow silently. */
#include "common/zk/znode_json.h"

#include "tests/unit/unit.h"

static struct bn_arena arena;
static struct bn_err e;
static struct bn_znode_json j;

static void open_text(const char *text) {
    e = BN_ERR_NONE;
    bn_znode_json_open(&j, "thing", bn_slice_str(text), &arena, &e);
}

START_TEST(test_first_error_sticks) {
    bn_arena_init(&arena, 1u << 20);
    open_text("{\"n\":3000000000,\"t\":\"x\",\"d\":\"12\",\"u\":null}");
    ck_assert_int_eq(bn_znode_json_int(&j, NULL, "n", 0, INT64_MAX, BN_ZNODE_JSON_REQUIRED), 3000000000);
    ck_assert_int_eq(bn_znode_json_digits(&j, NULL, "d", 0, BN_ZNODE_JSON_REQUIRED), 12);
    ck_assert_int_eq(bn_znode_json_i32(&j, NULL, "u", 0, 7), 7); /* null is absent */
    ck_assert_str_eq(bn_znode_json_text(&j, NULL, "t", true), "x");
    ck_assert_int_eq(bn_znode_json_i32(&j, NULL, "n", 0, BN_ZNODE_JSON_REQUIRED), 0);
    ck_assert_ptr_null(bn_znode_json_text(&j, NULL, "t", true)); /* nothing more is read */
    bn_znode_json_bad(&j, "later");
    ck_assert_int_eq(bn_znode_json_close(&j), BN_BAD);
    ck_assert_str_eq(e.text, "n: 3000000000 is out of range");
    bn_arena_fini(&arena);
}
END_TEST

START_TEST(test_budget) {
    bn_arena_init(&arena, 64);
    open_text("{\"ids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]}");
    ck_assert_int_eq(bn_znode_json_ids(&j, NULL, "ids", true).count, 0);
    ck_assert_int_eq(bn_znode_json_close(&j), BN_FULL);
    bn_arena_fini(&arena);
}
END_TEST

START_TEST(test_depth) {
    bn_arena_init(&arena, 1u << 20);
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"{\"a\":[[[[[[[]]]]]]]}", BN_OK},          {"{\"a\":[[[[[[[[]]]]]]]]}", BN_BAD},
        {"{\"a\":\"[[[[[[[[[[[[\\\"[[[\"}", BN_OK}, {"\"text\"", BN_BAD},
        {"{} {}", BN_BAD},                          {"{\"a\":1", BN_BAD},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        open_text(cases[i].text);
        ck_assert_msg(bn_znode_json_close(&j) == cases[i].status, "%s: %s", cases[i].text, e.text);
    }
    bn_arena_fini(&arena);
}
END_TEST

START_TEST(test_writing) {
    struct bn_str s;
    bn_str_init(&s);
    bn_znode_json_add_text(&s, "a\"\\\n\x01/\x7f\303\274");
    bn_znode_json_add_text(&s, NULL);
    int32_t ids[] = {3, 1, 2};
    bn_znode_json_add_ids(&s, &(struct bn_znode_ids){ids, 3});
    bn_znode_json_add_ids(&s, &(struct bn_znode_ids){NULL, 0});
    ck_assert_str_eq(s.ptr, "\"a\\\"\\\\\\n\\u0001/\x7f\303\274\"null[3,1,2][]");
    bn_str_fini(&s);
}
END_TEST

Suite *znode_json_suite(void);
Suite *znode_json_suite(void) {
    Suite *s = suite_create("znode_json");
    TCase *tc = tcase_create("guards");
    tcase_add_test(tc, test_first_error_sticks);
    tcase_add_test(tc, test_budget);
    tcase_add_test(tc, test_depth);
    tcase_add_test(tc, test_writing);
    suite_add_tcase(s, tc);
    return s;
}
