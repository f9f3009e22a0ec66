/* buf_test.c: release runs once, by whoever drops the last reference, with several threads dropping at once. */
#include "common/base/buf.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { THREADS = 4, ROUNDS = 20000 };

static _Atomic int released;
static struct bn_shared shared;

static void count_release(struct bn_shared *s) {
    ck_assert_ptr_eq(s, &shared);
    released++;
}

static void *juggle(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        bn_shared_ref(&shared);
        bn_shared_unref(&shared);
    }
    bn_shared_unref(&shared);
    return NULL;
}

START_TEST(test_last_holder_releases) {
    pthread_t t[THREADS];
    bn_shared_init(&shared, count_release);
    for (int i = 1; i < THREADS; i++) bn_shared_ref(&shared);
    for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, juggle, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    ck_assert_int_eq(released, 1);
    bn_shared_unref(NULL);
    bn_buf_unref(NULL);
}
END_TEST

START_TEST(test_buf) {
    struct bn_buf *b = bn_buf_new(100);
    ck_assert_uint_eq(b->capacity, 100);
    ck_assert_uint_eq(b->len, 0);
    memset(b->data, 7, 100);
    bn_buf_ref(b);
    bn_buf_unref(b);
    ck_assert_int_eq(b->data[99], 7);
    bn_buf_unref(b);
}
END_TEST

START_TEST(test_one_unref_too_many_aborts) {
    bn_shared_init(&shared, count_release);
    bn_shared_unref(&shared);
    bn_shared_unref(&shared);
}
END_TEST

Suite *buf_suite(void);
Suite *buf_suite(void) {
    Suite *s = suite_create("buf");
    TCase *t = tcase_create("buf");
    tcase_add_test(t, test_last_holder_releases);
    tcase_add_test(t, test_buf);
    tcase_add_test_raise_signal(t, test_one_unref_too_many_aborts, SIGABRT);
    suite_add_tcase(s, t);
    return s;
}
