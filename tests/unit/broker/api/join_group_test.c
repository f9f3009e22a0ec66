/* join_group_test.c: goal: every version is answered in its own words; without a group id, a topic or a coordinator,
 * with the error. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *join_group_suite(void);

static struct kmsg_join_group_response ask(struct fake_groups *g, int version, const char *group) {
    static struct kmsg_join_group_request_protocol protocol;
    struct kmsg_join_group_request q = kmsg_join_group_request_default;
    struct kmsg_join_group_response r;
    protocol = (struct kmsg_join_group_request_protocol){BN_SLICE_LIT("range"), BN_SLICE_LIT("topics")};
    q.group_id = bn_slice_str(group);
    q.member_id = BN_SLICE_LIT("");
    q.session_timeout_ms = 10000;
    q.rebalance_timeout_ms = version >= 1 ? 60000 : -1;
    q.protocol_type = BN_SLICE_LIT("consumer");
    q.protocols.v = &protocol;
    q.protocols.n = 1;
    fake_groups_ask(g, KAPI_JOIN_GROUP, version, &q, &r);
    return r;
}

START_TEST(test_versions) {
    for (int version = 0; version <= 9; version++) {
        struct fake_groups g;
        fake_groups_init(&g);
        fake_groups_form(&g);
        struct kmsg_join_group_response r = ask(&g, version, "g");
        ck_assert_int_eq(r.error_code, KE_NONE);
        ck_assert_int_eq(r.generation_id, 1);
        ck_assert(bn_slice_eq_str(r.leader, "m1") && bn_slice_eq_str(r.member_id, "m1"));
        ck_assert_int_eq(r.members.n, 1);
        ck_assert(bn_slice_eq_str(r.members.v[0].metadata, "topics"));
        ck_assert_int_eq(r.skip_assignment, version >= 9);
        const struct bn_group_join *j = &g.coordinator.join;
        ck_assert_int_eq(j->rebalance_ms, version >= 1 ? 60000 : 10000);
        ck_assert_int_eq(j->id_required, version >= 4);
        fake_groups_fini(&g);
    }
}
END_TEST

START_TEST(test_errors) {
    struct fake_groups g;
    fake_groups_init(&g);
    ck_assert_int_eq(ask(&g, 9, "").error_code, KE_INVALID_GROUP_ID);
    g.coordinator.error = KE_NOT_COORDINATOR;
    ck_assert_int_eq(ask(&g, 9, "g").error_code, KE_NOT_COORDINATOR);
    ck_assert_int_eq(ask(&g, 5, "g").members.n, 0);
    g.coordinators[0] = NULL;
    ck_assert_int_eq(ask(&g, 9, "g").error_code, KE_NOT_COORDINATOR);
    fake_groups_fini(&g);
}
END_TEST

/* An id is made of a name that the member gives, which may be as long as the id may be in all. */
START_TEST(test_long_name) {
    static uint8_t name[BN_CODEC_STRING_MAX];
    struct fake_groups g;
    struct kmsg_join_group_request q = kmsg_join_group_request_default;
    struct kmsg_join_group_response r;
    memset(name, 'i', sizeof name);
    fake_groups_init(&g);
    q.group_id = BN_SLICE_LIT("g");
    q.group_instance_id = bn_slice_of(name, sizeof name);
    q.rebalance_timeout_ms = q.session_timeout_ms = 10000;
    fake_groups_ask(&g, KAPI_JOIN_GROUP, 9, &q, &r);
    ck_assert_uint_eq(g.coordinator.join.new_id.len, BN_CODEC_STRING_MAX);
    fake_groups_fini(&g);
}
END_TEST

Suite *join_group_suite(void) {
    Suite *s = suite_create("join_group");
    TCase *t = tcase_create("join_group");
    tcase_add_test(t, test_versions);
    tcase_add_test(t, test_errors);
    tcase_add_test(t, test_long_name);
    suite_add_tcase(s, t);
    return s;
}
