/* compress.h: the four codecs of record batches, streaming and bounded (4-storage: xerial and raw snappy are both
 * accepted; LZ4 frames; the old message format v0 has a wrong LZ4 header checksum by design). */
#ifndef BN_COMPRESS_H
#define BN_COMPRESS_H

#include "common/base/base.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/base/str.h"

enum bn_codec_kind { BN_CODEC_NONE, BN_CODEC_GZIP, BN_CODEC_SNAPPY, BN_CODEC_LZ4, BN_CODEC_ZSTD };

const char *bn_compress_name(int kind);     /* "none" "gzip" "snappy" "lz4" "zstd"; NULL */
int bn_compress_kind(struct bn_slice name); /* -1 if unknown; "none" and "uncompressed" are 0 */

/* Appends in's plain bytes to out (a bn_str used as bytes), at most max_bytes of them. BN_BAD for garbage, BN_FULL
 * when more would come out. legacy_lz4: ignore the frame header's checksum. */
int bn_compress_expand(int kind, struct bn_slice in, size_t max_bytes, bool legacy_lz4,
                       struct bn_str *out) BN_MUST_CHECK;
/* Appends in compressed. level: the codec's own (Kafka's -1, 9, 3 defaults are the caller's); snappy has none and is
 * framed as Java's clients do (xerial). */
int bn_compress_pack(int kind, int level, struct bn_slice in, bool legacy_lz4, struct bn_str *out) BN_MUST_CHECK;

#endif
