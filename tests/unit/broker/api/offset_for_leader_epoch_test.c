/* offset_for_leader_epoch_test.c: where epochs end, who may ask, and what is no error.
 */
#include "tests/unit/broker/api/fake_partition.h"

#include "tests/unit/unit.h"

Suite *offset_for_leader_epoch_suite(void);

enum { OFFSET_FOR_LEADER_EPOCH = 23 };

static struct kmsg_offset_for_leader_epoch_response ask(struct fake_world *w, int version, const char *topic,
                                                        int32_t partition, int32_t current, int32_t epoch) {
    struct kmsg_offset_for_leader_epoch_request q = kmsg_offset_for_leader_epoch_request_default;
    struct kmsg_offset_for_leader_epoch_request_topic t = kmsg_offset_for_leader_epoch_request_topic_default;
    struct kmsg_offset_for_leader_epoch_request_partition p = kmsg_offset_for_leader_epoch_request_partition_default;
    struct kmsg_offset_for_leader_epoch_response r;
    q.replica_id = version % 2 ? 2 : -1; /* followers and consumers are answered alike */
    q.topics.v = &t;
    q.topics.n = 1;
    t.topic = bn_slice_str(topic);
    t.partitions.v = &p;
    t.partitions.n = 1;
    p.partition = partition;
    p.current_leader_epoch = current;
    p.leader_epoch = epoch;
    fake_world_send(w, OFFSET_FOR_LEADER_EPOCH, version, &q);
    fake_take(&w->fake, OFFSET_FOR_LEADER_EPOCH, version, &r);
    return r;
}

START_TEST(test_answers) {
    static const struct {
        const char *topic;
        int32_t partition, current, epoch;
        int error;
        int32_t found;
        int64_t end;
    } cases[] = {
        {"t", 0, -1, 5, KE_NONE, 5, 9},
        {"t", 0, 5, 3, KE_NONE, 3, 9},
        {"t", 0, 5, 6, KE_NONE, -1, -1}, /* an epoch from the future: unknown, and no error */
        {"t", 0, 4, 3, KE_FENCED_LEADER_EPOCH, -1, -1},
        {"t", 0, 6, 3, KE_UNKNOWN_LEADER_EPOCH, -1, -1},
        {"t", 2, 5, 3, KE_NOT_LEADER_OR_FOLLOWER, -1, -1},
        {"t", 3, 5, 3, KE_UNKNOWN_TOPIC_OR_PARTITION, -1, -1},
        {"absent", 0, 5, 3, KE_UNKNOWN_TOPIC_OR_PARTITION, -1, -1},
    };
    for (int version = 2; version <= 4; version++) {
        for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
            struct fake_world w;
            fake_world_init(&w);
            w.roster.partitions[0].end = 9;
            struct kmsg_offset_for_leader_epoch_response r = ask(&w, version, cases[i].topic, cases[i].partition,
                                                                 cases[i].current, cases[i].epoch);
            ck_assert_int_eq(r.topics.n, 1);
            ck_assert_int_eq(r.topics.v[0].partitions.v[0].partition, cases[i].partition);
            ck_assert_int_eq(r.topics.v[0].partitions.v[0].error_code, cases[i].error);
            ck_assert_int_eq(r.topics.v[0].partitions.v[0].leader_epoch, cases[i].found);
            ck_assert_int_eq(r.topics.v[0].partitions.v[0].end_offset, cases[i].end);
            fake_world_fini(&w);
        }
    }
}
END_TEST

Suite *offset_for_leader_epoch_suite(void) {
    Suite *s = suite_create("offset_for_leader_epoch");
    TCase *t = tcase_create("offset_for_leader_epoch");
    tcase_add_test(t, test_answers);
    suite_add_tcase(s, t);
    return s;
}
