/* scan.c: walks batch headers. Owns no memory: the caller lends a window. Nothing that a file says is believed before
 * it is compared with the bytes that are there, so a hostile or torn file costs at most one window of memory.
 * It does not decide what a bad batch means: recovery truncates there, a reader reports it. */
#include "broker/log/scan.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/crc32c.h"
#include "proto/kafka/legacy.h"

void bn_scan_init(struct bn_scan *s, struct bn_file *file, int64_t position, int64_t end, struct bn_slice buffer) {
    BN_ASSERT(buffer.len >= BN_BATCH_HEADER);
    *s = (struct bn_scan){
        .file = file,
        .position = position,
        .end = end,
        .bytes = (uint8_t *)(uintptr_t)buffer.ptr,
        .capacity = buffer.len,
        .window = position,
    };
}

/* Makes [position, position + len) visible; len fits the window and the file. NULL when the file is shorter. */
static const uint8_t *look(struct bn_scan *s, int64_t position, size_t len, size_t ahead, int *rc) {
    *rc = 0;
    if (position < s->window || position + (int64_t)len > s->window + (int64_t)s->have) {
        size_t want = bn_min_size(bn_max_size(len, ahead), (size_t)(s->end - position));
        ssize_t n = s->file->disk->pread(s->file, s->bytes, want, position, NULL);
        s->window = position;
        s->have = n > 0 ? (size_t)n : 0;
        if (n < 0) *rc = BN_IO;
        if (s->have < len) return NULL;
    }
    return s->bytes + (position - s->window);
}

static void parse(const uint8_t *p, struct bn_batch *out) {
    *out = (struct bn_batch){
        .base_offset = (int64_t)bn_get_u64(p),
        .length = (int32_t)bn_get_u32(p + 8),
        .leader_epoch = (int32_t)bn_get_u32(p + 12),
        .magic = (int8_t)p[16],
        .crc = bn_get_u32(p + 17),
        .attributes = (int16_t)bn_get_u16(p + 21),
        .last_offset_delta = (int32_t)bn_get_u32(p + 23),
        .base_timestamp = (int64_t)bn_get_u64(p + 27),
        .max_timestamp = (int64_t)bn_get_u64(p + 35),
        .producer_id = (int64_t)bn_get_u64(p + 43),
        .producer_epoch = (int16_t)bn_get_u16(p + 51),
        .base_sequence = (int32_t)bn_get_u32(p + 53),
        .record_count = (int32_t)bn_get_u32(p + 57),
    };
}

int bn_scan_next(struct bn_scan *s, struct bn_batch *out) {
    if (s->position >= s->end) return 0;
    int64_t left = s->end - s->position;
    if (left < BN_BATCH_HEADER) return BN_BAD;
    int rc;
    const uint8_t *p = look(s, s->position, BN_BATCH_HEADER, s->sparse ? BN_BATCH_HEADER : s->capacity, &rc);
    if (!p) return rc ? rc : BN_BAD;
    parse(p, out);
    if (out->magic != 2 || out->length < BN_BATCH_HEADER - BN_BATCH_OVERHEAD || bn_scan_size(out) > left) return BN_BAD;
    if (out->base_offset < 0 || out->base_offset > BN_SCAN_OFFSET_MAX) return BN_BAD;
    if (out->last_offset_delta < 0 || out->record_count < 0) return BN_BAD;
    s->sparse = (size_t)bn_scan_size(out) >= s->capacity;
    s->position += bn_scan_size(out);
    return 1;
}

/* The checksum of [at, end), a window at a time. 0, BN_BAD (the file is shorter), BN_IO. */
static int sum(struct bn_scan *s, int64_t at, int64_t end, uint32_t (*add)(uint32_t, const void *, size_t),
               uint32_t *out) {
    uint32_t crc = 0;
    while (at < end) {
        size_t len = bn_min_size((size_t)(end - at), s->capacity);
        /* What is in the window already is used up first. */
        if (at >= s->window && at < s->window + (int64_t)s->have)
            len = bn_min_size(len, (size_t)(s->window + (int64_t)s->have - at));
        int rc;
        const uint8_t *p = look(s, at, len, s->capacity, &rc);
        if (!p) return rc ? rc : BN_BAD;
        crc = add(crc, p, len);
        at += (int64_t)len;
    }
    *out = crc;
    return 0;
}

int bn_scan_check(struct bn_scan *s, const struct bn_batch *b) {
    uint32_t crc;
    int rc = sum(s, s->position - bn_scan_size(b) + BN_BATCH_CRC_FROM, s->position, bn_crc32c, &crc);
    if (rc) return rc;
    s->sparse = false;
    return crc == b->crc ? 0 : BN_BAD;
}

int bn_scan_is_old(struct bn_scan *s, int64_t position) {
    enum { CRC_FROM = 16, MESSAGE_MIN = 14 }; /* offset, size, CRC-32; the size counts from the CRC-32 on */
    int64_t left = s->end - position;
    int rc;
    if (left < BN_BATCH_OVERHEAD + MESSAGE_MIN) return 0;
    const uint8_t *p = look(s, position, CRC_FROM + 1, CRC_FROM + 1, &rc);
    if (!p) return rc;
    int32_t size = (int32_t)bn_get_u32(p + 8);
    uint32_t told = bn_get_u32(p + 12), crc;
    if (p[CRC_FROM] > 1 || size < MESSAGE_MIN || size > left - BN_BATCH_OVERHEAD) return 0;
    rc = sum(s, position + CRC_FROM, position + BN_BATCH_OVERHEAD + size, bn_legacy_crc32, &crc);
    if (rc) return rc == BN_BAD ? 0 : rc;
    return crc == told;
}

int bn_scan_load(struct bn_file *file, int64_t position, const struct bn_batch *header, uint8_t **out,
                 struct bn_batch *whole) {
    size_t len = (size_t)bn_scan_size(header);
    uint8_t *bytes = bn_alloc(len);
    ssize_t n = file->disk->pread(file, bytes, len, position, NULL);
    int rc = n < 0 ? BN_IO : (size_t)n < len ? BN_BAD : bn_batch_peek(bn_slice_of(bytes, len), whole);
    if (rc == 0 && !bn_batch_crc_ok(whole)) rc = BN_BAD;
    if (rc) {
        bn_alloc_free(bytes);
        return rc == BN_IO ? BN_IO : BN_BAD;
    }
    *out = bytes;
    return 0;
}
