/* offset_fetch_test.c: goal: asked for or all, one group or several: what is there is told, what is not is -1. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *offset_fetch_suite(void);

static void commit(struct fake_groups *g, int32_t partition, int64_t offset) {
    struct bn_grecord_offset o = {offset, 5, BN_SLICE_LIT("meta"), 1, -1};
    bn_offsets_put(&g->coordinator.offsets, BN_SLICE_LIT("t"), partition, &o, 1);
}

START_TEST(test_one_group) {
    int32_t partitions[2] = {0, 1};
    for (int version = 1; version <= 7; version++) {
        struct fake_groups g;
        fake_groups_init(&g);
        commit(&g, 1, 42);
        struct kmsg_offset_fetch_request q = kmsg_offset_fetch_request_default;
        struct kmsg_offset_fetch_request_topic t = {BN_SLICE_LIT("t"), {partitions, 2}};
        struct kmsg_offset_fetch_response r;
        q.group_id = BN_SLICE_LIT("g");
        q.topics.v = &t;
        q.topics.n = 1;
        fake_groups_ask(&g, KAPI_OFFSET_FETCH, version, &q, &r);
        ck_assert_int_eq(r.error_code, KE_NONE);
        ck_assert_int_eq(r.topics.v[0].partitions.v[0].committed_offset, -1);
        ck_assert_int_eq(r.topics.v[0].partitions.v[1].committed_offset, 42);
        ck_assert(bn_slice_eq_str(r.topics.v[0].partitions.v[1].metadata, "meta"));
        ck_assert_int_eq(r.topics.v[0].partitions.v[1].committed_leader_epoch, version >= 5 ? 5 : -1);
        if (version >= 2) {
            q.topics.n = -1;
            fake_groups_ask(&g, KAPI_OFFSET_FETCH, version, &q, &r);
            ck_assert_int_eq(r.topics.n, 1);
            ck_assert_int_eq(r.topics.v[0].partitions.v[0].partition_index, 1);
        }
        fake_groups_fini(&g);
    }
}
END_TEST

START_TEST(test_several_groups) {
    int32_t partition = 1;
    for (int version = 8; version <= 9; version++) {
        struct fake_groups g;
        fake_groups_init(&g);
        commit(&g, 1, 42);
        struct kmsg_offset_fetch_request q = kmsg_offset_fetch_request_default;
        struct kmsg_offset_fetch_request_group_topic t = {BN_SLICE_LIT("t"), {&partition, 1}};
        struct kmsg_offset_fetch_request_group groups[2] = {kmsg_offset_fetch_request_group_default,
                                                            kmsg_offset_fetch_request_group_default};
        struct kmsg_offset_fetch_response r;
        groups[0].group_id = BN_SLICE_LIT("g");
        groups[0].topics.n = -1;
        groups[1].group_id = BN_SLICE_LIT("other");
        groups[1].topics.v = &t;
        groups[1].topics.n = 1;
        q.groups.v = groups;
        q.groups.n = 2;
        fake_groups_ask(&g, KAPI_OFFSET_FETCH, version, &q, &r);
        ck_assert_int_eq(r.groups.n, 2);
        ck_assert_int_eq(r.groups.v[0].topics.v[0].partitions.v[0].committed_offset, 42);
        ck_assert_int_eq(r.groups.v[1].topics.v[0].partitions.v[0].committed_offset, -1);
        g.coordinator.error = KE_COORDINATOR_LOAD_IN_PROGRESS;
        fake_groups_ask(&g, KAPI_OFFSET_FETCH, version, &q, &r);
        ck_assert_int_eq(r.groups.v[0].error_code, KE_COORDINATOR_LOAD_IN_PROGRESS);
        fake_groups_fini(&g);
    }
}
END_TEST

Suite *offset_fetch_suite(void) {
    Suite *s = suite_create("offset_fetch");
    TCase *t = tcase_create("offset_fetch");
    tcase_add_test(t, test_one_group);
    tcase_add_test(t, test_several_groups);
    suite_add_tcase(s, t);
    return s;
}
