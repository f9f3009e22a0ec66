/* describe_cluster_test.c: goal: brokers as the listener reaches them; a controller's endpoint is told apart from a
 * wrong one. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_versions) {
    struct fake f;
    fake_init(&f);
    for (int version = 0; version <= 1; version++) {
        struct kmsg_describe_cluster_request q = kmsg_describe_cluster_request_default;
        struct kmsg_describe_cluster_response got;
        q.include_cluster_authorized_operations = version == 1;
        fake_ask(&f, KAPI_DESCRIBE_CLUSTER, version, &q, &got);
        ck_assert_int_eq(got.error_code, KE_NONE);
        ck_assert(bn_slice_eq_str(got.cluster_id, "cluster-id-of-the-test"));
        ck_assert_int_eq(got.controller_id, 1);
        ck_assert_int_eq(got.brokers.n, 2);
        ck_assert_int_eq(got.brokers.v[1].broker_id, 2);
        ck_assert(bn_slice_eq_str(got.brokers.v[1].host, "two.example"));
        ck_assert_int_eq(got.cluster_authorized_operations, version == 1 ? 8096 : INT32_MIN);
    }
    fake_fini(&f);
}
END_TEST

START_TEST(test_endpoint_types) {
    static const struct {
        int8_t type;
        int16_t error;
    } cases[] = {{1, KE_NONE},
                 {2, KE_MISMATCHED_ENDPOINT_TYPE},
                 {0, KE_UNSUPPORTED_ENDPOINT_TYPE},
                 {-1, KE_UNSUPPORTED_ENDPOINT_TYPE}};
    struct fake f;
    fake_init(&f);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct kmsg_describe_cluster_request q = {.endpoint_type = cases[i].type};
        struct kmsg_describe_cluster_response got;
        fake_ask(&f, KAPI_DESCRIBE_CLUSTER, 1, &q, &got);
        ck_assert_int_eq(got.error_code, cases[i].error);
        if (cases[i].error) ck_assert_uint_eq(got.cluster_id.len, 0);
        if (cases[i].type == 0) ck_assert(bn_slice_eq_str(got.error_message, "Unsupported endpoint type 0"));
    }
    fake_fini(&f);
}
END_TEST

Suite *describe_cluster_suite(void);
Suite *describe_cluster_suite(void) {
    Suite *s = suite_create("describe_cluster");
    TCase *t = tcase_create("describe_cluster");
    tcase_add_test(t, test_versions);
    tcase_add_test(t, test_endpoint_types);
    suite_add_tcase(s, t);
    return s;
}
