/* purge.c: deletes a subtree. Owns itself until done.
 *
 * The tree is listed breadth first, so that the list backwards has children before their parents; it is then deleted in
 * batches, each one a multi behind a check of /controller_epoch. Somebody else may be at work there: a batch that fails
 * because a node has gone or has got children means listing again, a bounded number of times. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/zk/znode_path.h"
#include "controller/effect_int.h"

enum { ROUNDS_MAX = 20, BATCH = 100 };

struct bn_purge {
    struct bn_zk *zk;
    char *root;
    int32_t epoch_version;
    bn_zk_void_cb done;
    void *arg;
    char **paths; /* parents before children */
    size_t count, capacity;
    size_t listed; /* answers that have come */
    int rounds, status;
};

static void list(struct bn_purge *p, char *path);
static void delete_batch(struct bn_purge *p);
static void on_root(void *arg, int status, const struct bn_zk_stat *stat);

static void forget(struct bn_purge *p) {
    for (size_t i = 0; i < p->count; i++) bn_alloc_free(p->paths[i]);
    p->count = p->listed = 0;
}

static void finish(struct bn_purge *p, int status) {
    forget(p);
    p->done(p->arg, status);
    bn_alloc_free(p->paths);
    bn_alloc_free(p->root);
    bn_alloc_free(p);
}

static void again(struct bn_purge *p) {
    forget(p);
    if (++p->rounds > ROUNDS_MAX)
        finish(p, BN_IO);
    else
        p->zk->ops->exists(p->zk, p->root, NULL, NULL, on_root, p);
}

static void on_children(void *arg, int status, char **names, int count) {
    struct bn_purge *p = arg;
    /* Answers come in the order of the calls: this one is for paths[listed]. */
    const char *parent = p->paths[p->listed++];
    if (status != BN_OK && status != BN_NOTFOUND) p->status = status;
    for (int i = 0; status == BN_OK && p->status == BN_OK && i < count; i++) {
        list(p, bn_alloc_printf("%s/%s", parent, names[i]));
    }
    if (p->listed < p->count) return;
    if (p->status != BN_OK)
        finish(p, p->status);
    else
        delete_batch(p);
}

static void list(struct bn_purge *p, char *path) { /* takes path */
    if (p->count == p->capacity) {
        p->capacity = bn_max_size(p->capacity * 2, 64);
        p->paths = bn_alloc_resize(p->paths, p->capacity * sizeof *p->paths);
    }
    p->paths[p->count++] = path;
    p->zk->ops->children(p->zk, path, NULL, NULL, on_children, p);
}

static void on_deleted(void *arg, int status, const struct bn_zk_op_result *results, int count) {
    struct bn_purge *p = arg;
    bool deposed = status == BN_STALE && count > 0 && results[0].status == BN_STALE;
    if (status == BN_CLOSED || deposed)
        finish(p, status);
    else if (status != BN_OK)
        again(p); /* gone, grown, or not known */
    else
        delete_batch(p);
}

static void delete_batch(struct bn_purge *p) {
    if (p->count == 0) {
        finish(p, BN_OK);
        return;
    }
    struct bn_zk_op ops[BATCH + 1];
    char *gone[BATCH];
    int n = 0;
    ops[0] = (struct bn_zk_op){.kind = BN_ZK_OP_CHECK, .path = BN_ZNODE_CONTROLLER_EPOCH, .version = p->epoch_version};
    while (n < BATCH && p->count > 0) {
        gone[n] = p->paths[--p->count];
        ops[n + 1] = (struct bn_zk_op){.kind = BN_ZK_OP_DELETE, .path = gone[n], .version = -1};
        n++;
    }
    p->zk->ops->multi(p->zk, ops, n + 1, on_deleted, p);
    for (int i = 0; i < n; i++) bn_alloc_free(gone[i]);
}

static void on_root(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_purge *p = arg;
    (void)stat;
    if (status == BN_OK)
        list(p, bn_alloc_strdup(p->root));
    else
        finish(p, status == BN_NOTFOUND ? BN_OK : status);
}

void bn_purge_start(struct bn_zk *zk, const char *path, int32_t epoch_version, bn_zk_void_cb done, void *arg) {
    struct bn_purge *p = bn_alloc_zero(1, sizeof *p);
    p->zk = zk;
    p->root = bn_alloc_strdup(path);
    p->epoch_version = epoch_version;
    p->done = done;
    p->arg = arg;
    zk->ops->exists(zk, path, NULL, NULL, on_root, p);
}
