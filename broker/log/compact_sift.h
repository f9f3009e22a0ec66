/* compact_sift.h: which records of a batch survive a cleaning, and what the batch becomes (4-storage 4.12, KIP-534).
 * Private to broker/log. */
#ifndef BN_COMPACT_SIFT_H
#define BN_COMPACT_SIFT_H

#include "broker/log/compact_map.h"
#include "common/base/map.h"
#include "common/base/str.h"
#include "proto/kafka/batch.h"

enum { BN_COMPACT_SIFT_EXPAND_MAX = 128 << 20 }; /* bytes that one batch may expand to */

struct bn_compact_producer { /* one that the log remembers */
    int64_t id, last_offset; /* of its last batch of data; -1: only markers are known */
    int32_t epoch;
};

struct bn_compact_aborted { /* what lies in [first, marker] of this producer's transactional data was taken back */
    int64_t producer_id, first, marker;
};

struct bn_compact_sift {
    /* the caller's, for as long as it sifts */
    const struct bn_compact_map *map;
    int64_t end; /* the map speaks of what lies below; everything else stays */
    int64_t now_ms, delete_retention_ms;
    const struct bn_compact_producer *producers; /* by ascending id */
    size_t producer_count;
    const struct bn_compact_aborted *aborted; /* by ascending producer, then first */
    size_t aborted_count;
    int codec, level; /* the level to pack this codec with; others have their own */
    /* its own */
    struct bn_map open; /* producers whose data was seen since their last marker */
    struct bn_record *records;
    size_t record_capacity;
    uint64_t records_read, records_kept, keyless, unreadable; /* unreadable: batches kept as they are */
};
/* Starts with its own part; the rest is set before or after. */
void bn_compact_sift_init(struct bn_compact_sift *s);
void bn_compact_sift_fini(struct bn_compact_sift *s);
/* The batches of a log in order, their checksums tested: appends to out what stays of b: all of it as it is, fewer
 * records under the same offsets, a header without records, or nothing. must_stay: at least the header. */
void bn_compact_sift_batch(struct bn_compact_sift *s, const struct bn_batch *b, bool must_stay, struct bn_str *out);
/* Whether b's records were taken back by an abort. */
bool bn_compact_sift_aborted(const struct bn_compact_sift *s, const struct bn_batch *b);

#endif
