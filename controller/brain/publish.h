/* publish.h: what brokers are told: deltas of what was committed, and whole images. */
#ifndef BN_PUBLISH_H
#define BN_PUBLISH_H

#include "controller/brain/model_inside.h"

/* The topic's replicas must delete their logs: told in the next delta, and in every image until it is forgotten. */
void bn_publish_removed(struct bn_model *m, const struct bn_model_topic *t);
/* Forgets what would be told: nobody has an image yet. */
void bn_publish_reset(struct bn_model *m);
/* At the end of a step: one delta of everything that changed, then the images that are due. */
void bn_publish_settle(struct bn_model *m);

#endif
