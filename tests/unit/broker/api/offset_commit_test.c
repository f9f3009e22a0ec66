/* offset_commit_test.c: goal: what is known is committed, what is not has its own error. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *offset_commit_suite(void);

START_TEST(test_versions) {
    for (int version = 1; version <= 9; version++) {
        struct fake_groups g;
        fake_groups_init(&g);
        struct kmsg_offset_commit_request q = kmsg_offset_commit_request_default;
        struct kmsg_offset_commit_request_topic t = kmsg_offset_commit_request_topic_default;
        struct kmsg_offset_commit_request_partition p[3];
        struct kmsg_offset_commit_response r;
        for (int i = 0; i < 3; i++) {
            p[i] = kmsg_offset_commit_request_partition_default;
            p[i].partition_index = i == 1 ? 99 : i;
            p[i].committed_offset = i == 2 ? -5 : 7; /* whatever a client chooses, as with Kafka */
            if (version == 1) p[i].commit_timestamp = 1000 + i;
        }
        q.group_id = BN_SLICE_LIT("g");
        q.member_id = BN_SLICE_LIT("m1");
        q.generation_id_or_member_epoch = 2;
        q.topics.v = &t;
        q.topics.n = 1;
        t.name = BN_SLICE_LIT("t");
        t.partitions.v = p;
        t.partitions.n = 3;
        fake_groups_ask(&g, KAPI_OFFSET_COMMIT, version, &q, &r);
        ck_assert_int_eq(r.topics.v[0].partitions.v[0].error_code, KE_NONE);
        ck_assert_int_eq(r.topics.v[0].partitions.v[1].error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
        ck_assert_int_eq(r.topics.v[0].partitions.v[2].error_code, KE_NONE);
        ck_assert_int_eq(g.coordinator.generation, 2);
        ck_assert_int_eq(g.coordinator.commit_ms, version == 1 ? 1002 : -1);
        ck_assert_int_eq(bn_offsets_get(&g.coordinator.offsets, BN_SLICE_LIT("t"), 2)->committed.offset, -5);
        ck_assert_int_eq(bn_offsets_get(&g.coordinator.offsets, BN_SLICE_LIT("t"), 0)->committed.offset, 7);
        fake_groups_fini(&g);
    }
}
END_TEST

/* What can't be committed makes no group, and keeps its own error when there is no coordinator. */
START_TEST(test_nothing_good) {
    struct fake_groups g;
    struct kmsg_offset_commit_request_partition p = kmsg_offset_commit_request_partition_default;
    struct kmsg_offset_commit_request_topic topics[2] = {{BN_SLICE_LIT("nowhere"), {&p, 1}},
                                                         {BN_SLICE_LIT("t"), {&p, 1}}};
    struct kmsg_offset_commit_request q = kmsg_offset_commit_request_default;
    struct kmsg_offset_commit_response r;
    fake_groups_init(&g);
    q.group_id = BN_SLICE_LIT("g");
    q.topics.v = topics;
    q.topics.n = 1;
    fake_groups_ask(&g, KAPI_OFFSET_COMMIT, 8, &q, &r);
    ck_assert_int_eq(r.topics.v[0].partitions.v[0].error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(g.coordinator.asked, 0);
    g.coordinators[0] = NULL;
    q.topics.n = 2;
    fake_groups_ask(&g, KAPI_OFFSET_COMMIT, 8, &q, &r);
    ck_assert_int_eq(r.topics.v[0].partitions.v[0].error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(r.topics.v[1].partitions.v[0].error_code, KE_NOT_COORDINATOR);
    fake_groups_fini(&g);
}
END_TEST

Suite *offset_commit_suite(void) {
    Suite *s = suite_create("offset_commit");
    TCase *t = tcase_create("offset_commit");
    tcase_add_test(t, test_versions);
    tcase_add_test(t, test_nothing_good);
    suite_add_tcase(s, t);
    return s;
}
