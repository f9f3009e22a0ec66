/* broker_int.h: what the files of broker/ share: broker.c composes, round.c asks all shards, checkpointer.c and
 * shutdown.c do so. */
#ifndef BN_BROKER_INT_H
#define BN_BROKER_INT_H

#include "broker/api/api.h"
#include "broker/broker.h"
#include "broker/cluster/agent.h"
#include "broker/live_conf.h"
#include "broker/log/logdir.h"
#include "broker/net/listener.h"
#include "broker/replica/roster.h"
#include "common/sys/life.h"

enum { BN_BROKER_DEFAULTS = 5 };

/* What lives on one shard; touched on it only. */
struct bn_broker_place {
    struct bn_broker *broker;
    struct bn_shard *shard;
    struct bn_conns *conns;
    struct bn_api *api;
    struct bn_image *image; /* never NULL once composed */
    struct bn_coordinator_deps coordination;
    struct bn_live_conf *live; /* the same */
};

struct bn_broker {
    struct bn_broker_config config;
    const struct bn_settings *settings;
    struct bn_broker_place *places; /* one per shard; [0] is the main shard, which runs on the main thread */
    struct bn_shard **shards;
    struct bn_coordinator **coordinators; /* likewise */
    struct bn_roster **rosters;           /* by shard; NULL once stopped, told on that shard */
    struct bn_conns **sets;
    struct bn_session_cache **sessions; /* by shard */
    int shard_count;
    struct bn_pool *pool;
    struct bn_logdirs *logdirs;
    struct bn_listeners *listeners;
    struct bn_live_conf *live; /* what listeners go by; never NULL once composed */
    struct bn_agent *agent;
    struct bn_life *life;
    char machine[BN_LIFE_MACHINE_MAX];
    struct bn_api_deps deps;
    struct bn_agent_pair defaults[BN_BROKER_DEFAULTS];
    struct bn_task begin;
    int32_t broker_id;
    int64_t broker_epoch;
    bool composed; /* id known: rosters, connections and APIs are there, all shards run */
    bool serving;  /* the listeners accept */
    bool stopping;
    bool clean; /* nothing has gone wrong with a log or a checkpoint */
    int exit_code;
    /* shutdown.c */
    bool leaving; /* controlled shutdown: leaderships are being handed over, everything is still served */
    struct bn_timer leave_timer;
    int leave_tries; /* that are left */
    struct bn_timer drain_timer;
    int drain_rounds;
    /* checkpointer.c */
    struct bn_timer checkpoint_timer;
    bool checkpointing;
    void (*checkpointed)(struct bn_broker *b); /* told once, when the one under way has ended */
    void (*finished)(struct bn_broker *b);     /* told once, when the last one has ended */
    struct {                                   /* cleaner.c */
        struct bn_timer timer;
        int running; /* logs that are being cleaned */
        bool started, looking;
    } cleaner;
};

/* round.c: one question to every shard. ask() runs on each; the lane ends, then or later, on that shard by
 * bn_round_end; when all have, all() runs on the main shard and the round is freed after it. */
struct bn_round;
struct bn_round_lane {
    struct bn_msg there, back;
    struct bn_round *round;
    struct bn_broker_place *place;
    void *user; /* the asker's; starts NULL */
};
struct bn_round {
    struct bn_broker *broker;
    void (*ask)(struct bn_round_lane *lane);
    void (*all)(struct bn_round *round);
    void *arg;
    int outstanding;
    struct bn_round_lane lanes[]; /* by shard */
};
void bn_round_start(struct bn_broker *b, void (*ask)(struct bn_round_lane *), void (*all)(struct bn_round *),
                    void *arg);
void bn_round_end(struct bn_round_lane *lane);

/* coordination.c: the group coordinator of a shard; made with its roster, freed on its shard before that stops. */
void bn_coordination_compose(struct bn_broker *b, struct bn_broker_place *p);

/* checkpointer.c; on the main shard */
void bn_checkpointer_start(struct bn_broker *b);
/* Writes the checkpoints once more, and then calls done; no periodic ones come after. */
void bn_checkpointer_finish(struct bn_broker *b, void (*done)(struct bn_broker *b));

/* cleaner.c; on the main shard */
void bn_cleaner_start(struct bn_broker *b);
void bn_cleaner_stop(struct bn_broker *b); /* cleanings that run are ended by the rosters */

/* shutdown.c; on the main shard */
void bn_shutdown_begin(struct bn_broker *b);

#endif
