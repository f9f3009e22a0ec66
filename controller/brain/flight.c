/* flight.c: what has been asked of ZooKeeper and not answered. Owns the flights and their holds on topics. The answer
 * of each goes to the file that sent it; what is common to all is decided here: an older epoch or an expired session
 * ends this controller, and so does an error that nobody can explain. */
#include "controller/brain/flight.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/blocks.h"
#include "controller/brain/config_alter.h"
#include "controller/brain/deletion.h"
#include "controller/brain/elect.h"
#include "controller/brain/groups.h"
#include "controller/brain/liveness.h"
#include "controller/brain/partition_sm.h"
#include "controller/brain/topics.h"

struct bn_flight *bn_flight_new(struct bn_model *m, enum bn_flight_kind kind, struct bn_model_topic *topic) {
    struct bn_flight *f = bn_alloc_zero(1, sizeof *f);
    bn_list_init(&f->node);
    f->id = m->flight_next++;
    f->kind = kind;
    f->broker = -1;
    f->topic = topic;
    if (topic) bn_model_topic_hold(topic);
    return f;
}

static void flight_free(struct bn_flight *f) {
    bn_list_remove(&f->node);
    for (int32_t i = 0; i < f->part_count; i++) bn_model_topic_release(f->parts[i]->topic);
    for (int32_t i = 0; i < f->added_count; i++) bn_alloc_free((void *)(uintptr_t)f->added[i].replicas.ids);
    if (f->topic) bn_model_topic_release(f->topic);
    bn_alloc_free(f->added);
    bn_alloc_free(f->parts);
    bn_alloc_free(f->ops);
    bn_alloc_free(f->name);
    bn_alloc_free(f);
}

struct bn_output_op *bn_flight_op(struct bn_model *m, struct bn_flight *f, enum bn_output_op_kind kind,
                                  struct bn_model_partition *p, size_t bytes) {
    if (f->op_count == f->op_capacity) {
        f->op_capacity = f->op_capacity ? f->op_capacity * 2 : 8;
        f->ops = bn_alloc_resize(f->ops, (size_t)f->op_capacity * sizeof *f->ops);
        struct bn_output_op *larger = bn_model_scratch(m, (size_t)f->op_capacity, sizeof *larger);
        if (f->op_count) memcpy(larger, f->building, (size_t)f->op_count * sizeof *larger);
        f->building = larger;
    }
    f->ops[f->op_count] = (struct bn_flight_op){kind, p};
    struct bn_output_op *op = &f->building[f->op_count++];
    const struct bn_model_topic *t = p ? p->topic : f->topic;
    *op = (struct bn_output_op){.kind = kind, .partition = p ? p->index : -1, .broker = f->broker, .version = -1};
    if (t) op->topic = bn_model_text(m, t->name);
    f->bytes += bytes + 64 + (t ? strlen(t->name) : 0);
    return op;
}

bool bn_flight_has_room(const struct bn_flight *f, int32_t ops, size_t bytes) {
    return f->op_count + ops <= BN_OUTPUT_OPS_MAX && (f->op_count == 0 || f->bytes + bytes <= BN_OUTPUT_BYTES_MAX);
}

void bn_flight_add_part(struct bn_flight *f, struct bn_model_partition *p) {
    if ((f->part_count & (f->part_count - 1)) == 0) {
        size_t capacity = f->part_count ? (size_t)f->part_count * 2 : 1;
        f->parts = bn_alloc_resize(f->parts, capacity * sizeof(struct bn_model_partition *));
    }
    f->parts[f->part_count++] = p;
    bn_model_topic_hold(p->topic);
}

void bn_flight_send(struct bn_model *m, struct bn_flight *f) {
    BN_ASSERT(f->op_count > 0);
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_MULTI);
    o->u.multi = (struct bn_output_multi){f->id, f->building, f->op_count};
    f->building = NULL;
    bn_list_push_back(&m->flights, &f->node);
}

void bn_flight_purge(struct bn_model *m, struct bn_flight *f) {
    const char *name = bn_model_text(m, f->topic->name);
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_PURGE);
    o->u.purge = (struct bn_output_purge){f->id, name};
    bn_list_push_back(&m->flights, &f->node);
}

void bn_flight_read(struct bn_model *m, struct bn_flight *f) {
    int32_t count = f->kind == BN_FLIGHT_STATES   ? f->part_count
                    : f->kind == BN_FLIGHT_GROUPS ? bn_groups_reading(f->groups)
                                                  : 1;
    struct bn_output_read_item *items = bn_model_scratch(m, (size_t)count, sizeof *items);
    items[0].partition = -1;
    if (f->kind == BN_FLIGHT_STATES) {
        for (int32_t i = 0; i < count; i++) {
            const char *topic = bn_model_text(m, f->parts[i]->topic->name);
            items[i] = (struct bn_output_read_item){
                .kind = BN_OUTPUT_READ_STATE, .topic = topic, .partition = f->parts[i]->index};
        }
    } else if (f->kind == BN_FLIGHT_PRODUCER_IDS) {
        items[0].kind = BN_OUTPUT_READ_PRODUCER_IDS;
    } else if (f->kind == BN_FLIGHT_CONFIG) {
        bn_config_alter_name(m, f, &items[0]);
    } else if (f->kind == BN_FLIGHT_GROUPS) {
        bn_groups_names(m, f->groups, items);
    } else {
        items[0].kind = BN_OUTPUT_READ_TOPIC;
        items[0].topic = bn_model_text(m, f->topic ? f->topic->name : f->name);
    }
    f->id = m->flight_next++;
    f->reading = f->kept = true;
    bn_list_remove(&f->node);
    bn_list_push_back(&m->flights, &f->node);
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_READ);
    o->u.read = (struct bn_output_read){f->id, items, count};
}

static struct bn_flight *find(struct bn_model *m, uint64_t id, bool reading) {
    BN_LIST_FOR (it, &m->flights) {
        struct bn_flight *f = BN_CONTAINER_OF(it, struct bn_flight, node);
        if (f->id == id) {
            BN_ASSERT(f->reading == reading);
            return f;
        }
    }
    BN_UNREACHABLE();
}

static void landed(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    switch (f->kind) {
    case BN_FLIGHT_STATES:
        bn_partition_sm_done(m, f, e);
        break;
    case BN_FLIGHT_CREATE:
        bn_topics_create_done(m, f, e);
        break;
    case BN_FLIGHT_EXPAND:
        bn_topics_expand_done(m, f, e);
        break;
    case BN_FLIGHT_TOPIC_ID:
        bn_topics_id_done(m, f, e);
        break;
    case BN_FLIGHT_READ_TOPIC:
        BN_UNREACHABLE();
    case BN_FLIGHT_MARK:
        bn_deletion_mark_done(m, f, e);
        break;
    case BN_FLIGHT_UNMARK:
        bn_deletion_unmark_done(m, f, e);
        break;
    case BN_FLIGHT_ERASE:
        bn_deletion_erase_done(m, f, e);
        break;
    case BN_FLIGHT_PRODUCER_IDS:
        bn_blocks_producer_ids_done(m, f, e);
        break;
    case BN_FLIGHT_BROKER_ID:
        bn_blocks_broker_id_done(m, f, e);
        break;
    case BN_FLIGHT_ADMIT:
        bn_liveness_admit_done(m, f, e);
        break;
    case BN_FLIGHT_FENCE:
        bn_liveness_fence_done(m, f, e);
        break;
    case BN_FLIGHT_CONFIG:
        bn_config_alter_done(m, f, e);
        break;
    case BN_FLIGHT_ELECT_NODE:
        bn_elect_node_done(m, f, e);
        break;
    case BN_FLIGHT_GROUPS:
        bn_groups_done(m, f, e);
        break;
    }
}

void bn_flight_done(struct bn_model *m, const struct bn_event_multi_done *e) {
    struct bn_flight *f = find(m, e->multi, false);
    if (e->status == BN_CLOSED) {
        bn_model_resign(m, "the ZooKeeper session expired");
    } else if (e->status == BN_STALE && e->failed_op < 0) {
        bn_model_resign(m, "the controller moved: /controller_epoch has a newer version");
    } else if (e->status != BN_OK && e->status != BN_LOST && (e->status == BN_IO || e->failed_op < 0) &&
               f->op_count > 0) {
        bn_model_resign(m, "a write to ZooKeeper failed for an unknown reason");
    } else {
        BN_ASSERT(e->failed_op < f->op_count);
        landed(m, f, e);
        if (f->kept) return;
    }
    flight_free(f);
}

void bn_flight_read_done(struct bn_model *m, const struct bn_event_read_done *e) {
    struct bn_flight *f = find(m, e->read, true);
    if (e->status == BN_CLOSED) {
        bn_model_resign(m, "the ZooKeeper session expired");
        flight_free(f);
        return;
    }
    if (e->status != BN_OK) {
        bn_flight_read(m, f);
        return;
    }
    f->kept = false;
    switch (f->kind) {
    case BN_FLIGHT_STATES:
        BN_ASSERT(e->result_count == f->part_count);
        bn_partition_sm_read(m, f, e);
        break;
    case BN_FLIGHT_CREATE:
        bn_topics_create_read(m, f, &e->results[0]);
        break;
    case BN_FLIGHT_EXPAND:
    case BN_FLIGHT_TOPIC_ID:
    case BN_FLIGHT_READ_TOPIC:
        bn_topics_read(m, f, &e->results[0]);
        break;
    case BN_FLIGHT_PRODUCER_IDS:
        bn_blocks_producer_ids_read(m, f, &e->results[0]);
        break;
    case BN_FLIGHT_CONFIG:
        bn_config_alter_read(m, f, &e->results[0]);
        break;
    case BN_FLIGHT_GROUPS:
        bn_groups_read(m, f, e);
        break;
    default:
        BN_UNREACHABLE();
    }
    if (!f->kept) flight_free(f);
}

void bn_flight_drop_all(struct bn_model *m) {
    BN_LIST_FOR (it, &m->flights) flight_free(BN_CONTAINER_OF(it, struct bn_flight, node));
}
