/* mailbox_test.c: everything posted by several threads at once runs on the owner's thread, once, in the order of
 * each sender; posting to oneself works without the kernel; what is left at the end is run, not lost. */
#include "common/sys/mailbox.h"

#include <pthread.h>

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

enum { SENDERS = 4, PER_SENDER = 20000 };

struct note {
    struct bn_msg msg;
    int sender, number;
};

static struct bn_loop *loop;
static struct bn_mailbox *mailbox;
static int seen[SENDERS + 1], total;
static pthread_t owner;

static void note_run(struct bn_msg *m) {
    struct note *n = BN_CONTAINER_OF(m, struct note, msg);
    ck_assert(pthread_equal(owner, pthread_self()));
    ck_assert_int_eq(seen[n->sender]++, n->number);
    total++;
    bn_alloc_free(n); /* the message is ours */
}

static void post(int sender, int number) {
    struct note *n = bn_alloc_zero(1, sizeof *n);
    n->msg.run = note_run;
    n->sender = sender;
    n->number = number;
    bn_mailbox_post(mailbox, &n->msg);
}

static void *send_all(void *arg) {
    int sender = *(int *)arg;
    for (int i = 0; i < PER_SENDER; i++) post(sender, i);
    return NULL;
}

static void setup(void) {
    owner = pthread_self();
    loop = bn_loop_new();
    mailbox = bn_mailbox_new(loop);
}

static void teardown(void) { bn_loop_free(loop); }

START_TEST(test_many_senders) {
    pthread_t t[SENDERS];
    int ids[SENDERS] = {0, 1, 2, 3};
    for (int i = 0; i < SENDERS; i++) pthread_create(&t[i], NULL, send_all, &ids[i]);
    while (total < SENDERS * PER_SENDER) bn_loop_turn(loop, 5000);
    for (int i = 0; i < SENDERS; i++) pthread_join(t[i], NULL);
    bn_mailbox_free(mailbox);
}
END_TEST

struct repeat {
    struct bn_task task;
    int left;
};

static void repeat_run(struct bn_task *t) {
    struct repeat *r = BN_CONTAINER_OF(t, struct repeat, task);
    post(SENDERS, 10 - r->left);
    if (--r->left > 0) bn_loop_defer(loop, t);
}

START_TEST(test_posting_to_oneself) {
    struct repeat r = {.left = 10};
    bn_task_init(&r.task, repeat_run);
    bn_loop_defer(loop, &r.task);
    /* A turn may sleep only when nothing is left to run. */
    while (total < 10) bn_loop_turn(loop, 5000);
    ck_assert_int_eq(total, 10);
    bn_mailbox_free(mailbox);
}
END_TEST

START_TEST(test_free_runs_the_rest) {
    for (int i = 0; i < 5; i++) post(0, i);
    bn_mailbox_free(mailbox);
    ck_assert_int_eq(total, 5);
    bn_mailbox_free(NULL);
}
END_TEST

Suite *mailbox_suite(void);
Suite *mailbox_suite(void) {
    Suite *s = suite_create("mailbox");
    TCase *t = tcase_create("mailbox");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_many_senders);
    tcase_add_test(t, test_posting_to_oneself);
    tcase_add_test(t, test_free_runs_the_rest);
    suite_add_tcase(s, t);
    return s;
}
