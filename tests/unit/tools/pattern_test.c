/* pattern_test.c: which topics and partitions the words of kafka-get-offsets mean. */
#include "tools/pattern.h"

#include "tests/unit/unit.h"

Suite *pattern_suite(void);

static const struct {
    const char *rule, *topic;
    int32_t partition;
    bool parses, matches;
} rules[] = {
    {"a", "a", 7, true, true},       {"a", "b", 0, true, false},    {"a.*", "abc", 0, true, true},
    {"a:1", "a", 1, true, true},     {"a:1", "a", 2, true, false},  {"a:0-2", "a", 1, true, true},
    {"a:0-2", "a", 2, true, false},  {"a:1-", "a", 9, true, true},  {"a:1-", "a", 0, true, false},
    {"a:-2", "a", 1, true, true},    {"a:-2", "a", 2, true, false}, {":0", "any", 0, true, true},
    {"a:", "a", 5, true, true},      {"a:x", "a", 0, false, false}, {"a:1-x", "a", 0, false, false},
    {"a:1:2", "a", 0, false, false}, {"a(", "a(", 0, true, false},  {"", "x", 3, true, true},
};

START_TEST(rule) {
    struct bn_pattern_rule r;
    bool parses = bn_pattern_rule_parse(bn_slice_str(rules[_i].rule), &r);
    ck_assert_int_eq(parses, rules[_i].parses);
    if (!parses) return;
    ck_assert_int_eq(bn_pattern_rule_matches(&r, bn_slice_str(rules[_i].topic), rules[_i].partition),
                     rules[_i].matches);
    bn_pattern_rule_fini(&r);
}
END_TEST

START_TEST(whole_names) {
    ck_assert(bn_pattern_matches(NULL, BN_SLICE_LIT("x")));
    ck_assert(bn_pattern_matches("a,b", BN_SLICE_LIT("b")));
    ck_assert(!bn_pattern_matches("a", BN_SLICE_LIT("ab")));
    ck_assert(!bn_pattern_matches("a(", BN_SLICE_LIT("a(")));
}
END_TEST

Suite *pattern_suite(void) {
    Suite *s = suite_create("tools/pattern");
    TCase *t = tcase_create("patterns");
    tcase_add_loop_test(t, rule, 0, (int)BN_ARRAY_LEN(rules));
    tcase_add_test(t, whole_names);
    suite_add_tcase(s, t);
    return s;
}
