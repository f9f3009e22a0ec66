/* notices.c: config changes that others have announced. Owns the list of notices and their end.
 *
 * The entity's node is read and told as it is then, so the order of notices does not matter, nor does one that is read
 * twice. A notice is known by its number: what is not above the last one seen has been dealt with. Old ones are removed
 * by whoever reigns. */
#include "controller/notices.h"

#include "common/base/alloc.h"
#include "common/base/trace.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "controller/load.h"

enum {
    NOTICE_AGE_MS = 15 * 60 * 1000,
    PURGE_FIRST_MS = 1000,
    PURGE_EVERY_MS = 60 * 1000,
    PURGE_MAX = 200,
    NOTICE_BUDGET = 1 << 20
};

struct notice {
    char *name;
    int64_t ctime_ms;
};

struct bn_notices {
    struct bn_controller *c;
    bn_zk_watch_cb fired;
    void (*listed)(void *arg); /* NULL once it has been called */
    void *arg;
    bool going, stopped;
    bool reading, dirty; /* the list; what changed meanwhile is read after */
    int refs;            /* one of the owner, one for each answer that is to come */
    int64_t seq;         /* the last notice seen */
    struct notice *notices;
    size_t count, capacity;
    struct bn_timer purge_timer;
};

struct notice_read {
    struct bn_notices *notices;
    char *name;
    bool take;
};

static void unref(struct bn_notices *n) {
    if (--n->refs > 0) return;
    for (size_t i = 0; i < n->count; i++) bn_alloc_free(n->notices[i].name);
    bn_alloc_free(n->notices);
    bn_alloc_free(n);
}

/* ---- what a notice names ---- */

static void config_read(void *arg, struct bn_load *l) {
    struct bn_notices *n = arg;
    if (!n->stopped && l->status == BN_OK) {
        struct bn_event e = {.kind = BN_EVENT_CONFIG, .u.config = l->configs[0]};
        bn_controller_event(n->c, &e);
    } else if (!n->stopped && l->status != BN_CLOSED) {
        bn_controller_give_up(n->c, l->error.text[0] ? l->error.text : bn_err_text(l->status));
    }
    bn_load_free(l);
    unref(n);
}

static void take_notice(struct bn_notices *n, struct bn_slice data) {
    struct bn_arena arena;
    bn_arena_init(&arena, NOTICE_BUDGET);
    struct bn_znode_config_change z;
    struct bn_znode_entity entity;
    struct bn_err e = BN_ERR_NONE;
    if (bn_znode_config_change_decode(data, &arena, &z, &e) != BN_OK) {
        BN_WARN("controller", "a notice of a changed config is passed over: %s", e.text);
    } else if (bn_znode_path_entity(bn_slice_str(z.entity_path), &entity) && bn_slice_is_null(entity.sub_type) &&
               (bn_slice_eq_str(entity.type, "topics") || bn_slice_eq_str(entity.type, "brokers"))) {
        const char *type = bn_slice_eq_str(entity.type, "topics") ? "topics" : "brokers";
        char *name = bn_arena_copy(&arena, entity.name);
        BN_INFO("controller", "Processing override for entityPath: %s", z.entity_path);
        n->refs++;
        bn_load_config(n->c->zk, type, name, config_read, n);
    }
    bn_arena_fini(&arena);
}

static void notice_came(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct notice_read *r = arg;
    struct bn_notices *n = r->notices;
    if (!n->stopped && status == BN_OK) {
        if (n->count == n->capacity) {
            n->capacity = bn_max_size(n->capacity * 2, 16);
            n->notices = bn_alloc_resize(n->notices, n->capacity * sizeof *n->notices);
        }
        n->notices[n->count++] = (struct notice){r->name, stat->ctime_ms};
        r->name = NULL;
        if (r->take) take_notice(n, data);
    }
    bn_alloc_free(r->name);
    bn_alloc_free(r);
    unref(n);
}

/* ---- their end ---- */

static void purged(void *arg, int status, const struct bn_zk_op_result *results, int count) {
    (void)status, (void)results, (void)count; /* gone already, or we are deposed: either way it is not ours any more */
    unref(arg);
}

static void purge(struct bn_timer *t) {
    struct bn_notices *n = BN_CONTAINER_OF(t, struct bn_notices, purge_timer);
    int64_t now = bn_clock_wall_ms(n->c->config.env->clock);
    size_t kept = 0, sent = 0;
    for (size_t i = 0; i < n->count; i++) {
        struct notice *notice = &n->notices[i];
        if (now - notice->ctime_ms < NOTICE_AGE_MS || sent >= PURGE_MAX) {
            n->notices[kept++] = *notice;
            continue;
        }
        struct bn_znode_path path;
        struct bn_zk_op ops[2] = {
            {.kind = BN_ZK_OP_CHECK, .path = BN_ZNODE_CONTROLLER_EPOCH, .version = n->c->epoch_version},
            {.kind = BN_ZK_OP_DELETE,
             .path = bn_znode_path_child(&path, BN_ZNODE_CONFIG_CHANGES, bn_slice_str(notice->name)),
             .version = -1},
        };
        n->refs++;
        sent++;
        n->c->zk->ops->multi(n->c->zk, ops, 2, purged, n);
        bn_alloc_free(notice->name);
    }
    n->count = kept;
    bn_timer_start(&n->purge_timer, PURGE_EVERY_MS);
}

/* ---- the list ---- */

static void read_list(struct bn_notices *n);

static void read_new(struct bn_notices *n, char **names, int count) {
    int64_t last = n->seq;
    for (int i = 0; i < count; i++) {
        int64_t seq = bn_znode_path_seq(bn_slice_str(names[i]), BN_ZNODE_CONFIG_CHANGE_PREFIX);
        if (seq <= last) continue;
        n->seq = bn_max_i64(n->seq, seq);
        struct notice_read *r = bn_alloc(sizeof *r);
        *r = (struct notice_read){n, bn_alloc_strdup(names[i]), n->going};
        struct bn_znode_path path;
        n->refs++;
        n->c->zk->ops->get(n->c->zk, bn_znode_path_child(&path, BN_ZNODE_CONFIG_CHANGES, bn_slice_str(names[i])), NULL,
                           NULL, notice_came, r);
    }
}

static void list_came(void *arg, int status, char **names, int count) {
    struct bn_notices *n = arg;
    n->reading = false;
    if (!n->stopped && status == BN_OK) {
        read_new(n, names, count);
        void (*listed)(void *) = n->listed;
        n->listed = NULL;
        if (listed) listed(n->arg);
        if (!n->stopped && n->going && n->dirty) read_list(n);
    } else if (!n->stopped && status != BN_CLOSED) {
        char why[160];
        snprintf(why, sizeof why, "read %s: %s", BN_ZNODE_CONFIG_CHANGES, bn_err_text(status));
        bn_controller_give_up(n->c, why);
    }
    unref(n);
}

static void read_list(struct bn_notices *n) {
    n->dirty = n->reading;
    if (n->reading) return;
    n->reading = true;
    n->refs++;
    n->c->zk->ops->children(n->c->zk, BN_ZNODE_CONFIG_CHANGES, n->fired, n->c, list_came, n);
}

/* ---- life ---- */

struct bn_notices *bn_notices_start(struct bn_controller *c, bn_zk_watch_cb fired, void (*listed)(void *arg),
                                    void *arg) {
    struct bn_notices *n = bn_alloc_zero(1, sizeof *n);
    *n = (struct bn_notices){.c = c, .fired = fired, .listed = listed, .arg = arg, .refs = 1, .seq = -1};
    bn_timer_init(&n->purge_timer, c->loop, purge);
    read_list(n);
    return n;
}

void bn_notices_go(struct bn_notices *n) {
    n->going = true;
    bn_timer_start(&n->purge_timer, PURGE_FIRST_MS); /* when those that were there have been read */
    if (n->dirty) read_list(n);
}

void bn_notices_changed(struct bn_notices *n) {
    if (n->going)
        read_list(n);
    else
        n->dirty = true;
}

void bn_notices_stop(struct bn_notices *n) {
    if (!n) return;
    n->stopped = true;
    bn_timer_stop(&n->purge_timer);
    unref(n);
}
