/* groups.h: consumer groups: members who speak the classic protocol to the brokers (members.c), one who looks at what
 * is committed (groups.c), and what the invariants know of generations and commits (invariants_group.c). */
#ifndef SIM_GROUPS_H
#define SIM_GROUPS_H

#include "proto/client/client.h"
#include "tests/sim/observer.h"

enum {
    SIM_GROUPS = 2,
    SIM_MEMBERS = 6, /* of all groups together */
    SIM_GROUP_IDS = 8,
    SIM_ID_LEN = 64,
    SIM_GROUP_SESSION_MS = 3000,
    SIM_GROUP_REBALANCE_MS = 4000,
};

struct sim_commit {               /* of one offset */
    int64_t offset;               /* no two commits have the same */
    uint64_t sent, visible, dead; /* moments (sim_groups.moment); 0 = not yet. visible: it was acknowledged, or read;
                                     dead: another one is known to have come later */
    bool acked, refused;          /* refused: by an error that says that nothing was done */
};

struct sim_generation {
    int32_t number;
    char leader[SIM_ID_LEN]; /* "" = nobody has been told */
    /* Whom its leader was told of; and who was told that he is of it. */
    char members[SIM_GROUP_IDS][SIM_ID_LEN], joined[SIM_GROUP_IDS][SIM_ID_LEN];
    int member_count, joined_count; /* member_count 0 = the leader was not told yet */
    /* What members were given: by whose hand (a number that no two assignments have), and what. */
    uint64_t hand;
    uint8_t parts[SIM_GROUP_IDS]; /* parallel to `given` */
    char given[SIM_GROUP_IDS][SIM_ID_LEN];
    int given_count;
    uint64_t synced; /* the moment in which somebody was first given his part; 0 = not yet */
};

struct sim_group {
    char name[16];
    int32_t partition; /* of __consumer_offsets */
    struct sim_generation *generations;
    int32_t generation_count;
    struct sim_commit *commits[SIM_PARTITIONS];
    int32_t commit_count[SIM_PARTITIONS];
    uint64_t unsure[SIM_BROKERS]; /* the last moment in which the broker spoke for it without being its coordinator */
    struct {                      /* the one who looks */
        bool asking;
        int broker;
        uint64_t sent, next_ms;
        bool settled; /* in the end: has seen what there is */
    } looker;
};

struct sim_member {
    int number;
    struct sim_group *group;
    char instance[16]; /* "" = dynamic */
    char id[SIM_ID_LEN];
    bool wants, asking, finding, leads;
    enum { SIM_MEMBER_OUT, SIM_MEMBER_JOINS, SIM_MEMBER_SYNCS, SIM_MEMBER_IN, SIM_MEMBER_LEAVES } phase;
    struct bn_client *client; /* to the coordinator; NULL */
    int broker;               /* the coordinator; -1 = is not known */
    int32_t generation;
    uint8_t parts;     /* partitions that it owns, as bits */
    uint64_t next_ms;  /* does nothing before */
    uint64_t sent;     /* the moment of the request under way */
    bool nameless;     /* which is a join without an id */
    uint64_t stray_ms; /* when such a one was last given up: it may still come in, and take the id away; 0 = never */
    int32_t commits[SIM_PARTITIONS];        /* under way: indexes into the group's; -1 = none */
    char others[SIM_GROUP_IDS][SIM_ID_LEN]; /* of the group that it leads */
    int other_count;
};

struct sim_groups {
    uint64_t moment; /* counts what happens */
    int64_t offsets; /* that were committed */
    uint64_t hands;
    struct { /* for each partition of __consumer_offsets: since when its present coordinator answers */
        int32_t leader_epoch;
        uint64_t since_ms;
    } seats[SIM_PARTITIONS];
    struct sim_group groups[SIM_GROUPS];
    struct sim_member members[SIM_MEMBERS];
};

/* ---- groups.c ---- */
struct sim_groups *sim_groups_new(struct sim_world *w);
void sim_groups_step(struct sim_world *w);
const char *sim_groups_unsettled(struct sim_world *w); /* once faults have stopped; NULL = every group is well */
struct sim_topic *sim_groups_topic(const struct sim_world *w); /* NULL = it is not there yet */
/* The broker speaks for a group of that partition, under that leader epoch: may it be believed? */
bool sim_groups_is_coordinator(const struct sim_world *w, int broker, int32_t partition, int32_t leader_epoch);
void sim_groups_unsure(struct sim_world *w, int broker, struct bn_slice group);
void sim_groups_took_over(struct sim_world *w, int32_t partition, int32_t leader_epoch); /* it answers, and may */

/* ---- members.c ---- */
void sim_members_step(struct sim_world *w, struct sim_member *m);

/* ---- invariants_group.c: 14, GenerationOnce and CommitKept ---- */
struct sim_joined {
    int32_t generation;
    const char *leader, *id;
    const char (*members)[SIM_ID_LEN]; /* count 0 = it was not told */
    int count;
};
void sim_invariant_joined(struct sim_world *w, struct sim_group *g, const struct sim_joined *j);
void sim_invariant_synced(struct sim_world *w, struct sim_group *g, const struct sim_member *m, uint64_t hand);
/* The coordinator keeps the member in its generation, which it asked for at the moment `sent`. */
void sim_invariant_kept_member(struct sim_world *w, const struct sim_group *g, const struct sim_member *m);
/* A static member is told that another one has come in its place. */
void sim_invariant_fenced(struct sim_world *w, const struct sim_member *m);
/* A coordinator that has been deposed tells a member that all is well. */
void sim_invariant_deposed(struct sim_world *w, int broker, int32_t partition);
int32_t sim_invariant_commit_sent(struct sim_world *w, struct sim_group *g, int32_t key, int64_t offset);
void sim_invariant_commit_answered(struct sim_world *w, struct sim_group *g, const struct sim_member *m, int32_t key,
                                   int error);
/* What an OffsetFetch that was sent at that moment shows; -1 = nothing. */
void sim_invariant_committed(struct sim_world *w, struct sim_group *g, int32_t key, int64_t offset, uint64_t sent);

#endif
