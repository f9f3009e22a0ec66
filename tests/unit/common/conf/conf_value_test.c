/* conf_value_test.c: what each type takes, and the words of each refusal, which are those that Kafka 3.9 gives
 * for the same value. */
#include "common/conf/conf_value.h"

#include "tests/unit/unit.h"

static const struct {
    enum bn_conf_type type;
    const char *valid, *text;
    int64_t number;
    const char *refusal; /* NULL = good */
} cases[] = {
    {BN_CONF_LONG, "-1..", " 7 ", 7, NULL},
    {BN_CONF_LONG, "1..", "+5", 5, NULL},
    {BN_CONF_LONG, NULL, "-9223372036854775808", INT64_MIN, NULL},
    {BN_CONF_LONG, NULL, "9223372036854775808", 0, "Not a number of type LONG"},
    {BN_CONF_LONG, NULL, "abc", 0, "Not a number of type LONG"},
    {BN_CONF_LONG, NULL, "", 0, "Not a number of type LONG"},
    {BN_CONF_LONG, NULL, "+-1", 0, "Not a number of type LONG"},
    {BN_CONF_LONG, "-1..", "-2", 0, "Value must be at least -1"},
    {BN_CONF_INT, "14..", "13", 0, "Value must be at least 14"},
    {BN_CONF_INT, NULL, "3000000000", 0, "Not a number of type INT"},
    {BN_CONF_SHORT, NULL, "-32768", -32768, NULL},
    {BN_CONF_SHORT, NULL, "32768", 0, "Not a number of type SHORT"},
    {BN_CONF_INT, "1..9 or -1", "-1", -1, NULL},
    {BN_CONF_INT, "1..9 or -1", "0", 0, "Value must be between 1 and 9 or equal to -1"},
    {BN_CONF_INT, "-131072..22", "-131072", -131072, NULL},
    {BN_CONF_INT, "1..17", "18", 0, "Value must be no more than 17"},
    {BN_CONF_DOUBLE, "0..1", "1.5", 0, "Value must be no more than 1"},
    {BN_CONF_DOUBLE, "0..1", "x", 0, "Not a number of type DOUBLE"},
    {BN_CONF_DOUBLE, "0..1", "nan", 0, "Not a number of type DOUBLE"},
    {BN_CONF_DOUBLE, NULL, "", 0, "Not a number of type DOUBLE"},
    {BN_CONF_BOOL, NULL, "TRUE", 1, NULL},
    {BN_CONF_BOOL, NULL, "false ", 0, NULL},
    {BN_CONF_BOOL, NULL, "maybe", 0, "Expected value to be either true or false"},
    {BN_CONF_STRING, "a|bc|d", "bc", 1, NULL},
    {BN_CONF_STRING, "a|bc|d", "b", 0, "String must be one of: a, bc, d"},
    {BN_CONF_STRING, "a|bc|d", "", 0, "String must be one of: a, bc, d"},
    {BN_CONF_STRING, "version", "2.8", 0, NULL},
    {BN_CONF_STRING, "version", "0.10.2-IV0", 0, NULL},
    {BN_CONF_STRING, "version", "9", 0, "Version 9 is not a valid version"},
    {BN_CONF_STRING, "version", "3.9-", 0, "Version 3.9- is not a valid version"},
    {BN_CONF_STRING, "version", "", 0, "Version  is not a valid version"},
    {BN_CONF_LIST, "compact|delete", "delete, compact", 3, NULL},
    {BN_CONF_LIST, "compact|delete", "", 0, NULL},
    {BN_CONF_LIST, "compact|delete", "delete", 2, NULL},
    {BN_CONF_LIST, "replicas", "*", 0, NULL},
    {BN_CONF_LIST, "replicas", "0:1,1:2", 0, NULL},
    {BN_CONF_LIST, "replicas", "", 0, NULL},
};

START_TEST(test_values) {
    struct bn_slice text = bn_slice_str(cases[_i].text);
    struct bn_conf_value v;
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_conf_value_parse("k", cases[_i].type, cases[_i].valid, &text, &v, &e);
    if (!cases[_i].refusal) {
        ck_assert_int_eq(rc, 0);
        ck_assert_int_eq(v.number, cases[_i].number);
        return;
    }
    char want[256];
    snprintf(want, sizeof want, "Invalid value %s for configuration k: %s", cases[_i].text, cases[_i].refusal);
    ck_assert_int_eq(rc, BN_BAD);
    ck_assert_str_eq(e.text, want);
}
END_TEST

START_TEST(test_refusals_that_name_an_item) {
    struct bn_slice text = BN_SLICE_LIT("delete, foo");
    struct bn_conf_value v;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_conf_value_parse("cleanup.policy", BN_CONF_LIST, "compact|delete", &text, &v, &e), BN_BAD);
    ck_assert_str_eq(e.text,
                     "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete");
    text = BN_SLICE_LIT("1:2,3");
    ck_assert_int_eq(bn_conf_value_parse("t", BN_CONF_LIST, "replicas", &text, &v, &e), BN_BAD);
    text = BN_SLICE_LIT("0.25e0");
    ck_assert_int_eq(bn_conf_value_parse("r", BN_CONF_DOUBLE, "0..1", &text, &v, &e), 0);
    ck_assert_double_eq(v.real, 0.25);
}
END_TEST

START_TEST(test_items) {
    struct bn_slice rest = BN_SLICE_LIT(" a , b,,c "), item;
    static const char *const want[] = {"a", "b", "", "c"};
    for (int i = 0; i < 4; i++) {
        ck_assert(bn_conf_value_next_item(&rest, &item));
        ck_assert(bn_slice_eq_str(item, want[i]));
    }
    ck_assert(!bn_conf_value_next_item(&rest, &item));
    rest = BN_SLICE_NULL;
    ck_assert(!bn_conf_value_next_item(&rest, &item));
    ck_assert_str_eq(bn_conf_value_type_name(BN_CONF_BOOL), "BOOLEAN");
}
END_TEST

Suite *conf_value_suite(void);
Suite *conf_value_suite(void) {
    Suite *s = suite_create("conf_value");
    TCase *t = tcase_create("conf_value");
    tcase_add_loop_test(t, test_values, 0, BN_ARRAY_LEN(cases));
    tcase_add_test(t, test_refusals_that_name_an_item);
    tcase_add_test(t, test_items);
    suite_add_tcase(s, t);
    return s;
}
