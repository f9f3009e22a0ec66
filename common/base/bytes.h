/* bytes.h: big-endian numbers, varints, and a bounded read cursor whose error sticks: read many fields,
 * test once. Comparisons are always `n > left`, so that no length can wrap. */
#ifndef BN_BYTES_H
#define BN_BYTES_H

#include "common/base/base.h"
#include "common/base/slice.h"

static inline uint16_t bn_get_u16(const uint8_t *p) { return (uint16_t)((p[0] << 8) | p[1]); }
static inline uint32_t bn_get_u32(const uint8_t *p) {
    uint32_t v;
    __builtin_memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
static inline uint64_t bn_get_u64(const uint8_t *p) {
    uint64_t v;
    __builtin_memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}
static inline void bn_put_u16(uint8_t *p, uint16_t v) {
    v = __builtin_bswap16(v);
    __builtin_memcpy(p, &v, 2);
}
static inline void bn_put_u32(uint8_t *p, uint32_t v) {
    v = __builtin_bswap32(v);
    __builtin_memcpy(p, &v, 4);
}
static inline void bn_put_u64(uint8_t *p, uint64_t v) {
    v = __builtin_bswap64(v);
    __builtin_memcpy(p, &v, 8);
}

struct bn_cursor {
    const uint8_t *start, *next, *end;
    bool bad; /* once set, every read gives 0 and moves nothing */
};

static inline struct bn_cursor bn_cursor_of(struct bn_slice s) {
    return (struct bn_cursor){s.ptr, s.ptr, s.ptr ? s.ptr + s.len : s.ptr, false};
}
static inline size_t bn_cursor_left(const struct bn_cursor *c) { return (size_t)(c->end - c->next); }
static inline const uint8_t *bn_cursor_take(struct bn_cursor *c, size_t n) {
    if (c->bad || n > bn_cursor_left(c)) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *p = c->next;
    c->next += n;
    return p;
}
static inline int8_t bn_cursor_i8(struct bn_cursor *c) {
    const uint8_t *p = bn_cursor_take(c, 1);
    return p ? (int8_t)*p : 0;
}
static inline int16_t bn_cursor_i16(struct bn_cursor *c) {
    const uint8_t *p = bn_cursor_take(c, 2);
    return p ? (int16_t)bn_get_u16(p) : 0;
}
static inline int32_t bn_cursor_i32(struct bn_cursor *c) {
    const uint8_t *p = bn_cursor_take(c, 4);
    return p ? (int32_t)bn_get_u32(p) : 0;
}
static inline int64_t bn_cursor_i64(struct bn_cursor *c) {
    const uint8_t *p = bn_cursor_take(c, 8);
    return p ? (int64_t)bn_get_u64(p) : 0;
}
static inline struct bn_slice bn_cursor_slice(struct bn_cursor *c, size_t n) {
    const uint8_t *p = bn_cursor_take(c, n);
    return p ? bn_slice_of(p, n) : BN_SLICE_NULL;
}
/* Unsigned varint, at most 5 (10) bytes and within 32 (64) bits, else bad. */
uint32_t bn_cursor_uvarint(struct bn_cursor *c);
/* Zig-zag varint and varlong of records. */
int32_t bn_cursor_varint(struct bn_cursor *c);
int64_t bn_cursor_varlong(struct bn_cursor *c);

/* Write at p; return the bytes written (at most 5, 5, 10). */
size_t bn_put_uvarint(uint8_t *p, uint32_t v);
size_t bn_put_varint(uint8_t *p, int32_t v);
size_t bn_put_varlong(uint8_t *p, int64_t v);
size_t bn_uvarint_size(uint32_t v);
size_t bn_varint_size(int32_t v);
size_t bn_varlong_size(int64_t v);

#endif
