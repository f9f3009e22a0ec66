/* truncate_test.c: what was dropped never comes back, not after a power cut at any call of the disk; what is left is a
 * log like any other. Two logs with diverging pasts become one by the leader's epochs. */
#include "broker/log/truncate.h"

#include <limits.h>
#include <stdio.h>

#include "broker/log/logdir.h"
#include "common/sys/loop.h"
#include "common/sys/mailbox.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

struct life { /* a log with a checkpoint of its recovery point and start on the same disk */
    struct world w;
    uint64_t seed;
    int32_t sequence[3];
    int lowered, answers, status;
};

static uint32_t draw(struct life *f, uint32_t below) {
    f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(f->seed >> 33) % below;
}

static int checkpoint(struct life *f, int64_t point, int64_t start, struct bn_err *e) {
    char text[64];
    int n = snprintf(text, sizeof text, "%" PRId64 " %" PRId64, point, start);
    return bn_disk_write_atomic(f->w.disk, "/data/points", text, (size_t)n, e);
}

static int lower(void *arg, int64_t point, int64_t start, uint32_t cuts, struct bn_err *e) {
    struct life *f = arg;
    ck_assert_uint_gt(cuts, 0);
    f->lowered++;
    return checkpoint(f, point, start, e);
}

static void done(void *arg, int status) {
    struct life *f = arg;
    f->answers++;
    f->status = status;
}

static int truncate_to(struct life *f, int64_t offset) {
    f->status = 1;
    bn_log_truncate(f->w.log, offset, &(struct bn_log_cut){.lower = lower, .done = done, .arg = f});
    ck_assert_int_ne(f->status, 1);
    return f->status;
}

static void life_open(struct life *f) {
    size_t len;
    int64_t point = 0, start = 0;
    char *text = world_read_file(&f->w, "/data/points", &len);
    if (text) ck_assert_int_eq(sscanf(text, "%" SCNd64 " %" SCNd64, &point, &start), 2);
    bn_alloc_free(text);
    f->w.open.log_start_offset = start;
    world_open(&f->w, false, point);
    /* What roster.c does after a recovery. */
    if (bn_log_recovery_point(f->w.log) < point)
        ck_assert_int_eq(checkpoint(f, bn_log_recovery_point(f->w.log), start, NULL), 0);
}

static void life_init(struct life *f, uint64_t seed) {
    *f = (struct life){.seed = seed};
    world_init(&f->w);
    f->w.open.config.segment_bytes = 1200;
    f->w.open.config.index_interval_bytes = 150;
    life_open(f);
}

static void produce(struct life *f, int32_t epoch) {
    uint32_t who = draw(f, 4);
    struct batch_spec s = {.count = 1 + (int)draw(f, 4),
                           .value_bytes = (int)draw(f, 150),
                           .timestamp = f->w.now_ms + (int64_t)draw(f, 500)};
    if (who < 3) {
        s.producer_id = 10 + who;
        s.producer_epoch = (int16_t)epoch; /* a new one starts at 0: no history of sequences is needed */
        s.sequence = f->sequence[who];
        f->sequence[who] += s.count;
    }
    struct bn_log_append a = world_append_epoch(&f->w, &s, epoch);
    ck_assert_msg(a.error == KE_NONE || a.error == KE_KAFKA_STORAGE_ERROR, "%d %s", a.error, a.message);
}

static void new_epoch(struct life *f) { memset(f->sequence, 0, sizeof f->sequence); }

/* The bytes of s that hold the batches ending at or below offset. */
static size_t bytes_below(struct bn_slice s, int64_t offset) {
    size_t at = 0;
    struct bn_batch b;
    while (at < s.len && bn_batch_peek(bn_slice_of(s.ptr + at, s.len - at), &b) == 0 &&
           bn_batch_next_offset(&b) <= offset)
        at += b.bytes.len;
    return at;
}

static void check_content(struct world *w, struct bn_slice expected, bool prefix) {
    struct bn_str out;
    bn_str_init(&out);
    ck_assert_int_eq(world_read(w, bn_log_start_offset(w->log), INT64_MAX, SIZE_MAX, true, &out), 0);
    if (!prefix) ck_assert_uint_eq(out.len, expected.len);
    ck_assert_uint_le(out.len, expected.len);
    ck_assert(memcmp(out.ptr, expected.ptr, out.len) == 0);
    bn_str_fini(&out);
}

/* The newest record by the log is that of a walk over the batches. */
static void check_times(struct world *w) {
    struct bn_log_found found;
    struct bn_str out;
    int64_t newest = -1;
    struct bn_batch b;
    bn_str_init(&out);
    ck_assert_int_eq(world_read(w, 0, INT64_MAX, SIZE_MAX, true, &out), 0);
    for (struct bn_slice left = bn_str_slice(&out); left.len && bn_batch_peek(left, &b) == 0;
         left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len))
        newest = bn_max_i64(newest, b.max_timestamp);
    ck_assert_int_eq(bn_log_find_max_time(w->log, &found), 0);
    ck_assert_int_eq(found.timestamp, newest);
    ck_assert_int_eq(bn_log_find_time(w->log, newest + 1, INT64_MAX, &found), 0);
    ck_assert_int_eq(found.offset, -1);
    if (newest >= 0) {
        ck_assert_int_eq(bn_log_find_time(w->log, newest, INT64_MAX, &found), 0);
        ck_assert_int_eq(found.timestamp, newest);
    }
    bn_str_fini(&out);
}

/* Goal: at every offset the log is the batches below it, with indexes, epochs and producers of these; it grows again,
 * and a restart changes nothing. */
START_TEST(test_every_offset) {
    for (int64_t cut = 0; cut <= 100; cut++) {
        struct life f;
        life_init(&f, 5);
        for (int epoch = 1; epoch <= 3; epoch++) {
            new_epoch(&f);
            for (int i = 0; i < 12; i++) produce(&f, epoch);
            if (epoch == 2) {
                bn_log_flush(f.w.log, NULL, NULL, NULL, NULL);
                ck_assert_int_eq(checkpoint(&f, bn_log_recovery_point(f.w.log), 0, NULL), 0);
            }
        }
        int64_t end = bn_log_end_offset(f.w.log), point = bn_log_recovery_point(f.w.log);
        if (cut > end) {
            world_fini(&f.w);
            break;
        }
        ck_assert_int_eq(truncate_to(&f, cut), 0);
        size_t left = bytes_below(bn_str_slice(&f.w.sent), cut);
        f.w.sent.len = left;
        ck_assert_int_le(bn_log_end_offset(f.w.log), cut);
        ck_assert_int_eq(f.lowered, bn_log_end_offset(f.w.log) < point);
        ck_assert_int_eq(bn_log_recovery_point(f.w.log), bn_min_i64(point, bn_log_end_offset(f.w.log)));
        ck_assert_uint_eq(bn_log_cuts(f.w.log), cut < end);
        check_content(&f.w, bn_str_slice(&f.w.sent), false);
        world_check_fold(&f.w);
        check_times(&f.w);
        new_epoch(&f);
        for (int i = 0; i < 15; i++) produce(&f, 4);
        check_content(&f.w, bn_str_slice(&f.w.sent), false);
        for (int restart = 0; restart < 3; restart++) {
            world_check_fold(&f.w);
            check_times(&f.w);
            if (restart == 1) {
                world_abandon(&f.w);
                life_open(&f);
            } else {
                world_close(&f.w);
                world_open(&f.w, true, bn_max_i64(end, 0));
            }
            check_content(&f.w, bn_str_slice(&f.w.sent), false);
        }
        world_fini(&f.w);
    }
}
END_TEST

/* Goal: from any call of the disk on all fail, then the power goes: what comes back is the old log or a prefix of it,
 * or, once done() has said so, what was kept and a prefix of what was appended since; never both, and never less than
 * what was synced. Method: each kind of call, each count, until nothing fails any more. */
START_TEST(test_power_cuts) {
    enum bn_memdisk_call call = (enum bn_memdisk_call)_i;
    bool failed = true;
    for (int nth = 1; failed && nth < 300; nth++) {
        for (uint64_t crash = 0; crash < 3; crash++) {
            struct life f;
            life_init(&f, 31 + (uint64_t)nth);
            for (int epoch = 1; epoch <= 3; epoch++) {
                new_epoch(&f);
                for (int i = 0; i < 10; i++) produce(&f, epoch);
                if (epoch + (int)crash >= 3) bn_log_flush(f.w.log, NULL, NULL, NULL, NULL);
                ck_assert_int_eq(checkpoint(&f, bn_log_recovery_point(f.w.log), 0, NULL), 0);
            }
            int64_t end = bn_log_end_offset(f.w.log), cut = draw(&f, (uint32_t)end);
            int64_t synced = bn_log_recovery_point(f.w.log);
            struct bn_str old;
            bn_str_init(&old);
            bn_str_add_slice(&old, bn_str_slice(&f.w.sent));
            bn_memdisk_fail(f.w.mem, call, nth, INT_MAX);
            bool fully = draw(&f, 4) == 0;
            if (fully) {
                cut = 0;
                f.status = 1;
                bn_log_truncate_fully(f.w.log, 0, &(struct bn_log_cut){.lower = lower, .done = done, .arg = &f});
            } else {
                truncate_to(&f, cut);
            }
            bool cut_done = f.status == BN_OK;
            ck_assert(cut_done || bn_log_failed(f.w.log));
            synced = bn_min_i64(synced, bytes_below(bn_str_slice(&old), cut) ? cut : 0);
            if (cut_done) {
                f.w.sent.len = bytes_below(bn_str_slice(&old), cut);
                synced = bn_min_i64(synced, bn_log_end_offset(f.w.log));
            }
            new_epoch(&f);
            for (int i = 0; i < 25 && cut_done && !bn_log_failed(f.w.log); i++) {
                produce(&f, 4);
                if (i % 7 == 3) bn_log_flush(f.w.log, NULL, NULL, NULL, NULL);
                synced = bn_max_i64(synced, bn_log_recovery_point(f.w.log));
                if (i % 9 == 5 && !bn_log_failed(f.w.log))
                    (void)!checkpoint(&f, bn_log_recovery_point(f.w.log), 0, NULL);
            }
            failed = bn_log_failed(f.w.log);
            world_abandon(&f.w);
            bn_memdisk_fail(f.w.mem, call, 1, 0);
            bn_memdisk_crash(f.w.mem, crash ? f.seed | 1 : 0);
            life_open(&f);
            check_content(&f.w, bn_str_slice(cut_done ? &f.w.sent : &old), true);
            struct bn_batch at;
            if (bn_batch_peek(bn_str_slice(&old), &at) == 0 && !fully && cut >= bn_batch_next_offset(&at))
                ck_assert_int_ge(bn_log_end_offset(f.w.log),
                                 bn_min_i64(synced, cut_done ? INT64_MAX : bn_log_end_offset(f.w.log)));
            world_check_fold(&f.w);
            world_fini(&f.w);
            bn_str_fini(&old);
        }
    }
    ck_assert(!failed);
}
END_TEST

START_TEST(test_fully) {
    static const int64_t starts[] = {0, 7, 20, 500};
    for (size_t i = 0; i < BN_ARRAY_LEN(starts); i++) {
        struct life f;
        life_init(&f, 9);
        for (int n = 0; n < 20; n++) produce(&f, 1);
        world_close(&f.w); /* leaves a snapshot that is no segment's */
        life_open(&f);
        ck_assert_int_eq(bn_log_set_start_offset(f.w.log, 10), 0);
        bn_log_flush(f.w.log, NULL, NULL, NULL, NULL);
        int64_t point = bn_log_recovery_point(f.w.log);
        ck_assert_int_eq(checkpoint(&f, point, 10, NULL), 0);
        if (starts[i] < 10)
            ck_assert_int_eq(truncate_to(&f, starts[i]), 0); /* below the start: the same */
        else
            bn_log_truncate_fully(f.w.log, starts[i], &(struct bn_log_cut){.lower = lower, .done = done, .arg = &f});
        ck_assert_int_eq(f.status, 0);
        ck_assert_int_eq(f.lowered, starts[i] < point);
        for (int restart = 0; restart < 2; restart++) {
            ck_assert(bn_log_start_offset(f.w.log) == starts[i] && bn_log_end_offset(f.w.log) == starts[i]);
            ck_assert_int_eq(bn_log_latest_epoch(f.w.log), -1);
            ck_assert_int_eq(bn_log_size_bytes(f.w.log), 0);
            world_check_fold(&f.w);
            world_abandon(&f.w);
            bn_memdisk_crash(f.w.mem, 1);
            life_open(&f);
        }
        bn_str_clear(&f.w.sent);
        new_epoch(&f);
        for (int n = 0; n < 20; n++) produce(&f, 2);
        check_content(&f.w, bn_str_slice(&f.w.sent), false);
        world_check_fold(&f.w);
        world_fini(&f.w);
    }
}
END_TEST

/* An epoch that began without a batch goes although nothing is cut. */
START_TEST(test_empty_epoch_at_the_end) {
    struct life f;
    life_init(&f, 1);
    produce(&f, 1);
    int64_t end = bn_log_end_offset(f.w.log);
    bn_log_assign_epoch(f.w.log, 8, end);
    ck_assert_int_eq(truncate_to(&f, end), 0);
    ck_assert_int_eq(bn_log_latest_epoch(f.w.log), 1);
    ck_assert_uint_eq(bn_log_cuts(f.w.log), 0);
    world_fini(&f.w);
}
END_TEST

/* ---- on the pool ---- */

struct scene {
    struct life f;
    struct bn_loop *loop;
    struct bn_mailbox *mailbox;
    struct bn_pool *pool;
    int flushes;
};

static void scene_init(struct scene *s) {
    *s = (struct scene){.flushes = 0};
    life_init(&s->f, 3);
    s->loop = bn_loop_new();
    s->mailbox = bn_mailbox_new(s->loop);
    s->pool = bn_pool_new(2);
}

static void scene_fini(struct scene *s) {
    bn_pool_free(s->pool);
    bn_mailbox_free(s->mailbox);
    bn_loop_free(s->loop);
    world_fini(&s->f.w);
}

static void scene_done(void *arg, int status) {
    struct scene *s = BN_CONTAINER_OF(arg, struct scene, f);
    done(arg, status);
    bn_loop_stop(s->loop);
}

static void scene_cut(struct scene *s, int64_t offset) {
    bn_log_truncate(
        s->f.w.log, offset,
        &(struct bn_log_cut){.pool = s->pool, .mailbox = s->mailbox, .lower = lower, .done = scene_done, .arg = &s->f});
}

static void flushed(void *arg, int status) {
    struct scene *s = arg;
    s->flushes++;
    (void)status;
}

/* Goal: a flush that was under way does not vouch for what is appended after the cut, and its epoch file does not
 * outlive the cut's; until done() appends and retention wait, reads do not. */
START_TEST(test_flush_under_way) {
    for (int round = 0; round < 30; round++) {
        struct scene s;
        scene_init(&s);
        struct world *w = &s.f.w;
        for (int i = 0; i < 10; i++) {
            if (i == 5) new_epoch(&s.f);
            produce(&s.f, 1 + i / 5);
        }
        bn_log_flush(w->log, s.pool, s.mailbox, flushed, &s);
        if (round % 2) bn_log_flush(w->log, s.pool, s.mailbox, flushed, &s);
        struct bn_batch first;
        ck_assert_int_eq(bn_batch_peek(bn_str_slice(&w->sent), &first), 0);
        int64_t cut = bn_batch_next_offset(&first);
        scene_cut(&s, cut);
        ck_assert(bn_log_truncating(w->log) && s.f.answers == 0);
        ck_assert_int_eq(bn_log_end_offset(w->log), cut);
        w->sent.len = first.bytes.len;
        check_content(w, bn_str_slice(&w->sent), false);
        struct bn_log_append a = world_append(w, &(struct batch_spec){.count = 1});
        ck_assert_int_eq(a.error, KE_NOT_LEADER_OR_FOLLOWER);
        struct bn_log_replica r = {.fetch_offset = cut};
        ck_assert_int_eq(bn_log_append_replica(w->log, &r), BN_AGAIN);
        ck_assert_int_eq(bn_log_retain(w->log, INT64_MAX, INT64_MAX / 2, NULL), 0);
        bn_loop_run(s.loop);
        ck_assert(s.f.status == BN_OK && s.f.answers == 1 && !bn_log_truncating(w->log));
        new_epoch(&s.f);
        for (int i = 0; i < 10; i++) produce(&s.f, 7);
        ck_assert_int_le(bn_log_recovery_point(w->log), cut);
        world_check_fold(w);
        size_t len;
        char *epochs = world_read_file(w, "/data/t-0/leader-epoch-checkpoint", &len);
        ck_assert_str_eq(epochs, "0\n1\n1 0\n");
        bn_alloc_free(epochs);
        scene_fini(&s);
    }
}
END_TEST

/* Goal: a log may be closed or abandoned at any moment of a truncation; closed, it is cut on disk. */
START_TEST(test_closed_meanwhile) {
    for (int round = 0; round < 60; round++) {
        struct scene s;
        scene_init(&s);
        struct world *w = &s.f.w;
        for (int i = 0; i < 10; i++) produce(&s.f, 1);
        if (round % 3 == 0) bn_log_flush(w->log, s.pool, s.mailbox, NULL, NULL);
        scene_cut(&s, 4);
        if (round % 2)
            world_close(w);
        else
            world_abandon(w);
        bn_loop_run(s.loop);
        ck_assert_int_eq(s.f.answers, 1);
        ck_assert_int_eq(s.f.status, BN_CLOSED);
        world_open(w, round % 2, 0);
        if (round % 2) ck_assert_int_le(bn_log_end_offset(w->log), 4);
        world_check_fold(w);
        scene_fini(&s);
    }
}
END_TEST

START_TEST(test_failure_on_the_pool) {
    struct scene s;
    scene_init(&s);
    for (int i = 0; i < 10; i++) produce(&s.f, 1);
    bn_memdisk_fail(s.f.w.mem, BN_MEMDISK_DATASYNC, 1, 1);
    scene_cut(&s, 4);
    bn_loop_run(s.loop);
    ck_assert(s.f.status == BN_IO && bn_log_failed(s.f.w.log));
    ck_assert_int_eq(truncate_to(&s.f, 2), BN_IO);
    scene_fini(&s);
}
END_TEST

/* ---- two logs ---- */

static void fetch(struct life *leader, struct life *follower, size_t max_bytes) {
    struct bn_str bytes;
    int64_t end = bn_log_end_offset(follower->w.log);
    bn_str_init(&bytes);
    ck_assert_int_eq(world_read(&leader->w, end, INT64_MAX, max_bytes, true, &bytes), 0);
    struct bn_log_replica r = {.bytes = (uint8_t *)bytes.ptr, .len = bytes.len, .fetch_offset = end};
    ck_assert_int_eq(bn_log_append_replica(follower->w.log, &r), 0);
    ck_assert_int_eq(r.skipped, 0);
    bn_str_fini(&bytes);
}

/* One fetch with its last epoch (3-replication 3.7): the leader's answer may be where the logs part. */
static void step(struct life *leader, struct life *follower, size_t max_bytes) {
    struct bn_log *f = follower->w.log;
    int32_t last = bn_log_latest_epoch(f), epoch, mine;
    int64_t end, my_end;
    bn_log_end_of_epoch(leader->w.log, last, &epoch, &end);
    if (last < 0 || (epoch == last && end >= bn_log_end_offset(f))) {
        fetch(leader, follower, max_bytes);
        return;
    }
    ck_assert_int_ge(end, 0); /* the leader has a newer epoch than any other's */
    bn_log_end_of_epoch(f, epoch, &mine, &my_end);
    int64_t to = my_end < 0 ? end : mine != epoch ? my_end : bn_min_i64(end, my_end);
    ck_assert_int_eq(truncate_to(follower, bn_min_i64(to, bn_log_end_offset(f))), 0);
}

static void restart(struct life *f) {
    world_abandon(&f->w);
    bn_memdisk_crash(f->w.mem, draw(f, 3) ? f->seed | 1 : 0);
    life_open(f);
}

/* Goal: whoever led before, whatever was lost by power cuts, a follower ends up with the leader's bytes, epochs and
 * producers. */
START_TEST(test_convergence) {
    struct life both[2];
    life_init(&both[0], 100 + (uint64_t)_i);
    life_init(&both[1], 900 + (uint64_t)_i);
    struct life *f = &both[0];
    for (int32_t epoch = 1; epoch <= 12; epoch++) {
        int who = (int)draw(&both[0], 2);
        struct life *leader = &both[who];
        f = &both[1 - who];
        bn_log_assign_epoch(leader->w.log, epoch, bn_log_end_offset(leader->w.log));
        new_epoch(leader);
        bool last = epoch == 12;
        for (uint32_t steps = draw(leader, 25); steps > 0; steps--) {
            if (draw(leader, 3)) produce(leader, epoch);
            if (epoch % 2 == 0 && draw(leader, 2)) step(leader, f, 1 + draw(leader, 3000));
            if (draw(f, 5) == 0) bn_log_flush(f->w.log, NULL, NULL, NULL, NULL);
            if (draw(f, 5) == 0) ck_assert_int_eq(checkpoint(f, bn_log_recovery_point(f->w.log), 0, NULL), 0);
            if (draw(f, 8) == 0) restart(f);
        }
        for (int n = 0; last && n < 1000 && bn_log_end_offset(f->w.log) != bn_log_end_offset(leader->w.log); n++)
            step(leader, f, 1 + draw(leader, 3000));
        /* Equal ends may still be different pasts. */
        for (int n = 0; last && n < 100; n++) step(leader, f, 2000);
        world_check_fold(&f->w);
        world_check_fold(&leader->w);
        if (!last) continue;
        ck_assert_int_eq(bn_log_end_offset(f->w.log), bn_log_end_offset(leader->w.log));
        struct bn_str all;
        bn_str_init(&all);
        ck_assert_int_eq(world_read(&leader->w, 0, INT64_MAX, SIZE_MAX, true, &all), 0);
        check_content(&f->w, bn_str_slice(&all), false);
        check_times(&f->w);
        bn_str_fini(&all);
    }
    world_fini(&both[0].w);
    world_fini(&both[1].w);
}
END_TEST

/* Goal: checkpoints gathered before a cut do not undo what the cut lowered; later ones count. */
START_TEST(test_stale_checkpoint) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o = {.clean = false};
    static const char *const path = "/data/a";
    struct bn_logdirs *d;
    world_init(&w);
    ck_assert_int_eq(bn_logdirs_open(&w.env, &path, 1, &d, &e), 0);
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, true, &o, &e), 0);
    struct bn_logdir_point old = {"t", 0, o.tenure, 90, 50, 80, true, 0, 0},
                           cut = {"t", 0, o.tenure, 40, 30, 0, true, 0, 1};
    ck_assert_int_eq(bn_logdirs_checkpoint(d, &old, 1, &e), 0);
    ck_assert_int_eq(bn_logdirs_cut(d, &cut, &e), 0);
    ck_assert_int_eq(bn_logdirs_checkpoint(d, &old, 1, &e), 0);
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, false, &o, &e), 0);
    ck_assert(o.recovery_point == 40 && o.log_start_offset == 30);
    size_t len;
    char *text = world_read_file(&w, "/data/a/recovery-point-offset-checkpoint", &len);
    ck_assert_str_eq(text, "0\n1\nt 0 40\n");
    bn_alloc_free(text);
    ck_assert_int_eq(bn_logdirs_cut(d, &cut, &e), 0);
    cut.recovery_point = 60;
    ck_assert_int_eq(bn_logdirs_checkpoint(d, &cut, 1, &e), 0);
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, false, &o, &e), 0);
    ck_assert_int_eq(o.recovery_point, 60);
    bn_logdirs_close(d, false, 0);
    world_fini(&w);
}
END_TEST

Suite *truncate_suite(void);
Suite *truncate_suite(void) {
    Suite *s = suite_create("truncate");
    TCase *t = tcase_create("truncate");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_every_offset);
    tcase_add_loop_test(t, test_power_cuts, 0, BN_MEMDISK_CALLS);
    tcase_add_test(t, test_fully);
    tcase_add_test(t, test_empty_epoch_at_the_end);
    tcase_add_test(t, test_flush_under_way);
    tcase_add_test(t, test_closed_meanwhile);
    tcase_add_test(t, test_failure_on_the_pool);
    tcase_add_loop_test(t, test_convergence, 0, 100);
    tcase_add_test(t, test_stale_checkpoint);
    suite_add_tcase(s, t);
    return s;
}
