/* proposals.h: the ISR proposals of one shard on their way to the controller, and the look at who lags, which is taken
 * of all partitions led here by one timer. Everything on that shard. */
#ifndef BN_PROPOSALS_H
#define BN_PROPOSALS_H

#include "broker/replica/roster.h"

struct bn_proposals;

struct bn_proposals_part { /* in struct bn_partition */
    struct bn_list leads;  /* among the partitions that are looked at */
    struct bn_list link;   /* among those to be said, or to be looked at again */
    enum { BN_PROPOSALS_IDLE, BN_PROPOSALS_READY, BN_PROPOSALS_SAID, BN_PROPOSALS_LATER } state;
    uint64_t due_ms;
};
void bn_proposals_part_init(struct bn_proposals_part *part);

struct bn_proposals *bn_proposals_new(const struct bn_roster_deps *deps, struct bn_roster *roster); /* borrows both */
/* Every partition has left. An answer that is still to come is dropped. */
void bn_proposals_free(struct bn_proposals *ps);

/* The partition leads others: it is looked at until it leaves. */
void bn_proposals_enter(struct bn_proposals *ps, struct bn_partition *p);
void bn_proposals_leave(struct bn_partition *p); /* fine when it is not in */
/* A proposal stands in p's isr. It is said at the end of this turn, together with others; nothing when it is under way
 * already. */
void bn_proposals_say(struct bn_proposals *ps, struct bn_partition *p);
/* Which brokers are registered has changed: some may join now, and some need not be waited for. */
void bn_proposals_review(struct bn_proposals *ps);
/* The periodic look, every half of replica.lag.time.max.ms. */
void bn_proposals_check(struct bn_proposals *ps);

#endif
