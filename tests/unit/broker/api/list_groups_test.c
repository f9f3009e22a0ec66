/* list_groups_test.c: goal: groups by state and type. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *list_groups_suite(void);

START_TEST(test_filters) {
    static const struct {
        int version;
        const char *state, *type;
        int32_t count;
    } cases[] = {{0, NULL, NULL, 1},          {4, "Stable", NULL, 1},  {4, "stable", NULL, 1},
                 {4, "Empty", NULL, 0},       {5, NULL, "classic", 1}, {5, NULL, "consumer", 0},
                 {5, "Stable", "classic", 1}, {5, NULL, "CLASSIC", 1}, {5, NULL, "classics", 0}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fake_groups g;
        fake_groups_init(&g);
        fake_groups_form(&g);
        struct kmsg_list_groups_request q = kmsg_list_groups_request_default;
        struct bn_slice state = bn_slice_str(cases[i].state), type = bn_slice_str(cases[i].type);
        struct kmsg_list_groups_response r;
        q.states_filter.v = &state;
        q.states_filter.n = cases[i].state ? 1 : 0;
        q.types_filter.v = &type;
        q.types_filter.n = cases[i].type ? 1 : 0;
        fake_groups_ask(&g, KAPI_LIST_GROUPS, cases[i].version, &q, &r);
        ck_assert_int_eq(r.error_code, KE_NONE);
        ck_assert_int_eq(r.groups.n, cases[i].count);
        if (r.groups.n) ck_assert(bn_slice_eq_str(r.groups.v[0].group_id, "g"));
        fake_groups_fini(&g);
    }
}
END_TEST

Suite *list_groups_suite(void) {
    Suite *s = suite_create("list_groups");
    TCase *t = tcase_create("list_groups");
    tcase_add_test(t, test_filters);
    suite_add_tcase(s, t);
    return s;
}
