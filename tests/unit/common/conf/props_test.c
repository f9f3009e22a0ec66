/* props_test.c: each rule of the format against what java.util.Properties makes of the same text (the expected
 * values were read off Java), and hostile text, which must neither crash nor read past its end. */
#include "common/conf/props.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *text, *key, *value; /* value NULL = no such key */
} cases[] = {
    {"a=b", "a", "b"},
    {"a = b c  ", "a", "b c  "},
    {"a:b", "a", "b"},
    {"a b=c", "a", "b=c"},
    {"  \t\f a \t = \t b", "a", "b"},
    {"a==b", "a", "=b"},
    {"a\\ b = c\\\n   # d\n", "a b", "c# d"},
    {"e\\u0041=\\x\\t|", "eA", "x\t|"},
    {"noval\n", "noval", ""},
    {"noval", "noval", ""},
    {"\\=x==y", "=x", "=y"},
    {"!c\\\nz=1", "z", "1"},
    {"#c\\\nz=1", "z", "1"},
    {"last=\\", "last", ""},
    {"a=1\r\nb=2\rc=3", "b", "2"},
    {"a=1\r\nb=2\rc=3", "c", "3"},
    {"a=1\\\r\n  2", "a", "12"},
    {"a=1\\\\\nb=2", "a", "1\\"},
    {"a=1\\\\\nb=2", "b", "2"},
    {"a=1\\\\\\\n2", "a", "1\\2"},
    {"a=\\\n\nb=2", "a", ""},
    {"a=\\\n\nb=2", "b", "2"},
    {"a=1\na=2", "a", "2"},
    {"a=\\r\\n\\f\\q\\\\", "a", "\r\n\fq\\"},
    {"=v", "", "v"},
    {"a=\xe9", "a", "\xc3\xa9"},
    {"a=\\u20ac\\uD83D\\uDE00", "a", "\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"a=\\uD83D.", "a", "\xef\xbf\xbd."},
    {"\n\n   \n", "a", NULL},
    {"", "a", NULL},
};

START_TEST(test_rules) {
    struct bn_props p;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_props_parse(bn_slice_str(cases[_i].text), &p, &e), 0);
    const char *got = bn_props_get(&p, cases[_i].key);
    if (cases[_i].value) ck_assert_str_eq(got, cases[_i].value);
    else ck_assert_ptr_null(got);
    bn_props_fini(&p);
}
END_TEST

START_TEST(test_lines_and_refusals) {
    struct bn_props p;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_props_parse(bn_slice_str("# one\n\r\na=1\\\n 2\r\rb=\\u12g4\nc=1"), &p, &e), BN_BAD);
    ck_assert_str_eq(e.text, "line 6: malformed \\uxxxx escape");
    ck_assert_uint_eq(p.count, 1);
    ck_assert_int_eq(p.list[0].line, 3);
    ck_assert_str_eq(p.list[0].value, "12");
    bn_props_fini(&p);
    ck_assert_int_eq(bn_props_parse(bn_slice_str("a=\\u12"), &p, &e), BN_BAD);
    bn_props_fini(&p);
    ck_assert_int_eq(bn_props_parse(bn_slice_str("a=\\u0000"), &p, &e), BN_BAD);
    bn_props_fini(&p);
}
END_TEST

START_TEST(test_hostile_text) {
    static const char alphabet[] = "\\\\\\u0dD8=: \t\n\r#!ab\0\xff";
    uint32_t seed = 1 + (uint32_t)_i;
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)round % 40;
        char *text = malloc(len ? len : 1); /* exactly as long as the text, for the sanitizer */
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        struct bn_props p;
        if (bn_props_parse(bn_slice_of(text, len), &p, NULL) == 0) {
            for (size_t i = 0; i < p.count; i++) {
                ck_assert_uint_le(strlen(p.list[i].key) + strlen(p.list[i].value), len * 3);
            }
        }
        bn_props_fini(&p);
        free(text);
    }
}
END_TEST

Suite *props_suite(void);
Suite *props_suite(void) {
    Suite *s = suite_create("props");
    TCase *t = tcase_create("props");
    tcase_add_loop_test(t, test_rules, 0, BN_ARRAY_LEN(cases));
    tcase_add_test(t, test_lines_and_refusals);
    tcase_add_loop_test(t, test_hostile_text, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
