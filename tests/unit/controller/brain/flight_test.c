/* flight_test.c: what ends a controller, and what only makes it look again. */
#include "common/base/err.h"
#include "tests/unit/controller/brain/bench.h"

static void create(struct bench *b, const char *name) {
    struct bn_event_create_topic t = {.name = name, .num_partitions = 1, .replication_factor = 1};
    struct bn_event e = {.kind = BN_EVENT_CREATE_TOPICS};
    e.u.create_topics = (struct bn_event_create_topics){.token = 1, .timeout_ms = 1000, .topics = &t, .topic_count = 1};
    bench_feed(b, &e);
}

static void end_with(struct bench *b, int status, int failed_op) {
    struct bn_event e = {.kind = BN_EVENT_MULTI_DONE};
    e.u.multi_done = (struct bn_event_multi_done){
        .multi = b->pending.items[0].id, .status = status, .failed_op = failed_op};
    brain_pending_drop(&b->pending);
    bench_feed(b, &e);
}

START_TEST(ends) {
    static const struct {
        int status, failed_op;
        const char *said;
    } CASES[] = {
        {BN_STALE, -1, "RESIGN the controller moved"},
        {BN_CLOSED, -1, "RESIGN the ZooKeeper session expired"},
        {BN_IO, -1, "RESIGN a write to ZooKeeper failed"},
        {BN_IO, 1, "RESIGN a write to ZooKeeper failed"},
        {BN_LOST, -1, "READ 3 topic t"},
        {BN_EXISTS, 1, "t error 36"},
        {BN_EXISTS, 0, "set-config t"},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(CASES); i++) {
        struct bench b;
        bench_init(&b, 1);
        create(&b, "t");
        end_with(&b, CASES[i].status, CASES[i].failed_op);
        ck_assert(bench_said(&b, CASES[i].said));
        bench_fini(&b);
    }
}
END_TEST

START_TEST(a_failed_read_is_asked_again) {
    struct bench b;
    bench_init(&b, 1);
    create(&b, "t");
    end_with(&b, BN_LOST, -1);
    struct bn_event e = {.kind = BN_EVENT_READ_DONE, .u.read_done = {b.pending.items[0].id, BN_IO, NULL, 0}};
    brain_pending_drop(&b.pending);
    bench_feed(&b, &e);
    ck_assert_int_eq(b.pending.count, 1);
    bench_drain(&b);
    ck_assert(bench_said(&b, "t error 0"));
    bench_fini(&b);
}
END_TEST

/* 5000 partitions of a tool: bounded multis, a bounded number of them in flight, all states made. */
START_TEST(multis_are_bounded) {
    struct bench b;
    struct bn_str assignment;
    bench_init(&b, 3);
    bn_str_init(&assignment);
    for (int i = 0; i < 5000; i++) bn_str_addf(&assignment, "%s%d:%d,%d", i ? " " : "", i, i % 3 + 1, (i + 1) % 3 + 1);
    struct bn_event e = {.kind = BN_EVENT_TOPIC};
    brain_world_edit_topic(&b.zk, "t", assignment.ptr, NULL);
    ck_assert(brain_world_topic(&b.zk, "t", &e.u.topic));
    bench_feed(&b, &e);
    while (b.pending.count) {
        ck_assert_int_le(b.pending.items[0].op_count, BN_OUTPUT_OPS_MAX);
        ck_assert_int_le(b.pending.count, BN_MODEL_FLIGHTS_MAX + 2);
        bench_end(&b, true, false);
    }
    struct bn_model_counts counts;
    bn_model_count(b.model, &counts);
    ck_assert_int_eq(counts.partitions, 5000);
    ck_assert_int_eq(counts.offline_partitions, 0);
    bn_str_fini(&assignment);
    bench_fini(&b);
}
END_TEST

Suite *flight_suite(void);
Suite *flight_suite(void) {
    Suite *s = suite_create("flight");
    TCase *c = tcase_create("flight");
    tcase_add_test(c, ends);
    tcase_add_test(c, a_failed_read_is_asked_again);
    tcase_add_test(c, multis_are_bounded);
    suite_add_tcase(s, c);
    return s;
}
