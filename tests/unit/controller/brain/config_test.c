/* config_test.c: overrides are told whole, asked by elections, and forgotten. */
#include "controller/brain/config.h"
#include "tests/unit/controller/brain/bench.h"

static void set(struct bench *b, const char *type, const char *name, const char *key, const char *value) {
    struct bn_fact_pair pair = {key, value};
    struct bn_event e = {.kind = BN_EVENT_CONFIG, .u.config = {type, name, &pair, key ? 1 : 0}};
    bench_feed(b, &e);
}

START_TEST(told_and_forgotten) {
    struct bench b;
    bench_init(&b, 1);
    set(&b, "topics", "t", "retention.ms", "5");
    ck_assert(bench_said(&b, "config topics/t retention.ms=5"));
    set(&b, "brokers", "<default>", "k", "v");
    ck_assert(bench_said(&b, "config brokers/<default> k=v"));
    bench_hush(&b);
    set(&b, "clients", "c", "k", "v");
    ck_assert_uint_eq(b.said.len, 0);
    set(&b, "topics", "t", NULL, NULL);
    ck_assert(bench_said(&b, "config topics/t\n"));
    set(&b, "topics", "u", "k", "v");
    ck_assert_ptr_null(bn_config_find(b.model, "topics", "t"));
    ck_assert_ptr_nonnull(bn_config_find(b.model, "topics", "u"));
    bench_fini(&b);
}
END_TEST

START_TEST(booleans) {
    static const struct {
        const char *value;
        bool otherwise, want;
    } CASES[] = {
        {"true", false, true}, {"TRUE", false, true}, {"false", true, false}, {"yes", true, true}, {"", false, false}};
    struct bench b;
    bench_init(&b, 1);
    for (size_t i = 0; i < BN_ARRAY_LEN(CASES); i++) {
        set(&b, "topics", "t", "unclean.leader.election.enable", CASES[i].value);
        ck_assert_int_eq(bn_config_bool(b.model, "t", "unclean.leader.election.enable", CASES[i].otherwise),
                         CASES[i].want);
    }
    ck_assert(bn_config_bool(b.model, "nobody", "unclean.leader.election.enable", true));
    /* Behind the topic's: the broker of the controller's id, then all brokers. */
    set(&b, "brokers", "<default>", "unclean.leader.election.enable", "true");
    ck_assert(bn_config_bool(b.model, "nobody", "unclean.leader.election.enable", false));
    char id[16];
    snprintf(id, sizeof id, "%d", b.model->controller_id);
    set(&b, "brokers", id, "unclean.leader.election.enable", "false");
    ck_assert(!bn_config_bool(b.model, "nobody", "unclean.leader.election.enable", true));
    set(&b, "topics", "t", "unclean.leader.election.enable", "true");
    ck_assert(bn_config_bool(b.model, "t", "unclean.leader.election.enable", false));
    bench_fini(&b);
}
END_TEST

Suite *config_suite(void);
Suite *config_suite(void) {
    Suite *s = suite_create("config");
    TCase *c = tcase_create("config");
    tcase_add_test(c, told_and_forgotten);
    tcase_add_test(c, booleans);
    suite_add_tcase(s, c);
    return s;
}
