/* world.h: one simulated cluster: what every file of the simulation shares. Single-threaded; all that is random comes
 * from the seed; all time is virtual. Product code runs only between sim_enter and sim_leave of its process. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "broker/cluster/agent.h"
#include "common/base/list.h"
#include "common/sys/env.h"
#include "common/sys/shard.h"
#include "common/zk/fake.h"
#include "controller/controller.h"

enum {
    SIM_BROKERS = 4,
    SIM_CONTROLLERS = 3,
    SIM_PROCS_MAX = 256, /* lives of processes in one run */
    SIM_SESSION_MS = 6000,
    SIM_NAMES = 4,      /* topics are named t0.. */
    SIM_PARTITIONS = 4, /* at most, of one topic */
    SIM_EVENTS_KEPT = 60,
    SIM_EVENT_LEN = 160,
};

struct sim_proc;
struct sim_disk;
struct sim_observer;
struct sim_replicas;
struct sim_clients;
struct sim_zk;

struct sim_proc { /* one life of a broker's or controller's process */
    bool is_broker;
    int index;  /* of the broker or controller: 0.. */
    int32_t id; /* broker.id or controller.id */
    enum {
        SIM_RUNNING,
        SIM_PAUSED, /* as by SIGSTOP */
        SIM_DEAD,   /* the process is gone; ZooKeeper still holds its session */
        SIM_ENDED,  /* and its memory is freed */
    } state;
    uint64_t wake_ms;   /* PAUSED: when it goes on */
    uint64_t expire_ms; /* when ZooKeeper gives its session up, unless it is heard of before; 0 = it is heard of */
    uint64_t held_ms;   /* until then its network is silent */
    uint64_t linked_ms; /* until then it is cut off ZooKeeper; 0 = it is not */
    struct bn_shard *shard;
    struct sim_zk *zk; /* NULL when closed */
    struct bn_agent *agent;
    struct bn_controller *controller;
    struct sim_replicas *replicas;
    struct bn_life *life;
    bool stopped;
};

struct sim_world {
    uint64_t seed, random[2], now_ms, step;
    bool trace, healing;
    struct bn_fake_zk *server;
    struct bn_zk *hand; /* a person with a ZooKeeper shell */
    struct bn_env env;
    struct sim_proc procs[SIM_PROCS_MAX];
    int proc_count;
    struct sim_proc *brokers[SIM_BROKERS], *controllers[SIM_CONTROLLERS]; /* the life that is on; NULL = down */
    uint64_t restart_ms[SIM_BROKERS + SIM_CONTROLLERS];                   /* of those that are down */
    int broker_count, controller_count;
    bool unclean;
    struct sim_disk *disks[SIM_BROKERS];
    struct sim_observer *observer;
    struct sim_clients *clients;
    struct sim_proc *current; /* whose code runs */
    char events[SIM_EVENTS_KEPT][SIM_EVENT_LEN];
    uint64_t event_count;
};

extern struct sim_world *sim_here; /* the doors of common/sys have no argument to find their world by */

/* ---- world.c ---- */
struct sim_summary {
    uint64_t steps, now_ms, digest;
};
/* Runs one seed to its end. A broken invariant does not return: see sim_violated. */
void sim_world_run(uint64_t seed, bool trace, struct sim_summary *out);
uint64_t sim_random(struct sim_world *w);
uint32_t sim_below(struct sim_world *w, uint32_t bound);     /* 0..bound-1 */
bool sim_chance(struct sim_world *w, uint32_t one_in);       /* true once in so many times */
void sim_event(struct sim_world *w, const char *fmt, ...) BN_PRINTF(2, 3); /* for the trace */
struct sim_proc *sim_enter(struct sim_world *w, struct sim_proc *p);       /* gives who ran before, for sim_leave */
void sim_leave(struct sim_world *w, struct sim_proc *before);
/* Prints the seed, the step and the last events; ends the process (code 2). */
void sim_violated(struct sim_world *w, const char *invariant, const char *fmt, ...) BN_PRINTF(3, 4) BN_NORETURN;
void sim_print_events(const struct sim_world *w);
/* What a violation does besides printing: NULL = exit(2). Set once by main. */
extern void (*sim_on_violation)(const struct sim_world *w, const char *invariant);

/* ---- doors.c: loops, timers, mailboxes ---- */
bool sim_doors_timer(struct bn_loop *l); /* fires one that is due */
bool sim_doors_tasks(struct bn_loop *l); /* runs what was deferred or posted */
uint64_t sim_doors_next(const struct bn_loop *l); /* the earliest deadline; UINT64_MAX = none */

/* ---- net.c: sockets ---- */
void sim_net_open(struct sim_world *w);
void sim_net_close(struct sim_world *w);
bool sim_net_step(struct sim_proc *p);                    /* one readiness callback of this process */
uint64_t sim_net_next(const struct sim_world *w);         /* when something will be ready; UINT64_MAX = nothing */
void sim_net_crash(struct sim_proc *p);                   /* its sockets are closed by the kernel */
bool sim_net_break(struct sim_world *w, uint32_t which);  /* a connection breaks; false = there is none */
void sim_net_lie(struct sim_proc *p, bool lies);          /* its life port refuses, though it lives */

/* ---- zk.c ---- */
struct sim_zk *sim_zk_open(struct sim_proc *p);
struct bn_zk *sim_zk_client(struct sim_zk *z); /* what product code gets */
struct bn_zk *sim_zk_real(struct sim_zk *z);   /* the fake's */
bool sim_zk_step(struct sim_proc *p);          /* one event of its client, and what the observer sees of it */
void sim_zk_free(struct sim_zk *z);
bool sim_zk_closed(const struct sim_zk *z);
bool sim_zk_may_fence(struct sim_proc *p, int32_t broker, int32_t incarnation); /* it asked for this fence */
void sim_zk_hand_remove(struct sim_world *w, const char *path);

/* ---- procs.c ---- */
void sim_procs_start(struct sim_world *w, bool broker, int index);
void sim_procs_crash(struct sim_world *w, struct sim_proc *p, bool power);
void sim_procs_pause(struct sim_world *w, struct sim_proc *p, uint64_t for_ms);
void sim_procs_cut_zk(struct sim_world *w, struct sim_proc *p, uint64_t for_ms);
void sim_procs_expire(struct sim_world *w, struct sim_proc *p);
void sim_procs_upkeep(struct sim_world *w);                    /* what is due now: expiries, wake-ups, restarts */
uint64_t sim_procs_next(const struct sim_world *w);
void sim_procs_heal(struct sim_world *w);                      /* everybody runs and is connected, from now on */
void sim_procs_end(struct sim_world *w);                       /* frees all */
bool sim_procs_step(struct sim_proc *p);                       /* one thing that it can do now */

/* ---- faults.c ---- */
void sim_faults_step(struct sim_world *w);

#endif
