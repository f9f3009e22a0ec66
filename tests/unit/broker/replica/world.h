/* world.h: one shard with a roster over log directories in a temporary directory, for the tests of broker/replica. The
 * test's thread asks the shard by messages and waits for its answers on semaphores. */
#ifndef WORLD_H
#define WORLD_H

#include <semaphore.h>

#include "broker/replica/roster.h"
#include "common/base/str.h"

enum { WORLD_BROKER = 1, WORLD_DELETED_MAX = 16 };

struct world {
    char *dir;
    struct bn_shard *shard;
    struct bn_pool *pool;
    struct bn_logdirs *logdirs;
    struct bn_roster *roster;
    struct bn_image *image;
    int32_t min_insync;
    int64_t later_max_message_bytes; /* of the topic from the second look at its configuration on; 0 = the default */
    bool compact; /* small segments, compacted whatever the dirty share */
    int config_looks;
    int deleted_count;
    int32_t deleted[WORLD_DELETED_MAX]; /* partitions told as deleted, in order */
    bool stopped_clean;
    /* ISR proposals: the last request (a copy, freed by the next), and its reply, which world_answer gives. */
    Bn__AlterPartitionRequest *altering;
    int alter_count;
    void (*alter_reply)(void *reply_arg, const Bn__AlterPartitionReply *answer);
    void *alter_arg;
};

extern const struct bn_uuid world_id; /* of topic "t" */

void world_start(struct world *w);
/* Stops and starts again on the same directories; cleanly or as after a crash of the process. */
void world_restart(struct world *w);
void world_stop(struct world *w);
/* Runs fn(w, arg) on the shard and waits for it. */
void world_on_shard(struct world *w, void (*fn)(struct world *w, void *arg), void *arg);

struct world_state { /* partition 0 of topic "t" */
    int32_t leader, leader_epoch, partition_epoch;
    int32_t replicas[3], isr[3];
    int replica_count, isr_count;
};
/* Applies a delta with that state. Does not wait for the log to be opened. */
void world_decide(struct world *w, struct world_state state);
/* Applies a delta that takes topic "t" away: with or without the evidence of a deletion. evidence_only: the topic was
 * not in the image. */
void world_remove(struct world *w, bool evidence, bool evidence_only);
/* Waits until the partition's log is open. */
void world_await_open(struct world *w);

/* Appends `count` records and waits for the answer; gives the error. */
int16_t world_append(struct world *w, int count, int16_t acks, int32_t timeout_ms, struct bn_partition_append *out);
/* The same without waiting: *a is the test's own until world_appended, which waits for its answer. */
struct world_append {
    struct bn_partition_append append;
    struct bn_str bytes;
    sem_t done;
    int64_t producer_id;
    int32_t sequence;
};
void world_append_start(struct world *w, int count, int16_t acks, int32_t timeout_ms, struct world_append *a);
bool world_append_is_done(struct world_append *a);
int16_t world_append_end(struct world_append *a);
int16_t world_read(struct world *w, int64_t offset, int32_t current_epoch, struct bn_partition_read *out);
/* Broker `id` is registered under that epoch; -1: no longer. */
void world_register(struct world *w, int32_t id, int64_t epoch);
/* A follower's fetch, under leader epoch `current_epoch` (-1 = not told). */
int16_t world_fetch(struct world *w, int32_t id, int64_t broker_epoch, int64_t offset, int32_t current_epoch,
                    struct bn_partition_read *out);
/* Answers the proposal under way: with `error` and the committed state `isr` at that version (isr_count 0: no state
 * comes along), or with nothing heard (error -1). */
void world_answer(struct world *w, int error, struct world_state state);
/* Does the temporary log directory hold an entry with this prefix and suffix? */
bool world_has(struct world *w, const char *prefix, const char *suffix);
/* Waits until it does. */
void world_await_entry(struct world *w, const char *prefix, const char *suffix);

#endif
