/* world.h: one simulated cluster: what every file of the simulation shares. Single-threaded; all that is random comes
 * from the seed; all time is virtual. Product code runs only between sim_enter and sim_leave of its process. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "broker/broker_int.h"
#include "common/base/list.h"
#include "common/sys/env.h"
#include "common/sys/memdisk.h"
#include "common/sys/shard.h"
#include "common/zk/fake.h"
#include "controller/controller.h"

enum {
    SIM_BROKERS = 4,
    SIM_CONTROLLERS = 3,
    SIM_NODES = SIM_BROKERS + SIM_CONTROLLERS + 1, /* machines: the last one is the clients' */
    SIM_SHARDS = 3,                                /* of one broker, at most */
    SIM_PROCS_MAX = 256,                           /* lives of processes in one run */
    SIM_SESSION_MS = 6000,
    SIM_NAMES = 3,   /* topics are named t0.. */
    SIM_OFFSETS = 3, /* ... and this one __consumer_offsets, where there are groups */
    SIM_TOPICS = 4,
    SIM_GROUPED_OF = 3,   /* one seed in so many has groups, */
    SIM_COMPACTED_AT = 1, /* and another one, compacted topics: the remainder */
    SIM_COMPACTED = 2,    /* so many of the first names */
    SIM_PARTITIONS = 3,   /* at most, of one topic */
    SIM_EVENTS_KEPT = 80,
    SIM_EVENT_LEN = 180,
    SIM_FD_FIRST = 1 << 24, /* the world's sockets have numbers that no kernel gives */
    SIM_PORT_BROKER = 9000, /* broker n listens on 9000 + n */
};

struct sim_disk;
struct sim_observer;
struct sim_clients;
struct sim_groups;
struct sim_zk;

struct sim_proc { /* one life of a process */
    enum sim_kind { SIM_BROKER, SIM_CONTROLLER, SIM_CLIENT } kind;
    int index;  /* of the broker or controller: 0.. */
    int node;   /* the machine it runs on */
    int32_t id; /* broker.id or controller.id */
    char name[24];
    enum {
        SIM_RUNNING,
        SIM_PAUSED, /* as by SIGSTOP */
        SIM_DEAD,   /* the process is gone; ZooKeeper still holds its session */
        SIM_ENDED,  /* and its session is gone, too */
    } state;
    /* Killed in the middle of what it does: what it does from there on has no effect, and it is dead when it returns.
     */
    bool doomed, doom_is_power;
    uint32_t doom_in;   /* so many calls of its disk from now; 0 = none is planned */
    bool stopping;      /* in order */
    bool cleaning;      /* a job of it copies a log */
    uint64_t wake_ms;   /* PAUSED: when it goes on */
    uint64_t expire_ms; /* when ZooKeeper gives its session up, unless it is heard of before; 0 = it is heard of */
    uint64_t held_ms;   /* until then its network is silent */
    uint64_t linked_ms; /* until then it is cut off ZooKeeper; 0 = it is not */
    uint64_t slow_ms;   /* until then its disk is slow */
    uint64_t sick_ms;   /* until then calls of its disk fail, of the kind that */
    enum { SIM_FULL, SIM_BROKEN, SIM_NO_FILES, SIM_ILLS } ill;
    uint64_t cure_ms; /* when somebody who has seen that restarts it; 0 = nothing has failed */
    struct bn_shard *shards[SIM_SHARDS];
    int shard_count;
    struct bn_pool *pool;
    struct bn_env env;
    struct sim_zk *zk; /* NULL when closed */
    struct bn_broker *broker;
    struct bn_controller *controller;
    struct bn_settings settings; /* of a broker */
    struct bn_conf *conf;
    struct bn_life *life;
    int64_t incarnations[SIM_SHARDS]; /* of the image that each shard applied last */
};

struct sim_world {
    uint64_t seed, random[2], now_ms, step;
    bool trace, healing;
    struct bn_fake_zk *server;
    struct bn_zk *hand; /* a person with a ZooKeeper shell */
    struct bn_clock clock;
    struct sim_proc procs[SIM_PROCS_MAX];
    int proc_count;
    struct sim_proc *brokers[SIM_BROKERS], *controllers[SIM_CONTROLLERS]; /* the life that is on; NULL = down */
    struct sim_proc *users;                                               /* where clients run */
    uint64_t restart_ms[SIM_BROKERS + SIM_CONTROLLERS];                   /* of those that are down */
    uint64_t cut_ms[SIM_NODES][SIM_NODES];                                /* until then nothing gets from - to */
    int broker_count, controller_count;
    bool unclean;
    bool cleans, compacts; /* brokers clean their logs; other topics than that of offsets, too, are compacted */
    int64_t delete_retention_ms, compaction_lag_ms; /* of all topics */
    int min_insync, flush_messages, segment_bytes;  /* of every broker's configuration */
    struct sim_disk *disks[SIM_BROKERS];
    struct sim_observer *observer;
    struct sim_clients *clients;
    struct sim_groups *groups; /* NULL = there are none */
    struct sim_proc *current;  /* whose code runs */
    struct sim_proc *midway;   /* one of its jobs is in the midst of its work, while others go on; NULL */
    struct bn_shard *shard;    /* on which of its threads; NULL = on one of its pool */
    char events[SIM_EVENTS_KEPT][SIM_EVENT_LEN];
    uint64_t event_count;
};

extern struct sim_world *sim_here; /* the doors of common/sys have no argument to find their world by */

/* ---- world.c ---- */
struct sim_summary {
    uint64_t steps, now_ms, digest, acks, reads;
};
/* Runs one seed to its end. A broken invariant does not return: see sim_violated. What a killed process leaves behind
 * stays where it is: a seed runs in a process of its own. */
void sim_world_run(uint64_t seed, bool trace, struct sim_summary *out);
uint64_t sim_random(struct sim_world *w);
uint32_t sim_below(struct sim_world *w, uint32_t bound);                   /* 0..bound-1 */
bool sim_chance(struct sim_world *w, uint32_t one_in);                     /* true once in so many times */
void sim_event(struct sim_world *w, const char *fmt, ...) BN_PRINTF(2, 3); /* for the trace */
struct sim_where {
    struct sim_proc *proc;
    struct bn_shard *shard;
};
/* From here on the code of p runs, on that shard; gives who ran before, for sim_leave. */
struct sim_where sim_enter(struct sim_world *w, struct sim_proc *p, struct bn_shard *shard);
void sim_leave(struct sim_world *w, struct sim_where before);
/* The current process is in the midst of a job on its pool: now and then others go on before it does, its own shards,
 * too. Nothing of that job's may be waited for meanwhile. */
void sim_world_midway(struct sim_world *w);
/* Prints the seed, the step and the last events; ends the process (code 2). */
void sim_violated(struct sim_world *w, const char *invariant, const char *fmt, ...) BN_PRINTF(3, 4) BN_NORETURN;
void sim_print_events(const struct sim_world *w);
/* What a violation does besides printing: NULL = exit(2). Set once by main. */
extern void (*sim_on_violation)(const struct sim_world *w, const char *invariant);

/* ---- doors.c: loops, timers, mailboxes, shards ---- */
bool sim_doors_timer(struct bn_loop *l);          /* fires one that is due */
bool sim_doors_mail(struct bn_loop *l);           /* runs what was posted */
bool sim_doors_tasks(struct bn_loop *l);          /* the end of a turn: runs what was deferred */
uint64_t sim_doors_next(const struct bn_loop *l); /* the earliest deadline; UINT64_MAX = none */
uint64_t sim_doors_turn(const struct bn_loop *l); /* how many turns have ended */
bool sim_doors_started(const struct bn_shard *s);
bool sim_doors_stopped(const struct bn_shard *s); /* its loop was asked to end */

/* ---- jobs.c: the pool ---- */
bool sim_jobs_step(struct sim_proc *p); /* runs one job that is due */
uint64_t sim_jobs_next(const struct sim_proc *p);

/* ---- disk.c ---- */
struct sim_disk *sim_disk_new(void);
struct bn_memdisk *sim_disk_memory(struct sim_disk *d);
const struct bn_disk *sim_disk_for(struct sim_disk *d, struct sim_proc *p); /* the door of one life */
void sim_disk_crash(struct sim_world *w, int broker, bool power);           /* its process is gone */

/* ---- net.c: sockets ---- */
void sim_net_open(struct sim_world *w);
bool sim_net_step(struct sim_proc *p, struct bn_shard *s); /* one readiness callback of this thread */
uint64_t sim_net_next(const struct sim_world *w);          /* when something will be ready; UINT64_MAX = nothing */
void sim_net_crash(struct sim_proc *p);                    /* its sockets are closed by the kernel */
bool sim_net_break(struct sim_world *w, uint32_t which);   /* a connection breaks; false = there is none */
void sim_net_lie(struct sim_proc *p, bool lies);           /* its life port refuses, though it lives */

/* ---- zk.c ---- */
struct sim_zk *sim_zk_open(struct sim_proc *p);
struct bn_zk *sim_zk_client(struct sim_zk *z); /* what product code gets */
struct bn_zk *sim_zk_real(struct sim_zk *z);   /* the fake's */
bool sim_zk_step(struct sim_proc *p);          /* one event of its client, and what the observer sees of it */
bool sim_zk_closed(const struct sim_zk *z);
bool sim_zk_may_fence(struct sim_proc *p, int32_t broker, int32_t incarnation); /* it asked for this fence */
void sim_zk_hand_remove(struct sim_world *w, const char *path);

/* ---- procs.c ---- */
struct sim_proc *sim_procs_new(struct sim_world *w, enum sim_kind kind, int index);
void sim_procs_start(struct sim_world *w, enum sim_kind kind, int index);
void sim_procs_crash(struct sim_world *w, struct sim_proc *p, bool power);
void sim_procs_doom(struct sim_world *w, struct sim_proc *p, bool power, uint32_t calls);
void sim_procs_sicken(struct sim_world *w, struct sim_proc *p); /* calls of its disk fail for a while */
void sim_procs_bounce(struct sim_world *w, struct sim_proc *p); /* a stop in order; it will be started again */
void sim_procs_pause(struct sim_world *w, struct sim_proc *p, uint64_t for_ms);
void sim_procs_cut_zk(struct sim_world *w, struct sim_proc *p, uint64_t for_ms);
void sim_procs_expire(struct sim_world *w, struct sim_proc *p);
void sim_procs_upkeep(struct sim_world *w); /* what is due now: expiries, wake-ups, restarts */
uint64_t sim_procs_next(const struct sim_world *w);
void sim_procs_heal(struct sim_world *w); /* everybody runs and is connected, from now on */
bool sim_procs_step(struct sim_proc *p);  /* one thing that it can do now */

/* ---- faults.c ---- */
void sim_faults_step(struct sim_world *w);
/* A leader has just proposed an ISR: now and then it is then cut off all but clients and ZooKeeper. */
void sim_faults_proposed(struct sim_world *w, const struct sim_proc *leader);
/* A broker starts: now and then its disk fails while it opens its logs. */
void sim_faults_started(struct sim_world *w, struct sim_proc *p);
/* A broker is about to write or to replace segments: now and then it is killed in the midst of that. */
void sim_faults_cleaning(struct sim_world *w, struct sim_proc *p);

#endif
