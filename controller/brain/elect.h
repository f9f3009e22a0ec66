/* elect.h: elections that somebody asked for: ElectLeaders, and the znode of Kafka 2.x's tool. */
#ifndef BN_ELECT_H
#define BN_ELECT_H

#include "controller/brain/flight.h"
#include "controller/brain/request.h"

void bn_elect_request(struct bn_model *m, const struct bn_event_elect_leaders *e);
/* Preferred elections of what /admin/preferred_replica_election names; the znode is deleted afterwards. */
void bn_elect_node(struct bn_model *m, const struct bn_event_elect_leaders *e);
/* An item that waits for its election: decides it once that has been tried and committed. */
void bn_elect_look(struct bn_model *m, struct bn_request_item *item);
/* Everything of the znode's request is decided: deletes it. */
void bn_elect_node_decided(struct bn_model *m);
void bn_elect_node_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);

#endif
