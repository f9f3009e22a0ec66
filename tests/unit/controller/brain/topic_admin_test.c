/* topic_admin_test.c: what the transcripts do not show: both id and name, old versions, replicas of zero. */
#include "controller/brain/topic_admin.h"

#include "common/base/alloc.h"
#include "tests/unit/controller/brain/bench.h"

START_TEST(deletions_refused_whole) {
    static const struct {
        bool enable, both;
        int16_t version;
        const char *said;
    } CASES[] = {
        {false, false, 6, "t error 73 \"Topic deletion is disabled.\""},
        {false, false, 2, "t error 42 \"Topic deletion is disabled.\""},
        {true, true, 6, "t error 42 \"Topic name and topic ID can not both be specified.\""},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(CASES); i++) {
        struct bench b;
        bench_init(&b, 1);
        bench_create(&b, "t", "0:1");
        struct bn_event_delete_topic t = {.name = "t"};
        if (CASES[i].both) t.id = bn_model_topic(b.model, "t")->id;
        struct bn_event e = {.kind = BN_EVENT_DELETE_TOPICS};
        e.u.delete_topics = (struct bn_event_delete_topics){1, 1000, CASES[i].version, CASES[i].enable, &t, 1};
        bench_feed(&b, &e);
        ck_assert(bench_said(&b, CASES[i].said));
        ck_assert_int_eq(b.pending.count, 0);
        bench_fini(&b);
    }
}
END_TEST

START_TEST(deleted_by_id) {
    struct bench b;
    bench_init(&b, 1);
    bench_create(&b, "t", "0:1");
    struct bn_event_delete_topic t = {.id = bn_model_topic(b.model, "t")->id};
    struct bn_event e = {.kind = BN_EVENT_DELETE_TOPICS};
    e.u.delete_topics = (struct bn_event_delete_topics){1, 1000, 6, true, &t, 1};
    bench_feed(&b, &e);
    bench_drain(&b);
    ck_assert(bench_said(&b, "t error 0"));
    bench_fini(&b);
}
END_TEST

/* As many names as a request may hold take no square of their number: nothing else is decided meanwhile. */
START_TEST(many_names) {
    enum { N = 150000 };
    struct bench b;
    bench_init(&b, 1);
    bench_create(&b, "t", "0:1");
    char(*names)[16] = bn_alloc(N * sizeof *names);
    struct bn_event_create_topic *topics = bn_alloc_zero(N, sizeof *topics);
    struct bn_event_add_partitions *more = bn_alloc_zero(N, sizeof *more);
    for (int i = 0; i < N; i++) { /* the first and the last are the same */
        snprintf(names[i], sizeof names[i], "topic-%d", i % (N - 1));
        topics[i] = (struct bn_event_create_topic){.name = names[i], .num_partitions = 1, .replication_factor = 1};
        more[i] = (struct bn_event_add_partitions){.name = names[i], .count = 2};
    }
    struct bn_event e = {.kind = BN_EVENT_CREATE_TOPICS};
    e.u.create_topics = (struct bn_event_create_topics){
        .token = 1, .timeout_ms = 1000, .validate_only = true, .topics = topics, .topic_count = N};
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "topic-0 error 42 \"Found multiple entries for this topic.\""));
    ck_assert(bench_said(&b, "topic-1 error 0"));
    e = (struct bn_event){.kind = BN_EVENT_CREATE_PARTITIONS};
    e.u.create_partitions = (struct bn_event_create_partitions){
        .token = 2, .timeout_ms = 1000, .validate_only = true, .topics = more, .topic_count = N};
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "topic-0 error 42 \"Duplicate topic in request.\""));
    bn_alloc_free(names);
    bn_alloc_free(topics);
    bn_alloc_free(more);
    bench_fini(&b);
}
END_TEST

START_TEST(an_empty_assignment) {
    struct bench b;
    bench_init(&b, 1);
    struct bn_event_assignment none = {0, {NULL, 0}};
    struct bn_event_create_topic t = {"t", -1, -1, &none, 1, NULL, 0, 0, NULL};
    struct bn_event e = {.kind = BN_EVENT_CREATE_TOPICS};
    e.u.create_topics = (struct bn_event_create_topics){.token = 1, .timeout_ms = 1000, .topics = &t, .topic_count = 1};
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "t error 39"));
    e.u.create_topics.topic_count = 0;
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "REPLY 1 create-topics error 0\n"));
    bench_fini(&b);
}
END_TEST

Suite *topic_admin_suite(void);
Suite *topic_admin_suite(void) {
    Suite *s = suite_create("topic_admin");
    TCase *c = tcase_create("topic_admin");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, deletions_refused_whole);
    tcase_add_test(c, deleted_by_id);
    tcase_add_test(c, an_empty_assignment);
    tcase_add_test(c, many_names);
    suite_add_tcase(s, c);
    return s;
}
