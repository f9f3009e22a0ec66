/* step.c: the table of events, and how a step ends. A handler only changes the model and marks what is touched; the end
 * of every step brings the world up to it, always in the same order: topics, partitions, admissions, the delta and the
 * images, answers, the timer. To add a reaction: an event, a handler in one file, a row in dispatch. */
#include "controller/brain/step.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/alter.h"
#include "controller/brain/blocks.h"
#include "controller/brain/config.h"
#include "controller/brain/config_alter.h"
#include "controller/brain/deletion.h"
#include "controller/brain/elect.h"
#include "controller/brain/groups.h"
#include "controller/brain/leaving.h"
#include "controller/brain/liveness.h"
#include "controller/brain/partition_sm.h"
#include "controller/brain/publish.h"
#include "controller/brain/rebalance.h"
#include "controller/brain/topic_admin.h"
#include "controller/brain/topics.h"

static void activate(struct bn_model *m, const struct bn_event_activated *e) {
    BN_ASSERT(!m->active);
    m->active = true;
    m->controller_id = e->controller_id;
    m->controller_epoch = e->controller_epoch;
    m->cluster_id = bn_alloc_strdup(e->cluster_id);
    m->producer_ids = e->producer_ids;
    /* The controller before us may have fenced a broker by refusal just now. */
    m->unclean_after_ms = m->now_ms + m->settings.session_timeout_ms;
    for (int32_t i = 0; i < e->config_count; i++) bn_config_event(m, &e->configs[i]);
    bn_rebalance_start(m);
    bn_liveness_activate(m, e);
    for (int32_t i = 0; i < e->topic_count && !m->resigned; i++) bn_topics_absorb(m, &e->topics[i]);
    for (int32_t i = 0; i < e->delete_marker_count; i++) bn_deletion_marker(m, e->delete_markers[i]);
    bn_publish_reset(m); /* whoever says hello gets all of it */
}

/* What clients and coordinators ask for. */
static void dispatch_asked(struct bn_model *m, const struct bn_event *e) {
    switch (e->kind) {
    case BN_EVENT_CREATE_TOPICS:
        bn_topic_admin_create_topics(m, &e->u.create_topics);
        break;
    case BN_EVENT_DELETE_TOPICS:
        bn_topic_admin_delete_topics(m, &e->u.delete_topics);
        break;
    case BN_EVENT_CREATE_PARTITIONS:
        bn_topic_admin_create_partitions(m, &e->u.create_partitions);
        break;
    case BN_EVENT_ALTER_CONFIGS:
        bn_config_alter_request(m, &e->u.alter_configs);
        break;
    case BN_EVENT_GROUPS:
        bn_groups_listed(m, &e->u.groups);
        break;
    case BN_EVENT_GROUP_WRITE:
        bn_groups_request(m, &e->u.group_write);
        break;
    case BN_EVENT_GROUP_READ:
        bn_groups_request_read(m, &e->u.group_read);
        break;
    default:
        BN_UNREACHABLE();
    }
}

static void dispatch(struct bn_model *m, const struct bn_event *e) {
    switch (e->kind) {
    case BN_EVENT_ACTIVATED:
        activate(m, &e->u.activated);
        break;
    case BN_EVENT_BROKERS:
        bn_liveness_brokers(m, &e->u.brokers);
        break;
    case BN_EVENT_HELLO:
        bn_liveness_hello(m, &e->u.hello);
        break;
    case BN_EVENT_STREAM_DOWN:
        bn_liveness_stream_down(m, e->u.stream.token);
        break;
    case BN_EVENT_REFUSED:
        bn_liveness_refused(m, &e->u.refused);
        break;
    case BN_EVENT_TOPIC:
        bn_topics_absorb(m, &e->u.topic);
        break;
    case BN_EVENT_TOPIC_GONE:
        bn_topics_vanished(m, e->u.name);
        break;
    case BN_EVENT_DELETE_MARKER:
        bn_deletion_marker(m, e->u.name);
        break;
    case BN_EVENT_CONFIG:
        bn_config_event(m, &e->u.config);
        break;
    case BN_EVENT_CREATE_TOPICS:
    case BN_EVENT_DELETE_TOPICS:
    case BN_EVENT_CREATE_PARTITIONS:
    case BN_EVENT_ALTER_CONFIGS:
    case BN_EVENT_GROUPS:
    case BN_EVENT_GROUP_WRITE:
    case BN_EVENT_GROUP_READ:
        dispatch_asked(m, e);
        break;
    case BN_EVENT_ALTER_PARTITION:
        bn_alter_request(m, &e->u.alter_partition);
        break;
    case BN_EVENT_REPLICAS_DELETED:
        bn_deletion_confirm(m, &e->u.replicas_deleted);
        break;
    case BN_EVENT_PRODUCER_IDS:
        bn_blocks_producer_ids(m, &e->u.producer_ids);
        break;
    case BN_EVENT_BROKER_ID:
        bn_blocks_broker_id(m, &e->u.broker_id);
        break;
    case BN_EVENT_CONTROLLED_SHUTDOWN:
        bn_leaving_request(m, &e->u.controlled_shutdown);
        break;
    case BN_EVENT_ELECT_LEADERS:
        bn_elect_request(m, &e->u.elect_leaders);
        break;
    case BN_EVENT_ELECT_NODE:
        bn_elect_node(m, &e->u.elect_leaders);
        break;
    case BN_EVENT_MULTI_DONE:
        bn_flight_done(m, &e->u.multi_done);
        break;
    case BN_EVENT_READ_DONE:
        bn_flight_read_done(m, &e->u.read_done);
        break;
    case BN_EVENT_TICK:
        m->timer_ms = -1;
        break;
    }
}

/* Unclean elections that had to wait until the session of a fenced broker would have ended. */
static void unclean_due(struct bn_model *m) {
    if (!m->unclean_waits || m->now_ms < m->unclean_after_ms) return;
    m->unclean_waits = false;
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = e->value;
        for (int32_t i = 0; i < t->partition_count; i++)
            if (t->partitions[i]->has_state && t->partitions[i]->state.leader < 0)
                bn_model_partition_dirty(m, t->partitions[i]);
    }
}

static void settle_topics(struct bn_model *m) {
    struct bn_list *node;
    while (!m->resigned && (node = bn_list_pop_front(&m->dirty_topics))) {
        struct bn_model_topic *t = BN_CONTAINER_OF(node, struct bn_model_topic, dirty);
        bn_topics_settle(m, t);
        bn_deletion_settle(m, t); /* the last: it may forget t */
    }
}

static void set_timer(struct bn_model *m) {
    int64_t at = bn_request_deadline(m);
    if (m->unclean_waits && (at < 0 || m->unclean_after_ms < at)) at = m->unclean_after_ms;
    if (m->rebalance_ms >= 0 && (at < 0 || m->rebalance_ms < at)) at = m->rebalance_ms;
    if (at < 0 || at == m->timer_ms) return;
    m->timer_ms = at;
    bn_output_add(m->out, BN_OUTPUT_TIMER)->u.at_ms = at;
}

void bn_step_run(struct bn_model *m, const struct bn_event *event, struct bn_output_list *out) {
    if (m->resigned) return;
    BN_ASSERT(m->active || event->kind == BN_EVENT_ACTIVATED);
    m->out = out;
    if (event->now_ms > m->now_ms) m->now_ms = event->now_ms;
    dispatch(m, event);
    unclean_due(m);
    bn_rebalance_turn(m);
    if (!m->resigned) bn_request_turns(m);
    if (!m->resigned) bn_config_alter_turns(m);
    if (!m->resigned) bn_groups_turns(m);
    settle_topics(m);
    if (!m->resigned) {
        bn_partition_sm_settle(m);
        bn_liveness_settle(m);
    }
    bn_publish_settle(m);
    bn_request_settle(m);
    bn_config_alter_settle(m);
    bn_leaving_settle(m);
    if (m->resigned) {
        struct bn_output *o = bn_output_add(out, BN_OUTPUT_RESIGN);
        o->u.note.level = BN_OUTPUT_NOTE_WARN;
        o->u.note.text = m->resign_reason;
    } else {
        set_timer(m);
    }
    m->out = NULL;
}
