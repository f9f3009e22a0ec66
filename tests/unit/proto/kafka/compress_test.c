/* compress_test.c: the four codecs give back what went in, read what other programs write, and stay within their bound
 * whatever the bytes. Sources of truth: the libraries themselves, Kafka's batches (batch_test.c, legacy_test.c) and the
 * LZ4 header checksum as the old format computes it. */
#include "proto/kafka/compress.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zstd.h>

#include "common/base/bytes.h"
#include "tests/unit/proto/kafka/kit.h"
#include "tests/unit/proto/kafka/suites.h"

enum { KINDS = 5, BIG = 300000 };

static const int levels[KINDS] = {0, -1, 0, 9, 3};

/* Text that shrinks, then noise that doesn't. */
static struct bn_slice sample(size_t len) {
    struct kit_dice dice = {len + 1};
    uint8_t *p = bn_alloc(len ? len : 1);
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(i < len / 2 ? "abcdefgh, and so on; "[i % 21] : (int)kit_roll(&dice));
    return bn_slice_of(p, len);
}

static struct bn_slice copy_of(struct bn_slice s) {
    uint8_t *p = bn_alloc(s.len ? s.len : 1);
    if (s.len) memcpy(p, s.ptr, s.len);
    return bn_slice_of(p, s.len);
}

static void check_round_trip(int kind, size_t len, bool legacy) {
    struct bn_slice in = sample(len);
    struct bn_str packed, plain;
    bn_str_init(&packed);
    bn_str_init(&plain);
    bn_str_add(&plain, "before");
    ck_assert_int_eq(bn_compress_pack(kind, levels[kind], in, legacy, &packed), 0);
    ck_assert_int_eq(bn_compress_expand(kind, bn_str_slice(&packed), len, legacy, &plain), 0);
    ck_assert_uint_eq(plain.len, len + 6);
    ck_assert(memcmp(plain.ptr, "before", 6) == 0);
    ck_assert(len == 0 || memcmp(plain.ptr + 6, in.ptr, len) == 0);
    ck_assert_int_eq(plain.ptr[plain.len], '\0');
    if (len > 0) {
        bn_str_clear(&plain);
        ck_assert_int_eq(bn_compress_expand(kind, bn_str_slice(&packed), len - 1, legacy, &plain), BN_FULL);
        ck_assert_uint_le(plain.len, len - 1);
    }
    bn_str_fini(&packed);
    bn_str_fini(&plain);
    kit_free(in);
}

START_TEST(gives_back_what_went_in) {
    static const size_t lengths[] = {0, 1, 7, 4096, 32768, 32769, 65536, 65537, BIG};
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < BN_ARRAY_LEN(lengths); i++) check_round_trip(kind, lengths[i], false);
    for (size_t i = 0; i < BN_ARRAY_LEN(lengths); i++) check_round_trip(BN_CODEC_LZ4, lengths[i], true);
}
END_TEST

START_TEST(names_are_kafkas) {
    static const char *const names[KINDS] = {"none", "gzip", "snappy", "lz4", "zstd"};
    for (int kind = 0; kind < KINDS; kind++) {
        ck_assert_str_eq(bn_compress_name(kind), names[kind]);
        ck_assert_int_eq(bn_compress_kind(bn_slice_str(names[kind])), kind);
    }
    ck_assert_int_eq(bn_compress_kind(BN_SLICE_LIT("uncompressed")), BN_CODEC_NONE);
    ck_assert_int_eq(bn_compress_kind(BN_SLICE_LIT("brotli")), -1);
    ck_assert_int_eq(bn_compress_kind(BN_SLICE_LIT("")), -1);
    ck_assert_ptr_null(bn_compress_name(5));
    ck_assert_ptr_null(bn_compress_name(-1));
    struct bn_str out;
    bn_str_init(&out);
    ck_assert_int_eq(bn_compress_pack(5, 0, BN_SLICE_LIT("x"), false, &out), BN_BAD);
    ck_assert_int_eq(bn_compress_expand(7, BN_SLICE_LIT("x"), 9, false, &out), BN_BAD);
    bn_str_fini(&out);
}
END_TEST

/* Streams in a row are one, for the codecs that have frames; a broken second one spoils the whole. */
START_TEST(reads_streams_in_a_row) {
    for (int kind = BN_CODEC_GZIP; kind < KINDS; kind++) {
        struct bn_str packed, plain;
        bn_str_init(&packed);
        bn_str_init(&plain);
        ck_assert_int_eq(bn_compress_pack(kind, levels[kind], BN_SLICE_LIT("first "), false, &packed), 0);
        size_t one = packed.len;
        ck_assert_int_eq(bn_compress_pack(kind, levels[kind], BN_SLICE_LIT("second"), false, &packed), 0);
        ck_assert_int_eq(bn_compress_expand(kind, bn_str_slice(&packed), 12, false, &plain), 0);
        ck_assert_str_eq(plain.ptr, "first second");
        bn_str_clear(&plain);
        ck_assert_int_eq(bn_compress_expand(kind, bn_str_slice(&packed), 11, false, &plain), BN_FULL);
        struct bn_slice garbage = copy_of(bn_slice_of(packed.ptr, one + 3));
        ck_assert_int_eq(bn_compress_expand(kind, garbage, 100, false, &plain), BN_BAD);
        kit_free(garbage);
        bn_str_fini(&packed);
        bn_str_fini(&plain);
    }
}
END_TEST

START_TEST(reads_raw_snappy) {
    struct bn_slice in = sample(70000);
    size_t len = snappy_max_compressed_length(in.len);
    char *raw = bn_alloc(len);
    struct bn_str plain;
    bn_str_init(&plain);
    ck_assert_int_eq(snappy_compress((const char *)in.ptr, in.len, raw, &len), SNAPPY_OK);
    ck_assert_int_eq(bn_compress_expand(BN_CODEC_SNAPPY, bn_slice_of(raw, len), in.len, false, &plain), 0);
    ck_assert(bn_slice_eq(bn_str_slice(&plain), in));
    bn_str_fini(&plain);
    bn_alloc_free(raw);
    kit_free(in);
}
END_TEST

/* Java's zstd stream doesn't tell the size of its content; nor do we need it. */
START_TEST(reads_zstd_of_unknown_size) {
    struct bn_slice in = sample(BIG);
    size_t bound = ZSTD_compressBound(in.len);
    char *packed = bn_alloc(bound);
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0);
    size_t len = ZSTD_compress2(ctx, packed, bound, in.ptr, in.len);
    ck_assert_uint_eq(ZSTD_getFrameContentSize(packed, len), ZSTD_CONTENTSIZE_UNKNOWN);
    struct bn_str plain;
    bn_str_init(&plain);
    ck_assert_int_eq(bn_compress_expand(BN_CODEC_ZSTD, bn_slice_of(packed, len), BIG, false, &plain), 0);
    ck_assert(bn_slice_eq(bn_str_slice(&plain), in));
    bn_str_fini(&plain);
    ZSTD_freeCCtx(ctx);
    bn_alloc_free(packed);
    kit_free(in);
}
END_TEST

/* The old format's checksum covers the magic; the plain reader refuses it and the lenient one takes either. */
START_TEST(knows_both_lz4_checksums) {
    struct bn_str old, new, plain;
    bn_str_init(&old);
    bn_str_init(&new);
    bn_str_init(&plain);
    ck_assert_int_eq(bn_compress_pack(BN_CODEC_LZ4, 9, BN_SLICE_LIT("the castle"), true, &old), 0);
    ck_assert_int_eq(bn_compress_pack(BN_CODEC_LZ4, 9, BN_SLICE_LIT("the castle"), false, &new), 0);
    ck_assert_uint_eq(old.len, new.len);
    ck_assert_int_eq(new.ptr[4], 0x60); /* version 1, independent blocks, nothing optional */
    ck_assert_int_eq(new.ptr[5], 0x40); /* blocks of 64 KiB */
    ck_assert_int_eq((uint8_t) new.ptr[6], 0x82);
    ck_assert_int_ne(old.ptr[6], new.ptr[6]);
    ck_assert(memcmp(old.ptr, new.ptr, 6) == 0 && memcmp(old.ptr + 7, new.ptr + 7, old.len - 7) == 0);
    ck_assert_int_eq(bn_compress_expand(BN_CODEC_LZ4, bn_str_slice(&old), 99, false, &plain), BN_BAD);
    ck_assert_int_eq(bn_compress_expand(BN_CODEC_LZ4, bn_str_slice(&new), 99, true, &plain), 0);
    ck_assert_str_eq(plain.ptr, "the castle");
    bn_str_fini(&old);
    bn_str_fini(&new);
    bn_str_fini(&plain);
}
END_TEST

/* Headers with optional fields are patched at the right place. */
START_TEST(patches_long_lz4_headers) {
    struct bn_slice in = sample(5000);
    LZ4F_preferences_t how = {.frameInfo = {.contentSize = in.len, .dictID = 0, .contentChecksumFlag = 1}};
    size_t bound = LZ4F_compressFrameBound(in.len, &how);
    uint8_t *packed = bn_alloc(bound);
    size_t len = LZ4F_compressFrame(packed, bound, in.ptr, in.len, &how);
    ck_assert(!LZ4F_isError(len));
    packed[14] ^= 0xff; /* magic, two flag bytes, eight of size, then the checksum */
    struct bn_str plain;
    bn_str_init(&plain);
    ck_assert_int_eq(bn_compress_expand(BN_CODEC_LZ4, bn_slice_of(packed, len), 5000, false, &plain), BN_BAD);
    ck_assert_int_eq(bn_compress_expand(BN_CODEC_LZ4, bn_slice_of(packed, len), 5000, true, &plain), 0);
    ck_assert(bn_slice_eq(bn_str_slice(&plain), in));
    bn_str_fini(&plain);
    bn_alloc_free(packed);
    kit_free(in);
}
END_TEST

/* Every way to cut a stream short is noticed, and no damaged byte does harm or breaks the bound. */
START_TEST(survives_cuts_and_flips) {
    struct bn_slice in = sample(600);
    for (int kind = BN_CODEC_GZIP; kind < KINDS; kind++) {
        struct bn_str packed, plain;
        bn_str_init(&packed);
        bn_str_init(&plain);
        ck_assert_int_eq(bn_compress_pack(kind, levels[kind], in, false, &packed), 0);
        for (size_t cut = 0; cut < packed.len; cut++) {
            struct bn_slice part = copy_of(bn_slice_of(packed.ptr, cut));
            bn_str_clear(&plain);
            int rc = bn_compress_expand(kind, part, 1000, false, &plain);
            /* A xerial stream has no end mark: cut between blocks it is just shorter. */
            bool between = kind == BN_CODEC_SNAPPY && cut == 16;
            ck_assert_msg(rc == (between ? 0 : BN_BAD), "%s cut at %zu: %d", bn_compress_name(kind), cut, rc);
            kit_free(part);
        }
        for (size_t bit = 0; bit < packed.len * 8; bit++) {
            struct bn_slice part = copy_of(bn_str_slice(&packed));
            ((uint8_t *)(uintptr_t)part.ptr)[bit / 8] ^= (uint8_t)(1 << bit % 8);
            bn_str_clear(&plain);
            int rc = bn_compress_expand(kind, part, 700, bit % 2, &plain);
            ck_assert(rc == 0 || rc == BN_BAD || rc == BN_FULL);
            ck_assert_uint_le(plain.len, 700);
            ck_assert_int_eq(plain.ptr[plain.len], '\0');
            kit_free(part);
        }
        bn_str_fini(&packed);
        bn_str_fini(&plain);
    }
    kit_free(in);
}
END_TEST

/* Small inputs that announce or make far too much cost no memory to speak of. */
START_TEST(refuses_bombs_cheaply) {
    static const struct {
        int kind, want;
        const char *hex;
    } table[] = {
        {BN_CODEC_SNAPPY, BN_BAD, "ffffffff0f 00"},                                  /* 4 GiB from one byte */
        {BN_CODEC_SNAPPY, BN_BAD, "ffffffffffffffff7f 00"},                          /* a length of no 32 bits */
        {BN_CODEC_SNAPPY, BN_BAD, "82534e4150505900 00000001 00000001 7fffffff 00"}, /* a block that isn't there */
        {BN_CODEC_SNAPPY, BN_BAD, "82534e4150505900 00000001 00000001 ffffffff 00"}, /* negative */
        {BN_CODEC_SNAPPY, BN_BAD, "82534e4150505900 00000001 00000001 00000000"},    /* empty */
        {BN_CODEC_SNAPPY, BN_BAD, "82534e4150505900 00000001"},                      /* header cut: no raw block */
        {BN_CODEC_ZSTD, BN_BAD, "28b52ffd e0 ffffffffffffff7f 010000"},              /* claims 2^63 bytes */
        {BN_CODEC_LZ4, BN_BAD, "04224d18 68 70 ffffffffffffff7f 00 00000000"},
        {BN_CODEC_GZIP, BN_BAD, "1f8b0800000000000003 00"},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(table); i++) {
        struct bn_slice in = kit_hex(table[i].hex);
        struct bn_str plain;
        bn_str_init(&plain);
        for (int legacy = 0; legacy < 2; legacy++)
            ck_assert_int_eq(bn_compress_expand(table[i].kind, in, SIZE_MAX / 8, legacy, &plain), table[i].want);
        ck_assert_uint_lt(plain.capacity, 1 << 16);
        bn_str_fini(&plain);
        kit_free(in);
    }
    uint8_t *zeros = bn_alloc_zero(64, 1 << 20);
    for (int kind = BN_CODEC_GZIP; kind < KINDS; kind++) {
        struct bn_str packed, plain;
        bn_str_init(&packed);
        bn_str_init(&plain);
        ck_assert_int_eq(bn_compress_pack(kind, levels[kind], bn_slice_of(zeros, 64 << 20), false, &packed), 0);
        ck_assert_int_eq(bn_compress_expand(kind, bn_str_slice(&packed), 100000, false, &plain), BN_FULL);
        ck_assert_uint_le(plain.capacity, 400000);
        bn_str_fini(&packed);
        bn_str_fini(&plain);
    }
    bn_alloc_free(zeros);
}
END_TEST

Suite *compress_suite(void) {
    Suite *s = suite_create("compress");
    TCase *c = tcase_create("compress");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, gives_back_what_went_in);
    tcase_add_test(c, names_are_kafkas);
    tcase_add_test(c, reads_streams_in_a_row);
    tcase_add_test(c, reads_raw_snappy);
    tcase_add_test(c, reads_zstd_of_unknown_size);
    tcase_add_test(c, knows_both_lz4_checksums);
    tcase_add_test(c, patches_long_lz4_headers);
    tcase_add_test(c, survives_cuts_and_flips);
    tcase_add_test(c, refuses_bombs_cheaply);
    suite_add_tcase(s, c);
    return s;
}
