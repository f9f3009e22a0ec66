/* partition.h: one partition's replica on this broker: leader or follower, high watermark, parked produces, and who
 * wants to hear of new data. Lives on one shard; every function is called on that shard (asserted). */
#ifndef BN_PARTITION_H
#define BN_PARTITION_H

#include <stdatomic.h>

#include "broker/image/image.h"
#include "broker/log/log.h"
#include "common/base/list.h"
#include "common/sys/loop.h"

struct bn_partition;

enum bn_partition_role { BN_PARTITION_LOADING, BN_PARTITION_LEADER, BN_PARTITION_FOLLOWER, BN_PARTITION_OFFLINE };

/* One partition's share of a Produce request. The caller owns it until done() is called, once, on the partition's
 * shard: at once, or for acks=all when the high watermark has passed, the deadline has come, or leadership was lost. */
struct bn_partition_append {
    struct bn_log_append log; /* in: bytes, len, legacy, internal; out: as there */
    int16_t acks;
    int32_t timeout_ms;
    /* out */
    int64_t log_start_offset;
    int32_t leader_id, leader_epoch; /* of the current leader as known here (KIP-951) */
    void (*done)(struct bn_partition_append *);
    /* the partition's */
    struct bn_list link;
    struct bn_timer timer;
    struct bn_partition *partition;
    int64_t required_offset;
};
void bn_partition_append(struct bn_partition *p, struct bn_partition_append *a);

/* One partition's share of a Fetch request; answered at once. A consumer reads below the high watermark, a newer one
 * (KIP-392) from followers too, and may be sent to one; a follower reads up to the end, and its fetch tells how far it
 * is (3-replication 3.3, 3.10). */
struct bn_partition_read {
    int64_t offset;
    size_t max_bytes;
    int32_t current_leader_epoch; /* -1 = not told */
    int32_t replica_id;           /* -1 consumer */
    int64_t replica_epoch;        /* a follower's broker epoch (Fetch 15+); -1 = not told */
    int64_t replica_log_start;    /* a follower's log start offset; -1 = not told */
    int32_t
        last_fetched_epoch; /* the epoch of the last batch before offset; -1 = not told: divergence is not looked for */
    bool progress;          /* counts as the follower's fetch; not when a parked fetch is read again */
    bool whole_first, read_committed;
    bool any_replica;     /* a consumer's: a follower may serve it, below the watermark that it knows itself */
    struct bn_slice rack; /* a consumer's; empty = not told. Borrowed, as is listener */
    const char *listener; /* by which the consumer came in */
    /* out */
    int16_t error;
    int32_t preferred; /* the broker to read from instead, and then there are no records; -1 = this one */
    int64_t high_watermark, last_stable_offset, log_start_offset;
    int64_t readable_end; /* this reader's: a follower's the log's end, a consumer's the high watermark; -1 on error */
    int32_t leader_id, leader_epoch;
    int32_t
        diverging_epoch; /* -1, or the logs part: the largest epoch known here that is not above last_fetched_epoch, */
    int64_t diverging_end; /* and where it ends. No records then (KIP-595) */
    size_t bytes;
    struct bn_chain records; /* the caller inits and finis */
};
void bn_partition_read(struct bn_partition *p, struct bn_partition_read *r);

/* A standing wish to hear when a fetch's answer may have changed. The caller owns it. moved() is called on the
 * partition's shard; wake: there is something to read (for a follower appended, for a consumer below the high
 * watermark), or the role, the leader epoch or the partition is gone; without wake only the high watermark or the start
 * offset has news, which can go with the next answer. It may drop the wish from within. When the partition goes, every
 * wish is told (wake) and is no longer registered. Adding tells at once (wake) when more than `seen` is readable
 * already, or when the partition does not serve such a reader here. */
struct bn_partition_interest {
    struct bn_list link;
    bool follower, any_replica; /* as in struct bn_partition_read */
    int64_t seen; /* the readable end (a follower's: the log's end; a consumer's: the high watermark) that is known */
    void (*moved)(struct bn_partition_interest *i, bool wake);
    /* A follower's session: it certainly still asked for this partition under that epoch (-1 = not told) then. NULL: it
     * vouches for nothing. */
    int32_t replica_id, leader_epoch;
    const _Atomic int64_t *heard_ms;
};
void bn_partition_interest_add(struct bn_partition *p, struct bn_partition_interest *i);
void bn_partition_interest_drop(struct bn_partition_interest *i); /* safe when not registered (link initialised) */

/* Since when another may lead without this one knowing: the last time (of the loop's clock) at which everybody who
 * could be elected cleanly still followed, under this leader epoch, for certain: a fetch counts when the next one of
 * its session has come, because that was sent after its answer. INT64_MAX: nobody else could be; INT64_MIN: this one
 * does not lead, and is not to lead as soon as its log is open. */
int64_t bn_partition_heard_ms(const struct bn_partition *p);

/* ListOffsets: timestamp -1 latest, -2 earliest, -3 max timestamp, -4 earliest local, else by time. A leader's
 * business, but for replica_id -2, a debugger's: it is told what this replica has. */
struct bn_partition_offsets {
    int64_t timestamp;
    int32_t current_leader_epoch, replica_id;
    bool read_committed;
    int16_t error;
    struct bn_log_found found;
};
void bn_partition_offsets(struct bn_partition *p, struct bn_partition_offsets *q);

/* One partition's share of a DeleteRecords request. The caller owns it until done() is called, once, on the partition's
 * shard: when every live replica's log starts at offset or above, the deadline has come, or leadership was lost. */
struct bn_partition_trim {
    int64_t offset; /* in: -1 = the high watermark; out: that */
    int32_t timeout_ms;
    /* out */
    int16_t error;         /* KE_NONE, 1 above the high watermark, 6, 7, 44 not of a topic that deletes, 56 */
    int64_t low_watermark; /* the least start offset of the live replicas; -1 with an error */
    void (*done)(struct bn_partition_trim *);
    /* the partition's */
    struct bn_list link;
    struct bn_timer timer;
    struct bn_partition *partition;
};
void bn_partition_trim(struct bn_partition *p, struct bn_partition_trim *t);

/* OffsetForLeaderEpoch (KIP-101): the largest epoch known here that is not above `epoch`, and where it ends; -1, -1
 * when unknown. */
struct bn_partition_epoch_end {
    int32_t current_leader_epoch, epoch;
    int16_t error;
    int32_t found_epoch;
    int64_t end_offset;
};
void bn_partition_epoch_end(struct bn_partition *p, struct bn_partition_epoch_end *q);

#endif
