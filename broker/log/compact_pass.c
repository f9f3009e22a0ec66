/* compact_pass.c: the work of a cleaning. The dirty part is walked twice: by headers, to know which transactions were
 * aborted; whole, to put its keys into the map. Then the log is written anew from its start to where the map ended,
 * group by group, as .cleaned files with indexes of their own.
 *
 * Invariants: a batch at or above `end` is copied as it is. The first batch of each leader epoch stays, if only its
 * header, so that epochs rebuilt from batches begin where they did; so does the last batch of a group, so that a
 * cleaned segment ends where the next one begins, and recovery can tell a gap from a lost tail. A transaction without
 * its marker below `upto` ends the dirty part: nobody knows yet whether it counts. */
#include "broker/log/compact_pass.h"

#include <poll.h>
#include <stdlib.h>

#include "broker/log/compact_reader.h"
#include "broker/log/segment.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/sys/clock.h"

enum { WINDOW = 64 << 10, PAUSE_MS = 50 };

static int stopped(const struct bn_compact_pass *p) { return atomic_load(p->called_off) ? BN_STALE : 0; }

static void pause_ms(int64_t ms) { (void)poll(NULL, 0, (int)ms); }

/* Counts bytes read or written, and waits where that is faster than allowed. */
static int spend(struct bn_compact_pass *p, int64_t bytes) {
    p->bytes_read += bytes;
    if (p->bytes_per_second <= 0) return stopped(p);
    double due_ms = (double)p->bytes_read * 1000 / p->bytes_per_second;
    while (stopped(p) == 0) {
        double spent_ms = (double)(bn_clock_mono_ms(p->clock) - p->started_ms);
        if (spent_ms >= due_ms) break;
        pause_ms(due_ms - spent_ms > PAUSE_MS ? PAUSE_MS : (int64_t)(due_ms - spent_ms) + 1);
    }
    return stopped(p);
}

static int explain(const struct bn_compact_pass *p, uint32_t i, int rc, struct bn_err *e) {
    if (rc == BN_STALE) return bn_err_set(e, rc, "called off");
    if (rc == BN_NOROOM) return bn_err_set(e, rc, "no room for what is left of segment %" PRId64, p->segments[i].base);
    return bn_err_set(e, rc, rc == BN_BAD ? "segment %" PRId64 " is damaged" : "cannot read segment %" PRId64,
                      p->segments[i].base);
}

/* ---- transactions ---- */

struct open_txn {
    uint64_t id;
    int64_t first;
};

struct txns {
    struct bn_map open; /* struct open_txn */
    size_t capacity;
};

static int by_producer(const void *a, const void *b) {
    const struct bn_compact_aborted *x = a, *y = b;
    if (x->producer_id != y->producer_id) return x->producer_id < y->producer_id ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static bool is_abort(const struct bn_batch *whole) {
    enum { TYPE_MAX = 64 << 10 };
    struct bn_batch_iter it;
    struct bn_record r;
    bool aborts = false;
    if (bn_batch_iter_init(&it, whole, TYPE_MAX) == 0 && bn_batch_iter_next(&it, &r) == 1)
        aborts = r.key.len >= 4 && bn_get_u16(r.key.ptr + 2) == 0;
    bn_batch_iter_fini(&it);
    return aborts;
}

static int note_txn(struct bn_compact_pass *p, struct txns *t, struct bn_file *f, int64_t position,
                    const struct bn_batch *b) {
    uint64_t id = (uint64_t)b->producer_id;
    struct open_txn *open = bn_map_get(&t->open, bn_map_key_u64(&id));
    if (!(b->attributes & BN_BATCH_CONTROL)) {
        if (open) return 0;
        open = bn_alloc(sizeof *open);
        *open = (struct open_txn){id, b->base_offset};
        bn_map_put(&t->open, bn_map_key_u64(&open->id), open);
        return 0;
    }
    if (!open) return 0;
    uint8_t *bytes;
    struct bn_batch whole;
    int rc = bn_scan_load(f, position, b, &bytes, &whole);
    if (rc) return rc;
    if (is_abort(&whole)) {
        if (p->aborted_count == t->capacity) {
            t->capacity = t->capacity ? t->capacity * 2 : 16;
            p->aborted = bn_alloc_resize(p->aborted, t->capacity * sizeof *p->aborted);
        }
        p->aborted[p->aborted_count++] = (struct bn_compact_aborted){b->producer_id, open->first, b->base_offset};
    }
    bn_alloc_free(bytes);
    bn_map_remove(&t->open, bn_map_key_u64(&id));
    bn_alloc_free(open);
    return 0;
}

static int scan_headers(struct bn_compact_pass *p, uint32_t i, struct txns *t, uint8_t *window, uint64_t *records) {
    struct bn_scan scan;
    struct bn_batch b;
    struct bn_file *f;
    char *path = bn_index_path(&p->place, p->segments[i].base, ".log");
    int rc = p->place.disk->open(p->place.disk, path, BN_DISK_READ, &f, NULL);
    bn_alloc_free(path);
    if (rc) return rc;
    bn_scan_init(&scan, f, 0, p->segments[i].size, bn_slice_of(window, WINDOW));
    for (;;) {
        int64_t position = scan.position;
        rc = bn_scan_next(&scan, &b);
        if (rc == 1 && stopped(p)) rc = BN_STALE;
        if (rc != 1) break;
        if (bn_batch_last_offset(&b) >= p->dirty_from) *records += (uint64_t)b.record_count;
        if (b.attributes & BN_BATCH_TRANSACTIONAL && b.producer_id >= 0) {
            rc = note_txn(p, t, f, position, &b);
            if (rc) break;
        }
    }
    bn_file_unref(f);
    return rc;
}

static uint32_t first_dirty(const struct bn_compact_pass *p) {
    uint32_t i = 0;
    while (i < p->count && p->segments[i].end <= p->dirty_from) i++;
    return i;
}

/* Fills p->aborted, lowers p->upto to the first transaction that is not decided, and counts the dirty records. */
static int find_aborted(struct bn_compact_pass *p, uint64_t *records, struct bn_err *e) {
    struct txns t = {.capacity = 0};
    uint8_t *window = bn_alloc(WINDOW);
    int rc = 0;
    uint32_t i = first_dirty(p);
    bn_map_init(&t.open);
    *records = 0;
    for (; rc == 0 && i < p->count; i++) rc = scan_headers(p, i, &t, window, records);
    if (rc) rc = explain(p, i - 1, rc, e);
    size_t at = 0;
    for (struct bn_map_entry *m; (m = bn_map_next(&t.open, &at));) {
        struct open_txn *open = m->value;
        p->upto = bn_min_i64(p->upto, open->first);
        bn_alloc_free(open);
    }
    bn_map_fini(&t.open);
    bn_alloc_free(window);
    if (p->aborted_count) qsort(p->aborted, p->aborted_count, sizeof *p->aborted, by_producer);
    return rc;
}

/* ---- the map ---- */

/* 1 = the map is full: p->end is the first offset that it does not speak of. */
static int index_batch(struct bn_compact_pass *p, const struct bn_batch *b) {
    struct bn_batch_iter it;
    struct bn_record r;
    if ((b->attributes & BN_BATCH_CONTROL) || bn_compact_sift_aborted(&p->sift, b)) return 0;
    int rc = bn_batch_iter_init(&it, b, BN_COMPACT_SIFT_EXPAND_MAX);
    bool full = false;
    while (rc == 0 && !full && (rc = bn_batch_iter_next(&it, &r)) == 1) {
        rc = 0;
        if (r.offset < p->start || bn_slice_is_null(r.key)) continue;
        full = r.offset >= p->upto || !bn_compact_map_put(&p->map, r.key, r.offset);
        if (full) p->end = r.offset;
    }
    bn_batch_iter_fini(&it);
    return full; /* a batch that can't be expanded stays as it is, and supersedes nothing */
}

static int index_segment(struct bn_compact_pass *p, uint32_t i, struct bn_err *e) {
    struct bn_compact_reader r;
    struct bn_batch b;
    int rc = bn_compact_reader_open(&r, &p->place, p->segments[i].base, p->segments[i].size, p->buffer_bytes, NULL);
    while (rc == 0 && (rc = bn_compact_reader_next(&r, &b)) == 1) {
        rc = spend(p, (int64_t)b.bytes.len);
        if (rc || bn_batch_last_offset(&b) < p->dirty_from) continue;
        p->bytes_indexed += (int64_t)b.bytes.len;
        if (b.base_offset >= p->upto) {
            p->end = p->upto;
            rc = 1;
        } else {
            rc = index_batch(p, &b);
        }
        if (rc) break;
    }
    bn_compact_reader_close(&r);
    return rc < 0 ? explain(p, i, rc, e) : rc;
}

int bn_compact_pass_index(struct bn_compact_pass *p, struct bn_err *e) {
    uint64_t records;
    p->started_ms = bn_clock_mono_ms(p->clock);
    p->epoch = -1;
    int rc = find_aborted(p, &records, e);
    if (rc) return rc;
    p->sift.aborted = p->aborted;
    p->sift.aborted_count = p->aborted_count;
    p->sift.producers = p->producers;
    p->sift.producer_count = p->producer_count;
    bn_compact_map_init(&p->map, p->map_bytes, records, p->map_load, p->seed);
    p->end = p->upto;
    for (uint32_t i = first_dirty(p); rc == 0 && i < p->count; i++) rc = index_segment(p, i, e);
    if (rc < 0) return rc;
    p->sift.map = &p->map;
    p->sift.end = p->end;
    p->indexed = true;
    p->map_ms = bn_clock_mono_ms(p->clock) - p->started_ms;
    return 0;
}

/* ---- writing ---- */

struct output {
    struct bn_segment *segment;
    struct bn_str bytes; /* not yet written */
};

static int flush_output(struct bn_compact_pass *p, struct output *o) {
    struct bn_slice left = bn_str_slice(&o->bytes);
    if (left.len == 0) return 0;
    if (o->segment->size + (int64_t)left.len > INT32_MAX) return BN_FULL;
    int rc = bn_segment_write(o->segment, left.ptr, left.len, INT32_MAX);
    while (rc == 0 && left.len > 0) {
        struct bn_batch b;
        if (bn_batch_peek(left, &b) != 0) BN_UNREACHABLE();
        rc = bn_segment_note(o->segment, &b, p->room.index_interval);
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    if (rc) return rc;
    rc = spend(p, (int64_t)o->bytes.len);
    bn_str_clear(&o->bytes);
    return rc;
}

static int copy_segment(struct bn_compact_pass *p, uint32_t i, bool last, struct output *o) {
    struct bn_compact_reader r;
    struct bn_batch b;
    int rc = bn_compact_reader_open(&r, &p->place, p->segments[i].base, p->segments[i].size, p->buffer_bytes, NULL);
    while (rc == 0 && (rc = bn_compact_reader_next(&r, &b)) == 1) {
        bool first_of_epoch = b.leader_epoch > p->epoch;
        bool last_of_group = last && r.from == r.have && r.position == r.size;
        if (first_of_epoch) p->epoch = b.leader_epoch;
        p->bytes_before += (int64_t)b.bytes.len;
        size_t had = o->bytes.len;
        bn_compact_sift_batch(&p->sift, &b, first_of_epoch || last_of_group, &o->bytes);
        p->changed |= o->bytes.len - had != b.bytes.len || memcmp(o->bytes.ptr + had, b.bytes.ptr, b.bytes.len) != 0;
        rc = spend(p, (int64_t)b.bytes.len);
        if (rc == 0 && o->bytes.len >= p->buffer_bytes) rc = flush_output(p, o);
    }
    bn_compact_reader_close(&r);
    return rc;
}

static int sync_output(struct bn_segment *s, struct bn_err *e) {
    const struct bn_disk *d = s->place->disk;
    struct bn_file *files[3];
    int rc = bn_segment_finish(s);
    if (rc == 0) rc = bn_segment_file(s, &files[0]);
    if (rc == 0) rc = bn_index_file(&s->offsets, &files[1]);
    if (rc == 0) rc = bn_index_file(&s->times, &files[2]);
    for (size_t i = 0; rc == 0 && i < BN_ARRAY_LEN(files); i++) rc = d->datasync(files[i], e);
    return rc;
}

static const char *const suffixes[] = {".timeindex", ".index", ".log"}; /* in the order of renaming */

static void remove_cleaned(const struct bn_compact_pass *p) {
    for (size_t i = 0; i < BN_ARRAY_LEN(suffixes); i++) {
        char *path = bn_alloc_printf("%s/%020" PRId64 "%s.cleaned", p->place.dir, p->segments[p->first].base,
                                     suffixes[i]);
        (void)p->place.disk->unlink(p->place.disk, path, NULL); /* else the next opening does */
        bn_alloc_free(path);
    }
}

int bn_compact_pass_write(struct bn_compact_pass *p, struct bn_err *e) {
    BN_ASSERT(p->indexed && !bn_compact_pass_over(p));
    p->first = p->next;
    p->grouped = bn_compact_plan_group(p->segments + p->first, p->count - p->first, &p->room);
    while (p->grouped > 1 && p->segments[p->first + p->grouped - 1].base >= p->end) p->grouped--;
    p->changed = p->grouped > 1;
    struct bn_index_place place = {p->place.disk, p->place.dir, ".cleaned"};
    struct output o = {.segment = bn_segment_new(&place, p->segments[p->first].base, 0)};
    bn_str_init(&o.bytes);
    uint32_t i = p->first, last = p->first + p->grouped - 1;
    int64_t before = p->bytes_before;
    int rc = bn_segment_create(o.segment, e);
    for (; rc == 0 && i <= last; i++) {
        rc = copy_segment(p, i, i == last, &o);
        if (rc) explain(p, i, rc, e);
    }
    if (rc == 0) rc = flush_output(p, &o);
    if (rc == 0 && p->changed) rc = sync_output(o.segment, e);
    p->size = o.segment->size;
    if (p->changed)
        p->bytes_after += p->size;
    else
        p->bytes_after += p->bytes_before - before;
    if (rc == 0 && p->changed) rc = bn_segment_rest(o.segment);
    bn_segment_free(o.segment);
    bn_str_fini(&o.bytes);
    p->next = p->first + p->grouped;
    if (rc || !p->changed) remove_cleaned(p);
    if (rc && e && !e->text[0])
        bn_err_set(e, rc, "cannot write segment %" PRId64 ".cleaned", p->segments[p->first].base);
    return rc;
}

/* ---- swapping ---- */

static int move(const struct bn_compact_pass *p, int64_t base, const char *from, const char *to, struct bn_err *e) {
    char *a = bn_alloc_printf("%s/%020" PRId64 "%s", p->place.dir, base, from);
    char *b = bn_alloc_printf("%s/%020" PRId64 "%s", p->place.dir, base, to);
    int rc = p->place.disk->rename(p->place.disk, a, b, e);
    bn_alloc_free(a);
    bn_alloc_free(b);
    return rc;
}

static int set_aside(const struct bn_compact_pass *p, uint32_t i, struct bn_err *e) {
    static const char *const old[][2] = {{".log", ".log.deleted"},
                                         {".index", ".index.deleted"},
                                         {".timeindex", ".timeindex.deleted"},
                                         {".txnindex", ".txnindex.deleted"},
                                         {".snapshot", ".snapshot.deleted"}};
    for (size_t k = 0; k < BN_ARRAY_LEN(old); k++) {
        /* Producers are as of the group's first offset what they were. */
        if (i == p->first && strcmp(old[k][0], ".snapshot") == 0) continue;
        int rc = move(p, p->segments[i].base, old[k][0], old[k][1], e);
        if (rc && rc != BN_NOTFOUND) return rc;
    }
    return 0;
}

/* One that an earlier cleaning left, called off, would tell the next opening that ours is not whole. */
static int remove_strays(const struct bn_compact_pass *p, struct bn_err *e) {
    const struct bn_disk *d = p->place.disk;
    struct bn_disk_entry *list = NULL;
    size_t n = 0, suffix = strlen(".cleaned");
    int rc = d->list(d, p->place.dir, &list, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        size_t len = strlen(list[i].name);
        if (len <= suffix || strcmp(list[i].name + len - suffix, ".cleaned") != 0) continue;
        char *path = bn_alloc_printf("%s/%s", p->place.dir, list[i].name);
        rc = d->unlink(d, path, e);
        bn_alloc_free(path);
    }
    bn_alloc_free(list);
    return rc;
}

int bn_compact_pass_swap(const struct bn_compact_pass *p, struct bn_err *e) {
    static const char *const steps[][3] = {{".timeindex.cleaned", ".timeindex.swap", ".timeindex"},
                                           {".index.cleaned", ".index.swap", ".index"},
                                           {".log.cleaned", ".log.swap", ".log"}};
    const struct bn_disk *d = p->place.disk;
    int64_t base = p->segments[p->first].base;
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < BN_ARRAY_LEN(steps); k++) rc = move(p, base, steps[k][0], steps[k][1], e);
    if (rc == 0) rc = remove_strays(p, e);
    if (rc == 0) rc = d->sync_dir(d, p->place.dir, e);
    for (uint32_t i = 0; rc == 0 && i < p->grouped; i++) rc = set_aside(p, p->first + i, e);
    if (rc == 0) rc = d->sync_dir(d, p->place.dir, e);
    for (size_t k = 0; rc == 0 && k < BN_ARRAY_LEN(steps); k++) rc = move(p, base, steps[k][1], steps[k][2], e);
    return rc ? rc : d->sync_dir(d, p->place.dir, e);
}

void bn_compact_pass_fini(struct bn_compact_pass *p) {
    bn_compact_map_fini(&p->map);
    bn_compact_sift_fini(&p->sift);
    bn_alloc_free(p->aborted);
    bn_alloc_free(p->producers);
    bn_alloc_free(p->segments);
    bn_alloc_free((char *)(uintptr_t)p->place.dir);
}
