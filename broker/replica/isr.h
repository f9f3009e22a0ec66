/* isr.h: what the leader of a partition knows of its followers, and what it proposes about the in-sync set. Pure: no
 * loop, no log, no image; whoever calls says what time it is, where its log ends and which brokers live. */
#ifndef BN_ISR_H
#define BN_ISR_H

#include "common/base/base.h"

#define BN_ISR_NEVER INT64_MIN

struct bn_isr_follower {
    int32_t id;
    bool assigned;          /* a replica; else only a member of the ISR */
    bool member;            /* of the committed ISR */
    bool proposed;          /* of the ISR that stands proposed */
    int64_t end;            /* what it asked for last under this leader epoch: it has everything below; -1 = unknown */
    int64_t log_start;      /* -1 = not told */
    int64_t broker_epoch;   /* of the incarnation whose progress this is; -1 = not told */
    int64_t proposed_epoch; /* that stands in the proposal */
    int64_t caught_up_ms;   /* the last time at which it had everything; BN_ISR_NEVER */
    int64_t fetch_ms;       /* of its last fetch; BN_ISR_NEVER */
    int64_t heard_ms;       /* it followed under this leader epoch then, for certain; BN_ISR_NEVER */
    int64_t fetch_leader_end; /* where the leader's log ended then */
    int64_t hold_until_ms;    /* it is not proposed before: the last time it was refused */
    int refusals;             /* of this incarnation, in a row: each makes the next wait longer */
};

enum bn_isr_change {
    BN_ISR_SETTLED,
    BN_ISR_EXPANDING,
    BN_ISR_SHRINKING,
    BN_ISR_RESIGNING, /* the leader leaves it, since its log has failed: another member shall lead */
};

struct bn_isr {
    int32_t self;
    int32_t leader_epoch, partition_epoch; /* of the committed state; -1 = none yet */
    int32_t *members;                      /* the committed ISR, in the controller's order */
    int member_count;
    struct bn_isr_follower *followers; /* everybody else in the assignment or the ISR */
    int follower_count, replica_count;
    int64_t epoch_start;       /* where the leader's log ended when the epoch began; -1 = not leading */
    enum bn_isr_change change; /* a proposal stands, under partition_epoch */
    int64_t hold_until_ms;     /* nothing is proposed before: that some leave was refused */
};

/* What the caller knows at this moment. */
struct bn_isr_view {
    int64_t now_ms, lag_max_ms; /* monotonic; replica.lag.time.max.ms */
    int64_t leader_end, high_watermark;
    int64_t (*live_epoch)(void *arg, int32_t broker); /* the epoch under which it is registered; -1 = it is not */
    void *arg;
};

void bn_isr_init(struct bn_isr *s, int32_t self);
void bn_isr_fini(struct bn_isr *s);

/* ---- what the controller committed ---- */

struct bn_isr_state { /* borrowed */
    int32_t leader_epoch, partition_epoch;
    const int32_t *replicas, *isr;
    int replica_count, isr_count;
};
enum bn_isr_news {
    BN_ISR_OLD,       /* nothing of it is taken up */
    BN_ISR_KNOWN,     /* at most the assignment is new */
    BN_ISR_NEW_STATE, /* another ISR or partition epoch; a proposal that stood has ended */
    BN_ISR_NEW_EPOCH, /* of the leader: nothing is known of anybody, bn_isr_lead begins anew */
};
/* Takes up a decision, unless it is older than what is known (the answer to a proposal may come before its delta). */
enum bn_isr_news bn_isr_decided(struct bn_isr *s, const struct bn_isr_state *d, int64_t now_ms);
/* Leads under the epoch of the last decision, from this end on: members have time to show themselves (3.3). */
void bn_isr_lead(struct bn_isr *s, int64_t epoch_start, int64_t now_ms);

/* ---- followers' fetches ---- */

struct bn_isr_fetch {
    int32_t follower;
    int64_t broker_epoch; /* -1 = not told */
    int64_t offset, log_start;
};
enum bn_isr_verdict {
    BN_ISR_FINE,
    BN_ISR_STRANGER, /* not a replica */
    BN_ISR_STALE,    /* of an earlier incarnation */
};
enum bn_isr_verdict bn_isr_admit(const struct bn_isr *s, const struct bn_isr_view *v, const struct bn_isr_fetch *f);
/* An admitted fetch whose offset is in the log and whose log does not part from it. True when an end has moved. */
bool bn_isr_fetched(struct bn_isr *s, const struct bn_isr_view *v, const struct bn_isr_fetch *f);
/* The leader appended at old_end: who had everything had it until now. */
void bn_isr_appended(struct bn_isr *s, int64_t old_end, int64_t now_ms);

/* ---- what follows ---- */

/* min.insync.replicas, at most the replication factor. */
int bn_isr_min(const struct bn_isr *s, int32_t min_insync);
/* The high watermark: never below the view's (3-replication 3.2). */
int64_t bn_isr_watermark(const struct bn_isr *s, const struct bn_isr_view *v, int32_t min_insync);
/* Proposes to take in `follower` (which just fetched), or with -1 somebody who has caught up; one at a time. True when
 * a proposal stands that did not before. */
bool bn_isr_expand(struct bn_isr *s, const struct bn_isr_view *v, int32_t follower);
/* Proposes to leave it to the other members. False: there are none, or it can't be said now. */
bool bn_isr_resign(struct bn_isr *s, int64_t now_ms);
/* Somebody is not proposed only because of a refusal: who waits for that looks again. */
bool bn_isr_holds(const struct bn_isr *s, int64_t now_ms);
/* Proposes to leave out the members that are not caught up. */
bool bn_isr_shrink(struct bn_isr *s, const struct bn_isr_view *v);
bool bn_isr_caught_up(const struct bn_isr_follower *f, const struct bn_isr_view *v);
/* All that may be in the ISR as far as is known: the maximal ISR. Only one of them can be elected cleanly. */
bool bn_isr_may_be_member(const struct bn_isr *s, const struct bn_isr_follower *f);

/* ---- the proposal that stands ---- */

/* Its members (of which there are at most follower_count + 1), with the incarnations meant: -1 = this broker's own, or
 * a member of which nothing was heard. The same each time it is said. Gives their number. */
int bn_isr_proposal(const struct bn_isr *s, int32_t *ids, int64_t *broker_epochs);

struct bn_isr_answer {
    int32_t leader_epoch, partition_epoch; /* under which the proposal was said */
    bool heard;                            /* false: no answer came */
    int16_t error;
    const struct bn_isr_state *state; /* the committed one (its replicas are not looked at), or NULL */
};
enum bn_isr_outcome {
    BN_ISR_MOOT,     /* it had ended already; nothing changed */
    BN_ISR_ADOPTED,  /* a newer committed state was taken up: it has ended */
    BN_ISR_REVERTED, /* refused for good: it has ended, the committed ISR stands, the next one has to wait a moment */
    BN_ISR_AGAIN,    /* nothing is known: it stands, and is to be said again */
    BN_ISR_AWAITING, /* it can't be written any more, a newer decision is on its way: it stands until then */
};
enum bn_isr_outcome bn_isr_answered(struct bn_isr *s, const struct bn_isr_answer *a, int64_t now_ms);

#endif
