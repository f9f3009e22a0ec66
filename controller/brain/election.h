/* election.h: who leads a partition and who is in its ISR, given who lives. Pure; safety.md §2 and Kafka's offline
 * strategy. */
#ifndef BN_ELECTION_H
#define BN_ELECTION_H

#include "controller/brain/fact.h"

enum bn_election_life {
    BN_ELECTION_DEAD,    /* not registered */
    BN_ELECTION_FRESH,   /* registered, but its new incarnation has not yet left its old roles */
    BN_ELECTION_LEAVING, /* fit, but it shuts down: keeps what nobody else can take over, and gets nothing new */
    BN_ELECTION_FIT,     /* admitted: may be a leader, a candidate, in an ISR */
    BN_ELECTION_READY,   /* fit, and its stream is up: taken before others */
};

struct bn_election_view { /* the world as an election sees it */
    enum bn_election_life (*life)(const void *arg, int32_t broker);
    const void *arg;
};

enum bn_election_why {
    BN_ELECTION_NOTHING, /* the state may stay as it is */
    BN_ELECTION_INITIAL, /* the first state */
    BN_ELECTION_SHRINK,  /* the leader stays, members leave the ISR */
    BN_ELECTION_BUMP,    /* only a new leader epoch is needed: a member began a new life */
    BN_ELECTION_CLEAN,   /* a new leader out of the ISR */
    BN_ELECTION_UNCLEAN, /* a new leader from outside: records may be lost */
    BN_ELECTION_OFFLINE, /* nobody may lead */
};

struct bn_election_in {
    struct bn_fact_ids replicas;
    const struct bn_fact_state *state; /* NULL = it has none yet */
    bool bump;                         /* a new leader epoch is needed whatever else */
    bool unclean;                      /* a leader from outside the ISR is allowed, now */
    bool prefer;                       /* the first replica is to lead, if it may (Kafka's preferred strategy) */
};

struct bn_election_out {
    enum bn_election_why why; /* NOTHING: the rest is the state as it is, or for a new partition that nobody is fit */
    int32_t leader;
    bool recovering;
    bool only_unclean; /* nobody may lead, and an unclean election would have found somebody */
    int32_t *isr;      /* the caller's: room for the larger of the replicas and the old ISR */
    int32_t isr_count;
};

void bn_election_run(const struct bn_election_in *in, const struct bn_election_view *view, struct bn_election_out *out);

#endif
