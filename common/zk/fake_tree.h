/* fake_tree.h: the znodes of a ZooKeeper in memory: versions, czxids, ephemerals, sequential names, multis that happen
 * whole or not at all. No sessions, no watches, no time of its own. Only fake.c includes this. */
#ifndef BN_FAKE_TREE_H
#define BN_FAKE_TREE_H

#include "common/base/map.h"
#include "common/sys/clock.h"
#include "common/zk/zk_call.h"

struct bn_fake_tree {
    struct bn_map nodes;        /* path -> node */
    struct bn_list ephemerals;  /* in the order of their creation */
    int64_t zxid;               /* of the last write */
    const struct bn_clock *clock; /* NULL: times are the zxid */
    /* Called after a write was committed, once per change, in order. CHILDREN names the parent. */
    void (*changed)(void *arg, enum bn_zk_watch_kind kind, const char *path);
    void *arg;
};

void bn_fake_tree_init(struct bn_fake_tree *t); /* with "/" */
void bn_fake_tree_fini(struct bn_fake_tree *t);
/* Does what the call asks and fills its status and results; done is the caller's. session owns the ephemerals created.
 * */
void bn_fake_tree_apply(struct bn_fake_tree *t, struct bn_zk_call *c, int64_t session);
void bn_fake_tree_end_session(struct bn_fake_tree *t, int64_t session);
/* Data borrowed until the next write; both out may be NULL. 0 or BN_NOTFOUND. */
int bn_fake_tree_peek(struct bn_fake_tree *t, const char *path, struct bn_slice *data, struct bn_zk_stat *stat);

#endif
