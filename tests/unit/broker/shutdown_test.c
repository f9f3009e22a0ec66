/* shutdown_test.c: goal: a stop is quick and honest at whatever moment it comes. */
#include <unistd.h>

#include "common/base/alloc.h"
#include "tests/unit/broker/whole.h"
#include "tests/unit/unit.h"

/* Before a controller was found: an orderly end, and no marker that would vouch for logs nobody opened. */
START_TEST(test_before_ready) {
    struct whole w;
    whole_init(&w);
    w.without_controller = true;
    whole_run(&w, "barnabas.shards=2\n", NULL);
    ck_assert_int_eq(w.exit_code, 0);
    ck_assert_ptr_null(whole_read(&w, ".kafka_cleanshutdown"));
    whole_fini(&w);
}
END_TEST

/* A fetch that would wait for half a minute, an open connection, a request half sent: none holds up the end. */
static void leave_things_open(struct whole *w) {
    int fd = whole_dial(w), idle = whole_dial(w);
    (void)whole_make_topic(w, fd, "orders", 3);
    struct kmsg_fetch_request_partition p[3];
    struct kmsg_fetch_request_topic t = kmsg_fetch_request_topic_default;
    struct kmsg_fetch_request q = kmsg_fetch_request_default;
    for (int32_t i = 0; i < 3; i++) {
        p[i] = kmsg_fetch_request_partition_default;
        p[i].partition = i;
        p[i].partition_max_bytes = 1 << 20;
    }
    t.topic = BN_SLICE_LIT("orders");
    t.partitions.v = p;
    t.partitions.n = 3;
    q.replica_id = -1;
    q.max_wait_ms = 30000;
    q.min_bytes = 1;
    q.max_bytes = 1 << 20;
    q.topics.v = &t;
    q.topics.n = 1;
    whole_send(w, fd, KAPI_FETCH, 12, &q);
    ck_assert_int_eq(write(idle, "\0\0\1\0half", 8), 8);
    struct kmsg_metadata_request m = kmsg_metadata_request_default;
    int other = whole_dial(w); /* its answer tells that the fetch before it, or beside it, has been read */
    struct kmsg_metadata_response got;
    whole_send(w, other, KAPI_METADATA, 12, &m);
    whole_receive(w, other, KAPI_METADATA, 12, &got);
}

START_TEST(test_parked_fetch) {
    struct whole w;
    whole_init(&w);
    whole_run(&w, _i ? "barnabas.shards=3\n" : "barnabas.shards=1\n", leave_things_open);
    ck_assert_int_eq(w.exit_code, 0);
    ck_assert_uint_lt(w.stop_took_ms, 5000);
    char *marker = whole_read(&w, ".kafka_cleanshutdown");
    ck_assert_ptr_nonnull(marker);
    bn_alloc_free(marker);
    whole_fini(&w);
}
END_TEST

Suite *shutdown_suite(void);
Suite *shutdown_suite(void) {
    Suite *s = suite_create("shutdown");
    TCase *t = tcase_create("shutdown");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_before_ready);
    tcase_add_loop_test(t, test_parked_fetch, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
