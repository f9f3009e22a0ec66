/* heartbeat_test.c: goal: the coordinator is asked, and its word is passed on. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *heartbeat_suite(void);

START_TEST(test_answers) {
    static const int16_t errors[] = {KE_NONE, KE_REBALANCE_IN_PROGRESS, KE_UNKNOWN_MEMBER_ID};
    for (int version = 0; version <= 4; version++) {
        for (size_t i = 0; i < BN_ARRAY_LEN(errors); i++) {
            struct fake_groups g;
            fake_groups_init(&g);
            g.coordinator.error = errors[i];
            struct kmsg_heartbeat_request q = kmsg_heartbeat_request_default;
            struct kmsg_heartbeat_response r;
            q.group_id = BN_SLICE_LIT("g");
            q.member_id = BN_SLICE_LIT("m1");
            q.generation_id = 3;
            fake_groups_ask(&g, KAPI_HEARTBEAT, version, &q, &r);
            ck_assert_int_eq(r.error_code, errors[i]);
            ck_assert_int_eq(g.coordinator.generation, 3);
            ck_assert_str_eq(g.coordinator.member_id, "m1");
            q.group_id = BN_SLICE_LIT("");
            fake_groups_ask(&g, KAPI_HEARTBEAT, version, &q, &r);
            ck_assert_int_eq(r.error_code, KE_INVALID_GROUP_ID);
            fake_groups_fini(&g);
        }
    }
}
END_TEST

Suite *heartbeat_suite(void) {
    Suite *s = suite_create("heartbeat");
    TCase *t = tcase_create("heartbeat");
    tcase_add_test(t, test_answers);
    suite_add_tcase(s, t);
    return s;
}
