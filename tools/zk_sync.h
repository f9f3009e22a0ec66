/* zk_sync.h: ZooKeeper for commands that do one thing after the other: each call runs a loop of its own until the
 * answer or the deadline. Reads only: no tool writes cluster metadata. */
#ifndef BN_ZK_SYNC_H
#define BN_ZK_SYNC_H

#include "common/base/str.h"
#include "common/zk/zk.h"

struct bn_zk_sync;

/* connect: host:port,host:port/chroot. The chroot is not made: paths are looked up below it. Gives a connected session,
 * or NULL with *e. */
struct bn_zk_sync *bn_zk_sync_open(const char *connect, uint64_t timeout_ms, struct bn_err *e);
void bn_zk_sync_close(struct bn_zk_sync *z);
/* The data of a node, appended to *out. A status of zk.h. */
int bn_zk_sync_get(struct bn_zk_sync *z, const char *path, struct bn_str *out, struct bn_zk_stat *stat,
                   struct bn_err *e);
/* Gives the sorted names (free each, then the array). */
int bn_zk_sync_children(struct bn_zk_sync *z, const char *path, char ***names, int *count, struct bn_err *e);

#endif
