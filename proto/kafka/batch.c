/* batch.c: record batches of format 2 (4-storage 4.3), looked at, checked, patched, walked and built.
 *
 * Everything that is read may be hostile: lengths are compared with what is there before they are used, a varint is
 * bounded, and what a compressed batch expands to is bounded by the caller. A batch is only walked after its checksum
 * was found good, which keeps accidents out but not malice: the walk trusts nothing either.
 */
#include "proto/kafka/batch.h"

#include "common/base/check.h"
#include "common/base/crc32c.h"

enum { LENGTH_MIN = BN_BATCH_HEADER - BN_BATCH_OVERHEAD, MAGIC = 2 };
/* Where the fields lie. */
enum {
    AT_LENGTH = 8,
    AT_LEADER_EPOCH = 12,
    AT_MAGIC = 16,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21,
    AT_LAST_OFFSET_DELTA = 23,
    AT_BASE_TIMESTAMP = 27,
    AT_MAX_TIMESTAMP = 35,
    AT_PRODUCER_ID = 43,
    AT_PRODUCER_EPOCH = 51,
    AT_BASE_SEQUENCE = 53,
    AT_RECORD_COUNT = 57,
};

int32_t bn_batch_last_sequence(const struct bn_batch *b) {
    if (b->base_sequence < 0) return -1;
    int64_t last = (int64_t)b->base_sequence + b->last_offset_delta;
    return (int32_t)(last > INT32_MAX ? last - INT32_MAX - 1 : last);
}

static void read_fields(const uint8_t *p, struct bn_batch *out) {
    out->leader_epoch = (int32_t)bn_get_u32(p + AT_LEADER_EPOCH);
    out->crc = bn_get_u32(p + AT_CRC);
    out->attributes = (int16_t)bn_get_u16(p + AT_ATTRIBUTES);
    out->last_offset_delta = (int32_t)bn_get_u32(p + AT_LAST_OFFSET_DELTA);
    out->base_timestamp = (int64_t)bn_get_u64(p + AT_BASE_TIMESTAMP);
    out->max_timestamp = (int64_t)bn_get_u64(p + AT_MAX_TIMESTAMP);
    out->producer_id = (int64_t)bn_get_u64(p + AT_PRODUCER_ID);
    out->producer_epoch = (int16_t)bn_get_u16(p + AT_PRODUCER_EPOCH);
    out->base_sequence = (int32_t)bn_get_u32(p + AT_BASE_SEQUENCE);
    out->record_count = (int32_t)bn_get_u32(p + AT_RECORD_COUNT);
}

int bn_batch_peek(struct bn_slice in, struct bn_batch *out) {
    *out = (struct bn_batch){.length = -1};
    if (in.len < BN_BATCH_OVERHEAD) return BN_AGAIN;
    out->base_offset = (int64_t)bn_get_u64(in.ptr);
    out->length = (int32_t)bn_get_u32(in.ptr + AT_LENGTH);
    if (in.len > AT_MAGIC) {
        out->magic = (int8_t)in.ptr[AT_MAGIC];
        if (out->magic != MAGIC) return BN_BAD;
    }
    if (out->length < LENGTH_MIN) return BN_BAD;
    if ((size_t)out->length > in.len - BN_BATCH_OVERHEAD) return BN_AGAIN;
    read_fields(in.ptr, out);
    out->bytes = bn_slice_of(in.ptr, (size_t)out->length + BN_BATCH_OVERHEAD);
    /* A compacted batch may hold fewer records than it has offsets, but never more; and the last offset must be one. */
    if (out->last_offset_delta < 0 || out->record_count < 0) return BN_BAD;
    if ((int64_t)out->record_count > (int64_t)out->last_offset_delta + 1) return BN_BAD;
    if (out->base_offset < 0 || out->base_offset > INT64_MAX - out->last_offset_delta - 1) return BN_BAD;
    return BN_OK;
}

static uint32_t checksum(const uint8_t *bytes, size_t len) {
    return bn_crc32c(0, bytes + BN_BATCH_CRC_FROM, len - BN_BATCH_CRC_FROM);
}

bool bn_batch_crc_ok(const struct bn_batch *b) { return checksum(b->bytes.ptr, b->bytes.len) == b->crc; }

void bn_batch_assign(uint8_t *bytes, int64_t base_offset, int32_t leader_epoch) {
    bn_put_u64(bytes, (uint64_t)base_offset);
    bn_put_u32(bytes + AT_LEADER_EPOCH, (uint32_t)leader_epoch);
}

void bn_batch_set_max_timestamp(uint8_t *bytes, int64_t max_timestamp_ms, bool append_time) {
    uint16_t attributes = bn_get_u16(bytes + AT_ATTRIBUTES);
    attributes = (uint16_t)(append_time ? attributes | BN_BATCH_APPEND_TIME : attributes & ~BN_BATCH_APPEND_TIME);
    bn_put_u16(bytes + AT_ATTRIBUTES, attributes);
    bn_put_u64(bytes + AT_MAX_TIMESTAMP, (uint64_t)max_timestamp_ms);
    size_t len = (size_t)bn_get_u32(bytes + AT_LENGTH) + BN_BATCH_OVERHEAD;
    bn_put_u32(bytes + AT_CRC, checksum(bytes, len));
}

/* ---- walking ---- */

int bn_batch_iter_init(struct bn_batch_iter *it, const struct bn_batch *b, size_t max_bytes) {
    *it = (struct bn_batch_iter){.batch = *b, .left = b->record_count};
    bn_str_init(&it->plain);
    struct bn_slice records = bn_slice_of(b->bytes.ptr + BN_BATCH_HEADER, b->bytes.len - BN_BATCH_HEADER);
    int rc = BN_OK;
    if (bn_batch_codec(b) != BN_CODEC_NONE && b->record_count > 0) {
        rc = bn_compress_expand(bn_batch_codec(b), records, max_bytes, false, &it->plain);
        records = bn_str_slice(&it->plain);
    }
    it->at = bn_cursor_of(records);
    return rc;
}

void bn_batch_iter_fini(struct bn_batch_iter *it) { bn_str_fini(&it->plain); }

/* A varint length, -1 for null, and the bytes. */
static struct bn_slice take_bytes(struct bn_cursor *c) {
    int32_t len = bn_cursor_varint(c);
    if (len == -1) return BN_SLICE_NULL;
    if (len < 0) c->bad = true;
    return c->bad ? BN_SLICE_NULL : bn_cursor_slice(c, (size_t)len);
}

int bn_batch_iter_next(struct bn_batch_iter *it, struct bn_record *out) {
    if (it->left == 0) return bn_cursor_left(&it->at) == 0 ? 0 : BN_BAD;
    int32_t len = bn_cursor_varint(&it->at);
    if (it->at.bad || len < 0) return BN_BAD;
    struct bn_slice body = bn_cursor_slice(&it->at, (size_t)len);
    if (it->at.bad) return BN_BAD;
    struct bn_cursor c = bn_cursor_of(body);
    (void)bn_cursor_i8(&c); /* attributes: none are defined */
    int64_t timestamp_delta = bn_cursor_varlong(&c);
    int32_t offset_delta = bn_cursor_varint(&c);
    out->key = take_bytes(&c);
    out->value = take_bytes(&c);
    out->header_count = bn_cursor_varint(&c);
    if (c.bad || offset_delta < 0 || offset_delta > it->batch.last_offset_delta || out->header_count < 0) return BN_BAD;
    /* The least header is two bytes: an empty name and a null value. */
    if ((size_t)out->header_count > bn_cursor_left(&c) / 2) return BN_BAD;
    out->headers = bn_slice_of(c.next, bn_cursor_left(&c));
    if (out->header_count == 0 && out->headers.len > 0) return BN_BAD;
    out->offset = it->batch.base_offset + offset_delta;
    bool append_time = (it->batch.attributes & BN_BATCH_APPEND_TIME) != 0;
    out->timestamp = append_time ? it->batch.max_timestamp
                                 : (int64_t)((uint64_t)it->batch.base_timestamp + (uint64_t)timestamp_delta);
    it->left--;
    return 1;
}

int bn_batch_next_header(struct bn_slice *headers, struct bn_slice *key, struct bn_slice *value) {
    struct bn_cursor c = bn_cursor_of(*headers);
    int32_t len = bn_cursor_varint(&c);
    if (len < 0) return BN_BAD; /* a header's name is never null */
    *key = bn_cursor_slice(&c, (size_t)len);
    *value = take_bytes(&c);
    if (c.bad) return BN_BAD;
    *headers = bn_slice_of(c.next, bn_cursor_left(&c));
    return BN_OK;
}

/* ---- building ---- */

static void empty(struct bn_batch_builder *w) {
    bn_str_clear(&w->records);
    w->base_timestamp = w->max_timestamp = -1;
    w->count = 0;
    w->last_offset_delta = -1;
}

void bn_batch_builder_init(struct bn_batch_builder *w) {
    *w = (struct bn_batch_builder){.producer_id = -1, .base_sequence = -1, .leader_epoch = -1, .producer_epoch = -1};
    bn_str_init(&w->records);
    empty(w);
}

void bn_batch_builder_fini(struct bn_batch_builder *w) { bn_str_fini(&w->records); }

static void add_bytes(struct bn_str *out, struct bn_slice s) {
    uint8_t head[5];
    size_t n = bn_put_varint(head, s.ptr ? (int32_t)s.len : -1);
    bn_str_add_slice(out, bn_slice_of(head, n));
    if (s.ptr && s.len > 0) bn_str_add_slice(out, s);
}

static size_t bytes_size(struct bn_slice s) {
    return bn_varint_size(s.ptr ? (int32_t)s.len : -1) + (s.ptr ? s.len : 0);
}

void bn_batch_builder_add(struct bn_batch_builder *w, int32_t offset_delta, int64_t timestamp_ms, struct bn_slice key,
                          struct bn_slice value, int32_t header_count, struct bn_slice headers) {
    BN_ASSERT(offset_delta > w->last_offset_delta);
    if (w->count == 0) w->base_timestamp = w->max_timestamp = timestamp_ms;
    if (timestamp_ms > w->max_timestamp) w->max_timestamp = timestamp_ms;
    int64_t delta = (int64_t)((uint64_t)timestamp_ms - (uint64_t)w->base_timestamp);
    size_t size = 1 + bn_varlong_size(delta) + bn_varint_size(offset_delta) + bytes_size(key) + bytes_size(value) +
                  bn_varint_size(header_count) + headers.len;
    BN_ASSERT(size <= INT32_MAX);
    uint8_t head[24];
    size_t n = bn_put_varint(head, (int32_t)size);
    head[n++] = 0; /* attributes */
    n += bn_put_varlong(head + n, delta);
    n += bn_put_varint(head + n, offset_delta);
    bn_str_add_slice(&w->records, bn_slice_of(head, n));
    add_bytes(&w->records, key);
    add_bytes(&w->records, value);
    n = bn_put_varint(head, header_count);
    bn_str_add_slice(&w->records, bn_slice_of(head, n));
    if (headers.len > 0) bn_str_add_slice(&w->records, headers);
    w->last_offset_delta = offset_delta;
    w->count++;
}

static void put_header(const struct bn_batch_builder *w, uint8_t *p, size_t len, int codec) {
    bn_batch_assign(p, w->base_offset, w->leader_epoch);
    bn_put_u32(p + AT_LENGTH, (uint32_t)(len - BN_BATCH_OVERHEAD));
    p[AT_MAGIC] = MAGIC;
    bn_put_u16(p + AT_ATTRIBUTES, (uint16_t)((w->attributes & ~BN_BATCH_CODEC_MASK) | codec));
    bn_put_u32(p + AT_LAST_OFFSET_DELTA, (uint32_t)w->last_offset_delta);
    bn_put_u64(p + AT_BASE_TIMESTAMP, (uint64_t)w->base_timestamp);
    bn_put_u64(p + AT_MAX_TIMESTAMP, (uint64_t)w->max_timestamp);
    bn_put_u64(p + AT_PRODUCER_ID, (uint64_t)w->producer_id);
    bn_put_u16(p + AT_PRODUCER_EPOCH, (uint16_t)w->producer_epoch);
    bn_put_u32(p + AT_BASE_SEQUENCE, (uint32_t)w->base_sequence);
    bn_put_u32(p + AT_RECORD_COUNT, (uint32_t)w->count);
    bn_put_u32(p + AT_CRC, checksum(p, len));
}

int bn_batch_builder_finish(struct bn_batch_builder *w, int codec, int level, struct bn_str *out) {
    static const uint8_t room[BN_BATCH_HEADER];
    size_t from = out->len;
    bn_str_add_slice(out, bn_slice_of(room, sizeof room));
    int rc = BN_OK;
    if (codec == BN_CODEC_NONE)
        bn_str_add_slice(out, bn_str_slice(&w->records));
    else
        rc = bn_compress_pack(codec, level, bn_str_slice(&w->records), false, out);
    if (rc == BN_OK)
        put_header(w, (uint8_t *)out->ptr + from, out->len - from, codec);
    else
        out->len = from;
    empty(w);
    return rc;
}
