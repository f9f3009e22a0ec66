/* findtime.c: offsets by timestamp. The time index says from which batch on to look, headers which batch it is, and
 * only that batch is expanded. A batch whose records can't be expanded answers with its first offset: nothing is
 * skipped. */
#include "broker/log/findtime.h"

#include "broker/log/log_int.h"
#include "broker/log/timeindex.h"
#include "common/base/alloc.h"

/* The first record of the batch at position with timestamp >= timestamp_ms and offset >= the log's start. 1 or 0;
 * BN_IO. */
static int in_batch(struct bn_log *l, struct bn_segment *s, int64_t position, const struct bn_batch *header,
                    int64_t timestamp_ms, struct bn_log_found *out) {
    struct bn_file *f;
    uint8_t *bytes = NULL;
    struct bn_batch b;
    int rc = bn_segment_file(s, &f);
    if (rc == 0) rc = bn_scan_load(f, position, header, &bytes, &b);
    if (rc) return BN_IO;
    struct bn_batch_iter it;
    struct bn_record r;
    int found = 0;
    rc = bn_batch_iter_init(&it, &b, BN_FINDTIME_EXPAND_MAX);
    while (rc == 0 && !found && (rc = bn_batch_iter_next(&it, &r)) == 1) {
        rc = 0;
        if (r.timestamp < timestamp_ms || r.offset < l->start_offset) continue;
        *out = (struct bn_log_found){r.offset, r.timestamp, b.leader_epoch};
        found = 1;
    }
    bn_batch_iter_fini(&it);
    if (rc < 0) {
        *out = (struct bn_log_found){bn_max_i64(b.base_offset, l->start_offset), b.max_timestamp, b.leader_epoch};
        found = 1;
    }
    bn_alloc_free(bytes);
    return found;
}

static int in_segment(struct bn_log *l, struct bn_segment *s, int64_t timestamp_ms, int64_t upper_offset,
                      struct bn_log_found *out) {
    int64_t from;
    int rc = bn_timeindex_start(&s->times, timestamp_ms, &from);
    if (rc) return rc;
    struct bn_segment_spot spot;
    rc = bn_segment_seek(s, bn_max_i64(from, l->start_offset), 0, &spot);
    if (rc <= 0) return rc;
    uint8_t window[BN_SEGMENT_WINDOW];
    struct bn_scan scan;
    bn_scan_init(&scan, s->file, spot.position, s->size, bn_slice_of(window, sizeof window));
    for (;;) {
        int64_t position = scan.position;
        struct bn_batch b;
        rc = bn_scan_next(&scan, &b);
        if (rc <= 0) return rc;
        if (b.base_offset >= upper_offset) return 0;
        if (b.max_timestamp < timestamp_ms) continue;
        rc = in_batch(l, s, position, &b, timestamp_ms, out);
        if (rc) return rc;
    }
}

int bn_findtime_first(struct bn_log *l, int64_t timestamp_ms, int64_t upper_offset, struct bn_log_found *out) {
    *out = (struct bn_log_found){-1, -1, -1};
    struct bn_log_found found;
    l->used = true;
    for (uint32_t i = bn_log_segment_of(l, l->start_offset); i < l->segment_count; i++) {
        struct bn_segment *s = l->segments[i];
        int64_t newest, ignored;
        if (s->base_offset >= upper_offset) break;
        int rc = bn_segment_newest(s, &newest, &ignored);
        if (rc == 0 && newest < timestamp_ms) continue;
        if (rc == 0) rc = in_segment(l, s, timestamp_ms, upper_offset, &found);
        if (rc < 0) return BN_IO;
        if (rc == 0) continue;
        if (found.offset < upper_offset) *out = found;
        return 0;
    }
    return 0;
}

int bn_findtime_newest(struct bn_log *l, struct bn_log_found *out) {
    *out = (struct bn_log_found){-1, -1, -1};
    struct bn_segment *best = NULL;
    int64_t timestamp = -1, offset = -1;
    l->used = true;
    for (uint32_t i = bn_log_segment_of(l, l->start_offset); i < l->segment_count; i++) {
        int64_t t, o;
        if (bn_segment_newest(l->segments[i], &t, &o) != 0) return BN_IO;
        if (t <= timestamp) continue;
        best = l->segments[i];
        timestamp = t;
        offset = o;
    }
    if (!best || offset < l->start_offset) return 0;
    struct bn_segment_spot spot;
    int rc = bn_segment_seek(best, offset, 0, &spot);
    if (rc == 1) rc = in_batch(l, best, spot.position, &spot.batch, spot.batch.max_timestamp, out);
    return rc < 0 ? BN_IO : 0;
}
