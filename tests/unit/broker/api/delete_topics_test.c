/* delete_topics_test.c: goal: without a controller each topic is told so, by name before version 6 and by name or id
 * from there on. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_refuses) {
    struct fake f;
    fake_init(&f);
    for (int version = 0; version <= 6; version++) {
        struct bn_slice name = BN_SLICE_LIT("a");
        struct kmsg_delete_topics_request_topic topics[2] = {{.name = name}, {.topic_id.bytes = {9}}};
        struct kmsg_delete_topics_request q = {.timeout_ms = 5000};
        struct kmsg_delete_topics_response got;
        if (version < 6) {
            q.topic_names.v = &name;
            q.topic_names.n = 1;
        } else {
            q.topics.v = topics;
            q.topics.n = 2;
        }
        fake_send(&f, KAPI_DELETE_TOPICS, version, &q);
        fake_answer(&f, version, KE_REQUEST_TIMED_OUT, BN_SLICE_NULL);
        fake_take(&f, KAPI_DELETE_TOPICS, version, &got);
        ck_assert_int_eq(got.responses.n, version < 6 ? 1 : 2);
        ck_assert(bn_slice_eq_str(got.responses.v[0].name, "a"));
        ck_assert_int_eq(got.responses.v[0].error_code, KE_REQUEST_TIMED_OUT);
        if (version < 6) continue;
        ck_assert(bn_slice_is_null(got.responses.v[1].name));
        ck_assert_int_eq(got.responses.v[1].topic_id.bytes[0], 9);
    }
    fake_fini(&f);
}
END_TEST

Suite *delete_topics_suite(void);
Suite *delete_topics_suite(void) {
    Suite *s = suite_create("delete_topics");
    TCase *t = tcase_create("delete_topics");
    tcase_add_test(t, test_refuses);
    suite_add_tcase(s, t);
    return s;
}
