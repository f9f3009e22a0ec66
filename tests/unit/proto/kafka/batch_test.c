/* batch_test.c: batches that Kafka's Java classes wrote are read and written again byte for byte, and no damage to a
 * batch goes unseen or does harm. */
#include "proto/kafka/batch.h"

#include "tests/unit/proto/kafka/golden_batches.h"
#include "tests/unit/proto/kafka/kit.h"
#include "tests/unit/proto/kafka/suites.h"

enum { EXPAND_MAX = 1 << 16 };

static struct bn_slice copy_of(struct bn_slice s) {
    uint8_t *p = bn_alloc(s.len ? s.len : 1);
    if (s.len) memcpy(p, s.ptr, s.len);
    return bn_slice_of(p, s.len);
}

static uint8_t *bytes_of(struct bn_slice s) { return (uint8_t *)(uintptr_t)s.ptr; }

static struct bn_slice special(const char *name) {
    for (size_t i = 0; i < BN_ARRAY_LEN(golden_special); i++)
        if (strcmp(golden_special[i].name, name) == 0) return kit_hex(golden_special[i].hex);
    ck_abort_msg("no golden batch %s", name);
}

static void check_text(struct bn_slice got, const char *want) {
    ck_assert_int_eq(bn_slice_is_null(got), want == NULL);
    ck_assert(bn_slice_eq_str(got, want));
}

static void check_headers(const struct bn_record *r) {
    struct bn_slice left = r->headers, key, value;
    ck_assert_int_eq(r->header_count, 2);
    ck_assert_int_eq(bn_batch_next_header(&left, &key, &value), 0);
    check_text(key, "h1");
    check_text(value, "v1");
    ck_assert_int_eq(bn_batch_next_header(&left, &key, &value), 0);
    check_text(key, "h2");
    check_text(value, NULL);
    ck_assert_uint_eq(left.len, 0);
    ck_assert_int_eq(bn_batch_next_header(&left, &key, &value), BN_BAD);
}

/* The four golden records; timestamp -1 means each has its own. */
static void check_records(const struct bn_batch *b, int64_t timestamp) {
    struct bn_batch_iter it;
    struct bn_record r;
    ck_assert_int_eq(bn_batch_iter_init(&it, b, EXPAND_MAX), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(bn_batch_iter_next(&it, &r), 1);
        ck_assert_int_eq(r.offset, b->base_offset + i);
        ck_assert_int_eq(r.timestamp, timestamp >= 0 ? timestamp : golden_records[i].timestamp);
        check_text(r.key, golden_records[i].key);
        check_text(r.value, golden_records[i].value);
        if (i < 3) ck_assert_int_eq(r.header_count, 0);
    }
    check_headers(&r);
    ck_assert_int_eq(bn_batch_iter_next(&it, &r), 0);
    ck_assert_int_eq(bn_batch_iter_next(&it, &r), 0);
    bn_batch_iter_fini(&it);
}

START_TEST(reads_what_java_writes) {
    for (int codec = 0; codec < (int)BN_ARRAY_LEN(golden_batches); codec++) {
        struct bn_slice in = kit_hex(golden_batches[codec].hex);
        struct bn_batch b;
        ck_assert_int_eq(bn_batch_peek(in, &b), 0);
        ck_assert(bn_slice_eq(b.bytes, in));
        ck_assert(bn_batch_crc_ok(&b));
        ck_assert_int_eq(bn_batch_codec(&b), codec);
        ck_assert_int_eq(b.attributes, codec);
        ck_assert_int_eq(b.magic, 2);
        ck_assert_int_eq(b.record_count, 4);
        ck_assert_int_eq(b.last_offset_delta, 3);
        ck_assert_int_eq(b.base_timestamp, 1700000000000);
        ck_assert_int_eq(b.max_timestamp, 1700000000500);
        ck_assert_int_eq(b.producer_id, -1);
        ck_assert_int_eq(b.producer_epoch, -1);
        ck_assert_int_eq(b.base_sequence, -1);
        ck_assert_int_eq(bn_batch_last_sequence(&b), -1);
        check_records(&b, -1);
        kit_free(in);
    }
}
END_TEST

START_TEST(reads_special_batches) {
    struct bn_batch b;
    struct bn_slice in = special("v2_append_time");
    ck_assert_int_eq(bn_batch_peek(in, &b), 0);
    ck_assert_int_eq(b.attributes, BN_BATCH_APPEND_TIME);
    check_records(&b, b.max_timestamp);
    kit_free(in);

    in = special("v2_txn");
    ck_assert_int_eq(bn_batch_peek(in, &b), 0);
    ck_assert_int_eq(b.attributes, BN_BATCH_TRANSACTIONAL);
    ck_assert_int_eq(b.producer_id, 77);
    ck_assert_int_eq(b.producer_epoch, 3);
    ck_assert_int_eq(b.base_sequence, 10);
    ck_assert_int_eq(bn_batch_last_sequence(&b), 13);
    kit_free(in);

    in = special("v2_idem");
    ck_assert_int_eq(bn_batch_peek(in, &b), 0);
    ck_assert_int_eq(b.base_sequence, INT32_MAX - 1);
    ck_assert_int_eq(bn_batch_last_sequence(&b), 1); /* 2147483646, 2147483647, 0, 1 */
    kit_free(in);

    in = special("v2_marker");
    struct bn_batch_iter it;
    struct bn_record r;
    ck_assert_int_eq(bn_batch_peek(in, &b), 0);
    ck_assert_int_eq(b.attributes, BN_BATCH_TRANSACTIONAL | BN_BATCH_CONTROL);
    ck_assert_int_eq(b.base_offset, 42);
    ck_assert_int_eq(b.leader_epoch, 7);
    ck_assert_int_eq(bn_batch_iter_init(&it, &b, 0), 0);
    ck_assert_int_eq(bn_batch_iter_next(&it, &r), 1);
    ck_assert(bn_slice_eq(r.key, bn_slice_of("\0\0\0\0", 4)));       /* version 0, abort */
    ck_assert(bn_slice_eq(r.value, bn_slice_of("\0\0\0\0\0\5", 6))); /* version 0, coordinator epoch 5 */
    bn_batch_iter_fini(&it);
    kit_free(in);

    in = special("v2_empty");
    ck_assert_int_eq(bn_batch_peek(in, &b), 0);
    ck_assert(bn_batch_crc_ok(&b));
    ck_assert_int_eq(b.record_count, 0);
    ck_assert_int_eq(b.base_offset, 100);
    ck_assert_int_eq(bn_batch_next_offset(&b), 105);
    ck_assert_int_eq(bn_batch_iter_init(&it, &b, 0), 0);
    ck_assert_int_eq(bn_batch_iter_next(&it, &r), 0);
    bn_batch_iter_fini(&it);
    kit_free(in);
}
END_TEST

static void add_golden(struct bn_batch_builder *w) {
    for (int i = 0; i < 4; i++) {
        const struct golden_record *g = &golden_records[i];
        bool last = i == 3;
        bn_batch_builder_add(w, w->count, g->timestamp, bn_slice_str(g->key), bn_slice_str(g->value), last ? 2 : 0,
                             last ? bn_slice_of("\4h1\4v1\4h2\1", 10) : BN_SLICE_NULL);
    }
}

START_TEST(builds_what_java_writes) {
    static const int levels[] = {0, -1, 0, 9, 3};
    struct bn_batch_builder w;
    struct bn_str out;
    bn_batch_builder_init(&w);
    bn_str_init(&out);
    for (int codec = 0; codec < 5; codec++) {
        add_golden(&w);
        bn_str_clear(&out);
        ck_assert_int_eq(bn_batch_builder_finish(&w, codec, levels[codec], &out), 0);
        ck_assert_int_eq(w.count, 0);
        struct bn_batch b;
        ck_assert_int_eq(bn_batch_peek(bn_str_slice(&out), &b), 0);
        ck_assert(bn_batch_crc_ok(&b));
        ck_assert_int_eq(bn_batch_codec(&b), codec);
        check_records(&b, -1);
        struct bn_slice want = kit_hex(golden_batches[codec].hex);
        if (codec == BN_CODEC_NONE) ck_assert(bn_slice_eq(bn_str_slice(&out), want));
        kit_free(want);
    }
    add_golden(&w);
    ck_assert_int_eq(bn_batch_builder_finish(&w, 5, 0, &out), BN_BAD);
    bn_batch_builder_fini(&w);

    bn_batch_builder_init(&w);
    bn_str_clear(&out);
    w.attributes = BN_BATCH_TRANSACTIONAL;
    w.producer_id = 77, w.producer_epoch = 3, w.base_sequence = 10;
    add_golden(&w);
    ck_assert_int_eq(bn_batch_builder_finish(&w, BN_CODEC_NONE, 0, &out), 0);
    struct bn_slice want = special("v2_txn");
    ck_assert(bn_slice_eq(bn_str_slice(&out), want));
    kit_free(want);
    bn_batch_builder_fini(&w);
    bn_str_fini(&out);
}
END_TEST

/* What compaction leaves: holes between offsets, or no record at all. */
START_TEST(builds_batches_with_holes) {
    struct bn_batch_builder w;
    struct bn_batch b;
    struct bn_str out;
    bn_batch_builder_init(&w);
    bn_str_init(&out);
    w.base_offset = 1000;
    bn_batch_builder_add(&w, 2, 5, BN_SLICE_LIT("k"), BN_SLICE_NULL, 0, BN_SLICE_NULL);
    bn_batch_builder_add(&w, 9, INT64_MAX, BN_SLICE_LIT("k"), BN_SLICE_NULL, 0, BN_SLICE_NULL);
    bn_batch_builder_add(&w, 10, INT64_MIN, BN_SLICE_LIT("k"), BN_SLICE_NULL, 0, BN_SLICE_NULL);
    w.last_offset_delta = 12;
    ck_assert_int_eq(bn_batch_builder_finish(&w, BN_CODEC_GZIP, -1, &out), 0);
    ck_assert_int_eq(bn_batch_peek(bn_str_slice(&out), &b), 0);
    ck_assert_int_eq(bn_batch_next_offset(&b), 1013);
    static const struct { int64_t offset, timestamp; } want[] = {{1002, 5}, {1009, INT64_MAX}, {1010, INT64_MIN}};
    struct bn_batch_iter it;
    struct bn_record r;
    ck_assert_int_eq(bn_batch_iter_init(&it, &b, 1000), 0);
    for (size_t i = 0; i < BN_ARRAY_LEN(want); i++) {
        ck_assert_int_eq(bn_batch_iter_next(&it, &r), 1);
        ck_assert_int_eq(r.offset, want[i].offset);
        ck_assert_int_eq(r.timestamp, want[i].timestamp);
    }
    ck_assert_int_eq(bn_batch_iter_next(&it, &r), 0);
    bn_batch_iter_fini(&it);

    bn_str_clear(&out); /* an empty one is never compressed */
    ck_assert_int_eq(bn_batch_builder_finish(&w, BN_CODEC_GZIP, -1, &out), 0);
    ck_assert_uint_eq(out.len, BN_BATCH_HEADER);
    ck_assert_int_eq(bn_batch_peek(bn_str_slice(&out), &b), 0);
    ck_assert_int_eq(bn_batch_codec(&b), BN_CODEC_NONE);
    bn_batch_builder_fini(&w);
    bn_str_fini(&out);
}
END_TEST

START_TEST(patches_in_place) {
    struct bn_slice in = kit_hex(golden_batches[BN_CODEC_LZ4].hex);
    struct bn_batch b;
    bn_batch_assign(bytes_of(in), 123456789012, 17);
    ck_assert_int_eq(bn_batch_peek(in, &b), 0);
    ck_assert(bn_batch_crc_ok(&b)); /* the checksum doesn't cover them */
    ck_assert_int_eq(b.base_offset, 123456789012);
    ck_assert_int_eq(b.leader_epoch, 17);
    bn_batch_set_max_timestamp(bytes_of(in), 42, false);
    ck_assert_int_eq(bn_batch_peek(in, &b), 0);
    ck_assert(bn_batch_crc_ok(&b));
    ck_assert_int_eq(b.max_timestamp, 42);
    check_records(&b, -1);
    bn_batch_set_max_timestamp(bytes_of(in), 43, true);
    ck_assert_int_eq(bn_batch_peek(in, &b), 0);
    ck_assert(bn_batch_crc_ok(&b));
    ck_assert_int_eq(b.attributes, BN_CODEC_LZ4 | BN_BATCH_APPEND_TIME);
    check_records(&b, 43);
    kit_free(in);
}
END_TEST

/* Headers that can't be, one field each. */
START_TEST(peek_refuses) {
    static const struct {
        size_t at;
        const char *hex;
        int want;
    } table[] = {
        {8, "00000030", BN_BAD}, /* a length below the header's */
        {8, "ffffffff", BN_BAD}, /* negative */
        {8, "80000000", BN_BAD},
        {8, "7fffffff", BN_AGAIN}, /* more than is there */
        {16, "00", BN_BAD},        /* the old formats */
        {16, "01", BN_BAD},
        {16, "03", BN_BAD}, /* one to come */
        {0, "8000000000000000", BN_BAD},
        {0, "7fffffffffffffff", BN_BAD}, /* its last offset wouldn't be one */
        {0, "7ffffffffffffffb", 0},
        {0, "7ffffffffffffffc", BN_BAD},
        {23, "ffffffff", BN_BAD},
        {23, "00000002", BN_BAD}, /* fewer offsets than records */
        {23, "7fffffff", 0},
        {57, "ffffffff", BN_BAD},
        {57, "00000005", BN_BAD},
        {23, "7fffffff 0000000000000000 0000000000000000 0000000000000000 0000 00000000 7fffffff", BN_BAD},
        {57, "00000000", 0},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(table); i++) {
        struct bn_slice in = kit_hex(golden_batches[0].hex), patch = kit_hex(table[i].hex);
        struct bn_batch b;
        memcpy(bytes_of(in) + table[i].at, patch.ptr, patch.len);
        ck_assert_msg(bn_batch_peek(in, &b) == table[i].want, "row %zu", i);
        if (table[i].at == 16) ck_assert_int_eq(b.magic, patch.ptr[0]);
        kit_free(in);
        kit_free(patch);
    }
}
END_TEST

/* Records that don't hold what they say. The header's checksum is not asked here: it is no defence against malice. */
START_TEST(iteration_refuses) {
    static const struct {
        const char *records;
        int count, good; /* announced; read before the end or BN_BAD */
        bool whole;
    } table[] = {
        {"", 1, 0, false},                           /* nothing there */
        {"0c 00 00 00 01 01 00", 1, 1, true},        /* the smallest record: null, null */
        {"0c 00 00 00 01 01 00 00", 1, 1, false},    /* bytes behind the last */
        {"0a 00 00 00 01 01 00", 1, 0, false},       /* shorter than its fields */
        {"0e 00 00 00 01 01 00 00", 1, 0, false},    /* longer */
        {"0e 00 00 00 01 01 00", 1, 0, false},       /* beyond the batch */
        {"01 00 00 00 01 01 00", 1, 0, false},       /* negative */
        {"ffffffff1f 00", 1, 0, false},              /* a length of more than 32 bits */
        {"0c 00 00 01 01 01 00", 1, 0, false},       /* offset before the base */
        {"0c 00 00 20 01 01 00", 1, 0, false},       /* offset behind the last */
        {"0c 00 00 00 03 01 00", 1, 0, false},       /* key of -2 bytes */
        {"0c 00 00 00 02 01 00", 1, 0, false},       /* the key eats the rest */
        {"0c 00 00 00 01 01 01", 1, 0, false},       /* -1 headers */
        {"0c 00 00 00 01 01 7e", 1, 0, false},       /* 63 headers in no byte */
        {"10 00 00 00 01 01 02 01 01", 1, 0, false}, /* a header without key */
        {"10 00 00 00 01 01 02 00 01", 1, 1, true},  /* an empty key, null value */
        {"10 00 00 00 01 01 02 00 02", 1, 0, false}, /* the value isn't there */
        {"10 00 00 00 01 01 00 00 01", 1, 0, false}, /* a header that wasn't announced */
        {"0c 00 00 00 01 01 00 0c 00 00 02 01 01 00", 2, 2, true},
        {"0c 00 00 00 01 01 00 0c 00 00 02 01 05 00", 2, 1, false},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(table); i++) {
        struct bn_slice in = special("v2_empty"), records = kit_hex(table[i].records);
        struct bn_slice whole = {bn_alloc(in.len + records.len), in.len + records.len};
        memcpy(bytes_of(whole), in.ptr, in.len);
        memcpy(bytes_of(whole) + in.len, records.ptr, records.len);
        struct bn_batch b;
        struct bn_batch_iter it;
        struct bn_record r;
        ck_assert_int_eq(bn_batch_peek(in, &b), 0);
        b.bytes = whole;
        b.record_count = table[i].count;
        ck_assert_int_eq(bn_batch_iter_init(&it, &b, 0), 0);
        int good = 0, rc;
        while ((rc = bn_batch_iter_next(&it, &r)) == 1) good++;
        ck_assert_msg(rc == (table[i].whole ? 0 : BN_BAD) && good == table[i].good, "row %zu: %d after %d", i, rc,
                      good);
        ck_assert_int_eq(bn_batch_iter_next(&it, &r), rc);
        bn_batch_iter_fini(&it);
        kit_free(in);
        kit_free(records);
        kit_free(whole);
    }
}
END_TEST

/* Walks a batch whatever its checksum; true if to its end. */
static bool walk(const struct bn_batch *b) {
    struct bn_batch_iter it;
    struct bn_record r;
    int rc = bn_batch_iter_init(&it, b, EXPAND_MAX);
    while (rc == 0) {
        rc = bn_batch_iter_next(&it, &r);
        if (rc <= 0) break;
        ck_assert_int_ge(r.offset, b->base_offset);
        ck_assert_int_le(r.offset, bn_batch_last_offset(b));
        rc = 0;
    }
    ck_assert(rc == 0 || rc == BN_BAD || rc == BN_FULL);
    bn_batch_iter_fini(&it);
    return rc == 0;
}

/* Of every batch: each cut is "not whole", each flipped bit is refused by header or checksum, unless it is in the two
 * fields that the leader rewrites; and walking the damaged batch all the same stays within its bytes. */
START_TEST(no_damage_goes_unseen) {
    for (size_t n = 0; n < BN_ARRAY_LEN(golden_batches) + BN_ARRAY_LEN(golden_special); n++) {
        bool plain = n < BN_ARRAY_LEN(golden_batches);
        struct bn_slice in = kit_hex(plain ? golden_batches[n].hex
                                           : golden_special[n - BN_ARRAY_LEN(golden_batches)].hex);
        struct bn_batch b;
        for (size_t cut = 0; cut < in.len; cut++) {
            struct bn_slice part = copy_of(bn_slice_of(in.ptr, cut));
            ck_assert_int_eq(bn_batch_peek(part, &b), BN_AGAIN);
            if (cut >= BN_BATCH_OVERHEAD) ck_assert_uint_eq((size_t)b.length + BN_BATCH_OVERHEAD, in.len);
            kit_free(part);
        }
        for (size_t bit = 0; bit < in.len * 8; bit++) {
            struct bn_slice part = copy_of(in);
            size_t at = bit / 8;
            bytes_of(part)[at] ^= (uint8_t)(1 << bit % 8);
            int rc = bn_batch_peek(part, &b);
            ck_assert(rc == 0 || rc == BN_BAD || rc == BN_AGAIN);
            bool outside = at < 8 || (at >= 12 && at < 16);
            if (rc == 0) ck_assert_msg(bn_batch_crc_ok(&b) == outside, "batch %zu bit %zu", n, bit);
            if (rc == 0) ck_assert(walk(&b) || !outside);
            kit_free(part);
        }
        kit_free(in);
    }
}
END_TEST

Suite *batch_suite(void) {
    Suite *s = suite_create("batch");
    TCase *c = tcase_create("batch");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, reads_what_java_writes);
    tcase_add_test(c, reads_special_batches);
    tcase_add_test(c, builds_what_java_writes);
    tcase_add_test(c, builds_batches_with_holes);
    tcase_add_test(c, patches_in_place);
    tcase_add_test(c, peek_refuses);
    tcase_add_test(c, iteration_refuses);
    tcase_add_test(c, no_damage_goes_unseen);
    suite_add_tcase(s, c);
    return s;
}
