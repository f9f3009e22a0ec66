/* dump_index.c: indices, held against their log; the states of producers; aborted transactions. All of them are small
 * enough to be read at once.
 */
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/crc32c.h"
#include "tools/dump.h"
#include "tools/jsonout.h"

enum { OFFSET_ENTRY = 8, TIME_ENTRY = 12, PRODUCER_ENTRY = 46, PRODUCER_HEAD = 10, ABORTED_ENTRY = 34 };
enum { FILE_MAX = 256 << 20 };

/* The whole file, at most 256 MiB. False after telling. */
static bool read_whole(const struct bn_dump *d, const char *path, struct bn_str *out) {
    struct bn_dump_file f;
    if (!bn_dump_open(d, path, &f)) return false;
    bn_str_init(out);
    FILE *file = fopen(path, "re");
    size_t len = f.size < FILE_MAX ? (size_t)f.size : FILE_MAX;
    if (file) out->len = fread(bn_str_reserve(out, len), 1, len, file);
    if (file) fclose(file);
    bn_dump_close(&f);
    return true;
}

static void json_pair(const char *path, const char *a, int64_t x, const char *b, int64_t y) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_text(&j, "file", bn_slice_str(path));
    bn_jsonout_number(&j, a, x);
    bn_jsonout_number(&j, b, y);
    bn_jsonout_print(&j);
}

/* The path with another ending. The caller frees it. */
static char *sibling(const char *path, const char *suffix) {
    const char *dot = strrchr(path, '.');
    return bn_alloc_printf("%.*s%s", (int)(dot - path), path, suffix);
}

static bool passed(const struct bn_dump *d, const char *path, const char *why) {
    fflush(stdout);
    if (why)
        fprintf(stderr, "%s: %s: %s\n", d->program, path, why);
    else
        printf("%s passed sanity check.\n", path);
    return !why;
}

static struct bn_slice entry_at(const struct bn_str *s, size_t i, size_t size) {
    return bn_slice_of(s->ptr + i * size, size);
}

static int64_t index_offset(const struct bn_str *s, size_t i, size_t size, int64_t base) {
    struct bn_slice e = entry_at(s, i, size);
    return base + (int32_t)bn_get_u32(e.ptr + (size == TIME_ENTRY ? 8 : 0));
}

/* What Kafka tests when it starts: whole entries, and a last one that is not before the segment. */
static const char *insane(const struct bn_str *s, size_t size, int64_t base) {
    size_t count = s->len / size;
    if (s->len % size != 0) return "its length is no multiple of an entry's";
    if (count > 0 && index_offset(s, count - 1, size, base) < base) return "its last offset is before its first";
    if (count > 1 && size == TIME_ENTRY &&
        (int64_t)bn_get_u64(entry_at(s, count - 1, size).ptr) < (int64_t)bn_get_u64(entry_at(s, 0, size).ptr))
        return "its last timestamp is before its first";
    return NULL;
}

bool bn_dump_offset_index(struct bn_dump *d, const char *path) {
    struct bn_str s, wrong;
    struct bn_dump_file log;
    struct bn_batch b;
    int64_t base = bn_dump_base_offset(path);
    if (!read_whole(d, path, &s)) return false;
    char *log_path = sibling(path, ".log");
    bool ok = s.len > 0 && !d->sanity_only && bn_dump_open(d, log_path, &log);
    if (s.len < OFFSET_ENTRY && !d->json) printf("%s is empty.\n", path);
    if (d->sanity_only && s.len >= OFFSET_ENTRY && !passed(d, path, insane(&s, OFFSET_ENTRY, base))) d->problems++;
    bn_str_init(&wrong);
    for (size_t i = 0; ok && i < s.len / OFFSET_ENTRY; i++) {
        int64_t offset = index_offset(&s, i, OFFSET_ENTRY, base);
        log.position = (int32_t)bn_get_u32(entry_at(&s, i, OFFSET_ENTRY).ptr + 4);
        int64_t position = log.position;
        if (offset == base && i > 0) break; /* room that was set aside, not entries */
        int64_t found = bn_dump_next(&log, &b) == 1 ? bn_batch_last_offset(&b) : -1;
        if (found != offset)
            bn_str_addf(&wrong, "  Index offset: %" PRId64 ", log offset: %" PRId64 "\n", offset, found);
        if (d->verify_only) continue;
        if (d->json)
            json_pair(path, "offset", offset, "position", position);
        else
            printf("offset: %" PRId64 " position: %" PRId64 "\n", offset, position);
    }
    fflush(stdout);
    if (wrong.len > 0) fprintf(stderr, "Mismatches in :%s\n%s", path, wrong.ptr), d->problems++;
    if (ok) bn_dump_close(&log);
    ok = ok || s.len == 0 || d->sanity_only;
    bn_alloc_free(log_path);
    bn_str_fini(&wrong);
    bn_str_fini(&s);
    return ok;
}

struct time_problems {
    struct bn_str mismatches, order, missing;
};

/* One entry of a time index against the batch that holds its offset: the greatest timestamp up to there. */
static void check_time(struct time_problems *p, struct bn_dump_file *log, int64_t offset, int64_t timestamp) {
    struct bn_batch b = {.base_offset = -1};
    bool found = false;
    while (!found && bn_dump_next(log, &b) == 1) found = bn_batch_last_offset(&b) >= offset;
    if (!found || b.base_offset > offset) {
        bn_str_addf(&p->missing, "Indexed offset: %" PRId64 ", found log offset: %" PRId64 "\n", offset,
                    found ? b.base_offset : -1);
        log->position = 0;
        return;
    }
    log->position -= (int64_t)b.bytes.len; /* the next entry may be in the same batch */
    if (b.max_timestamp != timestamp)
        bn_str_addf(&p->mismatches, "  Index timestamp: %" PRId64 ", log timestamp: %" PRId64 "\n", timestamp,
                    b.max_timestamp);
}

static void tell_times(struct bn_dump *d, const char *path, struct time_problems *p) {
    fflush(stdout);
    if (p->mismatches.len > 0) fprintf(stderr, "Found timestamp mismatch in :%s\n%s", path, p->mismatches.ptr);
    if (p->order.len > 0) fprintf(stderr, "Found out of order timestamp in :%s\n%s", path, p->order.ptr);
    if (p->missing.len > 0)
        fprintf(stderr, "The following indexed offsets are not found in the log.\n%s", p->missing.ptr);
    d->problems += p->mismatches.len + p->order.len + p->missing.len > 0;
    bn_str_fini(&p->mismatches);
    bn_str_fini(&p->order);
    bn_str_fini(&p->missing);
}

bool bn_dump_time_index(struct bn_dump *d, const char *path) {
    struct bn_str s;
    struct bn_dump_file log;
    struct time_problems p;
    int64_t base = bn_dump_base_offset(path), before = -1;
    if (!read_whole(d, path, &s)) return false;
    char *log_path = sibling(path, ".log");
    bool ok = s.len > 0 && !d->sanity_only && bn_dump_open(d, log_path, &log);
    if (d->sanity_only && !passed(d, path, insane(&s, TIME_ENTRY, base))) d->problems++;
    bn_str_init(&p.mismatches);
    bn_str_init(&p.order);
    bn_str_init(&p.missing);
    for (size_t i = 0; ok && i < s.len / TIME_ENTRY; i++) {
        int64_t offset = index_offset(&s, i, TIME_ENTRY, base);
        int64_t timestamp = (int64_t)bn_get_u64(entry_at(&s, i, TIME_ENTRY).ptr);
        if (offset == base && i > 0) break;
        check_time(&p, &log, offset, timestamp);
        if (before >= timestamp)
            bn_str_addf(&p.order, "  Index timestamp: %" PRId64 ", Previously indexed timestamp: %" PRId64 "\n",
                        timestamp, before);
        before = timestamp;
        if (d->verify_only) continue;
        if (d->json)
            json_pair(path, "timestamp", timestamp, "offset", offset);
        else
            printf("timestamp: %" PRId64 " offset: %" PRId64 "\n", timestamp, offset);
    }
    tell_times(d, path, &p);
    if (ok) bn_dump_close(&log);
    ok = ok || s.len == 0 || d->sanity_only;
    bn_alloc_free(log_path);
    bn_str_fini(&s);
    return ok;
}

/* ---- states of producers ---- */

struct producer {
    int64_t id, last_offset, timestamp, open_from;
    int32_t last_sequence, delta, coordinator_epoch;
    int16_t epoch;
};

static void print_producer(const struct bn_dump *d, const char *path, const struct producer *p) {
    int32_t first = p->last_sequence >= p->delta ? p->last_sequence - p->delta
                                                 : INT32_MAX - (p->delta - p->last_sequence) + 1;
    if (d->json) {
        struct bn_jsonout j;
        bn_jsonout_init(&j);
        bn_jsonout_text(&j, "file", bn_slice_str(path));
        bn_jsonout_number(&j, "producerId", p->id);
        bn_jsonout_number(&j, "producerEpoch", p->epoch);
        bn_jsonout_number(&j, "coordinatorEpoch", p->coordinator_epoch);
        bn_jsonout_number(&j, "currentTxnFirstOffset", p->open_from);
        bn_jsonout_number(&j, "lastSequence", p->last_sequence);
        bn_jsonout_number(&j, "lastOffset", p->last_offset);
        bn_jsonout_number(&j, "offsetDelta", p->delta);
        bn_jsonout_number(&j, "timestamp", p->timestamp);
        bn_jsonout_print(&j);
        return;
    }
    char open_from[48] = "OptionalLong.empty";
    if (p->open_from >= 0) (void)snprintf(open_from, sizeof open_from, "OptionalLong[%" PRId64 "]", p->open_from);
    printf("producerId: %" PRId64
           " producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: %s lastTimestamp: %" PRId64 " ",
           p->id, p->epoch, p->coordinator_epoch, open_from, p->timestamp);
    if (p->last_offset >= 0)
        printf("firstSequence: %d lastSequence: %d lastOffset: %" PRId64 " offsetDelta: %d timestamp: %" PRId64, first,
               p->last_sequence, p->last_offset, p->delta, p->timestamp);
    putchar('\n');
}

bool bn_dump_producers(struct bn_dump *d, const char *path) {
    struct bn_str s;
    if (!read_whole(d, path, &s)) return false;
    struct bn_cursor c = bn_cursor_of(bn_str_slice(&s));
    int16_t version = bn_cursor_i16(&c);
    uint32_t crc = (uint32_t)bn_cursor_i32(&c);
    int32_t count = bn_cursor_i32(&c);
    const char *why = NULL;
    if (c.bad || version != 1)
        why = "it is no producer snapshot of version 1";
    else if (crc != bn_crc32c(0, s.ptr + 6, s.len - 6))
        why = "its checksum is wrong";
    else if (count < 0 || bn_cursor_left(&c) != (size_t)count * PRODUCER_ENTRY)
        why = "its length does not fit its count";
    for (int32_t i = 0; !why && i < count; i++) {
        struct producer p;
        p.id = bn_cursor_i64(&c);
        p.epoch = bn_cursor_i16(&c);
        p.last_sequence = bn_cursor_i32(&c);
        p.last_offset = bn_cursor_i64(&c);
        p.delta = bn_cursor_i32(&c);
        p.timestamp = bn_cursor_i64(&c);
        p.coordinator_epoch = bn_cursor_i32(&c);
        p.open_from = bn_cursor_i64(&c);
        print_producer(d, path, &p);
    }
    fflush(stdout);
    if (why) fprintf(stderr, "%s: %s: %s\n", d->program, path, why);
    bn_str_fini(&s);
    return !why;
}

bool bn_dump_aborted(struct bn_dump *d, const char *path) {
    struct bn_str s;
    if (!read_whole(d, path, &s)) return false;
    for (size_t i = 0; i < s.len / ABORTED_ENTRY; i++) {
        struct bn_cursor c = bn_cursor_of(entry_at(&s, i, ABORTED_ENTRY));
        int16_t version = bn_cursor_i16(&c);
        int64_t id = bn_cursor_i64(&c), first = bn_cursor_i64(&c), last = bn_cursor_i64(&c), stable = bn_cursor_i64(&c);
        if (d->json)
            json_pair(path, "producerId", id, "firstOffset", first);
        else
            printf("version: %d producerId: %" PRId64 " firstOffset: %" PRId64 " lastOffset: %" PRId64
                   " lastStableOffset: %" PRId64 "\n",
                   version, id, first, last, stable);
    }
    bn_str_fini(&s);
    return true;
}
