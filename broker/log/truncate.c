/* truncate.c: drops the end of a log. Two parts: what the log knows changes at once, on the shard, at the price of a
 * look-up; the files follow in a job on the pool that shares nothing with the log (names, positions and texts are
 * copied), and nothing is appended before it has ended. So the shard never waits for a sync, and an append can't
 * overtake the cut.
 *
 * Order in the job, such that a power cut at any point leaves a prefix of the old log: later segments go, the last one
 * first, and later snapshots; the directory is synced; then the segment is cut and synced (before, it would leave a
 * hole in front of a later one); the epoch file; the lowered checkpoints. Then producer state is folded anew from what
 * is left. The job has the key of the log's flushes: an older flush can't write its epoch file over ours. A failure is
 * final, as everywhere: the log has failed.
 *
 * `struct bn_truncate` is made by a log's first truncation and outlives the log when a job is under way at its end. Its
 * lock guards `log`, `state` and `users`; the rest belongs to the shard while IDLE, else to who runs it. */
#include "broker/log/truncate.h"

#include <pthread.h>

#include "broker/log/compact.h"
#include "broker/log/flush.h"
#include "broker/log/recover.h"
#include "broker/log/replay.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"

enum { WINDOW = 256 << 10 };
enum state { IDLE, QUEUED, RUNNING, RAN };

struct bn_truncate {
    pthread_mutex_t lock;
    pthread_cond_t ran;
    struct bn_log *log; /* NULL once it is gone */
    enum state state;
    int users; /* the log; the job; who settles */
    struct bn_job job;
    struct bn_log_cut how;

    /* of one truncation; what the job works on is its own */
    struct bn_index_place place;
    char *name;
    struct bn_segment **kept; /* never the log's own */
    uint32_t kept_count;
    uint32_t offsets, times; /* entries that the last one's index files keep */
    int64_t end;             /* of the log */
    int64_t snapshots_upto;  /* those above go; -1: all */
    int64_t recovery_point, start_offset;
    uint32_t cuts;
    bool lower;
    char *epochs;

    int status;
    struct bn_err error;
    struct bn_producer_table producers;
    int64_t snapshot_offset;
};

/* ---- the job ---- */

static bool above(const struct bn_truncate *t, const char *name) {
    static const char *const suffixes[] = {".log", ".index", ".timeindex", ".txnindex"};
    int64_t base, last = t->kept[t->kept_count - 1]->base_offset;
    if (bn_recover_parse_name(name, ".snapshot", &base)) return base > t->snapshots_upto;
    for (size_t i = 0; i < BN_ARRAY_LEN(suffixes); i++)
        if (bn_recover_parse_name(name, suffixes[i], &base)) return base > last;
    return false;
}

static int unlink_above(const struct bn_truncate *t, struct bn_err *e) {
    const struct bn_disk *d = t->place.disk;
    struct bn_disk_entry *list = NULL;
    size_t n = 0;
    int rc = d->list(d, t->place.dir, &list, &n, e);
    while (rc == 0 && n-- > 0) {
        if (!above(t, list[n].name)) continue;
        char *path = bn_alloc_printf("%s/%s", t->place.dir, list[n].name);
        rc = d->unlink(d, path, e);
        if (rc == BN_NOTFOUND) rc = 0; /* retention was faster */
        bn_alloc_free(path);
    }
    bn_alloc_free(list);
    return rc ? rc : d->sync_dir(d, t->place.dir, e);
}

static int cut_file(const struct bn_truncate *t, const char *suffix, int64_t size, bool sync, struct bn_err *e) {
    const struct bn_disk *d = t->place.disk;
    struct bn_file *f;
    char *path = bn_index_path(&t->place, t->kept[t->kept_count - 1]->base_offset, suffix);
    int rc = d->open(d, path, BN_DISK_WRITE, &f, e);
    bn_alloc_free(path);
    if (rc) return rc;
    rc = d->truncate(f, size, e);
    if (rc == 0 && sync) rc = d->datasync(f, e);
    bn_file_unref(f);
    return rc;
}

/* The indexes need no sync: a crash leads to the recovery point, which is not above the cut, and makes them anew. */
static int cut_segment(const struct bn_truncate *t, struct bn_err *e) {
    int64_t offsets = (int64_t)t->offsets * bn_index_entry_size(BN_INDEX_OFFSET);
    int64_t times = (int64_t)t->times * bn_index_entry_size(BN_INDEX_TIME);
    int rc = cut_file(t, ".log", t->kept[t->kept_count - 1]->size, true, e);
    if (rc == 0) rc = cut_file(t, ".index", offsets, false, e);
    if (rc == 0 || rc == BN_NOTFOUND) rc = cut_file(t, ".timeindex", times, false, e);
    return rc == BN_NOTFOUND ? 0 : rc;
}

static int write_epochs(const struct bn_truncate *t, struct bn_err *e) {
    char *path = bn_alloc_printf("%s/leader-epoch-checkpoint", t->place.dir);
    int rc = bn_disk_write_atomic(t->place.disk, path, t->epochs, strlen(t->epochs), e);
    bn_alloc_free(path);
    return rc;
}

static int fold_producers(struct bn_truncate *t, struct bn_err *e) {
    const struct bn_disk *d = t->place.disk;
    struct bn_disk_entry *list = NULL;
    uint8_t *window = bn_alloc(WINDOW);
    struct bn_replay r = {
        .place = &t->place,
        .name = t->name,
        .segments = t->kept,
        .segment_count = t->kept_count,
        .end_offset = t->end,
        .window = bn_slice_of(window, WINDOW),
        .producers = &t->producers,
        .snapshot_offset = -1,
    };
    int rc = d->list(d, t->place.dir, &list, &r.list_count, e);
    r.list = list;
    if (rc == 0) rc = bn_replay_run(&r, e);
    t->snapshot_offset = r.snapshot_offset;
    bn_alloc_free(list);
    bn_alloc_free(window);
    return rc;
}

static int work(struct bn_truncate *t) {
    struct bn_err *e = &t->error;
    int rc = unlink_above(t, e);
    if (rc == 0) rc = cut_segment(t, e);
    if (rc == 0) rc = write_epochs(t, e);
    if (rc == 0 && t->lower && t->how.lower)
        rc = t->how.lower(t->how.arg, t->recovery_point, t->start_offset, t->cuts, e);
    return rc ? rc : fold_producers(t, e);
}

/* ---- its life ---- */

static void clear(struct bn_truncate *t) {
    for (uint32_t i = 0; i < t->kept_count; i++) bn_segment_free(t->kept[i]);
    bn_alloc_free(t->kept);
    bn_alloc_free(t->epochs);
    bn_alloc_free(t->name);
    bn_alloc_free((char *)(uintptr_t)t->place.dir);
    bn_producer_fini(&t->producers);
    t->kept = NULL;
    t->kept_count = 0;
    t->epochs = t->name = NULL;
    t->place.dir = NULL;
}

static void leave(struct bn_truncate *t) {
    pthread_mutex_lock(&t->lock);
    bool last = --t->users == 0;
    pthread_mutex_unlock(&t->lock);
    if (!last) return;
    clear(t);
    pthread_cond_destroy(&t->ran);
    pthread_mutex_destroy(&t->lock);
    bn_alloc_free(t);
}

/* The results become the log's. */
static void install(struct bn_log *l, struct bn_truncate *t) {
    l->cutting = false;
    if (t->status) {
        l->failed = true;
        BN_ERROR("log", "[Log partition=%s] truncating failed, the log is offline: %s", l->name, t->error.text);
        return;
    }
    struct bn_producer_table old = l->producers;
    l->producers = t->producers;
    t->producers = old;
    l->snapshot_offset = t->snapshot_offset;
}

static void truncate_run(struct bn_job *job) { /* pool thread */
    struct bn_truncate *t = BN_CONTAINER_OF(job, struct bn_truncate, job);
    pthread_mutex_lock(&t->lock);
    bool mine = t->state == QUEUED && t->log;
    if (mine) t->state = RUNNING;
    pthread_mutex_unlock(&t->lock);
    if (!mine) return;
    int status = work(t);
    pthread_mutex_lock(&t->lock);
    t->status = status;
    t->state = RAN;
    pthread_cond_signal(&t->ran);
    pthread_mutex_unlock(&t->lock);
}

static void truncate_done(struct bn_job *job) { /* the shard */
    struct bn_truncate *t = BN_CONTAINER_OF(job, struct bn_truncate, job);
    int status = BN_CLOSED;
    struct bn_log_cut how = t->how;
    pthread_mutex_lock(&t->lock);
    if (t->log && t->state == RAN) { /* else the log is gone, or whoever closes it does this */
        install(t->log, t);
        clear(t);
        t->state = IDLE;
        status = t->status ? BN_IO : BN_OK;
    }
    pthread_mutex_unlock(&t->lock);
    leave(t);
    if (how.done) how.done(how.arg, status);
}

void bn_truncate_settle(struct bn_log *l, bool finish) {
    struct bn_truncate *t = l->truncate;
    if (!t) return;
    pthread_mutex_lock(&t->lock);
    if (t->state == QUEUED && finish) {
        t->state = RUNNING;
        pthread_mutex_unlock(&t->lock);
        t->status = work(t);
        pthread_mutex_lock(&t->lock);
        t->state = RAN;
    }
    while (t->state == RUNNING) pthread_cond_wait(&t->ran, &t->lock);
    if (t->state == RAN) install(l, t);
    t->log = NULL;
    pthread_mutex_unlock(&t->lock);
    l->truncate = NULL;
    l->cutting = false;
    leave(t);
}

/* ---- what the shard does ---- */

/* Copies what the job needs. The log's memory is already as it shall be; before: what was in force until now. */
static struct bn_truncate *prepare(struct bn_log *l, const struct bn_log_cut *how, const struct bn_log *before) {
    struct bn_truncate *t = l->truncate;
    struct bn_segment *last = bn_log_active(l);
    struct bn_str text;
    if (!t) {
        t = l->truncate = bn_alloc_zero(1, sizeof *t);
        pthread_mutex_init(&t->lock, NULL);
        pthread_cond_init(&t->ran, NULL);
        t->log = l;
        t->users = 1;
    }
    bn_producer_init(&t->producers);
    t->how = *how;
    t->place = (struct bn_index_place){.disk = l->place.disk, .dir = bn_alloc_strdup(l->place.dir)};
    t->name = bn_alloc_strdup(l->name);
    t->kept = bn_alloc_zero(l->segment_count, sizeof(struct bn_segment *));
    for (uint32_t i = 0; i < l->segment_count; i++) {
        t->kept[i] = bn_segment_new(&t->place, l->segments[i]->base_offset, 0);
        t->kept[i]->size = l->segments[i]->size;
    }
    t->kept_count = l->segment_count;
    t->offsets = last->offsets.written;
    t->times = last->times.written;
    t->end = t->snapshots_upto = l->end_offset;
    t->recovery_point = l->recovery_point;
    t->start_offset = l->start_offset;
    t->lower = l->recovery_point < before->recovery_point || l->start_offset < before->start_offset;
    t->cuts = l->cuts;
    bn_str_init(&text);
    bn_epochs_format(&l->epochs, &text);
    t->epochs = bn_str_take(&text);
    bn_str_fini(&text);
    l->epochs_dirty = false;
    return t;
}

static void submit(struct bn_log *l, struct bn_truncate *t) {
    l->cutting = true;
    pthread_mutex_lock(&t->lock);
    t->state = QUEUED;
    t->users++;
    pthread_mutex_unlock(&t->lock);
    t->job = (struct bn_job){
        .run = truncate_run, .done = truncate_done, .reply_to = t->how.mailbox, .key = bn_flush_key(l)};
    if (t->how.pool) {
        bn_pool_submit(t->how.pool, &t->job);
        return;
    }
    truncate_run(&t->job);
    truncate_done(&t->job);
}

static void answer(const struct bn_log_cut *how, int status) {
    if (how->done) how->done(how->arg, status);
}

/* What of the log's memory depends on the end, once the segments are right. */
static void lower_end(struct bn_log *l, int64_t end) {
    l->end_offset = end;
    l->recovery_point = bn_min_i64(l->recovery_point, end);
    l->cleaned_to = bn_min_i64(l->cleaned_to, end);
    bn_epochs_truncate_end(&l->epochs, end);
    bn_logread_forget(l);
    bn_flush_void(l, end);
    l->used = true;
    l->cuts++;
}

/* Where the batches in front of a position end: compaction may have left a gap behind them. A log that ended behind the
 * gap would have one at its end, which a crash takes for a lost tail, with all that came after it. */
static int end_before(struct bn_segment *s, int64_t position, int64_t *end) {
    struct bn_segment_spot last;
    *end = s->base_offset;
    if (position == 0) return 0;
    int rc = bn_segment_cut(s, position - 1, 0, &last);
    if (rc == 1) *end = bn_batch_next_offset(&last.batch);
    return rc < 0 ? rc : 0;
}

/* Cuts the segments in memory; *end is where the log ends now. */
static int cut_segments(struct bn_log *l, int64_t offset, int64_t *end) {
    uint32_t i = bn_log_segment_of(l, offset);
    struct bn_segment *s = l->segments[i];
    struct bn_segment_spot spot;
    int rc = bn_segment_seek(s, offset, 0, &spot);
    if (rc < 0) return rc;
    bool found = rc == 1;
    int64_t position = found ? spot.position : s->size;
    rc = end_before(s, position, end);
    if (rc == 0) rc = bn_segment_forget(s, position, found ? spot.batch.base_offset : INT64_MAX);
    if (rc) return rc;
    while (l->segment_count > i + 1) bn_segment_free(l->segments[--l->segment_count]);
    *end = bn_max_i64(*end, l->start_offset);
    return 0;
}

void bn_truncate_run(struct bn_log *l, int64_t offset, const struct bn_log_cut *how) {
    BN_ASSERT(!l->cutting);
    if (l->failed) {
        answer(how, BN_IO);
        return;
    }
    if (offset >= l->end_offset) { /* an epoch may have begun here without a batch */
        if (bn_epochs_truncate_end(&l->epochs, offset)) l->epochs_dirty = true;
        answer(how, BN_OK);
        return;
    }
    if (offset < l->start_offset) {
        bn_truncate_fully(l, offset, how);
        return;
    }
    BN_INFO("log", "[Log partition=%s] truncating from %" PRId64 " to %" PRId64, l->name, l->end_offset, offset);
    bn_compact_call_off(l);
    const struct bn_log before = *l;
    int64_t end;
    if (cut_segments(l, offset, &end) != 0) {
        (void)bn_log_fail(l, "truncate");
        answer(how, BN_IO);
        return;
    }
    lower_end(l, end);
    submit(l, prepare(l, how, &before));
}

void bn_truncate_fully(struct bn_log *l, int64_t new_start, const struct bn_log_cut *how) {
    BN_ASSERT(!l->cutting && new_start >= 0);
    int64_t now_ms = bn_clock_wall_ms(l->env->clock);
    if (l->failed) {
        answer(how, BN_IO);
        return;
    }
    BN_INFO("log", "[Log partition=%s] dropping all, to start anew at %" PRId64, l->name, new_start);
    bn_compact_call_off(l);
    const struct bn_log before = *l;
    if (bn_log_begin_at(l, new_start, now_ms) != 0) {
        answer(how, BN_IO);
        return;
    }
    l->start_offset = new_start;
    bn_epochs_truncate_end(&l->epochs, 0); /* none is left */
    lower_end(l, new_start);
    struct bn_truncate *t = prepare(l, how, &before);
    t->snapshots_upto = -1;
    submit(l, t);
}
