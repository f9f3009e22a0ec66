/* thread_test.c: a thread has its name, leaves signals to the main thread but not those of its own faults, and
 * does not change the mask of who started it. */
#include "common/sys/thread.h"

#include <signal.h>
#include <string.h>

#include "tests/unit/unit.h"

static sigset_t mask;

static void *look(void *arg) {
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return arg;
}

START_TEST(test_mask_and_name) {
    sigset_t before, after;
    int token;
    void *result;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    pthread_t t = bn_thread_start("bn-a-name-that-is-too-long", look, &token);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    ck_assert_int_eq(pthread_join(t, &result), 0);
    ck_assert_ptr_eq(result, &token);
    ck_assert(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGHUP) && sigismember(&mask, SIGINT));
    ck_assert(!sigismember(&mask, SIGSEGV) && !sigismember(&mask, SIGABRT));
    ck_assert_int_eq(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}
END_TEST

static void *report_name(void *arg) {
    (void)arg;
    static char name[16];
    pthread_barrier_wait(arg);
    pthread_getname_np(pthread_self(), name, sizeof name);
    return name;
}

START_TEST(test_name) {
    pthread_barrier_t named;
    void *name;
    pthread_barrier_init(&named, NULL, 2);
    pthread_t t = bn_thread_start("bn-a-name-that-is-too-long", report_name, &named);
    pthread_barrier_wait(&named);
    pthread_join(t, &name);
    ck_assert_str_eq(name, "bn-a-name-that-");
    pthread_barrier_destroy(&named);
}
END_TEST

Suite *thread_suite(void);
Suite *thread_suite(void) {
    Suite *s = suite_create("thread");
    TCase *t = tcase_create("thread");
    tcase_add_test(t, test_mask_and_name);
    tcase_add_test(t, test_name);
    suite_add_tcase(s, t);
    return s;
}
