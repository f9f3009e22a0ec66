/* slice.c: the one parse of decimal numbers out of borrowed bytes. Strict: no blanks, no plus sign, nothing
 * behind the digits, no overflow. */
#include "common/base/slice.h"

bool bn_slice_to_i64(struct bn_slice s, int64_t *out) {
    size_t at = 0;
    bool negative = s.len > 0 && s.ptr[0] == '-';
    if (negative) at = 1;
    if (at >= s.len) return false;
    /* Collected as a negative number, whose range is the wider one. */
    int64_t v = 0;
    for (; at < s.len; at++) {
        if (s.ptr[at] < '0' || s.ptr[at] > '9') return false;
        if (__builtin_mul_overflow(v, (int64_t)10, &v)) return false;
        if (__builtin_sub_overflow(v, (int64_t)(s.ptr[at] - '0'), &v)) return false;
    }
    if (!negative && v == INT64_MIN) return false;
    *out = negative ? v : -v;
    return true;
}
