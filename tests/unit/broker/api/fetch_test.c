/* fetch_test.c: when a fetch answers at once, when it waits, what wakes it, and how much it gives.
 */
#include "tests/unit/broker/api/fake_partition.h"

#include "tests/unit/unit.h"

Suite *fetch_suite(void);

enum { FETCH = 1 };

struct sent {
    struct kmsg_fetch_request request;
    struct kmsg_fetch_request_topic topic;
    struct kmsg_fetch_request_partition partitions[3];
};

static void make(struct sent *s, int count, int32_t max_wait_ms, int32_t min_bytes) {
    *s = (struct sent){.request = kmsg_fetch_request_default, .topic = kmsg_fetch_request_topic_default};
    s->request.max_wait_ms = max_wait_ms;
    s->request.min_bytes = min_bytes;
    s->request.max_bytes = 1 << 20;
    s->request.topics.v = &s->topic;
    s->request.topics.n = 1;
    s->topic.topic = BN_SLICE_LIT("t");
    s->topic.partitions.v = s->partitions;
    s->topic.partitions.n = count;
    for (int i = 0; i < count; i++) {
        s->partitions[i] = kmsg_fetch_request_partition_default;
        s->partitions[i].partition = i;
        s->partitions[i].partition_max_bytes = 1 << 20;
    }
}

static const struct kmsg_fetch_response_partition *answer(struct fake_world *w, int version,
                                                          struct kmsg_fetch_response *r) {
    fake_world_await(w, 1);
    fake_take(&w->fake, FETCH, version, r);
    ck_assert_int_eq(r->error_code, KE_NONE);
    ck_assert_int_eq(r->session_id, 0);
    ck_assert_int_eq(r->responses.n, 1);
    return r->responses.v[0].partitions.v;
}

/* Enough bytes: at once, with the records. */
START_TEST(test_enough_answers_at_once) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    w.roster.partitions[0].end = 4;
    make(&s, 2, 60000, 1);
    fake_world_send(&w, FETCH, 12, &s.request);
    ck_assert_int_eq(w.fake.answers, 1);
    const struct kmsg_fetch_response_partition *p = answer(&w, 12, &r);
    ck_assert_uint_eq(p[0].records.slice.len, 4 * FAKE_RECORD_BYTES);
    ck_assert_int_eq(p[0].high_watermark, 4);
    ck_assert_uint_eq(p[1].records.slice.len, 0);
    fake_world_fini(&w);
}
END_TEST

/* An error is told at once, whatever else is empty. */
START_TEST(test_error_answers_at_once) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    make(&s, 3, 60000, 1);
    fake_world_send(&w, FETCH, 11, &s.request);
    const struct kmsg_fetch_response_partition *p = answer(&w, 11, &r);
    ck_assert_int_eq(p[0].error_code, KE_NONE);
    ck_assert_int_eq(p[2].error_code, KE_NOT_LEADER_OR_FOLLOWER);
    fake_world_fini(&w);
}
END_TEST

/* Nothing there: waits, and the first partition that grows enough wakes it; growth below min_bytes does not. */
START_TEST(test_waits_and_wakes) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    make(&s, 2, 60000, 3 * FAKE_RECORD_BYTES);
    fake_world_send(&w, FETCH, 4, &s.request);
    ck_assert_int_eq(w.fake.answers, 0);
    fake_world_grow(&w, 1, 1);
    fake_world_grow(&w, 0, 1); /* by now the first growth was looked at */
    ck_assert_int_eq(w.fake.answers, 0);
    fake_world_grow(&w, 1, 2);
    const struct kmsg_fetch_response_partition *p = answer(&w, 4, &r);
    ck_assert_uint_eq(p[0].records.slice.len + p[1].records.slice.len, 3 * FAKE_RECORD_BYTES);
    fake_world_fini(&w);
}
END_TEST

/* The wait ends: whatever there is, is the answer. */
START_TEST(test_wait_is_bounded) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    make(&s, 1, 20, 1);
    fake_world_send(&w, FETCH, 4, &s.request);
    const struct kmsg_fetch_response_partition *p = answer(&w, 4, &r);
    ck_assert_uint_eq(p[0].records.slice.len, 0);
    ck_assert_int_eq(p[0].error_code, KE_NONE);
    fake_world_fini(&w);
}
END_TEST

/* max_bytes is used up in the order asked; the first partition gives a whole batch even beyond it (KIP-74). */
START_TEST(test_max_bytes) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    w.roster.partitions[0].end = w.roster.partitions[1].end = 3;
    make(&s, 2, 0, 1);
    s.request.max_bytes = 4 * FAKE_RECORD_BYTES;
    fake_world_send(&w, FETCH, 12, &s.request);
    const struct kmsg_fetch_response_partition *p = answer(&w, 12, &r);
    ck_assert_uint_eq(p[0].records.slice.len, 3 * FAKE_RECORD_BYTES);
    ck_assert_uint_eq(p[1].records.slice.len, 1 * FAKE_RECORD_BYTES);
    fake_world_fini(&w);
    fake_world_init(&w);
    w.roster.partitions[0].end = w.roster.partitions[1].end = 3;
    make(&s, 2, 0, 1);
    s.request.max_bytes = 1;
    fake_world_send(&w, FETCH, 12, &s.request);
    p = answer(&w, 12, &r);
    ck_assert_uint_eq(p[0].records.slice.len, FAKE_RECORD_BYTES);
    ck_assert_uint_eq(p[1].records.slice.len, 0);
    fake_world_fini(&w);
}
END_TEST

/* From 13 on topics go by id; an unknown one is told as such. */
START_TEST(test_topic_ids) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    w.roster.partitions[0].end = 1;
    make(&s, 1, 60000, 1);
    memset(s.topic.topic_id.bytes, 7, 16);
    fake_world_send(&w, FETCH, 17, &s.request);
    ck_assert_uint_eq(answer(&w, 17, &r)[0].records.slice.len, FAKE_RECORD_BYTES);
    fake_world_fini(&w);
    fake_world_init(&w);
    memset(s.topic.topic_id.bytes, 8, 16);
    fake_world_send(&w, FETCH, 13, &s.request);
    ck_assert_int_eq(answer(&w, 13, &r)[0].error_code, KE_UNKNOWN_TOPIC_ID);
    fake_world_fini(&w);
}
END_TEST

/* Nobody was ever given a session: going on with one is refused as Kafka refuses an evicted one. */
START_TEST(test_no_sessions) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    make(&s, 1, 60000, 1);
    s.request.session_id = 5;
    s.request.session_epoch = 1;
    fake_world_send(&w, FETCH, 12, &s.request);
    fake_take(&w.fake, FETCH, 12, &r);
    ck_assert_int_eq(r.error_code, KE_FETCH_SESSION_ID_NOT_FOUND);
    fake_world_fini(&w);
}
END_TEST

Suite *fetch_suite(void) {
    Suite *s = suite_create("fetch");
    TCase *t = tcase_create("fetch");
    tcase_add_test(t, test_enough_answers_at_once);
    tcase_add_test(t, test_error_answers_at_once);
    tcase_add_test(t, test_waits_and_wakes);
    tcase_add_test(t, test_wait_is_bounded);
    tcase_add_test(t, test_max_bytes);
    tcase_add_test(t, test_topic_ids);
    tcase_add_test(t, test_no_sessions);
    suite_add_tcase(s, t);
    return s;
}
