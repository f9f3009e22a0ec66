/* fake_partition.h: partitions of nothing but numbers, in place of broker/replica, for the tests of the handlers that
 * use them. A world has one shard, or up to three of which the first is turned by the test; and topic "t" (id bytes 7)
 * with three partitions: 0 and 1 live here, 2 does not. Partition i lives on shard i modulo the number of shards.
 */
#ifndef FAKE_PARTITION_H
#define FAKE_PARTITION_H

#include "broker/api/session_cache.h"
#include "tests/unit/broker/api/fake.h"

enum { FAKE_PARTITIONS = 64, FAKE_RECORD_BYTES = 10, FAKE_SHARDS = 3 };

struct bn_partition {
    int64_t end; /* a read gives FAKE_RECORD_BYTES for each offset below it (below high_watermark to consumers) */
    int64_t high_watermark; /* -1: as end */
    int64_t start;
    int16_t error;                 /* of everything asked */
    int32_t leader, leader_epoch;  /* as the partition knows them */
    int32_t closer;                /* above 0: consumers that tell a rack are sent to this broker */
    int64_t diverging_end;         /* above 0: readers that tell an epoch are told to go back to here */
    struct bn_partition_read read; /* a copy of the last read, without its records */
    bool park;                     /* appends wait for fake_release */
    bool absent;                   /* there is no such replica */
    struct bn_list interests;
    struct bn_partition_append *parked;
    struct bn_partition_append seen; /* a copy of the last append */
    int appends, reads;
};

struct bn_roster {
    struct bn_partition partitions[FAKE_PARTITIONS];
    int32_t count;
};

struct fake_world {
    struct fake fake;      /* a connection on the first shard */
    struct fake others[2]; /* and one on each of the others */
    struct bn_shard *shard;
    struct bn_shard *shards[FAKE_SHARDS];
    int shard_count;
    struct bn_roster roster; /* of all shards: each touches its own partitions */
    struct bn_roster *rosters[FAKE_SHARDS];
    struct bn_session_cache *sessions[FAKE_SHARDS]; /* none unless asked for */
};

void fake_world_init(struct fake_world *w);
/* So many shards, and sessions; topic "t" has `told` partitions of which `here` live here. */
void fake_world_init_sessions(struct fake_world *w, int shards, int slots, int told, int here);
void fake_world_fini(struct fake_world *w);
struct fake *fake_world_conn(struct fake_world *w, int shard);
/* Runs something on a shard's thread and waits for it. */
void fake_world_run_on(struct fake_world *w, int shard, void (*run)(struct fake_world *w, void *arg), void *arg);
/* Sends a request on the shard. */
void fake_world_send(struct fake_world *w, int api_key, int version, void *message);
void fake_world_send_on(struct fake_world *w, int shard, int api_key, int version, void *message);
/* Turns the loop until so many answers and closes have come out in all. */
void fake_world_await(struct fake_world *w, int answers_and_closes);
void fake_world_await_on(struct fake_world *w, int shard, int answers_and_closes);
/* Turns the loops until what is under way between them has arrived. */
void fake_world_settle(struct fake_world *w);
/* On the shard: answers the parked append; grows a partition and tells those who watch it. */
void fake_world_release(struct fake_world *w, int partition);
void fake_world_grow(struct fake_world *w, int partition, int64_t end);
/* The high watermark alone moves: followers that wait are not woken. */
void fake_world_commit(struct fake_world *w, int partition, int64_t high_watermark);
/* From now on everything asked of it ends so. */
void fake_world_fail(struct fake_world *w, int partition, int16_t error);
/* The replica goes, or comes. */
void fake_world_place(struct fake_world *w, int partition, bool here);

#endif
