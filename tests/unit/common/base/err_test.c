/* err_test.c: an error gains context as it rises, is cut rather than overrun, and may be left out. */
#include "common/base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

START_TEST(test_set_and_wrap) {
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_err_set(&e, BN_BAD, "checksum of batch %d", 7), BN_BAD);
    ck_assert_int_eq(bn_err_wrap(&e, "%s", "00042.log"), BN_BAD);
    ck_assert_int_eq(bn_err_wrap(&e, "open log orders-3"), BN_BAD);
    ck_assert_str_eq(e.text, "open log orders-3: 00042.log: checksum of batch 7");
    ck_assert_int_eq(e.code, BN_BAD);
    ck_assert_int_eq(bn_err_errno(&e, BN_IO, ENOENT, "open %s", "x"), BN_IO);
    ck_assert_str_eq(e.text, "open x: No such file or directory");
    ck_assert_int_eq(bn_err_set(NULL, BN_FULL, "x"), BN_FULL);
    ck_assert_int_eq(bn_err_errno(NULL, BN_STALE, ENOENT, "x"), BN_STALE);
    ck_assert_int_lt(bn_err_wrap(NULL, "x"), 0);
}
END_TEST

START_TEST(test_too_long_keeps_the_outermost) {
    struct bn_err e = BN_ERR_NONE;
    char big[2000];
    memset(big, 'a', sizeof big);
    big[sizeof big - 1] = '\0';
    bn_err_set(&e, BN_IO, "%s", big);
    ck_assert_uint_eq(strlen(e.text), sizeof e.text - 1);
    bn_err_wrap(&e, "outer");
    ck_assert_uint_eq(strlen(e.text), sizeof e.text - 1);
    ck_assert_int_eq(strncmp(e.text, "outer: aaa", 10), 0);
    bn_err_errno(&e, BN_IO, EIO, "%s", big);
    ck_assert_uint_eq(strlen(e.text), sizeof e.text - 1);
}
END_TEST

START_TEST(test_sentences) {
    ck_assert_str_eq(bn_err_text(BN_OK), "no error");
    ck_assert_str_eq(bn_err_text(BN_FULL), "a bound was hit");
    ck_assert_str_eq(bn_err_text(-9999), "unknown status");
}
END_TEST

Suite *err_suite(void);
Suite *err_suite(void) {
    Suite *s = suite_create("err");
    TCase *t = tcase_create("err");
    tcase_add_test(t, test_set_and_wrap);
    tcase_add_test(t, test_too_long_keeps_the_outermost);
    tcase_add_test(t, test_sentences);
    suite_add_tcase(s, t);
    return s;
}
