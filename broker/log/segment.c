/* segment.c: owns one .log file and its indexes: where bytes go, where a batch is, and the room reserved behind the
 * end. Invariants: [0, size) is whole batches with ascending offsets; an index entry names the last offset of a batch
 * and the position where that batch starts. An index is a hint: a position it gives is believed only if a header that
 * fits stands there, else the segment is walked from its start. It does not know of producers, epochs or retention. */
#include "broker/log/segment.h"

#include "broker/log/timeindex.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

struct bn_segment *bn_segment_new(const struct bn_index_place *place, int64_t base_offset, int64_t now_ms) {
    struct bn_segment *s = bn_alloc_zero(1, sizeof *s);
    s->place = place;
    s->base_offset = base_offset;
    s->created_ms = now_ms;
    s->max_timestamp = s->first_timestamp = BN_SEGMENT_UNKNOWN;
    s->allocate_next = BN_SEGMENT_ALLOCATE_MIN;
    bn_index_init(&s->offsets, place, base_offset, BN_INDEX_OFFSET);
    bn_index_init(&s->times, place, base_offset, BN_INDEX_TIME);
    return s;
}

void bn_segment_free(struct bn_segment *s) {
    if (!s) return;
    bn_index_fini(&s->offsets);
    bn_index_fini(&s->times);
    bn_file_unref(s->file);
    bn_alloc_free(s);
}

static int open_log(struct bn_segment *s, int flags, struct bn_err *e) {
    char *path = bn_index_path(s->place, s->base_offset, ".log");
    int rc = s->place->disk->open(s->place->disk, path, BN_DISK_WRITE | flags, &s->file, e);
    bn_alloc_free(path);
    if (rc) s->file = NULL;
    return rc;
}

int bn_segment_create(struct bn_segment *s, struct bn_err *e) {
    int rc = open_log(s, BN_DISK_CREATE | BN_DISK_TRUNCATE, e);
    if (rc) return rc;
    s->size = 0;
    s->max_timestamp = s->first_timestamp = -1;
    s->max_timestamp_offset = s->base_offset;
    rc = bn_index_cut(&s->offsets, 0);
    if (rc == 0) rc = bn_index_cut(&s->times, 0);
    return rc ? bn_err_set(e, rc, "make indexes of %s/%020" PRId64, s->place->dir, s->base_offset) : 0;
}

int bn_segment_discard(struct bn_segment *s) {
    static const char *const suffixes[] = {".log", ".index", ".timeindex"};
    const struct bn_disk *d = s->place->disk;
    int rc = 0;
    for (size_t i = 0; i < BN_ARRAY_LEN(suffixes); i++) {
        char *path = bn_index_path(s->place, s->base_offset, suffixes[i]);
        int one = d->unlink(d, path, NULL);
        if (one && one != BN_NOTFOUND) rc = BN_IO;
        bn_alloc_free(path);
    }
    bn_segment_free(s);
    return rc;
}

int bn_segment_file(struct bn_segment *s, struct bn_file **out) {
    if (!s->file && open_log(s, 0, NULL) != 0) return BN_IO;
    *out = s->file;
    return 0;
}

int bn_segment_stat(struct bn_segment *s, struct bn_err *e) {
    int rc = s->file ? 0 : open_log(s, 0, e);
    if (rc == 0) rc = s->place->disk->size(s->file, &s->size, e);
    /* Positions in the index have 31 bits. */
    if (rc == 0 && s->size > INT32_MAX)
        rc = bn_err_set(e, BN_BAD, "%s/%020" PRId64 ".log is larger than 2 GiB", s->place->dir, s->base_offset);
    s->rested_size = s->size;
    return rc;
}

/* Reserving is only an optimisation: a failure is ignored, and the write itself tells if the disk is full. */
static void reserve(struct bn_segment *s, int64_t end, int64_t roll_bytes) {
    if (end <= s->allocated || end - s->rested_size < BN_SEGMENT_ALLOCATE_FROM) return;
    int64_t from = bn_max_i64(s->size, s->allocated);
    int64_t to = bn_min_i64(from + s->allocate_next, bn_max_i64(roll_bytes, end));
    if (to < end) to = end;
    if (s->place->disk->allocate(s->file, from, to - from, NULL) != 0) to = INT64_MAX; /* and do not ask again */
    s->allocated = to;
    s->allocate_next = bn_min_i64(s->allocate_next * 2, BN_SEGMENT_ALLOCATE_MAX);
}

void bn_segment_preallocate(struct bn_segment *s, int64_t bytes) {
    if (s->allocated >= bytes || s->size >= bytes || (!s->file && open_log(s, 0, NULL) != 0)) return;
    bool taken = s->place->disk->allocate(s->file, s->size, bytes - s->size, NULL) == 0;
    s->allocated = taken ? bytes : INT64_MAX;
}

int bn_segment_ready(struct bn_segment *s) {
    struct bn_file *f;
    int rc = s->file ? 0 : open_log(s, 0, NULL);
    if (rc == 0) rc = bn_index_file(&s->offsets, &f);
    if (rc == 0) rc = bn_index_file(&s->times, &f);
    return rc == 0 || rc == BN_NOROOM ? rc : BN_IO;
}

/* Bytes behind the end would be taken for batches by a recovery, once something shorter is written over their start. */
static int take_back(struct bn_segment *s) {
    if (s->place->disk->truncate(s->file, s->size, NULL) != 0) return BN_IO;
    s->allocated = 0;
    s->allocate_next = BN_SEGMENT_ALLOCATE_MIN;
    return BN_NOROOM;
}

int bn_segment_write(struct bn_segment *s, const uint8_t *ptr, size_t len, int64_t roll_bytes) {
    int rc = bn_segment_ready(s);
    if (rc) return rc;
    reserve(s, s->size + (int64_t)len, roll_bytes);
    struct iovec iov = {(void *)(uintptr_t)ptr, len};
    rc = s->place->disk->pwritev(s->file, &iov, 1, s->size, NULL);
    return rc == BN_NOROOM ? take_back(s) : rc;
}

int bn_segment_note(struct bn_segment *s, const struct bn_batch *b, int64_t index_interval) {
    int64_t last = bn_batch_last_offset(b), newest, ignored;
    BN_ASSERT(last - s->base_offset <= INT32_MAX);
    int rc = bn_segment_newest(s, &newest, &ignored);
    if (rc) return rc;
    if (s->size == 0) s->first_timestamp = b->max_timestamp;
    /* A batch that compaction emptied keeps its time, but no record has it any more. */
    if (b->record_count > 0 && b->max_timestamp > s->max_timestamp) {
        s->max_timestamp = b->max_timestamp;
        s->max_timestamp_offset = last;
    }
    if (s->unindexed > index_interval) {
        uint8_t entry[8];
        bn_index_put_position(entry, s->base_offset, last, s->size);
        rc = bn_index_add(&s->offsets, entry);
        if (rc == 0 && s->max_timestamp >= 0)
            rc = bn_timeindex_add(&s->times, s->max_timestamp, s->max_timestamp_offset);
        if (rc && rc != BN_NOROOM) return rc; /* without room an entry is left out: the next batch gets one */
        if (rc == 0) s->unindexed = 0;
    }
    s->unindexed += bn_scan_size(b);
    s->size += bn_scan_size(b);
    return 0;
}

bool bn_segment_index_full(struct bn_segment *s, int64_t index_bytes) {
    if (bn_index_load(&s->offsets) != 0 || bn_index_load(&s->times) != 0) return false; /* the write will tell */
    return (int64_t)s->offsets.count >= index_bytes / 8 || (int64_t)s->times.count >= index_bytes / 12 - 1;
}

int bn_segment_newest(struct bn_segment *s, int64_t *timestamp_ms, int64_t *offset) {
    if (s->max_timestamp == BN_SEGMENT_UNKNOWN) {
        int64_t t, o;
        int rc = bn_timeindex_last(&s->times, &t, &o);
        if (rc) return rc;
        s->max_timestamp = t;
        s->max_timestamp_offset = o;
    }
    *timestamp_ms = s->max_timestamp;
    *offset = s->max_timestamp_offset;
    return 0;
}

int bn_segment_first_timestamp(struct bn_segment *s, int64_t *timestamp_ms) {
    if (s->first_timestamp == BN_SEGMENT_UNKNOWN) {
        struct bn_file *f;
        if (bn_segment_file(s, &f) != 0) return BN_IO;
        uint8_t window[BN_BATCH_HEADER];
        struct bn_scan scan;
        struct bn_batch b;
        bn_scan_init(&scan, f, 0, s->size, bn_slice_of(window, sizeof window));
        int rc = bn_scan_next(&scan, &b);
        if (rc < 0) return rc;
        if (rc == 0) {
            *timestamp_ms = -1;
            return 0;
        }
        s->first_timestamp = b.max_timestamp;
    }
    *timestamp_ms = s->first_timestamp;
    return 0;
}

/* Walks from `from` to the first batch that ends at or above offset. */
static int walk_to_offset(struct bn_segment *s, int64_t offset, int64_t from, struct bn_segment_spot *out) {
    uint8_t window[BN_SEGMENT_WINDOW];
    struct bn_scan scan;
    bn_scan_init(&scan, s->file, from, s->size, bn_slice_of(window, sizeof window));
    for (;;) {
        out->position = scan.position;
        int rc = bn_scan_next(&scan, &out->batch);
        if (rc <= 0) return rc;
        if (out->batch.base_offset < s->base_offset) return BN_BAD;
        if (bn_batch_last_offset(&out->batch) >= offset) return 1;
    }
}

int bn_segment_seek(struct bn_segment *s, int64_t offset, int64_t from, struct bn_segment_spot *out) {
    struct bn_file *f;
    if (bn_segment_file(s, &f) != 0) return BN_IO;
    uint8_t entry[BN_INDEX_ENTRY_MAX];
    int64_t i;
    /* An entry holds the *last* offset of its batch: one that is equal may be the batch itself. */
    int rc = bn_index_floor(&s->offsets, BN_INDEX_BY_OFFSET, offset - s->base_offset, &i, entry);
    if (rc) return rc;
    int64_t hint = i < 0 ? 0 : bn_index_position(entry);
    int64_t start = bn_max_i64(from, hint < s->size ? hint : 0);
    rc = walk_to_offset(s, offset, start, out);
    if (start > 0 && (rc == BN_BAD || (rc == 1 && out->position == start && out->batch.base_offset > offset))) {
        rc = walk_to_offset(s, offset, 0, out);
    }
    return rc;
}

static int walk_to_position(struct bn_segment *s, int64_t limit, int64_t from, struct bn_segment_spot *out) {
    uint8_t window[BN_SEGMENT_WINDOW];
    struct bn_scan scan;
    bn_scan_init(&scan, s->file, from, s->size, bn_slice_of(window, sizeof window));
    for (;;) {
        out->position = scan.position;
        int rc = bn_scan_next(&scan, &out->batch);
        if (rc <= 0) return BN_BAD; /* limit lies below the end: some batch must reach over it */
        if (scan.position > limit) return 1;
    }
}

int bn_segment_cut(struct bn_segment *s, int64_t limit, int64_t from, struct bn_segment_spot *out) {
    struct bn_file *f;
    if (bn_segment_file(s, &f) != 0) return BN_IO;
    BN_ASSERT(from <= limit && limit < s->size);
    uint8_t entry[BN_INDEX_ENTRY_MAX];
    int64_t i;
    int rc = bn_index_floor(&s->offsets, BN_INDEX_BY_POSITION, limit, &i, entry);
    if (rc) return rc;
    int64_t hint = i < 0 ? 0 : bn_index_position(entry);
    int64_t start = hint > from ? hint : from;
    rc = walk_to_position(s, limit, start, out);
    return rc == BN_BAD && start > from ? walk_to_position(s, limit, from, out) : rc;
}

/* Truncating to the same size frees the blocks behind the end. */
static int give_back(struct bn_segment *s) {
    if (s->file && s->allocated > s->size && s->allocated != INT64_MAX) {
        if (s->place->disk->truncate(s->file, s->size, NULL) != 0) return BN_IO;
    }
    s->allocated = 0;
    s->allocate_next = BN_SEGMENT_ALLOCATE_MIN;
    return 0;
}

int bn_segment_finish(struct bn_segment *s) {
    int64_t newest, offset;
    int rc = bn_segment_newest(s, &newest, &offset);
    if (rc == 0 && newest >= 0) rc = bn_timeindex_add(&s->times, newest, offset);
    if (rc == 0) rc = bn_index_write(&s->offsets);
    if (rc == 0) rc = bn_index_write(&s->times);
    return rc ? rc : give_back(s);
}

int bn_segment_rest(struct bn_segment *s) {
    int rc = bn_index_rest(&s->offsets);
    if (rc == 0) rc = bn_index_rest(&s->times);
    if (rc == 0) rc = give_back(s);
    if (rc) return rc;
    s->rested_size = s->size;
    bn_file_unref(s->file);
    s->file = NULL;
    return 0;
}

int bn_segment_truncate(struct bn_segment *s, int64_t size, struct bn_err *e) {
    struct bn_file *f;
    if (bn_segment_file(s, &f) != 0)
        return bn_err_set(e, BN_IO, "open %s/%020" PRId64 ".log", s->place->dir, s->base_offset);
    int rc = s->place->disk->truncate(f, size, e);
    if (rc) return rc;
    s->size = s->rested_size = size;
    s->allocated = 0;
    return 0;
}

/* Takes the batches of [from, position) into account: newest timestamp, and how much has no index entry. */
static int renote(struct bn_segment *s, int64_t from, int64_t position) {
    uint8_t window[BN_SEGMENT_WINDOW];
    struct bn_scan scan;
    struct bn_batch b;
    int rc;
    bn_scan_init(&scan, s->file, from, position, bn_slice_of(window, sizeof window));
    while ((rc = bn_scan_next(&scan, &b)) == 1) {
        if (b.record_count == 0 || b.max_timestamp <= s->max_timestamp) continue;
        s->max_timestamp = b.max_timestamp;
        s->max_timestamp_offset = bn_batch_last_offset(&b);
    }
    s->unindexed = position - from;
    return rc;
}

static int forget_entries(struct bn_index *x, int64_t relative, uint8_t *entry, bool *any) {
    int64_t i;
    int rc = bn_index_floor(x, BN_INDEX_BY_OFFSET, relative, &i, entry);
    if (rc) return rc;
    *any = i >= 0;
    return bn_index_forget(x, (uint32_t)(i + 1));
}

int bn_segment_forget(struct bn_segment *s, int64_t position, int64_t offset) {
    struct bn_file *f;
    uint8_t at[BN_INDEX_ENTRY_MAX], time[BN_INDEX_ENTRY_MAX];
    bool indexed, timed;
    int64_t relative = offset == INT64_MAX ? INT64_MAX : position == 0 ? -1 : offset - 1 - s->base_offset;
    if (bn_segment_file(s, &f) != 0) return BN_IO;
    int rc = forget_entries(&s->offsets, relative, at, &indexed);
    if (rc == 0) rc = forget_entries(&s->times, relative, time, &timed);
    if (rc == 0) rc = bn_timeindex_last(&s->times, &s->max_timestamp, &s->max_timestamp_offset);
    if (rc) return rc;
    /* An entry of the time index speaks for all before the last entry of the offset index, not for what follows. */
    int64_t from = indexed ? bn_index_position(at) : 0;
    rc = renote(s, from < position ? from : 0, position);
    if (rc == BN_BAD && from > 0) rc = renote(s, 0, position); /* the entry was wrong */
    if (rc) return rc;
    s->size = s->rested_size = position;
    s->first_timestamp = position == 0 ? -1 : BN_SEGMENT_UNKNOWN;
    s->allocated = 0;
    return 0;
}

uint32_t bn_segment_of(struct bn_segment *const *list, uint32_t count, int64_t offset) {
    uint32_t low = 0, high = count; /* the answer is low - 1 */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (list[mid]->base_offset <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? low - 1 : 0;
}

int bn_segment_reset(struct bn_segment *s) {
    int rc = bn_index_cut(&s->offsets, 0);
    if (rc == 0) rc = bn_index_cut(&s->times, 0);
    s->max_timestamp = -1;
    s->max_timestamp_offset = s->base_offset;
    s->first_timestamp = BN_SEGMENT_UNKNOWN;
    s->unindexed = 0;
    return rc;
}
