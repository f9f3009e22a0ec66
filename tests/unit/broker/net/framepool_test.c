/* framepool_test.c: goal: blocks are reused, counted while out, kept within bounds, and find their way home. */
#include "broker/net/framepool.h"

#include "tests/unit/unit.h"

Suite *framepool_suite(void);

static void count_room(void *arg) { ++*(int *)arg; }

START_TEST(test_reuse_and_budget) {
    int rooms = 0;
    struct bn_framepool *p = bn_framepool_new(NULL, 100000, 1 << 20, count_room, &rooms);
    struct bn_buf *a = bn_framepool_take(p, 60000);
    ck_assert_uint_ge(a->capacity, 60000);
    ck_assert_uint_eq(bn_framepool_used_bytes(p), 60000);
    ck_assert(!bn_framepool_over(p, 40000));
    ck_assert(bn_framepool_over(p, 40001));
    ck_assert(bn_framepool_over(p, SIZE_MAX));
    uint8_t *data = a->data;
    bn_buf_unref(a);
    ck_assert_int_eq(rooms, 1);
    ck_assert_uint_eq(bn_framepool_used_bytes(p), 0);
    struct bn_buf *b = bn_framepool_take(p, 50000); /* the same class: the same memory */
    ck_assert_ptr_eq(b->data, data);
    ck_assert_uint_eq(b->len, 0);
    struct bn_buf *huge = bn_framepool_take(p, 8 << 20); /* over the budget: given, but not kept */
    ck_assert(bn_framepool_over(p, 0));
    bn_buf_unref(huge);
    ck_assert_uint_eq(bn_framepool_kept_bytes(p), 0);
    bn_buf_unref(b);
    bn_framepool_free(p);
}
END_TEST

START_TEST(test_keep_and_trim) {
    struct bn_framepool *p = bn_framepool_new(NULL, 1 << 20, 4096, NULL, NULL);
    struct bn_buf *b[4];
    for (int i = 0; i < 4; i++) b[i] = bn_framepool_take(p, 2048);
    for (int i = 0; i < 4; i++) bn_buf_unref(b[i]);
    ck_assert_uint_eq(bn_framepool_kept_bytes(p), 4096); /* two of four */
    bn_framepool_trim(p);
    bn_buf_unref(bn_framepool_take(p, 2048)); /* one was needed since */
    bn_framepool_trim(p);
    ck_assert_uint_eq(bn_framepool_kept_bytes(p), 2048);
    bn_framepool_free(p);
}
END_TEST

START_TEST(test_outlives_free) {
    int rooms = 0;
    struct bn_framepool *p = bn_framepool_new(NULL, 1 << 20, 4096, count_room, &rooms);
    struct bn_buf *b = bn_framepool_take(p, 100);
    bn_framepool_free(p);
    memset(b->data, 1, 100); /* still ours */
    bn_buf_unref(b);         /* frees the pool too: the leak checker watches */
    ck_assert_int_eq(rooms, 0);
}
END_TEST

/* A block dropped on another thread goes home by mailbox. */
START_TEST(test_other_thread) {
    struct bn_shard *home = bn_shard_new(0);
    struct bn_framepool *p = bn_framepool_new(home, 1 << 20, 4096, NULL, NULL);
    struct bn_buf *b = bn_framepool_take(p, 100);
    bn_buf_unref(b); /* this thread is not the shard */
    ck_assert_uint_eq(bn_framepool_used_bytes(p), 100);
    bn_shard_start(home);
    bn_shard_stop(home);
    ck_assert_uint_eq(bn_framepool_used_bytes(p), 0);
    bn_framepool_free(p);
    bn_shard_free(home);
}
END_TEST

Suite *framepool_suite(void) {
    Suite *s = suite_create("framepool");
    TCase *t = tcase_create("blocks");
    tcase_add_test(t, test_reuse_and_budget);
    tcase_add_test(t, test_keep_and_trim);
    tcase_add_test(t, test_outlives_free);
    tcase_add_test(t, test_other_thread);
    suite_add_tcase(s, t);
    return s;
}
