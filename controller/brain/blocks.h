/* blocks.h: numbers that are given out once: blocks of producer ids (KIP-730) and generated broker ids. */
#ifndef BN_BLOCKS_H
#define BN_BLOCKS_H

#include "controller/brain/flight.h"

#define BN_BLOCKS_PRODUCER_IDS 1000 /* of one block, as in Kafka */

void bn_blocks_producer_ids(struct bn_model *m, const struct bn_event_producer_ids *e);
void bn_blocks_broker_id(struct bn_model *m, const struct bn_event_broker_id *e);
void bn_blocks_producer_ids_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_blocks_producer_ids_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_result *r);
void bn_blocks_broker_id_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_blocks_drop_all(struct bn_model *m);

#endif
