/* relearn.c: the table of leader epochs made anew from the batches. A log whose leader-epoch-checkpoint was lost, or is
 * older than its batches (a backup, a disk that lied), would otherwise answer every question about its epochs wrong:
 * its followers would part from it where nothing parts, and it from its leader, for ever. Batches overrule every other
 * file.
 *
 * Epochs ascend along a log, so that a segment that begins with the epoch with which the next one begins holds no
 * other: only segments in which an epoch changes are walked, header by header. A log that knows its epochs costs one
 * look at the last batch below the segments that recovery walks itself. Owns nothing. */
#include "broker/log/relearn.h"

#include "common/base/trace.h"

/* The first batch that reaches above offset, or (INT64_MAX) the last; where there is none, or the segment is damaged,
 * one without an epoch, -1. 0 or BN_IO. */
static int look(struct bn_segment *s, int64_t offset, struct bn_batch *out) {
    struct bn_segment_spot spot;
    *out = (struct bn_batch){.leader_epoch = -1};
    if (s->size == 0) return 0;
    int rc = offset == INT64_MAX ? bn_segment_cut(s, s->size - 1, 0, &spot) : bn_segment_seek(s, offset, 0, &spot);
    if (rc == 1) *out = spot.batch;
    /* Whoever reads thousands of segments keeps none open. */
    return bn_segment_rest(s) != 0 || rc == BN_IO ? BN_IO : 0;
}

static void note(struct bn_log *l, const struct bn_batch *b) {
    if (b->leader_epoch > bn_epochs_latest(&l->epochs)) bn_log_note_epoch(l, b->leader_epoch, b->base_offset);
}

static int walk(struct bn_log *l, struct bn_segment *s, struct bn_slice window) {
    struct bn_file *f;
    struct bn_scan scan;
    struct bn_batch b;
    int rc = bn_segment_file(s, &f);
    if (rc) return BN_IO;
    bn_scan_init(&scan, f, 0, s->size, window);
    while ((rc = bn_scan_next(&scan, &b)) == 1) note(l, &b);
    return bn_segment_rest(s) != 0 || rc == BN_IO ? BN_IO : 0;
}

static uint32_t next_filled(const struct bn_log *l, uint32_t i, uint32_t count) {
    while (i < count && l->segments[i]->size == 0) i++;
    return i;
}

/* Segment by segment; `last` is the last batch of all. */
static int learn(struct bn_log *l, uint32_t count, const struct bn_batch *last, struct bn_slice window) {
    struct bn_batch here, next;
    uint32_t i = next_filled(l, 0, count);
    int rc = look(l->segments[i], 0, &here);
    while (rc == 0 && i < count) {
        uint32_t n = next_filled(l, i + 1, count);
        next = *last;
        if (n < count) rc = look(l->segments[n], 0, &next);
        note(l, &here);
        if (rc == 0 && next.leader_epoch != here.leader_epoch) rc = walk(l, l->segments[i], window);
        here = next;
        i = n;
    }
    return rc;
}

/* Whether the table says of the batch, as far as it reaches above `begins`, what it says itself. */
static bool is_known(const struct bn_epochs *t, const struct bn_batch *b, int64_t begins) {
    if (b->leader_epoch < 0 || bn_batch_next_offset(b) <= begins) return true;
    return bn_epochs_of(t, bn_max_i64(b->base_offset, begins)) == b->leader_epoch;
}

int bn_relearn_run(struct bn_log *l, uint32_t count, int64_t start_offset, struct bn_slice window, struct bn_err *e) {
    struct bn_epochs old = l->epochs;
    struct bn_batch batch, last = {.leader_epoch = -1};
    bool known = true;
    int rc = 0;
    while (count > 0 && l->segments[count - 1]->size == 0) count--;
    int64_t begins = bn_max_i64(start_offset, l->segments[0]->base_offset);
    if (old.count == 0 || old.entries[0].start_offset > begins) {
        rc = look(l->segments[bn_log_segment_of(l, begins)], begins, &batch);
        known = rc == 0 && is_known(&old, &batch, begins);
    }
    if (rc == 0 && count > 0) rc = look(l->segments[count - 1], INT64_MAX, &last);
    if (rc == 0 && known && is_known(&old, &last, begins)) return 0;
    bn_epochs_init(&l->epochs);
    if (rc == 0 && count > 0) rc = learn(l, count, &last, window);
    if (rc == 0)
        BN_WARN("log",
                "[Log partition=%s] leader-epoch-checkpoint knew %" PRIu32 " epochs up to %" PRId32
                ", the batches say otherwise: made anew from them",
                l->name, old.count, bn_epochs_latest(&old));
    bn_epochs_fini(&old);
    l->epochs_dirty = true;
    return rc ? bn_err_set(e, BN_IO, "read the leader epochs of the batches") : 1;
}
