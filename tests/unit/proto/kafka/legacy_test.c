/* legacy_test.c: message sets that Kafka's Java classes wrote in the two old formats become batches with the same
 * records, and damaged or malicious ones are refused with a reason. */
#include "proto/kafka/legacy.h"

#include "common/base/bytes.h"
#include "proto/kafka/batch.h"
#include "tests/unit/proto/kafka/golden_batches.h"
#include "tests/unit/proto/kafka/kit.h"
#include "tests/unit/proto/kafka/suites.h"

enum { EXPAND_MAX = 1 << 16 };

static void check_text(struct bn_slice got, const char *want) {
    ck_assert_int_eq(bn_slice_is_null(got), want == NULL);
    ck_assert(bn_slice_eq_str(got, want));
}

static void check_batch(struct bn_slice bytes, int codec, bool timestamps) {
    struct bn_batch b;
    struct bn_batch_iter it;
    struct bn_record r;
    ck_assert_int_eq(bn_batch_peek(bytes, &b), 0);
    ck_assert(bn_batch_crc_ok(&b));
    ck_assert_int_eq(bn_batch_codec(&b), codec);
    ck_assert_int_eq(b.base_offset, 0);
    ck_assert_int_eq(b.record_count, 4);
    ck_assert_int_eq(b.last_offset_delta, 3);
    ck_assert_int_eq(b.max_timestamp, timestamps ? 1700000000500 : -1);
    ck_assert_int_eq(bn_batch_iter_init(&it, &b, EXPAND_MAX), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(bn_batch_iter_next(&it, &r), 1);
        ck_assert_int_eq(r.offset, i);
        ck_assert_int_eq(r.timestamp, timestamps ? golden_records[i].timestamp : -1);
        check_text(r.key, golden_records[i].key);
        check_text(r.value, golden_records[i].value);
        ck_assert_int_eq(r.header_count, 0);
    }
    ck_assert_int_eq(bn_batch_iter_next(&it, &r), 0);
    bn_batch_iter_fini(&it);
}

START_TEST(converts_what_java_writes) {
    for (int i = 0; i < (int)BN_ARRAY_LEN(golden_legacy); i++) {
        struct bn_slice in = kit_hex(golden_legacy[i].hex);
        struct bn_err e = BN_ERR_NONE;
        struct bn_str out;
        int32_t count = -1;
        bn_str_init(&out);
        ck_assert_msg(bn_legacy_to_v2(in, EXPAND_MAX, &out, &count, &e) == 0, "%s: %s", golden_legacy[i].name, e.text);
        ck_assert_int_eq(count, 4);
        check_batch(bn_str_slice(&out), i % 4, i >= 4); /* four codecs of magic 0, then of 1 */
        bn_str_fini(&out);
        kit_free(in);
    }
}
END_TEST

/* Runs of plain messages make one batch each, wrappers one each, in their order. */
START_TEST(splits_runs) {
    static const int order[] = {4, 5, 7, 4, 4};
    struct bn_str set, out;
    struct bn_err e = BN_ERR_NONE;
    int32_t count;
    bn_str_init(&set);
    bn_str_init(&out);
    for (size_t i = 0; i < BN_ARRAY_LEN(order); i++) {
        struct bn_slice part = kit_hex(golden_legacy[order[i]].hex);
        bn_str_add_slice(&set, part);
        kit_free(part);
    }
    ck_assert_int_eq(bn_legacy_to_v2(bn_str_slice(&set), EXPAND_MAX, &out, &count, &e), 0);
    ck_assert_int_eq(count, 20);
    static const int want[][2] = {{BN_CODEC_NONE, 4}, {BN_CODEC_GZIP, 4}, {BN_CODEC_LZ4, 4}, {BN_CODEC_NONE, 8}};
    struct bn_slice left = bn_str_slice(&out);
    for (size_t i = 0; i < BN_ARRAY_LEN(want); i++) {
        struct bn_batch b;
        ck_assert_int_eq(bn_batch_peek(left, &b), 0);
        ck_assert_int_eq(bn_batch_codec(&b), want[i][0]);
        ck_assert_int_eq(b.record_count, want[i][1]);
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    ck_assert_uint_eq(left.len, 0);
    ck_assert_int_eq(bn_legacy_to_v2(BN_SLICE_NULL, EXPAND_MAX, &out, &count, &e), 0); /* an empty set is empty */
    ck_assert_int_eq(count, 0);
    bn_str_fini(&set);
    bn_str_fini(&out);
}
END_TEST

/* What one message is made of, so that wrong ones with a right checksum can be made. */
struct made {
    int magic, attributes;
    int64_t timestamp;
    struct bn_slice key, value;
};

static void add_bytes(struct bn_str *out, struct bn_slice s) {
    uint8_t len[4];
    bn_put_u32(len, bn_slice_is_null(s) ? UINT32_MAX : (uint32_t)s.len);
    bn_str_add_slice(out, bn_slice_of(len, 4));
    bn_str_add_slice(out, s);
}

static void make(struct bn_str *set, const struct made *m) {
    struct bn_str body;
    uint8_t number[12] = {0};
    bn_str_init(&body);
    bn_str_add_slice(&body, bn_slice_of(((uint8_t[]){(uint8_t)m->magic, (uint8_t)m->attributes}), 2));
    bn_put_u64(number, (uint64_t)m->timestamp);
    if (m->magic == 1) bn_str_add_slice(&body, bn_slice_of(number, 8));
    add_bytes(&body, m->key);
    add_bytes(&body, m->value);
    bn_put_u64(number, 7);
    bn_put_u32(number + 8, (uint32_t)body.len + 4);
    bn_str_add_slice(set, bn_slice_of(number, 12));
    bn_put_u32(number, bn_legacy_crc32(0, body.ptr, body.len));
    bn_str_add_slice(set, bn_slice_of(number, 4));
    bn_str_add_slice(set, bn_str_slice(&body));
    bn_str_fini(&body);
}

/* A wrapper of `magic` around the messages of `inner`. */
static void wrap(struct bn_str *set, int magic, int codec, struct bn_slice inner) {
    struct bn_str packed;
    bn_str_init(&packed);
    ck_assert_int_eq(bn_compress_pack(codec, 3, inner, magic == 0, &packed), 0);
    make(set, &(struct made){magic, codec, 99, BN_SLICE_NULL, bn_str_slice(&packed)});
    bn_str_fini(&packed);
}

static void check_refused(struct bn_slice set, size_t max_bytes, int want, const char *why) {
    struct bn_str out;
    struct bn_err e = BN_ERR_NONE;
    int32_t count;
    bn_str_init(&out);
    bn_str_add(&out, "before");
    ck_assert_int_eq(bn_legacy_to_v2(set, max_bytes, &out, &count, &e), want);
    ck_assert_msg(strstr(e.text, why) != NULL, "'%s' should say '%s'", e.text, why);
    ck_assert_str_eq(out.ptr, "before");
    ck_assert_uint_eq(out.len, 6);
    bn_str_fini(&out);
}

START_TEST(refuses_with_a_reason) {
    static const struct {
        struct made m;
        const char *why;
    } table[] = {
        {{2, 0, 0, BN_SLICE_NULL, BN_SLICE_NULL}, "magic 2"},
        {{-1, 0, 0, BN_SLICE_NULL, BN_SLICE_NULL}, "magic -1"},
        {{1, 0, -2, BN_SLICE_NULL, BN_SLICE_NULL}, "timestamp -2"},
        {{1, BN_CODEC_ZSTD, 0, BN_SLICE_NULL, BN_SLICE_NULL}, "codec 4"},
        {{1, 7, 0, BN_SLICE_NULL, BN_SLICE_NULL}, "codec 7"},
        {{1, BN_CODEC_GZIP, 0, BN_SLICE_NULL, BN_SLICE_NULL}, "gzip"},
        {{0, BN_CODEC_SNAPPY, 0, BN_SLICE_NULL, {(const uint8_t *)"\xff\xff\xff\xff\x0f", 5}}, "snappy"},
    };
    struct bn_str set;
    bn_str_init(&set);
    for (size_t i = 0; i < BN_ARRAY_LEN(table); i++) {
        bn_str_clear(&set);
        make(&set, &table[i].m);
        check_refused(bn_str_slice(&set), EXPAND_MAX, BN_BAD, table[i].why);
    }
    bn_str_fini(&set);
}
END_TEST

START_TEST(refuses_bad_wrappers) {
    struct bn_str set, inner, middle;
    struct made plain = {1, 0, 5, BN_SLICE_NULL, BN_SLICE_LIT("value")};
    bn_str_init(&set);
    bn_str_init(&inner);
    bn_str_init(&middle);
    make(&inner, &plain);
    wrap(&middle, 1, BN_CODEC_GZIP, bn_str_slice(&inner));
    wrap(&set, 1, BN_CODEC_GZIP, bn_str_slice(&middle));
    check_refused(bn_str_slice(&set), EXPAND_MAX, BN_BAD, "inside a wrapper");

    bn_str_clear(&set); /* of another format than its wrapper */
    wrap(&set, 0, BN_CODEC_LZ4, bn_str_slice(&inner));
    check_refused(bn_str_slice(&set), EXPAND_MAX, BN_BAD, "in a wrapper of magic 0");

    bn_str_clear(&set); /* nothing in it */
    wrap(&set, 1, BN_CODEC_SNAPPY, bn_slice_of("", 0));
    check_refused(bn_str_slice(&set), EXPAND_MAX, BN_BAD, "empty");

    bn_str_clear(&set); /* the inner checksum counts too */
    inner.ptr[inner.len - 1] ^= 1;
    wrap(&set, 1, BN_CODEC_GZIP, bn_str_slice(&inner));
    check_refused(bn_str_slice(&set), EXPAND_MAX, BN_BAD, "CRC-32");

    bn_str_clear(&set);
    inner.ptr[inner.len - 1] ^= 1;
    wrap(&set, 1, BN_CODEC_GZIP, bn_slice_of(inner.ptr, inner.len - 1));
    check_refused(bn_str_slice(&set), EXPAND_MAX, BN_BAD, "exceeds");

    bn_str_clear(&set); /* each fits the bound, but not all of them */
    for (int i = 0; i < 3; i++) wrap(&set, 1, BN_CODEC_GZIP, bn_str_slice(&inner));
    check_refused(bn_str_slice(&set), inner.len * 3 - 1, BN_FULL, "bound");
    struct bn_err e;
    int32_t count;
    bn_str_clear(&middle);
    ck_assert_int_eq(bn_legacy_to_v2(bn_str_slice(&set), inner.len * 3, &middle, &count, &e), 0);
    ck_assert_int_eq(count, 3);
    bn_str_fini(&set);
    bn_str_fini(&inner);
    bn_str_fini(&middle);
}
END_TEST

/* Every cut that isn't between messages and every flipped bit is refused, except in the offsets, which mean nothing. */
START_TEST(no_damage_goes_unseen) {
    for (size_t n = 0; n < BN_ARRAY_LEN(golden_legacy); n++) {
        struct bn_slice whole = kit_hex(golden_legacy[n].hex);
        struct bn_err e;
        struct bn_str out;
        int32_t count;
        bn_str_init(&out);
        size_t at_message = 0; /* where the message that holds the byte starts */
        for (size_t at = 0; at < whole.len; at++) {
            if (at == at_message + 12 + bn_get_u32(whole.ptr + at_message + 8)) at_message = at;
            uint8_t *part = bn_alloc(at ? at : 1);
            memcpy(part, whole.ptr, at);
            int rc = bn_legacy_to_v2(bn_slice_of(part, at), EXPAND_MAX, &out, &count, &e);
            ck_assert_int_eq(rc, at == at_message ? 0 : BN_BAD);
            bn_alloc_free(part);
            for (int bit = 0; bit < 8; bit++) {
                uint8_t *p = (uint8_t *)(uintptr_t)whole.ptr + at;
                *p ^= (uint8_t)(1 << bit);
                rc = bn_legacy_to_v2(whole, EXPAND_MAX, &out, &count, &e);
                ck_assert_msg(rc == (at < at_message + 8 ? 0 : BN_BAD), "%s byte %zu", golden_legacy[n].name, at);
                *p ^= (uint8_t)(1 << bit);
            }
            bn_str_clear(&out);
        }
        bn_str_fini(&out);
        kit_free(whole);
    }
}
END_TEST

START_TEST(checksum_is_ieee) {
    ck_assert_uint_eq(bn_legacy_crc32(0, "123456789", 9), 0xcbf43926u);
    ck_assert_uint_eq(bn_legacy_crc32(0, "", 0), 0);
}
END_TEST

Suite *legacy_suite(void) {
    Suite *s = suite_create("legacy");
    TCase *c = tcase_create("legacy");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, converts_what_java_writes);
    tcase_add_test(c, splits_runs);
    tcase_add_test(c, refuses_with_a_reason);
    tcase_add_test(c, refuses_bad_wrappers);
    tcase_add_test(c, no_damage_goes_unseen);
    tcase_add_test(c, checksum_is_ieee);
    suite_add_tcase(s, c);
    return s;
}
