/* batch.h: record batches v2 (4-storage 4.3): look at a header, check, assign offsets in place, walk and build records.
 * Hostile bytes are expected everywhere. Nothing here allocates except the iterator of a compressed batch and the
 * builder. */
#ifndef BN_BATCH_H
#define BN_BATCH_H

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "proto/kafka/compress.h"

enum {
    BN_BATCH_OVERHEAD = 12, /* base offset and length: not counted by batch_length */
    BN_BATCH_HEADER = 61,   /* all fixed fields, overhead included */
    BN_BATCH_CRC_FROM = 21, /* the checksum covers from attributes on */
};
enum {
    BN_BATCH_CODEC_MASK = 0x07,
    BN_BATCH_APPEND_TIME = 0x08,
    BN_BATCH_TRANSACTIONAL = 0x10,
    BN_BATCH_CONTROL = 0x20,
    BN_BATCH_DELETE_HORIZON = 0x40,
};

struct bn_batch {
    int64_t base_offset, base_timestamp, max_timestamp, producer_id;
    uint32_t crc;
    int32_t length; /* batch_length field: bytes behind it */
    int32_t leader_epoch, last_offset_delta, base_sequence, record_count;
    int16_t attributes, producer_epoch;
    int8_t magic;
    struct bn_slice bytes; /* the whole batch, header included */
};

static inline int64_t bn_batch_last_offset(const struct bn_batch *b) { return b->base_offset + b->last_offset_delta; }
static inline int64_t bn_batch_next_offset(const struct bn_batch *b) { return bn_batch_last_offset(b) + 1; }
static inline int bn_batch_codec(const struct bn_batch *b) { return b->attributes & BN_BATCH_CODEC_MASK; }
/* The sequence wraps from 2^31-1 to 0. */
int32_t bn_batch_last_sequence(const struct bn_batch *b);

/* Reads the header of the first batch in `in`. BN_AGAIN: it is not there whole (out->length is set if 12 bytes are
 * there, so that the caller can tell how much it needs). BN_BAD: magic not 2, a length below 49 or counts that can't
 * be. Magic 0 and 1 give BN_BAD with out->magic set (it is -1 while it is not there). The checksum is not tested, nor
 * whether the codec is known. */
int bn_batch_peek(struct bn_slice in, struct bn_batch *out) BN_MUST_CHECK;
bool bn_batch_crc_ok(const struct bn_batch *b);
/* Patches base offset and leader epoch in place (outside the checksum). */
void bn_batch_assign(uint8_t *bytes, int64_t base_offset, int32_t leader_epoch);
/* Patches max timestamp (and, when append_time, the attribute) and recomputes the checksum. */
void bn_batch_set_max_timestamp(uint8_t *bytes, int64_t max_timestamp_ms, bool append_time);

struct bn_record {
    int64_t offset, timestamp;
    struct bn_slice key, value; /* may be null */
    int32_t header_count;
    struct bn_slice headers; /* the encoded headers */
};

struct bn_batch_iter {
    struct bn_batch batch;
    struct bn_cursor at;
    struct bn_str plain; /* expanded records of a compressed batch */
    int32_t left;
};
/* Over a batch whose checksum was tested. max_bytes bounds expansion. BN_BAD, BN_FULL. fini always. */
int bn_batch_iter_init(struct bn_batch_iter *it, const struct bn_batch *b, size_t max_bytes) BN_MUST_CHECK;
/* 1 = a record, 0 = end (all bytes consumed), BN_BAD. */
int bn_batch_iter_next(struct bn_batch_iter *it, struct bn_record *out) BN_MUST_CHECK;
void bn_batch_iter_fini(struct bn_batch_iter *it);
/* One header off the front of record.headers. BN_BAD at garbage. */
int bn_batch_next_header(struct bn_slice *headers, struct bn_slice *key, struct bn_slice *value) BN_MUST_CHECK;

/* Builds one batch. With BN_BATCH_DELETE_HORIZON among the attributes base_timestamp is the horizon, set before the
 * first record (KIP-534). What the records made of last_offset_delta and max_timestamp may be replaced before the end.
 */
struct bn_batch_builder {
    struct bn_str records; /* uncompressed */
    int64_t base_timestamp, max_timestamp, producer_id, base_offset;
    int32_t count, last_offset_delta, base_sequence, leader_epoch;
    int16_t attributes, producer_epoch;
};
void bn_batch_builder_init(struct bn_batch_builder *w); /* no producer, CreateTime, base offset 0, leader epoch -1 */
void bn_batch_builder_fini(struct bn_batch_builder *w);
/* headers: already encoded (count of them in header_count) or null. offset_delta: usually w->count. */
void bn_batch_builder_add(struct bn_batch_builder *w, int32_t offset_delta, int64_t timestamp_ms, struct bn_slice key,
                          struct bn_slice value, int32_t header_count, struct bn_slice headers);
/* Appends the finished batch (compressed by codec at level) to out and empties the builder. 0 or BN_BAD (codec). */
int bn_batch_builder_finish(struct bn_batch_builder *w, int codec, int level, struct bn_str *out) BN_MUST_CHECK;

#endif
