/* load.h: reads what belongs together in ZooKeeper, as facts. A load is one such reading: it owns the memory of what it
 * read, and reads in a pipeline, many nodes at once. */
#ifndef BN_LOAD_H
#define BN_LOAD_H

#include "common/base/arena.h"
#include "common/zk/zk.h"
#include "controller/brain/fact.h"
#include "controller/probe.h"

struct bn_load;
/* Never called from inside the function that began it. The load lives until bn_load_free. */
typedef void (*bn_load_done)(void *arg, struct bn_load *l);

struct bn_load_life { /* what a registered broker's incarnation znode says; parallel to the brokers */
    struct bn_uuid boot_id;
    const char *host; /* NULL = none */
    int port;
    const char *machine; /* see life.h; NULL = not told */
};

struct bn_load {
    /* 0; BN_NOTFOUND (a topic that is not there); BN_BAD (it can't be understood: see error); BN_CLOSED; BN_IO, BN_FULL
     */
    int status;
    struct bn_err error;
    struct bn_fact_topic topic;     /* bn_load_topic */
    struct bn_fact_broker *brokers; /* bn_load_brokers */
    struct bn_load_life *lives;
    struct bn_fact_config *configs; /* bn_load_configs */
    struct bn_load_number {
        int32_t id;
        int64_t value;
    } * numbers;   /* bn_load_admitted */
    int32_t count; /* of brokers, configs, numbers */
    void *user;    /* the owner's */
    /* load.c's */
    struct bn_zk *zk;
    bn_zk_watch_cb watch;
    void *watch_arg;
    bn_load_done done;
    void *arg;
    struct bn_arena arena;
    int32_t outstanding;
    bool cancelled;
};

/* The znode of a topic with its partitions node and every state. watch (NULL: none) stands on the topic's data. */
struct bn_load *bn_load_topic(struct bn_zk *zk, const char *name, bn_zk_watch_cb watch, void *watch_arg,
                              bn_load_done done, void *arg);
/* /brokers/ids with each broker and its incarnation. watch stands on the children and on each broker's data. */
struct bn_load *bn_load_brokers(struct bn_zk *zk, bn_zk_watch_cb watch, void *watch_arg, bn_load_done done, void *arg);
/* Every node of /config/<type>. */
struct bn_load *bn_load_configs(struct bn_zk *zk, const char *type, bn_load_done done, void *arg);
/* One node of /config: count is 1 (no entries when it is not there). */
struct bn_load *bn_load_config(struct bn_zk *zk, const char *type, const char *name, bn_load_done done, void *arg);
/* /barnabas/admitted: id and incarnation. */
struct bn_load *bn_load_admitted(struct bn_zk *zk, bn_load_done done, void *arg);
/* Whom to dial for a registered broker, borrowing from its facts; false: it told no life port. machine: our own, or
 * NULL. */
bool bn_load_life_target(const struct bn_fact_broker *b, const struct bn_load_life *life, const char *machine,
                         struct bn_probe_target *out);
/* After done: frees. Before: done will not be called, and it frees itself when the last answer has come. NULL is fine.
 */
void bn_load_free(struct bn_load *l);

#endif
