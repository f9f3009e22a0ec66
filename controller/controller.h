/* controller.h: the controller process without its main(): one loop with a ZooKeeper client, the election, the RPC
 * port, the life port and, while active, the brain. */
#ifndef BN_CONTROLLER_H
#define BN_CONTROLLER_H

#include "common/conf/conf.h"
#include "common/sys/env.h"
#include "common/sys/life.h"
#include "common/sys/shard.h"
#include "common/zk/zk.h"

struct bn_controller;

struct bn_controller_config { /* copied by bn_controller_start; what it points to is borrowed until done of the stop */
    const struct bn_env *env;
    struct bn_shard *shard;    /* its loop and mailbox */
    const char *zk_connect;    /* zookeeper.connect */
    int zk_session_timeout_ms; /* zookeeper.session.timeout.ms */
    struct bn_zk *zk; /* for tests: this client instead of an own one (taken); they call bn_controller_zk_state */
    int32_t id;       /* controller.id */
    const char *host; /* controller.host: what brokers dial; NULL = the address that ZooKeeper is reached from */
    int port;         /* controller.port; 0 = the kernel's choice */
    int fencing_port; /* of the life port; 0 = the kernel's choice */
    bool unclean_election, delete_topic_enable;
    bool auto_rebalance;           /* auto.leader.rebalance.enable */
    int64_t rebalance_interval_ms; /* leader.imbalance.check.interval.seconds */
    int32_t imbalance_percentage;  /* leader.imbalance.per.broker.percentage */
    const char *machine;           /* where this runs (life.h); NULL or "" = not known */
    const struct bn_conf *conf;    /* for the configs told of a new topic; NULL = defaults only */
};

/* Opens the ports and begins to take part. BN_BAD: zk_connect is malformed; BN_IO: a port can't be had. */
int bn_controller_start(const struct bn_controller_config *config, struct bn_controller **out,
                        struct bn_err *e) BN_MUST_CHECK;
int bn_controller_port(const struct bn_controller *c); /* of the RPC */
int bn_controller_life_port(const struct bn_controller *c);
bool bn_controller_is_active(const struct bn_controller *c); /* with its state loaded */
int32_t bn_controller_epoch(const struct bn_controller *c);  /* 0 while not active */
/* Resigns, closes streams and the ZooKeeper session; then done, on the loop, and everything is freed but the life port,
 * which bn_life_close closes as the process's last act. */
void bn_controller_stop(struct bn_controller *c, void (*done)(void *arg, struct bn_life *life), void *arg);
void bn_controller_zk_state(void *controller, enum bn_zk_state state); /* a bn_zk_state_cb */

#endif
