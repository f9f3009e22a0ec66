/* near.h: what was probably meant: the word of a list that is nearest to a mistyped one. */
#ifndef BN_NEAR_H
#define BN_NEAR_H

#include "common/base/slice.h"

struct bn_near {
    struct bn_slice word; /* borrowed */
    struct bn_slice best; /* null while nothing was near enough */
    size_t distance;
};

void bn_near_init(struct bn_near *n, struct bn_slice word);
/* Looks at one candidate (borrowed). At most a third of the word's letters, and three, may differ. */
void bn_near_try(struct bn_near *n, struct bn_slice candidate);

#endif
