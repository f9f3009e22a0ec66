/* rebalance.h: leadership returns to the preferred replicas by itself (auto.leader.rebalance.enable). */
#ifndef BN_REBALANCE_H
#define BN_REBALANCE_H

#include "controller/brain/model_inside.h"

void bn_rebalance_start(struct bn_model *m); /* at ACTIVATED */
void bn_rebalance_turn(struct bn_model *m);  /* in every step: looks when it is time */

#endif
