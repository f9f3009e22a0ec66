/* batch.c: record batches of format v2.
 *
 * A batch is looked at through its 61-byte header, which bn_batch_peek takes from hostile bytes; only then are its
 * bytes walked. What the header claims is held against the bytes that are there before anything is allocated. Records
 * are borrowed from the batch, or from the iterator's own expanded copy when it was compressed. Time and offset
 * arithmetic wraps, as Java's does, so that no header can make it undefined.
 *
 * This file does not judge a batch: whether a client may write it (sequence, control bit, offsets from 0, codec) is the
 * log's and the API's to say. */
#include "proto/kafka/batch.h"

#include "common/base/check.h"
#include "common/base/crc32c.h"

enum { /* where the fields are */
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
enum {
    MAGIC = 2,
    LENGTH_MIN = BN_BATCH_HEADER - BN_BATCH_OVERHEAD,
    LEGACY_LENGTH_MIN = 14, /* the shortest message of magic 0 */
    RECORD_SIZE_MIN = 7,    /* length, attributes, two deltas, two null lengths, header count: a byte each */
    HEADER_SIZE_MIN = 2,
    VARINT_MAX = 5,
};

static int32_t get_i32(const uint8_t *p) { return (int32_t)bn_get_u32(p); }
static int64_t get_i64(const uint8_t *p) { return (int64_t)bn_get_u64(p); }
static int64_t add_wrapping(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t subtract_wrapping(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }

int32_t bn_batch_last_sequence(const struct bn_batch *b) {
    if (b->base_sequence < 0) return b->base_sequence;
    return (int32_t)(((uint32_t)b->base_sequence + (uint32_t)b->last_offset_delta) & INT32_MAX);
}

static void read_header(const uint8_t *p, struct bn_batch *out) {
    out->base_offset = get_i64(p);
    out->leader_epoch = get_i32(p + AT_LEADER_EPOCH);
    out->crc = bn_get_u32(p + AT_CRC);
    out->attributes = (int16_t)bn_get_u16(p + AT_ATTRIBUTES);
    out->last_offset_delta = get_i32(p + AT_LAST_OFFSET_DELTA);
    out->base_timestamp = get_i64(p + AT_BASE_TIMESTAMP);
    out->max_timestamp = get_i64(p + AT_MAX_TIMESTAMP);
    out->producer_id = get_i64(p + AT_PRODUCER_ID);
    out->producer_epoch = (int16_t)bn_get_u16(p + AT_PRODUCER_EPOCH);
    out->base_sequence = get_i32(p + AT_BASE_SEQUENCE);
    out->record_count = get_i32(p + AT_RECORD_COUNT);
}

/* Offsets stay within 63 bits, and so many records can be there: after compaction fewer than offsets, even none. */
static bool counts_possible(const struct bn_batch *b) {
    if (b->base_offset < 0 || b->last_offset_delta < 0 || b->record_count < 0) return false;
    if (b->base_offset > INT64_MAX - 1 - b->last_offset_delta) return false;
    if (b->record_count > (int64_t)b->last_offset_delta + 1) return false;
    if (bn_batch_codec(b) != BN_CODEC_NONE) return true; /* only expansion tells */
    return b->record_count <= (b->length - LENGTH_MIN) / RECORD_SIZE_MIN;
}

int bn_batch_peek(struct bn_slice in, struct bn_batch *out) {
    *out = (struct bn_batch){.magic = -1};
    if (in.len < BN_BATCH_OVERHEAD) return BN_AGAIN;
    out->length = get_i32(in.ptr + AT_LENGTH);
    if (out->length < LEGACY_LENGTH_MIN) return BN_BAD;
    if (in.len <= AT_MAGIC) return BN_AGAIN;
    out->magic = (int8_t)in.ptr[AT_MAGIC]; /* every format has it here */
    if (out->magic != MAGIC || out->length < LENGTH_MIN) return BN_BAD;
    if (in.len < BN_BATCH_HEADER) return BN_AGAIN;
    read_header(in.ptr, out);
    if (!counts_possible(out)) return BN_BAD;
    size_t size = (size_t)out->length + BN_BATCH_OVERHEAD;
    if (in.len < size) return BN_AGAIN;
    out->bytes = bn_slice_of(in.ptr, size);
    return 0;
}

static uint32_t checksum(const uint8_t *bytes, size_t size) {
    return bn_crc32c(0, bytes + BN_BATCH_CRC_FROM, size - BN_BATCH_CRC_FROM);
}

bool bn_batch_crc_ok(const struct bn_batch *b) { return checksum(b->bytes.ptr, b->bytes.len) == b->crc; }

void bn_batch_assign(uint8_t *bytes, int64_t base_offset, int32_t leader_epoch) {
    bn_put_u64(bytes, (uint64_t)base_offset);
    bn_put_u32(bytes + AT_LEADER_EPOCH, (uint32_t)leader_epoch);
}

void bn_batch_set_max_timestamp(uint8_t *bytes, int64_t max_timestamp_ms, bool append_time) {
    int32_t length = get_i32(bytes + AT_LENGTH);
    BN_ASSERT(length >= LENGTH_MIN);
    if (append_time) bytes[AT_ATTRIBUTES + 1] |= BN_BATCH_APPEND_TIME;
    bn_put_u64(bytes + AT_MAX_TIMESTAMP, (uint64_t)max_timestamp_ms);
    bn_put_u32(bytes + AT_CRC, checksum(bytes, (size_t)length + BN_BATCH_OVERHEAD));
}

int bn_batch_iter_init(struct bn_batch_iter *it, const struct bn_batch *b, size_t max_bytes) {
    it->batch = *b;
    it->left = b->record_count;
    bn_str_init(&it->plain);
    struct bn_slice records = bn_slice_of(b->bytes.ptr + BN_BATCH_HEADER, b->bytes.len - BN_BATCH_HEADER);
    it->at = bn_cursor_of(records);
    /* A batch that compaction emptied keeps its attributes but has no stream. */
    if (bn_batch_codec(b) == BN_CODEC_NONE || (b->record_count == 0 && records.len == 0)) return 0;
    int status = bn_compress_expand(bn_batch_codec(b), records, max_bytes, false, &it->plain);
    it->at = bn_cursor_of(status ? BN_SLICE_NULL : bn_str_slice(&it->plain));
    if (status) it->left = 0;
    return status;
}

void bn_batch_iter_fini(struct bn_batch_iter *it) { bn_str_fini(&it->plain); }

/* A length and that many bytes; -1 is null. */
static struct bn_slice read_bytes(struct bn_cursor *c) {
    int32_t len = bn_cursor_varint(c);
    if (len == -1) return BN_SLICE_NULL;
    if (len < 0) c->bad = true;
    return bn_cursor_slice(c, (size_t)len);
}

static void read_header_pair(struct bn_cursor *c, struct bn_slice *key, struct bn_slice *value) {
    *key = read_bytes(c);
    if (bn_slice_is_null(*key)) c->bad = true; /* a header's key is never null */
    *value = read_bytes(c);
}

/* The rest of the record: as many headers as announced, and nothing else. */
static void read_headers(struct bn_cursor *c, struct bn_record *out) {
    out->header_count = bn_cursor_varint(c);
    size_t left = bn_cursor_left(c);
    if (out->header_count < 0 || (size_t)out->header_count > left / HEADER_SIZE_MIN) c->bad = true;
    out->headers = bn_slice_of(c->next, left);
    for (int32_t i = 0; i < out->header_count && !c->bad; i++) {
        struct bn_slice key, value;
        read_header_pair(c, &key, &value);
    }
    if (bn_cursor_left(c) > 0) c->bad = true;
}

int bn_batch_iter_next(struct bn_batch_iter *it, struct bn_record *out) {
    if (it->left == 0) return bn_cursor_left(&it->at) > 0 ? BN_BAD : 0;
    const struct bn_batch *b = &it->batch;
    int32_t len = bn_cursor_varint(&it->at);
    if (len < 0) it->at.bad = true;
    struct bn_cursor c = bn_cursor_of(bn_cursor_slice(&it->at, (size_t)len));
    if (it->at.bad) return BN_BAD;
    bn_cursor_i8(&c); /* attributes: none are defined */
    int64_t timestamp = add_wrapping(b->base_timestamp, bn_cursor_varlong(&c));
    out->timestamp = b->attributes & BN_BATCH_APPEND_TIME ? b->max_timestamp : timestamp;
    int32_t delta = bn_cursor_varint(&c);
    if (delta < 0 || delta > b->last_offset_delta) c.bad = true;
    out->offset = b->base_offset + delta;
    out->key = read_bytes(&c);
    out->value = read_bytes(&c);
    read_headers(&c, out);
    if (c.bad) {
        it->at.bad = true; /* and it stays so */
        return BN_BAD;
    }
    it->left--;
    return 1;
}

int bn_batch_next_header(struct bn_slice *headers, struct bn_slice *key, struct bn_slice *value) {
    struct bn_cursor c = bn_cursor_of(*headers);
    read_header_pair(&c, key, value);
    if (c.bad) return BN_BAD;
    *headers = bn_slice_of(c.next, bn_cursor_left(&c));
    return 0;
}

static void forget_records(struct bn_batch_builder *w) {
    bn_str_clear(&w->records);
    w->count = 0;
    w->last_offset_delta = 0;
    w->base_timestamp = w->max_timestamp = -1;
}

void bn_batch_builder_init(struct bn_batch_builder *w) {
    *w = (struct bn_batch_builder){.producer_id = -1, .producer_epoch = -1, .base_sequence = -1, .leader_epoch = -1};
    bn_str_init(&w->records);
    forget_records(w);
}

void bn_batch_builder_fini(struct bn_batch_builder *w) { bn_str_fini(&w->records); }

static size_t bytes_size(struct bn_slice s) {
    return bn_slice_is_null(s) ? bn_varint_size(-1) : bn_varint_size((int32_t)s.len) + s.len;
}

static uint8_t *put_bytes(uint8_t *p, struct bn_slice s) {
    p += bn_put_varint(p, bn_slice_is_null(s) ? -1 : (int32_t)s.len);
    if (s.len) memcpy(p, s.ptr, s.len);
    return p + s.len;
}

void bn_batch_builder_add(struct bn_batch_builder *w, int32_t offset_delta, int64_t timestamp_ms, struct bn_slice key,
                          struct bn_slice value, int32_t header_count, struct bn_slice headers) {
    BN_ASSERT(offset_delta >= 0 && (w->count == 0 || offset_delta > w->last_offset_delta));
    BN_ASSERT(header_count >= 0);
    BN_ASSERT(key.len < INT32_MAX / 4 && value.len < INT32_MAX / 4 && headers.len < INT32_MAX / 4);
    if (w->count == 0 && !(w->attributes & BN_BATCH_DELETE_HORIZON)) w->base_timestamp = timestamp_ms;
    int64_t timestamp_delta = subtract_wrapping(timestamp_ms, w->base_timestamp);
    size_t size = 1 + bn_varlong_size(timestamp_delta) + bn_varint_size(offset_delta) + bytes_size(key) +
                  bytes_size(value) + bn_varint_size(header_count) + headers.len;
    uint8_t *start = (uint8_t *)bn_str_reserve(&w->records, size + VARINT_MAX), *p = start;
    p += bn_put_varint(p, (int32_t)size);
    *p++ = 0; /* attributes */
    p += bn_put_varlong(p, timestamp_delta);
    p += bn_put_varint(p, offset_delta);
    p = put_bytes(p, key);
    p = put_bytes(p, value);
    p += bn_put_varint(p, header_count);
    if (headers.len) memcpy(p, headers.ptr, headers.len);
    p += headers.len;
    w->records.len += (size_t)(p - start);
    w->max_timestamp = w->count == 0 ? timestamp_ms : bn_max_i64(w->max_timestamp, timestamp_ms);
    w->last_offset_delta = offset_delta;
    w->count++;
}

static void write_header(uint8_t *p, const struct bn_batch_builder *w, int codec, size_t size) {
    bn_put_u64(p, (uint64_t)w->base_offset);
    bn_put_u32(p + AT_LENGTH, (uint32_t)(size - BN_BATCH_OVERHEAD));
    bn_put_u32(p + AT_LEADER_EPOCH, (uint32_t)w->leader_epoch);
    p[AT_MAGIC] = MAGIC;
    bn_put_u16(p + AT_ATTRIBUTES, (uint16_t)((w->attributes & ~BN_BATCH_CODEC_MASK) | codec));
    bn_put_u32(p + AT_LAST_OFFSET_DELTA, (uint32_t)w->last_offset_delta);
    bn_put_u64(p + AT_BASE_TIMESTAMP, (uint64_t)w->base_timestamp);
    bn_put_u64(p + AT_MAX_TIMESTAMP, (uint64_t)w->max_timestamp);
    bn_put_u64(p + AT_PRODUCER_ID, (uint64_t)w->producer_id);
    bn_put_u16(p + AT_PRODUCER_EPOCH, (uint16_t)w->producer_epoch);
    bn_put_u32(p + AT_BASE_SEQUENCE, (uint32_t)w->base_sequence);
    bn_put_u32(p + AT_RECORD_COUNT, (uint32_t)w->count);
    bn_put_u32(p + AT_CRC, checksum(p, size));
}

int bn_batch_builder_finish(struct bn_batch_builder *w, int codec, int level, struct bn_str *out) {
    if (!bn_compress_name(codec)) return BN_BAD;
    if (w->count == 0) codec = BN_CODEC_NONE; /* as Kafka writes a batch without records */
    size_t from = out->len;
    bn_str_reserve(out, BN_BATCH_HEADER + w->records.len);
    out->len += BN_BATCH_HEADER;
    int status = bn_compress_pack(codec, level, bn_str_slice(&w->records), false, out);
    BN_ASSERT(status == 0);
    BN_ASSERT(out->len - from <= INT32_MAX);
    write_header((uint8_t *)out->ptr + from, w, codec, out->len - from);
    forget_records(w);
    return 0;
}
