/* alter_configs_test.c: goal: without a controller each resource is told so, in every version. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_refuses) {
    struct fake f;
    fake_init(&f);
    for (int version = 0; version <= 2; version++) {
        struct kmsg_alter_configs_request_resource resource = {.resource_type = 2, .resource_name = BN_SLICE_LIT("a")};
        struct kmsg_alter_configs_request q = {.validate_only = true};
        struct kmsg_alter_configs_response got;
        q.resources.v = &resource;
        q.resources.n = 1;
        fake_send(&f, KAPI_ALTER_CONFIGS, version, &q);
        ck_assert_int_eq(f.forwards[version].api_key, KAPI_ALTER_CONFIGS);
        fake_answer(&f, version, KE_REQUEST_TIMED_OUT, BN_SLICE_NULL);
        fake_take(&f, KAPI_ALTER_CONFIGS, version, &got);
        ck_assert_int_eq(got.responses.n, 1);
        ck_assert(bn_slice_eq_str(got.responses.v[0].resource_name, "a"));
        ck_assert_int_eq(got.responses.v[0].resource_type, 2);
        ck_assert_int_eq(got.responses.v[0].error_code, KE_REQUEST_TIMED_OUT);
    }
    fake_fini(&f);
}
END_TEST

Suite *alter_configs_suite(void);
Suite *alter_configs_suite(void) {
    Suite *s = suite_create("alter_configs");
    TCase *t = tcase_create("alter_configs");
    tcase_add_test(t, test_refuses);
    suite_add_tcase(s, t);
    return s;
}
