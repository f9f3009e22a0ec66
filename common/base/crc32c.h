/* crc32c.h: CRC-32C (Castagnoli), as in record batches. */
#ifndef BN_CRC32C_H
#define BN_CRC32C_H

#include "common/base/base.h"

/* Of len bytes, going on from crc (0 to start). "123456789" gives 0xE3069283. */
uint32_t bn_crc32c(uint32_t crc, const void *ptr, size_t len);

#endif
