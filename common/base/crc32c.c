/* crc32c.c: CRC-32C by ISA-L, which picks the fastest way at run time and has a portable one. ISA-L wants
 * the raw seed and result (we complement both) and an int length (we loop). */
#include "common/base/crc32c.h"

#include <isa-l/crc.h>
#include <limits.h>

uint32_t bn_crc32c(uint32_t crc, const void *ptr, size_t len) {
    /* ISA-L's prototype lacks const; it only reads. */
    unsigned char *p = (unsigned char *)(uintptr_t)ptr;
    crc = ~crc;
    while (len > 0) {
        size_t n = bn_min_size(len, INT_MAX);
        crc = crc32_iscsi(p, (int)n, crc);
        p += n;
        len -= n;
    }
    return ~crc;
}
