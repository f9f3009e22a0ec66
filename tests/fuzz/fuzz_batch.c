/* fuzz_batch.c: one fuzz target for record batches of all formats and for the codecs in them.
 *
 * The oracle: nothing is read outside (sanitizers watch) and no more comes out than the bound allows; a batch that is
 * walked to its end, built again and walked again has the same records; what an old message set becomes is sound
 * batches of as many records as it says; what a codec expands, it packs and expands to the same. */
#include "tests/fuzz/fuzz_batch.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/legacy.h"

enum { EXPAND_MAX = 1 << 20, KINDS = 5, LEGACY_CRC_SIZE = 4 };

uint64_t fuzz_batch_accepted[FUZZ_BATCH_PARTS];

/* A copy in a block of its exact size, so that a sanitizer sees the first byte too far. */
static struct bn_slice exact(const uint8_t *p, size_t n) {
    uint8_t *copy = bn_alloc(n ? n : 1);
    if (n) memcpy(copy, p, n);
    return bn_slice_of(copy, n);
}

static uint8_t *bytes_of(struct bn_slice s) { return (uint8_t *)(uintptr_t)s.ptr; }

/* Walks to the end; adds every record to w if it is given. Gives 0, BN_BAD or BN_FULL. */
static int walk(const struct bn_batch *b, struct bn_batch_builder *w) {
    struct bn_batch_iter it;
    struct bn_record r;
    int64_t last = -1;
    int rc = bn_batch_iter_init(&it, b, EXPAND_MAX);
    BN_ASSERT(it.plain.len <= EXPAND_MAX);
    while (rc == 0 && (rc = bn_batch_iter_next(&it, &r)) == 1) {
        rc = 0;
        BN_ASSERT(r.offset >= b->base_offset && r.offset <= bn_batch_last_offset(b));
        struct bn_slice left = r.headers, key, value;
        for (int32_t i = 0; i < r.header_count; i++) BN_ASSERT(bn_batch_next_header(&left, &key, &value) == 0);
        BN_ASSERT(left.len == 0);
        /* Offsets may come in any order, which only the log judges; the builder wants them rising. */
        if (w && r.offset > last)
            bn_batch_builder_add(w, (int32_t)(r.offset - b->base_offset), r.timestamp, r.key, r.value, r.header_count,
                                 r.headers);
        last = bn_max_i64(last, r.offset);
    }
    BN_ASSERT(rc == 0 || rc == BN_BAD || rc == BN_FULL);
    bn_batch_iter_fini(&it);
    return rc;
}

static bool same_records(const struct bn_batch *a, const struct bn_batch *b) {
    struct bn_batch_iter x, y;
    struct bn_record p, q;
    int rc;
    BN_ASSERT(bn_batch_iter_init(&x, a, EXPAND_MAX) == 0 && bn_batch_iter_init(&y, b, EXPAND_MAX) == 0);
    while ((rc = bn_batch_iter_next(&x, &p)) == 1) {
        BN_ASSERT(bn_batch_iter_next(&y, &q) == 1);
        BN_ASSERT(p.offset == q.offset && p.timestamp == q.timestamp && p.header_count == q.header_count);
        BN_ASSERT(bn_slice_eq(p.key, q.key) && bn_slice_is_null(p.key) == bn_slice_is_null(q.key));
        BN_ASSERT(bn_slice_eq(p.value, q.value) && bn_slice_is_null(p.value) == bn_slice_is_null(q.value));
        BN_ASSERT(bn_slice_eq(p.headers, q.headers));
    }
    BN_ASSERT(rc == 0 && bn_batch_iter_next(&y, &q) == 0);
    bn_batch_iter_fini(&x);
    bn_batch_iter_fini(&y);
    return true;
}

/* Builds the batch again from its records, plain, and twice over compares. */
static void check_rebuilt(const struct bn_batch *b) {
    struct bn_batch_builder w;
    struct bn_str out;
    struct bn_batch again;
    bn_batch_builder_init(&w);
    bn_str_init(&out);
    w.base_offset = b->base_offset;
    BN_ASSERT(walk(b, &w) == 0);
    bool complete = w.count == b->record_count;
    w.last_offset_delta = b->last_offset_delta;
    BN_ASSERT(bn_batch_builder_finish(&w, BN_CODEC_NONE, 0, &out) == 0);
    BN_ASSERT(bn_batch_peek(bn_str_slice(&out), &again) == 0 && bn_batch_crc_ok(&again));
    if (complete) BN_ASSERT(same_records(b, &again));
    bn_str_fini(&out);
    bn_batch_builder_fini(&w);
}

static bool fuzz_walk(struct bn_slice in, bool repair) {
    struct bn_batch b;
    int rc = bn_batch_peek(in, &b);
    BN_ASSERT(rc == 0 || rc == BN_BAD || rc == BN_AGAIN);
    if (rc) return false;
    if (repair) bn_batch_set_max_timestamp(bytes_of(in), b.max_timestamp, false);
    BN_ASSERT(bn_batch_peek(in, &b) == 0);
    if (!bn_batch_crc_ok(&b)) return false;
    bn_batch_assign(bytes_of(in), b.base_offset, 3);
    BN_ASSERT(bn_batch_peek(in, &b) == 0 && bn_batch_crc_ok(&b) && b.leader_epoch == 3);
    if (walk(&b, NULL)) return false;
    check_rebuilt(&b);
    return true;
}

static void repair_messages(struct bn_slice in) {
    struct bn_cursor c = bn_cursor_of(in);
    while (bn_cursor_left(&c) > 0) {
        (void)bn_cursor_i64(&c);
        int32_t size = bn_cursor_i32(&c);
        struct bn_slice m = bn_cursor_slice(&c, (size_t)size);
        if (c.bad || size < LEGACY_CRC_SIZE) return;
        bn_put_u32(bytes_of(m), bn_legacy_crc32(0, m.ptr + LEGACY_CRC_SIZE, m.len - LEGACY_CRC_SIZE));
    }
}

static bool fuzz_legacy(struct bn_slice in) {
    struct bn_str out;
    struct bn_err e = BN_ERR_NONE;
    int32_t count = -1, found = 0;
    bn_str_init(&out);
    repair_messages(in);
    int rc = bn_legacy_to_v2(in, EXPAND_MAX, &out, &count, &e);
    BN_ASSERT(rc == 0 || ((rc == BN_BAD || rc == BN_FULL) && e.text[0] != '\0' && out.len == 0));
    struct bn_slice left = bn_str_slice(&out);
    while (rc == 0 && left.len > 0) {
        struct bn_batch b;
        BN_ASSERT(bn_batch_peek(left, &b) == 0 && bn_batch_crc_ok(&b) && walk(&b, NULL) == 0);
        BN_ASSERT(b.record_count == b.last_offset_delta + 1);
        found += b.record_count;
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    BN_ASSERT(rc || found == count);
    bn_str_fini(&out);
    return rc == 0;
}

static bool fuzz_expand(struct bn_slice in, uint8_t how) {
    int kind = how % (KINDS + 1); /* one of them unknown */
    bool legacy = how & 0x80;
    struct bn_str plain, packed, again;
    bn_str_init(&plain);
    bn_str_init(&packed);
    bn_str_init(&again);
    int rc = bn_compress_expand(kind, in, EXPAND_MAX, legacy, &plain);
    BN_ASSERT(rc == 0 || rc == BN_BAD || rc == BN_FULL);
    BN_ASSERT(plain.len <= EXPAND_MAX && (plain.len == 0 || plain.ptr[plain.len] == '\0'));
    if (rc == 0) {
        BN_ASSERT(bn_compress_pack(kind, 1, bn_str_slice(&plain), legacy, &packed) == 0);
        BN_ASSERT(bn_compress_expand(kind, bn_str_slice(&packed), plain.len, legacy, &again) == 0);
        BN_ASSERT(bn_slice_eq(bn_str_slice(&plain), bn_str_slice(&again)));
    }
    bn_str_fini(&plain);
    bn_str_fini(&packed);
    bn_str_fini(&again);
    return rc == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    enum fuzz_batch_part part = data[0] % FUZZ_BATCH_PARTS;
    struct bn_slice in = exact(data + 2, size - 2);
    bool accepted = false;
    switch (part) {
    case FUZZ_BATCH_WALK:
    case FUZZ_BATCH_RAW:
        accepted = fuzz_walk(in, part == FUZZ_BATCH_WALK);
        break;
    case FUZZ_BATCH_LEGACY:
        accepted = fuzz_legacy(in);
        break;
    case FUZZ_BATCH_EXPAND:
        accepted = fuzz_expand(in, data[1]);
        break;
    case FUZZ_BATCH_PARTS:
        break;
    }
    fuzz_batch_accepted[part] += accepted;
    bn_alloc_free(bytes_of(in));
    return 0;
}
