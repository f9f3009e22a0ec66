/* cluster_world.h: a ZooKeeper in memory, a whole controller and brokers' agents on one loop, talking over loopback. */
#ifndef CLUSTER_WORLD_H
#define CLUSTER_WORLD_H

#include "broker/cluster/agent.h"
#include "broker/cluster/forward.h"
#include "common/zk/fake.h"
#include "controller/controller.h"
#include "tests/unit/unit.h"

enum { WORLD_BROKERS = 3 };

struct world_broker {
    struct bn_zk *zk;
    struct bn_agent *agent;
    struct bn_life *life;
    bool started, stopped, hold_steps;
    int32_t id;
    char cluster_id[64], fatal[480];
    int64_t epoch, incarnation;
    int registrations;
    struct bn_image *image;
    int images, held_count;
    struct bn_agent_step *held[64];
    int32_t removed_seen;
};

struct world {
    struct bn_shard *shard;
    struct bn_fake_zk *server;
    struct world_side {
        struct bn_zk *zk;
        struct bn_controller *controller;
        struct bn_life *life;
        bool stopped;
    } controllers[2];
    struct world_broker brokers[WORLD_BROKERS];
};

void world_open(struct world *w);
void world_close(struct world *w); /* stops everything that runs */
void world_start_controller(struct world *w, int n);
void world_stop_controller(struct world *w, int n);
void world_start_broker(struct world *w, int n, int32_t id);
void world_stop_broker(struct world *w, int n);
void world_turn(struct world *w);
/* Turns until the condition holds; fails the test after 20 s. */
#define WORLD_UNTIL(w, condition)                                                                                      \
    for (uint64_t began_ = bn_loop_now_ms((w)->shard->loop); !(condition); world_turn(w)) {                            \
        ck_assert_msg(bn_loop_now_ms((w)->shard->loop) - began_ < 20000, "never: %s", #condition);                     \
    }
bool world_is_serving(const struct world *w, int n); /* its agent is connected and has an image */
/* Runs everything for so long. */
void world_pass(struct world *w, uint64_t ms);

#endif
