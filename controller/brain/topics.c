/* topics.c: the life of a topic up to its deletion (deletion.c). One write or read of a topic's own znodes is in flight
 * at a time (busy); news that comes meanwhile makes it read again. A topic id is drawn only for a topic without any
 * partition state; otherwise it is restored, from the model or from its second copy in the data of .../partitions,
 * because Kafka 2.8's tool rewrites the topic's znode without it (safety.md §3). The reassignment of existing
 * partitions by editing the znode is ignored, as in Kafka. */
#include "controller/brain/topics.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/alter.h"
#include "controller/brain/deletion.h"
#include "controller/brain/liveness.h"
#include "controller/brain/request.h"

bool bn_topics_allowed(enum bn_model_topic_kind from, enum bn_model_topic_kind to) {
    static const bool ALLOWED[5][5] = {
        [BN_MODEL_CREATING] = {[BN_MODEL_LIVE] = true, [BN_MODEL_GONE] = true},
        [BN_MODEL_LIVE] = {[BN_MODEL_MARKED] = true, [BN_MODEL_GONE] = true},
        [BN_MODEL_MARKED] = {[BN_MODEL_ERASING] = true, [BN_MODEL_GONE] = true},
        [BN_MODEL_ERASING] = {[BN_MODEL_GONE] = true},
    };
    return ALLOWED[from][to];
}

void bn_topics_move(struct bn_model_topic *t, enum bn_model_topic_kind to) {
    BN_ASSERT(bn_topics_allowed(t->kind, to));
    t->kind = to;
}

size_t bn_topics_bytes(const struct bn_fact_partition *partitions, int32_t count) {
    size_t bytes = 128;
    for (int32_t i = 0; i < count; i++)
        bytes += 16 + 7u * (size_t)(partitions[i].replicas.count + partitions[i].adding.count +
                                    partitions[i].removing.count);
    return bytes;
}

/* Every partition of t and then the added ones, for the data of its znode. */
static struct bn_output_assignment assignment(struct bn_model *m, const struct bn_model_topic *t,
                                              const struct bn_fact_partition *added, int32_t count) {
    struct bn_fact_partition *all = bn_model_scratch(m, (size_t)(t->partition_count + count), sizeof *all);
    for (int32_t i = 0; i < t->partition_count; i++) {
        all[i] = bn_model_partition_fact(t->partitions[i]);
        all[i].has_state = false;
        all[i] = bn_model_copy_partition(m, all[i]);
    }
    for (int32_t i = 0; i < count; i++) all[t->partition_count + i] = bn_model_copy_partition(m, added[i]);
    return (struct bn_output_assignment){t->id, all, t->partition_count + count};
}

static void add_topic_op(struct bn_model *m, struct bn_flight *f, enum bn_output_op_kind kind,
                         const struct bn_fact_partition *added, int32_t count) {
    struct bn_output_assignment a = assignment(m, f->topic, added, count);
    struct bn_output_op *op = bn_flight_op(m, f, kind, NULL, bn_topics_bytes(a.partitions, a.partition_count));
    op->u.assignment = a;
    if (kind == BN_OUTPUT_OP_SET_TOPIC) op->version = f->topic->version;
}

static void add_second_copy(struct bn_model *m, struct bn_flight *f, bool exists) {
    enum bn_output_op_kind kind = exists ? BN_OUTPUT_OP_SET_PARTITIONS : BN_OUTPUT_OP_CREATE_PARTITIONS;
    bn_flight_op(m, f, kind, NULL, 64)->u.assignment.id = f->topic->id;
}

/* Its id stands in ZooKeeper, twice: its partitions may have states. */
static void complete(struct bn_model *m, struct bn_model_topic *t) {
    bool told = t->id_stands;
    t->has_id = t->has_partitions_node = t->has_second_id = true;
    bn_model_topic_index_id(m, t);
    for (int32_t i = 0; i < t->partition_count; i++) {
        bn_model_partition_dirty(m, t->partitions[i]);
        if (t->partitions[i]->has_state && !told) bn_model_partition_changed(m, t->partitions[i]);
    }
}

static void read_later(struct bn_model *m, const char *name, struct bn_model_topic *t, bool marker) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_READ_TOPIC, t);
    f->marker = marker;
    if (t)
        t->busy = true;
    else
        f->name = bn_alloc_strdup(name);
    bn_flight_read(m, f);
}

/* --- what is found --- */

static bool load_state(struct bn_model *m, struct bn_model_partition *p, const struct bn_fact_state *state) {
    if (state->controller_epoch > m->controller_epoch) {
        bn_model_resign(m, "a partition state was written by a controller of a newer epoch");
        return false;
    }
    bn_model_partition_commit(p, state);
    p->kind = p->state.leader >= 0 ? BN_MODEL_ONLINE : BN_MODEL_OFFLINE;
    p->stuck = false;
    bn_liveness_mark_partition(m, p);
    if (p->topic->id_stands) bn_model_partition_changed(m, p);
    return true;
}

static void load_partitions(struct bn_model *m, struct bn_model_topic *t, const struct bn_fact_topic *fact) {
    for (int32_t i = 0; i < fact->partition_count; i++) {
        const struct bn_fact_partition *from = &fact->partitions[i];
        struct bn_model_partition *p = bn_model_partition(t, from->index);
        bool fresh = !p;
        if (fresh) {
            struct bn_fact_partition bare = *from;
            bare.has_state = false;
            p = bn_model_partition_make(t, &bare);
        }
        bool wanted = !p->has_state || p->stuck;
        if (from->has_state && wanted && !p->busy && !load_state(m, p, &from->state)) return;
        if (fresh || wanted) bn_model_partition_dirty(m, p);
    }
}

static bool any_state(const struct bn_model_topic *t) {
    for (int32_t i = 0; i < t->partition_count; i++)
        if (t->partitions[i]->has_state) return true;
    return false;
}

static void find_id(struct bn_model *m, struct bn_model_topic *t, const struct bn_fact_topic *fact) {
    t->has_id = fact->has_id;
    if (fact->has_id) {
        t->id = fact->id;
        bn_model_topic_index_id(m, t);
    } else if (!bn_uuid_is_zero(&t->id)) {
        BN_MODEL_INFO(m, "The znode of topic %s has lost its topic id; restoring it", t->name);
    } else if (fact->has_second_id) {
        t->id = fact->second_id;
        bn_model_topic_index_id(m, t);
        BN_MODEL_INFO(m, "The znode of topic %s has no topic id; restoring it from its second copy", t->name);
    }
    t->has_partitions_node = fact->has_partitions_node;
    t->has_second_id = fact->has_second_id && bn_uuid_eq(&fact->second_id, &t->id);
}

static void update(struct bn_model *m, struct bn_model_topic *t, const struct bn_fact_topic *fact) {
    if (fact->version < t->version) return;
    t->version = fact->version;
    if (fact->czxid) t->czxid = fact->czxid;
    find_id(m, t, fact);
    load_partitions(m, t, fact);
    bn_model_topic_dirty(m, t);
}

/* Forgets t without a tombstone: nobody may delete a log because of it. */
static void lose(struct bn_model *m, struct bn_model_topic *t) {
    BN_MODEL_WARN(m, "The znode of topic %s vanished without a delete marker; its logs are kept as strays", t->name);
    if (any_state(t)) m->images_due = true;
    for (int32_t i = 0; i < t->partition_count; i++) bn_alter_refuse(m, t->partitions[i], BN_KERR_UNKNOWN_TOPIC_ID);
    bn_model_topic_forget(m, t);
}

static bool made_anew(const struct bn_model_topic *t, const struct bn_fact_topic *fact) {
    if (t->czxid && fact->czxid && fact->czxid > t->czxid) return true;
    return fact->has_id && t->has_id && !bn_uuid_eq(&fact->id, &t->id);
}

void bn_topics_absorb(struct bn_model *m, const struct bn_fact_topic *fact) {
    struct bn_model_topic *t = bn_model_topic(m, fact->name);
    if (t && t->kind != BN_MODEL_LIVE) return; /* CREATING: our own write will tell; else it is being deleted */
    if (t && t->busy) {
        t->reread = true;
        return;
    }
    if (t && t->czxid && fact->czxid && fact->czxid < t->czxid) return;
    if (t && made_anew(t, fact)) {
        lose(m, t);
        t = NULL;
    }
    if (!t) {
        t = bn_model_topic_make(m, fact->name);
        bn_topics_move(t, BN_MODEL_LIVE);
        t->version = -1;
    }
    update(m, t, fact);
}

void bn_topics_vanished(struct bn_model *m, const char *name) {
    struct bn_model_topic *t = bn_model_topic(m, name);
    if (!t || t->kind == BN_MODEL_CREATING || t->kind == BN_MODEL_ERASING) return;
    if (t->kind == BN_MODEL_MARKED) { /* somebody was quicker: what is left to do is the marker */
        bn_deletion_node_gone(m, t);
        return;
    }
    lose(m, t);
}

/* --- ids --- */

void bn_topics_settle(struct bn_model *m, struct bn_model_topic *t) {
    if (t->kind != BN_MODEL_LIVE || t->busy) return;
    if (t->reread) {
        t->reread = false;
        read_later(m, NULL, t, false);
        return;
    }
    if (t->has_id && t->has_partitions_node && t->has_second_id) return;
    if (bn_uuid_is_zero(&t->id)) {
        bn_model_draw_id(m, &t->id);
        if (any_state(t))
            BN_MODEL_WARN(m, "Topic %s has partition states but no topic id anywhere; giving it a new one", t->name);
    }
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_TOPIC_ID, t);
    if (!t->has_id) add_topic_op(m, f, BN_OUTPUT_OP_SET_TOPIC, NULL, 0);
    if (!t->has_partitions_node || !t->has_second_id) add_second_copy(m, f, t->has_partitions_node);
    t->busy = true;
    bn_flight_send(m, f);
}

void bn_topics_id_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    struct bn_model_topic *t = f->topic;
    if (t->kind == BN_MODEL_GONE) return;
    enum bn_output_op_kind kind = e->failed_op >= 0 ? f->ops[e->failed_op].kind : f->ops[0].kind;
    bool second = e->status != BN_LOST && kind != BN_OUTPUT_OP_SET_TOPIC;
    if (e->status == BN_OK) {
        if (!t->has_id) t->version++;
        complete(m, t);
    } else if (second && (e->status == BN_EXISTS || e->status == BN_NOTFOUND) &&
               t->has_partitions_node != (e->status == BN_EXISTS)) {
        t->has_partitions_node = e->status == BN_EXISTS;
    } else {
        bn_flight_read(m, f);
        return;
    }
    t->busy = false;
    bn_model_topic_dirty(m, t);
}

/* Our write whose answer was lost did happen. */
static bool holds_added(const struct bn_flight *f, const struct bn_fact_topic *fact) {
    for (int32_t i = 0; i < f->added_count; i++) {
        bool found = false;
        for (int32_t at = 0; at < fact->partition_count && !found; at++)
            found = fact->partitions[at].index == f->added[i].index &&
                    bn_ids_eq(fact->partitions[at].replicas, f->added[i].replicas);
        if (!found) return false;
    }
    return true;
}

void bn_topics_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_result *r) {
    struct bn_model_topic *t = f->topic;
    if (t && t->kind == BN_MODEL_GONE) return;
    if (t) {
        bool expanded = f->kind == BN_FLIGHT_EXPAND && r->found && holds_added(f, &r->topic);
        t->busy = false;
        bn_model_topic_dirty(m, t);
        if (expanded)
            bn_request_expand_done(m, t);
        else
            bn_request_expand_failed(m, t);
    }
    if (r->found)
        bn_topics_absorb(m, &r->topic);
    else
        bn_topics_vanished(m, t ? t->name : f->name);
    if (f->marker) bn_deletion_marker(m, f->name);
}

/* --- creation --- */

static void send_create(struct bn_model *m, struct bn_model_topic *t) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_CREATE, t);
    enum bn_output_op_kind kind = t->config_exists ? BN_OUTPUT_OP_SET_CONFIG : BN_OUTPUT_OP_CREATE_CONFIG;
    struct bn_output_op *op = bn_flight_op(m, f, kind, NULL, 64u * (size_t)(t->config_new->entry_count + 1));
    op->u.config = bn_config_fact(t->config_new); /* lives as long as the flight holds the topic */
    add_topic_op(m, f, BN_OUTPUT_OP_CREATE_TOPIC, NULL, 0);
    add_second_copy(m, f, false);
    t->busy = true;
    bn_flight_send(m, f);
}

struct bn_model_topic *bn_topics_create(struct bn_model *m, const struct bn_topics_plan *plan) {
    struct bn_model_topic *t = bn_model_topic_make(m, plan->name);
    bn_model_draw_id(m, &t->id);
    for (int32_t i = 0; i < plan->partition_count; i++) bn_model_partition_make(t, &plan->partitions[i]);
    t->config_new = bn_config_new(&plan->config);
    t->config_exists = bn_config_find(m, "topics", plan->name) != NULL;
    send_create(m, t);
    return t;
}

static void created(struct bn_model *m, struct bn_model_topic *t) {
    bn_topics_move(t, BN_MODEL_LIVE);
    t->busy = false;
    t->version = 0;
    BN_MODEL_INFO(m, "Created topic %s with %" PRId32 " partitions", t->name, t->partition_count);
    bn_config_put(m, t->config_new);
    t->config_new = NULL;
    complete(m, t);
    bn_model_topic_dirty(m, t);
    if (t->marker_waiting) bn_deletion_marker(m, t->name);
}

/* Somebody else made it first. */
static void create_lost(struct bn_model *m, struct bn_model_topic *t) {
    const char *name = bn_model_text(m, t->name);
    bn_request_fail_topic(m, t, BN_KERR_TOPIC_ALREADY_EXISTS, bn_model_textf(m, "Topic '%s' already exists.", name));
    bool marker = t->marker_waiting;
    bn_model_topic_forget(m, t);
    read_later(m, name, NULL, marker);
}

void bn_topics_create_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    struct bn_model_topic *t = f->topic;
    if (e->status == BN_OK) {
        created(m, t);
    } else if (e->status == BN_LOST) {
        bn_flight_read(m, f);
    } else if (f->ops[e->failed_op].kind == BN_OUTPUT_OP_CREATE_TOPIC && e->status == BN_EXISTS) {
        create_lost(m, t);
    } else if (e->failed_op == 0 && (e->status == BN_EXISTS || e->status == BN_NOTFOUND)) {
        t->config_exists = e->status == BN_EXISTS;
        send_create(m, t);
    } else {
        bn_model_resign(m, "a topic could not be created for an unknown reason");
    }
}

void bn_topics_create_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_result *r) {
    struct bn_model_topic *t = f->topic;
    if (!r->found)
        send_create(m, t);
    else if (r->topic.has_id && bn_uuid_eq(&r->topic.id, &t->id))
        created(m, t);
    else
        create_lost(m, t);
}

/* --- more partitions --- */

void bn_topics_expand(struct bn_model *m, struct bn_model_topic *t, const struct bn_fact_partition *added,
                      int32_t count) {
    BN_ASSERT(t->kind == BN_MODEL_LIVE);
    BN_ASSERT(!t->busy);
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_EXPAND, t);
    f->added = bn_alloc_zero((size_t)count, sizeof *f->added);
    f->added_count = count;
    for (int32_t i = 0; i < count; i++) {
        struct bn_ids replicas = {NULL, 0};
        bn_ids_set(&replicas, added[i].replicas);
        f->added[i] = (struct bn_fact_partition){.index = added[i].index, .replicas = bn_ids_fact(&replicas)};
    }
    add_topic_op(m, f, BN_OUTPUT_OP_SET_TOPIC, added, count);
    t->busy = true;
    bn_flight_send(m, f);
}

void bn_topics_expand_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    struct bn_model_topic *t = f->topic;
    if (t->kind == BN_MODEL_GONE) return;
    if (e->status != BN_OK) {
        bn_flight_read(m, f);
        return;
    }
    t->busy = false;
    t->version++;
    for (int32_t i = 0; i < f->added_count; i++)
        if (!bn_model_partition(t, f->added[i].index))
            bn_model_partition_dirty(m, bn_model_partition_make(t, &f->added[i]));
    bn_model_topic_dirty(m, t);
    bn_request_expand_done(m, t);
}
