/* offset_fetch_test.c: goal: asked for or all, one group or several: what is there is told, what is not is -1. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *offset_fetch_suite(void);

static void commit_to(struct fake_groups *g, const char *topic, int32_t partition, int64_t offset) {
    struct bn_grecord_offset o = {offset, 5, BN_SLICE_LIT("meta"), 1, -1};
    bn_offsets_put(&g->coordinator.offsets, bn_slice_str(topic), partition, &o, 1);
}

static void commit(struct fake_groups *g, int32_t partition, int64_t offset) { commit_to(g, "t", partition, offset); }

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

/* What is asked for twice is told once: an answer is larger than its question. From version 2 on an error stands alone.
 */
START_TEST(test_repeated) {
    int32_t partitions[4] = {1, 0, 1, 1};
    struct fake_groups g;
    struct kmsg_offset_fetch_request_topic t[3] = {{BN_SLICE_LIT("t"), {partitions, 4}},
                                                   {BN_SLICE_LIT("a"), {partitions, 1}},
                                                   {BN_SLICE_LIT("t"), {partitions, 1}}};
    struct kmsg_offset_fetch_request_group same = kmsg_offset_fetch_request_group_default;
    struct kmsg_offset_fetch_request q = kmsg_offset_fetch_request_default;
    struct kmsg_offset_fetch_response r;
    fake_groups_init(&g);
    commit(&g, 1, 42);
    q.group_id = BN_SLICE_LIT("g");
    q.topics.v = t;
    q.topics.n = 3;
    fake_groups_ask(&g, KAPI_OFFSET_FETCH, 5, &q, &r);
    ck_assert_int_eq(r.topics.n, 2);
    ck_assert_int_eq(r.topics.v[0].partitions.n, 1);
    ck_assert_int_eq(r.topics.v[1].partitions.n, 2);
    ck_assert_int_eq(r.topics.v[1].partitions.v[1].committed_offset, 42);
    for (int version = 1; version <= 2; version++) {
        g.coordinator.error = KE_NOT_COORDINATOR;
        fake_groups_ask(&g, KAPI_OFFSET_FETCH, version, &q, &r);
        ck_assert_int_eq(r.topics.n, version == 1 ? 2 : 0);
        ck_assert_int_eq(version == 1 ? r.topics.v[0].partitions.v[0].error_code : r.error_code, KE_NOT_COORDINATOR);
    }
    g.coordinator.error = KE_NONE;
    q = kmsg_offset_fetch_request_default;
    same.group_id = BN_SLICE_LIT("g");
    same.topics.n = -1;
    struct kmsg_offset_fetch_request_group groups[2] = {same, same};
    q.groups.v = groups;
    q.groups.n = 2;
    fake_groups_ask(&g, KAPI_OFFSET_FETCH, 8, &q, &r);
    ck_assert_int_eq(r.groups.n, 1);
    fake_groups_fini(&g);
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

/* Go's clients keep what comes last under a topic's name. */
START_TEST(test_all_of_a_topic_together) {
    static const char *const TOPICS[] = {"a", "b", "t"};
    for (int version = 2; version <= 9; version++) {
        struct fake_groups g;
        fake_groups_init(&g);
        for (int32_t p = 9; p >= 0; p--) commit_to(&g, TOPICS[p % 3], p / 3, p);
        struct kmsg_offset_fetch_request q = kmsg_offset_fetch_request_default;
        struct kmsg_offset_fetch_request_group group = kmsg_offset_fetch_request_group_default;
        struct kmsg_offset_fetch_response r;
        group.group_id = BN_SLICE_LIT("g");
        group.topics.n = -1;
        if (version < 8) {
            q.group_id = group.group_id;
            q.topics.n = -1;
        } else {
            q.groups.v = &group;
            q.groups.n = 1;
        }
        fake_groups_ask(&g, KAPI_OFFSET_FETCH, version, &q, &r);
        ck_assert_int_eq(version < 8 ? r.topics.n : r.groups.v[0].topics.n, 3);
        for (int32_t i = 0; i < 3; i++) {
            struct bn_slice name = version < 8 ? r.topics.v[i].name : r.groups.v[0].topics.v[i].name;
            int32_t n = version < 8 ? r.topics.v[i].partitions.n : r.groups.v[0].topics.v[i].partitions.n;
            ck_assert(bn_slice_eq_str(name, TOPICS[i]));
            ck_assert_int_eq(n, i == 0 ? 4 : 3);
            for (int32_t k = 0; k < n; k++)
                ck_assert_int_eq(version < 8 ? r.topics.v[i].partitions.v[k].committed_offset
                                             : r.groups.v[0].topics.v[i].partitions.v[k].committed_offset,
                                 k * 3 + i);
        }
        fake_groups_fini(&g);
    }
}
END_TEST

Suite *offset_fetch_suite(void) {
    Suite *s = suite_create("offset_fetch");
    TCase *t = tcase_create("offset_fetch");
    tcase_add_test(t, test_one_group);
    tcase_add_test(t, test_several_groups);
    tcase_add_test(t, test_repeated);
    tcase_add_test(t, test_all_of_a_topic_together);
    suite_add_tcase(s, t);
    return s;
}
