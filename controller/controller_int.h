/* controller_int.h: what the files of the controller's shell share. Everything is on one loop. */
#ifndef BN_CONTROLLER_INT_H
#define BN_CONTROLLER_INT_H

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/zk/leadership.h"
#include "controller/brain/step.h"
#include "controller/controller.h"
#include "proto/rpc/cluster.pb-c.h"
#include "proto/rpc/rpc.h"

struct bn_watch;
struct bn_effect;
struct bn_elect_watch;
struct bn_group_list;
struct bn_channel;
struct bn_calls;
struct bn_probe;
struct bn_standby;
struct bn_armory;

struct bn_controller {
    struct bn_controller_config config;
    struct bn_loop *loop;
    struct bn_zk *zk;
    struct bn_leadership *leadership;
    struct bn_life *life;
    char host[256];
    int listen_fd;
    struct bn_io *listen_io;
    struct bn_timer poke_timer, tick_timer, again_timer, accept_timer;
    struct bn_task end_task;
    bool must_resign;    /* when the reign has been taken apart */
    int64_t other_czxid; /* of the active controller told of last */
    /* The reign: from on_elected until the controller is no longer active. */
    enum bn_reign {
        BN_REIGN_NONE,    /* standby, or resigning */
        BN_REIGN_LOADING, /* elected; reading what stands in ZooKeeper */
        BN_REIGN_ACTIVE,  /* the model has had ACTIVATED */
    } reign;
    int32_t epoch, epoch_version;
    char *cluster_id;
    struct bn_model *model;
    struct bn_output_list outputs;
    bool stepping;
    struct bn_watch *watch;
    struct bn_effect *effect;
    struct bn_elect_watch *elect_watch;
    struct bn_group_list *group_list;
    /* For life. */
    struct bn_calls *calls;
    struct bn_channel *channel;
    struct bn_probe *probe;
    struct bn_standby *standby;
    struct bn_armory *armory;
    uint64_t next_token;
    /* A stop, step by step. */
    enum bn_stop { BN_STOP_NO, BN_STOP_RESIGNING, BN_STOP_CLOSING, BN_STOP_CLOSED } stop_step;
    bool zk_is_closed;
    struct bn_task free_task;
    void (*stopped)(void *arg, struct bn_life *life);
    void *stopped_arg;
};

/* Hands an event to the brain and performs what it answers. Only while the reign is ACTIVE (or for ACTIVATED itself);
 * never from inside a step. */
void bn_controller_event(struct bn_controller *c, struct bn_event *event);
/* What the reign rests on can't be had: gives up, and is a candidate again a little later. */
void bn_controller_give_up(struct bn_controller *c, const char *why);
/* The state has been read (watch.c). */
void bn_controller_loaded(struct bn_controller *c, struct bn_event_activated *state);

#endif
