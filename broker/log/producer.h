/* producer.h: what a log remembers of each producer id (7-txn 7.2) and the .snapshot file (4-storage 4.8). Private to
 * broker/log. */
#ifndef BN_PRODUCER_H
#define BN_PRODUCER_H

#include "common/base/map.h"
#include "common/base/str.h"
#include "proto/kafka/batch.h"

enum { BN_PRODUCER_BATCHES = 5, BN_PRODUCER_ENTRY_BYTES = 46, BN_PRODUCER_HEADER_BYTES = 10 };

struct bn_producer_batch {
    int64_t last_offset, timestamp;
    int32_t last_sequence, offset_delta;
};

struct bn_producer {
    uint64_t id;
    int64_t last_timestamp;
    int64_t txn_first_offset; /* -1 = no open transaction */
    int32_t coordinator_epoch;
    int16_t epoch;
    uint8_t count; /* of batches, oldest first */
    struct bn_producer_batch batches[BN_PRODUCER_BATCHES];
};

struct bn_producer_table {
    struct bn_map map; /* id -> struct bn_producer */
};

void bn_producer_init(struct bn_producer_table *t);
void bn_producer_fini(struct bn_producer_table *t);
struct bn_producer *bn_producer_get(const struct bn_producer_table *t, int64_t id); /* NULL when not known */

/* The remembered batch that b repeats, or NULL. p may be NULL. */
const struct bn_producer_batch *bn_producer_duplicate(const struct bn_producer *p, const struct bn_batch *b);

struct bn_producer_verdict {
    int16_t error;
    char message[200];
};
/* Rules 2 to 5 of 7-txn 7.2 for a batch to be appended; internal: a coordinator's own write, whose sequences are not
 * looked at. name: "<topic>-<partition>". True if it may be appended. */
bool bn_producer_check(const struct bn_producer *p, const struct bn_batch *b, bool internal, const char *name,
                       struct bn_producer_verdict *v);
/* Folds an appended data batch (of a producer id) into the table. */
void bn_producer_note(struct bn_producer_table *t, const struct bn_batch *b);
/* Folds an appended control batch: its single record's key and value, of which it needs 4 and 6 bytes. */
void bn_producer_note_marker(struct bn_producer_table *t, const struct bn_batch *b, struct bn_slice key,
                             struct bn_slice value);
/* Either, from a whole batch. A control batch that can't be read changes nothing. */
void bn_producer_fold(struct bn_producer_table *t, const struct bn_batch *whole);

/* Forgets who has been idle for that long and has no transaction open. */
void bn_producer_expire(struct bn_producer_table *t, int64_t now_ms, int64_t expiration_ms);
void bn_producer_clear(struct bn_producer_table *t);

/* Appends a snapshot's bytes. */
void bn_producer_encode(const struct bn_producer_table *t, struct bn_str *out);
/* Replaces the table. BN_BAD (then it is empty): another version, a wrong checksum or count. */
int bn_producer_decode(struct bn_producer_table *t, struct bn_slice in) BN_MUST_CHECK;

#endif
