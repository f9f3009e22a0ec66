/* agent_int.h: what the files of the cluster room share. All of it is on the agent's shard. */
#ifndef BN_AGENT_INT_H
#define BN_AGENT_INT_H

#include "broker/cluster/agent.h"
#include "common/base/list.h"
#include "proto/rpc/rpc.h"

enum { BN_UPLINK_CALL_MS = 30000 }; /* how long a call to the controller may take, unless it has its own deadline */

struct bn_uplink;
struct bn_register;
struct bn_forward;

struct bn_agent {
    struct bn_agent_config config;
    struct bn_loop *loop;
    struct bn_zk *zk;
    struct bn_life *life;
    struct bn_uplink *uplink;
    struct bn_register *reg;
    struct bn_forward *forward;
    int32_t broker_id;
    char *cluster_id;
    char life_host[64];
    char machine_boot_id[64];
    bool asking_id, reading_cluster_id, told_ready;
    struct bn_timer retry_timer; /* of what start waits for */
    /* What bn_agent_register gave. */
    bool has_registration;
    struct bn_image_endpoint *endpoints;
    int endpoint_count;
    char *rack, *version;
    int jmx_port;
    char **log_dir_ids;
    int log_dir_count;
    bool intact;
    /* The metadata stream of the connection that is up. */
    enum bn_agent_stream {
        BN_AGENT_SILENT, /* no hello yet on this connection */
        BN_AGENT_HELLO,  /* said, not answered */
        BN_AGENT_LIVE,   /* accepted */
    } stream;
    bool stream_begun;        /* its first delta (a reset) has come */
    struct bn_image *image;   /* the last whole one; NULL at first */
    struct bn_image *partial; /* between the pieces of a step */
    struct bn_list steps;     /* struct bn_agent_step, not yet bn_agent_applied */
    /* Stopping. */
    bool stopping, zk_is_closed;
    struct bn_timer stop_timer;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* agent.c. Something changed: does what can be done next. */
void bn_agent_advance(struct bn_agent *a);
void bn_agent_uplink_up(struct bn_agent *a);
void bn_agent_uplink_down(struct bn_agent *a);
void bn_agent_registered(struct bn_agent *a);                    /* register.c: (anew) */
void bn_agent_unregistered(struct bn_agent *a, const char *why); /* register.c: no longer; it goes on by itself */
ProtobufCService *const *bn_agent_services(struct bn_agent *a, int *count);

/* uplink.c: the one connection to the active controller. */
struct bn_uplink *bn_uplink_new(struct bn_agent *a);
void bn_uplink_free(struct bn_uplink *u); /* idle, and the ZooKeeper client is closed */
void bn_uplink_zk_state(struct bn_uplink *u, enum bn_zk_state state);
struct bn_rpc_peer *bn_uplink_peer(const struct bn_uplink *u); /* connected, or NULL */
ProtobufCService *bn_uplink_client(const struct bn_uplink *u); /* of the Controller; NULL when not connected */
void bn_uplink_drop(struct bn_uplink *u, const char *why);     /* ends the connection; it is dialled anew */
void bn_uplink_settled(struct bn_uplink *u);                   /* the connection is good: the next redial is at once */
void bn_uplink_stop(struct bn_uplink *u);
bool bn_uplink_is_idle(const struct bn_uplink *u);

/* register.c: our znodes. */
struct bn_register *bn_register_new(struct bn_agent *a);
void bn_register_free(struct bn_register *r);
void bn_register_start(struct bn_register *r);
void bn_register_zk_state(struct bn_register *r, enum bn_zk_state state);
void bn_register_check(struct bn_register *r); /* the controller says that we are stale: look */
void bn_register_stop(struct bn_register *r);
int64_t bn_register_epoch(const struct bn_register *r);       /* -1 = not registered */
int64_t bn_register_incarnation(const struct bn_register *r); /* likewise */

/* forward.c */
struct bn_forward *bn_forward_new(struct bn_agent *a);
void bn_forward_free(struct bn_forward *f);          /* idle */
void bn_forward_ready(struct bn_forward *f);         /* the stream is live: sends what waits */
void bn_forward_stop(struct bn_forward *f);          /* answers what waits, and at once whatever still comes */
bool bn_forward_is_idle(const struct bn_forward *f); /* no question is here, or on its way here */

#endif
