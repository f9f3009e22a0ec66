/* partition_int.h: what the roster does with a partition; private to this room. */
#ifndef BN_PARTITION_INT_H
#define BN_PARTITION_INT_H

#include "broker/replica/fetchset.h"
#include "broker/replica/isr.h"
#include "broker/replica/pause.h"
#include "broker/replica/proposals.h"
#include "broker/replica/roster.h"

struct bn_partition_key { /* the roster's map key */
    struct bn_uuid topic_id;
    int32_t index;
};

struct bn_partition {
    struct bn_partition_key key;
    const struct bn_roster_deps *deps;
    char *topic;
    enum bn_partition_role role;
    struct bn_log *log; /* NULL while LOADING and when OFFLINE without one */
    uint64_t tenure;    /* which directory of its name is its own (bn_log_open.tenure) */

    /* What the controller decided last. */
    int32_t leader, leader_epoch;
    struct bn_isr isr; /* assignment, ISR and partition epoch; while leading also how far the followers are */
    struct bn_proposals_part proposal;

    bool deletes;       /* cleanup.policy has delete */
    int32_t min_insync; /* min.insync.replicas of the topic */
    int64_t flush_messages, flush_ms;
    int64_t high_watermark; /* everything below is committed; never goes back while leading */
    int64_t flushed_to;     /* end offset covered by the last flush that was started */
    bool flushing;
    struct bn_timer flush_timer;
    struct bn_logdir_point told; /* to the last checkpoint; without a topic: nothing yet */

    struct bn_list parked;    /* acks=all appends, by ascending required offset */
    struct bn_list early;     /* appends that came before it could lead, or while a pause holds them */
    struct bn_list trims;     /* struct bn_partition_trim: DeleteRecords that wait for followers */
    struct bn_list interests; /* struct bn_partition_interest */

    /* Following (partition_follow.c). */
    struct bn_fetchset_part fetch; /* its place among what is fetched from its leader */
    const char *refused;           /* of what was fetched last (bn_log_replica.why), and where: to tell people */
    int64_t refused_offset;
    bool cutting;       /* a truncation is under way: nothing is appended */
    int64_t taken_from; /* what lies above was taken from the leader of this epoch */
    bool contradicted;  /* and that leader has taken some of it back: it does not know its own log */
    struct {
        bool queued, all; /* another one waits for it */
        int64_t offset;
        int32_t leader_epoch; /* it is of no use under a later one */
    } next_cut;
    void (*changed)(struct bn_partition *); /* role, leader or epochs; or a truncation has ended */

    /* Opening and going away are the roster's business. */
    bool opening;
    bool homeless; /* it goes, and never had its directory: the one of its name is another's */
    enum { BN_PARTITION_STAYS, BN_PARTITION_STOPS, BN_PARTITION_GOES_STRAY, BN_PARTITION_GOES_DELETED } fate;
    void (*idle)(struct bn_partition *); /* told when a flush or a truncation ends on a partition that goes */
    struct bn_roster *roster;
    struct bn_proposals *proposals; /* of its shard, borrowed */
    struct bn_pause *pause;         /* the same */
};

struct bn_partition *bn_partition_new(const struct bn_roster_deps *deps, const struct bn_image_topic *t,
                                      const struct bn_image_partition *state);
/* The log has been opened (takes it), or can't be (NULL: OFFLINE). Then the role that the image gave is taken up. */
void bn_partition_opened(struct bn_partition *p, struct bn_log *log, int64_t checkpointed_high_watermark);
/* The controller decided something new about it. */
void bn_partition_decide(struct bn_partition *p, const struct bn_image_partition *state);
void bn_partition_configure(struct bn_partition *p, const struct bn_log_config *config, int32_t min_insync);
/* Answers everything that waits with `error`; nothing is parked after. */
void bn_partition_evict(struct bn_partition *p, int16_t error);
/* What is here was removed, or the broker stops: no wish is registered after. */
void bn_partition_disappoint(struct bn_partition *p);
/* Frees; the log was taken away before, nothing waits. */
void bn_partition_free(struct bn_partition *p);

/* The log failed. */
void bn_partition_offline(struct bn_partition *p, const char *why);

/* partition_serve.c. KE_NONE: it leads under this epoch (-1 = any); 6, 74, 75, 56. */
int16_t bn_partition_check(const struct bn_partition *p, int32_t current_leader_epoch);
enum bn_partition_news {
    BN_PARTITION_APPENDED,  /* followers have something to fetch */
    BN_PARTITION_COMMITTED, /* the high watermark or the start offset moved */
    BN_PARTITION_ROLE,      /* role or leader epoch: every parked fetch must look */
};
void bn_partition_moved(struct bn_partition *p, enum bn_partition_news news);

/* partition_follow.c */
struct bn_partition_position { /* where a follower stands, as it tells its leader */
    int64_t offset, log_start;
    int32_t leader_epoch, last_epoch; /* decided; of its last batch, -1 when there is none */
};
/* False: it has nothing to fetch now (it does not follow, its log failed or is being truncated). */
bool bn_partition_position(const struct bn_partition *p, struct bn_partition_position *out);
struct bn_partition_fetched { /* a leader's answer without an error */
    struct bn_partition_position asked;
    int64_t high_watermark, log_start;
    struct bn_slice records; /* borrowed */
    int32_t diverging_epoch;
    int64_t diverging_end; /* both -1: the logs agree */
};
/* Takes it up: records, then watermark, then log start; or truncates. BN_OK; BN_STALE: it no longer answers what would
 * be asked now, nothing happened; BN_BAD: the records are corrupt or don't fit; BN_AGAIN: told to truncate where
 * nothing is left to, or what this leader sent itself (contradicted); BN_NOROOM: there is none here for all of it now;
 * BN_IO: the log has failed (it is OFFLINE now). */
int bn_partition_fetched(struct bn_partition *p, const struct bn_partition_fetched *f) BN_MUST_CHECK;
/* The leader's log ends at `offset`, below this one's; or (all) begins at it, above this one's end. */
void bn_partition_cut(struct bn_partition *p, int64_t offset, bool all);

/* partition.c: a truncation has ended that the role waited for. */
void bn_partition_resume(struct bn_partition *p);

/* partition_trim.c */
void bn_partition_trim_review(struct bn_partition *p); /* a follower or the image has told something */
void bn_partition_trim_refuse(struct bn_partition *p, int16_t error);

/* partition_lead.c */
void bn_partition_plan_flush(struct bn_partition *p); /* after an append: flush.messages, flush.ms */
void bn_partition_lead_init(struct bn_partition *p);
/* It leads, under an epoch that it did not lead before. */
void bn_partition_lead(struct bn_partition *p);
void bn_partition_refuse_parked(struct bn_partition *p, int16_t error); /* answers every append that was made */
void bn_partition_refuse(struct bn_partition *p, int16_t error);        /* and those that were not yet */
void bn_partition_go_on(struct bn_partition *p);                        /* a pause is over: what it held is appended */
/* A decision within the leader epoch; new_state: the committed ISR is another one, else at most the assignment. */
void bn_partition_settled(struct bn_partition *p, bool new_state);
/* A follower reads. KE_NONE: it may. 75, 6: it is no replica (3-replication 3.3), or an earlier incarnation of one. */
int16_t bn_partition_admit(const struct bn_partition *p, const struct bn_partition_read *r);
/* It reads from inside the log, and its log does not part from this one: it has what lies before. */
void bn_partition_progress(struct bn_partition *p, const struct bn_partition_read *r);
/* What is known has changed otherwise: the watermark may move, and somebody may join the ISR. */
void bn_partition_review(struct bn_partition *p);
/* The periodic look: who lags is to leave the ISR. */
void bn_partition_check_lag(struct bn_partition *p);
/* The answer to a proposal. */
enum bn_isr_outcome bn_partition_altered(struct bn_partition *p, const struct bn_isr_answer *a);

#endif
