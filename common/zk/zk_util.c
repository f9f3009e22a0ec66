/* zk_util.c: recipes of a few calls over any struct bn_zk. Own nothing but their own progress. */
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/zk/zk.h"

struct make_path {
    struct bn_zk *zk;
    bn_zk_void_cb cb;
    void *arg;
    size_t left; /* answers still to come */
    int status;  /* of the whole path's own create */
    int tries;
    char path[];
};

static void make_path_send(struct make_path *m);

/* Creates were sent parents first and are answered in that order, so the last answer is the path's own. */
static void made(void *arg, int status, const char *path) {
    (void)path;
    struct make_path *m = arg;
    m->status = status;
    if (--m->left) return;
    if (m->status == BN_EXISTS) m->status = BN_OK;
    /* Creating again does no harm: nothing here is sequential. */
    if (m->status == BN_LOST && ++m->tries < 20) {
        make_path_send(m);
        return;
    }
    if (m->cb) m->cb(m->arg, m->status);
    bn_alloc_free(m);
}

static void make_path_send(struct make_path *m) {
    size_t len = strlen(m->path);
    m->left = 1;
    for (size_t i = 1; i < len; i++) m->left += m->path[i] == '/';
    for (size_t i = 1; i <= len; i++) {
        if (i < len && m->path[i] != '/') continue;
        char kept = m->path[i];
        m->path[i] = '\0';
        m->zk->ops->create(m->zk, m->path, BN_SLICE_NULL, BN_ZK_PERSISTENT, made, m);
        m->path[i] = kept;
    }
}

void bn_zk_make_path(struct bn_zk *zk, const char *path, bn_zk_void_cb cb, void *arg) {
    size_t len = strlen(path);
    BN_ASSERT(len > 1 && path[0] == '/');
    struct make_path *m = bn_alloc_zero(1, sizeof *m + len + 1);
    m->zk = zk;
    m->cb = cb;
    m->arg = arg;
    memcpy(m->path, path, len + 1);
    make_path_send(m);
}
