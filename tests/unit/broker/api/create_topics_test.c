/* create_topics_test.c: goal: the body goes to the controller as it came, and without a controller each topic is told
 * so. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_forwards_and_refuses) {
    struct fake f;
    fake_init(&f);
    for (int version = 0; version <= 7; version++) {
        struct kmsg_create_topics_request_topic topics[2] = {
            {.name = BN_SLICE_LIT("a"), .num_partitions = 3, .replication_factor = 2},
            {.name = BN_SLICE_LIT("b"), .num_partitions = 1, .replication_factor = 1}};
        struct kmsg_create_topics_request q = {.timeout_ms = 5000}, seen;
        struct kmsg_create_topics_response got;
        struct bn_err e = BN_ERR_NONE;
        q.topics.v = topics;
        q.topics.n = 2;
        fake_send(&f, KAPI_CREATE_TOPICS, version, &q);
        int i = f.forward_count - 1;
        ck_assert_int_eq(f.forwards[i].version, version);
        ck_assert(!f.forwards[i].auto_create);
        ck_assert_int_eq(bn_codec_decode(&kmsg_create_topics_request_desc, version,
                                         bn_slice_of(f.forwards[i].body, f.forwards[i].body_len), &f.arena, &seen, &e),
                         0);
        ck_assert(bn_codec_equal(&kmsg_create_topics_request_desc, version, &q, &seen));
        fake_answer(&f, i, KE_REQUEST_TIMED_OUT, BN_SLICE_NULL);
        fake_take(&f, KAPI_CREATE_TOPICS, version, &got);
        ck_assert_int_eq(got.topics.n, 2);
        ck_assert(bn_slice_eq_str(got.topics.v[1].name, "b"));
        ck_assert_int_eq(got.topics.v[1].error_code, KE_REQUEST_TIMED_OUT);
    }
    fake_fini(&f);
}
END_TEST

Suite *create_topics_suite(void);
Suite *create_topics_suite(void) {
    Suite *s = suite_create("create_topics");
    TCase *t = tcase_create("create_topics");
    tcase_add_test(t, test_forwards_and_refuses);
    suite_add_tcase(s, t);
    return s;
}
