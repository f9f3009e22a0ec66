/* fetcher.h: the connection over which a shard's followers fetch from one leader's broker. One shard. */
#ifndef BN_FETCHER_H
#define BN_FETCHER_H

#include "broker/replica/fetchset.h"

struct bn_fetcher;

/* Connects when there is something to fetch and the image says where. idle: it has no partition left and may be freed
 * (called at the end of a turn). */
struct bn_fetcher *bn_fetcher_new(const struct bn_roster_deps *deps, struct bn_roster *roster, int32_t leader,
                                  void (*idle)(void *arg, struct bn_fetcher *f), void *arg);
void bn_fetcher_free(struct bn_fetcher *f); /* drops its partitions; what is outstanding is forgotten */
int32_t bn_fetcher_leader(const struct bn_fetcher *f);
struct bn_fetchset *bn_fetcher_set(struct bn_fetcher *f);
/* Something changed in the set: acted on at the end of the turn. */
void bn_fetcher_poke(struct bn_fetcher *f);
/* A new image: the leader's address, and this broker's epoch. */
void bn_fetcher_apply(struct bn_fetcher *f, const struct bn_image *image);

#endif
