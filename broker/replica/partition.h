/* partition.h: one partition's replica on this broker: leader or follower, high watermark, parked produces, and who
 * wants to hear of new data. Lives on one shard; every function is called on that shard (asserted). */
#ifndef BN_PARTITION_H
#define BN_PARTITION_H

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

/* One partition's share of a Fetch request; answered at once. */
struct bn_partition_read {
    int64_t offset;
    size_t max_bytes;
    int32_t current_leader_epoch; /* -1 = not told */
    int32_t replica_id;           /* -1 consumer */
    bool whole_first, read_committed;
    /* out */
    int16_t error;
    int64_t high_watermark, last_stable_offset, log_start_offset;
    int32_t leader_id, leader_epoch;
    size_t bytes;
    struct bn_chain records; /* the caller inits and finis */
};
void bn_partition_read(struct bn_partition *p, struct bn_partition_read *r);

/* A one-shot wish to hear when something readable beyond `offset` appears or the partition's state moves. The caller
 * owns it; notify() is called on the partition's shard, after which it is no longer registered. If that is so already,
 * notify comes at once. */
struct bn_partition_watch {
    struct bn_list link;
    int64_t offset;
    void (*notify)(struct bn_partition_watch *);
};
void bn_partition_watch(struct bn_partition *p, struct bn_partition_watch *w);
void bn_partition_unwatch(struct bn_partition_watch *w); /* safe when not registered (link initialised) */

/* ListOffsets: timestamp -1 latest, -2 earliest, -3 max timestamp, -4 earliest local, else by time. */
struct bn_partition_offsets {
    int64_t timestamp;
    int32_t current_leader_epoch, replica_id;
    bool read_committed;
    int16_t error;
    struct bn_log_found found;
};
void bn_partition_offsets(struct bn_partition *p, struct bn_partition_offsets *q);

int16_t bn_partition_check_leader(const struct bn_partition *p,
                                  int32_t current_leader_epoch); /* KE_NONE, 6, 74, 75, 56 */

#endif
