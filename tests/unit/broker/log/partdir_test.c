/* partdir_test.c: goal: only what Kafka would take for a partition's directory is one, and a renamed directory never is
 * again, however long its topic's name.
 */
#include "broker/log/partdir.h"

#include "tests/unit/unit.h"

Suite *partdir_suite(void);

static const struct {
    const char *name, *topic; /* topic NULL: no partition's */
    int32_t partition;
} cases[] = {
    {"t-0", "t", 0},
    {"a.b_c-d-17", "a.b_c-d", 17},
    {"t--1", "t-", 1},
    {"t-2147483647", "t", INT32_MAX},
    {"t-2147483648", NULL, 0},
    {"t-99999999999", NULL, 0},
    {"t-01", NULL, 0},
    {"t-", NULL, 0},
    {"-1", NULL, 0},
    {"x", NULL, 0},
    {"", NULL, 0},
    {"a b-0", NULL, 0},
    {"t-+1", NULL, 0},
    {"t-0.0123456789abcdef0123456789abcdef-delete", NULL, 0},
    {"t-0.0123456789abcdef0123456789abcdef-stray", NULL, 0},
    {"t-0.0123456789abcdef0123456789abcdef-future", NULL, 0},
};

START_TEST(test_parse) {
    char topic[BN_PARTDIR_TOPIC] = "";
    int32_t partition = -1;
    bool good = bn_partdir_parse(cases[_i].name, topic, &partition);
    ck_assert_msg(good == (cases[_i].topic != NULL), "%s", cases[_i].name);
    if (!good) return;
    ck_assert_str_eq(topic, cases[_i].topic);
    ck_assert_int_eq(partition, cases[_i].partition);
}
END_TEST

/* The longest names: 249 characters are a topic, 250 are not. */
START_TEST(test_long_names) {
    char name[300], topic[BN_PARTDIR_TOPIC], renamed[BN_PARTDIR_MAX + 1];
    int32_t partition;
    uint8_t random[16];
    memset(random, 0xab, sizeof random);
    for (int len = 249; len <= 250; len++) {
        memset(name, 'n', (size_t)len);
        strncpy(name + len, "-7", 3);
        ck_assert_int_eq(bn_partdir_parse(name, topic, &partition), len == 249);
    }
    name[249] = '\0';
    bn_partdir_renamed(renamed, name, INT32_MAX, random, BN_PARTDIR_DELETE);
    ck_assert_uint_eq(strlen(renamed), BN_PARTDIR_MAX);
    ck_assert(bn_partdir_is(renamed, "nnn-2147483647.abababababababababababababababab-delete"));
    ck_assert(!bn_partdir_parse(renamed, topic, &partition));
    bn_partdir_renamed(renamed, "t", 0, random, BN_PARTDIR_STRAY);
    ck_assert_str_eq(renamed, "t-0.abababababababababababababababab-stray");
    ck_assert(!bn_partdir_is("-delete", BN_PARTDIR_DELETE));
}
END_TEST

Suite *partdir_suite(void) {
    Suite *s = suite_create("partdir");
    TCase *t = tcase_create("partdir");
    tcase_add_loop_test(t, test_parse, 0, (int)BN_ARRAY_LEN(cases));
    tcase_add_test(t, test_long_names);
    suite_add_tcase(s, t);
    return s;
}
