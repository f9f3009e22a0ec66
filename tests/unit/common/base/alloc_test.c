/* alloc_test.c: sizes at the edges give usable memory; what cannot be had aborts. */
#include "common/base/alloc.h"

#include <signal.h>
#include <string.h>

#include "tests/unit/unit.h"

START_TEST(test_edges) {
    void *p = bn_alloc(0);
    ck_assert_ptr_nonnull(p);
    p = bn_alloc_resize(p, 100);
    memset(p, 1, 100);
    p = bn_alloc_resize(p, 0);
    ck_assert_ptr_nonnull(p);
    bn_alloc_free(p);
    bn_alloc_free(NULL);
    uint8_t *zero = bn_alloc_zero(1000, 3);
    for (int i = 0; i < 3000; i++) ck_assert_int_eq(zero[i], 0);
    bn_alloc_free(zero);
    zero = bn_alloc_zero(0, 7);
    ck_assert_ptr_nonnull(zero);
    bn_alloc_free(zero);
}
END_TEST

START_TEST(test_text) {
    char *a = bn_alloc_strdup("abc"), *b = bn_alloc_strndup("abcdef", 2), *c = bn_alloc_strndup(NULL, 0);
    char *d = bn_alloc_printf("%s-%d", "topic", 7);
    ck_assert_str_eq(a, "abc");
    ck_assert_str_eq(b, "ab");
    ck_assert_str_eq(c, "");
    ck_assert_str_eq(d, "topic-7");
    bn_alloc_free(a), bn_alloc_free(b), bn_alloc_free(c), bn_alloc_free(d);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* sanitizers refuse such sizes in their own way */
#ifndef __SANITIZE_THREAD__
START_TEST(test_overflow_aborts) {
    volatile size_t huge = SIZE_MAX / 2;
    bn_alloc_free(bn_alloc_zero(huge, 4));
}
END_TEST
#endif
#endif

Suite *alloc_suite(void);
Suite *alloc_suite(void) {
    Suite *s = suite_create("alloc");
    TCase *t = tcase_create("alloc");
    tcase_add_test(t, test_edges);
    tcase_add_test(t, test_text);
#ifndef __SANITIZE_ADDRESS__
#ifndef __SANITIZE_THREAD__
    tcase_add_test_raise_signal(t, test_overflow_aborts, SIGABRT);
#endif
#endif
    suite_add_tcase(s, t);
    return s;
}
