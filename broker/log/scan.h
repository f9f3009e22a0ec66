/* scan.h: walks the batch headers of a log file forwards, in bounded memory. Private to broker/log. */
#ifndef BN_SCAN_H
#define BN_SCAN_H

#include "common/sys/disk.h"
#include "proto/kafka/batch.h"

/* A batch can't reach further than this above the offset it starts with; the room left keeps sums from wrapping. */
#define BN_SCAN_OFFSET_MAX (INT64_MAX - (INT64_C(1) << 33))

struct bn_scan {
    struct bn_file *file; /* borrowed */
    int64_t position;     /* where the next header starts */
    int64_t end;          /* of the bytes to look at */
    uint8_t *bytes;       /* borrowed window over the file: [window, window + have) */
    size_t capacity, have;
    int64_t window;
    bool sparse; /* the last batch was larger than the window: only headers are worth reading */
};

/* buffer: at least BN_BATCH_HEADER bytes that live as long as the scan. */
void bn_scan_init(struct bn_scan *s, struct bn_file *file, int64_t position, int64_t end, struct bn_slice buffer);
/* 1 = a header in *out (out->bytes is null: the batch itself was not read) and s->position is behind that batch;
 * 0 = end; BN_BAD = the bytes at s->position are no batch or it is cut off; BN_IO. */
int bn_scan_next(struct bn_scan *s, struct bn_batch *out) BN_MUST_CHECK;
/* Tests the checksum of the batch that bn_scan_next just gave. 0, BN_BAD, BN_IO. */
int bn_scan_check(struct bn_scan *s, const struct bn_batch *b) BN_MUST_CHECK;
/* Whether a whole message of a format before 2 stands at position: 1 when its own CRC-32 says so, else 0, or BN_IO.
 * Reads all of the message, at most up to the end of the scan; meant for the place of a BN_BAD. */
int bn_scan_is_old(struct bn_scan *s, int64_t position) BN_MUST_CHECK;
/* The whole bytes of the batch that starts at position (one given by a scan); gives *out (bn_alloc_free it). */
int bn_scan_load(struct bn_file *file, int64_t position, const struct bn_batch *header, uint8_t **out,
                 struct bn_batch *whole) BN_MUST_CHECK;
static inline int64_t bn_scan_size(const struct bn_batch *b) { return (int64_t)b->length + BN_BATCH_OVERHEAD; }

#endif
