/* elect_leaders_test.c: goal: without a controller each partition that was named is told so; when all were asked for
 * there is nobody to tell, and from version 1 on the answer as a whole says it. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_refuses) {
    struct fake f;
    fake_init(&f);
    for (int version = 0; version <= 2; version++) {
        int32_t partitions[] = {4, 2};
        struct kmsg_elect_leaders_request_topic_partition topic = {.topic = BN_SLICE_LIT("a"),
                                                                   .partitions = {partitions, 2}};
        struct kmsg_elect_leaders_request q = {.topic_partitions = {&topic, 1}, .timeout_ms = 5000};
        struct kmsg_elect_leaders_response got;
        fake_send(&f, KAPI_ELECT_LEADERS, version, &q);
        fake_answer(&f, 2 * version, KE_REQUEST_TIMED_OUT, BN_SLICE_NULL);
        fake_take(&f, KAPI_ELECT_LEADERS, version, &got);
        ck_assert_int_eq(got.error_code, version >= 1 ? KE_REQUEST_TIMED_OUT : 0);
        ck_assert_int_eq(got.replica_election_results.n, 1);
        ck_assert(bn_slice_eq_str(got.replica_election_results.v[0].topic, "a"));
        ck_assert_int_eq(got.replica_election_results.v[0].partition_result.n, 2);
        ck_assert_int_eq(got.replica_election_results.v[0].partition_result.v[0].partition_id, 4);
        ck_assert_int_eq(got.replica_election_results.v[0].partition_result.v[1].error_code, KE_REQUEST_TIMED_OUT);
        q.topic_partitions.n = -1;
        q.topic_partitions.v = NULL;
        fake_send(&f, KAPI_ELECT_LEADERS, version, &q);
        fake_answer(&f, 2 * version + 1, KE_REQUEST_TIMED_OUT, BN_SLICE_NULL);
        fake_take(&f, KAPI_ELECT_LEADERS, version, &got);
        ck_assert_int_eq(got.replica_election_results.n, 0);
    }
    fake_fini(&f);
}
END_TEST

Suite *elect_leaders_suite(void);
Suite *elect_leaders_suite(void) {
    Suite *s = suite_create("elect_leaders");
    TCase *t = tcase_create("elect_leaders");
    tcase_add_test(t, test_refuses);
    suite_add_tcase(s, t);
    return s;
}
