/* validate.c: checks a produced record set as Kafka's leader does, in its order and with its words. Owns no state.
 *
 * Records are looked at one by one only where a rule needs them: a compacted topic (every record needs a key),
 * timestamp bounds, or a topic whose compression.type is another codec. Otherwise the header's count and largest
 * timestamp are believed (Kafka walks the records): the checksum proves that they are what the client sent, and a
 * client that lies about them fools only its own readers. */
#include "broker/log/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/legacy.h"

bool bn_validate_refuse(struct bn_log_append *a, int16_t error, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    a->error = error;
    vsnprintf(a->message, sizeof a->message, fmt, args);
    va_end(args);
    return false;
}

void bn_validate_fini(struct bn_validate_out *out) {
    if (out->converted.ptr) bn_str_fini(&out->converted);
    if (out->recompressed.ptr) bn_str_fini(&out->recompressed);
}

static bool too_large(const struct bn_log *l, struct bn_log_append *a, size_t len) {
    return !bn_validate_refuse(a, KE_MESSAGE_TOO_LARGE,
                               "The record batch size in the append to %s is %zu bytes which exceeds the maximum "
                               "configured value of %" PRId64 ".",
                               l->name, len, l->config.max_message_bytes);
}

/* The header's own consistency, and what only a client is forbidden. */
static bool check_header(const struct bn_log *l, struct bn_log_append *a, const struct bn_batch *b) {
    if (!a->internal && b->base_offset != 0)
        return bn_validate_refuse(
            a, KE_INVALID_RECORD,
            "The baseOffset of the record batch in the append to %s should be 0, but it is %" PRId64, l->name,
            b->base_offset);
    if ((int64_t)b->bytes.len > l->config.max_message_bytes) return !too_large(l, a, b->bytes.len);
    if (!bn_batch_crc_ok(b))
        return bn_validate_refuse(a, KE_CORRUPT_MESSAGE,
                                  "Record is corrupt (stored crc = %" PRIu32 ") in topic partition %s.", b->crc,
                                  l->name);
    if (b->record_count <= 0)
        return bn_validate_refuse(a, KE_INVALID_RECORD,
                                  "Invalid reported count for record batch: %" PRId32 " in topic partition %s",
                                  b->record_count, l->name);
    if (b->last_offset_delta != b->record_count - 1)
        return bn_validate_refuse(a, KE_INVALID_RECORD,
                                  "Inconsistent batch offset range [%" PRId64 ", %" PRId64
                                  "] and count of records %" PRId32 " in topic partition %s",
                                  b->base_offset, bn_batch_last_offset(b), b->record_count, l->name);
    if (bn_batch_codec(b) > BN_CODEC_ZSTD)
        return bn_validate_refuse(a, KE_UNSUPPORTED_COMPRESSION_TYPE, "Unknown compression type id: %d",
                                  bn_batch_codec(b));
    if (a->internal) return true;
    if (b->attributes & BN_BATCH_CONTROL)
        return bn_validate_refuse(a, KE_INVALID_RECORD,
                                  "Clients are not allowed to write control records in topic partition %s", l->name);
    if (b->producer_id >= 0 && b->base_sequence < 0)
        return bn_validate_refuse(a, KE_INVALID_RECORD,
                                  "Invalid sequence number %" PRId32 " in record batch with producerId %" PRId64
                                  " in topic partition %s",
                                  b->base_sequence, b->producer_id, l->name);
    if (b->attributes & BN_BATCH_APPEND_TIME)
        return bn_validate_refuse(a, KE_INVALID_TIMESTAMP,
                                  "Invalid timestamp type in message. Producer should not set timestamp type to "
                                  "LogAppendTime.");
    return true;
}

static bool bounded(const struct bn_log_config *c) {
    return !c->log_append_time && (c->timestamp_before_max_ms != INT64_MAX || c->timestamp_after_max_ms != INT64_MAX);
}

static bool outside(const struct bn_log_config *c, int64_t timestamp, int64_t now) {
    if (timestamp == -1) return false;
    return (timestamp < now && c->timestamp_before_max_ms < now - timestamp) ||
           (timestamp > now && c->timestamp_after_max_ms < timestamp - now);
}

/* Another record that the batch is refused for; a->message, which tells of the newest, becomes that of the first. One
 * of a wrong time makes the error that of times, whatever else there is. */
static void add_bad(struct bn_log_append *a, int32_t index, int16_t before) {
    if (before == KE_INVALID_TIMESTAMP) a->error = before;
    if (a->bad_count < BN_LOG_BAD_MAX && !a->internal) {
        if ((a->bad_count & (a->bad_count - 1)) == 0)
            a->bad = bn_alloc_resize(a->bad, bn_max_size(1, 2 * (size_t)a->bad_count) * sizeof *a->bad);
        struct bn_log_bad *bad = &a->bad[a->bad_count++];
        bad->index = index;
        memcpy(bad->message, a->message, sizeof bad->message);
    }
    if (a->bad_count) memcpy(a->message, a->bad[0].message, sizeof a->message);
}

/* The rules about single records; index is the record's within the batch. Like Kafka it goes on after a bad one, so
 * that the client hears of all. */
static void check_record(const struct bn_log *l, struct bn_log_append *a, const struct bn_record *r, int32_t index) {
    int16_t before = a->error;
    if (l->config.compact && bn_slice_is_null(r->key)) {
        bn_validate_refuse(a, KE_INVALID_RECORD,
                           "Compacted topic cannot accept message without key in topic partition %s.", l->name);
        add_bad(a, index, before);
    } else if (bounded(&l->config) && outside(&l->config, r->timestamp, a->now_ms)) {
        bn_validate_refuse(a, KE_INVALID_TIMESTAMP,
                           "Timestamp %" PRId64 " of message with offset %" PRId64
                           " is out of range. The timestamp should be within [%" PRId64 ", %" PRId64 "]",
                           r->timestamp, r->offset, a->now_ms - l->config.timestamp_before_max_ms,
                           a->now_ms + bn_min_i64(l->config.timestamp_after_max_ms, INT64_MAX - a->now_ms));
        add_bad(a, index, before);
    }
}

/* The batch itself is wrong: that goes before its records. */
static void forget_bad(struct bn_log_append *a) {
    bn_alloc_free(a->bad);
    a->bad = NULL;
    a->bad_count = 0;
}

static bool bad_records(const struct bn_log *l, struct bn_log_append *a, int rc) {
    if (rc == BN_FULL)
        return bn_validate_refuse(a, KE_MESSAGE_TOO_LARGE,
                                  "A batch expands to more than %d bytes in topic partition %s", BN_VALIDATE_EXPAND_MAX,
                                  l->name);
    return bn_validate_refuse(a, KE_INVALID_RECORD, "Malformed records in a batch in topic partition %s", l->name);
}

/* Walks all records: checks each, finds the largest timestamp, and (w not NULL) adds them to a new batch. */
static bool walk(const struct bn_log *l, struct bn_log_append *a, const struct bn_batch *b, struct bn_batch_builder *w,
                 int64_t *max_timestamp) {
    struct bn_batch_iter it;
    struct bn_record r;
    int32_t index = 0;
    bool ok = true;
    *max_timestamp = -1;
    int rc = bn_batch_iter_init(&it, b, BN_VALIDATE_EXPAND_MAX);
    while (rc == 0 && ok && (rc = bn_batch_iter_next(&it, &r)) == 1) {
        rc = 0;
        if (r.offset - b->base_offset != index)
            ok = bn_validate_refuse(a, KE_INVALID_RECORD, "Record offsets are not consecutive in topic partition %s",
                                    l->name);
        else
            check_record(l, a, &r, index);
        *max_timestamp = bn_max_i64(*max_timestamp, r.timestamp);
        if (a->error == KE_NONE && w)
            bn_batch_builder_add(w, index, r.timestamp, r.key, r.value, r.header_count, r.headers);
        index++;
    }
    bn_batch_iter_fini(&it);
    if (!ok || rc < 0) forget_bad(a);
    if (rc < 0) return bad_records(l, a, rc);
    return a->error == KE_NONE;
}

static bool recompress(const struct bn_log *l, struct bn_log_append *a, const struct bn_batch *b, struct bn_str *out) {
    struct bn_batch_builder w;
    bn_batch_builder_init(&w);
    w.producer_id = b->producer_id;
    w.producer_epoch = b->producer_epoch;
    w.base_sequence = b->base_sequence;
    w.attributes = b->attributes & (BN_BATCH_TRANSACTIONAL | BN_BATCH_CONTROL);
    int64_t newest;
    size_t before = out->len;
    bool ok = walk(l, a, b, &w, &newest);
    if (ok && bn_batch_builder_finish(&w, l->config.compression, l->config.compression_level, out) != 0)
        ok = bn_validate_refuse(a, KE_UNKNOWN_SERVER_ERROR, "Recompression to %s failed",
                                bn_compress_name(l->config.compression));
    bn_batch_builder_fini(&w);
    if (ok && (int64_t)(out->len - before) > l->config.max_message_bytes) return !too_large(l, a, out->len - before);
    return ok;
}

/* Timestamps of a batch that keeps its bytes. */
static bool stamp(const struct bn_log *l, struct bn_log_append *a, const struct bn_batch *b) {
    uint8_t *bytes = (uint8_t *)(uintptr_t)b->bytes.ptr;
    bool control = b->attributes & BN_BATCH_CONTROL;
    if ((l->config.compact && !control) || bounded(&l->config)) {
        int64_t newest;
        if (!walk(l, a, b, NULL, &newest)) return false;
        if (!l->config.log_append_time && newest != b->max_timestamp) bn_batch_set_max_timestamp(bytes, newest, false);
    }
    if (l->config.log_append_time) bn_batch_set_max_timestamp(bytes, a->now_ms, true);
    return true;
}

/* Each batch of [bytes, len). Clients of the new format send exactly one. */
static bool check_batches(const struct bn_log *l, struct bn_log_append *a, struct bn_validate_out *out, bool one) {
    struct bn_slice left = bn_slice_of(out->bytes, out->len);
    bool change = false;
    for (int n = 0; left.len > 0; n++) {
        struct bn_batch b;
        int rc = bn_batch_peek(left, &b);
        if (rc == BN_BAD && left.len > 16 && left.ptr[16] < 2)
            return bn_validate_refuse(
                a, KE_INVALID_RECORD,
                "Produce requests of this version are only allowed to contain record batches with magic "
                "version 2");
        /* A whole batch whose header contradicts itself is the client's mistake, not the network's. */
        bool whole = rc == BN_BAD && left.len >= BN_BATCH_HEADER && b.length >= BN_BATCH_HEADER - BN_BATCH_OVERHEAD &&
                     (size_t)b.length <= left.len - BN_BATCH_OVERHEAD;
        if (whole)
            return bn_validate_refuse(a, KE_INVALID_RECORD, "Inconsistent offsets or counts in topic partition %s",
                                      l->name);
        if (rc) return bn_validate_refuse(a, KE_CORRUPT_MESSAGE, "Record is corrupt in topic partition %s.", l->name);
        if (n == 1 && one)
            return bn_validate_refuse(
                a, KE_INVALID_RECORD,
                "Produce requests of this version are only allowed to contain exactly one record batch "
                "per partition");
        if (!check_header(l, a, &b)) return false;
        change |= l->config.compression >= 0 && l->config.compression != bn_batch_codec(&b) &&
                  !(b.attributes & BN_BATCH_CONTROL);
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    if (change) bn_str_init(&out->recompressed);
    left = bn_slice_of(out->bytes, out->len);
    while (left.len > 0) {
        struct bn_batch b;
        if (bn_batch_peek(left, &b) != 0) BN_UNREACHABLE();
        bool same = l->config.compression == bn_batch_codec(&b) || (b.attributes & BN_BATCH_CONTROL);
        if (change && !same && !recompress(l, a, &b, &out->recompressed)) return false;
        if (change && same) bn_str_add_slice(&out->recompressed, b.bytes);
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    if (change) {
        out->bytes = (uint8_t *)out->recompressed.ptr;
        out->len = out->recompressed.len;
    }
    for (left = bn_slice_of(out->bytes, out->len); left.len > 0;) {
        struct bn_batch b;
        if (bn_batch_peek(left, &b) != 0) BN_UNREACHABLE();
        if (!stamp(l, a, &b)) return false;
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    return true;
}

bool bn_validate_append(const struct bn_log *l, struct bn_log_append *a, struct bn_validate_out *out) {
    *out = (struct bn_validate_out){.bytes = a->bytes, .len = a->len};
    if (a->len == 0)
        return bn_validate_refuse(a, KE_INVALID_RECORD,
                                  "Produce requests must have at least one record batch per partition");
    bool old = a->legacy && a->len > 16 && a->bytes[16] < 2;
    if (old) {
        /* The limit is on what the client sent: a message set as a whole never is smaller than a message in it. */
        struct bn_err e;
        int32_t count;
        bn_str_init(&out->converted);
        int rc = bn_legacy_to_v2(bn_slice_of(a->bytes, a->len), BN_VALIDATE_EXPAND_MAX, &out->converted, &count, &e);
        if (rc == BN_FULL) return bad_records(l, a, rc);
        if (rc) return bn_validate_refuse(a, KE_CORRUPT_MESSAGE, "%s in topic partition %s", e.text, l->name);
        out->bytes = (uint8_t *)out->converted.ptr;
        out->len = out->converted.len;
        if (out->len == 0) return bn_validate_refuse(a, KE_INVALID_RECORD, "No message in topic partition %s", l->name);
    }
    return check_batches(l, a, out, !old && !a->internal);
}
