/* compact_reader.h: the batches of one segment, whole, one after the other. Private to broker/log. */
#ifndef BN_COMPACT_READER_H
#define BN_COMPACT_READER_H

#include "broker/log/index.h"
#include "common/base/str.h"
#include "proto/kafka/batch.h"

struct bn_compact_reader {
    struct bn_file *file;
    int64_t position, size; /* what was read; where the segment ends */
    uint8_t *bytes;
    size_t capacity, from, have;
};
/* BN_NOTFOUND: it is gone. Closed again in any case by bn_compact_reader_close. */
int bn_compact_reader_open(struct bn_compact_reader *r, const struct bn_index_place *place, int64_t base, int64_t size,
                           size_t buffer_bytes, struct bn_err *e) BN_MUST_CHECK;
/* 1 = a batch whose checksum holds, valid until the next call; 0 = end; BN_BAD, BN_IO. */
int bn_compact_reader_next(struct bn_compact_reader *r, struct bn_batch *b) BN_MUST_CHECK;
void bn_compact_reader_close(struct bn_compact_reader *r);

#endif
