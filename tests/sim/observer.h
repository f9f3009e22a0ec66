/* observer.h: what has stood in ZooKeeper, and what brokers have done, as an all-seeing eye has recorded it; and the
 * invariants of safety, each a function named after it, that judge every new entry. */
#ifndef SIM_OBSERVER_H
#define SIM_OBSERVER_H

#include "tests/sim/logs.h"

struct sim_state { /* a committed state of a partition */
    int32_t leader, leader_epoch, controller_epoch;
    int32_t isr[SIM_BROKERS];
    int isr_count;
    int64_t zxid;
};

struct sim_epoch { /* a leader epoch of a partition */
    int64_t zxid;  /* of the commit that began it; 0 = never committed */
    int32_t broker;
    int64_t incarnation;       /* who appended under it; broker -1 = nobody yet */
    struct sim_batch *batches; /* without a gap */
    int32_t count;
};

struct sim_ack { /* an acks=all batch that was acknowledged, or one that a consumer was given */
    int64_t base, id;
    int32_t epoch; /* its own */
    bool read;     /* at the end, by the one who reads everything */
};

struct sim_seen { /* a batch that he has read of a compacted topic */
    int64_t base;
    int32_t epoch;
    uint32_t kept;
};

struct sim_tombstone { /* of a compacted topic, as it was appended */
    int64_t offset;
    uint64_t key, appended_ms;
    int32_t epoch;
};

struct sim_proposal { /* of an ISR, by who takes himself for the leader */
    int32_t broker, leader_epoch, partition_epoch;
    int32_t isr[SIM_BROKERS];
    int isr_count;
};

struct sim_partition {
    struct sim_state *states; /* by version */
    int32_t state_count;
    int64_t state_czxid; /* of the znode that is there; 0 = none */
    struct sim_epoch *epochs;
    int32_t epoch_count;
    struct sim_ack *acks; /* those that must be kept, by offset */
    int32_t ack_count;
    struct sim_seen *seen; /* by offset */
    int32_t seen_count;
    struct sim_proposal *proposals;
    int32_t proposal_count;
    /* Nothing is promised of older epochs: an unclean election, or the last one who had a batch lost it. 0 = none. */
    int32_t lossy_epoch;
    /* A power cut took batches of this broker: until a new incarnation of it was given an image and is of no ISR
     * (before, it may still be taken in for what it was, and is then taken out), or it is the ISR alone. */
    bool lost[SIM_BROKERS];
    int32_t lost_incarnation[SIM_BROKERS];
    int64_t synced[SIM_BROKERS];      /* what the broker's last life had synced when it left the log */
    struct sim_tombstone *tombstones; /* of a compacted topic */
    int32_t tombstone_count;
};

struct sim_topic { /* one topic id */
    char name[24];
    struct bn_uuid id;
    bool compacted;
    bool evidence; /* a delete marker has stood while it was there, or since */
    struct sim_partition partitions[SIM_PARTITIONS];
};

struct sim_version { /* of the metadata stream, and what an image at it is */
    int32_t controller_epoch;
    int64_t sequence;
    uint64_t digest;
    int32_t broker; /* who told first */
};

struct sim_observer {
    int64_t zxid;
    int32_t controller_epoch, epoch_before; /* several writes may be seen at one look */
    int64_t epoch_zxid;                     /* of the write that began controller_epoch */
    struct sim_topic **topics;              /* every one that ever was */
    int32_t topic_count;
    struct sim_topic *current[SIM_TOPICS]; /* NULL = there is none of this name */
    struct sim_topic *last[SIM_TOPICS];    /* the one of this name that is or was there last */
    int64_t czxid[SIM_TOPICS];
    int64_t broker_czxid[SIM_BROKERS]; /* of the registration that stands; 0 = none */
    int32_t broker_incarnation[SIM_BROKERS];
    int64_t *registered[SIM_BROKERS]; /* czxid by incarnation */
    int64_t admitted[SIM_BROKERS];    /* the newest incarnation that was given an image */
    int32_t registered_count[SIM_BROKERS];
    struct sim_version *versions;
    int32_t version_count;
};

/* ---- observer.c ---- */
struct sim_observer *sim_observer_new(void);
const char *sim_observer_name(int topic); /* 0..SIM_TOPICS-1 */
void sim_observer_free(struct sim_observer *o);
/* Something may have been written. by: whose event it was; NULL = a person or ZooKeeper itself. */
void sim_observer_look(struct sim_world *w, struct sim_proc *by);
struct sim_topic *sim_observer_topic(const struct sim_observer *o, const struct bn_uuid *id); /* NULL */
bool sim_observer_is_current(const struct sim_observer *o, const struct sim_topic *t);
struct sim_epoch *sim_observer_epoch(struct sim_partition *p, int32_t epoch); /* makes it */
/* What the leader of that epoch has appended at that offset; NULL. */
const struct sim_batch *sim_observer_batch(const struct sim_partition *p, int32_t epoch, int64_t base);
/* Was something lost that nobody had promised to keep, or has the topic gone? Then clients may see anything. */
bool sim_observer_lossy(const struct sim_topic *t, int32_t index);
/* Does the broker lead under the newest epoch, and know it? */
bool sim_observer_leads(struct sim_world *w, const struct sim_topic *t, int32_t index, int broker);
/* Must be kept from now on. by_epoch: of the leader that says so. */
void sim_observer_acked(struct sim_partition *p, int32_t by_epoch, const struct sim_batch *b);
/* Notes what of a batch, which was just appended to a compacted topic, is a tombstone. */
void sim_observer_tombstones(struct sim_partition *p, const struct sim_batch *b);
void sim_observer_forget_reads(struct sim_partition *p);
/* All that was acknowledged is lost by a stranger's hand or an unclean election: nobody promised it. */
void sim_observer_excuse(struct sim_partition *p, int32_t epoch);
/* A power cut took what the broker had from `end` on. */
void sim_observer_tail_lost(struct sim_world *w, struct sim_topic *t, int32_t index, int broker, int64_t end);
/* Takes the mark of lost ones off those who have begun anew. */
void sim_observer_recovered(struct sim_world *w, struct sim_partition *p);
void sim_observer_proposed(struct sim_world *w, int32_t broker, const Bn__AlterPartitionRequest *r);

/* ---- invariants.c ---- */
void sim_invariant_zk_fenced(struct sim_world *w, const struct sim_topic *t, int32_t index, const struct sim_state *s);
void sim_invariant_isr_growth(struct sim_world *w, struct sim_topic *t, int32_t index, const struct sim_state *old,
                              const struct sim_state *now);
void sim_invariant_fence_exact(struct sim_world *w, struct sim_proc *by, int32_t broker, int32_t incarnation);
void sim_invariant_stream_exact(struct sim_world *w, int32_t broker, const struct bn_image *image);
void sim_invariant_delete_evidence(struct sim_world *w, int32_t broker, const struct sim_topic *t, const char *dir);

/* ---- invariants_log.c ---- */
void sim_invariant_no_resume(struct sim_world *w, const struct sim_replica *r, int32_t epoch);
/* A leader has appended b (1, 3, 7, 12). */
void sim_invariant_appended(struct sim_world *w, struct sim_replica *r, const struct sim_batch *b);
/* A follower has taken b in, or it was found in a log (3). */
void sim_invariant_epoch_offset_unique(struct sim_world *w, const struct sim_topic *t, int32_t index,
                                       const struct sim_batch *b, const char *where);
/* A leader answers an acks=all produce (2, 12). */
void sim_invariant_answered(struct sim_world *w, struct sim_replica *r, const struct sim_batch *b);
/* A partition leads under a new epoch (2, 7). */
void sim_invariant_led(struct sim_world *w, struct sim_replica *r);
/* The ISR, or what its members have, has changed (2, 5). */
void sim_invariant_ack_kept(struct sim_world *w, struct sim_topic *t, int32_t index, const char *when);
/* A leader's high watermark has moved; before: under the same epoch, or -1. */
void sim_invariant_hw_covered(struct sim_world *w, const struct sim_replica *r, int64_t before);
/* What a broker had synced has outlived a power cut: its log ends here. */
void sim_invariant_synced_kept(struct sim_world *w, const struct sim_topic *t, int32_t index, int broker, int64_t end);
void sim_invariant_prefix_agree(struct sim_world *w, const struct sim_topic *t, int32_t index);
void sim_invariant_producer_fold(struct sim_world *w, const struct sim_replica *r);
/* A consumer at `position` was given b. */
void sim_invariant_read(struct sim_world *w, struct sim_topic *t, int32_t index, const struct sim_batch *b,
                        int64_t position, int64_t high_watermark);
void sim_invariant_all_read(struct sim_world *w, struct sim_topic *t, int32_t index);
/* A producer that sends one batch at a time, each until it is settled, hears of a wrong sequence number. */
void sim_invariant_in_sequence(struct sim_world *w, const struct sim_topic *t, int32_t index, int tries, int error);
const char *sim_invariant_same_logs(struct sim_world *w, const struct sim_topic *t, int32_t index);

/* ---- invariants_compact.c: what compaction leaves of the others ---- */
/* Is b what a cleaning may have left of own, the batch as it was appended? */
bool sim_invariant_is_rest(const struct sim_world *w, const struct sim_batch *own, const struct sim_batch *b);
/* Is each of its records there, or a later one of its key? */
bool sim_invariant_holds_keys(const struct sim_world *w, const struct sim_partition *p, struct sim_log *l,
                              const struct sim_ack *a);
/* The same of what a consumer has read. */
bool sim_invariant_read_keys(const struct sim_world *w, const struct sim_partition *p, const struct sim_ack *a,
                             const struct sim_log *leaders);
/* They know the same newest record of each key. */
bool sim_invariant_same_keys(const struct sim_world *w, const struct sim_partition *p, struct sim_log *a,
                             struct sim_log *b);
/* 12. Of each producer the last batch is remembered, though a cleaning may have taken it from the log. */
void sim_invariant_folds_all(struct sim_world *w, const struct sim_replica *r, const struct sim_log *l);
/* A cleaning has put new files in the place of old ones. */
void sim_invariant_cleaned(struct sim_world *w, const struct sim_replica *r, const struct sim_log *before,
                           const struct sim_log *after);

/* ---- once faults have stopped ---- */
/* NULL = it holds (now); else what does not. */
const char *sim_invariant_reregister(struct sim_world *w);
const char *sim_invariant_heals(struct sim_world *w);

#endif
