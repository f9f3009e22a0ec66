/* describe_topic_partitions_test.c: goal: pages in the order of names, each partition once, whatever the limit; unknown
 * and bad names; replicas that can't be reached are offline. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

Suite *describe_topic_partitions_suite(void);

static void begin(struct fake *f) {
    fake_init(f);
    fake_topic(f, "m", 2, 3, 1);
    fake_topic(f, "a", 1, 2, 2);
    fake_topic(f, "z", 3, 1, 3);
}

/* Reads page by page, and gives how many partitions came in all; names and indexes ascend. */
static int read_all(struct fake *f, int32_t limit) {
    struct kmsg_describe_topic_partitions_request_cursor cursor;
    char last[16] = "", at[16];
    int32_t index = -1, seen = 0;
    struct kmsg_describe_topic_partitions_request q = kmsg_describe_topic_partitions_request_default;
    q.response_partition_limit = limit;
    for (;;) {
        struct kmsg_describe_topic_partitions_response r;
        fake_ask(f, KAPI_DESCRIBE_TOPIC_PARTITIONS, 0, &q, &r);
        int32_t page = 0;
        for (int32_t i = 0; i < r.topics.n; i++) {
            snprintf(at, sizeof at, "%.*s", (int)r.topics.v[i].name.len, (const char *)r.topics.v[i].name.ptr);
            ck_assert_int_ge(strcmp(at, last), 0);
            if (strcmp(at, last) != 0) index = -1;
            memcpy(last, at, sizeof last);
            for (int32_t k = 0; k < r.topics.v[i].partitions.n; k++, page++)
                ck_assert_int_eq(r.topics.v[i].partitions.v[k].partition_index, ++index);
        }
        ck_assert_int_le(page, limit < 1 ? 1 : limit);
        seen += page;
        if (!r.next_cursor) return seen;
        ck_assert_int_gt(page, 0);
        static char name[16];
        snprintf(name, sizeof name, "%.*s", (int)r.next_cursor->topic_name.len,
                 (const char *)r.next_cursor->topic_name.ptr);
        cursor.topic_name = bn_slice_str(name);
        cursor.partition_index = r.next_cursor->partition_index;
        q.cursor = &cursor;
    }
}

START_TEST(test_pages) {
    static const int32_t limits[] = {2000, 6, 5, 4, 3, 2, 1, 0, -7};
    for (size_t i = 0; i < BN_ARRAY_LEN(limits); i++) {
        struct fake f;
        begin(&f);
        ck_assert_int_eq(read_all(&f, limits[i]), 6);
        fake_fini(&f);
    }
}
END_TEST

START_TEST(test_names) {
    struct fake f;
    begin(&f);
    struct kmsg_describe_topic_partitions_request_topic names[] = {
        {BN_SLICE_LIT("z")}, {BN_SLICE_LIT("absent")}, {BN_SLICE_LIT("z")}, {BN_SLICE_LIT("a/b")}};
    struct kmsg_describe_topic_partitions_request q = kmsg_describe_topic_partitions_request_default;
    struct kmsg_describe_topic_partitions_response r;
    q.topics.v = names;
    q.topics.n = 4;
    fake_ask(&f, KAPI_DESCRIBE_TOPIC_PARTITIONS, 0, &q, &r);
    ck_assert_int_eq(r.topics.n, 3);
    ck_assert_int_eq(r.topics.v[0].error_code, KE_INVALID_TOPIC_EXCEPTION);
    ck_assert_int_eq(r.topics.v[1].error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
    const struct kmsg_describe_topic_partitions_response_topic *z = &r.topics.v[2];
    ck_assert_int_eq(z->error_code, KE_NONE);
    ck_assert_int_eq(z->partitions.v[0].leader_id, -1); /* broker 3 can't be reached by this listener */
    ck_assert_int_eq(z->partitions.v[0].offline_replicas.n, 1);
    ck_assert_int_eq(z->partitions.v[0].eligible_leader_replicas.n, 0);
    fake_fini(&f);
}
END_TEST

START_TEST(test_bad_cursor) {
    struct fake f;
    begin(&f);
    struct kmsg_describe_topic_partitions_request_topic name = {BN_SLICE_LIT("a")};
    struct kmsg_describe_topic_partitions_request_cursor cursor = {BN_SLICE_LIT("a"), -1};
    struct kmsg_describe_topic_partitions_request q = kmsg_describe_topic_partitions_request_default;
    struct kmsg_describe_topic_partitions_response r;
    q.topics.v = &name;
    q.topics.n = 1;
    q.cursor = &cursor;
    fake_ask(&f, KAPI_DESCRIBE_TOPIC_PARTITIONS, 0, &q, &r);
    ck_assert_int_eq(r.topics.v[0].error_code, KE_INVALID_REQUEST);
    fake_fini(&f);
}
END_TEST

Suite *describe_topic_partitions_suite(void) {
    Suite *s = suite_create("describe_topic_partitions");
    TCase *t = tcase_create("describe_topic_partitions");
    tcase_add_test(t, test_pages);
    tcase_add_test(t, test_names);
    tcase_add_test(t, test_bad_cursor);
    suite_add_tcase(s, t);
    return s;
}
