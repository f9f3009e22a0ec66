/* group_int.h: what a group is made of, and what its files ask of each other. Private to broker/group. */
#ifndef BN_GROUP_INT_H
#define BN_GROUP_INT_H

#include "broker/group/group.h"
#include "common/base/map.h"

enum {
    BN_GROUP_NEW_MEMBER_MS = 5 * 60 * 1000, /* how long a join of a new member may wait (KAFKA-5632) */
    BN_GROUP_BLOCK = 16,                    /* generations reserved at a time (safety §5) */
};

struct bn_group_former {        /* what a static member was before its replacement, which is not stored yet */
    struct bn_slice id, leader; /* owned; leader: the group's then */
    struct bn_group_protocol *protocols;
    int32_t protocol_count, session_ms, rebalance_ms;
};

struct bn_group_member {
    struct bn_slice id, instance_id, client_id, client_host; /* owned; instance_id null = dynamic */
    int32_t session_ms, rebalance_ms;
    struct bn_group_protocol *protocols; /* owned, in the member's order of preference */
    int32_t protocol_count;
    struct bn_slice assignment;      /* owned; "" before one is stored */
    struct bn_slice proposed;        /* owned: what the leader handed in, until it is stored; null = nothing */
    uint64_t join_token, sync_token; /* 0 = does not wait */
    uint64_t store_token;            /* a static replacement waits for this store; 0 = none */
    bool can_skip;                   /* of the join that waits for it */
    struct bn_group_former *former;  /* owned: of that replacement, until the next join; NULL */
    bool is_new;                     /* has not been in a generation yet */
    bool owes_sync;                  /* was told of the generation and has not synced */
    int64_t expires_ms;
};

struct bn_group_pending { /* was given an id and has to come again */
    struct bn_slice id;   /* owned */
    int64_t expires_ms;
};

struct bn_group_support { /* a protocol that members name: it is common to all when all of them are counted */
    struct bn_slice name; /* owned */
    int32_t members, votes;
    uint64_t counted; /* group.counts when it was counted last: a member that names it twice counts once */
};

struct bn_group {
    const struct bn_group_settings *settings;
    struct bn_slice id; /* owned */
    enum bn_group_state state;
    int32_t generation;
    int32_t used;     /* generations up to it may have been used by a coordinator before this one */
    int32_t reserved; /* generations up to it are recorded as used */
    struct bn_slice protocol_type, protocol, leader; /* owned; null = none */
    struct bn_group_member **members;                /* in the order in which they came */
    int32_t member_count, member_capacity;
    struct bn_map by_id, by_instance; /* struct bn_group_member */
    struct bn_map support;            /* struct bn_group_support, by name; all that members name */
    uint64_t counts;                  /* countings so far */
    struct bn_map pending;            /* struct bn_group_pending, by id */
    int32_t joining;                  /* members whose join waits */
    /* PREPARING */
    int64_t rebalance_due_ms, initial_end_ms; /* initial_end_ms: it is not put off beyond that */
    bool initial;                             /* the round that waits for more */
    bool overdue;                             /* it is to be completed as soon as a generation may be used */
    bool reserving;
    /* COMPLETING, STABLE */
    int64_t sync_due_ms; /* whoever owes a sync then is removed; INT64_MAX = nobody owes one */
    /* Stores. */
    uint64_t last_store; /* the newest token given out */
    uint64_t sync_store; /* the one that makes this generation stable; 0 = none */
    int32_t proposed;    /* reserved, once last_store has ended well */
    /* A static member came, came back or has gone since the last store: another coordinator may know its instance by
     * another id, and fence its newest process. statics_store ends that; 0 = none was asked for. */
    bool statics_changed;
    uint64_t statics_store;
    int64_t due_ms; /* no tick is due earlier */
};

/* ---- group.c ---- */
struct bn_group_out *bn_group_out(struct bn_group_outs *o, int kind); /* a new one, zeroed */
void bn_group_wait_until(struct bn_group *g, int64_t due_ms);         /* a deadline was set */
void bn_group_store(struct bn_group *g, struct bn_group_outs *out);
int32_t bn_group_next_generation(const struct bn_group *g);
void bn_group_answer_join(struct bn_group *g, struct bn_group_member *m, int16_t error, struct bn_group_outs *out);
void bn_group_refuse_join(const struct bn_group_join *j, struct bn_slice member_id, int16_t error,
                          struct bn_group_outs *out);
void bn_group_answer_sync(struct bn_group *g, struct bn_group_member *m, int16_t error, struct bn_group_outs *out);
/* KE_NONE, UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID. */
int16_t bn_group_check_member(const struct bn_group *g, struct bn_slice member_id, struct bn_slice instance_id);

/* ---- group_member.c: members and what they support ---- */
void bn_group_own(struct bn_slice *at, struct bn_slice value); /* replaces an owned slice by a copy; null stays null */
struct bn_group_member *bn_group_member(const struct bn_group *g, struct bn_slice id);                 /* NULL */
struct bn_group_member *bn_group_static_member(const struct bn_group *g, struct bn_slice instance_id); /* NULL */
struct bn_group_member *bn_group_member_add(struct bn_group *g, struct bn_slice id, const struct bn_group_join *j);
/* Protocols and timeouts. */
void bn_group_member_update(struct bn_group *g, struct bn_group_member *m, const struct bn_group_join *j);
void bn_group_member_rename(struct bn_group *g, struct bn_group_member *m, struct bn_slice id);
/* Keeps what m is, with the group's leader, for bn_group_member_revert. forget: m is what it is. */
void bn_group_member_remember(struct bn_group *g, struct bn_group_member *m);
void bn_group_member_revert(struct bn_group *g, struct bn_group_member *m);
void bn_group_member_forget(struct bn_group_member *m);
void bn_group_member_remove(struct bn_group *g, struct bn_group_member *m); /* nobody waits; frees */
bool bn_group_member_matches(const struct bn_group_member *m, const struct bn_group_join *j);
struct bn_slice bn_group_member_metadata(const struct bn_group_member *m, struct bn_slice protocol); /* "" if none */
bool bn_group_supports(const struct bn_group *g, const struct bn_group_join *j); /* 6.3: a protocol common to all */
struct bn_slice bn_group_choose(const struct bn_group *g);                       /* the most votes; null = none */
bool bn_group_pending_has(const struct bn_group *g, struct bn_slice id);
void bn_group_pending_add(struct bn_group *g, struct bn_slice id, int64_t expires_ms);
bool bn_group_pending_remove(struct bn_group *g, struct bn_slice id);
bool bn_group_pending_expire(struct bn_group *g, int64_t now_ms); /* whether any is gone */

/* ---- group_rebalance.c ---- */
void bn_group_statics_changed(struct bn_group *g); /* the next round ends with a store */
void bn_group_park_join(struct bn_group *g, struct bn_group_member *m, const struct bn_group_join *j);
void bn_group_expire(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out);
void bn_group_maybe_prepare(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out);
void bn_group_try_complete(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out);
void bn_group_complete(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out);
/* What the round's end waits for failed: whoever waits is told, and comes again. */
void bn_group_fail_round(struct bn_group *g, int64_t now_ms, int16_t error, struct bn_group_outs *out);
void bn_group_resume_round(struct bn_group *g, int64_t now_ms); /* nobody has joined yet; not the first of the group */
void bn_group_drop(struct bn_group *g, int64_t now_ms, struct bn_group_member *m, struct bn_group_outs *out);
void bn_group_put_off(struct bn_group *g, int64_t now_ms);                          /* somebody has come */
void bn_group_touch(struct bn_group *g, int64_t now_ms, struct bn_group_member *m); /* a whole session from now */

#endif
