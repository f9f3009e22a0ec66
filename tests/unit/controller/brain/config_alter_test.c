/* config_alter_test.c: goal: a change is read, judged, written at what was read and told, whatever comes between; the
 * judge here refuses what is called "bad" and sets what it is asked to. */
#include "controller/brain/config_alter.h"

#include "common/base/alloc.h"
#include "tests/unit/controller/brain/bench.h"

static int16_t judge(const struct bn_event_alter_config *change, const struct bn_fact_config *now,
                     struct bn_arena *arena, struct bn_fact_config *out, const char **message) {
    int32_t kept = change->replace ? 0 : now->entry_count;
    struct bn_fact_pair *pairs = bn_arena_array(arena, (size_t)(kept + change->op_count) + 1, sizeof *pairs);
    for (int32_t i = 0; i < kept; i++) pairs[i] = now->entries[i];
    for (int32_t i = 0; i < change->op_count; i++) {
        if (strcmp(change->ops[i].name, "bad") == 0) {
            *message = "it is bad";
            return BN_KERR_INVALID_CONFIG;
        }
        pairs[kept++] = (struct bn_fact_pair){change->ops[i].name, change->ops[i].value};
    }
    out->entries = pairs;
    out->entry_count = kept;
    return 0;
}

static bool lacks(const struct bench *b, const char *text) { return !b->said.ptr || !strstr(b->said.ptr, text); }

static void start(struct bench *b) {
    bench_init(b, 1);
    b->settings.change_config = judge;
    b->model->settings.change_config = judge;
    bench_create(b, "t", "0:1");
    bench_hush(b);
}

/* Asks for one key of one entity; name "t" is a topic, others are brokers. */
static void ask(struct bench *b, uint64_t token, const char *name, const char *key, bool validate_only) {
    struct bn_event_config_op op = {key, BN_EVENT_CONFIG_SET, "v"};
    bool topic = name[0] >= 'a' && name[0] <= 'z';
    struct bn_event_alter_config entity = {
        .type = topic ? "topics" : "brokers", .name = name, .told_name = name, .ops = &op, .op_count = 1};
    struct bn_event e = {.kind = BN_EVENT_ALTER_CONFIGS, .u.alter_configs = {token, validate_only, &entity, 1}};
    bench_feed(b, &e);
}

START_TEST(written_and_told) {
    struct bench b;
    start(&b);
    ask(&b, 7, "t", "k", false);
    ask(&b, 8, "<default>", "d", false);
    bench_drain(&b);
    ck_assert_msg(bench_said(&b, "create-config topics/t k=v"), "%s", b.said.ptr);
    ck_assert(bench_said(&b, "tell-config topics/t\n"));
    ck_assert(bench_said(&b, "config topics/t k=v\n"));
    ck_assert(bench_said(&b, "REPLY 7 alter-configs error 0\n    t error 0"));
    ck_assert(bench_said(&b, "create-config brokers/<default> d=v"));
    ck_assert(bench_said(&b, "config brokers/<default> d=v\n"));
    ck_assert(bench_said(&b, "REPLY 8 alter-configs error 0"));
    /* The second change of one entity sets, at the version that was read, and keeps what is there. */
    bench_hush(&b);
    ask(&b, 9, "t", "l", false);
    bench_drain(&b);
    ck_assert_msg(bench_said(&b, "set-config at 0 topics/t k=v l=v"), "%s", b.said.ptr);
    /* Our own notice, read back, is no news. */
    bench_hush(&b);
    struct bn_fact_pair pairs[] = {{"k", "v"}, {"l", "v"}};
    struct bn_event e = {.kind = BN_EVENT_CONFIG, .u.config = {"topics", "t", pairs, 2}};
    bench_feed(&b, &e);
    ck_assert_uint_eq(b.said.len, 0);
    bench_fini(&b);
}
END_TEST

START_TEST(refused) {
    struct bench b;
    start(&b);
    ask(&b, 1, "t", "bad", false);
    ask(&b, 2, "nowhere", "k", false);
    ask(&b, 3, "t", "k", true);
    bench_drain(&b);
    ck_assert_msg(bench_said(&b, "REPLY 1 alter-configs error 0\n    t error 40"), "%s", b.said.ptr);
    ck_assert(bench_said(&b, "nowhere error 3"));
    ck_assert(bench_said(&b, "REPLY 3 alter-configs error 0\n    t error 0"));
    ck_assert(lacks(&b, "create-config"));
    ck_assert(lacks(&b, "DELTA"));
    struct bn_event e = {.kind = BN_EVENT_ALTER_CONFIGS, .u.alter_configs = {.token = 4}};
    bench_feed(&b, &e); /* about nothing */
    ck_assert(bench_said(&b, "REPLY 4 alter-configs error 0"));
    bench_fini(&b);
}
END_TEST

START_TEST(in_turn) { /* two changes of one entity: the second reads what the first wrote */
    struct bench b;
    start(&b);
    ask(&b, 1, "t", "k", false);
    ask(&b, 2, "t", "l", false);
    bench_drain(&b);
    ck_assert(bench_said(&b, "create-config topics/t k=v"));
    ck_assert_msg(bench_said(&b, "set-config at 0 topics/t k=v l=v"), "%s", b.said.ptr);
    bench_fini(&b);
}
END_TEST

START_TEST(again) { /* a lost answer, of a write that happened (_i 0) or not: read, judged and written again */
    struct bench b;
    start(&b);
    ask(&b, 1, "t", "k", false);
    bench_end(&b, true, false);   /* the reading */
    bench_end(&b, _i == 0, true); /* the writing */
    ck_assert(lacks(&b, "REPLY 1"));
    bench_drain(&b);
    ck_assert(bench_said(&b, "REPLY 1 alter-configs error 0\n    t error 0"));
    ck_assert_int_eq(!lacks(&b, "set-config at 0 topics/t"), _i == 0);
    bench_fini(&b);
}
END_TEST

START_TEST(deleted_meanwhile) {
    struct bench b;
    start(&b);
    ask(&b, 1, "t", "k", false);
    struct bn_event e = {.kind = BN_EVENT_TOPIC_GONE, .u.name = "t"};
    bench_feed(&b, &e);
    bench_drain(&b);
    ck_assert_msg(bench_said(&b, "t error 3"), "%s", b.said.ptr);
    ck_assert(lacks(&b, "create-config"));
    bench_fini(&b);
}
END_TEST

START_TEST(many) { /* more than may be under way at once, and a model that is dropped in the middle */
    struct bench b;
    enum { N = 200 };
    struct bn_event_alter_config entities[N];
    struct bn_event_config_op op = {"k", BN_EVENT_CONFIG_SET, "v"};
    char names[N][16];
    start(&b);
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        entities[i] = (struct bn_event_alter_config){
            .type = "brokers", .name = names[i], .told_name = names[i], .ops = &op, .op_count = 1};
    }
    entities[5].error = BN_KERR_INVALID_REQUEST;
    struct bn_event e = {.kind = BN_EVENT_ALTER_CONFIGS, .u.alter_configs = {1, false, entities, N}};
    bench_feed(&b, &e);
    bench_drain(&b);
    ck_assert(bench_said(&b, "REPLY 1 alter-configs error 0"));
    ck_assert(bench_said(&b, "\n    5 error 42"));
    ck_assert(bench_said(&b, "\n    199 error 0"));
    e.u.alter_configs.token = 2;
    bench_feed(&b, &e);
    bench_fini(&b);
}
END_TEST

Suite *config_alter_suite(void);
Suite *config_alter_suite(void) {
    Suite *s = suite_create("config_alter");
    TCase *c = tcase_create("config_alter");
    tcase_add_test(c, written_and_told);
    tcase_add_test(c, refused);
    tcase_add_test(c, in_turn);
    tcase_add_loop_test(c, again, 0, 2);
    tcase_add_test(c, deleted_meanwhile);
    tcase_add_test(c, many);
    suite_add_tcase(s, c);
    return s;
}
