/* legacy.h: message sets of magic 0 and 1 (4-storage 4.4), as Produce 0-2 brings them: converted to one or more v2
 * batches. (Down-conversion for Fetch 0-3 comes with the storage issue.) */
#ifndef BN_LEGACY_H
#define BN_LEGACY_H

#include "common/base/err.h"
#include "common/base/str.h"

/* Checks every message's CRC-32, expands wrappers (magic 0: absolute inner offsets; 1: relative), and appends one v2
 * batch per top-level entry run: consecutive plain messages make one batch; a compressed wrapper makes one batch of the
 * same codec. Timestamps: magic 0 gives -1. max_bytes bounds what all wrappers expand to together. *count: records.
 * BN_BAD with the reason (crc, size, nesting); BN_FULL beyond max_bytes; out is as it was then. */
int bn_legacy_to_v2(struct bn_slice set, size_t max_bytes, struct bn_str *out, int32_t *count,
                    struct bn_err *e) BN_MUST_CHECK;
/* CRC-32 (IEEE) of len bytes, going on from crc (0 to start). */
uint32_t bn_legacy_crc32(uint32_t crc, const void *ptr, size_t len);

#endif
