/* create_partitions_test.c: goal: without a controller each topic is told so, in every version. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_refuses) {
    struct fake f;
    fake_init(&f);
    for (int version = 0; version <= 3; version++) {
        struct kmsg_create_partitions_request_topic topic = {
            .name = BN_SLICE_LIT("a"), .count = 6, .assignments.n = -1};
        struct kmsg_create_partitions_request q = {.timeout_ms = 5000, .validate_only = true};
        struct kmsg_create_partitions_response got;
        q.topics.v = &topic;
        q.topics.n = 1;
        fake_send(&f, KAPI_CREATE_PARTITIONS, version, &q);
        ck_assert_int_eq(f.forwards[version].api_key, KAPI_CREATE_PARTITIONS);
        fake_answer(&f, version, KE_REQUEST_TIMED_OUT, BN_SLICE_NULL);
        fake_take(&f, KAPI_CREATE_PARTITIONS, version, &got);
        ck_assert_int_eq(got.results.n, 1);
        ck_assert(bn_slice_eq_str(got.results.v[0].name, "a"));
        ck_assert_int_eq(got.results.v[0].error_code, KE_REQUEST_TIMED_OUT);
    }
    fake_fini(&f);
}
END_TEST

Suite *create_partitions_suite(void);
Suite *create_partitions_suite(void) {
    Suite *s = suite_create("create_partitions");
    TCase *t = tcase_create("create_partitions");
    tcase_add_test(t, test_refuses);
    suite_add_tcase(s, t);
    return s;
}
