/* leader.h: a scripted leader: a thread that speaks Kafka's protocol on loopback and has one partition's batches to
 * give, after as many errors as it was told to, or hangs. One connection at a time. */
#ifndef LEADER_H
#define LEADER_H

#include "common/base/base.h"

struct leader;

struct leader *leader_start(int port); /* 0 = any */
void leader_stop(struct leader *l);
int leader_port(const struct leader *l);
/* One batch more, for partition 0. Wakes a fetch that waits. */
void leader_append(struct leader *l, int count, int32_t epoch);
/* The next `count` fetches: partition 0 answers with this error. */
void leader_fail(struct leader *l, int count, int16_t error);
void leader_hang(struct leader *l, bool hang);     /* answers no fetch */
void leader_drop(struct leader *l);                /* ends the connection that is open */
void leader_session(struct leader *l, int32_t id); /* of the answers from now on; the default is 0 */

struct leader_seen {
    int connections, fetches, full; /* full: with session epoch 0 */
    int32_t replica_id;
    int64_t replica_epoch;
    int32_t max_wait_ms; /* of the last fetch */
    int partitions;      /* named in the last one */
    bool waiting;        /* it is parked */
};
struct leader_seen leader_look(struct leader *l);

#endif
