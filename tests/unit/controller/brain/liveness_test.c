/* liveness_test.c: incarnations, hellos, fences and admissions. */
#include "tests/unit/controller/brain/bench.h"

START_TEST(a_hello_waits_for_its_admission) {
    struct bench b;
    bench_init(&b, 2);
    bench_create(&b, "t", "0:1,2");
    brain_world_register(&b.zk, 1, NULL);
    bench_hello(&b, 201, 1);
    ck_assert(bench_said(&b, "CLOSE 101"));
    bench_hush(&b);
    struct bn_event e = {.kind = BN_EVENT_BROKERS};
    struct bn_fact_broker *list;
    e.u.brokers.broker_count = brain_world_brokers(&b.zk, &list);
    e.u.brokers.brokers = list;
    bench_feed(&b, &e);
    ck_assert_ptr_null(strstr(b.said.ptr, "REPLY"));
    bench_end(&b, true, false); /* it left the ISR */
    ck_assert_ptr_null(strstr(b.said.ptr, "REPLY"));
    bench_end(&b, true, false); /* it is admitted */
    ck_assert(bench_said(&b, "REPLY 201 hello error 0"));
    ck_assert(bench_said(&b, "IMAGE to 1 (stream 201, incarnation 1)"));
    ck_assert_int_eq(bench_partition(&b, "t", 0)->state.leader, 2);
    bench_fini(&b);
}
END_TEST

/* A second life while the first one's admission is in flight: the first's record does not admit the second. */
START_TEST(an_admission_is_for_one_incarnation) {
    struct bench b;
    bench_init(&b, 2);
    brain_world_register(&b.zk, 1, NULL);
    struct bn_event e = {.kind = BN_EVENT_BROKERS};
    struct bn_fact_broker *list;
    e.u.brokers.broker_count = brain_world_brokers(&b.zk, &list);
    e.u.brokers.brokers = list;
    bench_feed(&b, &e);
    ck_assert_int_eq(b.pending.count, 1);
    brain_world_register(&b.zk, 1, NULL);
    e.u.brokers.broker_count = brain_world_brokers(&b.zk, &list);
    e.u.brokers.brokers = list;
    bench_feed(&b, &e);
    bench_end(&b, true, false);
    ck_assert(!bn_model_broker(b.model, 1)->fit);
    bench_drain(&b);
    ck_assert(bn_model_broker(b.model, 1)->fit);
    ck_assert_int_eq((int)bn_model_broker(b.model, 1)->admitted, 2);
    bench_fini(&b);
}
END_TEST

START_TEST(a_late_fence_misses_the_successor) {
    struct bench b;
    bench_init(&b, 1);
    struct bn_event e = {.kind = BN_EVENT_STREAM_DOWN, .u.stream.token = 101};
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "PROBE 1 incarnation 0"));
    e = (struct bn_event){.kind = BN_EVENT_REFUSED, .u.refused = {1, 0}};
    bench_feed(&b, &e);
    brain_world_register(&b.zk, 1, NULL);
    bench_drain(&b);
    ck_assert_int_ge((int)bench_epoch(&b, 1), 0);
    ck_assert(bn_model_broker(b.model, 1)->registered);
    bench_fini(&b);
}
END_TEST

START_TEST(no_fence_while_its_stream_is_up) {
    struct bench b;
    bench_init(&b, 1);
    struct bn_event e = {.kind = BN_EVENT_REFUSED, .u.refused = {1, 0}};
    bench_feed(&b, &e);
    ck_assert_int_eq(b.pending.count, 0);
    e = (struct bn_event){.kind = BN_EVENT_STREAM_DOWN, .u.stream.token = 101};
    bench_feed(&b, &e);
    e = (struct bn_event){.kind = BN_EVENT_REFUSED, .u.refused = {1, 7}};
    bench_feed(&b, &e);
    ck_assert_int_eq(b.pending.count, 0);
    bench_fini(&b);
}
END_TEST

START_TEST(endpoints_change_without_a_new_life) {
    struct bench b;
    bench_init(&b, 1);
    struct bn_fact_endpoint endpoint = {"PLAINTEXT", "PLAINTEXT", "elsewhere", 9093};
    struct bn_fact_broker broker = {1, bench_epoch(&b, 1), 0, "r", &endpoint, 1};
    struct bn_event e = {.kind = BN_EVENT_BROKERS, .u.brokers = {&broker, 1}};
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "rack r"));
    ck_assert(bn_model_broker(b.model, 1)->fit);
    bench_hush(&b);
    bench_feed(&b, &e);
    ck_assert_uint_eq(b.said.len, 0);
    bench_fini(&b);
}
END_TEST

Suite *liveness_suite(void);
Suite *liveness_suite(void) {
    Suite *s = suite_create("liveness");
    TCase *c = tcase_create("liveness");
    tcase_add_test(c, a_hello_waits_for_its_admission);
    tcase_add_test(c, an_admission_is_for_one_incarnation);
    tcase_add_test(c, a_late_fence_misses_the_successor);
    tcase_add_test(c, no_fence_while_its_stream_is_up);
    tcase_add_test(c, endpoints_change_without_a_new_life);
    suite_add_tcase(s, c);
    return s;
}
