/* publish_test.c: deltas hold what changed, images everything, and only what is committed. */
#include "tests/unit/controller/brain/bench.h"

START_TEST(an_image_has_no_uncommitted_state) {
    struct bench b;
    bench_init(&b, 2);
    bench_create(&b, "t", "0:1,2");
    brain_world_unregister(&b.zk, 1);
    struct bn_event e = {.kind = BN_EVENT_BROKERS};
    struct bn_fact_broker *list;
    e.u.brokers.broker_count = brain_world_brokers(&b.zk, &list);
    e.u.brokers.brokers = list;
    bench_feed(&b, &e); /* the election is in flight */
    bench_hush(&b);
    bench_hello(&b, 300, 2);
    ck_assert(bench_said(&b, "t-0 replicas=1,2 leader=1 epoch=0"));
    bench_hush(&b);
    bench_drain(&b);
    ck_assert(bench_said(&b, "t-0 replicas=1,2 leader=2 epoch=1"));
    bench_fini(&b);
}
END_TEST

START_TEST(is_new_only_in_the_first_state) {
    struct bench b;
    bench_init(&b, 2);
    bench_create(&b, "t", "0:1,2");
    bench_hello(&b, 300, 1);
    ck_assert(bench_said(&b, "isr=1,2 version=0 new\n"));
    brain_world_unregister(&b.zk, 2);
    bench_brokers(&b);
    ck_assert(bench_said(&b, "isr=1 version=1\n"));
    bench_fini(&b);
}
END_TEST

START_TEST(one_delta_per_step_grouped_by_topic) {
    struct bench b;
    bench_init(&b, 2);
    bench_create(&b, "a", "0:1,2 1:1,2");
    bench_create(&b, "b", "0:1,2");
    brain_world_unregister(&b.zk, 1);
    bench_brokers(&b);
    const struct bn_output *last = &b.out.items[b.out.count - 1];
    ck_assert_int_eq((int)last->kind, BN_OUTPUT_DELTA);
    ck_assert_int_eq(last->u.delta.topic_count, 2);
    ck_assert_int_eq(last->u.delta.topics[0].partition_count + last->u.delta.topics[1].partition_count, 3);
    bench_fini(&b);
}
END_TEST

Suite *publish_suite(void);
Suite *publish_suite(void) {
    Suite *s = suite_create("publish");
    TCase *c = tcase_create("publish");
    tcase_add_test(c, an_image_has_no_uncommitted_state);
    tcase_add_test(c, is_new_only_in_the_first_state);
    tcase_add_test(c, one_delta_per_step_grouped_by_topic);
    suite_add_tcase(s, c);
    return s;
}
