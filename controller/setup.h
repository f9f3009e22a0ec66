/* setup.h: what must stand in ZooKeeper before anything else: directories, the cluster's id, /feature. */
#ifndef BN_SETUP_H
#define BN_SETUP_H

#include "common/sys/env.h"
#include "common/zk/zk.h"

struct bn_setup;

/* done comes once, later, with 0 and the cluster's id (borrowed for the call), or a status with why it failed. It frees
 * the setup. */
struct bn_setup *bn_setup_start(struct bn_zk *zk, const struct bn_env *env,
                                void (*done)(void *arg, int status, const char *cluster_id, const char *why),
                                void *arg);
/* Before done: done will not be called; frees itself later. */
void bn_setup_cancel(struct bn_setup *s);

#endif
