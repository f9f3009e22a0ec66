/* deletion.c: takes topics out of the cluster. Invariants: no znode of a topic is deleted before every replica of every
 * partition that brokers were told of has confirmed; the marker goes last, so that whoever takes over goes on; nothing
 * is elected, altered or told for a topic from MARKED on. A dead broker holds the deletion up, as in Kafka. */
#include "controller/brain/deletion.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/alter.h"
#include "controller/brain/config.h"
#include "controller/brain/publish.h"
#include "controller/brain/request.h"
#include "controller/brain/topics.h"

static void send_unmark(struct bn_model *m, const char *name) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_UNMARK, NULL);
    f->name = bn_alloc_strdup(name);
    bn_flight_op(m, f, BN_OUTPUT_OP_DELETE_MARKER, NULL, 0)->topic = bn_model_text(m, name);
    bn_flight_send(m, f);
}

void bn_deletion_unmark_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    if (e->status == BN_LOST) send_unmark(m, f->name);
}

static void send_mark(struct bn_model *m, struct bn_model_topic *t) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_MARK, t);
    bn_flight_op(m, f, BN_OUTPUT_OP_CREATE_MARKER, NULL, 0);
    bn_flight_send(m, f);
}

void bn_deletion_mark(struct bn_model *m, struct bn_model_topic *t) {
    if (t->marker_ours) return;
    t->marker_ours = true;
    send_mark(m, t);
}

void bn_deletion_mark_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    struct bn_model_topic *t = f->topic;
    if (t->kind != BN_MODEL_LIVE) return; /* its watch was quicker, or the topic vanished */
    if (e->status == BN_LOST)
        send_mark(m, t);
    else if (e->status == BN_OK || e->status == BN_EXISTS)
        bn_deletion_begin(m, t);
    else
        bn_model_resign(m, "a delete marker could not be written for an unknown reason");
}

void bn_deletion_marker(struct bn_model *m, const char *name) {
    struct bn_model_topic *t = bn_model_topic(m, name);
    if (!t) {
        BN_MODEL_WARN(m, "Ignoring request to delete non-existing topic %s", name);
        send_unmark(m, name);
    } else if (t->kind == BN_MODEL_CREATING) {
        t->marker_waiting = true;
    } else if (t->kind == BN_MODEL_LIVE && !m->settings.delete_topic_enable && !t->marker_ours) {
        BN_MODEL_INFO(m, "Removing the delete marker of topic %s since delete topic is disabled", name);
        send_unmark(m, name);
    } else if (t->kind == BN_MODEL_LIVE) {
        bn_deletion_begin(m, t);
    }
}

void bn_deletion_begin(struct bn_model *m, struct bn_model_topic *t) {
    bool told = false;
    bn_topics_move(t, BN_MODEL_MARKED);
    BN_MODEL_INFO(m, "Starting topic deletion for topic %s", t->name);
    for (int32_t i = 0; i < t->partition_count; i++) {
        struct bn_model_partition *p = t->partitions[i];
        bn_list_remove(&p->dirty);
        bn_list_remove(&p->changed);
        if (p->must_bump) m->bump_count--;
        p->must_bump = false;
        bn_alter_refuse(m, p, BN_KERR_UNKNOWN_TOPIC_OR_PARTITION);
        if (!p->has_state) continue;
        p->kind = BN_MODEL_OFFLINE;
        p->confirmed = bn_alloc_zero((size_t)p->replicas.count + 1, sizeof *p->confirmed);
        told = true;
    }
    if (told && bn_uuid_is_zero(&t->id)) bn_model_draw_id(m, &t->id);
    if (told && bn_model_topic_by_id(m, &t->id) != t) bn_model_topic_index_id(m, t);
    if (told) bn_publish_removed(m, t);
    bn_request_topic_marked(m, t);
    bn_model_topic_dirty(m, t);
}

static void confirm_partition(struct bn_model_partition *p, int32_t broker) {
    int32_t at = bn_ids_find(bn_ids_fact(&p->replicas), broker);
    if (p->confirmed && at >= 0) p->confirmed[at] = true;
}

void bn_deletion_confirm(struct bn_model *m, const struct bn_event_replicas_deleted *e) {
    const struct bn_model_broker *b = bn_model_broker(m, e->broker);
    bool current = b && b->registered && b->epoch == e->broker_epoch;
    struct bn_model_topic *t = current ? bn_model_topic_by_id(m, &e->topic_id) : NULL;
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_REPLY);
    o->u.reply.token = e->token;
    o->u.reply.kind = BN_OUTPUT_REPLY_ACK;
    o->u.reply.error = current ? BN_KERR_NONE : BN_KERR_STALE_BROKER_EPOCH;
    if (!t || t->kind != BN_MODEL_MARKED) return;
    for (int32_t i = 0; i < e->partition_count; i++) {
        struct bn_model_partition *p = bn_model_partition(t, e->partitions[i]);
        if (p) confirm_partition(p, e->broker);
    }
    for (int32_t i = 0; e->partition_count == 0 && i < t->partition_count; i++)
        confirm_partition(t->partitions[i], e->broker);
    bn_model_topic_dirty(m, t);
}

static bool in_flight(const struct bn_model_topic *t) {
    bool busy = t->busy;
    for (int32_t i = 0; i < t->partition_count; i++) busy = busy || t->partitions[i]->busy;
    return busy;
}

/* True when all have confirmed; tells once which dead brokers are waited for. */
static bool confirmed(struct bn_model *m, struct bn_model_topic *t) {
    int32_t waiting = 0;
    int32_t *dead = bn_model_scratch(m, (size_t)m->broker_count + 1, sizeof *dead);
    struct bn_fact_ids absent = {dead, 0};
    for (int32_t i = 0; i < t->partition_count; i++) {
        const struct bn_model_partition *p = t->partitions[i];
        for (int32_t at = 0; p->confirmed && at < p->replicas.count; at++) {
            if (p->confirmed[at]) continue;
            waiting++;
            const struct bn_model_broker *b = bn_model_broker(m, p->replicas.ids[at]);
            if (b && !b->registered && !bn_ids_has(absent, b->id)) dead[absent.count++] = b->id;
        }
    }
    if (absent.count && !t->noted) {
        char text[256];
        t->noted = true;
        BN_MODEL_WARN(m, "Deletion of topic %s is halted: replicas on dead brokers %s have not been deleted", t->name,
                      bn_ids_text(absent, text, sizeof text));
    }
    return waiting == 0;
}

static void send_erase(struct bn_model *m, struct bn_model_topic *t) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_ERASE, t);
    bool all = true;
    for (int32_t i = 0; i < t->partition_count && all; i++) {
        struct bn_model_partition *p = t->partitions[i];
        all = bn_flight_has_room(f, 6, 1024);
        if (!all) break;
        if (p->has_state) bn_flight_op(m, f, BN_OUTPUT_OP_DELETE_STATE, p, 0);
        if (p->node_exists) bn_flight_op(m, f, BN_OUTPUT_OP_DELETE_PARTITION, p, 0);
    }
    if (all && t->has_partitions_node) bn_flight_op(m, f, BN_OUTPUT_OP_DELETE_PARTITIONS, NULL, 0);
    if (all && !t->node_gone) bn_flight_op(m, f, BN_OUTPUT_OP_DELETE_TOPIC, NULL, 0);
    if (all && !t->config_gone) bn_flight_op(m, f, BN_OUTPUT_OP_DELETE_CONFIG, NULL, 0);
    if (all && !t->marker_gone) bn_flight_op(m, f, BN_OUTPUT_OP_DELETE_MARKER, NULL, 0);
    t->busy = true;
    bn_flight_send(m, f);
}

static void nodes_gone(struct bn_model_topic *t) {
    for (int32_t i = 0; i < t->partition_count; i++)
        t->partitions[i]->has_state = t->partitions[i]->node_exists = false;
    t->led_count = 0;
    t->has_partitions_node = false;
    t->node_gone = true;
}

void bn_deletion_node_gone(struct bn_model *m, struct bn_model_topic *t) {
    nodes_gone(t);
    bn_model_topic_dirty(m, t);
}

static void op_gone(struct bn_model_topic *t, const struct bn_flight_op *op) {
    switch (op->kind) {
    case BN_OUTPUT_OP_DELETE_STATE:
        op->partition->has_state = false;
        break;
    case BN_OUTPUT_OP_DELETE_PARTITION:
        op->partition->has_state = op->partition->node_exists = false;
        break;
    case BN_OUTPUT_OP_DELETE_PARTITIONS:
        t->has_partitions_node = false;
        break;
    case BN_OUTPUT_OP_DELETE_TOPIC:
        t->node_gone = true;
        break;
    case BN_OUTPUT_OP_DELETE_CONFIG:
        t->config_gone = true;
        break;
    case BN_OUTPUT_OP_DELETE_MARKER:
        t->marker_gone = true;
        break;
    default:
        BN_UNREACHABLE();
    }
}

static void send_purge(struct bn_model *m, struct bn_model_topic *t) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_ERASE, t);
    t->busy = true;
    bn_flight_purge(m, f);
}

void bn_deletion_erase_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    struct bn_model_topic *t = f->topic;
    t->busy = false;
    if (f->op_count == 0 && e->status == BN_OK) {
        nodes_gone(t);
    } else if (e->status == BN_OK) {
        for (int32_t i = 0; i < f->op_count; i++) op_gone(t, &f->ops[i]);
    } else if (e->status == BN_NOTFOUND && f->op_count) {
        op_gone(t, &f->ops[e->failed_op]);
    } else { /* strangers' znodes below, or a lost answer */
        send_purge(m, t);
    }
    bn_model_topic_dirty(m, t);
}

static void finished(struct bn_model *m, struct bn_model_topic *t) {
    BN_MODEL_INFO(m, "Deletion of topic %s successfully completed", t->name);
    for (int32_t i = 0; i < t->partition_count; i++) t->partitions[i]->kind = BN_MODEL_NONEXISTENT;
    bn_config_remove(m, "topics", t->name);
    bn_model_topic_forget(m, t);
}

void bn_deletion_settle(struct bn_model *m, struct bn_model_topic *t) {
    if ((t->kind != BN_MODEL_MARKED && t->kind != BN_MODEL_ERASING) || in_flight(t)) return;
    if (t->kind == BN_MODEL_MARKED) {
        if (!confirmed(m, t)) return;
        bn_topics_move(t, BN_MODEL_ERASING);
    }
    if (t->marker_gone)
        finished(m, t);
    else
        send_erase(m, t);
}
