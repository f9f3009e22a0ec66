/* describe_groups_test.c: goal: a stable group with its members; an unknown one is Dead. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *describe_groups_suite(void);

START_TEST(test_versions) {
    for (int version = 0; version <= 5; version++) {
        struct fake_groups g;
        fake_groups_init(&g);
        fake_groups_form(&g);
        struct bn_slice names[3] = {BN_SLICE_LIT("g"), BN_SLICE_LIT("other"), BN_SLICE_LIT("g")}; /* each once */
        struct kmsg_describe_groups_request q = kmsg_describe_groups_request_default;
        struct kmsg_describe_groups_response r;
        q.groups.v = names;
        q.groups.n = 3;
        fake_groups_ask(&g, KAPI_DESCRIBE_GROUPS, version, &q, &r);
        ck_assert_int_eq(r.groups.n, 2);
        ck_assert(bn_slice_eq_str(r.groups.v[0].group_state, "Stable"));
        ck_assert(bn_slice_eq_str(r.groups.v[0].protocol_data, "range"));
        ck_assert_int_eq(r.groups.v[0].members.n, 1);
        ck_assert(bn_slice_eq_str(r.groups.v[0].members.v[0].member_assignment, "mine"));
        ck_assert(bn_slice_eq_str(r.groups.v[1].group_state, "Dead"));
        ck_assert_int_eq(r.groups.v[1].error_code, KE_NONE);
        fake_groups_fini(&g);
    }
}
END_TEST

Suite *describe_groups_suite(void) {
    Suite *s = suite_create("describe_groups");
    TCase *t = tcase_create("describe_groups");
    tcase_add_test(t, test_versions);
    suite_add_tcase(s, t);
    return s;
}
