/* delete_records_test.c: goal: each partition is answered by its leader, or refused for what it is. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_partition.h"
#include "tests/unit/unit.h"

Suite *delete_records_suite(void);

START_TEST(test_answers) {
    static const struct {
        const char *topic;
        int32_t partition;
        int64_t offset;
        int16_t error;
        int64_t low;
    } cases[] = {
        {"t", 0, 4, KE_NONE, 4},
        {"t", 0, -1, KE_NONE, 9},
        {"t", 0, 10, KE_OFFSET_OUT_OF_RANGE, -1},
        {"t", 2, 0, KE_NOT_LEADER_OR_FOLLOWER, -1},
        {"t", 3, 0, KE_UNKNOWN_TOPIC_OR_PARTITION, -1},
        {"absent", 0, 0, KE_UNKNOWN_TOPIC_OR_PARTITION, -1},
        {"__consumer_offsets", 0, 0, KE_INVALID_TOPIC_EXCEPTION, -1},
    };
    for (int version = 0; version <= 2; version++) {
        for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
            struct fake_world w;
            fake_world_init(&w);
            fake_topic(&w.fake, "__consumer_offsets", 7, 1, 1);
            w.roster.partitions[0].end = 9;
            struct kmsg_delete_records_request q = kmsg_delete_records_request_default;
            struct kmsg_delete_records_request_topic t = kmsg_delete_records_request_topic_default;
            struct kmsg_delete_records_request_partition p = {cases[i].partition, cases[i].offset};
            struct kmsg_delete_records_response r;
            q.topics.v = &t;
            q.topics.n = 1;
            q.timeout_ms = 100;
            t.name = bn_slice_str(cases[i].topic);
            t.partitions.v = &p;
            t.partitions.n = 1;
            fake_world_send(&w, KAPI_DELETE_RECORDS, version, &q);
            fake_take(&w.fake, KAPI_DELETE_RECORDS, version, &r);
            ck_assert_int_eq(r.topics.v[0].partitions.v[0].error_code, cases[i].error);
            ck_assert_int_eq(r.topics.v[0].partitions.v[0].low_watermark, cases[i].low);
            fake_world_fini(&w);
        }
    }
}
END_TEST

Suite *delete_records_suite(void) {
    Suite *s = suite_create("delete_records");
    TCase *t = tcase_create("delete_records");
    tcase_add_test(t, test_answers);
    suite_add_tcase(s, t);
    return s;
}
