/* recover.c: opens a partition's directory (4-storage 4.9). After a clean stop only the last few headers are read.
 * Otherwise the segment that holds the recovery point and all later ones are walked: structure everywhere, checksums
 * from the recovery point on; indexes, epochs and producer state are made anew from the batches, which overrule every
 * other file. At the first byte that is no valid batch the segment is cut and later ones go, and that is synced before
 * anything can be appended over it: else a power cut could bring the old tail back. Nothing here trusts a length, count
 * or offset that a file gives. Runs on a pool thread, one log at a time. */
#include "broker/log/recover.h"

#include "broker/log/leftover.h"
#include "broker/log/relearn.h"
#include "broker/log/replay.h"
#include "broker/log/retain.h"
#include "broker/log/topicid.h"
#include "common/base/alloc.h"
#include "common/base/trace.h"

enum { WINDOW = 256 << 10, EPOCHS_BYTES_MAX = 256 << 20 };

struct recovery {
    struct bn_log *l;
    const struct bn_log_open *o;
    struct bn_disk_entry *list;
    size_t list_count;
    uint8_t *window;
    bool truncated;
    bool note_epochs; /* the walk goes over the newest batches: theirs are the latest epochs */
    struct bn_err *e;
};

bool bn_recover_parse_name(const char *name, const char *suffix, int64_t *base_offset) {
    enum { DIGITS = 20 };
    if (strlen(name) < DIGITS || strcmp(name + DIGITS, suffix) != 0) return false;
    for (int i = 0; i < DIGITS; i++)
        if (name[i] < '0' || name[i] > '9') return false;
    return bn_slice_to_i64(bn_slice_of(name, DIGITS), base_offset) && *base_offset <= BN_SCAN_OFFSET_MAX;
}

/* ---- segments ---- */

static bool listed(const struct recovery *r, int64_t base, const char *suffix) {
    char name[64];
    snprintf(name, sizeof name, "%020" PRId64 "%s", base, suffix);
    size_t low = 0, high = r->list_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = strcmp(r->list[mid].name, name);
        if (c == 0) return true;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static int unlink_named(struct recovery *r, const char *name) {
    char *path = bn_alloc_printf("%s/%s", r->l->place.dir, name);
    int rc = r->l->place.disk->unlink(r->l->place.disk, path, r->e);
    bn_alloc_free(path);
    return rc == BN_NOTFOUND ? 0 : rc;
}

static int add_segments(struct recovery *r, int64_t now_ms) {
    struct bn_log *l = r->l;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->list_count; i++) {
        const char *name = r->list[i].name;
        int64_t base;
        if (r->list[i].is_dir) continue;
        if (bn_recover_parse_name(name, ".log", &base)) {
            struct bn_segment *s = bn_segment_new(&l->place, base, now_ms);
            bn_log_add_segment(l, s);
            rc = bn_segment_stat(s, r->e);
            if (rc == 0) rc = bn_segment_rest(s);
        } else if (bn_recover_parse_name(name, ".index", &base) || bn_recover_parse_name(name, ".timeindex", &base) ||
                   bn_recover_parse_name(name, ".txnindex", &base)) {
            if (!listed(r, base, ".log")) rc = unlink_named(r, name);
        }
    }
    return rc;
}

static int start_empty(struct recovery *r, int64_t base, int64_t now_ms) {
    struct bn_segment *s = bn_segment_new(&r->l->place, base, now_ms);
    int rc = bn_segment_create(s, r->e);
    if (rc) {
        bn_segment_free(s);
        return rc;
    }
    bn_log_add_segment(r->l, s);
    r->l->dir_dirty = r->l->dir_new = true;
    return 0;
}

/* Whether b may stand where it was found; ascending offsets keep every later look-up right. */
static bool fits(const struct bn_segment *s, const struct bn_batch *b, int64_t least) {
    return b->base_offset >= least && b->base_offset >= s->base_offset &&
           bn_batch_last_offset(b) - s->base_offset <= INT32_MAX;
}

/* Walks a segment from its start, making its indexes anew. check_from: checksums are tested of batches that end at or
 * above it. *end: the next offset. 0 = all is well; BN_BAD = s->size is where the first invalid byte stands; other
 * codes: give up. */
static int walk(struct recovery *r, struct bn_segment *s, int64_t check_from, int64_t *end) {
    struct bn_file *f;
    int rc = bn_segment_file(s, &f);
    int64_t file_size = s->size;
    if (rc == 0) rc = bn_segment_reset(s);
    if (rc) return bn_err_set(r->e, BN_IO, "reset the indexes of segment %" PRId64, s->base_offset);
    struct bn_scan scan;
    struct bn_batch b;
    bn_scan_init(&scan, f, 0, file_size, bn_slice_of(r->window, WINDOW));
    s->size = 0;
    *end = bn_max_i64(*end, s->base_offset);
    while ((rc = bn_scan_next(&scan, &b)) == 1) {
        if (!fits(s, &b, *end))
            rc = BN_BAD;
        else if (bn_batch_last_offset(&b) >= check_from)
            rc = bn_scan_check(&scan, &b);
        else
            rc = 0;
        if (rc == 0 && bn_segment_note(s, &b, r->l->config.index_interval_bytes) != 0) rc = BN_IO;
        if (rc) break;
        if (r->note_epochs && b.leader_epoch > bn_epochs_latest(&r->l->epochs))
            bn_log_note_epoch(r->l, b.leader_epoch, b.base_offset);
        *end = bn_batch_next_offset(&b);
    }
    /* A torn batch may have zeros where its format stood: only what its own CRC-32 proves to be old is refused. */
    int old = rc == BN_BAD ? bn_scan_is_old(&scan, s->size) : 0;
    if (old < 0) rc = old;
    if (old > 0)
        return bn_err_set(r->e, BN_EXISTS,
                          "segment %" PRId64 " holds messages of a format before 2, which are not read",
                          s->base_offset);
    if (rc == BN_IO) return bn_err_set(r->e, BN_IO, "read segment %" PRId64, s->base_offset);
    return rc;
}

static int drop_after(struct recovery *r, uint32_t keep, int64_t now_ms) {
    struct bn_log *l = r->l;
    int rc = 0;
    while (l->segment_count > keep) {
        struct bn_segment *s = l->segments[--l->segment_count];
        BN_WARN("log", "[Log partition=%s] deleting segment %" PRId64, l->name, s->base_offset);
        int one = bn_retain_drop(l, s, now_ms + l->config.file_delete_delay_ms);
        if (one) rc = bn_err_set(r->e, one, "rename a segment behind the truncation");
    }
    return rc;
}

/* Walks segments from `first` on to the first invalid byte. The file's epochs from there on may be of batches that are
 * gone. */
static int recover_from(struct recovery *r, uint32_t first, int64_t check_from, int64_t now_ms) {
    struct bn_log *l = r->l;
    int64_t end = l->segments[first]->base_offset;
    if (bn_epochs_truncate_end(&l->epochs, end)) l->epochs_dirty = true;
    r->note_epochs = true;
    for (uint32_t i = first; i < l->segment_count && !r->truncated; i++) {
        struct bn_segment *s = l->segments[i];
        /* A segment begins where the one before ends (follow.c): else a power cut has taken that one's tail. Only
         * compaction makes gaps, and only of what was synced, below the recovery point; or else they are wider than a
         * segment can be. */
        bool lost = !l->config.compact || (end >= check_from && s->base_offset - end <= INT32_MAX);
        bool apart = s->base_offset < end || (s->base_offset > end && lost);
        int rc = apart ? 0 : walk(r, s, check_from, &end);
        if (apart || rc == BN_BAD) {
            BN_WARN("log",
                    "[Log partition=%s] invalid at position %" PRId64 " of segment %" PRId64
                    ": truncating to offset %" PRId64,
                    l->name, apart ? 0 : s->size, s->base_offset, end);
            r->truncated = true;
            rc = apart ? 0 : bn_segment_truncate(s, s->size, r->e);
            if (rc == 0) rc = drop_after(r, apart ? i : i + 1, now_ms);
        }
        if (rc == 0 && !apart && bn_segment_finish(s) != 0)
            rc = bn_err_set(r->e, BN_IO, "write indexes of %" PRId64, s->base_offset);
        if (rc) return rc;
    }
    l->end_offset = end;
    r->note_epochs = false;
    return 0;
}

/* The end of a log that was closed cleanly: from the last index entry on. BN_BAD: it is not so clean. */
static int find_end(struct recovery *r) {
    struct bn_log *l = r->l;
    struct bn_segment *s = bn_log_active(l);
    struct bn_segment_spot spot;
    uint8_t entry[BN_INDEX_ENTRY_MAX];
    int64_t i, position = 0;
    struct bn_file *f;
    int rc = bn_segment_file(s, &f);
    if (rc == 0) rc = bn_index_floor(&s->offsets, BN_INDEX_BY_OFFSET, INT64_MAX, &i, entry);
    if (rc) return bn_err_set(r->e, BN_IO, "read the last segment");
    if (i >= 0) position = bn_index_position(entry);
    if (position > s->size) return BN_BAD;
    struct bn_scan scan;
    bn_scan_init(&scan, f, position, s->size, bn_slice_of(r->window, WINDOW));
    l->end_offset = s->base_offset;
    s->unindexed = 0;
    while ((rc = bn_scan_next(&scan, &spot.batch)) == 1) {
        if (!fits(s, &spot.batch, l->end_offset)) return BN_BAD;
        if (spot.batch.leader_epoch > bn_epochs_latest(&l->epochs)) return BN_BAD; /* the epoch file is older */
        l->end_offset = bn_batch_next_offset(&spot.batch);
    }
    s->unindexed = s->size - position;
    return rc == BN_IO ? bn_err_set(r->e, BN_IO, "read the last segment") : rc;
}

/* Segments below the walked ones whose index files are missing. A gap found there is told, not cut out. */
static int rebuild_missing(struct recovery *r, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct bn_segment *s = r->l->segments[i];
        if (listed(r, s->base_offset, ".index") && listed(r, s->base_offset, ".timeindex")) continue;
        int64_t end = s->base_offset, size = s->size;
        int rc = size == 0 ? 0 : walk(r, s, INT64_MAX, &end);
        if (rc == BN_BAD)
            BN_ERROR("log", "[Log partition=%s] segment %" PRId64 " is damaged at position %" PRId64, r->l->name,
                     s->base_offset, s->size);
        else if (rc)
            return rc;
        s->size = size;
        if (bn_segment_finish(s) != 0)
            return bn_err_set(r->e, BN_IO, "rebuild the indexes of segment %" PRId64, s->base_offset);
    }
    return 0;
}

/* ---- epochs ---- */

static int load_epochs(struct recovery *r) {
    struct bn_log *l = r->l;
    char *path = bn_alloc_printf("%s/leader-epoch-checkpoint", l->place.dir);
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct bn_err why;
    int rc = bn_disk_read_all(l->place.disk, path, EPOCHS_BYTES_MAX, &bytes, &len, r->e);
    if (rc == 0 && bn_epochs_parse(&l->epochs, bn_slice_of(bytes, len), &why) != 0)
        BN_WARN("log", "[Log partition=%s] %s is not believed: %s", l->name, path, why.text);
    bn_alloc_free(bytes);
    bn_alloc_free(path);
    return rc == BN_NOTFOUND ? 0 : rc;
}

static int load_producers(struct recovery *r) {
    struct bn_log *l = r->l;
    struct bn_replay replay = {
        .place = &l->place,
        .name = l->name,
        .list = r->list,
        .list_count = r->list_count,
        .segments = l->segments,
        .segment_count = l->segment_count,
        .end_offset = l->end_offset,
        .window = bn_slice_of(r->window, WINDOW),
        .producers = &l->producers,
    };
    int rc = bn_replay_run(&replay, r->e);
    l->snapshot_offset = replay.snapshot_offset;
    return rc;
}

/* ---- all of it ---- */

static int recover_batches(struct recovery *r, int64_t now_ms) {
    struct bn_log *l = r->l;
    const struct bn_log_open *o = r->o;
    /* The indexes of a segment that ends at the recovery point may be older than its batches. */
    uint32_t first = o->clean ? l->segment_count - 1 : bn_log_segment_of(l, o->recovery_point - 1);
    int rc = bn_relearn_run(l, first, o->log_start_offset, bn_slice_of(r->window, WINDOW), r->e);
    if (rc < 0) return rc;
    if (o->clean) {
        bool indexed = bn_log_active(l)->size == 0 || listed(r, bn_log_active(l)->base_offset, ".index");
        rc = indexed && rc == 0 ? find_end(r) : BN_BAD;
        if (rc == BN_BAD) rc = recover_from(r, first, bn_log_active(l)->base_offset, now_ms);
    } else {
        rc = recover_from(r, first, o->recovery_point, now_ms);
        /* The room that a crashed process had reserved behind the end is given back by truncating to the same size. */
        if (rc == 0 && l->segment_count > 0) rc = bn_segment_truncate(bn_log_active(l), bn_log_active(l)->size, r->e);
    }
    return rc ? rc : rebuild_missing(r, first < l->segment_count ? first : l->segment_count);
}

/* What truncation changed is on disk before the first append. */
static int sync_truncation(struct recovery *r) {
    struct bn_log *l = r->l;
    struct bn_file *f;
    if (!r->truncated) return 0;
    if (bn_segment_file(bn_log_active(l), &f) != 0) return bn_err_set(r->e, BN_IO, "open the last segment");
    int rc = l->place.disk->datasync(f, r->e);
    return rc ? rc : l->place.disk->sync_dir(l->place.disk, l->place.dir, r->e);
}

static int run(struct recovery *r) {
    struct bn_log *l = r->l;
    const struct bn_disk *d = l->place.disk;
    int64_t now_ms = bn_clock_wall_ms(l->env->clock);
    int rc = d->mkdir(d, l->place.dir, r->e);
    if (rc == 0) rc = bn_topicid_settle(&l->place, &r->o->topic_id, r->e);
    if (rc == 0) rc = bn_leftover_clean(&l->place, r->e);
    if (rc == 0) rc = d->list(d, l->place.dir, &r->list, &r->list_count, r->e);
    if (rc == 0) rc = add_segments(r, now_ms);
    if (rc == 0) rc = load_epochs(r);
    if (rc) return rc;
    if (l->segment_count == 0) {
        rc = start_empty(r, bn_max_i64(r->o->log_start_offset, 0), now_ms);
        l->end_offset = rc ? 0 : bn_log_active(l)->base_offset;
    } else {
        rc = recover_batches(r, now_ms);
    }
    if (rc == 0 && l->end_offset < r->o->log_start_offset) {
        BN_WARN("log", "[Log partition=%s] ends at %" PRId64 ", below its start %" PRId64 ": starting empty there",
                l->name, l->end_offset, r->o->log_start_offset);
        r->truncated = true;
        rc = drop_after(r, 0, now_ms);
        if (rc == 0) rc = start_empty(r, r->o->log_start_offset, now_ms);
        l->end_offset = r->o->log_start_offset;
    }
    if (rc == 0) rc = sync_truncation(r);
    if (rc) return rc;
    /* A process that was killed may have made files, or the directory itself, whose names are not synced yet. */
    if (!r->o->clean) l->dir_dirty = l->dir_new = true;
    l->start_offset = bn_max_i64(r->o->log_start_offset, l->segments[0]->base_offset);
    l->recovery_point = r->o->clean && !r->truncated ? l->end_offset : bn_min_i64(r->o->recovery_point, l->end_offset);
    if (bn_epochs_truncate_end(&l->epochs, l->end_offset)) l->epochs_dirty = true;
    if (bn_epochs_truncate_start(&l->epochs, l->start_offset)) l->epochs_dirty = true;
    return load_producers(r);
}

int bn_recover_run(struct bn_log *l, const struct bn_log_open *o, struct bn_err *e) {
    struct recovery r = {.l = l, .o = o, .e = e, .window = bn_alloc(WINDOW)};
    int rc = run(&r);
    bn_alloc_free(r.list);
    bn_alloc_free(r.window);
    return rc;
}
