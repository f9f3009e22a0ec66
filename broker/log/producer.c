/* producer.c: owns the per-producer state of one log: the last five batches of each id, by which a retry is recognised.
 * Invariant: the table is a fold over the batches of the log in order, so a snapshot and the batches behind it give the
 * same table again. Who rejects what follows Kafka 3.9: a sequence older than the window is out of order, an id that is
 * not known may start anywhere. Transactions' aborts and the last stable offset are not its business. */
#include "broker/log/producer.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/crc32c.h"
#include "proto/kafka/errors.h"

void bn_producer_init(struct bn_producer_table *t) { bn_map_init(&t->map); }

void bn_producer_clear(struct bn_producer_table *t) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&t->map, &at));) bn_alloc_free(e->value);
    bn_map_fini(&t->map);
    bn_map_init(&t->map);
}

void bn_producer_fini(struct bn_producer_table *t) { bn_producer_clear(t); }

struct bn_producer *bn_producer_get(const struct bn_producer_table *t, int64_t id) {
    uint64_t key = (uint64_t)id;
    return t->map.count ? bn_map_get(&t->map, bn_map_key_u64(&key)) : NULL;
}

static struct bn_producer *get_or_add(struct bn_producer_table *t, int64_t id) {
    struct bn_producer *p = bn_producer_get(t, id);
    if (p) return p;
    p = bn_alloc_zero(1, sizeof *p);
    p->id = (uint64_t)id;
    p->epoch = -1;
    p->coordinator_epoch = -1;
    p->txn_first_offset = -1;
    p->last_timestamp = -1;
    bn_map_put(&t->map, bn_map_key_u64(&p->id), p);
    return p;
}

static int32_t first_sequence(const struct bn_producer_batch *b) {
    int64_t first = (int64_t)b->last_sequence - b->offset_delta;
    return (int32_t)(first >= 0 ? first : first + INT32_MAX + INT64_C(1));
}

const struct bn_producer_batch *bn_producer_duplicate(const struct bn_producer *p, const struct bn_batch *b) {
    if (!p || p->epoch != b->producer_epoch) return NULL;
    int32_t last = bn_batch_last_sequence(b);
    for (int i = 0; i < p->count; i++) {
        const struct bn_producer_batch *old = &p->batches[i];
        if (old->last_sequence == last && first_sequence(old) == b->base_sequence) return old;
    }
    return NULL;
}

static bool refuse(struct bn_producer_verdict *v, int16_t error, const char *fmt, ...) BN_PRINTF(3, 4);
static bool refuse(struct bn_producer_verdict *v, int16_t error, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    v->error = error;
    vsnprintf(v->message, sizeof v->message, fmt, args);
    va_end(args);
    return false;
}

bool bn_producer_check(const struct bn_producer *p, const struct bn_batch *b, bool internal, const char *name,
                       struct bn_producer_verdict *v) {
    if (!p) return true; /* no state: any epoch and any sequence */
    if (b->producer_epoch < p->epoch)
        return refuse(v, KE_INVALID_PRODUCER_EPOCH,
                      "Epoch of producer %" PRId64 " at offset %" PRId64 " in %s is %d, which is smaller than the last "
                      "seen epoch %d",
                      b->producer_id, b->base_offset, name, b->producer_epoch, p->epoch);
    if (!internal && b->producer_epoch != p->epoch) {
        if (b->base_sequence != 0 && p->epoch != -1)
            return refuse(v, KE_OUT_OF_ORDER_SEQUENCE_NUMBER,
                          "Invalid sequence number for new epoch of producer %" PRId64 " at offset %" PRId64
                          " in partition %s: %d (request epoch), %d (seq. number), %d (current producer epoch)",
                          b->producer_id, b->base_offset, name, b->producer_epoch, b->base_sequence, p->epoch);
    } else if (!internal) {
        int32_t last = p->count ? p->batches[p->count - 1].last_sequence : -1;
        bool in_order = b->base_sequence == last + INT64_C(1) || (b->base_sequence == 0 && last == INT32_MAX);
        if (!in_order)
            return refuse(v, KE_OUT_OF_ORDER_SEQUENCE_NUMBER,
                          "Out of order sequence number for producer %" PRId64 " at offset %" PRId64
                          " in partition %s: %d (incoming seq. number), %d (current end sequence number)",
                          b->producer_id, b->base_offset, name, b->base_sequence, last);
    }
    if (p->txn_first_offset >= 0 && !(b->attributes & (BN_BATCH_TRANSACTIONAL | BN_BATCH_CONTROL)))
        return refuse(v, KE_INVALID_TXN_STATE,
                      "Expected transactional write from producer %" PRId64 " at offset %" PRId64 " in partition %s",
                      b->producer_id, b->base_offset, name);
    return true;
}

void bn_producer_note(struct bn_producer_table *t, const struct bn_batch *b) {
    struct bn_producer *p = get_or_add(t, b->producer_id);
    if (p->epoch != b->producer_epoch) {
        p->epoch = b->producer_epoch;
        p->count = 0;
    }
    if (p->count == BN_PRODUCER_BATCHES) {
        memmove(p->batches, p->batches + 1, (BN_PRODUCER_BATCHES - 1) * sizeof *p->batches);
        p->count--;
    }
    p->batches[p->count++] = (struct bn_producer_batch){
        .last_offset = bn_batch_last_offset(b),
        .timestamp = b->max_timestamp,
        .last_sequence = bn_batch_last_sequence(b),
        .offset_delta = b->last_offset_delta,
    };
    p->last_timestamp = b->max_timestamp;
    if ((b->attributes & BN_BATCH_TRANSACTIONAL) && p->txn_first_offset < 0) p->txn_first_offset = b->base_offset;
}

void bn_producer_note_marker(struct bn_producer_table *t, const struct bn_batch *b, struct bn_slice key,
                             struct bn_slice value) {
    enum { ABORT = 0, COMMIT = 1 };
    if (key.len < 4 || value.len < 6) return;
    int16_t type = (int16_t)bn_get_u16(key.ptr + 2);
    if (type != ABORT && type != COMMIT) return;
    struct bn_producer *p = get_or_add(t, b->producer_id);
    if (p->epoch != b->producer_epoch) {
        p->epoch = b->producer_epoch;
        p->count = 0;
    }
    p->coordinator_epoch = (int32_t)bn_get_u32(value.ptr + 2);
    p->txn_first_offset = -1;
    p->last_timestamp = b->max_timestamp;
}

void bn_producer_fold(struct bn_producer_table *t, const struct bn_batch *whole) {
    if (whole->producer_id < 0) return;
    if (!(whole->attributes & BN_BATCH_CONTROL)) {
        bn_producer_note(t, whole);
        return;
    }
    struct bn_batch_iter it;
    struct bn_record r;
    enum { MARKER_BYTES_MAX = 64 << 10 };
    if (bn_batch_iter_init(&it, whole, MARKER_BYTES_MAX) == 0 && bn_batch_iter_next(&it, &r) == 1)
        bn_producer_note_marker(t, whole, r.key, r.value);
    bn_batch_iter_fini(&it);
}

void bn_producer_expire(struct bn_producer_table *t, int64_t now_ms, int64_t expiration_ms) {
    /* The map must not change while it is walked: who goes is collected first. */
    uint64_t *gone = NULL;
    size_t count = 0, at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&t->map, &at));) {
        const struct bn_producer *p = e->value;
        if (p->txn_first_offset >= 0 || now_ms - p->last_timestamp < expiration_ms) continue;
        if (!gone) gone = bn_alloc_zero(t->map.count, sizeof *gone);
        gone[count++] = p->id;
    }
    for (size_t i = 0; i < count; i++) bn_alloc_free(bn_map_remove(&t->map, bn_map_key_u64(&gone[i])));
    bn_alloc_free(gone);
}

static void encode_one(const struct bn_producer *p, struct bn_str *out) {
    uint8_t b[BN_PRODUCER_ENTRY_BYTES];
    const struct bn_producer_batch *last = p->count ? &p->batches[p->count - 1] : NULL;
    bn_put_u64(b, p->id);
    bn_put_u16(b + 8, (uint16_t)p->epoch);
    bn_put_u32(b + 10, (uint32_t)(last ? last->last_sequence : -1));
    bn_put_u64(b + 14, (uint64_t)(last ? last->last_offset : -1));
    bn_put_u32(b + 22, (uint32_t)(last ? last->offset_delta : 0));
    bn_put_u64(b + 26, (uint64_t)p->last_timestamp);
    bn_put_u32(b + 34, (uint32_t)p->coordinator_epoch);
    bn_put_u64(b + 38, (uint64_t)p->txn_first_offset);
    bn_str_add_slice(out, bn_slice_of(b, sizeof b));
}

void bn_producer_encode(const struct bn_producer_table *t, struct bn_str *out) {
    size_t start = out->len, at = 0;
    uint8_t head[BN_PRODUCER_HEADER_BYTES] = {0, 1};
    bn_put_u32(head + 6, (uint32_t)t->map.count);
    bn_str_add_slice(out, bn_slice_of(head, sizeof head));
    for (struct bn_map_entry *e; (e = bn_map_next(&t->map, &at));) encode_one(e->value, out);
    uint8_t *bytes = (uint8_t *)out->ptr + start;
    bn_put_u32(bytes + 2, bn_crc32c(0, bytes + 6, out->len - start - 6));
}

int bn_producer_decode(struct bn_producer_table *t, struct bn_slice in) {
    bn_producer_clear(t);
    struct bn_cursor c = bn_cursor_of(in);
    int16_t version = bn_cursor_i16(&c);
    uint32_t crc = (uint32_t)bn_cursor_i32(&c);
    int32_t count = bn_cursor_i32(&c);
    if (c.bad || version != 1 || count < 0) return BN_BAD;
    if (bn_crc32c(0, in.ptr + 6, in.len - 6) != crc) return BN_BAD;
    if (bn_cursor_left(&c) != (size_t)count * BN_PRODUCER_ENTRY_BYTES) return BN_BAD;
    for (int32_t i = 0; i < count; i++) {
        int64_t id = bn_cursor_i64(&c);
        if (id < 0) { /* no batch of it can ever come */
            bn_cursor_take(&c, BN_PRODUCER_ENTRY_BYTES - 8);
            continue;
        }
        struct bn_producer *p = get_or_add(t, id);
        struct bn_producer_batch last;
        p->epoch = bn_cursor_i16(&c);
        last.last_sequence = bn_cursor_i32(&c);
        last.last_offset = bn_cursor_i64(&c);
        last.offset_delta = bn_cursor_i32(&c);
        last.timestamp = p->last_timestamp = bn_cursor_i64(&c);
        p->coordinator_epoch = bn_cursor_i32(&c);
        p->txn_first_offset = bn_cursor_i64(&c);
        p->count = last.last_offset >= 0;
        if (p->count) p->batches[0] = last;
    }
    return 0;
}
