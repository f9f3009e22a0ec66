/* topic_rules_test.c: what kafka-topics.sh refuses by itself, and what it lets through.
 */
#include "tools/topic.h"

#include "tests/unit/unit.h"

Suite *topic_rules_suite(void);

static const struct bn_option table[] = {
    {"bootstrap-server", BN_OPTION_VALUE, NULL},
    {"config", BN_OPTION_VALUE, NULL},
    {"partitions", BN_OPTION_VALUE, NULL},
    {"replication-factor", BN_OPTION_VALUE, NULL},
    {"replica-assignment", BN_OPTION_VALUE, NULL},
    {"topic-id", BN_OPTION_VALUE, NULL},
    {"if-exists", BN_OPTION_FLAG, NULL},
    {"if-not-exists", BN_OPTION_FLAG, NULL},
    {"unavailable-partitions", BN_OPTION_FLAG, NULL},
    {"topics-with-overrides", BN_OPTION_FLAG, NULL},
    {"exclude-internal", BN_OPTION_FLAG, NULL},
    {NULL, BN_OPTION_FLAG, NULL},
};

enum { WORDS_MAX = 6 };

static const struct {
    enum bn_topic_action action;
    const char *topic;
    bool good;
    const char *words[WORDS_MAX];
} samples[] = {
    {BN_TOPIC_CREATE, "t", true, {"--partitions", "1", "--config", "a=b"}},
    {BN_TOPIC_CREATE, NULL, false, {"--partitions", "1"}},
    {BN_TOPIC_CREATE, "t", true, {"--replica-assignment", "0"}},
    {BN_TOPIC_CREATE, "t", false, {"--replica-assignment", "0", "--partitions", "1"}},
    {BN_TOPIC_CREATE, "t", false, {"--replication-factor", "1", "--replica-assignment", "0"}},
    {BN_TOPIC_CREATE, "t", false, {"--if-exists"}},
    {BN_TOPIC_CREATE, "t", false, {"--exclude-internal"}},
    {BN_TOPIC_LIST, NULL, true, {"--exclude-internal"}},
    {BN_TOPIC_LIST, NULL, false, {"--if-exists"}},
    {BN_TOPIC_LIST, NULL, false, {"--partitions", "1"}},
    {BN_TOPIC_LIST, NULL, false, {"--unavailable-partitions"}},
    {BN_TOPIC_DESCRIBE, NULL, true, {"--unavailable-partitions"}},
    {BN_TOPIC_DESCRIBE, NULL, false, {"--unavailable-partitions", "--topics-with-overrides"}},
    {BN_TOPIC_DESCRIBE, NULL, false, {"--if-exists"}},
    {BN_TOPIC_DESCRIBE, "t", true, {"--if-exists"}},
    {BN_TOPIC_DESCRIBE, NULL, true, {"--if-exists", "--topic-id", "x"}},
    {BN_TOPIC_ALTER, "t", true, {"--partitions", "3", "--replica-assignment", "0,0,0"}},
    {BN_TOPIC_ALTER, "t", false, {"--if-exists"}},
    {BN_TOPIC_ALTER, "t", false, {"--partitions", "3", "--config", "a=b"}},
    {BN_TOPIC_ALTER, "t", false, {"--partitions", "3", "--replication-factor", "1"}},
    {BN_TOPIC_DELETE, "t", true, {"--if-exists"}},
    {BN_TOPIC_DELETE, "t", false, {"--if-not-exists"}},
    {BN_TOPIC_DELETE, NULL, false, {"--if-exists"}},
};

static int words_into(char **argv, const char *const *words) {
    int argc = 0;
    argv[argc++] = (char *)(uintptr_t) "program";
    for (int i = 0; i < WORDS_MAX && words[i]; i++) argv[argc++] = (char *)(uintptr_t)words[i];
    return argc;
}

START_TEST(test_samples) {
    char *argv[WORDS_MAX + 3];
    int argc = words_into(argv, samples[_i].words);
    struct bn_options o;
    struct bn_topic_task t = {.program = "p", .action = samples[_i].action, .topic = samples[_i].topic, .kafka = true};
    t.options = &o;
    ck_assert_int_eq(bn_options_parse(&o, "p", table, argc, argv), 0);
    ck_assert_msg(!bn_topic_rules_check(&t), "a server must be named");
    bn_options_fini(&o);
    argv[argc++] = (char *)(uintptr_t) "--bootstrap-server";
    argv[argc++] = (char *)(uintptr_t) "h:1";
    ck_assert_int_eq(bn_options_parse(&o, "p", table, argc, argv), 0);
    ck_assert_int_eq(bn_topic_rules_check(&t), samples[_i].good);
    bn_options_fini(&o);
}
END_TEST

static const struct {
    const char *text; /* NULL: not given */
    bool bounded, good;
    int64_t want;
} numbers[] = {
    {NULL, true, true, 7},           {"1", true, true, 1},    {"32767", true, true, 32767}, {"32768", true, false, 0},
    {"0", true, false, 0},           {"-2", true, false, 0},  {"many", true, false, 0},     {"", true, false, 0},
    {"2147483648", false, false, 0}, {"-5", false, true, -5}, {"0", false, true, 0},        {"1x", false, false, 0},
};

START_TEST(test_numbers) {
    const char *words[WORDS_MAX] = {numbers[_i].text ? "--partitions" : NULL, numbers[_i].text};
    char *argv[WORDS_MAX + 3];
    int argc = words_into(argv, words);
    struct bn_options o;
    ck_assert_int_eq(bn_options_parse(&o, "p", table, argc, argv), 0);
    struct bn_topic_task t = {.program = "p", .options = &o, .error_prefix = ""};
    int64_t got = 7;
    bool good = bn_topic_rules_number(&t, "partitions", INT16_MAX, numbers[_i].bounded ? "out of bounds" : NULL, &got);
    ck_assert_int_eq(good, numbers[_i].good);
    if (good) ck_assert_int_eq(got, numbers[_i].want);
    bn_options_fini(&o);
}
END_TEST

Suite *topic_rules_suite(void) {
    Suite *s = suite_create("topic_rules");
    TCase *t = tcase_create("topic_rules");
    tcase_add_loop_test(t, test_samples, 0, (int)BN_ARRAY_LEN(samples));
    tcase_add_loop_test(t, test_numbers, 0, (int)BN_ARRAY_LEN(numbers));
    suite_add_tcase(s, t);
    return s;
}
