/* kit.h: what the codec's tests share: numbers from a seed, hex, and encoding to flat memory. */
#ifndef KAFKA_KIT_H
#define KAFKA_KIT_H

#include "common/base/alloc.h"
#include "proto/kafka/codec.h"

struct kit_dice {
    uint64_t state;
};

/* splitmix64 */
static inline uint32_t kit_roll(void *arg) {
    struct kit_dice *d = arg;
    uint64_t z = (d->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

/* Encodes; gives exactly as many bytes as there are (bn_alloc_free .ptr), so that ASan sees any byte read beyond. */
static inline struct bn_slice kit_encode(const struct bn_codec_desc *d, int version, void *message) {
    struct bn_chain out;
    bn_chain_init(&out);
    bn_codec_encode(d, version, message, &out);
    uint8_t *bytes = bn_alloc(out.size_bytes ? out.size_bytes : 1);
    if (bn_chain_copy_out(&out, bytes) != 0) abort();
    struct bn_slice s = bn_slice_of(bytes, out.size_bytes);
    bn_chain_fini(&out);
    return s;
}

/* "00 0a|ff" to bytes: anything but hex digits is decoration. Gives (bn_alloc_free .ptr). */
static inline struct bn_slice kit_hex(const char *text) {
    size_t n = 0;
    int high = -1;
    uint8_t *out = bn_alloc(strlen(text) / 2 + 1);
    for (; *text; text++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, *text);
        if (!at) continue;
        if (high < 0) {
            high = (int)(at - digits);
        } else {
            out[n++] = (uint8_t)(high << 4 | (int)(at - digits));
            high = -1;
        }
    }
    uint8_t *exact = bn_alloc(n ? n : 1);
    memcpy(exact, out, n);
    bn_alloc_free(out);
    return bn_slice_of(exact, n);
}

static inline void kit_free(struct bn_slice s) {
    bn_alloc_free((void *)(uintptr_t)s.ptr);
}

#endif
