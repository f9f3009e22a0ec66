/* agent_int.h: what agent.c, register.c and forward.c share; private to this room. All of it belongs to the agent's
 * shard. */
#ifndef BN_AGENT_INT_H
#define BN_AGENT_INT_H

#include "broker/cluster/agent.h"
#include "broker/cluster/forward.h"
#include "common/base/list.h"
#include "proto/rpc/rpc.h"

struct bn_register; /* register.c */
struct bn_forward;  /* forward.c */

struct bn_agent {
    struct bn_agent_config config;
    struct bn_zk *zk;
    bool own_zk, zk_up;

    /* The active controller as /controller names it; host NULL while there is none. */
    char *controller_host;
    int controller_port;
    int32_t controller_id;
    bool looking;   /* a read of /controller is under way */
    bool look_anew; /* it changed meanwhile */

    /* The connection to it. */
    struct bn_rpc_peer *peer; /* dialled; up or not */
    bool up, greeting, greeted;
    unsigned failed_dials;
    struct bn_timer redial_timer;
    bool told_waiting; /* "waiting for a controller" was traced once */
    Bn__BrokerAgent_Service service;
    ProtobufCService *services[1];
    const ProtobufCServiceDescriptor *remote[1];

    /* Readiness. */
    bool ready_told, asking_id, asking_cluster;
    int32_t broker_id;
    char *cluster_id;
    struct bn_life *life;

    struct bn_register *registration;  /* NULL before bn_agent_register */
    int64_t broker_epoch, incarnation; /* -1 while not registered */

    /* The metadata stream. */
    struct bn_image *image;    /* published last; NULL before the first */
    struct bn_image *building; /* with the pieces applied that are not published; NULL = begin with a reset */
    int steps;                 /* published, not yet applied by all shards */

    struct bn_forward *forward;
    bool stopping, closed;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* agent.c, for register.c: we are registered with these epochs (told on), or are not any more. */
void bn_agent_take_epochs(struct bn_agent *a, int64_t broker_epoch, int64_t incarnation);
/* A controller that takes our calls, or NULL. */
ProtobufCService *bn_agent_controller(struct bn_agent *a);

/* register.c */
struct bn_register *bn_register_new(struct bn_agent *a, const struct bn_agent_registration *r);
void bn_register_free(struct bn_register *r);
void bn_register_zk(struct bn_register *r, enum bn_zk_state state); /* the session's state moved */
void bn_register_check(struct bn_register *r);                      /* the controller doubts our registration: look */
const struct bn_agent_registration *bn_register_what(const struct bn_register *r);

/* forward.c */
struct bn_forward *bn_forward_new(struct bn_agent *a);
void bn_forward_free(struct bn_forward *f);
void bn_forward_greeted(struct bn_forward *f); /* a controller takes calls again */
void bn_forward_stop(struct bn_forward *f);    /* whoever waits is answered */

#endif
