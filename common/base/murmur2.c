/* murmur2.c: Austin Appleby's MurmurHash2, 32 bits, with the seed of Kafka's default partitioner. */
#include "common/base/murmur2.h"

#include <string.h>

enum { SHIFT = 24 };
static const uint32_t seed = 0x9747b28c;
static const uint32_t multiplier = 0x5bd1e995;

uint32_t bn_murmur2(const void *ptr, size_t len) {
    const uint8_t *p = ptr;
    uint32_t h = seed ^ (uint32_t)len;
    for (; len >= 4; p += 4, len -= 4) {
        uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        k *= multiplier;
        k ^= k >> SHIFT;
        k *= multiplier;
        h *= multiplier;
        h ^= k;
    }
    if (len > 2) h ^= (uint32_t)p[2] << 16;
    if (len > 1) h ^= (uint32_t)p[1] << 8;
    if (len > 0) {
        h ^= p[0];
        h *= multiplier;
    }
    h ^= h >> 13;
    h *= multiplier;
    h ^= h >> 15;
    return h;
}
