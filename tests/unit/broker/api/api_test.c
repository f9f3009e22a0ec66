/* api_test.c: goal: a frame finds its handler, and everything a peer can do wrong closes the connection with one
 * sentence. */
#include "broker/api/api.h"

#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_rows) {
    int count = 0;
    const struct bn_api_row *rows = bn_api_rows(&count);
    for (int i = 0; i < count; i++) {
        if (i > 0) ck_assert_int_lt(rows[i - 1].key, rows[i].key); /* bn_api_row searches by halves */
        ck_assert_ptr_eq(bn_api_row(rows[i].key), &rows[i]);
        ck_assert_ptr_eq(rows[i].request, bn_codec_request(rows[i].key));
        ck_assert_ptr_eq(rows[i].response, bn_codec_response(rows[i].key));
        ck_assert_int_ge(rows[i].min_version, bn_codec_min_version(rows[i].request));
        ck_assert_int_le(rows[i].max_version, bn_codec_max_version(rows[i].request));
    }
    ck_assert_ptr_null(bn_api_row(-1));
    ck_assert_ptr_null(bn_api_row(4)); /* LeaderAndIsr: between brokers of Kafka only */
    ck_assert_ptr_null(bn_api_row(INT16_MAX));
}
END_TEST

START_TEST(test_hostile_frames) {
    static const struct {
        const char *what, *says;
        uint8_t bytes[24];
        size_t len;
    } cases[] = {
        {"one byte", "", {0}, 1},
        {"no correlation id", "", {0, 3, 0, 1, 0, 0}, 6},
        {"unknown API", "key 4 ", {0, 4, 0, 1, 0, 0, 0, 1, 0, 2, 'm', 'e'}, 12},
        {"negative API", "key -1 ", {255, 255, 0, 1, 0, 0, 0, 1, 255, 255}, 10},
        {"Metadata of the future",
         "version 13 of MetadataRequest; versions 0 to 12",
         {0, 3, 0, 13, 0, 0, 0, 1, 0, 0},
         10},
        {"Fetch of the past", "version 3 of FetchRequest", {0, 1, 0, 3, 0, 0, 0, 1, 0, 0}, 10},
        {"negative version", "version -1", {0, 3, 255, 255, 0, 0, 0, 1, 0, 0}, 10},
        {"client id longer than the frame", "", {0, 3, 0, 1, 0, 0, 0, 1, 127, 255, 'x'}, 11},
        {"two billion topics", "Metadata", {0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 127, 255, 255, 255}, 14},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fake f;
        fake_init(&f);
        fake_frame(&f, cases[i].bytes, cases[i].len);
        ck_assert_msg(f.closes == 1 && f.answers == 0, "%s: not closed", cases[i].what);
        ck_assert_msg(strstr(f.why, cases[i].says) && f.why[0], "%s: said '%s'", cases[i].what, f.why);
        ck_assert_int_eq(bn_api_open_count(f.api), 0);
        fake_fini(&f);
    }
}
END_TEST

/* What librdkafka 2.15 sends for all topics: a null array in one byte, and the other three of the four that it keeps
 * free for the count; so both flags and the tags are zeros, and three bytes stand behind the message. */
START_TEST(test_bytes_behind_a_request) {
    static const uint8_t frame[] = {0, 3, 0, 12, 0, 0, 0, 77, 0, 1, 'x', 0, 0, 0, 0, 0, 1, 0, 0};
    struct fake f;
    fake_init(&f);
    fake_frame(&f, frame, sizeof frame);
    ck_assert_msg(f.closes == 0, "closed: %s", f.why);
    struct kmsg_metadata_response got;
    fake_take(&f, KAPI_METADATA, 12, &got);
    ck_assert_int_eq(got.topics.n, 0);
    fake_fini(&f);
}
END_TEST

/* KIP-511: the body must not be read, and the answer is of version 0. */
START_TEST(test_api_versions_of_the_future) {
    static const uint8_t frame[] = {0, 18, 0, 99, 0, 0, 0, 77, 0, 1, 'x', 0, 0xde, 0xad, 0xbe, 0xef};
    struct fake f;
    fake_init(&f);
    fake_frame(&f, frame, sizeof frame);
    struct kmsg_api_versions_response got;
    fake_take(&f, KAPI_API_VERSIONS, 0, &got);
    ck_assert_int_eq(got.error_code, KE_UNSUPPORTED_VERSION);
    ck_assert_int_eq(got.api_keys.n, 1);
    ck_assert_int_eq(got.api_keys.v[0].api_key, 18);
    ck_assert_int_eq(got.api_keys.v[0].min_version, 0);
    ck_assert_int_eq(got.api_keys.v[0].max_version, 4);
    ck_assert_int_eq(f.closes, 0);
    fake_fini(&f);
}
END_TEST

/* The connection ends while a request waits: its answer goes nowhere, and nothing leaks. */
START_TEST(test_closed_while_waiting) {
    struct fake f;
    fake_init(&f);
    struct kmsg_create_topics_request q = kmsg_create_topics_request_default;
    fake_send(&f, KAPI_CREATE_TOPICS, 7, &q);
    fake_send(&f, KAPI_CREATE_TOPICS, 7, &q);
    ck_assert_int_eq(bn_api_open_count(f.api), 2);
    static const uint8_t bad[] = {0};
    fake_frame(&f, bad, 1);
    ck_assert_int_eq(f.closes, 1);
    ck_assert_int_eq(bn_api_open_count(f.api), 2);
    fake_answer(&f, 1, KE_NONE, BN_SLICE_LIT("body"));
    fake_answer(&f, 0, KE_REQUEST_TIMED_OUT, BN_SLICE_NULL);
    ck_assert_int_eq(f.answers, 0);
    ck_assert_int_eq(bn_api_open_count(f.api), 0);
    fake_fini(&f);
}
END_TEST

Suite *api_suite(void);
Suite *api_suite(void) {
    Suite *s = suite_create("api");
    TCase *t = tcase_create("api");
    tcase_add_test(t, test_rows);
    tcase_add_test(t, test_hostile_frames);
    tcase_add_test(t, test_bytes_behind_a_request);
    tcase_add_test(t, test_api_versions_of_the_future);
    tcase_add_test(t, test_closed_while_waiting);
    suite_add_tcase(s, t);
    return s;
}
