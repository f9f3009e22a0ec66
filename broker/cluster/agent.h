/* agent.h: this broker's part in the cluster: its ZooKeeper session, its registration, its one RPC connection to the
 * active controller, and the images that come over it. Everything lives on one shard (the main one); only forward.h's
 * functions may be called from others.
 *
 * Start goes in two steps, because a broker must know its id and its cluster before it opens its logs, and must be able
 * to serve before it is registered:
 *
 *   bn_agent_start   -> finds the active controller (waits, and says why), has an id allotted if asked to, opens the
 *                       life port on the address that the connection to the controller leaves from
 *                    -> ready(broker_id, cluster_id)
 *   bn_agent_register -> registers in ZooKeeper, says Hello -> image(old, now, delta), again and again
 *
 * From then on it heals by itself: a new controller is dialled, an expired or stolen registration is made anew (told by
 * `registered` with a new epoch). What can't heal is told by `fatal`. */
#ifndef BN_AGENT_H
#define BN_AGENT_H

#include "broker/image/image.h"
#include "common/sys/env.h"
#include "common/sys/life.h"
#include "common/sys/shard.h"
#include "common/zk/zk.h"

struct bn_agent;
struct bn_agent_step; /* one delta of the metadata stream on its way through this broker */

struct bn_agent_pair {
    const char *name, *value;
};

struct bn_agent_config { /* copied by bn_agent_start; what it points to is borrowed until bn_agent_stop's done */
    const struct bn_env *env;
    struct bn_shard *shard;
    const char *zk_connect;    /* zookeeper.connect */
    int zk_session_timeout_ms; /* zookeeper.session.timeout.ms */
    struct bn_zk *zk;          /* for tests: this client instead of an own one (taken; its state callback is theirs) */
    int32_t broker_id;         /* -1 = have one allotted */
    int32_t reserved_max;      /* reserved.broker.max.id */
    int fencing_port;          /* fencing.port; 0 = the kernel's choice */
    const char *machine;       /* where this runs (life.h); NULL or "" = not known */
    /* The defaults that go along with admin requests: num.partitions, default.replication.factor, delete.topic.enable,
     * … */
    const struct bn_agent_pair *defaults;
    int default_count;

    /* All on the shard. */
    void (*ready)(void *arg, int32_t broker_id, const char *cluster_id);
    /* Registered, or registered anew: these are our epochs from now on. */
    void (*registered)(void *arg, int64_t broker_epoch, int64_t incarnation);
    /* An image was applied. old is NULL for the first one ever; when a new stream began, old is what was there before
     * and delta the last piece of a full image, which names every topic that is being deleted (so it is the evidence
     * that bn_image_diff asks for). The images are borrowed: bn_image_ref what is kept. delta lives, and may be read by
     * any thread, until bn_agent_applied(step). An image is only ever of our current incarnation; steps come in order,
     * the next one without waiting for bn_agent_applied of the one before. */
    void (*image)(void *arg, struct bn_image *old, struct bn_image *now, const Bn__ImageDelta *delta,
                  struct bn_agent_step *step);
    /* This process can't go on: another live broker has our id, the znode can't be read, … One sentence. */
    void (*fatal)(void *arg, const char *why);
    void *arg;
};

struct bn_agent_registration {                 /* copied by bn_agent_register */
    const struct bn_image_endpoint *endpoints; /* the advertised listeners, in the order of the configuration */
    int endpoint_count;
    const char *rack; /* NULL = none */
    int jmx_port;     /* -1 = none */
    const char *const *log_dir_ids;
    int log_dir_count;
    bool intact;         /* every log directory was closed cleanly, or the machine has not rebooted since */
    const char *version; /* of the program */
};

/* Begins; on the shard or before it runs. BN_BAD: zk_connect is malformed. */
int bn_agent_start(const struct bn_agent_config *config, struct bn_agent **out, struct bn_err *e) BN_MUST_CHECK;
/* With config.zk: its owner passes its state callback on to here. */
void bn_agent_zk_state(struct bn_agent *a, enum bn_zk_state state);
/* Once, after `ready`. On the shard. */
void bn_agent_register(struct bn_agent *a, const struct bn_agent_registration *registration);
/* Every shard has taken up this step: delta dies, and the controller is told. Exactly once for each call of `image`, on
 * the shard; also after bn_agent_stop was called, but before its done (which waits for it). */
void bn_agent_applied(struct bn_agent_step *step);
/* Ends the connection, the registration and the ZooKeeper session; requests that wait are answered, and so are those
 * that other shards ask meanwhile. Then done, and the agent is freed: from then on nobody may ask. No callback of
 * config comes after this call. The life port stays open (bn_agent_life). On the shard. */
void bn_agent_stop(struct bn_agent *a, void (*done)(void *arg), void *arg);

/* The life port, open since `ready`: take it before bn_agent_stop, and bn_life_close it as the process's last act. */
struct bn_life *bn_agent_life(struct bn_agent *a);

int64_t bn_agent_broker_epoch(const struct bn_agent *a); /* -1 while not registered; on the shard */
int64_t bn_agent_incarnation(const struct bn_agent *a);  /* likewise */
bool bn_agent_connected(const struct bn_agent *a);       /* to an active controller that took our hello; on the shard */

#endif
