/* observer.h: what has stood in ZooKeeper, and what brokers have done, as an all-seeing eye has recorded it; and the
 * invariants of safety, each a function named after it, that judge every new entry. */
#ifndef SIM_OBSERVER_H
#define SIM_OBSERVER_H

#include "tests/sim/world.h"

struct sim_state { /* a committed state of a partition */
    int32_t leader, leader_epoch, controller_epoch;
    int32_t isr[SIM_BROKERS];
    int isr_count;
    int64_t zxid;
};

struct sim_epoch { /* a leader epoch of a partition */
    int64_t zxid;  /* of the commit that began it; 0 = never committed */
    int32_t broker;
    int64_t incarnation; /* who appended under it; broker -1 = nobody yet */
    int64_t first;       /* offset of the first batch */
    int64_t *ids;        /* the batches' names, from there on */
    int64_t id_count;
};

struct sim_ack { /* an acks=all batch that was acknowledged */
    int64_t offset, id;
};

struct sim_partition {
    struct sim_state *states; /* by version */
    int32_t state_count;
    int64_t state_czxid; /* of the znode that is there; 0 = none */
    struct sim_epoch *epochs;
    int32_t epoch_count;
    struct sim_ack *acks; /* those that must be kept */
    int32_t ack_count;
    int32_t unclean_epoch; /* of the last unclean election; 0 = none */
};

struct sim_topic { /* one topic id */
    char name[16];
    struct bn_uuid id;
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
    struct sim_topic **topics; /* every one that ever was */
    int32_t topic_count;
    struct sim_topic *current[SIM_NAMES]; /* NULL = there is none of this name */
    struct sim_topic *last[SIM_NAMES];    /* the one of this name that is or was there last */
    int64_t czxid[SIM_NAMES];
    int64_t broker_czxid[SIM_BROKERS]; /* of the registration that stands; 0 = none */
    int32_t broker_incarnation[SIM_BROKERS];
    int64_t *registered[SIM_BROKERS]; /* czxid by incarnation */
    int32_t registered_count[SIM_BROKERS];
    struct sim_version *versions;
    int32_t version_count;
};

/* ---- observer.c ---- */
struct sim_observer *sim_observer_new(void);
void sim_observer_free(struct sim_observer *o);
/* Something may have been written. by: whose event it was; NULL = a person or ZooKeeper itself. */
void sim_observer_look(struct sim_world *w, struct sim_proc *by);
struct sim_topic *sim_observer_topic(const struct sim_observer *o, const struct bn_uuid *id); /* NULL */
struct sim_epoch *sim_observer_epoch(struct sim_partition *p, int32_t epoch);                 /* makes it */
/* Acknowledged by the leader of `epoch`. After an unclean election nobody promises what an older leader still takes. */
void sim_observer_acked(struct sim_partition *p, int32_t epoch, int64_t offset, int64_t id);
/* What was acknowledged at offset and above is lost by a power cut, an unclean election or a stranger's hand: nobody
 * promised it. */
void sim_observer_excuse(struct sim_partition *p, int64_t from);

/* ---- invariants.c ---- */
struct sim_replica;
struct sim_append {
    int32_t broker, leader_epoch;
    int64_t incarnation, offset, id;
};
void sim_invariant_zk_fenced(struct sim_world *w, const struct sim_topic *t, int32_t index, const struct sim_state *s);
void sim_invariant_isr_growth(struct sim_world *w, struct sim_topic *t, int32_t index, const struct sim_state *old,
                              const struct sim_state *now);
void sim_invariant_fence_exact(struct sim_world *w, struct sim_proc *by, int32_t broker, int32_t incarnation);
void sim_invariant_one_leader(struct sim_world *w, struct sim_topic *t, int32_t index, const struct sim_append *a);
void sim_invariant_epoch_offset_unique(struct sim_world *w, struct sim_topic *t, int32_t index,
                                       const struct sim_append *a);
void sim_invariant_no_resume(struct sim_world *w, struct sim_topic *t, int32_t index, const struct sim_append *a);
void sim_invariant_stream_exact(struct sim_world *w, int32_t broker, const struct bn_image *image);
void sim_invariant_delete_evidence(struct sim_world *w, int32_t broker, const struct sim_topic *t, int32_t index);
void sim_invariant_ack_kept(struct sim_world *w, const struct sim_topic *t, int32_t index,
                            const struct sim_replica *log, const char *when);
/* The last three, once faults have stopped. NULL = it holds (now); else what does not. */
const char *sim_invariant_reregister(struct sim_world *w);
const char *sim_invariant_heals(struct sim_world *w);
void sim_invariant_ack_kept_at_end(struct sim_world *w);

#endif
