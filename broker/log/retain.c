/* retain.c: drops whole segments from the front: below the log's start, then by size, then by age (4-storage 4.11),
 * never above the high watermark, and a compacted topic's never by size or age. What is dropped is renamed at once and
 * removed by a later call, on the pool. The same call rests a log that nobody has used since the last one: files
 * closed, reserved room given back. */
#include "broker/log/retain.h"

#include "broker/log/flush.h"
#include "common/base/alloc.h"
#include "common/base/trace.h"

static const char *const suffixes[] = {".log", ".index", ".timeindex", ".txnindex", ".snapshot"};

struct removal {
    struct bn_job job;
    const struct bn_disk *disk;
    size_t count;
    char *paths[];
};

static void removal_run(struct bn_job *job) { /* pool thread, or the caller's */
    struct removal *r = BN_CONTAINER_OF(job, struct removal, job);
    for (size_t i = 0; i < r->count; i++) {
        struct bn_err e;
        int rc = r->disk->unlink(r->disk, r->paths[i], &e);
        /* Recovery removes what is left. */
        if (rc && rc != BN_NOTFOUND) BN_WARN("log", "cannot remove a deleted segment: %s", e.text);
        bn_alloc_free(r->paths[i]);
    }
    bn_alloc_free(r);
}

static void remove_due(struct bn_log *l, int64_t now_ms, struct bn_pool *pool) {
    uint32_t due = 0, kept = 0;
    for (uint32_t i = 0; i < l->deleted_count; i++) due += l->deleted[i].due_ms <= now_ms;
    if (due == 0) return;
    struct removal *r = bn_alloc_zero(1, sizeof *r + due * sizeof r->paths[0]);
    r->disk = l->place.disk;
    r->job.run = removal_run;
    for (uint32_t i = 0; i < l->deleted_count; i++) {
        if (l->deleted[i].due_ms <= now_ms)
            r->paths[r->count++] = l->deleted[i].path;
        else
            l->deleted[kept++] = l->deleted[i];
    }
    l->deleted_count = kept;
    if (pool)
        bn_pool_submit(pool, &r->job);
    else
        removal_run(&r->job);
}

int bn_retain_drop(struct bn_log *l, struct bn_segment *s, int64_t due_ms) {
    const struct bn_disk *d = l->place.disk;
    int rc = 0;
    l->deleted = bn_alloc_resize(l->deleted, (l->deleted_count + BN_ARRAY_LEN(suffixes)) * sizeof *l->deleted);
    for (size_t i = 0; i < BN_ARRAY_LEN(suffixes); i++) {
        char *from = bn_index_path(&l->place, s->base_offset, suffixes[i]);
        char *to = bn_alloc_printf("%s.deleted", from);
        int one = d->rename(d, from, to, NULL);
        bn_alloc_free(from);
        if (one) {
            bn_alloc_free(to);
            if (one != BN_NOTFOUND) rc = BN_IO;
            continue;
        }
        l->deleted[l->deleted_count++] = (struct bn_log_deleted){to, due_ms};
    }
    l->dir_dirty = true;
    bn_segment_free(s);
    return rc;
}

enum reason { BY_START, BY_SIZE, BY_AGE, REASONS };
static const char *const reason_text[REASONS] = {"log start offset", "retention.bytes", "retention.ms"};

static int64_t newest_ms(struct bn_log *l, struct bn_segment *s) {
    int64_t newest, ignored, modified;
    if (bn_segment_newest(s, &newest, &ignored) != 0) return INT64_MAX;
    if (newest >= 0) return newest;
    char *path = bn_index_path(&l->place, s->base_offset, ".log");
    int rc = l->place.disk->mtime_ms(l->place.disk, path, &modified, NULL);
    bn_alloc_free(path);
    return rc ? INT64_MAX : modified;
}

/* How many segments from the front go for this reason. */
static uint32_t count_gone(struct bn_log *l, enum reason why, int64_t high_watermark, int64_t now_ms) {
    const struct bn_log_config *c = &l->config;
    int64_t surplus = bn_log_size_bytes(l) - c->retention_bytes;
    if (why != BY_START && !c->delete) return 0;
    if ((why == BY_SIZE && c->retention_bytes < 0) || (why == BY_AGE && c->retention_ms < 0)) return 0;
    for (uint32_t i = 0; i < l->segment_count; i++) {
        struct bn_segment *s = l->segments[i];
        bool last = i + 1 == l->segment_count;
        int64_t end = bn_log_segment_end(l, i);
        if (end > high_watermark || (last && s->size == 0)) return i;
        if (why == BY_START && (last || end > l->start_offset)) return i;
        if (why == BY_SIZE && surplus < s->size) return i;
        if (why == BY_AGE) {
            int64_t newest = newest_ms(l, s);
            if (newest > now_ms || now_ms - newest <= c->retention_ms) return i;
        }
        surplus -= s->size;
    }
    return l->segment_count;
}

static int drop_front(struct bn_log *l, uint32_t count, enum reason why, int64_t now_ms) {
    if (count == 0) return 0;
    if (count == l->segment_count && bn_log_roll(l, now_ms) != 0) count--; /* what is old makes room for it */
    if (count == 0 || l->failed) return 0;
    int64_t start = l->segments[count]->base_offset;
    BN_INFO("log", "[Log partition=%s] deleting %u segments below offset %" PRId64 " by %s", l->name, count, start,
            reason_text[why]);
    for (uint32_t i = 0; i < count; i++)
        if (bn_retain_drop(l, l->segments[i], now_ms + l->config.file_delete_delay_ms) != 0 && !l->failed)
            (void)bn_log_fail(l, "rename a deleted segment");
    l->segment_count -= count;
    memmove(l->segments, l->segments + count, l->segment_count * sizeof *l->segments);
    if (start > l->start_offset) l->start_offset = start;
    if (bn_epochs_truncate_start(&l->epochs, l->start_offset)) l->epochs_dirty = true;
    return (int)count;
}

/* Kafka rolls by age only at an append; here an idle segment that is old enough rolls too, so that it can be dropped.
 */
static void roll_by_age(struct bn_log *l, int64_t now_ms) {
    struct bn_segment *s = bn_log_active(l);
    if (s->size > 0 && now_ms - s->created_ms > bn_log_segment_ms(l) - l->roll_jitter_ms) {
        if (bn_log_roll(l, now_ms) != 0) return; /* the log has failed: the caller looks */
    }
}

/* Unused since the last call: first what is not synced yet is, then the files are closed. */
static void rest_if_idle(struct bn_log *l) {
    bool idle = !l->used;
    l->used = false;
    if (!idle) return;
    if (l->pool && l->mailbox && (l->recovery_point < l->end_offset || l->epochs_dirty)) {
        bn_flush_start(l, l->pool, l->mailbox, NULL, NULL);
        return;
    }
    for (uint32_t i = 0; i < l->segment_count; i++) {
        int rc = bn_segment_rest(l->segments[i]);
        if (rc == 0) continue;
        (void)bn_log_trouble(l, rc, "close idle files");
        return;
    }
}

int bn_retain_run(struct bn_log *l, int64_t high_watermark, int64_t now_ms, struct bn_pool *pool) {
    remove_due(l, now_ms, pool);
    if (l->failed || l->cutting || l->swapping) return 0;
    int gone = 0;
    roll_by_age(l, now_ms);
    for (enum reason why = 0; why < REASONS && !l->failed; why++)
        gone += drop_front(l, count_gone(l, why, high_watermark, now_ms), why, now_ms);
    bn_producer_expire(&l->producers, now_ms, l->config.producer_id_expiration_ms);
    if (!l->failed) rest_if_idle(l);
    return gone;
}
