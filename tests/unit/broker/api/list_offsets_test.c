/* list_offsets_test.c: special times by version, and partitions that are not here.
 */
#include "tests/unit/broker/api/fake_partition.h"

#include "tests/unit/unit.h"

Suite *list_offsets_suite(void);

enum { LIST_OFFSETS = 2 };

static struct kmsg_list_offsets_response ask(struct fake_world *w, int version, const char *topic, int32_t partition,
                                             int64_t timestamp) {
    struct kmsg_list_offsets_request q = kmsg_list_offsets_request_default;
    struct kmsg_list_offsets_request_topic t = kmsg_list_offsets_request_topic_default;
    struct kmsg_list_offsets_request_partition p = kmsg_list_offsets_request_partition_default;
    struct kmsg_list_offsets_response r;
    q.replica_id = -1;
    q.topics.v = &t;
    q.topics.n = 1;
    t.name = bn_slice_str(topic);
    t.partitions.v = &p;
    t.partitions.n = 1;
    p.partition_index = partition;
    p.timestamp = timestamp;
    fake_world_send(w, LIST_OFFSETS, version, &q);
    fake_take(&w->fake, LIST_OFFSETS, version, &r);
    return r;
}

START_TEST(test_repeated) { /* each time; others are answered */
    struct fake_world w;
    struct kmsg_list_offsets_request q = kmsg_list_offsets_request_default;
    struct kmsg_list_offsets_request_topic t[2] = {kmsg_list_offsets_request_topic_default,
                                                   kmsg_list_offsets_request_topic_default};
    struct kmsg_list_offsets_request_partition p[2] = {kmsg_list_offsets_request_partition_default,
                                                       kmsg_list_offsets_request_partition_default};
    struct kmsg_list_offsets_response r;
    fake_world_init(&w);
    w.roster.partitions[0].end = 9;
    q.replica_id = -1;
    q.topics.v = t;
    q.topics.n = 2;
    for (int i = 0; i < 2; i++) {
        t[i].name = BN_SLICE_LIT("t");
        t[i].partitions.v = p;
        t[i].partitions.n = 2 - i;
        p[i].partition_index = 1 - i;
        p[i].timestamp = -1;
    }
    fake_world_send(&w, LIST_OFFSETS, 5, &q);
    fake_take(&w.fake, LIST_OFFSETS, 5, &r);
    ck_assert_int_eq(r.topics.v[0].partitions.v[0].error_code, KE_INVALID_REQUEST);
    ck_assert_int_eq(r.topics.v[0].partitions.v[0].offset, -1);
    ck_assert_int_eq(r.topics.v[1].partitions.v[0].error_code, KE_INVALID_REQUEST);
    ck_assert_int_eq(r.topics.v[0].partitions.v[1].error_code, KE_NONE);
    ck_assert_int_eq(r.topics.v[0].partitions.v[1].offset, 9);
    fake_world_fini(&w);
}
END_TEST

START_TEST(test_answers) {
    static const struct {
        int version;
        const char *topic;
        int32_t partition;
        int64_t timestamp;
        int error;
        int64_t offset;
    } cases[] = {
        {1, "t", 0, -1, KE_NONE, 9},
        {9, "t", 0, -2, KE_NONE, 0},
        {7, "t", 0, -3, KE_NONE, 0},
        {6, "t", 0, -3, KE_UNSUPPORTED_VERSION, -1},
        {7, "t", 0, -4, KE_UNSUPPORTED_VERSION, -1},
        {8, "t", 0, -5, KE_UNSUPPORTED_VERSION, -1},
        {9, "t", 0, -6, KE_UNSUPPORTED_VERSION, -1},
        {9, "t", 2, -1, KE_NOT_LEADER_OR_FOLLOWER, -1},
        {9, "t", 3, -1, KE_UNKNOWN_TOPIC_OR_PARTITION, -1},
        {9, "absent", 0, -1, KE_UNKNOWN_TOPIC_OR_PARTITION, -1},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fake_world w;
        fake_world_init(&w);
        w.roster.partitions[0].end = 9;
        struct kmsg_list_offsets_response r = ask(&w, cases[i].version, cases[i].topic, cases[i].partition,
                                                  cases[i].timestamp);
        ck_assert_int_eq(r.topics.n, 1);
        ck_assert_int_eq(r.topics.v[0].partitions.v[0].error_code, cases[i].error);
        ck_assert_int_eq(r.topics.v[0].partitions.v[0].offset, cases[i].offset);
        fake_world_fini(&w);
    }
}
END_TEST

Suite *list_offsets_suite(void) {
    Suite *s = suite_create("list_offsets");
    TCase *t = tcase_create("list_offsets");
    tcase_add_test(t, test_answers);
    tcase_add_test(t, test_repeated);
    suite_add_tcase(s, t);
    return s;
}
