/* roster_test.c: partitions come and go as images say, and directories go only on evidence.
 */
#include "tests/unit/broker/replica/world.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "tests/unit/unit.h"

Suite *roster_suite(void);

static const struct world_state alone = {WORLD_BROKER, 0, 0, {WORLD_BROKER}, {WORLD_BROKER}, 1, 1};

static void count_proposals(struct world *w, void *arg) {
    *(int *)arg = w->alter_count;
    sched_yield();
}

/* What was appended is there after a clean stop and start, and nobody asked for recovery. */
START_TEST(test_restart_keeps_records) {
    struct world w;
    struct bn_partition_read r;
    world_start(&w);
    world_decide(&w, alone);
    ck_assert_int_eq(world_append(&w, 5, 1, 1000, NULL), KE_NONE);
    world_restart(&w);
    ck_assert(w.stopped_clean);
    world_decide(&w, alone);
    world_await_open(&w);
    ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NONE);
    ck_assert_int_eq(r.high_watermark, 5);
    world_stop(&w);
}
END_TEST

/* A log that could not be opened was not recovered either: the directory must not be marked as closed cleanly, or the
 * next start would believe what stands there unseen (KAFKA-13773). */
START_TEST(test_unopened_is_not_clean) {
    struct world w;
    world_start(&w);
    world_decide(&w, alone);
    ck_assert_int_eq(world_append(&w, 5, 1, 1000, NULL), KE_NONE);
    world_restart(&w);
    ck_assert(w.stopped_clean);
    char *path = bn_alloc_printf("%s/t-0/leader-epoch-checkpoint", w.dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0755), 0); /* what can't be read */
    world_decide(&w, alone);
    world_await_open(&w);
    ck_assert_int_eq(world_append(&w, 1, 1, 1000, NULL), KE_KAFKA_STORAGE_ERROR);
    world_restart(&w);
    ck_assert(!w.stopped_clean);
    ck_assert_int_eq(rmdir(path), 0);
    bn_alloc_free(path);
    world_stop(&w);
}
END_TEST

/* Who is to lead and has no log leaves it to the other members of the ISR; refused, it asks again. */
START_TEST(test_leader_without_a_log_resigns) {
    static const struct world_state leads = {WORLD_BROKER, 0, 0, {WORLD_BROKER, 2}, {WORLD_BROKER, 2}, 2, 2};
    static const struct world_state nothing = {0};
    struct world w;
    int count = 0;
    world_start(&w);
    char *dir = bn_alloc_printf("%s/t-0", w.dir), *path = bn_alloc_printf("%s/leader-epoch-checkpoint", dir);
    ck_assert_int_eq(mkdir(dir, 0755), 0);
    ck_assert_int_eq(mkdir(path, 0755), 0); /* what can't be read */
    world_decide(&w, leads);
    for (int n = 1; n <= 2; n++) {
        while (count < n) world_on_shard(&w, count_proposals, &count);
        ck_assert_uint_eq(w.altering->n_items, 1);
        ck_assert_uint_eq(w.altering->items[0]->n_isr, 1);
        ck_assert_int_eq(w.altering->items[0]->isr[0], 2);
        world_answer(&w, KE_INELIGIBLE_REPLICA, nothing);
    }
    ck_assert_int_eq(rmdir(path), 0);
    bn_alloc_free(path);
    bn_alloc_free(dir);
    world_stop(&w);
}
END_TEST

/* A configuration that changes while the log is being opened holds once it is open. */
START_TEST(test_configured_while_opening) {
    struct world w;
    world_start(&w);
    w.later_max_message_bytes = 10;
    world_decide(&w, alone);
    world_await_open(&w);
    ck_assert_int_eq(world_append(&w, 5, 1, 1000, NULL), KE_MESSAGE_TOO_LARGE);
    world_stop(&w);
}
END_TEST

/* Deletion with evidence renames the directory to -delete and tells the controller of that partition. */
START_TEST(test_deleted_on_evidence) {
    struct world w;
    world_start(&w);
    world_decide(&w, alone);
    world_await_open(&w);
    world_remove(&w, true, false);
    world_await_entry(&w, "t-0.", "-delete");
    world_restart(&w);
    ck_assert(!world_has(&w, "t-0", "t-0"));
    world_stop(&w);
}
END_TEST

static void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

/* A directory that could not be opened is that of a former topic of the name, set aside with the new one's evidence:
 * nothing proves that the former one was deleted. */
START_TEST(test_evidence_is_of_one_topic) {
    struct world w;
    struct rlimit before, none;
    world_start(&w);
    char *dir = bn_alloc_printf("%s/t-0", w.dir), *path = bn_alloc_printf("%s/partition.metadata", dir);
    ck_assert_int_eq(mkdir(dir, 0755), 0);
    write_text(path, "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAGw");
    world_restart(&w);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    world_decide(&w, alone);
    world_await_open(&w);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    world_remove(&w, true, false);
    world_await_entry(&w, "t-0.", "-stray");
    bn_alloc_free(path);
    bn_alloc_free(dir);
    world_stop(&w);
}
END_TEST

/* A full image that lacks the topic, without evidence: set aside, not removed, nothing told. */
START_TEST(test_stray_without_evidence) {
    struct world w;
    world_start(&w);
    world_decide(&w, alone);
    world_await_open(&w);
    world_remove(&w, false, false);
    world_await_entry(&w, "t-0.", "-stray");
    ck_assert_int_eq(w.deleted_count, 0);
    world_stop(&w);
}
END_TEST

/* What was set aside comes back with its partition (a topic whose znode could not be read for a while, safety §3): an
 * empty log would be that of an ISR member that has nothing. Also when the broker was started again meanwhile. */
START_TEST(test_stray_comes_back) {
    for (int restarts = 0; restarts < 2; restarts++) {
        struct world w;
        struct bn_partition_append a;
        world_start(&w);
        world_decide(&w, alone);
        ck_assert_int_eq(world_append(&w, 5, 1, 1000, NULL), KE_NONE);
        world_remove(&w, false, false);
        world_await_entry(&w, "t-0.", "-stray");
        if (restarts) world_restart(&w);
        world_decide(&w, alone);
        ck_assert_int_eq(world_append(&w, 1, 1, 1000, &a), KE_NONE);
        ck_assert_int_eq(a.log.base_offset, 5);
        ck_assert(!world_has(&w, "t-0.", "-stray"));
        world_stop(&w);
    }
}
END_TEST

/* The same for a directory that was found at start. */
START_TEST(test_found_and_unknown_is_stray) {
    struct world w;
    world_start(&w);
    world_decide(&w, alone);
    world_await_open(&w);
    world_restart(&w);
    world_remove(&w, false, false);
    world_await_entry(&w, "t-0.", "-stray");
    ck_assert_int_eq(w.deleted_count, 0);
    world_stop(&w);
}
END_TEST

/* Found at start, and the topic was deleted while this broker was down: the full image carries the evidence. */
START_TEST(test_found_and_removed_is_deleted) {
    struct world w;
    world_start(&w);
    world_decide(&w, alone);
    world_await_open(&w);
    world_restart(&w);
    world_remove(&w, false, true);
    world_await_entry(&w, "t-0.", "-delete");
    world_stop(&w);
}
END_TEST

/* A removed topic of which nothing is here is confirmed as a whole. */
START_TEST(test_nothing_here_is_confirmed) {
    struct world w;
    world_start(&w);
    world_remove(&w, true, false);
    ck_assert_int_eq(w.deleted_count, 1);
    ck_assert_int_eq(w.deleted[0], -1);
    world_stop(&w);
}
END_TEST

struct hurdle {
    struct bn_job job;
    pthread_mutex_t *lock;
};

static void hurdle_run(struct bn_job *job) {
    struct hurdle *h = BN_CONTAINER_OF(job, struct hurdle, job);
    pthread_mutex_lock(h->lock);
    pthread_mutex_unlock(h->lock);
}

/* Two controllers tell of the same deletion, the second one while the directory is still on its way out: nothing is
 * confirmed to it before that has gone, or the evidence would go first. */
START_TEST(test_confirmed_when_it_is_gone) {
    struct world w;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct hurdle hurdles[] = {{.job.run = hurdle_run, .lock = &lock}, {.job.run = hurdle_run, .lock = &lock}};
    world_start(&w);
    world_decide(&w, alone);
    world_await_open(&w);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 2; i++) bn_pool_submit(w.pool, &hurdles[i].job); /* all threads that there are */
    world_remove(&w, true, false);
    world_remove(&w, false, true);
    ck_assert_int_eq(w.deleted_count, 0);
    pthread_mutex_unlock(&lock);
    world_await_entry(&w, "t-0.", "-delete");
    world_stop(&w);
    ck_assert(w.deleted_count == 1 && w.deleted[0] == 0);
}
END_TEST

static void take_points(struct world *w, void *arg) {
    struct bn_logdir_point *points = NULL;
    size_t count = 0, capacity = 0;
    bn_roster_points(w->roster, &points, &count, &capacity);
    ck_assert_uint_eq(count, *(int *)arg > 0);
    if (count == 0) return;
    ck_assert_str_eq(points[0].topic, "t");
    ck_assert_int_eq(points[0].high_watermark, *(int *)arg);
    ck_assert_uint_gt(points[0].tenure, 0);
    bn_alloc_free((void *)(uintptr_t)points[0].topic);
    bn_alloc_free(points);
}

START_TEST(test_points) {
    struct world w;
    int expected = 2;
    world_start(&w);
    world_decide(&w, alone);
    ck_assert_int_eq(world_append(&w, 2, 1, 1000, NULL), KE_NONE);
    world_on_shard(&w, take_points, &expected);
    expected = 0; /* the same again is no news */
    world_on_shard(&w, take_points, &expected);
    ck_assert_int_eq(world_append(&w, 3, 1, 1000, NULL), KE_NONE);
    expected = 5;
    world_on_shard(&w, take_points, &expected);
    world_stop(&w);
}
END_TEST

/* Every partition has exactly one shard, whatever their number, and they are spread. */
START_TEST(test_shard_of) {
    for (int shards = 1; shards <= 5; shards++) {
        int seen[5] = {0};
        for (int32_t p = 0; p < 100; p++) {
            int shard = bn_roster_shard_of(&world_id, p, shards);
            ck_assert_int_ge(shard, 0);
            ck_assert_int_lt(shard, shards);
            seen[shard]++;
        }
        for (int i = 0; i < shards; i++) ck_assert_int_ge(seen[i], 100 / shards);
    }
}
END_TEST

Suite *roster_suite(void) {
    Suite *s = suite_create("roster");
    TCase *t = tcase_create("roster");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_restart_keeps_records);
    tcase_add_test(t, test_unopened_is_not_clean);
    tcase_add_test(t, test_leader_without_a_log_resigns);
    tcase_add_test(t, test_configured_while_opening);
    tcase_add_test(t, test_deleted_on_evidence);
    tcase_add_test(t, test_evidence_is_of_one_topic);
    tcase_add_test(t, test_stray_without_evidence);
    tcase_add_test(t, test_stray_comes_back);
    tcase_add_test(t, test_found_and_unknown_is_stray);
    tcase_add_test(t, test_found_and_removed_is_deleted);
    tcase_add_test(t, test_nothing_here_is_confirmed);
    tcase_add_test(t, test_confirmed_when_it_is_gone);
    tcase_add_test(t, test_points);
    tcase_add_test(t, test_shard_of);
    suite_add_tcase(s, t);
    return s;
}
