/* partition_sm.h: Kafka's partition state machine, on top of one conditional write at a time per partition.
 *
 *   from \ to     New  Online  Offline  NonExistent
 *   New            -     x       x          -          New -> Online: the first state (ISR = all fit replicas)
 *   Online         -     x       x          -          Online -> Online: an election, a shrink, an accepted proposal
 *   Offline        -     x       x          x          Offline = committed without a leader
 *   NonExistent    x     -       -          -          forgotten; a partition of the same name is a new one
 */
#ifndef BN_PARTITION_SM_H
#define BN_PARTITION_SM_H

#include "controller/brain/election.h"
#include "controller/brain/flight.h"

bool bn_partition_sm_allowed(enum bn_model_partition_kind from, enum bn_model_partition_kind to);
/* Looks at every dirty partition that may be written and sends what is to be written. */
void bn_partition_sm_settle(struct bn_model *m);
/* p's state is unknown or missing: reads it (p becomes busy). */
void bn_partition_sm_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_partition_sm_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_done *e);
/* The life of brokers as the elections of m see it. */
struct bn_election_view bn_partition_sm_view(const struct bn_model *m);

#endif
