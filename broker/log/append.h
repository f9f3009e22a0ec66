/* append.h: a leader's append. Private to broker/log. */
#ifndef BN_APPEND_H
#define BN_APPEND_H

#include "broker/log/log.h"
#include "proto/kafka/batch.h"

void bn_append_run(struct bn_log *l, struct bn_log_append *a);

/* What is about to be written, for the question whether it needs a new segment. */
struct bn_append_next {
    size_t len;
    int64_t next_offset;     /* behind its last record */
    int64_t max_timestamp;   /* -1 = none */
    size_t ahead;            /* bytes that go to the active segment before it, not written yet */
    int64_t ahead_timestamp; /* max timestamp of the first batch among them */
};
/* Kafka's reasons for a new segment (4-storage 4.6). */
bool bn_append_must_roll(struct bn_log *l, const struct bn_append_next *n, int64_t now_ms);
/* Writes checked batches, offsets and epochs in place, behind the active segment in one write and takes them into
 * account: end, indexes, epochs, producers. BN_IO: the log has failed. */
int bn_append_write(struct bn_log *l, struct bn_slice batches) BN_MUST_CHECK;
/* The batch at the front of *left, which was peeked before; *left goes on behind it. False at the end. */
bool bn_append_next_batch(struct bn_slice *left, struct bn_batch *b);

#endif
