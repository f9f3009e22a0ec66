/* slice.h: borrowed bytes. Never NUL-terminated. ptr == NULL means null (Kafka's null string). */
#ifndef BN_SLICE_H
#define BN_SLICE_H

#include <string.h>

#include "common/base/base.h"

struct bn_slice {
    const uint8_t *ptr;
    size_t len;
};

#define BN_SLICE_NULL ((struct bn_slice){NULL, 0})
#define BN_SLICE_LIT(s) ((struct bn_slice){(const uint8_t *)("" s), sizeof(s) - 1})
/* For printf's %.*s. */
#define BN_SLICE_FMT(s) (int)(s).len, (const char *)((s).ptr ? (s).ptr : (const uint8_t *)"")

static inline struct bn_slice bn_slice_of(const void *ptr, size_t len) {
    return (struct bn_slice){(const uint8_t *)ptr, len};
}
/* NULL gives the null slice. */
static inline struct bn_slice bn_slice_str(const char *s) { return s ? bn_slice_of(s, strlen(s)) : BN_SLICE_NULL; }
static inline bool bn_slice_is_null(struct bn_slice s) { return s.ptr == NULL; }
static inline bool bn_slice_eq(struct bn_slice a, struct bn_slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool bn_slice_eq_str(struct bn_slice a, const char *s) { return bn_slice_eq(a, bn_slice_str(s)); }
/* Order of bytes, shorter first when one is a prefix. */
static inline int bn_slice_cmp(struct bn_slice a, struct bn_slice b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}
/* That order, then the numbers': of a topic's name and a partition. */
static inline int bn_slice_cmp_place(struct bn_slice a, int32_t i, struct bn_slice b, int32_t k) {
    int c = bn_slice_cmp(a, b);
    return c ? c : (i > k) - (i < k);
}
/* Strict decimal parse of the whole slice (optional '-'); false on anything else or on overflow. */
bool bn_slice_to_i64(struct bn_slice s, int64_t *out);

#endif
