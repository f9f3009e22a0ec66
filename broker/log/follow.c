/* follow.c: a follower's append: batches that the leader has checked and numbered go into the log byte for byte. All of
 * them are looked at before any is written: checksums (the network is not believed), offsets and epochs that ascend.
 * What a leader enforces on its clients (sizes, sequences, timestamps) is not asked again. It does not decide where to
 * fetch from, nor what is diverging: that is the fetcher's. */
#include "broker/log/follow.h"

#include "broker/log/append.h"
#include "broker/log/log_int.h"
#include "broker/log/scan.h"
#include "common/base/alloc.h"

/* Nothing stands between the log's start and its end, and b, the leader's batch around them, reaches beyond. */
static bool fits_around(const struct bn_log *l, const struct bn_batch *b) {
    return l->start_offset == l->end_offset && b->base_offset < l->end_offset &&
           bn_batch_next_offset(b) > l->end_offset;
}

static int refuse(struct bn_log_replica *r, const char *why, int64_t offset) {
    r->why = why;
    r->why_offset = offset;
    return BN_BAD;
}

/* Looks at all of it; r->taken and r->skipped are those of the whole batches. around: the first one begins below. */
static int check(const struct bn_log *l, struct bn_log_replica *r, bool *around) {
    struct bn_slice left = bn_slice_of(r->bytes, r->len);
    int64_t next = l->end_offset;
    /* The last batch's: an epoch that this replica began, leading, without a batch is of no weight. */
    int32_t epoch = l->end_offset > l->start_offset ? bn_epochs_of(&l->epochs, l->end_offset - 1) : -1;
    *around = false;
    while (left.len > 0) {
        struct bn_batch b;
        bool first = r->taken == 0;
        int rc = bn_batch_peek(left, &b);
        if (rc == BN_AGAIN && !first) return 0; /* the fetch's limit cut it off */
        if (rc) return refuse(r, "bytes that are no batch of format 2", next);
        if (!bn_batch_crc_ok(&b)) return refuse(r, "a batch with a wrong checksum", next);
        if (b.last_offset_delta < 0 || b.base_offset < 0 || b.base_offset > BN_SCAN_OFFSET_MAX)
            return refuse(r, "a batch with impossible offsets", next);
        if (b.leader_epoch < epoch) return refuse(r, "a batch of an earlier leader epoch than the one before", next);
        *around |= first && fits_around(l, &b);
        if (b.base_offset < next && !(first && *around)) {
            rc = refuse(r, first ? "a batch that begins below" : "batches that overlap", next);
            return first ? BN_STALE : rc;
        }
        r->skipped += bn_max_i64(b.base_offset - next, 0);
        r->taken += b.bytes.len;
        next = bn_batch_next_offset(&b);
        epoch = b.leader_epoch;
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    return 0;
}

/* The only segment is to be an empty one that starts at or below offset, so that offset can stand in it. What is
 * dropped lies below the log's start. Nothing needs a sync: whatever of this a power cut takes back is the log as it
 * was, since recovery drops a segment that begins below the end of the one before. */
static int begin_at(struct bn_log *l, int64_t offset, int64_t now_ms) {
    const struct bn_disk *d = l->place.disk;
    if (l->segment_count == 1 && bn_log_active(l)->size == 0 && bn_log_active(l)->base_offset <= offset) return 0;
    if (l->snapshot_offset > offset) {
        char *path = bn_index_path(&l->place, l->snapshot_offset, ".snapshot");
        int rc = d->unlink(d, path, NULL);
        bn_alloc_free(path);
        if (rc && rc != BN_NOTFOUND) return bn_log_fail(l, "remove a snapshot");
    }
    l->snapshot_offset = -1;
    return bn_log_begin_at(l, offset, now_ms);
}

/* The batches at the front of *left that go to the active segment together: at least one. */
static struct bn_slice next_run(struct bn_log *l, struct bn_slice *left, int64_t now_ms) {
    struct bn_slice run = bn_slice_of(left->ptr, 0), rest = *left;
    struct bn_append_next next = {.ahead = 0};
    struct bn_batch b;
    while (bn_append_next_batch(&rest, &b)) {
        next.len = b.bytes.len;
        next.next_offset = bn_batch_next_offset(&b);
        next.max_timestamp = b.max_timestamp;
        if (next.ahead > 0 && bn_append_must_roll(l, &next, now_ms)) break;
        if (next.ahead == 0) next.ahead_timestamp = b.max_timestamp;
        next.ahead += b.bytes.len;
        *left = rest;
    }
    run.len = next.ahead;
    return run;
}

static int write_all(struct bn_log *l, struct bn_slice left, int64_t now_ms) {
    while (left.len > 0) {
        struct bn_slice peek = left;
        struct bn_batch b;
        if (!bn_append_next_batch(&peek, &b)) break;
        const struct bn_append_next first = {
            .len = b.bytes.len, .next_offset = bn_batch_next_offset(&b), .max_timestamp = b.max_timestamp};
        if (bn_append_must_roll(l, &first, now_ms)) {
            /* A segment begins where the one before ends (recovery takes less for a lost tail), unless the gap in front
             * of this batch is wider than its indexes can span. */
            if (bn_batch_last_offset(&b) - l->end_offset > INT32_MAX) l->end_offset = b.base_offset;
            int rc = bn_log_roll(l, now_ms);
            if (rc) return rc;
        }
        int rc = bn_append_write(l, next_run(l, &left, now_ms));
        if (rc) return rc;
    }
    return 0;
}

int bn_follow_append(struct bn_log *l, struct bn_log_replica *r) {
    r->taken = 0;
    r->skipped = 0;
    r->why = NULL;
    if (l->failed) return BN_IO;
    if (l->cutting) return BN_AGAIN;
    if (r->fetch_offset != l->end_offset) return BN_STALE;
    bool around;
    int rc = check(l, r, &around);
    struct bn_slice all = bn_slice_of(r->bytes, r->taken), peek = all;
    struct bn_batch b;
    if (rc == 0 && r->taken > 0 && bn_epochs_truncate_end(&l->epochs, l->end_offset)) l->epochs_dirty = true;
    if (rc == 0 && around && bn_append_next_batch(&peek, &b)) rc = begin_at(l, b.base_offset, r->now_ms);
    if (rc == 0) rc = write_all(l, all, r->now_ms);
    if (rc) r->taken = 0;
    return rc;
}
