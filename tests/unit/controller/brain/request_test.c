/* request_test.c: requests are answered once: when all is told, or at their deadline. */
#include "tests/unit/controller/brain/bench.h"

static void create_two(struct bench *b, int32_t timeout_ms, const char *second) {
    static const int32_t DEAD[] = {9};
    struct bn_event_assignment dead = {0, {DEAD, 1}};
    struct bn_event_create_topic topics[] = {
        {.name = "one", .num_partitions = 1, .replication_factor = 1},
        {.name = second, .num_partitions = -1, .replication_factor = -1, .assignments = &dead, .assignment_count = 1}};
    struct bn_event e = {.kind = BN_EVENT_CREATE_TOPICS};
    e.u.create_topics = (struct bn_event_create_topics){
        .token = 5, .timeout_ms = timeout_ms, .topics = topics, .topic_count = 2};
    bench_feed(b, &e);
}

START_TEST(partly_done_at_the_deadline) {
    struct bench b;
    bench_init(&b, 1);
    create_two(&b, 500, "dead");
    bench_drain(&b);
    ck_assert(bench_said(&b, "TIMER 500"));
    ck_assert_ptr_null(strstr(b.said.ptr, "REPLY"));
    struct bn_event e = {.kind = BN_EVENT_TICK};
    b.now_ms = 499;
    bench_feed(&b, &e);
    ck_assert_ptr_null(strstr(b.said.ptr, "REPLY"));
    b.now_ms = 500;
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "one error 0 partitions 1 replication 1"));
    ck_assert(bench_said(&b, "dead error 7"));
    bench_hush(&b);
    b.now_ms = 5000;
    bench_feed(&b, &e);
    ck_assert_ptr_null(strstr(b.said.ptr, "REPLY"));
    bench_fini(&b);
}
END_TEST

START_TEST(refusals_do_not_wait) {
    struct bench b;
    bench_init(&b, 1);
    create_two(&b, 0, "bad name");
    ck_assert(bench_said(&b, "one error 7"));
    ck_assert(bench_said(&b, "bad name error 17"));
    bench_fini(&b);
}
END_TEST

/* The topic is deleted while its creation still waits for a leader. */
START_TEST(deleted_while_waiting) {
    struct bench b;
    bench_init(&b, 1);
    create_two(&b, 500, "dead");
    bench_drain(&b);
    struct bn_event_delete_topic t = {.name = "dead"};
    struct bn_event e = {.kind = BN_EVENT_DELETE_TOPICS};
    e.u.delete_topics = (struct bn_event_delete_topics){6, 500, 6, true, &t, 1};
    bench_feed(&b, &e);
    bench_drain(&b);
    ck_assert(bench_said(&b, "REPLY 5"));
    ck_assert(bench_said(&b, "dead error 17"));
    ck_assert(bench_said(&b, "REPLY 6 delete-topics error 0\n    dead error 0"));
    bench_fini(&b);
}
END_TEST

Suite *request_suite(void);
Suite *request_suite(void) {
    Suite *s = suite_create("request");
    TCase *c = tcase_create("request");
    tcase_add_test(c, partly_done_at_the_deadline);
    tcase_add_test(c, refusals_do_not_wait);
    tcase_add_test(c, deleted_while_waiting);
    suite_add_tcase(s, c);
    return s;
}
