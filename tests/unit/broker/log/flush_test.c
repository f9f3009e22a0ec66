/* flush_test.c: the recovery point moves when everything below it is down, answers come once each, and a failed sync
 * ends the log, also when the log is closed meanwhile. Real pool, real loop; nothing sleeps. */
#include "broker/log/flush.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "common/sys/loop.h"
#include "common/sys/mailbox.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

struct scene {
    struct world w;
    struct bn_loop *loop;
    struct bn_mailbox *mailbox;
    struct bn_pool *pool;
    int answers, failures, closed, waited_for;
};

static void scene_init(struct scene *s) {
    *s = (struct scene){0};
    world_init(&s->w);
    s->loop = bn_loop_new();
    s->mailbox = bn_mailbox_new(s->loop);
    s->pool = bn_pool_new(2);
}

static void scene_fini(struct scene *s) {
    bn_pool_free(s->pool);
    bn_mailbox_free(s->mailbox);
    bn_loop_free(s->loop);
    world_fini(&s->w);
}

static void done(void *arg, int status) {
    struct scene *s = arg;
    s->answers++;
    s->failures += status == BN_IO;
    s->closed += status == BN_CLOSED;
    if (s->answers == s->waited_for) bn_loop_stop(s->loop);
}

static void ask(struct scene *s) {
    s->waited_for++;
    bn_log_flush(s->w.log, s->pool, s->mailbox, done, s);
}

START_TEST(test_many_at_once) {
    struct scene s;
    scene_init(&s);
    world_open(&s.w, false, 0);
    int before = bn_memdisk_calls(s.w.mem, BN_MEMDISK_DATASYNC);
    for (int i = 0; i < 100; i++) {
        world_put(&s.w, 1);
        ask(&s);
    }
    ck_assert_int_eq(s.answers, 0);
    bn_loop_run(s.loop);
    ck_assert_int_eq(s.answers, 100);
    ck_assert_int_eq(s.failures, 0);
    ck_assert_int_eq(bn_log_recovery_point(s.w.log), 100);
    /* Two jobs: the first, and one for all that came while it was under way. Two small files besides. */
    ck_assert_int_le(bn_memdisk_calls(s.w.mem, BN_MEMDISK_DATASYNC) - before, 4);
    scene_fini(&s);
}
END_TEST

/* What was truncated while a flush was under way is not vouched for by it, whatever stands there by now. */
START_TEST(test_voided) {
    struct scene s;
    scene_init(&s);
    world_open(&s.w, false, 0);
    world_put(&s.w, 10);
    ask(&s);
    bn_flush_void(s.w.log, 4);
    bn_loop_run(s.loop);
    ck_assert_int_eq(s.failures, 0);
    ck_assert_int_eq(bn_log_recovery_point(s.w.log), 4);
    scene_fini(&s);
}
END_TEST

START_TEST(test_failed_sync) {
    struct scene s;
    scene_init(&s);
    world_open(&s.w, false, 0);
    world_put(&s.w, 1);
    bn_memdisk_fail(s.w.mem, BN_MEMDISK_DATASYNC, 1, 1);
    ask(&s);
    world_put(&s.w, 1);
    ask(&s);
    bn_loop_run(s.loop);
    ck_assert_int_eq(s.failures, 2);
    ck_assert(bn_log_failed(s.w.log));
    ck_assert_int_eq(bn_log_recovery_point(s.w.log), 0);
    ck_assert_int_ne(bn_log_close(s.w.log, NULL), 0);
    s.w.log = NULL;
    scene_fini(&s);
}
END_TEST

START_TEST(test_closed_meanwhile) {
    for (int round = 0; round < 50; round++) {
        struct scene s;
        scene_init(&s);
        world_open(&s.w, false, 0);
        world_put(&s.w, 1);
        ask(&s);
        ask(&s);
        if (round % 2)
            world_close(&s.w);
        else
            world_abandon(&s.w);
        bn_loop_run(s.loop);
        ck_assert_int_eq(s.closed, 2);
        scene_fini(&s);
    }
}
END_TEST

/* The kernel tells a failed sync once: whoever was told, the close must not call the log clean. */
START_TEST(test_failure_while_closing) {
    for (int round = 0; round < 50; round++) {
        struct scene s;
        scene_init(&s);
        world_open(&s.w, false, 0);
        world_put(&s.w, 1);
        bn_memdisk_fail(s.w.mem, BN_MEMDISK_DATASYNC, 1, 1);
        ask(&s);
        ck_assert_int_ne(bn_log_close(s.w.log, NULL), 0);
        s.w.log = NULL;
        bn_loop_run(s.loop);
        scene_fini(&s);
    }
}
END_TEST

struct hurdle {
    struct bn_job job;
    pthread_mutex_t lock;
};

static void hurdle_run(struct bn_job *job) {
    struct hurdle *h = BN_CONTAINER_OF(job, struct hurdle, job);
    pthread_mutex_lock(&h->lock);
    pthread_mutex_unlock(&h->lock);
}

static void hurdle_done(struct bn_job *job) { (void)job; }

/* What a flush took that never ran is written by the close and outlives a power cut: epochs, names of files. */
START_TEST(test_closed_while_queued) {
    struct scene s;
    struct hurdle h = {.job = {.run = hurdle_run, .done = hurdle_done}};
    scene_init(&s);
    world_open(&s.w, false, 0);
    world_put(&s.w, 3);
    pthread_mutex_init(&h.lock, NULL);
    pthread_mutex_lock(&h.lock);
    h.job.reply_to = s.mailbox;
    h.job.key = bn_flush_key(s.w.log);
    bn_pool_submit(s.pool, &h.job);
    ask(&s);
    world_close(&s.w);
    pthread_mutex_unlock(&h.lock);
    bn_loop_run(s.loop);
    ck_assert_int_eq(s.closed, 1);
    bn_memdisk_crash(s.w.mem, 0);
    world_open(&s.w, true, 3);
    ck_assert_int_eq(bn_log_end_offset(s.w.log), 3);
    ck_assert_int_eq(bn_log_epoch_of(s.w.log, 2), 1);
    world_check_all(&s.w);
    world_close(&s.w);
    scene_fini(&s);
    pthread_mutex_destroy(&h.lock);
}
END_TEST

/* A disk whose syncs wait for the test. */
static struct {
    int (*datasync)(struct bn_file *f, struct bn_err *e);
    sem_t begun, go_on;
    atomic_bool ended, gone;
} slow;

static int sync_slowly(struct bn_file *f, struct bn_err *e) {
    sem_post(&slow.begun);
    while (sem_wait(&slow.go_on) != 0) continue;
    int rc = slow.datasync(f, e);
    atomic_store(&slow.ended, true);
    return rc;
}

static void *abandon(void *arg) {
    world_abandon(arg);
    atomic_store(&slow.gone, !atomic_load(&slow.ended));
    return NULL;
}

/* Who abandons a log renames its directory next, and another topic's may have that name then: a flush that is under way
 * is waited for, or it would write the old topic's epochs there. */
START_TEST(test_abandoned_while_it_runs) {
    struct scene s;
    pthread_t thread;
    scene_init(&s);
    world_open(&s.w, false, 0);
    world_put(&s.w, 1);
    struct bn_disk *disk = (struct bn_disk *)(uintptr_t)s.w.disk;
    slow.datasync = disk->datasync;
    sem_init(&slow.begun, 0, 0);
    sem_init(&slow.go_on, 0, 0);
    disk->datasync = sync_slowly;
    ask(&s);
    while (sem_wait(&slow.begun) != 0) continue;
    ck_assert_int_eq(pthread_create(&thread, NULL, abandon, &s.w), 0);
    for (int i = 0; i < 100 && !atomic_load(&slow.gone); i++) sched_yield();
    disk->datasync = slow.datasync;
    sem_post(&slow.go_on);
    pthread_join(thread, NULL);
    ck_assert(!atomic_load(&slow.gone));
    bn_loop_run(s.loop);
    scene_fini(&s);
}
END_TEST

START_TEST(test_roll_flushes) {
    struct scene s;
    scene_init(&s);
    s.w.open.config.segment_bytes = 300;
    s.w.open.pool = s.pool;
    s.w.open.mailbox = s.mailbox;
    world_open(&s.w, false, 0);
    for (int i = 0; i < 20; i++) world_put(&s.w, 5);
    ask(&s); /* queued behind what the rolls asked for */
    bn_loop_run(s.loop);
    ck_assert_int_eq(bn_log_recovery_point(s.w.log), 100);
    world_check_all(&s.w);
    world_close(&s.w);
    scene_fini(&s);
}
END_TEST

Suite *flush_suite(void);
Suite *flush_suite(void) {
    Suite *s = suite_create("flush");
    TCase *t = tcase_create("flush");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_many_at_once);
    tcase_add_test(t, test_voided);
    tcase_add_test(t, test_failed_sync);
    tcase_add_test(t, test_closed_meanwhile);
    tcase_add_test(t, test_closed_while_queued);
    tcase_add_test(t, test_failure_while_closing);
    tcase_add_test(t, test_abandoned_while_it_runs);
    tcase_add_test(t, test_roll_flushes);
    suite_add_tcase(s, t);
    return s;
}
