/* topics_test.c: topics found in ZooKeeper: ids, second copies, topics made anew. */
#include "controller/brain/topics.h"
#include "tests/unit/controller/brain/bench.h"

START_TEST(table) {
    static const char *const TABLE[] = {"-x--x", "--x-x", "---xx", "----x", "-----"};
    for (int from = 0; from < 5; from++)
        for (int to = 0; to < 5; to++)
            ck_assert_int_eq(bn_topics_allowed((enum bn_model_topic_kind)from, (enum bn_model_topic_kind)to),
                             TABLE[from][to] == 'x');
}
END_TEST

/* Deleted and made anew by hand between two readings: another id, no evidence, the logs become strays. */
START_TEST(made_anew) {
    struct bench b;
    bench_init(&b, 1);
    bench_create(&b, "t", "0:1");
    struct bn_uuid old = bn_model_topic(b.model, "t")->id;
    brain_world_purge(&b.zk, "t");
    brain_world_edit_topic(&b.zk, "t", "0:1", NULL);
    struct bn_event e = {.kind = BN_EVENT_TOPIC};
    ck_assert(brain_world_topic(&b.zk, "t", &e.u.topic));
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "kept as strays"));
    ck_assert_ptr_null(strstr(b.said.ptr, "removed topic"));
    bench_drain(&b);
    ck_assert(!bn_uuid_eq(&old, &bn_model_topic(b.model, "t")->id));
    ck_assert_ptr_null(bn_model_topic_by_id(b.model, &old));
    bench_fini(&b);
}
END_TEST

/* Data of Kafka before 2.8: states, but no id anywhere. */
START_TEST(an_old_topic_gets_an_id_and_is_not_told_before) {
    struct bench b;
    bench_init(&b, 1);
    brain_world_edit_topic(&b.zk, "old", "0:1", NULL);
    brain_world_put(&b.zk, "/brokers/topics/old/partitions");
    brain_world_put(&b.zk, "/brokers/topics/old/partitions/0");
    static const int32_t ISR[] = {1};
    brain_world_put(&b.zk, "/brokers/topics/old/partitions/0/state")->data = (struct bn_output_op){
        .u.state = {.leader = 1, .leader_epoch = 4, .isr = {ISR, 1}}};
    bench_restart(&b, 2);
    bench_hello(&b, 300, 1);
    ck_assert_ptr_null(strstr(b.said.ptr, "old-0 "));
    bench_drain(&b);
    ck_assert(bench_said(&b, "old-0 replicas=1 leader=1 epoch=4"));
    ck_assert(bench_said(&b, "set-partitions old"));
    bench_fini(&b);
}
END_TEST

START_TEST(partition_znodes_of_half_a_creation) {
    struct bench b;
    bench_init(&b, 1);
    brain_world_edit_topic(&b.zk, "t", "0:1 1:1", NULL);
    brain_world_put(&b.zk, "/brokers/topics/t/partitions");
    brain_world_put(&b.zk, "/brokers/topics/t/partitions/1");
    struct bn_event e = {.kind = BN_EVENT_TOPIC};
    ck_assert(brain_world_topic(&b.zk, "t", &e.u.topic));
    bench_feed(&b, &e);
    bench_drain(&b);
    ck_assert_int_eq(bench_partition(&b, "t", 1)->state.leader, 1);
    bench_fini(&b);
}
END_TEST

Suite *topics_suite(void);
Suite *topics_suite(void) {
    Suite *s = suite_create("topics");
    TCase *c = tcase_create("topics");
    tcase_add_test(c, table);
    tcase_add_test(c, made_anew);
    tcase_add_test(c, an_old_topic_gets_an_id_and_is_not_told_before);
    tcase_add_test(c, partition_znodes_of_half_a_creation);
    suite_add_tcase(s, c);
    return s;
}
