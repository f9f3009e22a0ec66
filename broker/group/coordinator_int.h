/* coordinator_int.h: what the coordinator's files share. Private to broker/group. */
#ifndef BN_COORDINATOR_INT_H
#define BN_COORDINATOR_INT_H

#include "broker/group/coordinator.h"
#include "common/base/list.h"

struct bn_batch_builder;
struct bn_coordinator_load;

/* One partition of __consumer_offsets that this shard leads, under one leader epoch, or several in a row. */
struct bn_coordinator_seat {
    struct bn_coordinator *c;
    struct bn_list link; /* in c->seats */
    struct bn_uuid topic_id;
    int32_t partition, leader_epoch;
    bool loaded, gone;    /* gone: it is led no more; freed when nothing is under way */
    int under_way;        /* jobs, calls and appends that will come back */
    struct bn_map groups; /* by name: struct bn_coordinator_club */
    struct bn_coordinator_load *load;
    /* Rebalance state on its way to the controller: one request at a time. */
    struct bn_list dirty;    /* struct bn_coordinator_club */
    struct bn_list departed; /* names whose znodes are to go */
    bool writing;
    struct bn_timer write_timer;
};

/* A group and all that belongs to it. */
struct bn_coordinator_club {
    struct bn_coordinator_seat *seat;
    struct bn_group *group;
    struct bn_offsets offsets;
    struct bn_timer timer;
    struct bn_list dirty;   /* in seat->dirty */
    uint64_t store;         /* token that waits to be stored; 0 = none */
    int32_t reserve;        /* that waits to be recorded; 0 = none */
    uint64_t writing_store; /* of the request under way */
    int32_t writing_reserve;
    int64_t state_since_ms; /* wall clock */
    enum bn_group_state state_was;
    struct bn_list writings; /* commits under way */
    bool leftover;           /* it lost offsets, and is to be looked at for what is left of it */
    bool has_znode;          /* or may have */
    bool alone;              /* written by a request of its own: the one that it shared was refused */
};

struct bn_coordinator {
    const struct bn_coordinator_deps *deps;
    struct bn_roster *roster;
    struct bn_list seats;
    struct bn_list gone; /* seats that are led no more, with something under way */
    struct bn_list line; /* loads that may not go on yet */
    int busy_loads;
    struct bn_group_outs outs;
    struct bn_timer expiry_timer;
    bool stopping;
};

/* ---- coordinator.c ---- */
struct bn_coordinator_seat *bn_coordinator_seat(struct bn_coordinator *c, int32_t partition);         /* NULL */
struct bn_partition *bn_coordinator_partition(const struct bn_coordinator_seat *s);                   /* NULL */
struct bn_coordinator_club *bn_coordinator_club(struct bn_coordinator_seat *s, struct bn_slice name); /* NULL */
struct bn_coordinator_club *bn_coordinator_club_make(struct bn_coordinator_seat *s, struct bn_slice name);
void bn_coordinator_club_free(struct bn_coordinator_club *k); /* off the map, too */
/* Does what the group put out, and sets its timer. */
void bn_coordinator_settle(struct bn_coordinator_club *k);
void bn_coordinator_back(struct bn_coordinator_seat *s); /* something that was under way has come back */
void bn_coordinator_vacate(struct bn_coordinator_seat *s, int16_t error);
/* Nobody else can have taken the seat for as long as to give up a member with this session: within half of it, each
 * follower that could be elected still followed (safety §5). */
bool bn_coordinator_is_certain(const struct bn_coordinator_seat *s, int32_t session_ms);
/* KE_NONE; or why this seat can't answer now (16, 14). */
int16_t bn_coordinator_check(struct bn_coordinator *c, int32_t partition, struct bn_coordinator_seat **out);
int64_t bn_coordinator_now_ms(const struct bn_coordinator *c);

/* ---- coordinator_load.c ---- */
void bn_coordinator_load_start(struct bn_coordinator_seat *s);
void bn_coordinator_load_stop(struct bn_coordinator_seat *s); /* the partition may go; jobs come back later */

/* ---- coordinator_store.c ---- */
void bn_coordinator_store(struct bn_coordinator_club *k);                         /* it has something to be written */
void bn_coordinator_unstore(struct bn_coordinator_seat *s, struct bn_slice name); /* its znode is to go */
void bn_coordinator_store_init(struct bn_coordinator_seat *s);
void bn_coordinator_store_fini(struct bn_coordinator_seat *s);

/* ---- coordinator_commit.c ---- */
/* Takes the builder, which is not empty; nobody hears how it went. Frees no club. */
void bn_coordinator_append(struct bn_coordinator_seat *s, struct bn_batch_builder *b);
void bn_coordinator_append_group(struct bn_coordinator_club *k);
/* Offsets whose commits are under way do not count when they arrive, if drops says so; all: if it is NULL. */
void bn_coordinator_disown(struct bn_coordinator_club *k, bool (*drops)(void *arg, const struct bn_offsets_entry *e),
                           void *arg);

/* ---- coordinator_forget.c: clubs that have neither members nor offsets left are freed ---- */
void bn_coordinator_forget(struct bn_coordinator_club *k);       /* all that it has committed */
void bn_coordinator_forget_spent(struct bn_coordinator_club *k); /* itself, if nothing is left of it */
void bn_coordinator_expire(struct bn_coordinator_seat *s);       /* what nobody has needed for long */
void bn_coordinator_topics_gone(struct bn_coordinator_seat *s, const struct bn_map *names); /* keys: topics */

#endif
