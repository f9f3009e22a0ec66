/* replay.c: rebuilds producer state as of a given end: the newest snapshot at or below it that can be believed, then
 * the batches from there on. Owns nothing: recovery and truncation lend it their segments and take the table. Producer
 * state is a fold over the batches, so it does not matter where the fold was cut, but for what a snapshot leaves out
 * (all but the last batch of each producer). */
#include "broker/log/replay.h"

#include "broker/log/recover.h"
#include "common/base/alloc.h"
#include "common/base/trace.h"

enum { SNAPSHOT_BYTES_MAX = 256 << 20 };

static bool believe(const struct bn_replay *r, const char *path) {
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = bn_disk_read_all(r->place->disk, path, SNAPSHOT_BYTES_MAX, &bytes, &len, NULL);
    if (rc == 0) rc = bn_producer_decode(r->producers, bn_slice_of(bytes, len));
    bn_alloc_free(bytes);
    if (rc) BN_WARN("log", "[Log partition=%s] %s is not believed", r->name, path);
    return rc == 0;
}

static int load_snapshot(struct bn_replay *r, struct bn_err *e) {
    const struct bn_disk *d = r->place->disk;
    bool sync = false;
    int rc = 0;
    for (size_t i = r->list_count; rc == 0 && i-- > 0;) {
        int64_t at;
        if (!bn_recover_parse_name(r->list[i].name, ".snapshot", &at)) continue;
        bool of_segment = r->segments[bn_segment_of(r->segments, r->segment_count, at)]->base_offset == at;
        if (of_segment && r->snapshot_offset >= 0 && at < r->snapshot_offset) continue;
        char *path = bn_index_path(r->place, at, ".snapshot");
        if (at <= r->end_offset && r->snapshot_offset < 0 && believe(r, path)) {
            r->snapshot_offset = at;
        } else {
            rc = d->unlink(d, path, e);
            if (rc == BN_NOTFOUND) rc = 0;
            sync |= at > r->end_offset;
        }
        bn_alloc_free(path);
    }
    if (rc == 0 && sync) rc = d->sync_dir(d, r->place->dir, e);
    if (r->snapshot_offset < 0) bn_producer_clear(r->producers);
    return rc;
}

static int replay_segment(struct bn_replay *r, struct bn_segment *s, int64_t from, struct bn_err *e) {
    struct bn_segment_spot spot;
    int rc = bn_segment_seek(s, from, 0, &spot);
    if (rc == 0) return 0;
    struct bn_scan scan;
    if (rc == 1) bn_scan_init(&scan, s->file, spot.position, s->size, r->window);
    while (rc == 1) {
        struct bn_batch b, whole;
        uint8_t *bytes;
        int64_t position = scan.position;
        rc = bn_scan_next(&scan, &b);
        if (rc != 1 || b.base_offset < from || b.producer_id < 0) continue;
        if (!(b.attributes & BN_BATCH_CONTROL)) {
            bn_producer_note(r->producers, &b);
        } else if (bn_scan_load(s->file, position, &b, &bytes, &whole) == 0) {
            bn_producer_fold(r->producers, &whole);
            bn_alloc_free(bytes);
        }
    }
    /* Damage below the recovery point is not this log's end; what follows in the segment can't be found by anyone. */
    return rc == BN_IO ? bn_err_set(e, BN_IO, "read segment %" PRId64, s->base_offset) : 0;
}

int bn_replay_run(struct bn_replay *r, struct bn_err *e) {
    r->snapshot_offset = -1;
    int rc = load_snapshot(r, e);
    int64_t from = bn_max_i64(r->snapshot_offset, r->segments[0]->base_offset);
    uint32_t i = bn_segment_of(r->segments, r->segment_count, from);
    for (; rc == 0 && from < r->end_offset && i < r->segment_count; i++)
        rc = replay_segment(r, r->segments[i], from, e);
    return rc;
}
