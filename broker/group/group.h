/* group.h: one consumer group as a state machine (6-groups; the classic protocol). Pure: (group, event, now) ->
 * outputs; no clock, no I/O, no randomness. Times are milliseconds of any monotonic clock. Not thread-safe.
 *
 *            first join                 all are here, or time is up        the leader's assignment is stored
 *   EMPTY ----------------> PREPARING ------------------------> COMPLETING ------------------------> STABLE
 *     ^                      ^  |  ^                                  |                                 |
 *     +-- nobody is left ----+--+  +---- a member comes, leaves or changes what it can -----------------+
 *
 * Tokens name requests that wait; each is answered by exactly one output. What an output borrows is valid until the
 * next call for this group. */
#ifndef BN_GROUP_H
#define BN_GROUP_H

#include "common/base/slice.h"

struct bn_group;
struct bn_group_member;

enum bn_group_state {
    BN_GROUP_EMPTY,
    BN_GROUP_PREPARING,
    BN_GROUP_COMPLETING,
    BN_GROUP_STABLE,
    BN_GROUP_DEAD,
};
const char *bn_group_state_name(enum bn_group_state s); /* Kafka's words: "PreparingRebalance" */

struct bn_group_settings {                  /* borrowed for life */
    int32_t session_min_ms, session_max_ms; /* group.min.session.timeout.ms, group.max.session.timeout.ms */
    int32_t max_size;                       /* group.max.size */
    int32_t initial_delay_ms;               /* group.initial.rebalance.delay.ms */
};

/* ---- outputs ---- */

struct bn_group_out {
    enum {
        BN_GROUP_OUT_JOINED,  /* the answer to a join */
        BN_GROUP_OUT_SYNCED,  /* the answer to a sync */
        BN_GROUP_OUT_STORE,   /* write the whole group as it stands when that begins, and then call bn_group_stored. A
                                 later one supersedes those not begun yet */
        BN_GROUP_OUT_RESERVE, /* record durably that generations up to `generation` may be used; bn_group_reserved */
    } kind;
    uint64_t token; /* JOINED, SYNCED: whose. STORE: what to give back */
    int16_t error;
    int32_t generation;
    struct bn_slice protocol_type, protocol; /* null = none */
    struct bn_slice leader, member_id;
    bool with_members;          /* JOINED: the leader's: every member with its metadata (bn_group_at) */
    bool skip_assignment;       /* JOINED, KIP-814 */
    struct bn_slice assignment; /* SYNCED */
};

struct bn_group_outs { /* zeroed to begin with; bn_group_outs_clear after use */
    struct bn_group_out *v;
    int32_t n, capacity;
};
void bn_group_outs_clear(struct bn_group_outs *o);
void bn_group_outs_fini(struct bn_group_outs *o);

/* ---- life ---- */

/* settings is borrowed, id copied. EMPTY, no protocol type, generation 0. */
struct bn_group *bn_group_new(const struct bn_group_settings *settings, struct bn_slice id);
void bn_group_free(struct bn_group *g); /* nobody waits any more: bn_group_stop before */

/* What a store holds, for one that takes over: a member as it was. It is given a whole session from now. */
struct bn_group_resume_member {
    struct bn_slice id, instance_id, client_id, client_host; /* instance_id null = dynamic */
    int32_t session_ms, rebalance_ms;
    struct bn_slice metadata, assignment; /* of the group's protocol */
};
struct bn_group_resume {
    int32_t generation, reserved;            /* generations up to reserved may have been used */
    struct bn_slice protocol_type, protocol; /* null = none */
    struct bn_slice leader;                  /* null with members: it was written in the midst of a round */
    int64_t state_since_ms;                  /* wall clock */
    const struct bn_group_resume_member *members;
    int32_t member_count;
};
/* On a new group, or one of which no more is known than the generations taken: STABLE with members, EMPTY without;
 * PREPARING, in a round that all have to join again, when there are members without a leader. The next generation is
 * above `reserved`. */
void bn_group_resume(struct bn_group *g, int64_t now_ms, const struct bn_group_resume *r);

/* The coordinator moves away or the group is deleted: whoever waits is answered `error`; DEAD. */
void bn_group_stop(struct bn_group *g, int16_t error, struct bn_group_outs *out);

/* ---- events ---- */

struct bn_group_protocol {
    struct bn_slice name, metadata;
};
struct bn_group_join {
    uint64_t token;              /* not 0 */
    struct bn_slice member_id;   /* "" = has none yet */
    struct bn_slice instance_id; /* null = dynamic */
    struct bn_slice new_id;      /* used when a member id must be made: unique */
    struct bn_slice client_id, client_host;
    int32_t session_ms, rebalance_ms;
    struct bn_slice protocol_type;
    const struct bn_group_protocol *protocols;
    int32_t protocol_count;
    bool id_required; /* JoinGroup 4+: a dynamic member without id is given one and must come again (KIP-394) */
    bool can_skip;    /* JoinGroup 9+ */
};
void bn_group_join(struct bn_group *g, int64_t now_ms, const struct bn_group_join *j, struct bn_group_outs *out);

struct bn_group_assignment {
    struct bn_slice member_id, assignment;
};
struct bn_group_sync {
    uint64_t token; /* not 0 */
    int32_t generation;
    struct bn_slice member_id, instance_id;
    struct bn_slice protocol_type, protocol; /* null = not told */
    const struct bn_group_assignment *assignments;
    int32_t assignment_count;
};
void bn_group_sync(struct bn_group *g, int64_t now_ms, const struct bn_group_sync *s, struct bn_group_outs *out);

/* Kafka's code, at once. */
int16_t bn_group_heartbeat(struct bn_group *g, int64_t now_ms, int32_t generation, struct bn_slice member_id,
                           struct bn_slice instance_id);
int16_t bn_group_leave(struct bn_group *g, int64_t now_ms, struct bn_slice member_id, struct bn_slice instance_id,
                       struct bn_group_outs *out);
/* Whether an OffsetCommit of this member and generation (-1: none) may be done. */
int16_t bn_group_may_commit(struct bn_group *g, int64_t now_ms, int32_t generation, struct bn_slice member_id,
                            struct bn_slice instance_id);

/* The end of a STORE and of a RESERVE; error: KE_NONE, or what the waiting members are told. */
void bn_group_stored(struct bn_group *g, int64_t now_ms, uint64_t token, int16_t error, struct bn_group_outs *out);
void bn_group_reserved(struct bn_group *g, int64_t now_ms, int32_t up_to, int16_t error, struct bn_group_outs *out);

/* Time has passed. */
void bn_group_tick(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out);
/* When the next tick is due; INT64_MAX = never. May be earlier than something really happens. */
int64_t bn_group_due_ms(const struct bn_group *g);

/* ---- looking ---- */

struct bn_slice bn_group_id(const struct bn_group *g);
enum bn_group_state bn_group_state(const struct bn_group *g);
int32_t bn_group_generation(const struct bn_group *g);
int32_t bn_group_reserved_up_to(const struct bn_group *g);        /* generations that a store must record as used */
struct bn_slice bn_group_protocol_type(const struct bn_group *g); /* null = none */
struct bn_slice bn_group_protocol(const struct bn_group *g);      /* null = none */
struct bn_slice bn_group_leader(const struct bn_group *g);        /* null = none */
int32_t bn_group_size(const struct bn_group *g);
/* Not in the midst of a round: the assignments are those of the generation, stored or being stored. What is written of
 * a group that is not settled must not name a leader: who resumes it would take it for one that needs no round. */
bool bn_group_is_settled(const struct bn_group *g);
int32_t bn_group_session_ms(const struct bn_group *g,
                            struct bn_slice member_id); /* the least there may be if unknown */

struct bn_group_member_view {
    struct bn_slice id, instance_id, client_id, client_host;
    int32_t session_ms, rebalance_ms;
    struct bn_slice metadata; /* of the group's protocol; "" when none is chosen */
    struct bn_slice assignment;
    bool is_new; /* waits for its first generation: no store names it */
};
void bn_group_at(const struct bn_group *g, int32_t index, struct bn_group_member_view *out); /* 0..size-1 */
/* Does a consumer of the group subscribe to the topic? Also true when that can't be told: while no protocol is chosen,
 * and of a subscription that is none. */
bool bn_group_subscribes(const struct bn_group *g, struct bn_slice topic);

#endif
