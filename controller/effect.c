/* effect.c: performs multis, purges and readings for one reign. Owns those under way.
 *
 * Every multi's first operation checks /controller_epoch at the version that our election wrote: a deposed controller's
 * write fails there, whole. The brain is told of the ends of multis and purges in the order in which it asked for them.
 * ZooKeeper answers multis in that order by itself; a purge takes several rounds, so what ends after it waits in line.
 */
#include "controller/effect.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/zk/znode_path.h"
#include "controller/effect_int.h"

struct flight { /* a multi or a purge, in line */
    struct bn_list link;
    struct bn_effect *effect;
    bool done;
    struct bn_event_multi_done end;
    int seqid_op; /* index of the SET_SEQID, or -1 */
};

struct reading {
    struct bn_list link;
    struct bn_reread *reread;
};

struct bn_effect {
    struct bn_controller *c;
    bool stopped;
    int refs; /* the owner's, and one for each flight */
    struct bn_list flights, readings;
};

static void unref(struct bn_effect *e) {
    if (--e->refs == 0) bn_alloc_free(e);
}

struct bn_effect *bn_effect_new(struct bn_controller *c) {
    struct bn_effect *e = bn_alloc_zero(1, sizeof *e);
    e->c = c;
    e->refs = 1;
    bn_list_init(&e->flights);
    bn_list_init(&e->readings);
    return e;
}

void bn_effect_stop(struct bn_effect *e) {
    if (!e) return;
    e->stopped = true;
    BN_LIST_FOR (n, &e->readings) {
        struct reading *r = BN_CONTAINER_OF(n, struct reading, link);
        bn_list_remove(n);
        bn_reread_free(r->reread);
        bn_alloc_free(r);
    }
    unref(e);
}

static struct flight *flight_new(struct bn_effect *e, uint64_t id) {
    struct flight *f = bn_alloc_zero(1, sizeof *f);
    f->effect = e;
    f->end.multi = id;
    f->end.failed_op = -1;
    f->seqid_op = -1;
    bn_list_init(&f->link);
    bn_list_push_back(&e->flights, &f->link);
    e->refs++;
    return f;
}

/* Tells of all ends at the head of the line. */
static void landed(struct flight *f) {
    struct bn_effect *e = f->effect;
    f->done = true;
    while (!bn_list_empty(&e->flights)) {
        struct flight *head = BN_CONTAINER_OF(e->flights.next, struct flight, link);
        if (!head->done) break;
        bn_list_remove(&head->link);
        struct bn_event event = {.kind = BN_EVENT_MULTI_DONE, .u.multi_done = head->end};
        bn_alloc_free(head);
        e->refs--; /* the callers hold one more */
        if (!e->stopped) bn_controller_event(e->c, &event);
    }
}

static void on_multi(void *arg, int status, const struct bn_zk_op_result *results, int count) {
    struct flight *f = arg;
    struct bn_effect *e = f->effect;
    e->refs++;
    f->end.status = status;
    if (status == BN_OK && f->seqid_op >= 0) {
        BN_ASSERT(f->seqid_op < count);
        f->end.seqid_version = results[f->seqid_op].stat.version;
    }
    /* Operations that did not fail answer BN_IO in a multi that did. */
    for (int i = 0; status != BN_OK && i < count; i++) {
        if (results[i].status == BN_OK || results[i].status == BN_IO) continue;
        f->end.failed_op = i - 1; /* the guard is the first */
        f->end.status = results[i].status;
        break;
    }
    landed(f);
    unref(e);
}

void bn_effect_multi(struct bn_effect *e, const struct bn_output_multi *m) {
    struct flight *f = flight_new(e, m->id);
    struct bn_arena arena;
    bn_arena_init(&arena, SIZE_MAX / 2);
    struct bn_zk_op *ops = bn_arena_array(&arena, (size_t)m->op_count + 1, sizeof *ops);
    BN_ASSERT(ops);
    ops[0] = (struct bn_zk_op){
        .kind = BN_ZK_OP_CHECK, .path = BN_ZNODE_CONTROLLER_EPOCH, .version = e->c->epoch_version};
    for (int32_t i = 0; i < m->op_count; i++) {
        bn_effect_op(&m->ops[i], &arena, &ops[i + 1]);
        if (m->ops[i].kind == BN_OUTPUT_OP_SET_SEQID) f->seqid_op = i + 1;
    }
    e->c->zk->ops->multi(e->c->zk, ops, m->op_count + 1, on_multi, f);
    bn_arena_fini(&arena);
}

static void on_purge(void *arg, int status) {
    struct flight *f = arg;
    struct bn_effect *e = f->effect;
    e->refs++;
    f->end.status = status;
    landed(f);
    unref(e);
}

void bn_effect_purge(struct bn_effect *e, const struct bn_output_purge *p) {
    struct flight *f = flight_new(e, p->id);
    struct bn_znode_path path;
    const char *at = bn_znode_path_topic(&path, bn_slice_str(p->topic));
    BN_ASSERT(at);
    bn_purge_start(e->c->zk, at, e->c->epoch_version, on_purge, f);
}

static void on_reread(void *arg, struct bn_reread *r) {
    struct bn_effect *e = arg;
    BN_LIST_FOR (n, &e->readings) {
        struct reading *mine = BN_CONTAINER_OF(n, struct reading, link);
        if (mine->reread != r) continue;
        bn_list_remove(n);
        bn_alloc_free(mine);
    }
    struct bn_event event;
    bn_reread_event(r, &event);
    bn_controller_event(e->c, &event);
    bn_reread_free(r);
}

void bn_effect_read(struct bn_effect *e, const struct bn_output_read *in) {
    struct reading *r = bn_alloc(sizeof *r);
    bn_list_init(&r->link);
    bn_list_push_back(&e->readings, &r->link);
    r->reread = bn_reread_start(e->c, in, on_reread, e);
}
