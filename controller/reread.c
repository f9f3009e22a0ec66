/* reread.c: reads anew what the brain no longer knows for sure: after a lost answer, or when somebody else wrote. A
 * sync comes first, since the server that we are connected to now may be behind the one that took the write. Owns what
 * it read until bn_reread_free. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "controller/effect_int.h"
#include "controller/group_node.h"
#include "controller/load.h"

enum { BUDGET = 64 << 20 };

struct item {
    struct bn_reread *reread;
    int kind;
    char *topic, *type, *name;
    int32_t partition;
    struct bn_load *load; /* READ_TOPIC */
};

struct bn_reread {
    struct bn_zk *zk;
    uint64_t id;
    void (*done)(void *arg, struct bn_reread *);
    void *arg;
    struct item *items;
    struct bn_event_read_result *results;
    int32_t count;
    int outstanding, status;
    bool freed;
    struct bn_arena arena;
};

static void destroy(struct bn_reread *r) {
    for (int32_t i = 0; i < r->count; i++) {
        bn_alloc_free(r->items[i].topic);
        bn_alloc_free(r->items[i].type);
        bn_alloc_free(r->items[i].name);
        bn_load_free(r->items[i].load);
    }
    bn_arena_fini(&r->arena);
    bn_alloc_free(r->items);
    bn_alloc_free(r->results);
    bn_alloc_free(r);
}

void bn_reread_free(struct bn_reread *r) {
    r->freed = true;
    for (int32_t i = 0; i < r->count; i++) {
        /* A load that is freed early does not call back. */
        if (r->items[i].load && r->items[i].load->outstanding > 0) r->outstanding--;
        bn_load_free(r->items[i].load);
        r->items[i].load = NULL;
    }
    if (r->outstanding == 0) destroy(r);
}

static void came(struct bn_reread *r) {
    if (--r->outstanding > 0) return;
    if (r->freed)
        destroy(r);
    else
        r->done(r->arg, r);
}

static void fail(struct bn_reread *r, int status) {
    if (r->status == BN_OK || status == BN_CLOSED) r->status = status;
}

static void on_topic(void *arg, struct bn_load *l) {
    struct item *i = arg;
    struct bn_event_read_result *result = &i->reread->results[i - i->reread->items];
    result->found = l->status == BN_OK;
    result->topic = l->topic;
    if (l->status != BN_OK && l->status != BN_NOTFOUND) fail(i->reread, l->status);
    came(i->reread);
}

static void on_state(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct item *i = arg;
    struct bn_reread *r = i->reread;
    struct bn_event_read_result *result = &r->results[i - r->items];
    struct bn_znode_state z;
    if (status == BN_OK) status = bn_znode_state_decode(data, &r->arena, &z, NULL);
    result->found = status == BN_OK;
    if (status == BN_OK) {
        result->state = (struct bn_fact_state){.version = stat->version,
                                               .leader = z.leader,
                                               .leader_epoch = z.leader_epoch,
                                               .controller_epoch = z.controller_epoch,
                                               .isr = {z.isr.ids, z.isr.count},
                                               .recovering = z.recovery_state == 1,
                                               .elr = {z.elr.ids, z.elr.count}};
    } else if (status != BN_NOTFOUND) {
        fail(r, status);
    }
    came(r);
}

static void on_producer_ids(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct item *i = arg;
    struct bn_reread *r = i->reread;
    struct bn_event_read_result *result = &r->results[i - r->items];
    struct bn_znode_producer_ids z;
    if (status == BN_OK) status = bn_znode_producer_ids_decode(data, &r->arena, &z, NULL);
    result->found = status == BN_OK;
    if (status == BN_OK)
        result->producer_ids = (struct bn_fact_producer_ids){stat->version, z.broker, z.first, z.last};
    else if (status != BN_NOTFOUND)
        fail(r, status);
    came(r);
}

static void on_config(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct item *i = arg;
    struct bn_reread *r = i->reread;
    struct bn_event_read_result *result = &r->results[i - r->items];
    struct bn_znode_config z = {0};
    result->found = status == BN_OK;
    /* What cannot be read counts as nothing, as when it was loaded; whoever changes it now replaces it. */
    if (status == BN_OK && bn_znode_config_decode(data, &r->arena, &z, NULL) != BN_OK) z.count = 0;
    if (status != BN_OK && status != BN_NOTFOUND) fail(r, status);
    struct bn_fact_pair *pairs = bn_arena_array(&r->arena, (size_t)z.count + 1, sizeof *pairs);
    if (!pairs) fail(r, BN_FULL);
    for (int32_t n = 0; pairs && n < z.count; n++)
        pairs[n] = (struct bn_fact_pair){z.entries[n].key, z.entries[n].value};
    result->config = (struct bn_fact_config){i->type, i->name, pairs, pairs ? z.count : 0};
    if (stat) result->version = stat->version;
    came(r);
}

static void on_group(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct item *i = arg;
    struct bn_reread *r = i->reread;
    struct bn_event_read_result *result = &r->results[i - r->items];
    result->found = status == BN_OK;
    if (stat) result->version = stat->version;
    if (status == BN_OK) status = bn_group_node_read(data, i->name, &r->arena, &result->group);
    result->has_group = status == BN_OK;
    if (status != BN_OK && status != BN_NOTFOUND && status != BN_BAD) fail(r, status);
    came(r);
}

static void on_group_children(void *arg, int status, char **names, int count) {
    struct item *i = arg;
    struct bn_reread *r = i->reread;
    struct bn_event_read_result *result = &r->results[i - r->items];
    if (status != BN_OK) count = 0;
    if (status != BN_OK && status != BN_NOTFOUND) fail(r, status);
    struct bn_fact_group_part *parts = bn_arena_array(&r->arena, (size_t)count + 1, sizeof *parts);
    if (!parts) fail(r, BN_FULL);
    result->parts = parts;
    for (int n = 0; parts && n < count; n++) {
        struct bn_fact_group_part *p = &parts[result->part_count];
        if (bn_znode_path_part(bn_slice_str(names[n]), &p->generation, &p->number))
            result->part_count++;
        else
            result->shared = true;
    }
    came(r);
}

static void read_group(struct bn_reread *r, struct item *i) {
    struct bn_znode_path path;
    const char *at = bn_znode_path_group(&path, bn_slice_str(i->name));
    BN_ASSERT(at); /* the brain has it from us */
    r->zk->ops->get(r->zk, at, NULL, NULL, on_group, i);
    r->outstanding++;
    r->zk->ops->children(r->zk, at, NULL, NULL, on_group_children, i);
}

static void read_item(struct bn_reread *r, struct item *i) {
    struct bn_znode_path path;
    r->outstanding++;
    switch (i->kind) {
    case BN_OUTPUT_READ_TOPIC:
        i->load = bn_load_topic(r->zk, i->topic, NULL, NULL, on_topic, i);
        break;
    case BN_OUTPUT_READ_STATE:
        r->zk->ops->get(r->zk, bn_znode_path_state(&path, bn_slice_str(i->topic), i->partition), NULL, NULL, on_state,
                        i);
        break;
    case BN_OUTPUT_READ_CONFIG:
        r->zk->ops->get(r->zk, bn_znode_path_config(&path, i->type, bn_slice_str(i->name)), NULL, NULL, on_config, i);
        break;
    case BN_OUTPUT_READ_GROUP:
        read_group(r, i);
        break;
    default:
        r->zk->ops->get(r->zk, BN_ZNODE_PRODUCER_IDS, NULL, NULL, on_producer_ids, i);
        break;
    }
}

static void on_sync(void *arg, int status) {
    struct bn_reread *r = arg;
    if (status != BN_OK) fail(r, status);
    for (int32_t i = 0; status == BN_OK && !r->freed && i < r->count; i++) read_item(r, &r->items[i]);
    came(r);
}

struct bn_reread *bn_reread_start(struct bn_controller *c, const struct bn_output_read *in,
                                  void (*done)(void *arg, struct bn_reread *), void *arg) {
    struct bn_reread *r = bn_alloc_zero(1, sizeof *r);
    r->zk = c->zk;
    r->id = in->id;
    r->done = done;
    r->arg = arg;
    r->count = in->item_count;
    r->items = bn_alloc_zero((size_t)in->item_count, sizeof *r->items);
    r->results = bn_alloc_zero((size_t)in->item_count, sizeof *r->results);
    bn_arena_init(&r->arena, BUDGET);
    for (int32_t i = 0; i < in->item_count; i++) {
        const struct bn_output_read_item *from = &in->items[i];
        r->items[i] = (struct item){.reread = r,
                                    .kind = from->kind,
                                    .topic = from->topic ? bn_alloc_strdup(from->topic) : NULL,
                                    .type = from->type ? bn_alloc_strdup(from->type) : NULL,
                                    .name = from->name ? bn_alloc_strdup(from->name) : NULL,
                                    .partition = from->partition};
    }
    r->outstanding = 1;
    r->zk->ops->sync(r->zk, "/", on_sync, r);
    return r;
}

void bn_reread_event(struct bn_reread *r, struct bn_event *out) {
    *out = (struct bn_event){.kind = BN_EVENT_READ_DONE};
    out->u.read_done = (struct bn_event_read_done){r->id, r->status, r->results, r->status == BN_OK ? r->count : 0};
}
