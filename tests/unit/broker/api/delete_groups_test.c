/* delete_groups_test.c: goal: each group has its own error. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *delete_groups_suite(void);

START_TEST(test_answers) {
    for (int version = 0; version <= 2; version++) {
        struct fake_groups g;
        fake_groups_init(&g);
        struct bn_slice names[3] = {BN_SLICE_LIT("g"), BN_SLICE_LIT("other"), BN_SLICE_LIT("g")};
        struct kmsg_delete_groups_request q = kmsg_delete_groups_request_default;
        struct kmsg_delete_groups_response r;
        q.groups_names.v = names;
        q.groups_names.n = 3;
        fake_groups_ask(&g, KAPI_DELETE_GROUPS, version, &q, &r);
        ck_assert_int_eq(r.results.n, 2); /* each once */
        ck_assert_int_eq(r.results.v[0].error_code, KE_NONE);
        ck_assert_int_eq(r.results.v[1].error_code, KE_GROUP_ID_NOT_FOUND);
        g.coordinator.error = KE_NON_EMPTY_GROUP;
        fake_groups_ask(&g, KAPI_DELETE_GROUPS, version, &q, &r);
        ck_assert_int_eq(r.results.v[0].error_code, KE_NON_EMPTY_GROUP);
        fake_groups_fini(&g);
    }
}
END_TEST

Suite *delete_groups_suite(void) {
    Suite *s = suite_create("delete_groups");
    TCase *t = tcase_create("delete_groups");
    tcase_add_test(t, test_answers);
    suite_add_tcase(s, t);
    return s;
}
