/* options_test.c: command lines as people type them after years of Kafka's tools.
 */
#include "tools/options.h"

#include "tests/unit/unit.h"

Suite *options_suite(void);

static const struct bn_option table[] = {
    {"create", BN_OPTION_FLAG, "create"},
    {"topic", BN_OPTION_VALUE, "topic"},
    {"topic-id", BN_OPTION_VALUE, "topic id"},
    {"config", BN_OPTION_VALUE, "config"},
    {"partitions", BN_OPTION_VALUE, "partitions"},
    {"compression-codec", BN_OPTION_MAYBE, "codec"},
    {NULL, BN_OPTION_FLAG, NULL},
};

enum { WORDS_MAX = 8 };

struct sample {
    const char *words[WORDS_MAX];
    const char *option, *value; /* expected; value NULL: given without one. option NULL: the line must be refused */
};

static const struct sample samples[] = {
    {{"--create"}, "create", NULL},
    {{"-create"}, "create", NULL},
    {{"--topic", "first"}, "topic", "first"},
    {{"--topic=first"}, "topic", "first"},
    {{"-topic", "first"}, "topic", "first"},
    {{"--topic", "a=b"}, "topic", "a=b"},
    {{"--topic="}, "topic", ""},
    {{"--part", "3"}, "partitions", "3"},
    {{"--partitions", "-1"}, "partitions", "-1"},
    {{"--compression-codec"}, "compression-codec", NULL},
    {{"--compression-codec", "lz4"}, "compression-codec", "lz4"},
    {{"--compression-codec", "--create"}, "compression-codec", NULL},
    {{"--config", "a=1", "--config", "b=2"}, "config", "b=2"}, /* the last one's value */
    {{"--topics", "x"}, NULL, NULL},
    {{"--c", "x"}, NULL, NULL}, /* the beginning of several */
    {{"--topic"}, NULL, NULL},
    {{"--topic", "--create"}, NULL, NULL},
    {{"--"}, NULL, NULL},
};

START_TEST(test_samples) {
    const struct sample *s = &samples[_i];
    char *argv[WORDS_MAX + 1] = {(char *)(uintptr_t) "program"};
    int argc = 1;
    for (; argc <= WORDS_MAX - 1 && s->words[argc - 1]; argc++) argv[argc] = (char *)(uintptr_t)s->words[argc - 1];
    struct bn_options o;
    int rc = bn_options_parse(&o, "program", table, argc, argv);
    ck_assert_int_eq(rc, s->option ? 0 : -1);
    if (s->option) {
        ck_assert(bn_options_has(&o, s->option));
        ck_assert_pstr_eq(bn_options_get(&o, s->option), s->value);
    }
    bn_options_fini(&o);
}
END_TEST

START_TEST(test_repeated_rest_and_numbers) {
    char *argv[] = {(char *)(uintptr_t) "program",      (char *)(uintptr_t) "--config", (char *)(uintptr_t) "a=1",
                    (char *)(uintptr_t) "rest",         (char *)(uintptr_t) "--config", (char *)(uintptr_t) "b=2",
                    (char *)(uintptr_t) "--partitions", (char *)(uintptr_t) "x"};
    struct bn_options o;
    int at = 0;
    bool bad = false;
    ck_assert_int_eq(bn_options_parse(&o, "program", table, BN_ARRAY_LEN(argv), argv), 0);
    ck_assert_str_eq(bn_options_next(&o, "config", &at), "a=1");
    ck_assert_str_eq(bn_options_next(&o, "config", &at), "b=2");
    ck_assert_ptr_null(bn_options_next(&o, "config", &at));
    ck_assert_int_eq(o.rest_count, 1);
    ck_assert_str_eq(o.rest[0], "rest");
    ck_assert_int_eq(bn_options_number(&o, "absent", 7, &bad), 7);
    ck_assert(!bad);
    bn_options_number(&o, "partitions", 7, &bad);
    ck_assert(bad);
    bn_options_fini(&o);
}
END_TEST

Suite *options_suite(void) {
    Suite *s = suite_create("options");
    TCase *t = tcase_create("options");
    tcase_add_loop_test(t, test_samples, 0, BN_ARRAY_LEN(samples));
    tcase_add_test(t, test_repeated_rest_and_numbers);
    suite_add_tcase(s, t);
    return s;
}
