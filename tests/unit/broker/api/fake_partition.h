/* fake_partition.h: partitions of nothing but numbers, in place of broker/replica, for the tests of the handlers that
 * use them. A world has one shard, whose loop is turned by the test, and topic "t" (id bytes 7) with three partitions:
 * 0 and 1 live here, 2 does not.
 */
#ifndef FAKE_PARTITION_H
#define FAKE_PARTITION_H

#include "tests/unit/broker/api/fake.h"

enum { FAKE_PARTITIONS = 2, FAKE_RECORD_BYTES = 10 };

struct bn_partition {
    int64_t end;                   /* a read gives FAKE_RECORD_BYTES for each offset below it */
    int16_t error;                 /* of everything asked */
    int32_t leader, leader_epoch;  /* as the partition knows them */
    int64_t diverging_end;         /* above 0: readers that tell an epoch are told to go back to here */
    struct bn_partition_read read; /* a copy of the last read, without its records */
    bool park;                     /* appends wait for fake_release */
    struct bn_list interests;
    struct bn_partition_append *parked;
    struct bn_partition_append seen; /* a copy of the last append */
    int appends, reads;
};

struct bn_roster {
    struct bn_partition partitions[FAKE_PARTITIONS];
};

struct fake_world {
    struct fake fake;
    struct bn_shard *shard;
    struct bn_shard *shards[1];
    struct bn_roster roster;
    struct bn_roster *rosters[1];
};

void fake_world_init(struct fake_world *w);
void fake_world_fini(struct fake_world *w);
/* Sends a request on the shard. */
void fake_world_send(struct fake_world *w, int api_key, int version, void *message);
/* Turns the loop until so many answers and closes have come out in all. */
void fake_world_await(struct fake_world *w, int answers_and_closes);
/* On the shard: answers the parked append; grows a partition and tells those who watch it. */
void fake_world_release(struct fake_world *w, int partition);
void fake_world_grow(struct fake_world *w, int partition, int64_t end);

#endif
