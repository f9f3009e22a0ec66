/* fuzz_batch.h: the fuzz target of record batches, codecs and old message sets. */
#ifndef FUZZ_BATCH_H
#define FUZZ_BATCH_H

#include "tests/fuzz/replay.h"

/* What an input's first byte, modulo their number, picks; the second byte is of the picked one's own use. */
enum fuzz_batch_part {
    FUZZ_BATCH_WALK,   /* a batch; its checksum is made right, for malice can do that too */
    FUZZ_BATCH_RAW,    /* a batch as it is */
    FUZZ_BATCH_LEGACY, /* a message set; checksums of its top-level messages are made right */
    FUZZ_BATCH_EXPAND, /* a compressed stream; second byte: codec, and the old LZ4 header */
    FUZZ_BATCH_PARTS,
};

/* Inputs that were accepted so far, by part. */
extern uint64_t fuzz_batch_accepted[FUZZ_BATCH_PARTS];

#endif
