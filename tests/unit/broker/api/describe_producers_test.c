/* describe_producers_test.c: goal: what a replica's log remembers is told; errors are of the partition. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_partition.h"
#include "tests/unit/unit.h"

Suite *describe_producers_suite(void);

START_TEST(test_answers) {
    static const struct {
        const char *topic;
        int32_t partition;
        int16_t fails; /* what the replica says */
        int16_t error;
        int32_t count;
    } cases[] = {
        {"t", 0, KE_NONE, KE_NONE, 3},
        {"t", 0, KE_KAFKA_STORAGE_ERROR, KE_KAFKA_STORAGE_ERROR, 0},
        {"t", 2, KE_NONE, KE_NOT_LEADER_OR_FOLLOWER, 0},
        {"t", 3, KE_NONE, KE_UNKNOWN_TOPIC_OR_PARTITION, 0},
        {"absent", 0, KE_NONE, KE_UNKNOWN_TOPIC_OR_PARTITION, 0},
        {"a b", 0, KE_NONE, KE_INVALID_TOPIC_EXCEPTION, 0},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fake_world w;
        fake_world_init(&w);
        w.roster.partitions[0].end = 3;
        w.roster.partitions[0].error = cases[i].fails;
        struct kmsg_describe_producers_request q = kmsg_describe_producers_request_default;
        struct kmsg_describe_producers_request_topic t = kmsg_describe_producers_request_topic_default;
        struct kmsg_describe_producers_response r;
        int32_t partition = cases[i].partition;
        q.topics.v = &t;
        q.topics.n = 1;
        t.name = bn_slice_str(cases[i].topic);
        t.partition_indexes.v = &partition;
        t.partition_indexes.n = 1;
        fake_world_send(&w, KAPI_DESCRIBE_PRODUCERS, 0, &q);
        fake_take(&w.fake, KAPI_DESCRIBE_PRODUCERS, 0, &r);
        const struct kmsg_describe_producers_response_partition *p = &r.topics.v[0].partitions.v[0];
        ck_assert_int_eq(p->partition_index, partition);
        ck_assert_int_eq(p->error_code, cases[i].error);
        ck_assert_int_eq(p->active_producers.n, cases[i].count);
        for (int32_t k = 0; k < cases[i].count; k++) {
            ck_assert_int_eq(p->active_producers.v[k].producer_id, 1000 + k);
            ck_assert_int_eq(p->active_producers.v[k].producer_epoch, 2);
            ck_assert_int_eq(p->active_producers.v[k].current_txn_start_offset, -1);
        }
        fake_world_fini(&w);
    }
}
END_TEST

Suite *describe_producers_suite(void) {
    Suite *s = suite_create("describe_producers");
    TCase *t = tcase_create("describe_producers");
    tcase_add_test(t, test_answers);
    suite_add_tcase(s, t);
    return s;
}
