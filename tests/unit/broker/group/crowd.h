/* crowd.h: a world for the property test: up to a hundred processes that consume in one group as clients do, the
 * coordinators of that group, one after the other and sometimes two at a time, the store behind them, and a network
 * that delays, loses and doubles. Virtual time; all chance comes from the seed. Checks what must always hold. */
#ifndef CROWD_H
#define CROWD_H

#include "broker/group/group.h"
#include "broker/group/offsets.h"
#include "tests/script/group_store.h"

enum {
    CROWD_MAX = 100,        /* processes alive at a time */
    CROWD_INSTANCES = 16,   /* of static members */
    CROWD_PARTITIONS = 32,  /* at most */
    CROWD_HOUSES = 64,      /* coordinators in a run */
    CROWD_TOKENS = 1 << 17, /* requests in a run */
    CROWD_GENERATIONS = 4096,
    CROWD_LOG = 1 << 14,
    CROWD_ID = 24,
};

struct crowd_plan { /* what a leader hands in */
    int32_t count;
    struct {
        char id[CROWD_ID];
        uint32_t partitions;
    } of[CROWD_MAX * 2];
};

enum crowd_what { CROWD_JOIN, CROWD_SYNC, CROWD_BEAT, CROWD_LEAVE, CROWD_COMMIT };

struct crowd_event {
    int64_t at_ms;
    uint64_t order; /* of those of one time */
    enum {
        CROWD_ARRIVES, /* a request at a coordinator */
        CROWD_ANSWERED,
        CROWD_TIMED_OUT,
        CROWD_BEATS,
        CROWD_TRIES, /* joins after a while */
        CROWD_TICKS,
        CROWD_PACKS,  /* a write begins */
        CROWD_WRITES, /* what is written gets to the store */
        CROWD_WRITTEN,
        CROWD_VISIBLE, /* a commit is below the high watermark */
        CROWD_TAKES_OVER,
        CROWD_GOES, /* a deposed coordinator notices */
    } kind;
    enum crowd_what what;
    int client, house;
    uint32_t request; /* of the client; or a commit's place in the log */
    /* request and answer */
    char id[CROWD_ID];
    int32_t generation, said_in; /* said_in: the generation in which it got what it says that it owns */
    uint32_t partitions;
    bool late, twice;
    int16_t error;
    struct crowd_plan *plan; /* owned; NULL */
};

struct crowd_client {
    bool alive, newest; /* newest: of its instance's processes, the last to come without an id */
    int instance;       /* -1: dynamic */
    uint32_t process;   /* unique */
    char id[CROWD_ID];
    int32_t generation, assigned_in; /* assigned_in: the newest generation in which it was given something */
    uint32_t owned;
    bool gave_up; /* something that it has not joined for again: nobody owns it */
    enum { CROWD_OUT, CROWD_JOINING, CROWD_SLOW, CROWD_SYNCING, CROWD_IN } phase;
    uint32_t request; /* of its last join or sync */
    int house;        /* whom it takes for the coordinator */
    int version;      /* of JoinGroup */
    int32_t session_ms, rebalance_ms;
    int64_t paused_until_ms; /* does nothing by itself until then */
    struct crowd_plan *plan;
};

struct crowd_house { /* a coordinator */
    bool there;      /* loaded, not gone */
    int32_t epoch;
    struct bn_group *group;
    int64_t tick_ms;
    uint64_t store; /* as in the shell: what waits to be written, what is being written */
    int32_t reserve;
    uint64_t writing_store;
    int32_t writing_reserve;
    bool writing, applied; /* applied: what is being written stands there */
    bool reserve_only;
    struct group_store packed;
    int32_t last_generation;
    struct bn_offsets offsets;
};

struct crowd {
    uint64_t seed, random;
    int64_t now_ms;
    bool calm, cooperative, told; /* told: all that happens is written to stderr */
    int partitions, size;         /* size: how many processes it is likely to have */
    struct bn_group_settings settings;
    struct bn_group_outs outs;

    struct crowd_event **queue; /* a heap */
    int queued, queue_capacity;
    uint64_t order;

    struct crowd_client clients[CROWD_MAX];
    uint32_t processes;

    struct crowd_house houses[CROWD_HOUSES];
    int house, house_count; /* house: the one that was elected last */
    struct group_store stored;
    int32_t store_epoch;

    struct {
        int client, house;
        uint32_t request;
        int64_t since_ms;
        bool answered, mute; /* mute: nobody hears the answer */
    } tokens[CROWD_TOKENS];
    uint64_t next_token, oldest_token;

    /* What was told. */
    uint64_t members_of[CROWD_GENERATIONS];              /* a digest of a generation's members; 0 = not told */
    uint32_t owner[CROWD_GENERATIONS][CROWD_PARTITIONS]; /* who was given it; 0 = nobody */
    struct {
        uint32_t by;
        int32_t partition, generation;
        bool gone, visible;
    } log[CROWD_LOG];
    /* A process that gave partitions up ended before it joined again, and the one that took its place (a static
     * member's) was told nothing of it: nobody owns them until the leader joins. So it is with Kafka, too. */
    bool cut_short;
    int64_t log_end, seen[CROWD_PARTITIONS]; /* seen: the newest commit's place that anybody has fetched, + 1 */
    int rounds, syncs, moves, commits;       /* that something happens at all */
};

void crowd_begin(struct crowd *w, uint64_t seed, bool told);
void crowd_end(struct crowd *w);
void crowd_run(struct crowd *w, int64_t ms);
uint32_t crowd_below(struct crowd *w, uint32_t bound);
void crowd_fail(const struct crowd *w, const char *fmt, ...) BN_PRINTF(2, 3);
void crowd_tell(const struct crowd *w, const char *fmt, ...) BN_PRINTF(2, 3);
int64_t crowd_delay(struct crowd *w); /* of a message */
struct crowd_event *crowd_push(struct crowd *w, int kind, int64_t in_ms);
uint32_t crowd_key(const struct crowd_client *c); /* who it is: its instance, or the process */

/* ---- crowd_client.c ---- */
void crowd_start(struct crowd *w, int instance); /* another process; -1 = a dynamic member. Nothing when all are used */
void crowd_kill(struct crowd *w, struct crowd_client *c);
void crowd_leave(struct crowd *w, struct crowd_client *c); /* says so, and ends */
void crowd_rejoin(struct crowd *w, struct crowd_client *c);
void crowd_client_event(struct crowd *w, struct crowd_event *e);
struct crowd_plan *crowd_assign(const struct crowd *w, const struct bn_group *g); /* the leader's work */

/* ---- crowd_house.c ---- */
void crowd_move(struct crowd *w, bool deposed); /* another is elected; deposed: the one before goes on for a while */
void crowd_house_event(struct crowd *w, struct crowd_event *e);
void crowd_house_end(struct crowd *w, struct crowd_house *h);

/* ---- crowd_check.c ---- */
void crowd_check_joined(struct crowd *w, const struct crowd_house *h, const struct bn_group_out *o);
void crowd_check_resumed(struct crowd *w, const struct crowd_house *h);
void crowd_check_given(struct crowd *w, const struct crowd_client *c, int32_t generation, uint32_t partitions);
void crowd_check_assigned(struct crowd *w, const struct crowd_client *c); /* c was just given what it owns */
void crowd_check_house(struct crowd *w, struct crowd_house *h);           /* after anything happened to it */
void crowd_check_commit(struct crowd *w, int64_t at);                     /* a place in the log, just taken */
void crowd_check_waits(struct crowd *w);                                  /* nobody waits for ever */
void crowd_check_settled(struct crowd *w);                                /* long after the last fault */

#endif
