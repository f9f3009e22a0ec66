/* partition_sm_test.c: the table of transitions, and one write at a time. */
#include "controller/brain/partition_sm.h"
#include "tests/unit/controller/brain/bench.h"

START_TEST(transitions) {
    static const char *const TABLE[] = {/* New, Online, Offline, NonExistent */ "-yy-", "-yy-", "-yyy", "y---"};
    for (int from = 0; from < 4; from++)
        for (int to = 0; to < 4; to++)
            ck_assert_int_eq(
                bn_partition_sm_allowed((enum bn_model_partition_kind)from, (enum bn_model_partition_kind)to),
                TABLE[from][to] == 'y');
}
END_TEST

/* The leader restarts while an ISR proposal of its old life is in flight: the new epoch is committed after it. */
START_TEST(a_restart_behind_a_proposal) {
    struct bench b;
    bench_init(&b, 3);
    bench_create(&b, "t", "0:1,2,3");
    struct bn_model_partition *p = bench_partition(&b, "t", 0);
    int32_t isr[] = {1, 2};
    struct bn_event_alter_item item = {p->topic->id, 0, 0, 0, {isr, 2}, NULL, false};
    struct bn_event e = {.kind = BN_EVENT_ALTER_PARTITION, .u.alter_partition = {5, 1, bench_epoch(&b, 1), &item, 1}};
    bench_feed(&b, &e);
    ck_assert(p->busy);
    brain_world_register(&b.zk, 2, NULL);
    struct bn_fact_broker *list;
    e = (struct bn_event){.kind = BN_EVENT_BROKERS};
    e.u.brokers.broker_count = brain_world_brokers(&b.zk, &list);
    e.u.brokers.brokers = list;
    bench_feed(&b, &e);
    ck_assert_int_eq(b.pending.count, 1);
    ck_assert(p->must_bump);
    bench_end(&b, true, false);
    ck_assert(p->must_bump);
    ck_assert(!bn_model_broker(b.model, 2)->fit);
    bench_drain(&b);
    ck_assert(!p->must_bump);
    ck_assert_int_eq(p->state.leader_epoch, 1);
    ck_assert_int_eq(p->state.isr.count, 1);
    ck_assert(bn_model_broker(b.model, 2)->fit);
    ck_assert_int_eq(b.model->bump_count, 0);
    bench_fini(&b);
}
END_TEST

/* A state znode that vanished is left alone until the topic is read again. */
START_TEST(a_vanished_state) {
    struct bench b;
    bench_init(&b, 2);
    bench_create(&b, "t", "0:1,2");
    brain_world_remove(&b.zk, "/brokers/topics/t/partitions/0/state");
    brain_world_unregister(&b.zk, 1);
    bench_brokers(&b);
    ck_assert(bench_said(&b, "vanished from ZooKeeper"));
    ck_assert(bench_partition(&b, "t", 0)->stuck);
    bench_fini(&b);
}
END_TEST

START_TEST(a_newer_controller_wrote) {
    struct bench b;
    bench_init(&b, 2);
    bench_create(&b, "t", "0:1,2");
    struct brain_world_node *n = brain_world_put(&b.zk, "/brokers/topics/t/partitions/0/state");
    n->data.u.state.controller_epoch = 9;
    brain_world_unregister(&b.zk, 1);
    bench_brokers(&b);
    ck_assert(bench_said(&b, "RESIGN a partition state was written by a controller of a newer epoch"));
    bench_fini(&b);
}
END_TEST

Suite *partition_sm_suite(void);
Suite *partition_sm_suite(void) {
    Suite *s = suite_create("partition_sm");
    TCase *c = tcase_create("partition_sm");
    tcase_add_test(c, transitions);
    tcase_add_test(c, a_restart_behind_a_proposal);
    tcase_add_test(c, a_vanished_state);
    tcase_add_test(c, a_newer_controller_wrote);
    suite_add_tcase(s, c);
    return s;
}
