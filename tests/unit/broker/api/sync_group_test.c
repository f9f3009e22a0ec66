/* sync_group_test.c: goal: assignments go in and come out; from version 5 on type and name are to be told. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *sync_group_suite(void);

static struct kmsg_sync_group_response ask(struct fake_groups *g, int version, bool named) {
    static struct kmsg_sync_group_request_assignment assignment;
    struct kmsg_sync_group_request q = kmsg_sync_group_request_default;
    struct kmsg_sync_group_response r;
    assignment = (struct kmsg_sync_group_request_assignment){BN_SLICE_LIT("m1"), BN_SLICE_LIT("mine")};
    q.group_id = BN_SLICE_LIT("g");
    q.member_id = BN_SLICE_LIT("m1");
    q.generation_id = 4;
    q.assignments.v = &assignment;
    q.assignments.n = 1;
    if (named) {
        q.protocol_type = BN_SLICE_LIT("consumer");
        q.protocol_name = BN_SLICE_LIT("range");
    }
    fake_groups_ask(g, KAPI_SYNC_GROUP, version, &q, &r);
    return r;
}

START_TEST(test_versions) {
    for (int version = 0; version <= 5; version++) {
        struct fake_groups g;
        fake_groups_init(&g);
        struct kmsg_sync_group_response r = ask(&g, version, version >= 5);
        ck_assert_int_eq(r.error_code, KE_NONE);
        ck_assert_int_eq(g.coordinator.generation, 4);
        ck_assert(bn_slice_eq_str(r.assignment, "mine"));
        ck_assert(version < 5 || bn_slice_eq_str(r.protocol_name, "range"));
        fake_groups_fini(&g);
    }
}
END_TEST

START_TEST(test_errors) {
    struct fake_groups g;
    fake_groups_init(&g);
    ck_assert_int_eq(ask(&g, 5, false).error_code, KE_INCONSISTENT_GROUP_PROTOCOL);
    g.coordinator.error = KE_REBALANCE_IN_PROGRESS;
    ck_assert_int_eq(ask(&g, 3, false).error_code, KE_REBALANCE_IN_PROGRESS);
    fake_groups_fini(&g);
}
END_TEST

Suite *sync_group_suite(void) {
    Suite *s = suite_create("sync_group");
    TCase *t = tcase_create("sync_group");
    tcase_add_test(t, test_versions);
    tcase_add_test(t, test_errors);
    suite_add_tcase(s, t);
    return s;
}
