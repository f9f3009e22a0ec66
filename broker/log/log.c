/* log.c: the face of a partition's log: what the rest of the broker calls, and what its parts share: the list of
 * segments, rolling, and failing. Invariants: there is always an active segment; start_offset <= end_offset; the active
 * segment ends at end_offset; once failed, nothing is written any more and no append is acknowledged. */
#include "broker/log/log.h"

#include <stdio.h>

#include "broker/log/append.h"
#include "broker/log/compact.h"
#include "broker/log/findtime.h"
#include "broker/log/flush.h"
#include "broker/log/follow.h"
#include "broker/log/log_int.h"
#include "broker/log/recover.h"
#include "broker/log/retain.h"
#include "broker/log/truncate.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"

void bn_log_config_defaults(struct bn_log_config *c) {
    const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;
    *c = (struct bn_log_config){
        .segment_bytes = INT64_C(1) << 30,
        .segment_ms = 7 * day_ms,
        .segment_index_bytes = INT64_C(10) << 20,
        .index_interval_bytes = 4096,
        .max_message_bytes = 1048588,
        .retention_ms = 7 * day_ms,
        .retention_bytes = -1,
        .file_delete_delay_ms = 60000,
        .flush_messages = INT64_MAX,
        .flush_ms = INT64_MAX,
        .timestamp_before_max_ms = INT64_MAX,
        .timestamp_after_max_ms = INT64_MAX,
        .producer_id_expiration_ms = day_ms,
        .delete_retention_ms = day_ms,
        .compaction_lag_max_ms = INT64_MAX,
        .dirty_ratio_min = 0.5,
        .delete = true,
        .compression = -1,
        .compression_level = -1,
    };
}

/* ---- what the parts share ---- */

uint32_t bn_log_segment_of(const struct bn_log *l, int64_t offset) {
    return bn_segment_of(l->segments, l->segment_count, offset);
}

void bn_log_add_segment(struct bn_log *l, struct bn_segment *s) {
    BN_ASSERT(l->segment_count == 0 || bn_log_active(l)->base_offset < s->base_offset);
    if (l->segment_count == l->segment_capacity) {
        l->segment_capacity = l->segment_capacity ? l->segment_capacity * 2 : 1;
        l->segments = bn_alloc_resize(l->segments, l->segment_capacity * sizeof *l->segments);
    }
    l->segments[l->segment_count++] = s;
}

int bn_log_fail(struct bn_log *l, const char *doing) {
    if (!l->failed)
        BN_ERROR("log", "[Log partition=%s, dir=%s] cannot %s: the log is offline", l->name, l->place.dir, doing);
    l->failed = true;
    return BN_IO;
}

int bn_log_trouble(struct bn_log *l, int rc, const char *doing) {
    static struct bn_trace_site site;
    uint32_t left_out;
    if (rc != BN_NOROOM) return bn_log_fail(l, doing);
    if (bn_trace_allow(&site, 1, &left_out))
        BN_ERROR("log",
                 "[Log partition=%s, dir=%s] cannot %s: %s; tried again when it is asked for (%" PRIu32
                 " such lines were left out before)",
                 l->name, l->place.dir, doing, bn_err_text(rc), left_out);
    return BN_NOROOM;
}

int bn_log_snapshot(struct bn_log *l) {
    struct bn_str bytes;
    struct bn_file *f;
    bn_str_init(&bytes);
    bn_producer_encode(&l->producers, &bytes);
    char *path = bn_index_path(&l->place, l->end_offset, ".snapshot");
    const struct bn_disk *d = l->place.disk;
    int rc = d->open(d, path, BN_DISK_WRITE | BN_DISK_CREATE | BN_DISK_TRUNCATE, &f, NULL);
    if (rc == 0) {
        struct iovec iov = {bytes.ptr, bytes.len};
        rc = d->pwritev(f, &iov, 1, 0, NULL);
        bn_file_unref(f);
    }
    bn_alloc_free(path);
    bn_str_fini(&bytes);
    if (rc) return rc == BN_NOROOM ? rc : BN_IO;
    l->snapshot_offset = l->end_offset;
    l->dir_dirty = true;
    return 0;
}

static void draw_jitter(struct bn_log *l) {
    uint32_t random = 0;
    l->roll_jitter_ms = 0;
    int64_t bound = bn_min_i64(l->config.segment_jitter_ms, bn_log_segment_ms(l));
    if (bound <= 0) return;
    l->env->random(&random, sizeof random);
    l->roll_jitter_ms = (int64_t)random % bound;
}

int bn_log_roll(struct bn_log *l, int64_t now_ms) {
    struct bn_segment *old = bn_log_active(l);
    if (old->base_offset == l->end_offset) return 0; /* empty: it is the new one already */
    int rc = bn_segment_finish(old);
    if (rc == 0) rc = bn_log_snapshot(l);
    if (rc) return bn_log_trouble(l, rc, "finish a segment");
    struct bn_segment *s = bn_segment_new(&l->place, l->end_offset, now_ms);
    rc = bn_segment_create(s, NULL);
    if (rc) {
        bool undone = bn_segment_discard(s) == 0;
        return bn_log_trouble(l, undone ? rc : BN_IO, "start a segment");
    }
    bn_log_add_segment(l, s);
    l->dir_dirty = true;
    draw_jitter(l);
    BN_DEBUG("log", "[Log partition=%s] rolled at offset %" PRId64, l->name, l->end_offset);
    if (l->pool && l->mailbox) bn_flush_start(l, l->pool, l->mailbox, NULL, NULL);
    return 0;
}

int bn_log_begin_at(struct bn_log *l, int64_t base_offset, int64_t now_ms) {
    int rc = 0;
    bn_compact_call_off(l);
    while (l->segment_count > 0) {
        struct bn_segment *last = l->segments[--l->segment_count];
        if (rc == 0)
            rc = bn_retain_drop(l, last, now_ms + l->config.file_delete_delay_ms);
        else
            bn_segment_free(last); /* its files stay: a hole below one that stays would be worse */
    }
    bn_producer_clear(&l->producers);
    bn_logread_forget(l);
    struct bn_segment *s = bn_segment_new(&l->place, base_offset, now_ms);
    bn_log_add_segment(l, s);
    l->dir_dirty = true;
    if (rc == 0) rc = bn_segment_create(s, NULL);
    return rc ? bn_log_fail(l, "start anew") : 0;
}

void bn_log_note_epoch(struct bn_log *l, int32_t epoch, int64_t start_offset) {
    if (bn_epochs_assign(&l->epochs, epoch, start_offset)) l->epochs_dirty = true;
}

/* ---- life ---- */

static void log_free(struct bn_log *l) {
    bn_flush_detach(l, false);
    bn_compact_detach(l);
    for (uint32_t i = 0; i < l->segment_count; i++) bn_segment_free(l->segments[i]);
    for (uint32_t i = 0; i < l->deleted_count; i++) bn_alloc_free(l->deleted[i].path);
    bn_alloc_free(l->segments);
    bn_alloc_free(l->deleted);
    bn_alloc_free(l->marks);
    bn_producer_fini(&l->producers);
    bn_epochs_fini(&l->epochs);
    bn_alloc_free((char *)(uintptr_t)l->place.dir);
    bn_alloc_free(l->name);
    bn_alloc_free(l);
}

int bn_log_open(const struct bn_log_open *o, struct bn_log **out, struct bn_err *e) {
    struct bn_err own = BN_ERR_NONE;
    if (!e) e = &own;
    struct bn_log *l = bn_alloc_zero(1, sizeof *l);
    l->env = o->env;
    l->place.disk = o->env->disk;
    l->place.dir = bn_alloc_strdup(o->dir);
    l->name = bn_alloc_strdup(o->name);
    l->config = o->config;
    l->pool = o->pool;
    l->mailbox = o->mailbox;
    l->snapshot_offset = -1;
    l->cleaned_to = o->cleaned_to;
    bn_producer_init(&l->producers);
    bn_epochs_init(&l->epochs);
    draw_jitter(l);
    int rc = bn_recover_run(l, o, e);
    /* Nobody has asked for anything yet: a broker with many partitions starts without open files. */
    for (uint32_t i = 0; rc == 0 && i < l->segment_count; i++) {
        rc = bn_segment_rest(l->segments[i]);
        if (rc) bn_err_set(e, rc, "write indexes");
    }
    if (rc) {
        bn_err_wrap(e, "open log %s", o->name);
        log_free(l);
        return rc;
    }
    *out = l;
    return 0;
}

int bn_log_close(struct bn_log *l, struct bn_err *e) {
    struct bn_err own = BN_ERR_NONE;
    if (!e) e = &own;
    bn_compact_detach(l);
    bn_flush_detach(l, true);
    bn_truncate_settle(l, true);
    int rc = l->failed ? bn_err_set(e, BN_IO, "the log failed before") : 0;
    bool dirty = l->recovery_point < l->end_offset || l->epochs_dirty || l->dir_dirty ||
                 l->snapshot_offset != l->end_offset;
    if (rc == 0 && dirty) {
        if (bn_segment_finish(bn_log_active(l)) != 0 || bn_log_snapshot(l) != 0)
            rc = bn_err_set(e, bn_log_fail(l, "finish the last segment"), "write the last index entries");
        else
            rc = bn_flush_now(l, e);
    }
    for (uint32_t i = 0; rc == 0 && i < l->segment_count; i++) {
        rc = bn_segment_rest(l->segments[i]);
        if (rc) bn_err_set(e, rc, "close files");
    }
    if (rc) bn_err_wrap(e, "close log %s", l->name);
    log_free(l);
    return rc;
}

void bn_log_abandon(struct bn_log *l) {
    bn_flush_detach(l, true); /* no job of ours writes by name any more: the name may be another's soon */
    bn_truncate_settle(l, false);
    log_free(l);
}

/* ---- what others ask ---- */

void bn_log_append(struct bn_log *l, struct bn_log_append *a) { bn_append_run(l, a); }
int bn_log_append_replica(struct bn_log *l, struct bn_log_replica *r) { return bn_follow_append(l, r); }
void bn_log_truncate(struct bn_log *l, int64_t offset, const struct bn_log_cut *how) {
    bn_truncate_run(l, offset, how);
}
void bn_log_truncate_fully(struct bn_log *l, int64_t new_start, const struct bn_log_cut *how) {
    bn_truncate_fully(l, new_start, how);
}
bool bn_log_truncating(const struct bn_log *l) { return l->cutting; }
uint32_t bn_log_cuts(const struct bn_log *l) { return l->cuts; }
bool bn_log_failed(const struct bn_log *l) { return l->failed; }
int64_t bn_log_start_offset(const struct bn_log *l) { return l->start_offset; }
int64_t bn_log_end_offset(const struct bn_log *l) { return l->end_offset; }
int64_t bn_log_recovery_point(const struct bn_log *l) { return l->recovery_point; }
const char *bn_log_dir(const struct bn_log *l) { return l->place.dir; }
void bn_log_reconfigure(struct bn_log *l, const struct bn_log_config *c) {
    l->config = *c;
    if (!c->compact) bn_compact_call_off(l);
}

int64_t bn_log_size_bytes(const struct bn_log *l) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < l->segment_count; i++) sum += l->segments[i]->size;
    return sum;
}

int bn_log_producers(const struct bn_log *l, struct bn_log_producer **out) {
    int count = 0;
    *out = bn_alloc_zero(l->producers.map.count + 1, sizeof **out);
    size_t at = 0;
    for (struct bn_map_entry *m; (m = bn_map_next(&l->producers.map, &at)) != NULL;) {
        const struct bn_producer *p = m->value;
        (*out)[count++] = (struct bn_log_producer){
            .id = (int64_t)p->id,
            .last_timestamp = p->last_timestamp,
            .txn_start_offset = p->txn_first_offset,
            .epoch = p->epoch,
            .last_sequence = p->count > 0 ? p->batches[p->count - 1].last_sequence : -1,
            .coordinator_epoch = p->coordinator_epoch,
        };
    }
    return count;
}

int bn_log_read_range(struct bn_log *l, struct bn_log_range *range, struct bn_chain *out) {
    return bn_logread_range(l, range, out);
}

int bn_log_find_time(struct bn_log *l, int64_t timestamp_ms, int64_t upper_offset, struct bn_log_found *out) {
    return bn_findtime_first(l, timestamp_ms, upper_offset, out);
}
int bn_log_find_max_time(struct bn_log *l, struct bn_log_found *out) { return bn_findtime_newest(l, out); }

void bn_log_assign_epoch(struct bn_log *l, int32_t epoch, int64_t start_offset) {
    bn_log_note_epoch(l, epoch, start_offset);
}
int32_t bn_log_latest_epoch(const struct bn_log *l) { return bn_epochs_latest(&l->epochs); }
void bn_log_end_of_epoch(const struct bn_log *l, int32_t epoch, int32_t *found_epoch, int64_t *end_offset) {
    bn_epochs_end_of(&l->epochs, epoch, l->end_offset, found_epoch, end_offset);
}
int32_t bn_log_epoch_of(const struct bn_log *l, int64_t offset) { return bn_epochs_of(&l->epochs, offset); }

int bn_log_retain(struct bn_log *l, int64_t high_watermark, int64_t now_ms, struct bn_pool *pool) {
    return bn_retain_run(l, high_watermark, now_ms, pool);
}

void bn_log_dirt(struct bn_log *l, int64_t high_watermark, int64_t now_ms, struct bn_log_dirt *out) {
    bn_compact_dirt(l, high_watermark, now_ms, out);
}
void bn_log_compact(struct bn_log *l, struct bn_log_compaction *c) { bn_compact_start(l, c); }
void bn_log_compact_call_off(struct bn_log *l) { bn_compact_call_off(l); }
int64_t bn_log_cleaned_to(const struct bn_log *l) { return l->cleaned_to; }

int bn_log_set_start_offset(struct bn_log *l, int64_t offset) {
    if (offset > l->end_offset) return BN_NOTFOUND;
    if (offset <= l->start_offset) return 0;
    l->start_offset = offset;
    if (bn_epochs_truncate_start(&l->epochs, offset)) l->epochs_dirty = true;
    return 0;
}

void bn_log_flush(struct bn_log *l, struct bn_pool *pool, struct bn_mailbox *mailbox,
                  void (*done)(void *arg, int status), void *arg) {
    bn_flush_start(l, pool, mailbox, done, arg);
}
