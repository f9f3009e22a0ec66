/* leave_group_test.c: goal: one member's error is the answer's in old versions, each member's own in new ones. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *leave_group_suite(void);

START_TEST(test_versions) {
    for (int version = 0; version <= 5; version++) {
        struct fake_groups g;
        fake_groups_init(&g);
        struct kmsg_leave_group_request q = kmsg_leave_group_request_default;
        struct kmsg_leave_group_request_member members[2] = {{BN_SLICE_LIT("m1"), BN_SLICE_NULL, BN_SLICE_NULL},
                                                             {BN_SLICE_LIT("x"), BN_SLICE_NULL, BN_SLICE_NULL}};
        struct kmsg_leave_group_response r;
        q.group_id = BN_SLICE_LIT("g");
        if (version < 3) {
            q.member_id = BN_SLICE_LIT("x");
        } else {
            q.members.v = members;
            q.members.n = 2;
        }
        fake_groups_ask(&g, KAPI_LEAVE_GROUP, version, &q, &r);
        ck_assert_int_eq(r.error_code, version < 3 ? KE_UNKNOWN_MEMBER_ID : KE_NONE);
        if (version >= 3) {
            ck_assert_int_eq(r.members.n, 2);
            ck_assert_int_eq(r.members.v[0].error_code, KE_NONE);
            ck_assert_int_eq(r.members.v[1].error_code, KE_UNKNOWN_MEMBER_ID);
        }
        fake_groups_fini(&g);
    }
}
END_TEST

Suite *leave_group_suite(void) {
    Suite *s = suite_create("leave_group");
    TCase *t = tcase_create("leave_group");
    tcase_add_test(t, test_versions);
    suite_add_tcase(s, t);
    return s;
}
