/* javahash.c: over UTF-16 units, as Java has its strings. */
#include "common/base/javahash.h"

/* One code point off the front of UTF-8; a byte that is none stands for itself, as U+FFFD would do in Java. */
static uint32_t next_point(struct bn_slice s, size_t *at) {
    uint8_t first = s.ptr[(*at)++];
    int more = first >= 0xf0 && first < 0xf8   ? 3
               : first >= 0xe0 && first < 0xf0 ? 2
               : first >= 0xc0 && first < 0xe0 ? 1
                                               : 0;
    if (more == 0) return first < 0x80 ? first : 0xfffd;
    uint32_t point = first & (0x3fu >> more);
    for (int i = 0; i < more; i++) {
        if (*at >= s.len || (s.ptr[*at] & 0xc0) != 0x80) return 0xfffd;
        point = point << 6 | (s.ptr[(*at)++] & 0x3fu);
    }
    return point;
}

int32_t bn_javahash(struct bn_slice text) {
    uint32_t hash = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t point = next_point(text, &at);
        if (point >= 0x10000) { /* two UTF-16 units */
            hash = hash * 31 + (0xd800 + ((point - 0x10000) >> 10));
            hash = hash * 31 + (0xdc00 + ((point - 0x10000) & 0x3ff));
        } else {
            hash = hash * 31 + point;
        }
    }
    return (int32_t)hash;
}

int32_t bn_javahash_partition(int32_t hash, int32_t count) {
    int32_t positive = hash == INT32_MIN ? 0 : hash < 0 ? -hash : hash;
    return positive % count;
}
