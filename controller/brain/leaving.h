/* leaving.h: controlled shutdown: a broker hands its roles over before it stops. */
#ifndef BN_LEAVING_H
#define BN_LEAVING_H

#include "controller/brain/model_inside.h"

void bn_leaving_request(struct bn_model *m, const struct bn_event_controlled_shutdown *e);
/* At the end of a step, after the delta: answers those whose partitions are all settled. */
void bn_leaving_settle(struct bn_model *m);
void bn_leaving_drop_all(struct bn_model *m);

#endif
