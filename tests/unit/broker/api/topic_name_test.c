/* topic_name_test.c: goal: Kafka's rule for names, at its edges. */
#include "broker/api/topic_name.h"

#include "tests/unit/unit.h"

START_TEST(test_names) {
    static const struct {
        struct bn_slice name;
        bool good;
    } cases[] = {
        {BN_SLICE_LIT("orders"), true},     {BN_SLICE_LIT("A.b-c_9"), true}, {BN_SLICE_LIT("..."), true},
        {BN_SLICE_LIT(""), false},          {BN_SLICE_LIT("."), false},      {BN_SLICE_LIT(".."), false},
        {BN_SLICE_LIT("a/b"), false},       {BN_SLICE_LIT("a b"), false},    {BN_SLICE_LIT("a\0b"), false},
        {BN_SLICE_LIT("\xc3\xa4"), false},  {BN_SLICE_LIT("a:b"), false},    {{NULL, 0}, false},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        ck_assert_msg(bn_topic_name_good(cases[i].name) == cases[i].good, "case %zu", i);
    }
    char longest[250];
    memset(longest, 'x', sizeof longest);
    ck_assert(bn_topic_name_good(bn_slice_of(longest, 249)));
    ck_assert(!bn_topic_name_good(bn_slice_of(longest, 250)));
    ck_assert(bn_topic_name_internal(BN_SLICE_LIT("__consumer_offsets")));
    ck_assert(!bn_topic_name_internal(BN_SLICE_LIT("__consumer_offset")));
}
END_TEST

START_TEST(test_explains) {
    static const struct {
        const char *name, *why;
    } cases[] = {
        {"", "Topic name is invalid: the empty string is not allowed"},
        {".", "Topic name is invalid: '.' is not allowed"},
        {"a/b", "Topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' "
                "and '-'"},
    };
    char text[700], longest[251];
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        bn_topic_name_explain(bn_slice_str(cases[i].name), text, sizeof text);
        ck_assert_str_eq(text, cases[i].why);
    }
    memset(longest, 'x', sizeof longest);
    longest[250] = '\0';
    bn_topic_name_explain(bn_slice_str(longest), text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "' is longer than the max allowed length 249"));
}
END_TEST

Suite *topic_name_suite(void);
Suite *topic_name_suite(void) {
    Suite *s = suite_create("topic_name");
    TCase *t = tcase_create("topic_name");
    tcase_add_test(t, test_names);
    tcase_add_test(t, test_explains);
    suite_add_tcase(s, t);
    return s;
}
