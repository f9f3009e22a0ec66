/* place.h: where the replicas of new partitions go (Kafka's AdminUtils.assignReplicasToBrokers). Pure. */
#ifndef BN_PLACE_H
#define BN_PLACE_H

#include "controller/brain/fact.h"

struct bn_place_broker {
    int32_t id;
    const char *rack; /* NULL = none */
};

struct bn_place_request {
    const struct bn_place_broker *brokers; /* ascending by id */
    int32_t broker_count;
    int32_t partition_first, partition_count;
    int32_t replication_factor; /* 1..broker_count */
    int32_t start, shift;       /* in 0..broker_count-1: drawn, or fixed when partitions are added */
};

/* Writes partition_count * replication_factor ids. Rack-aware when every broker has a rack (one that does not makes it
 * rack-unaware, Kafka's mode Safe). */
void bn_place_assign(const struct bn_place_request *r, int32_t *out);

#endif
