/* closest.h: the replica that a consumer had better read from (KIP-392). Pure: nothing is kept. */
#ifndef BN_CLOSEST_H
#define BN_CLOSEST_H

#include "broker/image/image.h"
#include "broker/replica/isr.h"

struct bn_closest_consumer { /* borrowed */
    struct bn_slice rack;    /* empty = it told none */
    const char *listener;    /* by which it came in: a replica that it can't reach by it is of no use to it */
    int64_t offset;          /* that it wants next */
};

/* What a rack-aware leader (s leads) chooses: the follower in the consumer's rack that is in sync, has the offset and
 * the most behind it; among equals whoever caught up last, then the greater id. -1: the leader itself, because it is in
 * that rack, or nobody else is. The racks are the image's. */
int32_t bn_closest_choose(const struct bn_isr *s, const struct bn_image *image, const struct bn_closest_consumer *c);

#endif
