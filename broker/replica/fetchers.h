/* fetchers.h: a shard's fetchers, one for each broker that something is followed from. One shard. */
#ifndef BN_FETCHERS_H
#define BN_FETCHERS_H

#include "broker/replica/fetcher.h"

struct bn_fetchers;

struct bn_fetchers *bn_fetchers_new(const struct bn_roster_deps *deps, struct bn_roster *roster);
void bn_fetchers_free(struct bn_fetchers *fs); /* NULL is fine */
/* Addresses and epochs of the image that the roster has taken up. */
void bn_fetchers_apply(struct bn_fetchers *fs, const struct bn_image *image);
/* The partition's role, leader, epochs or log changed: it is fetched from whom it follows now, or from nobody. */
void bn_fetchers_place(struct bn_fetchers *fs, struct bn_partition *p);

#endif
