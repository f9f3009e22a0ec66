/* compress.c: the codecs of record batches, by zlib, snappy, lz4frame and zstd.
 *
 * Expansion is streaming: output grows in steps that are at most doubled and never passes max_bytes, so that a small
 * hostile input costs little before it is refused. Snappy can't stream; the length that a block announces is compared
 * with what its bytes could possibly make, and with max_bytes, before memory is taken. Several gzip members, zstd
 * frames or LZ4 frames in a row are one stream, as Kafka's readers have it; anything else behind a frame is garbage.
 *
 * Packing writes what Kafka's Java clients write: xerial framing for snappy, 64 KiB independent blocks without content
 * checksum for LZ4. Library contexts live for one call: nothing is kept between calls, and every thread may call. */
#include "proto/kafka/compress.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/bytes.h"
#include "common/base/check.h"

enum {
    STEP_MIN = 4096,      /* first output room of a stream */
    STEP_MAX = 1 << 20,   /* and the largest one */
    XERIAL_HEADER = 16,   /* magic, version, oldest compatible version */
    XERIAL_BLOCK = 32768, /* what Java's writer puts into one block */
    SNAPPY_GAIN_MAX = 32, /* a 3-byte copy makes at most 64 bytes: 22-fold */
    LZ4_MAGIC_SIZE = 4,
    LZ4_HEADER_MIN = 7,  /* magic, FLG, BD, HC */
    LZ4_HEADER_MAX = 19, /* with content size and dictionary id */
    LZ4_FLG_CONTENT_SIZE = 0x08,
    LZ4_FLG_DICTIONARY = 0x01,
    LZ4_LEVEL_KAFKA_DEFAULT = 9, /* Kafka's name for its fast compressor */
};

static const uint8_t xerial_magic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
static const uint8_t lz4_magic[LZ4_MAGIC_SIZE] = {0x04, 0x22, 0x4d, 0x18};
static const char *const names[] = {"none", "gzip", "snappy", "lz4", "zstd"};

const char *bn_compress_name(int kind) { return kind >= 0 && (size_t)kind < BN_ARRAY_LEN(names) ? names[kind] : NULL; }

int bn_compress_kind(struct bn_slice name) {
    if (bn_slice_eq_str(name, "uncompressed")) return BN_CODEC_NONE;
    for (size_t i = 0; i < BN_ARRAY_LEN(names); i++)
        if (bn_slice_eq_str(name, names[i])) return (int)i;
    return -1;
}

/* Where a stream's bytes go. */
struct sink {
    struct bn_str *out;
    size_t left;   /* of max_bytes */
    size_t step;   /* next room to ask for */
    uint8_t spare; /* the room of a full sink: a decoder that fills it has one byte too many */
};

static struct sink sink_of(struct bn_str *out, size_t max_bytes) { return (struct sink){out, max_bytes, STEP_MIN, 0}; }

/* Room for the decoder: at least one byte; the spare one once max_bytes have come, since only that tells whether the
 * stream is at its end. */
static uint8_t *sink_room(struct sink *s, size_t *len) {
    *len = bn_min_size(s->left, s->step);
    if (*len == 0) {
        *len = 1;
        return &s->spare;
    }
    if (s->step < STEP_MAX) s->step *= 2;
    return (uint8_t *)bn_str_reserve(s->out, *len);
}

/* len bytes were written to the room. BN_FULL when it was the spare byte. */
static int sink_wrote(struct sink *s, size_t len) {
    if (len == 0) return 0;
    if (s->left == 0) return BN_FULL;
    s->out->len += len;
    s->left -= len;
    return 0;
}

static int expand_gzip(struct bn_slice in, struct sink *sink) {
    z_stream z;
    memset(&z, 0, sizeof z);
    BN_ASSERT(inflateInit2(&z, 16 + MAX_WBITS) == Z_OK);
    int status = BN_BAD;
    z.next_in = (Bytef *)(uintptr_t)in.ptr; /* zlib only reads */
    z.avail_in = (uInt)in.len;
    for (;;) {
        size_t room;
        z.next_out = sink_room(sink, &room);
        z.avail_out = (uInt)room;
        int rc = inflate(&z, Z_NO_FLUSH);
        BN_ASSERT(rc != Z_MEM_ERROR);
        size_t made = room - z.avail_out;
        if (rc != Z_OK && rc != Z_STREAM_END) break; /* also Z_BUF_ERROR: the input ended too early */
        if ((status = sink_wrote(sink, made)) != 0) break;
        if (rc == Z_STREAM_END) {
            if (z.avail_in == 0) break;
            BN_ASSERT(inflateReset(&z) == Z_OK); /* another member */
        }
        status = BN_BAD;
    }
    inflateEnd(&z);
    return status;
}

static int expand_zstd(struct bn_slice in, struct sink *sink) {
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    BN_ASSERT(ctx);
    ZSTD_inBuffer from = {in.ptr, in.len, 0};
    int status = BN_BAD;
    for (;;) {
        size_t room;
        uint8_t *ptr = sink_room(sink, &room);
        ZSTD_outBuffer to = {ptr, room, 0};
        size_t before = from.pos;
        size_t rc = ZSTD_decompressStream(ctx, &to, &from);
        if (ZSTD_isError(rc)) break;
        if ((status = sink_wrote(sink, to.pos)) != 0) break;
        if (rc == 0 && from.pos == from.size) break; /* the end of a frame and of the input */
        status = BN_BAD;
        if (to.pos == 0 && from.pos == before) break; /* it wants bytes that aren't there */
    }
    ZSTD_freeDCtx(ctx);
    return status;
}

/* Length of the LZ4 frame header at the front of in; 0 when it isn't there whole. */
static size_t lz4_header_size(struct bn_slice in) {
    if (in.len < LZ4_HEADER_MIN) return 0;
    size_t n = LZ4_HEADER_MIN;
    if (in.ptr[LZ4_MAGIC_SIZE] & LZ4_FLG_CONTENT_SIZE) n += 8;
    if (in.ptr[LZ4_MAGIC_SIZE] & LZ4_FLG_DICTIONARY) n += 4;
    return n <= in.len ? n : 0;
}

/* The header checksum over ptr, which ends before the checksum's byte. */
static uint8_t lz4_checksum(const uint8_t *ptr, size_t len) { return (uint8_t)(XXH32(ptr, len, 0) >> 8); }

/* Feeds the header of a frame with the checksum it should have had. Gives the bytes of it, 0 if it is no header. */
static size_t lz4_feed_legacy_header(LZ4F_dctx *ctx, struct bn_slice in) {
    size_t n = lz4_header_size(in);
    if (n == 0 || memcmp(in.ptr, lz4_magic, LZ4_MAGIC_SIZE) != 0) return 0;
    uint8_t header[LZ4_HEADER_MAX], none;
    memcpy(header, in.ptr, n);
    header[n - 1] = lz4_checksum(header + LZ4_MAGIC_SIZE, n - 1 - LZ4_MAGIC_SIZE);
    size_t fed = n, made = 0;
    size_t rc = LZ4F_decompress(ctx, &none, &made, header, &fed, NULL);
    return LZ4F_isError(rc) || fed != n ? 0 : n;
}

static int expand_lz4(struct bn_slice in, bool legacy, struct sink *sink) {
    LZ4F_dctx *ctx;
    BN_ASSERT(!LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)));
    int status = BN_BAD;
    bool at_start = true; /* of a frame */
    for (;;) {
        if (at_start && legacy) {
            size_t n = lz4_feed_legacy_header(ctx, in);
            if (n == 0) break;
            in.ptr += n, in.len -= n;
        }
        size_t room, fed = in.len;
        uint8_t *ptr = sink_room(sink, &room);
        size_t rc = LZ4F_decompress(ctx, ptr, &room, in.ptr, &fed, NULL);
        if (LZ4F_isError(rc)) break;
        if ((status = sink_wrote(sink, room)) != 0) break;
        in.ptr += fed, in.len -= fed;
        at_start = rc == 0;
        if (at_start && in.len == 0) break; /* the end of a frame and of the input */
        status = BN_BAD;
        if (room == 0 && fed == 0) break; /* it wants bytes that aren't there */
    }
    LZ4F_freeDecompressionContext(ctx);
    return status;
}

static int expand_snappy_block(struct bn_slice in, struct sink *sink) {
    size_t len;
    if (snappy_uncompressed_length((const char *)in.ptr, in.len, &len) != SNAPPY_OK) return BN_BAD;
    if (len / SNAPPY_GAIN_MAX > in.len) return BN_BAD; /* more than these bytes can make */
    if (len > sink->left) return BN_FULL;
    char *to = bn_str_reserve(sink->out, len);
    if (snappy_uncompress((const char *)in.ptr, in.len, to, &len) != SNAPPY_OK) return BN_BAD;
    return sink_wrote(sink, len);
}

static bool at_xerial_header(const struct bn_cursor *c) {
    return bn_cursor_left(c) >= XERIAL_HEADER && memcmp(c->next, xerial_magic, sizeof xerial_magic) == 0;
}

static int expand_snappy(struct bn_slice in, struct sink *sink) {
    struct bn_cursor c = bn_cursor_of(in);
    if (!at_xerial_header(&c)) return expand_snappy_block(in, sink);
    while (bn_cursor_left(&c) > 0) {
        if (at_xerial_header(&c)) { /* streams may be concatenated; their versions are 1 and tell nothing */
            bn_cursor_take(&c, XERIAL_HEADER);
            continue;
        }
        int32_t len = bn_cursor_i32(&c);
        if (c.bad || len <= 0) return BN_BAD;
        struct bn_slice block = bn_cursor_slice(&c, (size_t)len);
        if (c.bad) return BN_BAD;
        int status = expand_snappy_block(block, sink);
        if (status) return status;
    }
    return 0;
}

static int expand(int kind, struct bn_slice in, bool legacy_lz4, struct sink *sink) {
    switch (kind) {
    case BN_CODEC_GZIP:
        return expand_gzip(in, sink);
    case BN_CODEC_SNAPPY:
        return expand_snappy(in, sink);
    case BN_CODEC_LZ4:
        return expand_lz4(in, legacy_lz4, sink);
    case BN_CODEC_ZSTD:
        return expand_zstd(in, sink);
    default:
        return BN_BAD;
    }
}

int bn_compress_expand(int kind, struct bn_slice in, size_t max_bytes, bool legacy_lz4, struct bn_str *out) {
    if (kind == BN_CODEC_NONE) {
        if (in.len > max_bytes) return BN_FULL;
        bn_str_add_slice(out, in);
        return 0;
    }
    if (in.len == 0 || in.len > INT32_MAX) return BN_BAD; /* every codec has a header; a batch has 31-bit lengths */
    struct sink sink = sink_of(out, max_bytes);
    int status = expand(kind, in, legacy_lz4, &sink);
    if (out->capacity) out->ptr[out->len] = '\0'; /* decoders have written beyond, also those that failed */
    return status;
}

static void pack_gzip(int level, struct bn_slice in, struct bn_str *out) {
    z_stream z;
    memset(&z, 0, sizeof z);
    BN_ASSERT(deflateInit2(&z, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t bound = deflateBound(&z, in.len);
    BN_ASSERT(bound <= UINT32_MAX);
    z.next_in = (Bytef *)(uintptr_t)in.ptr;
    z.avail_in = (uInt)in.len;
    z.next_out = (Bytef *)bn_str_reserve(out, bound);
    z.avail_out = (uInt)bound;
    BN_ASSERT(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out->len += bound - z.avail_out;
    deflateEnd(&z);
}

static void pack_snappy(struct bn_slice in, struct bn_str *out) {
    uint8_t header[XERIAL_HEADER];
    memcpy(header, xerial_magic, sizeof xerial_magic);
    bn_put_u32(header + 8, 1);
    bn_put_u32(header + 12, 1);
    bn_str_add_slice(out, bn_slice_of(header, sizeof header));
    while (in.len > 0) {
        size_t take = bn_min_size(in.len, XERIAL_BLOCK);
        size_t made = snappy_max_compressed_length(take);
        char *to = bn_str_reserve(out, 4 + made);
        BN_ASSERT(snappy_compress((const char *)in.ptr, take, to + 4, &made) == SNAPPY_OK);
        bn_put_u32((uint8_t *)to, (uint32_t)made);
        out->len += 4 + made;
        in.ptr += take, in.len -= take;
    }
}

static void pack_lz4(int level, struct bn_slice in, bool legacy, struct bn_str *out) {
    LZ4F_preferences_t how;
    memset(&how, 0, sizeof how);
    how.frameInfo.blockSizeID = LZ4F_max64KB;
    how.frameInfo.blockMode = LZ4F_blockIndependent;
    how.compressionLevel = level == LZ4_LEVEL_KAFKA_DEFAULT ? 0 : level;
    size_t bound = LZ4F_compressFrameBound(in.len, &how);
    uint8_t *to = (uint8_t *)bn_str_reserve(out, bound);
    size_t made = LZ4F_compressFrame(to, bound, in.ptr, in.len, &how);
    BN_ASSERT(!LZ4F_isError(made));
    if (legacy) { /* readers of format v0 compute it over the magic too */
        size_t n = lz4_header_size(bn_slice_of(to, made));
        to[n - 1] = lz4_checksum(to, n - 1);
    }
    out->len += made;
}

static void pack_zstd(int level, struct bn_slice in, struct bn_str *out) {
    size_t bound = ZSTD_compressBound(in.len);
    size_t made = ZSTD_compress(bn_str_reserve(out, bound), bound, in.ptr, in.len, level);
    BN_ASSERT(!ZSTD_isError(made));
    out->len += made;
}

int bn_compress_pack(int kind, int level, struct bn_slice in, bool legacy_lz4, struct bn_str *out) {
    BN_ASSERT(in.len <= INT32_MAX);
    switch (kind) {
    case BN_CODEC_NONE:
        bn_str_add_slice(out, in);
        return 0;
    case BN_CODEC_GZIP:
        pack_gzip(level, in, out);
        break;
    case BN_CODEC_SNAPPY:
        pack_snappy(in, out);
        break;
    case BN_CODEC_LZ4:
        pack_lz4(level, in, legacy_lz4, out);
        break;
    case BN_CODEC_ZSTD:
        pack_zstd(level, in, out);
        break;
    default:
        return BN_BAD;
    }
    out->ptr[out->len] = '\0';
    return 0;
}
