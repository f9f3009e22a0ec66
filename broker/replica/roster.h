/* roster.h: the partitions that live on one shard, made and unmade as the image says. */
#ifndef BN_ROSTER_H
#define BN_ROSTER_H

#include "broker/log/logdir.h"
#include "broker/replica/partition.h"
#include "common/sys/shard.h"

struct bn_roster;

struct bn_roster_deps { /* borrowed for life */
    const struct bn_env *env;
    struct bn_shard *shard;
    struct bn_pool *pool;
    struct bn_logdirs *logdirs;
    int32_t broker_id;
    int64_t retention_check_ms; /* log.retention.check.interval.ms */
    int64_t delete_delay_ms;    /* log.segment.delete.delay.ms: how long a deleted partition stays as -delete */
    /* Replication. */
    const char *inter_broker;     /* name of the listener by which followers reach leaders */
    bool rack_aware;              /* replica.selector.class: consumers are sent to a replica in their rack */
    uint64_t lag_max_ms;          /* replica.lag.time.max.ms */
    uint64_t pause_max_ms;        /* having not run for longer, this broker may have been taken for dead; 0 = never */
    int32_t fetch_wait_max_ms;    /* replica.fetch.wait.max.ms */
    int32_t fetch_min_bytes;      /* replica.fetch.min.bytes */
    int32_t fetch_max_bytes;      /* replica.fetch.max.bytes, of one partition */
    int32_t fetch_response_bytes; /* replica.fetch.response.max.bytes */
    uint64_t fetch_backoff_ms;    /* replica.fetch.backoff.ms */
    uint64_t fetch_timeout_ms;    /* replica.socket.timeout.ms */
    /* Proposes ISRs to the controller: broker/cluster/forward.h's bn_forward_alter_partition. Any shard. */
    void (*alter_partition)(void *arg, struct bn_shard *shard, const Bn__AlterPartitionRequest *request,
                            void (*reply)(void *reply_arg, const Bn__AlterPartitionReply *answer), void *reply_arg);
    /* Resolves a topic's configuration from the image's overrides over the broker's own. Any shard. */
    void (*topic_config)(void *arg, const struct bn_image *image, const char *topic, struct bn_log_config *out,
                         int32_t *min_insync);
    /* Tells the controller that this partition's directory was removed on evidence; partition -1: nothing of the topic
     * is here. Any shard. */
    void (*deleted)(void *arg, const struct bn_uuid *topic_id, const char *topic, int32_t partition);
    void *arg;
};
struct bn_roster *bn_roster_new(const struct bn_roster_deps *deps);
/* Takes up an image (shares it): opens, moves, closes, deletes what lives on this shard. delta is what led from the one
 * before to this. On the shard. */
void bn_roster_apply(struct bn_roster *r, struct bn_image *image, const Bn__ImageDelta *delta, int shard_count);
struct bn_partition *bn_roster_find(struct bn_roster *r, const struct bn_uuid *topic_id, int32_t partition); /* NULL */
/* Every partition of the shard; fn must not add or remove any. */
void bn_roster_each(struct bn_roster *r, void (*fn)(struct bn_partition *p, void *arg), void *arg);
const struct bn_env *bn_roster_env(const struct bn_roster *r);
int32_t bn_roster_id(const struct bn_roster *r);       /* of this broker */
struct bn_image *bn_roster_image(struct bn_roster *r); /* borrowed; the one applied last, never NULL */
/* Which shard owns a partition, of shard_count. */
int bn_roster_shard_of(const struct bn_uuid *topic_id, int32_t partition, int shard_count);
/* Appends to a growing array this shard's checkpoint lines that are not as they were at the last call; each topic is a
 * copy that the caller frees (the lines are written by the pool, and partitions may go meanwhile). */
void bn_roster_points(struct bn_roster *r, struct bn_logdir_point **points, size_t *count, size_t *capacity);
/* Closes every log (flushing) and frees. done on the shard when all is on disk. */
void bn_roster_stop(struct bn_roster *r, void (*done)(void *arg, bool clean), void *arg);

#endif
