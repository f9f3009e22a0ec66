/* loop_test.c: the rules of a turn: timers in order and never early, deferred work at the end of the turn (or
 * the next, when queued from such work), ios that are freed inside their own callback with the descriptor
 * closed right after. */
#include "common/sys/loop.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static struct bn_loop *loop;
static int order[32], order_count;

static void setup(void) {
    loop = bn_loop_new();
    order_count = 0;
}
static void teardown(void) { bn_loop_free(loop); }

struct mark_timer {
    struct bn_timer timer;
    int mark;
    struct bn_timer *stop;
    bool again;
};

static void mark_cb(struct bn_timer *t) {
    struct mark_timer *m = BN_CONTAINER_OF(t, struct mark_timer, timer);
    if (order_count < 32) order[order_count++] = m->mark;
    if (m->stop) bn_timer_stop(m->stop);
    if (m->again) bn_timer_start(t, 0);
}

START_TEST(test_timers_fire_in_order) {
    static const uint64_t after[] = {9, 1, 5, 0, 3};
    struct mark_timer t[5];
    uint64_t start = bn_loop_now_ms(loop);
    for (int i = 0; i < 5; i++) {
        t[i] = (struct mark_timer){.mark = (int)after[i]};
        bn_timer_init(&t[i].timer, loop, mark_cb);
        ck_assert(!bn_timer_running(&t[i].timer));
        bn_timer_start(&t[i].timer, 1000);
        bn_timer_start(&t[i].timer, after[i]);
        ck_assert(bn_timer_running(&t[i].timer));
    }
    t[4].stop = &t[2].timer; /* 3 stops 5 */
    while (order_count < 4) bn_loop_turn(loop, 1000);
    ck_assert_uint_ge(bn_loop_now_ms(loop), start + 9);
    static const int want[] = {0, 1, 3, 9};
    ck_assert_mem_eq(order, want, sizeof want);
    for (int i = 0; i < 5; i++) ck_assert(!bn_timer_running(&t[i].timer));
}
END_TEST

START_TEST(test_a_timer_that_restarts_itself_does_not_hold_the_turn) {
    struct mark_timer t = {.mark = 1, .again = true};
    bn_timer_init(&t.timer, loop, mark_cb);
    bn_timer_start(&t.timer, 0);
    bn_loop_turn(loop, 0);
    ck_assert_int_eq(order_count, 1);
    bn_loop_turn(loop, 0);
    ck_assert_int_eq(order_count, 2);
    bn_timer_stop(&t.timer);
    bn_timer_stop(&t.timer);
}
END_TEST

struct mark_task {
    struct bn_task task;
    int mark;
    struct mark_task *then, *cancel;
};

static void mark_run(struct bn_task *task) {
    struct mark_task *m = BN_CONTAINER_OF(task, struct mark_task, task);
    order[order_count++] = m->mark;
    if (m->then) bn_loop_defer(loop, &m->then->task);
    if (m->cancel) bn_task_cancel(&m->cancel->task);
}

START_TEST(test_deferred_work) {
    struct mark_task t[4];
    for (int i = 0; i < 4; i++) {
        t[i] = (struct mark_task){.mark = i};
        bn_task_init(&t[i].task, mark_run);
    }
    t[0].then = &t[3];
    t[0].cancel = &t[1];
    for (int i = 0; i < 3; i++) bn_loop_defer(loop, &t[i].task);
    bn_loop_defer(loop, &t[0].task); /* queued already: nothing happens */
    while (order_count < 3) bn_loop_turn(loop, 5000);
    static const int want[] = {0, 2, 3};
    ck_assert_mem_eq(order, want, sizeof want);
    bn_task_cancel(&t[0].task);
}
END_TEST

static void stop_task_run(struct bn_task *t) {
    (void)t;
    ck_assert(bn_loop_is_here(loop));
    bn_loop_stop(loop);
}

START_TEST(test_run_until_stop) {
    struct bn_task t;
    bn_task_init(&t, stop_task_run);
    for (int i = 0; i < 2; i++) {
        bn_loop_defer(loop, &t);
        bn_loop_run(loop);
    }
    ck_assert(!bn_loop_is_here(loop));
}
END_TEST

struct echo {
    struct bn_io *io;
    int fd, calls, events;
    bool free_in_cb;
};

static void echo_cb(void *arg, int events) {
    struct echo *c = arg;
    c->calls++;
    c->events |= events;
    if (!c->free_in_cb) return;
    bn_io_free(c->io);
    close(c->fd);
    /* The number may be used again at once, also in this loop. */
    int again = dup(STDIN_FILENO);
    if (again >= 0) close(again);
}

START_TEST(test_readiness) {
    int fd[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    struct echo c = {.fd = fd[0]};
    c.io = bn_io_new(loop, fd[0], echo_cb, &c);
    bn_loop_turn(loop, 0);
    ck_assert_int_eq(c.calls, 0);
    bn_io_set(c.io, BN_IO_WRITE);
    bn_loop_turn(loop, 1000);
    ck_assert_int_eq(c.events, BN_IO_WRITE);
    bn_io_set(c.io, BN_IO_READ);
    bn_io_set(c.io, BN_IO_READ);
    c.events = c.calls = 0;
    bn_loop_turn(loop, 0);
    ck_assert_int_eq(c.calls, 0);
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    bn_loop_turn(loop, 1000);
    bn_loop_turn(loop, 1000); /* level-triggered: told again */
    ck_assert_int_eq(c.calls, 2);
    ck_assert_int_eq(c.events, BN_IO_READ);
    bn_io_set(c.io, 0);
    bn_loop_turn(loop, 0);
    ck_assert_int_eq(c.calls, 2);
    bn_io_set(c.io, BN_IO_READ);
    c.free_in_cb = true;
    bn_loop_turn(loop, 1000);
    ck_assert_int_eq(c.calls, 3);
    bn_loop_turn(loop, 0);
    ck_assert_int_eq(c.calls, 3);
    close(fd[1]);
}
END_TEST

START_TEST(test_two_ready_ios_of_which_one_frees_the_other) {
    int fd[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    struct echo a = {.fd = fd[0], .free_in_cb = true}, b = {.fd = fd[1], .free_in_cb = true};
    a.io = bn_io_new(loop, fd[0], echo_cb, &a);
    b.io = bn_io_new(loop, fd[1], echo_cb, &b);
    bn_io_set(a.io, BN_IO_WRITE | BN_IO_READ);
    bn_io_set(b.io, BN_IO_WRITE | BN_IO_READ);
    bn_loop_turn(loop, 1000);
    bn_loop_turn(loop, 0);
    ck_assert_int_eq(a.calls, 1);
    ck_assert_int_eq(b.calls, 1);
}
END_TEST

static void signal_cb(void *arg, int signum) { *(int *)arg = signum; }

START_TEST(test_signal) {
    int got = 0;
    struct bn_signal *s = bn_signal_new(loop, SIGUSR1, signal_cb, &got);
    raise(SIGUSR1);
    for (int i = 0; i < 100 && !got; i++) bn_loop_turn(loop, 100);
    ck_assert_int_eq(got, SIGUSR1);
    bn_signal_free(s);
}
END_TEST

Suite *loop_suite(void);
Suite *loop_suite(void) {
    Suite *s = suite_create("loop");
    TCase *t = tcase_create("loop");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_timers_fire_in_order);
    tcase_add_test(t, test_a_timer_that_restarts_itself_does_not_hold_the_turn);
    tcase_add_test(t, test_deferred_work);
    tcase_add_test(t, test_run_until_stop);
    tcase_add_test(t, test_readiness);
    tcase_add_test(t, test_two_ready_ios_of_which_one_frees_the_other);
    tcase_add_test(t, test_signal);
    suite_add_tcase(s, t);
    return s;
}
