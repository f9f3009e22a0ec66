/* brain_pending.c: the queue between the brain and the fake ZooKeeper. What the brain's outputs point to lives for one
 * step only, but a test decides later how a request ends: so everything is copied. */
#include "tests/script/brain_pending.h"

#include "common/base/alloc.h"
#include "controller/brain/group_fact.h"

static void *keep(struct brain_world *w, const void *from, int32_t count, size_t size) {
    void *to = bn_arena_array(&w->arena, (size_t)count + 1, size);
    if (count) memcpy(to, from, (size_t)count * size);
    return to;
}

static const char *keep_text(struct brain_world *w, const char *s) {
    return s ? bn_arena_copy(&w->arena, bn_slice_str(s)) : NULL;
}

static void keep_op(struct brain_world *w, struct bn_output_op *op) {
    op->topic = keep_text(w, op->topic);
    switch (op->kind) {
    case BN_OUTPUT_OP_CREATE_CONFIG:
    case BN_OUTPUT_OP_SET_CONFIG:
    case BN_OUTPUT_OP_TELL_CONFIG: {
        int32_t count = op->u.config.entry_count;
        struct bn_fact_pair *pairs = keep(w, op->u.config.entries, count, sizeof *pairs);
        for (int32_t i = 0; i < count; i++)
            pairs[i] = (struct bn_fact_pair){keep_text(w, pairs[i].name), keep_text(w, pairs[i].value)};
        op->u.config = (struct bn_fact_config){keep_text(w, op->u.config.type), keep_text(w, op->u.config.name), pairs,
                                               count};
        break;
    }
    case BN_OUTPUT_OP_CREATE_TOPIC:
    case BN_OUTPUT_OP_SET_TOPIC: {
        int32_t count = op->u.assignment.partition_count;
        struct bn_fact_partition *p = keep(w, op->u.assignment.partitions, count, sizeof *p);
        for (int32_t i = 0; i < count; i++)
            p[i].replicas.ids = keep(w, p[i].replicas.ids, p[i].replicas.count, sizeof(int32_t));
        op->u.assignment.partitions = p;
        break;
    }
    case BN_OUTPUT_OP_CREATE_STATE:
    case BN_OUTPUT_OP_SET_STATE:
        op->u.state.isr.ids = keep(w, op->u.state.isr.ids, op->u.state.isr.count, sizeof(int32_t));
        op->u.state.elr.ids = keep(w, op->u.state.elr.ids, op->u.state.elr.count, sizeof(int32_t));
        break;
    case BN_OUTPUT_OP_MAKE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP:
    case BN_OUTPUT_OP_SET_GROUP:
    case BN_OUTPUT_OP_CLEAR_GROUP:
    case BN_OUTPUT_OP_DELETE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP_PART:
    case BN_OUTPUT_OP_DELETE_GROUP_PART:
        op->u.group = bn_group_fact_copy(&w->arena, &op->u.group);
        break;
    default:
        break;
    }
}

void brain_pending_add(struct brain_pending *p, struct brain_world *w, const struct bn_output *o) {
    struct brain_pending_item item = {.kind = o->kind};
    if (o->kind == BN_OUTPUT_MULTI) {
        item.id = o->u.multi.id;
        item.op_count = o->u.multi.op_count;
        item.ops = keep(w, o->u.multi.ops, item.op_count, sizeof *item.ops);
        for (int32_t i = 0; i < item.op_count; i++) keep_op(w, &item.ops[i]);
    } else if (o->kind == BN_OUTPUT_PURGE) {
        item.id = o->u.purge.id;
        item.topic = keep_text(w, o->u.purge.topic);
    } else if (o->kind == BN_OUTPUT_READ) {
        item.id = o->u.read.id;
        item.item_count = o->u.read.item_count;
        item.items = keep(w, o->u.read.items, item.item_count, sizeof *item.items);
        for (int32_t i = 0; i < item.item_count; i++) {
            item.items[i].topic = keep_text(w, item.items[i].topic);
            item.items[i].type = keep_text(w, item.items[i].type);
            item.items[i].name = keep_text(w, item.items[i].name);
        }
    } else {
        return;
    }
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? p->capacity * 2 : 16;
        p->items = bn_alloc_resize(p->items, (size_t)p->capacity * sizeof *p->items);
    }
    p->items[p->count++] = item;
}

void brain_pending_drop(struct brain_pending *p) {
    bn_alloc_free(p->items);
    *p = (struct brain_pending){NULL, 0, 0};
}

bool brain_pending_finish(struct brain_pending *p, struct brain_world *w, bool apply, bool lose, struct bn_event *e) {
    if (p->count == 0) return false;
    struct brain_pending_item item = p->items[0];
    memmove(p->items, p->items + 1, (size_t)--p->count * sizeof item);
    *e = (struct bn_event){.kind = BN_EVENT_MULTI_DONE};
    if (item.kind == BN_OUTPUT_READ) {
        struct bn_output_read read = {item.id, item.items, item.item_count};
        e->kind = BN_EVENT_READ_DONE;
        e->u.read_done = (struct bn_event_read_done){item.id, BN_OK, brain_world_read(w, &read), item.item_count};
        return true;
    }
    e->u.multi_done = (struct bn_event_multi_done){.multi = item.id, .failed_op = -1};
    if (item.kind == BN_OUTPUT_PURGE && apply) brain_world_purge(w, item.topic);
    if (item.kind == BN_OUTPUT_MULTI && apply) {
        struct bn_output_multi multi = {item.id, item.ops, item.op_count};
        brain_world_multi(w, &multi, &e->u.multi_done);
    }
    if (lose) e->u.multi_done = (struct bn_event_multi_done){.multi = item.id, .status = BN_LOST, .failed_op = -1};
    return true;
}
