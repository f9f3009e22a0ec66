/* zk.c: each process's way to ZooKeeper: a client of common/zk/fake.h, stepped by the world, behind a thin proxy that
 * is handed to product code. Owns the proxies. The proxy notes which fences its process asked for (the invariants want
 * to know), forgets what a dying process still says, and is where bugs of ZooKeeper's users are planted. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/zk/znode_path.h"
#include "tests/sim/observer.h"
#include "tests/sim/plant.h"

struct fence {
    int32_t broker, incarnation;
};

struct sim_zk {
    struct bn_zk zk; /* first */
    struct sim_proc *proc;
    struct bn_zk *real;
    struct fence *fences;
    int32_t fence_count;
    bool closed;
    bn_zk_void_cb close_cb;
    void *close_arg;
};

static struct sim_zk *proxy(struct bn_zk *zk) { return (struct sim_zk *)zk; }

/* ---- passing on ---- */

static void pass_get(struct bn_zk *zk, const char *path, bn_zk_watch_cb watch, void *watch_arg, bn_zk_get_cb cb,
                     void *arg);

static void pass_exists(struct bn_zk *zk, const char *path, bn_zk_watch_cb watch, void *watch_arg, bn_zk_stat_cb cb,
                        void *arg) {
    struct sim_zk *z = proxy(zk);
    bool own = z->proc->kind == SIM_BROKER && strncmp(path, BN_ZNODE_BROKER_IDS, strlen(BN_ZNODE_BROKER_IDS)) == 0;
    if (sim_planted == SIM_PLANT_DEAF && own) watch = NULL;
    z->real->ops->exists(z->real, path, watch, watch_arg, cb, arg);
}

static void pass_children(struct bn_zk *zk, const char *path, bn_zk_watch_cb watch, void *watch_arg,
                          bn_zk_children_cb cb, void *arg) {
    struct bn_zk *real = proxy(zk)->real;
    real->ops->children(real, path, watch, watch_arg, cb, arg);
}

static void pass_create(struct bn_zk *zk, const char *path, struct bn_slice data, int flags, bn_zk_create_cb cb,
                        void *arg) {
    struct bn_zk *real = proxy(zk)->real;
    if (proxy(zk)->proc->doomed) return;
    real->ops->create(real, path, data, flags, cb, arg);
}

static void pass_set(struct bn_zk *zk, const char *path, struct bn_slice data, int32_t version, bn_zk_stat_cb cb,
                     void *arg) {
    struct bn_zk *real = proxy(zk)->real;
    if (proxy(zk)->proc->doomed) return;
    real->ops->set(real, path, data, version, cb, arg);
}

static void pass_remove(struct bn_zk *zk, const char *path, int32_t version, bn_zk_void_cb cb, void *arg) {
    struct bn_zk *real = proxy(zk)->real;
    if (proxy(zk)->proc->doomed) return;
    real->ops->remove(real, path, version, cb, arg);
}

static void pass_sync(struct bn_zk *zk, const char *path, bn_zk_void_cb cb, void *arg) {
    struct bn_zk *real = proxy(zk)->real;
    real->ops->sync(real, path, cb, arg);
}

static enum bn_zk_state pass_state(struct bn_zk *zk) {
    struct bn_zk *real = proxy(zk)->real;
    return real->ops->state(real);
}

static int64_t pass_session_id(struct bn_zk *zk) {
    struct bn_zk *real = proxy(zk)->real;
    return real->ops->session_id(real);
}

static void on_closed(void *arg, int status) {
    struct sim_zk *z = arg;
    z->closed = true;
    if (z->close_cb) z->close_cb(z->close_arg, status);
}

static void pass_close(struct bn_zk *zk, bn_zk_void_cb done, void *arg) {
    struct sim_zk *z = proxy(zk);
    z->close_cb = done;
    z->close_arg = arg;
    if (z->proc->doomed) return;
    z->real->ops->close(z->real, on_closed, z);
}

/* ---- reading, and what may lie ---- */

struct admitted {
    struct sim_zk *zk;
    int32_t broker;
    bn_zk_get_cb cb;
    void *arg;
};

/* Planted: says that the registered incarnation is the admitted one. */
static void on_admitted(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct admitted *a = arg;
    struct bn_znode_path path;
    struct bn_zk_stat now;
    char text[24];
    if (status == BN_OK &&
        bn_fake_peek(sim_here->server, bn_znode_path_incarnation(&path, a->broker), NULL, &now) == BN_OK) {
        snprintf(text, sizeof text, "%d", now.version);
        data = bn_slice_str(text);
    }
    a->cb(a->arg, status, data, stat);
    bn_alloc_free(a);
}

static void pass_get(struct bn_zk *zk, const char *path, bn_zk_watch_cb watch, void *watch_arg, bn_zk_get_cb cb,
                     void *arg) {
    static const char admitted[] = "/barnabas/admitted/";
    struct bn_zk *real = proxy(zk)->real;
    if (sim_planted == SIM_PLANT_ADMITTED_LIES && strncmp(path, admitted, sizeof admitted - 1) == 0) {
        struct admitted *a = bn_alloc(sizeof *a);
        *a = (struct admitted){proxy(zk), bn_znode_path_number(bn_slice_str(path + sizeof admitted - 1)), cb, arg};
        cb = on_admitted;
        arg = a;
    }
    real->ops->get(real, path, watch, watch_arg, cb, arg);
}

/* ---- multis ---- */

struct early { /* planted: a multi that is answered before it is done */
    struct bn_zk_op_result *results;
    int count;
    bn_zk_multi_cb cb;
    void *arg;
};

static void forget_multi(void *arg, int status, const struct bn_zk_op_result *results, int count) {
    (void)arg, (void)status, (void)results, (void)count;
}

static void answer_early(void *arg, int status) {
    struct early *e = arg;
    e->cb(e->arg, status == BN_CLOSED ? BN_CLOSED : BN_OK, e->results, e->count);
    bn_alloc_free(e->results);
    bn_alloc_free(e);
}

static void multi_early(struct sim_zk *z, const struct bn_zk_op *ops, int count, bn_zk_multi_cb cb, void *arg) {
    struct early *e = bn_alloc(sizeof *e);
    *e = (struct early){bn_alloc_zero((size_t)count, sizeof *e->results), count, cb, arg};
    z->real->ops->sync(z->real, "/", answer_early, e);
    z->real->ops->multi(z->real, ops, count, forget_multi, NULL);
}

static bool is_state_write(const struct bn_zk_op *ops, int count) {
    for (int i = 0; i < count; i++) {
        const char *end = strrchr(ops[i].path, '/');
        bool write = ops[i].kind == BN_ZK_OP_CREATE || ops[i].kind == BN_ZK_OP_SET;
        if (write && strcmp(end, "/state") == 0) return true;
    }
    return false;
}

static void note_fence(struct sim_zk *z, const struct bn_zk_op *ops, int count) {
    static const char prefix[] = BN_ZNODE_INCARNATIONS "/";
    for (int i = 0; i < count && !z->proc->kind == SIM_BROKER; i++) {
        if (ops[i].kind != BN_ZK_OP_CHECK || strncmp(ops[i].path, prefix, sizeof prefix - 1) != 0) continue;
        z->fences = bn_alloc_resize(z->fences, (size_t)(z->fence_count + 1) * sizeof *z->fences);
        int32_t broker = bn_znode_path_number(bn_slice_str(ops[i].path + sizeof prefix - 1));
        z->fences[z->fence_count++] = (struct fence){broker, ops[i].version};
    }
}

/* Planted: true when the check is left out. */
static bool leaves_out(const struct sim_zk *z, const struct bn_zk_op *op) {
    if (z->proc->kind == SIM_BROKER || op->kind != BN_ZK_OP_CHECK) return false;
    bool epoch = strcmp(op->path, BN_ZNODE_CONTROLLER_EPOCH) == 0;
    return (sim_planted == SIM_PLANT_NO_EPOCH_CHECK && epoch) || (sim_planted == SIM_PLANT_FENCE_ANYBODY && !epoch);
}

static void pass_multi(struct bn_zk *zk, const struct bn_zk_op *ops, int count, bn_zk_multi_cb cb, void *arg) {
    struct sim_zk *z = proxy(zk);
    if (z->proc->doomed) return;
    struct bn_zk_op *sent = bn_alloc((size_t)count * sizeof *sent);
    note_fence(z, ops, count);
    for (int i = 0; i < count; i++) {
        sent[i] = ops[i];
        if (leaves_out(z, &ops[i])) /* a check that always holds, so that the results stay parallel */
            sent[i] = (struct bn_zk_op){.kind = BN_ZK_OP_CHECK, .path = "/", .version = -1};
    }
    if (sim_planted == SIM_PLANT_EARLY_COMMIT && is_state_write(ops, count))
        multi_early(z, sent, count, cb, arg);
    else
        z->real->ops->multi(z->real, sent, count, cb, arg);
    bn_alloc_free(sent);
}

static const struct bn_zk_ops proxy_ops = {
    .get = pass_get,
    .exists = pass_exists,
    .children = pass_children,
    .create = pass_create,
    .set = pass_set,
    .remove = pass_remove,
    .multi = pass_multi,
    .sync = pass_sync,
    .state = pass_state,
    .session_id = pass_session_id,
    .close = pass_close,
};

/* ---- life ---- */

static void on_state(void *arg, enum bn_zk_state state) {
    struct sim_proc *p = arg;
    if (p->broker && !p->broker->stopping) bn_agent_zk_state(p->broker->agent, state);
    if (p->controller) bn_controller_zk_state(p->controller, state);
}

struct sim_zk *sim_zk_open(struct sim_proc *p) {
    struct sim_zk *z = bn_alloc_zero(1, sizeof *z);
    struct bn_zk_config config = {"sim:1", SIM_SESSION_MS, on_state, p};
    struct bn_err e = BN_ERR_NONE;
    z->zk.ops = &proxy_ops;
    z->proc = p;
    BN_ASSERT(bn_fake_open(sim_here->server, &config, &z->real, &e) == BN_OK);
    return z;
}

struct bn_zk *sim_zk_client(struct sim_zk *z) {
    return &z->zk;
}
struct bn_zk *sim_zk_real(struct sim_zk *z) {
    return z->real;
}
bool sim_zk_closed(const struct sim_zk *z) { return z->closed; }

/* A broker's agent begins a little later than its process. */
bool sim_zk_step(struct sim_proc *p) {
    bool early = p->broker && !p->broker->agent && !p->stopping;
    if (!p->zk || p->zk->closed || early || !bn_fake_step_client(p->zk->real)) return false;
    sim_observer_look(sim_here, p);
    return true;
}

bool sim_zk_may_fence(struct sim_proc *p, int32_t broker, int32_t incarnation) {
    for (int32_t i = 0; p->zk && i < p->zk->fence_count; i++)
        if (p->zk->fences[i].broker == broker && p->zk->fences[i].incarnation == incarnation) return true;
    return false;
}

void sim_zk_hand_remove(struct sim_world *w, const char *path) {
    w->hand->ops->remove(w->hand, path, -1, NULL, NULL);
    while (bn_fake_step_client(w->hand)) continue;
    sim_observer_look(w, NULL);
}
