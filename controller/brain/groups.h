/* groups.h: the rebalance state of consumer groups: coordinators' writes and readings of it (safety §5). */
#ifndef BN_GROUPS_H
#define BN_GROUPS_H

#include "controller/brain/flight.h"

#define BN_GROUPS_TOPIC "__consumer_offsets"

void bn_groups_listed(struct bn_model *m, const struct bn_event_groups *e);
void bn_groups_request(struct bn_model *m, const struct bn_event_group_write *e);
void bn_groups_request_read(struct bn_model *m, const struct bn_event_group_read *e);
/* Begins, or goes on with, whatever waited and need not any more. */
void bn_groups_turns(struct bn_model *m);

/* For flight.c: what a reading is about; ends. */
struct bn_groups_write;
int32_t bn_groups_reading(const struct bn_groups_write *w);
void bn_groups_names(struct bn_model *m, const struct bn_groups_write *w, struct bn_output_read_item *items);
void bn_groups_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_groups_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_done *e);
void bn_groups_drop_all(struct bn_model *m);

#endif
