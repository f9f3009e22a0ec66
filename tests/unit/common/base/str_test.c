/* str_test.c: text grows, is always terminated, and an empty one costs nothing and is still text. */
#include "common/base/str.h"

#include <string.h>

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

START_TEST(test_growing) {
    struct bn_str s;
    bn_str_init(&s);
    ck_assert_str_eq(s.ptr, "");
    bn_str_clear(&s);
    bn_str_add(&s, "");
    bn_str_add_slice(&s, BN_SLICE_NULL);
    ck_assert_uint_eq(s.capacity, 0);
    for (int i = 0; i < 1000; i++) {
        bn_str_addf(&s, "%d,", i % 10);
        ck_assert_uint_eq(strlen(s.ptr), s.len);
        ck_assert_uint_lt(s.len, s.capacity);
    }
    ck_assert_uint_eq(s.len, 2000);
    bn_str_clear(&s);
    ck_assert_str_eq(s.ptr, "");
    bn_str_add_slice(&s, bn_slice_of("abcdef", 3));
    bn_str_addf(&s, "%s", "");
    char *room = bn_str_reserve(&s, 100);
    memset(room, 'x', 100);
    s.len += 100;
    s.ptr[s.len] = '\0';
    ck_assert_int_eq(strncmp(s.ptr, "abcxxx", 6), 0);
    ck_assert(bn_slice_eq_str(bn_str_slice(&s), s.ptr));
    bn_str_fini(&s);
    ck_assert_str_eq(s.ptr, "");
}
END_TEST

START_TEST(test_taking) {
    struct bn_str s;
    bn_str_init(&s);
    char *text = bn_str_take(&s);
    ck_assert_str_eq(text, "");
    bn_alloc_free(text);
    bn_str_add(&s, "hello");
    text = bn_str_take(&s);
    ck_assert_str_eq(text, "hello");
    ck_assert_uint_eq(s.len, 0);
    bn_str_add(&s, "again");
    ck_assert_str_eq(text, "hello");
    bn_alloc_free(text);
    bn_str_fini(&s);
}
END_TEST

Suite *str_suite(void);
Suite *str_suite(void) {
    Suite *s = suite_create("str");
    TCase *t = tcase_create("str");
    tcase_add_test(t, test_growing);
    tcase_add_test(t, test_taking);
    suite_add_tcase(s, t);
    return s;
}
