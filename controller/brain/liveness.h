/* liveness.h: which brokers live, in which incarnation, and which of them may hold a role (safety.md §1 and §2).
 *
 *   unknown --registered--> FRESH --left its old roles, admitted--> FIT --gone or fenced--> DEAD --registered--> FRESH
 *                             ^                                      |
 *                             '--------- a newer incarnation --------'
 */
#ifndef BN_LIVENESS_H
#define BN_LIVENESS_H

#include "controller/brain/flight.h"

void bn_liveness_activate(struct bn_model *m, const struct bn_event_activated *e);
void bn_liveness_brokers(struct bn_model *m, const struct bn_event_brokers *e);
void bn_liveness_hello(struct bn_model *m, const struct bn_event_hello *e);
void bn_liveness_stream_down(struct bn_model *m, uint64_t token);
void bn_liveness_refused(struct bn_model *m, const struct bn_event_refused *e);
void bn_liveness_admit_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_liveness_fence_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
/* At the end of a step: admits whoever has left its old roles; answers hellos. */
void bn_liveness_settle(struct bn_model *m);
/* p was just loaded or adopted: if a member is in a new life that is not admitted, its roles must be renewed. */
void bn_liveness_mark_partition(struct bn_model *m, struct bn_model_partition *p);

#endif
