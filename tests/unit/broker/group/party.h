/* party.h: a group and what it put out, for the tests of broker/group: answers are kept by token, with the slices that
 * they borrow copied; stores and reservations wait until the test ends them. */
#ifndef PARTY_H
#define PARTY_H

#include "broker/group/group.h"

enum { PARTY_TOKENS = 4096 };

struct party_answer {
    bool there, with_members, skip_assignment;
    int kind; /* BN_GROUP_OUT_JOINED or SYNCED */
    int16_t error;
    int32_t generation, size; /* size: of the group when the leader was answered */
    char member_id[64], leader[64], protocol[32], assignment[64];
};

struct party {
    struct bn_group_settings settings;
    struct bn_group *group;
    struct bn_group_outs outs;
    int64_t now_ms;
    uint64_t next_token;
    struct party_answer answers[PARTY_TOKENS];
    int stores, reserves; /* how many were asked for */
    uint64_t store;       /* the newest one that was not ended; 0 = none */
    int32_t reserve;      /* likewise; 0 = none */
    bool lazy;            /* stores and reservations are not ended at once */
};

void party_begin(struct party *p, int32_t initial_delay_ms);
void party_end(struct party *p);
/* What the group put out is taken; not lazy: stores and reservations end well at once. */
void party_take(struct party *p);

struct party_join {
    const char *id, *instance; /* NULL = none */
    const char *protocols[3];  /* names; metadata is "m-<name>" plus extra */
    const char *extra;
    int version; /* of JoinGroup: decides about ids and skipping */
};
/* Gives the token; its answer may be there already. */
uint64_t party_join(struct party *p, struct party_join j);
/* Joins as a new dynamic member of version 9 up to its id, which is copied to id[64]; gives the token of its second
 * join. */
uint64_t party_come(struct party *p, char *id);
/* As the leader hands in: every member gets "for <id>"; as a follower: nothing. */
uint64_t party_sync(struct party *p, const char *id, int32_t generation, bool leads);
int16_t party_heartbeat(struct party *p, const char *id, int32_t generation);
int16_t party_leave(struct party *p, const char *id);
void party_pass(struct party *p, int64_t ms); /* time passes, tick by tick */
/* A lazy party's store or reservation ends. */
void party_stored(struct party *p, int16_t error);
void party_reserved(struct party *p, int16_t error);

#endif
