/* elect_watch.c: watches /admin/preferred_replica_election. Owns what is being read, for one reign.
 *
 * Only the znode's creation counts, as with Kafka: it is known by its czxid, so that one that is still there when the
 * watch fires again is not acted upon twice. The brain deletes it. Watches cannot be taken back: they point at the
 * controller, which outlives them. */
#include "controller/elect_watch.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/trace.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"

enum { BUDGET = 8 << 20 };

struct bn_elect_watch {
    struct bn_controller *c;
    bool stopped, reading, dirty;
    int refs;      /* one of the owner, one while reading */
    int64_t czxid; /* of the one told last */
};

static void look(struct bn_elect_watch *w);

static void unref(struct bn_elect_watch *w) {
    if (--w->refs == 0) bn_alloc_free(w);
}

static void tell(struct bn_elect_watch *w, struct bn_slice data) {
    struct bn_arena arena;
    struct bn_znode_elect z = {0};
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, BUDGET);
    if (bn_znode_elect_decode(data, &arena, &z, &e) != BN_OK) {
        BN_WARN("controller", "%s is passed over: %s", BN_ZNODE_ELECT, e.text);
        z.count = 0;
    }
    struct bn_event_elect *list = bn_arena_array(&arena, (size_t)z.count + 1, sizeof *list);
    struct bn_event event = {.kind = BN_EVENT_ELECT_NODE};
    event.u.elect_leaders.partitions = list;
    event.u.elect_leaders.partition_count = list ? z.count : 0;
    for (int32_t i = 0; i < event.u.elect_leaders.partition_count; i++)
        list[i] = (struct bn_event_elect){z.partitions[i].topic, z.partitions[i].partition};
    bn_controller_event(w->c, &event);
    bn_arena_fini(&arena);
}

static void ended(struct bn_elect_watch *w, int status) {
    bool failed = status != BN_OK && status != BN_NOTFOUND && status != BN_CLOSED;
    w->reading = false;
    if (failed && !w->stopped) bn_controller_give_up(w->c, "read " BN_ZNODE_ELECT);
    if (w->dirty && !w->stopped) look(w);
    unref(w);
}

static void came(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_elect_watch *w = arg;
    if (!w->stopped && status == BN_OK && stat->czxid != w->czxid) {
        w->czxid = stat->czxid;
        tell(w, data);
    }
    ended(w, status);
}

static void seen(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_elect_watch *w = arg;
    (void)stat;
    if (status == BN_OK && !w->stopped)
        w->c->zk->ops->get(w->c->zk, BN_ZNODE_ELECT, NULL, NULL, came, w);
    else
        ended(w, status);
}

static void fired(void *controller, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_controller *c = controller;
    (void)kind, (void)path;
    if (c->elect_watch) look(c->elect_watch);
}

static void look(struct bn_elect_watch *w) {
    w->dirty = w->reading;
    if (w->reading) return;
    w->reading = true;
    w->refs++;
    w->c->zk->ops->exists(w->c->zk, BN_ZNODE_ELECT, fired, w->c, seen, w);
}

struct bn_elect_watch *bn_elect_watch_start(struct bn_controller *c) {
    struct bn_elect_watch *w = bn_alloc_zero(1, sizeof *w);
    *w = (struct bn_elect_watch){.c = c, .refs = 1};
    look(w);
    return w;
}

void bn_elect_watch_stop(struct bn_elect_watch *w) {
    if (!w) return;
    w->stopped = true;
    unref(w);
}
