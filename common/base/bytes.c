/* bytes.c: varints. Seven bits a byte, low bits first; bit 7 says that more follow. A reader refuses what
 * does not fit its width, so that no two encodings give one number by overflow. */
#include "common/base/bytes.h"

/* At most max_bytes, of which the last may carry last_bits. */
static uint64_t read_varint(struct bn_cursor *c, int max_bytes, uint8_t last_limit) {
    uint64_t v = 0;
    for (int i = 0; i < max_bytes; i++) {
        const uint8_t *p = bn_cursor_take(c, 1);
        if (!p) return 0;
        if (i == max_bytes - 1 && *p > last_limit) break;
        v |= (uint64_t)(*p & 0x7f) << (7 * i);
        if (*p < 0x80) return v;
    }
    c->bad = true;
    return 0;
}

static uint64_t read_u32(struct bn_cursor *c) { return read_varint(c, 5, 0x0f); }

uint32_t bn_cursor_uvarint(struct bn_cursor *c) { return (uint32_t)read_u32(c); }

int32_t bn_cursor_varint(struct bn_cursor *c) {
    uint32_t v = (uint32_t)read_u32(c);
    return (int32_t)((v >> 1) ^ (0 - (v & 1)));
}

int64_t bn_cursor_varlong(struct bn_cursor *c) {
    uint64_t v = read_varint(c, 10, 0x01);
    return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

static size_t write_varint(uint8_t *p, uint64_t v) {
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    return n;
}

static size_t varint_size(uint64_t v) {
    int bits = 64 - __builtin_clzll(v | 1);
    return (size_t)((bits + 6) / 7);
}

static uint32_t zigzag32(int32_t v) { return ((uint32_t)v << 1) ^ (uint32_t)(v >> 31); }
static uint64_t zigzag64(int64_t v) { return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63); }

size_t bn_put_uvarint(uint8_t *p, uint32_t v) { return write_varint(p, v); }
size_t bn_put_varint(uint8_t *p, int32_t v) { return write_varint(p, zigzag32(v)); }
size_t bn_put_varlong(uint8_t *p, int64_t v) { return write_varint(p, zigzag64(v)); }
size_t bn_uvarint_size(uint32_t v) { return varint_size(v); }
size_t bn_varint_size(int32_t v) { return varint_size(zigzag32(v)); }
size_t bn_varlong_size(int64_t v) { return varint_size(zigzag64(v)); }
