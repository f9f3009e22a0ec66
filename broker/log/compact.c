/* compact.c: the life of a cleaning. The shard copies what it needs to know, a job works on the copy (compact_pass.c)
 * for as long as it takes, and comes back after each group of segments; the renames are a second, short job with the
 * key of the log's flushes and truncations, so that no two jobs change the directory at once. Meanwhile the log is read
 * and appended to as ever: readers hold files, not names.
 *
 *   IDLE -> WAITS -> WORKS -> WORKED -> (changed) SWAP_WAITS -> SWAPS -> SWAPPED -> IDLE or WAITS for the next group
 *
 * While names are in between (l->swapping, from SWAP_WAITS until the shard has taken up the new segment) nothing may
 * open the group's files by name: they are open before, and neither retention nor resting runs. What has to change the
 * segments just then, a truncation, calls the cleaning off and waits for the renames if they have begun.
 *
 * `struct bn_compact` outlives the log when a job is under way at its end. Its lock guards `log`, `state` and `users`;
 * the rest belongs to the shard while IDLE, WORKED or SWAPPED, else to who runs it. */
#include "broker/log/compact.h"

#include <pthread.h>

#include "broker/log/compact_pass.h"
#include "broker/log/flush.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"

enum state { IDLE, WAITS, WORKS, WORKED, SWAP_WAITS, SWAPS, SWAPPED };

struct bn_compact {
    pthread_mutex_t lock;
    pthread_cond_t ran;
    struct bn_log *log; /* NULL once it is gone */
    enum state state;
    int users; /* the log; the cleaning under way */
    atomic_bool called_off;
    struct bn_job job;
    struct bn_pool *pool;       /* the log's: renames */
    struct bn_mailbox *mailbox; /* the log's shard */
    uint64_t key;
    struct bn_log_compaction *asked;
    struct bn_compact_pass pass;
    int status;
    struct bn_err error;
};

/* ---- what there is to do ---- */

/* Nothing at or above is decided for good: the high watermark, what is synced, the first open transaction. */
static int64_t stable_end(const struct bn_log *l, int64_t high_watermark) {
    int64_t stable = bn_min_i64(high_watermark, l->recovery_point);
    size_t at = 0;
    for (struct bn_map_entry *m; (m = bn_map_next(&l->producers.map, &at)) != NULL;) {
        const struct bn_producer *p = m->value;
        if (p->txn_first_offset >= 0) stable = bn_min_i64(stable, p->txn_first_offset);
    }
    return stable;
}

/* Times are looked up only where the configuration asks for them. BN_IO. */
static int describe(struct bn_log *l, struct bn_compact_plan_segment *list) {
    const struct bn_log_config *c = &l->config;
    for (uint32_t i = 0; i < l->segment_count; i++) {
        struct bn_segment *s = l->segments[i];
        int64_t ignored;
        list[i] = (struct bn_compact_plan_segment){s->base_offset, bn_log_segment_end(l, i), s->size, -1, -1};
        int rc = 0;
        bool dirty = list[i].end > l->cleaned_to && i + 1 < l->segment_count;
        if (dirty && c->compaction_lag_min_ms > 0) rc = bn_segment_newest(s, &list[i].newest_ms, &ignored);
        if (rc == 0 && dirty && c->compaction_lag_max_ms < INT64_MAX)
            rc = bn_segment_first_timestamp(s, &list[i].first_ms);
        if (rc) return BN_IO;
    }
    return 0;
}

/* Gives the list. */
static int plan(struct bn_log *l, int64_t high_watermark, int64_t now_ms, struct bn_compact_plan *out,
                struct bn_compact_plan_segment **list) {
    *list = bn_alloc_zero(l->segment_count, sizeof **list);
    const struct bn_compact_plan_limits limits = {
        .cleaned_to = l->cleaned_to,
        .start = l->start_offset,
        .stable = stable_end(l, high_watermark),
        .now_ms = now_ms,
        .lag_min_ms = l->config.compaction_lag_min_ms,
        .lag_max_ms = l->config.compaction_lag_max_ms,
    };
    int rc = describe(l, *list);
    if (rc == 0) bn_compact_plan_make(*list, l->segment_count, &limits, out);
    return rc;
}

void bn_compact_dirt(struct bn_log *l, int64_t high_watermark, int64_t now_ms, struct bn_log_dirt *out) {
    struct bn_compact_plan_segment *list = NULL;
    struct bn_compact_plan p;
    *out = (struct bn_log_dirt){.wanted = false};
    if (!l->config.compact || l->failed || l->cutting || l->uncleanable || bn_log_compacting(l)) return;
    if (l->clean_no_room && bn_clock_mono_ms(l->env->clock) < l->clean_from_ms) return;
    if (l->segment_count > 1 && plan(l, high_watermark, now_ms, &p, &list) == 0 && p.count > 0) {
        out->ratio = bn_compact_plan_ratio(&p);
        out->dirty_bytes = p.dirty_bytes;
        out->wanted = p.overdue || out->ratio > l->config.dirty_ratio_min;
    }
    bn_alloc_free(list);
}

/* ---- its life ---- */

static void leave(struct bn_compact *k) {
    pthread_mutex_lock(&k->lock);
    bool last = --k->users == 0;
    pthread_mutex_unlock(&k->lock);
    if (!last) return;
    pthread_cond_destroy(&k->ran);
    pthread_mutex_destroy(&k->lock);
    bn_alloc_free(k);
}

static struct bn_compact *compact_of(struct bn_log *l) {
    struct bn_compact *k = l->compact;
    if (k) return k;
    k = l->compact = bn_alloc_zero(1, sizeof *k);
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->ran, NULL);
    k->log = l;
    k->users = 1;
    return k;
}

static void tell(const struct bn_log *l, const struct bn_compact_pass *p, uint64_t took_ms) {
    double seconds = (double)took_ms / 1000, mb = 1024 * 1024;
    double before = (double)p->bytes_before / mb, after = (double)p->bytes_after / mb;
    BN_INFO("cleaner",
            "[Log partition=%s] cleaned: %.1f MB to %.1f MB (%.1f%% smaller), %" PRIu64 " of %" PRIu64
            " records left, offsets up to %" PRId64
            "; %.1f MB of dirty records indexed in %.1f s (%zu keys, map %.1f%% "
            "full), %.1f s in all, %.1f MB/s%s",
            l->name, before, after, before > 0 ? 100 * (1 - after / before) : 0, p->sift.records_kept,
            p->sift.records_read, p->end, (double)p->bytes_indexed / mb, (double)p->map_ms / 1000, p->map.count,
            p->map.limit ? 100 * (double)p->map.count / (double)p->map.limit : 0, seconds,
            seconds > 0 ? (double)p->bytes_read / mb / seconds : 0,
            p->sift.unreadable ? "; some batches can't be expanded and were left as they are" : "");
}

/* The disk was full. What was put in place stays, what was half written is gone, so that another log's cleaning, or
 * retention, may make room: this one is tried again, less and less often, since each try reads what is dirty. Told
 * once, until a cleaning succeeds. */
static void wait_for_room(struct bn_log *l, const struct bn_err *e) {
    enum { FIRST_MS = 60 * 1000, DOUBLINGS_MAX = 4 };
    int doublings = l->clean_no_room < DOUBLINGS_MAX ? (int)l->clean_no_room : DOUBLINGS_MAX;
    l->clean_from_ms = bn_clock_mono_ms(l->env->clock) + ((uint64_t)FIRST_MS << doublings);
    if (l->clean_no_room++ > 0) return;
    const char *slash = strrchr(l->place.dir, '/');
    BN_WARN("cleaner",
            "[Log partition=%s] can't be cleaned, since log directory %.*s is full (%s); lower retention there, delete "
            "topics or enlarge the disk; tried again in a minute, then less often, at least every %d minutes",
            l->name, slash ? (int)(slash - l->place.dir) : 1, slash ? l->place.dir : ".", e->text, 1 << DOUBLINGS_MAX);
}

/* The shard. k may be gone after it. */
static void finish(struct bn_compact *k, int status) {
    struct bn_log *l = k->log;
    struct bn_log_compaction *c = k->asked;
    struct bn_compact_pass *p = &k->pass;
    if (status == BN_NOTFOUND) status = BN_STALE; /* retention has taken what was to be read */
    if (l && status == BN_OK && p->end > p->dirty_from) {
        l->cleaned_to = p->end;
        l->clean_no_room = 0;
        tell(l, p, bn_clock_mono_ms(p->clock) - p->started_ms);
    } else if (l && status == BN_NOROOM && !l->failed) {
        wait_for_room(l, &k->error);
    } else if (l && status != BN_OK && status != BN_STALE) {
        l->uncleanable = true;
        BN_ERROR("cleaner", "[Log partition=%s] can't be cleaned, and is set aside until the broker starts again: %s",
                 l->name, k->error.text);
    }
    c->advanced = status == BN_OK && p->end > p->dirty_from;
    c->bytes_before = p->bytes_before;
    c->bytes_after = p->bytes_after;
    bn_compact_pass_fini(p);
    pthread_mutex_lock(&k->lock);
    k->state = IDLE;
    k->asked = NULL;
    pthread_mutex_unlock(&k->lock);
    leave(k);
    c->done(c, l ? status : BN_CLOSED);
}

/* ---- renaming ---- */

/* The group as the log has it now, or NULL when it is not the one that was read. */
static struct bn_segment **group_of(struct bn_log *l, const struct bn_compact_pass *p) {
    uint32_t at = bn_log_segment_of(l, p->segments[p->first].base);
    if (at + p->grouped >= l->segment_count) return NULL; /* never the active one */
    for (uint32_t i = 0; i < p->grouped; i++) {
        const struct bn_segment *s = l->segments[at + i];
        if (s->base_offset != p->segments[p->first + i].base || s->size != p->segments[p->first + i].size) return NULL;
    }
    return &l->segments[at];
}

static void note_deleted(struct bn_log *l, const struct bn_compact_pass *p, int64_t due_ms) {
    static const char *const suffixes[] = {".log", ".index", ".timeindex", ".txnindex", ".snapshot"};
    size_t most = (size_t)p->grouped * BN_ARRAY_LEN(suffixes);
    l->deleted = bn_alloc_resize(l->deleted, (l->deleted_count + most) * sizeof *l->deleted);
    for (uint32_t i = 0; i < p->grouped; i++)
        for (size_t k = 0; k < BN_ARRAY_LEN(suffixes); k++) {
            char *path = bn_alloc_printf("%s/%020" PRId64 "%s.deleted", l->place.dir, p->segments[p->first + i].base,
                                         suffixes[k]);
            l->deleted[l->deleted_count++] = (struct bn_log_deleted){path, due_ms};
        }
}

/* The directory has the new segment: so does the log. Under the lock or alone. */
static void install(struct bn_log *l, struct bn_compact *k) {
    const struct bn_compact_pass *p = &k->pass;
    l->swapping = false;
    if (k->status) {
        l->failed = true;
        BN_ERROR("log", "[Log partition=%s] replacing segments failed, the log is offline: %s", l->name, k->error.text);
        return;
    }
    struct bn_segment **group = group_of(l, p);
    BN_ASSERT(group); /* nothing changes the list while names are in between */
    struct bn_segment *s = bn_segment_new(&l->place, group[0]->base_offset, group[p->grouped - 1]->created_ms);
    s->size = s->rested_size = p->size;
    for (uint32_t i = 0; i < p->grouped; i++) bn_segment_free(group[i]);
    group[0] = s;
    uint32_t behind = (uint32_t)(&l->segments[l->segment_count] - (group + p->grouped));
    memmove(group + 1, group + p->grouped, behind * sizeof *group);
    l->segment_count -= p->grouped - 1;
    bn_logread_forget(l);
    note_deleted(l, p, bn_clock_wall_ms(l->env->clock) + l->config.file_delete_delay_ms);
}

/* A job's first step: false = called off, or somebody else has run it. */
static bool enter(struct bn_compact *k, enum state from, enum state to) {
    pthread_mutex_lock(&k->lock);
    bool mine = k->state == from && k->log;
    if (mine) k->state = to;
    pthread_mutex_unlock(&k->lock);
    return mine;
}

static void exit_with(struct bn_compact *k, enum state state, int status) {
    pthread_mutex_lock(&k->lock);
    k->status = status;
    k->state = state;
    pthread_cond_broadcast(&k->ran);
    pthread_mutex_unlock(&k->lock);
}

static void submit(struct bn_compact *k, struct bn_pool *pool, enum state state, struct bn_job job) {
    pthread_mutex_lock(&k->lock);
    k->state = state;
    pthread_mutex_unlock(&k->lock);
    k->job = job;
    k->job.reply_to = k->mailbox;
    if (pool) {
        bn_pool_submit(pool, &k->job);
        return;
    }
    k->job.run(&k->job);
    k->job.done(&k->job);
}

static void go_on(struct bn_compact *k);

static void swap_run(struct bn_job *job) { /* pool thread */
    struct bn_compact *k = BN_CONTAINER_OF(job, struct bn_compact, job);
    if (enter(k, SWAP_WAITS, SWAPS)) exit_with(k, SWAPPED, bn_compact_pass_swap(&k->pass, &k->error));
}

static void swap_done(struct bn_job *job) { /* the shard */
    struct bn_compact *k = BN_CONTAINER_OF(job, struct bn_compact, job);
    if (k->log && k->state == SWAPPED && k->log->swapping) install(k->log, k);
    if (!k->log || atomic_load(&k->called_off))
        finish(k, BN_STALE);
    else if (k->status)
        finish(k, k->status);
    else
        go_on(k);
}

/* Opens what readers may want while the names change. */
static int open_group(struct bn_segment **group, uint32_t count) {
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        rc = bn_segment_ready(group[i]);
    }
    return rc;
}

static void swap(struct bn_compact *k) {
    struct bn_log *l = k->log;
    struct bn_segment **group = group_of(l, &k->pass);
    if (!group || l->cutting || l->failed) {
        finish(k, BN_STALE);
        return;
    }
    int rc = open_group(group, k->pass.grouped);
    if (rc) {
        rc = bn_log_trouble(l, bn_err_set(&k->error, rc, "its segments can't be opened"), "open cleaned segments");
        finish(k, rc == BN_NOROOM ? rc : BN_STALE);
        return;
    }
    l->swapping = true;
    submit(k, k->pool, SWAP_WAITS, (struct bn_job){.run = swap_run, .done = swap_done, .key = k->key});
}

/* ---- working ---- */

static void work_run(struct bn_job *job) { /* pool thread */
    struct bn_compact *k = BN_CONTAINER_OF(job, struct bn_compact, job);
    if (!enter(k, WAITS, WORKS)) return;
    struct bn_compact_pass *p = &k->pass;
    int rc = p->indexed ? 0 : bn_compact_pass_index(p, &k->error);
    p->changed = false;
    /* Nothing was won in the dirty part: nothing is written either. */
    bool over = rc == 0 && (p->end <= p->dirty_from || bn_compact_pass_over(p));
    while (rc == 0 && !over && !p->changed) {
        rc = bn_compact_pass_write(p, &k->error);
        over = bn_compact_pass_over(p);
    }
    exit_with(k, WORKED, rc);
}

static void work_done(struct bn_job *job) { /* the shard */
    struct bn_compact *k = BN_CONTAINER_OF(job, struct bn_compact, job);
    if (!k->log || atomic_load(&k->called_off))
        finish(k, BN_STALE);
    else if (k->status)
        finish(k, k->status);
    else if (k->pass.changed)
        swap(k);
    else
        finish(k, BN_OK);
}

static void go_on(struct bn_compact *k) {
    if (bn_compact_pass_over(&k->pass))
        finish(k, BN_OK);
    else
        submit(k, k->asked->pool, WAITS, (struct bn_job){.run = work_run, .done = work_done});
}

static int by_id(const void *a, const void *b) {
    const struct bn_compact_producer *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void copy_producers(const struct bn_log *l, struct bn_compact_pass *p) {
    size_t at = 0;
    p->producers = bn_alloc_zero(l->producers.map.count + 1, sizeof *p->producers);
    for (struct bn_map_entry *m; (m = bn_map_next(&l->producers.map, &at)) != NULL;) {
        const struct bn_producer *one = m->value;
        p->producers[p->producer_count++] = (struct bn_compact_producer){
            (int64_t)one->id, one->count ? one->batches[one->count - 1].last_offset : -1, one->epoch};
    }
    qsort(p->producers, p->producer_count, sizeof *p->producers, by_id);
}

static void prepare(const struct bn_log *l, const struct bn_log_compaction *c, const struct bn_compact_plan *plan,
                    struct bn_compact_plan_segment *segments, struct bn_compact *k) {
    struct bn_compact_pass *p = &k->pass;
    *p = (struct bn_compact_pass){
        .clock = l->env->clock,
        .place = {.disk = l->place.disk, .dir = bn_alloc_strdup(l->place.dir)},
        .segments = segments,
        .count = plan->count,
        .room = {l->config.segment_bytes, l->config.segment_index_bytes, l->config.index_interval_bytes},
        .dirty_from = plan->dirty_from,
        .upto = plan->upto,
        .start = l->start_offset,
        .map_bytes = c->map_bytes,
        .map_load = c->map_load,
        .buffer_bytes = bn_max_size(c->buffer_bytes, BN_COMPACT_PASS_BUFFER_MIN),
        .bytes_per_second = c->bytes_per_second,
        .called_off = &k->called_off,
    };
    l->env->random(&p->seed, sizeof p->seed);
    copy_producers(l, p);
    bn_compact_sift_init(&p->sift);
    p->sift.now_ms = c->now_ms;
    p->sift.delete_retention_ms = l->config.delete_retention_ms;
    p->sift.codec = l->config.compression;
    p->sift.level = l->config.compression_level;
}

void bn_compact_start(struct bn_log *l, struct bn_log_compaction *c) {
    struct bn_compact_plan_segment *segments = NULL;
    struct bn_compact_plan p;
    BN_ASSERT(!bn_log_compacting(l));
    c->advanced = false;
    c->bytes_before = c->bytes_after = 0;
    int rc = l->failed || l->cutting || !l->config.compact ? BN_STALE
                                                           : plan(l, c->high_watermark, c->now_ms, &p, &segments);
    if (rc || p.count == 0) {
        bn_alloc_free(segments);
        c->done(c, rc == BN_IO ? BN_STALE : rc);
        return;
    }
    struct bn_compact *k = compact_of(l);
    k->pool = c->pool ? l->pool : NULL;
    k->mailbox = l->mailbox;
    k->key = bn_flush_key(l);
    k->asked = c;
    k->error = BN_ERR_NONE;
    atomic_store(&k->called_off, false);
    prepare(l, c, &p, segments, k);
    pthread_mutex_lock(&k->lock);
    k->users++;
    pthread_mutex_unlock(&k->lock);
    submit(k, c->pool, WAITS, (struct bn_job){.run = work_run, .done = work_done});
}

bool bn_log_compacting(const struct bn_log *l) { return l->compact && l->compact->asked; }

/* ---- calling it off ---- */

void bn_compact_call_off(struct bn_log *l) {
    struct bn_compact *k = l->compact;
    if (!k || !k->asked) return;
    atomic_store(&k->called_off, true);
    pthread_mutex_lock(&k->lock);
    if (k->state == SWAP_WAITS) k->state = WORKED; /* its job finds nothing to do */
    while (k->state == SWAPS) pthread_cond_wait(&k->ran, &k->lock);
    if (k->state == SWAPPED && l->swapping) install(l, k);
    l->swapping = false;
    pthread_mutex_unlock(&k->lock);
}

void bn_compact_detach(struct bn_log *l) {
    struct bn_compact *k = l->compact;
    if (!k) return;
    bn_compact_call_off(l);
    pthread_mutex_lock(&k->lock);
    if (k->state == WAITS) k->state = WORKED;
    while (k->state == WORKS) pthread_cond_wait(&k->ran, &k->lock);
    k->log = NULL;
    pthread_mutex_unlock(&k->lock);
    l->compact = NULL;
    leave(k);
}
