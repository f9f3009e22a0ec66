/* follow.h: a world whose partitions of topic "t" follow broker 2: batches as a leader sends them, decisions, and what
 * has become of the followers' logs. */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "broker/replica/partition_int.h"
#include "common/base/str.h"
#include "tests/unit/broker/replica/world.h"

enum { FOLLOW_LEADER = 2 };

/* Appends a leader's batch of `count` records from offset `base` on. */
void follow_batch(struct bn_str *out, int64_t base, int count, int32_t epoch);

struct follow_state {
    int32_t leader, leader_epoch;
    int partitions;   /* 0 = 1 */
    int port;         /* of broker 2's listener; 0: the image does not have the broker */
    const char *host; /* NULL = 127.0.0.1 */
};
/* Applies an image with that, and waits until the logs are open. */
void follow_decide(struct world *w, struct follow_state s);

struct bn_partition *follow_partition(struct world *w, int32_t index); /* on the shard */
/* Hands an answer to partition 0, as asked at its end; gives what bn_partition_fetched gave. */
int follow_feed(struct world *w, struct bn_partition_fetched f);
/* Waits until partition 0 is not being truncated. */
void follow_await_cut(struct world *w);
int64_t follow_end(struct world *w, int32_t index);
void follow_await_end(struct world *w, int32_t index, int64_t end);

/* While held, the pool runs nothing else. */
void follow_hold_pool(struct world *w);
void follow_release_pool(struct world *w);

#endif
