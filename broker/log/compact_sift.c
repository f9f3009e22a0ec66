/* compact_sift.c: what a cleaning leaves of a batch. Pure: bytes in, bytes out. Rules of Kafka's LogCleaner for format
 * 2: a record stays when no later one has its key; a tombstone stays so, too, until its batch's delete horizon, which
 * the first cleaning that finds it writes into the header; data of aborted transactions goes; a marker goes when a
 * whole pass has found nothing of its transaction and its horizon is over; the last batch of a producer that is still
 * remembered stays as a header. Offsets, sequences and epochs never change. A batch that can't be expanded, though its
 * checksum holds, stays as it is: to keep too much is no harm.
 *
 * It does not know of files, nor which batches must stay for their places' sake. */
#include "broker/log/compact_sift.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

void bn_compact_sift_init(struct bn_compact_sift *s) {
    *s = (struct bn_compact_sift){.codec = -1};
    bn_map_init(&s->open);
}

static void forget(struct bn_compact_sift *s, int64_t producer_id) {
    uint64_t key = (uint64_t)producer_id;
    bn_alloc_free(bn_map_remove(&s->open, bn_map_key_u64(&key)));
}

static bool is_open(const struct bn_compact_sift *s, int64_t producer_id) {
    uint64_t key = (uint64_t)producer_id;
    return s->open.count && bn_map_get(&s->open, bn_map_key_u64(&key));
}

static void note_open(struct bn_compact_sift *s, int64_t producer_id) {
    if (is_open(s, producer_id)) return;
    uint64_t *key = bn_alloc(sizeof *key);
    *key = (uint64_t)producer_id;
    bn_map_put(&s->open, bn_map_key_u64(key), key);
}

void bn_compact_sift_fini(struct bn_compact_sift *s) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&s->open, &at));) bn_alloc_free(e->value);
    bn_map_fini(&s->open);
    bn_alloc_free(s->records);
    s->records = NULL;
}

/* ---- of a batch as a whole ---- */

bool bn_compact_sift_aborted(const struct bn_compact_sift *s, const struct bn_batch *b) {
    if (!(b->attributes & BN_BATCH_TRANSACTIONAL) || (b->attributes & BN_BATCH_CONTROL)) return false;
    size_t low = 0, high = s->aborted_count; /* the answer is low - 1 */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct bn_compact_aborted *a = &s->aborted[mid];
        bool before = a->producer_id < b->producer_id ||
                      (a->producer_id == b->producer_id && a->first <= b->base_offset);
        if (before)
            low = mid + 1;
        else
            high = mid;
    }
    const struct bn_compact_aborted *a = low ? &s->aborted[low - 1] : NULL;
    return a && a->producer_id == b->producer_id && b->base_offset <= a->marker;
}

/* It holds the last sequence, or the last epoch, of a producer that may come again. */
static bool is_last_of_producer(const struct bn_compact_sift *s, const struct bn_batch *b) {
    if (b->producer_id < 0) return false;
    size_t low = 0, high = s->producer_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->producers[mid].id < b->producer_id)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == s->producer_count || s->producers[low].id != b->producer_id) return false;
    const struct bn_compact_producer *p = &s->producers[low];
    if (p->last_offset >= 0) return bn_batch_last_offset(b) == p->last_offset;
    return (b->attributes & BN_BATCH_CONTROL) && b->producer_epoch == p->epoch;
}

static bool horizon_over(const struct bn_compact_sift *s, const struct bn_batch *b) {
    return (b->attributes & BN_BATCH_DELETE_HORIZON) && s->now_ms >= b->base_timestamp;
}

struct verdict {
    bool discard;      /* no record stays */
    bool empty_marker; /* a marker of a transaction without data */
};

static struct verdict judge(struct bn_compact_sift *s, const struct bn_batch *b) {
    struct verdict v = {false, false};
    if (b->attributes & BN_BATCH_CONTROL) {
        v.empty_marker = b->producer_id >= 0 && !is_open(s, b->producer_id);
        v.discard = v.empty_marker && horizon_over(s, b);
        if (b->producer_id >= 0) forget(s, b->producer_id);
    } else if (b->attributes & BN_BATCH_TRANSACTIONAL) {
        note_open(s, b->producer_id);
        v.discard = bn_compact_sift_aborted(s, b);
    }
    return v;
}

/* ---- of its records ---- */

static bool stays(struct bn_compact_sift *s, const struct bn_batch *b, const struct bn_record *r) {
    if (r->offset >= s->end) return true;
    if (bn_slice_is_null(r->key)) {
        s->keyless++;
        return false;
    }
    if (r->offset < bn_compact_map_get(s->map, r->key)) return false;
    return !bn_slice_is_null(r->value) || !horizon_over(s, b);
}

static void keep_record(struct bn_compact_sift *s, size_t at, const struct bn_record *r) {
    if (at == s->record_capacity) {
        s->record_capacity = s->record_capacity ? s->record_capacity * 2 : 64;
        s->records = bn_alloc_resize(s->records, s->record_capacity * sizeof *s->records);
    }
    s->records[at] = *r;
}

static int level_of(const struct bn_compact_sift *s, int codec) {
    if (codec == s->codec) return s->level;
    return codec == BN_CODEC_GZIP ? -1 : codec == BN_CODEC_ZSTD ? 3 : 1;
}

/* The batch again, with the first count of s->records; none: a header. */
static void rebuild(struct bn_compact_sift *s, const struct bn_batch *b, size_t count, int64_t horizon,
                    struct bn_str *out) {
    struct bn_batch_builder w;
    bn_batch_builder_init(&w);
    w.attributes = b->attributes & (BN_BATCH_APPEND_TIME | BN_BATCH_TRANSACTIONAL | BN_BATCH_CONTROL);
    if (count > 0 && horizon >= 0) {
        w.attributes |= BN_BATCH_DELETE_HORIZON;
        w.base_timestamp = horizon;
    }
    w.base_offset = b->base_offset;
    w.leader_epoch = b->leader_epoch;
    w.producer_id = b->producer_id;
    w.producer_epoch = b->producer_epoch;
    w.base_sequence = b->base_sequence;
    for (size_t i = 0; i < count; i++) {
        const struct bn_record *r = &s->records[i];
        bn_batch_builder_add(&w, (int32_t)(r->offset - b->base_offset), r->timestamp, r->key, r->value, r->header_count,
                             r->headers);
    }
    w.last_offset_delta = b->last_offset_delta;
    if (count == 0 || (b->attributes & BN_BATCH_APPEND_TIME)) w.max_timestamp = b->max_timestamp;
    int codec = bn_batch_codec(b);
    int rc = bn_batch_builder_finish(&w, codec, level_of(s, codec), out);
    BN_ASSERT(rc == 0); /* it was expanded: the codec is known */
    bn_batch_builder_fini(&w);
}

struct count {
    size_t all, kept;
    bool tombstones;
};

/* Collects what stays in s->records, whose bytes are b's or the iterator's. */
static int collect(struct bn_compact_sift *s, const struct bn_batch *b, struct bn_batch_iter *it, bool discard,
                   struct count *n) {
    struct bn_record r;
    int64_t last = -1;
    int rc = bn_batch_iter_init(it, b, BN_COMPACT_SIFT_EXPAND_MAX);
    while (rc == 0 && (rc = bn_batch_iter_next(it, &r)) == 1) {
        rc = r.offset > last ? 0 : BN_BAD; /* what is written again must ascend */
        last = r.offset;
        n->all++;
        bool control = b->attributes & BN_BATCH_CONTROL;
        if (discard || (!control && !stays(s, b, &r))) continue;
        if (!control && bn_slice_is_null(r.value) && r.offset < s->end) n->tombstones = true;
        keep_record(s, n->kept++, &r);
    }
    return rc;
}

void bn_compact_sift_batch(struct bn_compact_sift *s, const struct bn_batch *b, bool must_stay, struct bn_str *out) {
    struct verdict v = judge(s, b);
    struct count n = {0, 0, false};
    struct bn_batch_iter it;
    must_stay |= is_last_of_producer(s, b) || b->base_offset >= s->end;
    if (b->base_offset >= s->end) {
        s->records_read += (uint64_t)b->record_count;
        s->records_kept += (uint64_t)b->record_count;
        bn_str_add_slice(out, b->bytes);
        return;
    }
    int rc = collect(s, b, &it, v.discard, &n);
    bool has = b->attributes & BN_BATCH_DELETE_HORIZON;
    bool stamp = !has && n.kept > 0 && (n.tombstones || v.empty_marker);
    if (rc != 0) {
        s->unreadable++;
        n.all = n.kept = (size_t)b->record_count;
        bn_str_add_slice(out, b->bytes);
    } else if (n.kept == n.all && !stamp && (n.all > 0 || must_stay)) {
        bn_str_add_slice(out, b->bytes);
    } else if (n.kept > 0 || must_stay) {
        int64_t horizon = has ? b->base_timestamp : stamp ? s->now_ms + s->delete_retention_ms : -1;
        rebuild(s, b, n.kept, horizon, out);
    }
    s->records_read += n.all;
    s->records_kept += n.kept;
    bn_batch_iter_fini(&it);
}
