/* compact_pass.h: one cleaning of a log's files, off its shard. It shares nothing with the log: names, offsets and
 * texts are copies. Private to broker/log.
 *
 * In order: bn_compact_pass_index once; then, for each group, bn_compact_pass_write and, unless that changed nothing,
 * bn_compact_pass_swap. Any thread; each may be the last. */
#ifndef BN_COMPACT_PASS_H
#define BN_COMPACT_PASS_H

#include <stdatomic.h>

#include "broker/log/compact_plan.h"
#include "broker/log/compact_sift.h"
#include "broker/log/index.h"
#include "common/base/err.h"

enum { BN_COMPACT_PASS_BUFFER_MIN = 64 << 10 };

struct bn_compact_pass {
    /* in; what is pointed to is the pass's own and freed with it */
    const struct bn_clock *clock;
    struct bn_index_place place;
    struct bn_compact_plan_segment *segments;
    uint32_t count;
    struct bn_compact_plan_room room;
    int64_t dirty_from, upto, start; /* start: the log's */
    struct bn_compact_producer *producers;
    size_t producer_count;
    size_t map_bytes, buffer_bytes;
    double map_load, bytes_per_second; /* <= 0: no bound */
    uint64_t seed;
    atomic_bool *called_off; /* becomes true: whatever runs ends soon, with BN_STALE */

    /* in and out: of the rules; now, retention and codec are set by the caller */
    struct bn_compact_sift sift;

    /* out */
    bool indexed;
    int64_t end; /* where the map ended: what lies below is clean when the pass is over */
    /* of the group that was written last: segments [first, first + grouped) */
    uint32_t first, grouped, next;
    bool changed;
    int64_t size; /* of the new segment */
    /* totals */
    int64_t bytes_read, bytes_indexed, bytes_before, bytes_after;
    uint64_t started_ms, map_ms; /* monotonic */

    /* its own */
    struct bn_compact_map map;
    struct bn_compact_aborted *aborted;
    size_t aborted_count;
    int32_t epoch; /* the latest of the batches that were written */
};

/* Walks the dirty part: aborted transactions, the newest offset of each key. BN_STALE, BN_BAD (a batch's checksum, or
 * not even one record fits the map), BN_IO. */
int bn_compact_pass_index(struct bn_compact_pass *p, struct bn_err *e) BN_MUST_CHECK;
/* Makes the next group's .cleaned files, synced. 0: p->changed says whether they are there. Otherwise there are none.
 */
int bn_compact_pass_write(struct bn_compact_pass *p, struct bn_err *e) BN_MUST_CHECK;
static inline bool bn_compact_pass_over(const struct bn_compact_pass *p) {
    return p->next == p->count || p->segments[p->next].base >= p->end;
}
/* Puts the .cleaned files in the place of the group's: .swap, the old ones .deleted, final names, each step synced. On
 * BN_IO the directory is in between, and the next opening of the log ends it. */
int bn_compact_pass_swap(const struct bn_compact_pass *p, struct bn_err *e) BN_MUST_CHECK;
/* Frees what it holds. */
void bn_compact_pass_fini(struct bn_compact_pass *p);

#endif
