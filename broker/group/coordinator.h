/* coordinator.h: the groups whose offsets partitions one shard leads: loads them on election, plays their state
 * machines (group.h), keeps their offsets in __consumer_offsets and their rebalance state with the controller. One
 * shard. */
#ifndef BN_COORDINATOR_H
#define BN_COORDINATOR_H

#include "broker/group/group.h"
#include "broker/group/offsets.h"
#include "broker/replica/roster.h"

#define BN_COORDINATOR_TOPIC "__consumer_offsets"

struct bn_coordinator;

struct bn_coordinator_deps { /* borrowed for life */
    const struct bn_env *env;
    struct bn_shard *shard;
    struct bn_pool *pool;
    struct bn_group_settings group;
    int32_t metadata_max;       /* offset.metadata.max.bytes */
    int32_t commit_timeout_ms;  /* offsets.commit.timeout.ms */
    int64_t retention_ms;       /* offsets.retention.minutes */
    int64_t retention_check_ms; /* offsets.retention.check.interval.ms */
    size_t load_bytes;          /* offsets.load.buffer.size */
    /* Writes and reads rebalance state: broker/cluster/forward.h. reply comes once, on the shard; NULL: no answer came.
     */
    void (*write)(void *arg, struct bn_shard *shard, const Bn__GroupWriteRequest *request,
                  void (*reply)(void *reply_arg, const Bn__GroupWriteReply *answer), void *reply_arg);
    void (*read)(void *arg, struct bn_shard *shard, const Bn__GroupReadRequest *request,
                 void (*reply)(void *reply_arg, const Bn__GroupReadReply *answer), void *reply_arg);
    void *arg;
};

struct bn_coordinator *bn_coordinator_new(const struct bn_coordinator_deps *deps, struct bn_roster *roster);
/* After the roster has applied it: loads what this shard now leads, lets go of what it does not, and forgets what was
 * committed of topics that the delta (NULL: none is known) removes. */
void bn_coordinator_apply(struct bn_coordinator *c, const struct bn_image *image, const Bn__ImageDelta *delta);
/* Whoever waits is answered NOT_COORDINATOR; frees. Before the roster stops. */
void bn_coordinator_free(struct bn_coordinator *c);

/* Everything below answers once, by done(), at once or later, on the shard. `partition`: of the group
 * (bn_offsets_partition_of). What an answer borrows is valid within done(). */

struct bn_coordinator_join {
    struct bn_group_join in; /* token is the coordinator's */
    int16_t error;
    struct bn_group_out out;      /* JOINED; with an error, only member_id */
    const struct bn_group *group; /* with out.with_members: bn_group_at; else NULL */
    void (*done)(struct bn_coordinator_join *);
};
void bn_coordinator_join(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                         struct bn_coordinator_join *j);

struct bn_coordinator_sync {
    struct bn_group_sync in; /* token is the coordinator's */
    int16_t error;
    struct bn_group_out out; /* SYNCED */
    void (*done)(struct bn_coordinator_sync *);
};
void bn_coordinator_sync(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                         struct bn_coordinator_sync *s);

/* NOT_COORDINATOR also while another may have been elected for so long that it could give the member up; so is a sync
 * that would be answered from memory (safety §5). */
int16_t bn_coordinator_heartbeat(struct bn_coordinator *c, int32_t partition, struct bn_slice group, int32_t generation,
                                 struct bn_slice member_id, struct bn_slice instance_id);

struct bn_coordinator_leaver {
    struct bn_slice member_id, instance_id;
    int16_t error; /* out */
};
/* The group's error; else each leaver has its own. */
int16_t bn_coordinator_leave(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                             struct bn_coordinator_leaver *leavers, int32_t count);

struct bn_coordinator_commit_item {
    struct bn_slice topic, metadata;
    int32_t partition, leader_epoch;
    int64_t offset;
    int64_t commit_ms; /* wall clock; -1 = now (all but OffsetCommit 1) */
    int16_t error;     /* in: not KE_NONE = it is not to be committed; out */
};
struct bn_coordinator_commit {
    int32_t generation; /* -1 = none */
    struct bn_slice member_id, instance_id;
    int64_t retention_ms; /* -1 = the broker's */
    bool removes;         /* the items are to be forgotten */
    struct bn_coordinator_commit_item *items;
    int32_t count;
    void (*done)(struct bn_coordinator_commit *); /* every item has its error */
    struct bn_coordinator_writing *writing;       /* the coordinator's */
};
void bn_coordinator_commit(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                           struct bn_coordinator_commit *m);

/* What the group has committed: KE_NONE with *out (NULL: nothing, or no such group), valid until the turn ends. */
int16_t bn_coordinator_offsets(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                               const struct bn_offsets **out);

/* KE_NONE with the group (NULL: unknown), valid until the turn ends. */
int16_t bn_coordinator_group(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                             const struct bn_group **out);
/* Every group of this shard; error KE_COORDINATOR_LOAD_IN_PROGRESS when one of its partitions is not loaded. */
int16_t bn_coordinator_each(struct bn_coordinator *c, void (*fn)(void *arg, const struct bn_group *g), void *arg);

/* Deletes a group without members (NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND), or some of its offsets: then by a commit that
 * removes (an unknown one is no error; GROUP_SUBSCRIBED_TO_TOPIC); a group that is empty goes with the last of them.
 * done as of a commit; its first item has the group's error when count is 0 at the call. */
void bn_coordinator_delete(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                           struct bn_coordinator_commit *m);

#endif
