/* brain_world.c: the fake ZooKeeper. Owns nodes by path; a node's data is the typed op that wrote it. Nothing is freed
 * before the end: a world is small. */
#include "tests/script/brain_world.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "controller/brain/group_fact.h"
#include "tests/script/brain_group.h"

void brain_world_init(struct brain_world *w) {
    *w = (struct brain_world){.zxid = 100};
    bn_arena_init(&w->arena, SIZE_MAX);
    bn_map_init(&w->nodes);
}

void brain_world_fini(struct brain_world *w) {
    bn_map_fini(&w->nodes);
    bn_arena_fini(&w->arena);
}

static void *room(struct brain_world *w, int32_t count, size_t size) {
    return bn_arena_array(&w->arena, (size_t)count + 1, size);
}

static const char *text_copy(struct brain_world *w, const char *s) {
    return s ? bn_arena_copy(&w->arena, bn_slice_str(s)) : NULL;
}

static struct bn_fact_ids ids_copy(struct brain_world *w, struct bn_fact_ids in) {
    int32_t *ids = room(w, in.count, sizeof *ids);
    if (in.count) memcpy(ids, in.ids, (size_t)in.count * sizeof *ids);
    return (struct bn_fact_ids){ids, in.count};
}

static struct bn_output_op op_copy(struct brain_world *w, const struct bn_output_op *in) {
    struct bn_output_op op = *in;
    op.topic = text_copy(w, in->topic);
    switch (in->kind) {
    case BN_OUTPUT_OP_CREATE_CONFIG:
    case BN_OUTPUT_OP_SET_CONFIG:
    case BN_OUTPUT_OP_TELL_CONFIG: {
        struct bn_fact_pair *pairs = room(w, in->u.config.entry_count, sizeof *pairs);
        for (int32_t i = 0; i < in->u.config.entry_count; i++)
            pairs[i] = (struct bn_fact_pair){text_copy(w, in->u.config.entries[i].name),
                                             text_copy(w, in->u.config.entries[i].value)};
        op.u.config = (struct bn_fact_config){text_copy(w, in->u.config.type), text_copy(w, in->u.config.name), pairs,
                                              in->u.config.entry_count};
        break;
    }
    case BN_OUTPUT_OP_CREATE_TOPIC:
    case BN_OUTPUT_OP_SET_TOPIC: {
        struct bn_fact_partition *p = room(w, in->u.assignment.partition_count, sizeof *p);
        for (int32_t i = 0; i < in->u.assignment.partition_count; i++) {
            p[i].index = in->u.assignment.partitions[i].index;
            p[i].replicas = ids_copy(w, in->u.assignment.partitions[i].replicas);
        }
        op.u.assignment.partitions = p;
        break;
    }
    case BN_OUTPUT_OP_CREATE_STATE:
    case BN_OUTPUT_OP_SET_STATE:
        op.u.state.isr = ids_copy(w, in->u.state.isr);
        op.u.state.elr = ids_copy(w, in->u.state.elr);
        break;
    case BN_OUTPUT_OP_MAKE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP:
    case BN_OUTPUT_OP_SET_GROUP:
    case BN_OUTPUT_OP_CLEAR_GROUP:
    case BN_OUTPUT_OP_DELETE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP_PART:
    case BN_OUTPUT_OP_DELETE_GROUP_PART:
        op.u.group = bn_group_fact_copy(&w->arena, &in->u.group);
        break;
    default:
        break;
    }
    return op;
}

char *brain_world_path(struct brain_world *w, const struct bn_output_op *op) {
    switch (op->kind) {
    case BN_OUTPUT_OP_CREATE_CONFIG:
    case BN_OUTPUT_OP_SET_CONFIG:
        return bn_arena_printf(&w->arena, "/config/%s/%s", op->u.config.type, op->u.config.name);
    case BN_OUTPUT_OP_TELL_CONFIG: /* as if it were sequential */
        return bn_arena_printf(&w->arena, "/config/changes/config_change_%d", (int)w->zxid);
    case BN_OUTPUT_OP_DELETE_CONFIG:
        return bn_arena_printf(&w->arena, "/config/topics/%s", op->topic);
    case BN_OUTPUT_OP_CREATE_TOPIC:
    case BN_OUTPUT_OP_SET_TOPIC:
    case BN_OUTPUT_OP_DELETE_TOPIC:
        return bn_arena_printf(&w->arena, "/brokers/topics/%s", op->topic);
    case BN_OUTPUT_OP_CREATE_PARTITIONS:
    case BN_OUTPUT_OP_SET_PARTITIONS:
    case BN_OUTPUT_OP_DELETE_PARTITIONS:
        return bn_arena_printf(&w->arena, "/brokers/topics/%s/partitions", op->topic);
    case BN_OUTPUT_OP_CREATE_PARTITION:
    case BN_OUTPUT_OP_DELETE_PARTITION:
        return bn_arena_printf(&w->arena, "/brokers/topics/%s/partitions/%d", op->topic, op->partition);
    case BN_OUTPUT_OP_CREATE_STATE:
    case BN_OUTPUT_OP_SET_STATE:
    case BN_OUTPUT_OP_DELETE_STATE:
        return bn_arena_printf(&w->arena, "/brokers/topics/%s/partitions/%d/state", op->topic, op->partition);
    case BN_OUTPUT_OP_CREATE_MARKER:
    case BN_OUTPUT_OP_DELETE_MARKER:
        return bn_arena_printf(&w->arena, "/admin/delete_topics/%s", op->topic);
    case BN_OUTPUT_OP_SET_PRODUCER_IDS:
        return bn_arena_printf(&w->arena, "/latest_producer_id_block");
    case BN_OUTPUT_OP_SET_SEQID:
        return bn_arena_printf(&w->arena, "/brokers/seqid");
    case BN_OUTPUT_OP_CREATE_ADMITTED:
    case BN_OUTPUT_OP_SET_ADMITTED:
        return bn_arena_printf(&w->arena, "/barnabas/admitted/%d", op->broker);
    case BN_OUTPUT_OP_CHECK_INCARNATION:
        return bn_arena_printf(&w->arena, "/barnabas/incarnation/%d", op->broker);
    case BN_OUTPUT_OP_DELETE_BROKER:
        return bn_arena_printf(&w->arena, "/brokers/ids/%d", op->broker);
    case BN_OUTPUT_OP_MAKE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP:
    case BN_OUTPUT_OP_SET_GROUP:
    case BN_OUTPUT_OP_CLEAR_GROUP:
    case BN_OUTPUT_OP_DELETE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP_PART:
    case BN_OUTPUT_OP_DELETE_GROUP_PART:
        return brain_group_path(w, op);
    case BN_OUTPUT_OP_DELETE_ELECT:
        return "/admin/preferred_replica_election";
    }
    BN_UNREACHABLE();
}

struct brain_world_node *brain_world_find(const struct brain_world *w, const char *path) {
    return bn_map_get(&w->nodes, bn_slice_str(path));
}

struct brain_world_node *brain_world_put(struct brain_world *w, const char *path) {
    struct brain_world_node *n = brain_world_find(w, path);
    w->zxid++;
    if (n) {
        n->version++;
        return n;
    }
    n = room(w, 1, sizeof *n);
    n->path = bn_arena_copy(&w->arena, bn_slice_str(path));
    n->czxid = w->zxid;
    bn_map_put(&w->nodes, bn_slice_str(n->path), n);
    return n;
}

bool brain_world_remove(struct brain_world *w, const char *path) {
    return bn_map_remove(&w->nodes, bn_slice_str(path)) != NULL;
}

static bool below(const char *path, const char *parent) {
    size_t len = strlen(parent);
    return strncmp(path, parent, len) == 0 && path[len] == '/';
}

static bool has_children(const struct brain_world *w, const char *path) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&w->nodes, &at));)
        if (below(((struct brain_world_node *)e->value)->path, path)) return true;
    return false;
}

void brain_world_remove_tree(struct brain_world *w, const char *path) {
    for (;;) {
        size_t at = 0;
        struct bn_map_entry *e;
        while ((e = bn_map_next(&w->nodes, &at)) && !below(((struct brain_world_node *)e->value)->path, path)) continue;
        if (!e) break;
        brain_world_remove(w, ((struct brain_world_node *)e->value)->path);
    }
    brain_world_remove(w, path);
}

void brain_world_purge(struct brain_world *w, const char *topic) {
    brain_world_remove_tree(w, bn_arena_printf(&w->arena, "/brokers/topics/%s", topic));
}

static bool parent_exists(struct brain_world *w, const char *path) { /* of the paths below a topic or a group */
    char *copy = bn_arena_copy(&w->arena, bn_slice_str(path));
    *strrchr(copy, '/') = '\0';
    if (below(path, "/consumers")) return strcmp(copy, "/consumers") == 0 || brain_world_find(w, copy);
    return !below(path, "/brokers/topics") || strcmp(copy, "/brokers/topics") == 0 || brain_world_find(w, copy);
}

static int perform(struct brain_world *w, const struct bn_output_op *op) {
    const char *path = brain_world_path(w, op);
    struct brain_world_node *n = brain_world_find(w, path);
    enum bn_output_verb verb = bn_output_verb(op->kind);
    int32_t expected = verb == BN_OUTPUT_CHECK ? (int32_t)op->u.incarnation : op->version;
    if (verb == BN_OUTPUT_CREATE) {
        if (n) return BN_EXISTS;
        if (!parent_exists(w, path)) return BN_NOTFOUND;
        brain_world_put(w, path)->data = op_copy(w, op);
        return BN_OK;
    }
    if (!n && verb == BN_OUTPUT_SET && op->kind == BN_OUTPUT_OP_SET_SEQID) n = brain_world_put(w, path);
    if (!n) return BN_NOTFOUND;
    if (expected >= 0 && n->version != expected) return BN_STALE;
    if (verb == BN_OUTPUT_SET) brain_world_put(w, path)->data = op_copy(w, op);
    if (verb == BN_OUTPUT_DELETE && has_children(w, path)) return BN_NOTEMPTY;
    if (verb == BN_OUTPUT_DELETE) brain_world_remove(w, path);
    return BN_OK;
}

struct undo {
    const char *path;
    bool existed;
    struct brain_world_node before;
};

void brain_world_multi(struct brain_world *w, const struct bn_output_multi *multi, struct bn_event_multi_done *done) {
    *done = (struct bn_event_multi_done){.multi = multi->id, .failed_op = -1};
    if (w->newer_epoch) {
        done->status = BN_STALE;
        return;
    }
    struct undo *undo = room(w, multi->op_count, sizeof *undo);
    for (int32_t i = 0; i < multi->op_count; i++) {
        undo[i].path = brain_world_path(w, &multi->ops[i]);
        struct brain_world_node *n = brain_world_find(w, undo[i].path);
        undo[i].existed = n != NULL;
        if (n) undo[i].before = *n;
        done->status = perform(w, &multi->ops[i]);
        if (done->status == BN_OK) continue;
        done->failed_op = i;
        while (i-- > 0) {
            n = brain_world_find(w, undo[i].path);
            if (!undo[i].existed && n) brain_world_remove(w, undo[i].path);
            if (undo[i].existed) *(n ? n : brain_world_put(w, undo[i].path)) = undo[i].before;
        }
        return;
    }
    struct brain_world_node *seqid = brain_world_find(w, "/brokers/seqid");
    if (seqid) done->seqid_version = seqid->version;
}

bool brain_world_topic(struct brain_world *w, const char *name, struct bn_fact_topic *out) {
    struct bn_output_op op = {.kind = BN_OUTPUT_OP_SET_TOPIC, .topic = name};
    const struct brain_world_node *n = brain_world_find(w, brain_world_path(w, &op));
    if (!n) return false;
    const struct bn_output_assignment *a = &n->data.u.assignment;
    struct bn_fact_partition *p = room(w, a->partition_count, sizeof *p);
    for (int32_t i = 0; i < a->partition_count; i++) {
        p[i] = a->partitions[i];
        op = (struct bn_output_op){.kind = BN_OUTPUT_OP_SET_STATE, .topic = name, .partition = p[i].index};
        const struct brain_world_node *s = brain_world_find(w, brain_world_path(w, &op));
        if (!s) continue;
        p[i].has_state = true;
        p[i].state = s->data.u.state;
        p[i].state.version = s->version;
    }
    op.kind = BN_OUTPUT_OP_SET_PARTITIONS;
    const struct brain_world_node *second = brain_world_find(w, brain_world_path(w, &op));
    *out = (struct bn_fact_topic){.name = text_copy(w, name),
                                  .version = n->version,
                                  .czxid = n->czxid,
                                  .has_id = !bn_uuid_is_zero(&a->id),
                                  .id = a->id,
                                  .has_partitions_node = second != NULL,
                                  .partitions = p,
                                  .partition_count = a->partition_count};
    if (second) out->second_id = second->data.u.assignment.id;
    out->has_second_id = second && !bn_uuid_is_zero(&out->second_id);
    return true;
}

struct bn_event_read_result *brain_world_read(struct brain_world *w, const struct bn_output_read *read) {
    struct bn_event_read_result *results = room(w, read->item_count, sizeof *results);
    for (int32_t i = 0; i < read->item_count; i++) {
        const struct bn_output_read_item *item = &read->items[i];
        struct bn_event_read_result *r = &results[i];
        if (item->kind == BN_OUTPUT_READ_GROUP) {
            brain_group_read(w, item->name, r);
            continue;
        }
        if (item->kind == BN_OUTPUT_READ_TOPIC) {
            r->found = brain_world_topic(w, item->topic, &r->topic);
            continue;
        }
        struct bn_output_op op = {.kind = BN_OUTPUT_OP_SET_STATE, .topic = item->topic, .partition = item->partition};
        if (item->kind == BN_OUTPUT_READ_PRODUCER_IDS) op.kind = BN_OUTPUT_OP_SET_PRODUCER_IDS;
        if (item->kind == BN_OUTPUT_READ_CONFIG) {
            op.kind = BN_OUTPUT_OP_SET_CONFIG;
            op.u.config = (struct bn_fact_config){item->type, item->name, NULL, 0};
        }
        const struct brain_world_node *n = brain_world_find(w, brain_world_path(w, &op));
        r->found = n != NULL;
        if (!n) continue;
        r->version = n->version;
        if (item->kind == BN_OUTPUT_READ_CONFIG) {
            r->config = n->data.u.config;
            continue;
        }
        r->state = n->data.u.state;
        r->state.version = n->version;
        if (item->kind != BN_OUTPUT_READ_PRODUCER_IDS) continue;
        r->producer_ids = n->data.u.producer_ids;
        r->producer_ids.version = n->version;
    }
    return results;
}

void brain_world_register(struct brain_world *w, int32_t id, const char *rack) {
    struct bn_output_op op = {.kind = BN_OUTPUT_OP_CHECK_INCARNATION, .broker = id};
    brain_world_put(w, brain_world_path(w, &op));
    brain_world_unregister(w, id);
    op.kind = BN_OUTPUT_OP_DELETE_BROKER;
    brain_world_put(w, brain_world_path(w, &op))->data = (struct bn_output_op){.broker = id,
                                                                               .topic = text_copy(w, rack)};
}

void brain_world_unregister(struct brain_world *w, int32_t id) {
    struct bn_output_op op = {.kind = BN_OUTPUT_OP_DELETE_BROKER, .broker = id};
    brain_world_remove(w, brain_world_path(w, &op));
}

static int by_id(const void *a, const void *b) {
    const struct bn_fact_broker *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

int32_t brain_world_brokers(struct brain_world *w, struct bn_fact_broker **out) {
    int32_t count = 0;
    struct bn_fact_broker *list = room(w, (int32_t)w->nodes.count, sizeof *list);
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&w->nodes, &at));) {
        const struct brain_world_node *n = e->value;
        if (!below(n->path, "/brokers/ids")) continue;
        struct bn_fact_broker *b = &list[count++];
        struct bn_output_op op = {.kind = BN_OUTPUT_OP_CHECK_INCARNATION, .broker = n->data.broker};
        struct bn_fact_endpoint *endpoint = room(w, 1, sizeof *endpoint);
        *endpoint = (struct bn_fact_endpoint){"PLAINTEXT", "PLAINTEXT", "host", 9092};
        *b = (struct bn_fact_broker){n->data.broker, n->czxid, 0, n->data.topic, endpoint, 1};
        b->incarnation = brain_world_find(w, brain_world_path(w, &op))->version;
    }
    qsort(list, (size_t)count, sizeof *list, by_id);
    *out = list;
    return count;
}

static int by_name(const void *a, const void *b) {
    const struct bn_fact_topic *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int by_text(const void *a, const void *b) {
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

void brain_world_load(struct brain_world *w, struct bn_event_activated *out) {
    int32_t nodes = (int32_t)w->nodes.count;
    struct bn_fact_topic *topics = room(w, nodes, sizeof *topics);
    struct bn_event_admitted *admitted = room(w, nodes, sizeof *admitted);
    struct bn_fact_config *configs = room(w, nodes, sizeof *configs);
    const char **markers = room(w, nodes, sizeof *markers);
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&w->nodes, &at));) {
        const struct brain_world_node *n = e->value;
        const char *name = strrchr(n->path, '/') + 1;
        if (below(n->path, "/brokers/topics") && strchr(n->path + 16, '/') == NULL)
            brain_world_topic(w, name, &topics[out->topic_count++]);
        else if (below(n->path, "/barnabas/admitted"))
            admitted[out->admitted_count++] = (struct bn_event_admitted){n->data.broker, n->data.u.incarnation};
        else if (below(n->path, "/config/topics"))
            configs[out->config_count++] = n->data.u.config;
        else if (below(n->path, "/admin/delete_topics"))
            markers[out->delete_marker_count++] = name;
    }
    qsort(topics, (size_t)out->topic_count, sizeof *topics, by_name);
    qsort(markers, (size_t)out->delete_marker_count, sizeof *markers, by_text);
    out->topics = topics;
    out->admitted = admitted;
    out->configs = configs;
    out->delete_markers = markers;
    out->cluster_id = "cluster";
    struct bn_fact_broker *brokers;
    out->broker_count = brain_world_brokers(w, &brokers);
    out->brokers = brokers;
    struct brain_world_node *block = brain_world_find(w, "/latest_producer_id_block");
    if (!block) {
        block = brain_world_put(w, "/latest_producer_id_block");
        block->data.u.producer_ids = (struct bn_fact_producer_ids){0, -1, 0, -1};
    }
    out->producer_ids = block->data.u.producer_ids;
    out->producer_ids.version = block->version;
}

struct bn_fact_ids brain_world_ids(struct brain_world *w, const char *text) {
    int32_t *ids = room(w, (int32_t)strlen(text), sizeof *ids), count = 0;
    for (char *end; *text; text = *end == ',' ? end + 1 : end) {
        ids[count] = (int32_t)strtol(text, &end, 10);
        if (end == text) break;
        count++;
    }
    return (struct bn_fact_ids){ids, count};
}

void brain_world_edit_topic(struct brain_world *w, const char *name, const char *assignment, const struct bn_uuid *id) {
    struct bn_output_op op = {.kind = BN_OUTPUT_OP_SET_TOPIC, .topic = name};
    struct bn_fact_partition *p = room(w, (int32_t)strlen(assignment), sizeof *p);
    int32_t count = 0;
    for (const char *at = assignment; at && *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL) {
        p[count].index = (int32_t)strtol(at, NULL, 10);
        size_t len = strcspn(at, " ");
        char *one = bn_arena_copy(&w->arena, bn_slice_of(at, len));
        p[count++].replicas = brain_world_ids(w, strchr(one, ':') + 1);
    }
    if (id) op.u.assignment.id = *id;
    op.u.assignment.partitions = p;
    op.u.assignment.partition_count = count;
    brain_world_put(w, brain_world_path(w, &op))->data = op_copy(w, &op);
}
