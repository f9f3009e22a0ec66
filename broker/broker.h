/* broker.h: one broker: the rooms of this program put together, from start to stop. */
#ifndef BN_BROKER_H
#define BN_BROKER_H

#include "broker/settings.h"
#include "common/base/err.h"
#include "common/sys/env.h"
#include "common/zk/zk.h"

struct bn_broker;

struct bn_broker_config {
    const struct bn_env *env;
    const struct bn_settings *settings; /* borrowed for life */
    struct bn_zk *zk;                   /* for tests: this client instead of one of its own */
    /* Called on the main shard when clients are served, and when a stop begins; may be NULL. */
    void (*started)(void *arg);
    void *arg;
};

/* Opens the log directories and binds the listeners; serves nothing yet. BN_BAD: the configuration or meta.properties
 * is at fault; BN_IO. */
int bn_broker_new(const struct bn_broker_config *config, struct bn_broker **out, struct bn_err *e) BN_MUST_CHECK;
/* Runs the main shard on this thread until the broker has stopped. 0 after an orderly stop, 1 when something made it
 * impossible to go on. */
int bn_broker_run(struct bn_broker *b);
/* Its two halves, for who turns the main shard's loop himself (the simulation): before it, and after it was stopped. */
void bn_broker_begin(struct bn_broker *b);
int bn_broker_end(struct bn_broker *b);
/* Begins an orderly stop; on the main shard. Calling it again does nothing. */
void bn_broker_stop(struct bn_broker *b);
void bn_broker_free(struct bn_broker *b);

struct bn_loop *bn_broker_loop(struct bn_broker *b);                      /* the main shard's */
int bn_broker_port(const struct bn_broker *b, const char *listener); /* where it listens; -1 */

#endif
