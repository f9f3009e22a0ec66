/* groups_member.h: members of consumer groups, as the Java client plays them, without fetching: JoinGroup and again
 * with the id given, SyncGroup (the leader assigns by range), then heartbeats and commits on timers. A connection each.
 */
#ifndef BN_BENCH_GROUPS_MEMBER_H
#define BN_BENCH_GROUPS_MEMBER_H

#include "proto/client/client.h"

struct samples {
    double *v; /* seconds */
    long n, capacity;
};

/* What all members share: how they behave, and what was seen of them. */
struct crowd {
    struct bn_loop *loop;
    const char *topic;
    int32_t partitions;   /* of the topic; 0: the leader asks for them, as Java's does */
    int32_t heartbeat_ms; /* 0 = silent */
    int32_t commit_ms;    /* 0 = none */
    bool spread;          /* timers begin at any time of their period, not all at once */
    int ready;            /* members that are connected */
    /* Of the newest generation; meant for one group. */
    int32_t generation;
    int stable;
    double first_join, last_join, first_joined, last_joined, assigned, last_synced; /* seconds */
    size_t told_bytes, assigned_bytes; /* metadata that the leader was told; assignments it handed in */
    /* Of all. */
    int stable_ever; /* members that have been stable once */
    long heartbeats, commits, troubles;
    bool sampling;
    struct samples heartbeat_took, commit_took;
};

enum member_state { MEMBER_NEW, MEMBER_READY, MEMBER_JOINING, MEMBER_SYNCING, MEMBER_STABLE, MEMBER_LEFT };

struct member {
    struct crowd *crowd;
    struct bn_client *client;
    char group[48], id[128];
    const char *host; /* of the coordinator */
    int port;
    enum member_state state;
    int32_t generation;
    int64_t offset;
    bool was_stable;
    double joined_after; /* seconds from its first JoinGroup until it was stable for the first time */
    double began;
    struct bn_timer heartbeat, commit, again;
};

void member_init(struct member *m, struct crowd *crowd, const char *host, int port);
void member_connect(struct member *m);
void member_join(struct member *m);  /* MEMBER_READY */
void member_begin(struct member *m); /* its timers, once the crowd has periods; MEMBER_STABLE */
void member_leave(struct member *m);
void member_free(struct member *m);

#endif
