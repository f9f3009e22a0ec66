/* setup.c: makes what must stand in ZooKeeper before a reign: Kafka's top-level directories and ours, /cluster/id
 * (made once, by whoever comes first) and /feature (version 2). What is there already is only looked at, because a
 * write costs ZooKeeper a disk's sync and a failover waits for it. Every step may be done twice: these writes are not
 * fenced, because a deposed controller that makes an empty directory or loses the race for /cluster/id does no harm. */
#include "controller/setup.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/base/uuid.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"

enum { PLACES_MAX = 32 };

struct place { /* one directory */
    struct bn_setup *setup;
    char path[64];
};

struct bn_setup {
    struct bn_zk *zk;
    const struct bn_env *env;
    void (*done)(void *arg, int status, const char *cluster_id, const char *why);
    void *arg;
    int paths_left;
    int status;
    bool cancelled;
    struct place places[PLACES_MAX];
};

static void finish(struct bn_setup *s, int status, const char *cluster_id, const char *what) {
    char why[128];
    snprintf(why, sizeof why, "%s: %s", what, bn_err_text(status));
    if (!s->cancelled) s->done(s->arg, status, cluster_id, why);
    bn_alloc_free(s);
}

static void read_cluster_id(struct bn_setup *s);

static void on_id_made(void *arg, int status, const char *path) {
    struct bn_setup *s = arg;
    (void)path;
    /* Lost, or another was first: reading tells. */
    if (status == BN_OK || status == BN_EXISTS || status == BN_LOST)
        read_cluster_id(s);
    else
        finish(s, status, NULL, "create " BN_ZNODE_CLUSTER_ID);
}

static void make_cluster_id(struct bn_setup *s) {
    struct bn_uuid id;
    uint8_t random[16];
    do {
        s->env->random(random, sizeof random);
    } while (!bn_uuid_from_random(random, &id));
    char text[BN_UUID_TEXT_LEN + 1];
    bn_uuid_format(&id, text);
    struct bn_znode_cluster_id z = {text};
    struct bn_str data;
    bn_str_init(&data);
    bn_znode_cluster_id_encode(&data, &z);
    s->zk->ops->create(s->zk, BN_ZNODE_CLUSTER_ID, bn_str_slice(&data), BN_ZK_PERSISTENT, on_id_made, s);
    bn_str_fini(&data);
}

static void on_cluster_id(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_setup *s = arg;
    (void)stat;
    if (status == BN_NOTFOUND && !s->cancelled) {
        make_cluster_id(s);
        return;
    }
    struct bn_arena arena;
    bn_arena_init(&arena, 1 << 16);
    struct bn_znode_cluster_id z = {NULL};
    if (status == BN_OK) status = bn_znode_cluster_id_decode(data, &arena, &z, NULL);
    finish(s, status, z.id, "read " BN_ZNODE_CLUSTER_ID);
    bn_arena_fini(&arena);
}

static void read_cluster_id(struct bn_setup *s) {
    s->zk->ops->get(s->zk, BN_ZNODE_CLUSTER_ID, NULL, NULL, on_cluster_id, s);
}

static void on_feature_made(void *arg, int status, const char *path) {
    struct bn_setup *s = arg;
    (void)path;
    if (status == BN_OK || status == BN_EXISTS || status == BN_LOST)
        read_cluster_id(s);
    else
        finish(s, status, NULL, "create " BN_ZNODE_FEATURE);
}

static void on_feature(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_setup *s = arg;
    (void)stat;
    if (status != BN_NOTFOUND) {
        on_feature_made(s, status, NULL);
        return;
    }
    struct bn_znode_feature z = {.status = 1};
    struct bn_str data;
    bn_str_init(&data);
    bn_znode_feature_encode(&data, &z);
    s->zk->ops->create(s->zk, BN_ZNODE_FEATURE, bn_str_slice(&data), BN_ZK_PERSISTENT, on_feature_made, s);
    bn_str_fini(&data);
}

static void on_path(void *arg, int status) {
    struct bn_setup *s = arg;
    if (status != BN_OK && s->status == BN_OK) s->status = status;
    if (--s->paths_left > 0) return;
    if (s->status != BN_OK || s->cancelled) {
        finish(s, s->status, NULL, "create the top-level paths");
        return;
    }
    s->zk->ops->exists(s->zk, BN_ZNODE_FEATURE, NULL, NULL, on_feature, s);
}

static void on_exists(void *arg, int status, const struct bn_zk_stat *stat) {
    struct place *p = arg;
    (void)stat;
    if (status == BN_NOTFOUND)
        bn_zk_make_path(p->setup->zk, p->path, on_path, p->setup);
    else
        on_path(p->setup, status);
}

static void want(struct bn_setup *s, const char *path) {
    BN_ASSERT(s->paths_left < PLACES_MAX);
    struct place *p = &s->places[s->paths_left++];
    p->setup = s;
    snprintf(p->path, sizeof p->path, "%s", path);
    s->zk->ops->exists(s->zk, p->path, NULL, NULL, on_exists, p);
}

struct bn_setup *bn_setup_start(struct bn_zk *zk, const struct bn_env *env,
                                void (*done)(void *arg, int status, const char *cluster_id, const char *why),
                                void *arg) {
    struct bn_setup *s = bn_alloc_zero(1, sizeof *s);
    s->zk = zk;
    s->env = env;
    s->done = done;
    s->arg = arg;
    for (const char *const *p = bn_znode_path_top_level; *p; p++) want(s, *p);
    want(s, BN_ZNODE_ADMITTED);
    want(s, "/cluster");
    return s;
}

void bn_setup_cancel(struct bn_setup *s) { s->cancelled = true; }
