/* describe_log_dirs_test.c: goal: every directory is told, an offline one with its error; replicas are told under their
 * directory, all of them or those asked for; what is not here is left out. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_partition.h"
#include "tests/unit/unit.h"

Suite *describe_log_dirs_suite(void);

static struct kmsg_describe_log_dirs_response ask(struct fake_world *w, int version,
                                                  struct kmsg_describe_log_dirs_request_topic *topic) {
    struct kmsg_describe_log_dirs_request q = kmsg_describe_log_dirs_request_default;
    struct kmsg_describe_log_dirs_response r;
    q.topics.v = topic;
    q.topics.n = topic ? 1 : -1;
    fake_world_send(w, KAPI_DESCRIBE_LOG_DIRS, version, &q);
    fake_take(&w->fake, KAPI_DESCRIBE_LOG_DIRS, version, &r);
    return r;
}

START_TEST(test_all) {
    for (int version = 0; version <= 4; version++) {
        struct fake_world w;
        fake_world_init(&w);
        w.roster.partitions[1].end = 7;
        struct kmsg_describe_log_dirs_response r = ask(&w, version, NULL);
        ck_assert_int_eq(r.error_code, KE_NONE);
        ck_assert_int_eq(r.results.n, 2);
        ck_assert(bn_slice_eq_str(r.results.v[0].log_dir, "/tmp"));
        ck_assert_int_eq(r.results.v[0].topics.n, 1);
        ck_assert(bn_slice_eq_str(r.results.v[0].topics.v[0].name, "t"));
        ck_assert_int_eq(r.results.v[0].topics.v[0].partitions.n, 2); /* the third one is not open here */
        ck_assert_int_eq(r.results.v[0].topics.v[0].partitions.v[1].partition_size, 7 * FAKE_RECORD_BYTES);
        ck_assert(version >= 4 ? r.results.v[0].total_bytes > 0 : r.results.v[0].total_bytes == -1);
        ck_assert_int_eq(r.results.v[1].error_code, KE_KAFKA_STORAGE_ERROR);
        ck_assert_int_eq(r.results.v[1].topics.n, 0);
        fake_world_fini(&w);
    }
}
END_TEST

START_TEST(test_asked) {
    static const struct {
        const char *topic;
        int32_t partitions[2];
        int32_t told;
    } cases[] = {{"t", {0, 1}, 2}, {"t", {1, 2}, 1}, {"t", {-1, 99}, 0}, {"absent", {0, 1}, 0}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fake_world w;
        fake_world_init(&w);
        int32_t partitions[2] = {cases[i].partitions[0], cases[i].partitions[1]};
        struct kmsg_describe_log_dirs_request_topic t = kmsg_describe_log_dirs_request_topic_default;
        t.topic = bn_slice_str(cases[i].topic);
        t.partitions.v = partitions;
        t.partitions.n = 2;
        struct kmsg_describe_log_dirs_response r = ask(&w, 4, &t);
        int32_t told = r.results.v[0].topics.n ? r.results.v[0].topics.v[0].partitions.n : 0;
        ck_assert_int_eq(told, cases[i].told);
        fake_world_fini(&w);
    }
}
END_TEST

Suite *describe_log_dirs_suite(void) {
    Suite *s = suite_create("describe_log_dirs");
    TCase *t = tcase_create("describe_log_dirs");
    tcase_add_test(t, test_all);
    tcase_add_test(t, test_asked);
    suite_add_tcase(s, t);
    return s;
}
