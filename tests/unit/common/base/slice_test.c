/* slice_test.c: comparison, null against empty, and the strict reading of numbers. */
#include "common/base/slice.h"

#include "tests/unit/unit.h"

START_TEST(test_numbers) {
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1a", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        int64_t v = 0;
        bool good = bn_slice_to_i64(bn_slice_str(cases[i].text), &v);
        ck_assert_msg(good == cases[i].good && (!good || v == cases[i].value), "%s", cases[i].text);
    }
    int64_t v;
    ck_assert(!bn_slice_to_i64(BN_SLICE_NULL, &v));
    ck_assert(bn_slice_to_i64(bn_slice_of("123", 2), &v));
    ck_assert_int_eq(v, 12);
}
END_TEST

START_TEST(test_comparison) {
    ck_assert(bn_slice_eq(BN_SLICE_NULL, BN_SLICE_LIT("")));
    ck_assert(bn_slice_is_null(bn_slice_str(NULL)));
    ck_assert(!bn_slice_is_null(BN_SLICE_LIT("")));
    ck_assert(bn_slice_eq_str(BN_SLICE_LIT("ab"), "ab"));
    ck_assert(!bn_slice_eq_str(BN_SLICE_LIT("ab"), "abc"));
    ck_assert_int_lt(bn_slice_cmp(BN_SLICE_LIT("ab"), BN_SLICE_LIT("abc")), 0);
    ck_assert_int_gt(bn_slice_cmp(BN_SLICE_LIT("\xff"), BN_SLICE_LIT("a")), 0);
    ck_assert_int_eq(bn_slice_cmp(BN_SLICE_NULL, BN_SLICE_LIT("")), 0);
    ck_assert_int_lt(bn_slice_cmp_place(BN_SLICE_LIT("a"), 9, BN_SLICE_LIT("b"), 1), 0);
    ck_assert_int_gt(bn_slice_cmp_place(BN_SLICE_LIT("a"), INT32_MAX, BN_SLICE_LIT("a"), INT32_MIN), 0);
    ck_assert_int_eq(bn_slice_cmp_place(BN_SLICE_LIT("a"), 3, BN_SLICE_LIT("a"), 3), 0);
}
END_TEST

Suite *slice_suite(void);
Suite *slice_suite(void) {
    Suite *s = suite_create("slice");
    TCase *t = tcase_create("slice");
    tcase_add_test(t, test_numbers);
    tcase_add_test(t, test_comparison);
    suite_add_tcase(s, t);
    return s;
}
