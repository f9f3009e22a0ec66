/* fuzz_codec.c: one fuzz target for every message of every version. The first byte of an input picks the message, the
 * second its version, the rest is what a peer might send.
 *
 * The oracle: decoding never reads outside (sanitizers watch) and never takes memory out of proportion; what it accepts
 * can be encoded, decodes again to something equal, and encodes a second time to the same bytes. */
#include "tests/fuzz/fuzz_codec.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/kapi.h"

enum { AMPLIFICATION = 24, ALLOWANCE = 4096 };

uint64_t fuzz_codec_accepted;

int fuzz_codec_messages(const struct bn_codec_desc *out[FUZZ_CODEC_MESSAGES_MAX]) {
    int n = 0;
    for (int key = 0; key < KAPI_KEYS; key++) {
        if (!bn_codec_request(key)) continue;
        BN_ASSERT(n + 2 <= FUZZ_CODEC_MESSAGES_MAX);
        out[n++] = bn_codec_request(key);
        out[n++] = bn_codec_response(key);
    }
    return n;
}

/* A copy in a block of its exact size, so that a sanitizer sees the first byte too far. */
static struct bn_slice exact(const uint8_t *p, size_t n) {
    uint8_t *copy = bn_alloc(n ? n : 1);
    if (n) memcpy(copy, p, n);
    return bn_slice_of(copy, n);
}

static struct bn_slice encoded(const struct bn_codec_desc *d, int version, void *message) {
    struct bn_chain out;
    bn_chain_init(&out);
    bn_codec_encode(d, version, message, &out);
    uint8_t *bytes = bn_alloc(out.size_bytes ? out.size_bytes : 1);
    BN_ASSERT(bn_chain_copy_out(&out, bytes) == 0);
    struct bn_slice s = bn_slice_of(bytes, out.size_bytes);
    bn_chain_fini(&out);
    return s;
}

static void check_accepted(const struct bn_codec_desc *d, int version, void *message, void *again) {
    struct bn_arena arena;
    bn_arena_init(&arena, SIZE_MAX);
    struct bn_slice first = encoded(d, version, message);
    BN_ASSERT(bn_codec_decode(d, version, first, &arena, again, NULL) == 0);
    BN_ASSERT(bn_codec_equal(d, version, message, again));
    struct bn_slice second = encoded(d, version, again);
    BN_ASSERT(bn_slice_eq(first, second));
    bn_alloc_free((void *)(uintptr_t)first.ptr);
    bn_alloc_free((void *)(uintptr_t)second.ptr);
    bn_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct bn_codec_desc *messages[FUZZ_CODEC_MESSAGES_MAX];
    static int count;
    if (!count) count = fuzz_codec_messages(messages);
    if (size < 2) return 0;
    const struct bn_codec_desc *d = messages[data[0] % count];
    int versions = bn_codec_max_version(d) - bn_codec_min_version(d) + 1;
    int version = bn_codec_min_version(d) + data[1] % versions;
    struct bn_slice in = exact(data + 2, size - 2);
    void *message = bn_alloc_zero(2, bn_codec_struct_size(d));
    struct bn_arena arena;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, SIZE_MAX);
    int rc = bn_codec_decode(d, version, in, &arena, message, &e);
    BN_ASSERT(rc == 0 || (rc == BN_BAD && e.text[0] != '\0'));
    BN_ASSERT(arena.used_bytes <= in.len * AMPLIFICATION + ALLOWANCE);
    if (rc == 0) {
        fuzz_codec_accepted++;
        check_accepted(d, version, message, (uint8_t *)message + bn_codec_struct_size(d));
    }
    bn_arena_fini(&arena);
    bn_alloc_free(message);
    bn_alloc_free((void *)(uintptr_t)in.ptr);
    return 0;
}
