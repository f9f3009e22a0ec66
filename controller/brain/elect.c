/* elect.c: elections that somebody asked for. Owns nothing: a wish is a level at its partition (want_preferred,
 * want_unclean) which partition_sm.c tries and takes back, and the request waits in request.c. Codes and texts are
 * those of Kafka 3.9 (its KafkaController and KafkaApis). An unclean election that is asked for waits like any other
 * until the session of a broker that was fenced would have ended. */
#include "controller/brain/elect.h"

#include "common/base/alloc.h"

enum { NODE_MS = 30000 }; /* a znode's wishes that cannot be decided are given up then */

static const char *strategy(const struct bn_request_item *item) {
    return item->unclean ? "OfflinePartitionLeaderElectionStrategy(true)"
                         : "PreferredReplicaPartitionLeaderElectionStrategy";
}

static void refuse(struct bn_model *m, struct bn_request_item *item) {
    int error = item->unclean ? BN_KERR_ELIGIBLE_LEADERS_NOT_AVAILABLE : BN_KERR_PREFERRED_LEADER_NOT_AVAILABLE;
    bn_request_decide(item, error,
                      bn_model_textf(m, "Failed to elect leader for partition %s-%" PRId32 " under strategy %s",
                                     item->name, item->partition, strategy(item)));
}

/* The leader is the one that is asked for. */
static bool is_right(const struct bn_model *m, const struct bn_model_partition *p, bool unclean) {
    if (!p->has_state || p->state.leader < 0) return false;
    if (!unclean) return p->replicas.count > 0 && p->state.leader == p->replicas.ids[0];
    const struct bn_model_broker *b = bn_model_broker(m, p->state.leader);
    return b && b->registered;
}

static void judge(struct bn_model *m, struct bn_request_item *item, const struct bn_event_elect_leaders *e,
                  const struct bn_event_elect *wish) {
    struct bn_model_topic *t = bn_model_topic(m, wish->topic);
    struct bn_model_partition *p = t ? bn_model_partition(t, wish->partition) : NULL;
    item->name = bn_alloc_strdup(wish->topic);
    item->partition = wish->partition;
    item->unclean = e->unclean;
    if (!p || t->kind == BN_MODEL_CREATING) {
        bn_request_decide(item, BN_KERR_UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist.");
    } else if (t->kind != BN_MODEL_LIVE) {
        bn_request_decide(item, BN_KERR_INVALID_TOPIC, "The topic is being deleted");
    } else if (is_right(m, p, e->unclean)) {
        bn_request_decide(item, BN_KERR_ELECTION_NOT_NEEDED, "Leader election not needed for topic partition.");
    } else {
        if (e->unclean)
            p->want_unclean = true;
        else
            p->want_preferred = true;
        bn_model_partition_dirty(m, p);
        bn_request_attach(item, t, BN_REQUEST_ELECTION);
    }
}

/* Every partition of every topic that lives. */
static int32_t all_partitions(struct bn_model *m, const struct bn_event_elect **out) {
    int32_t total = 0, count = 0;
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&m->topics, &at));)
        total += ((const struct bn_model_topic *)it->value)->partition_count;
    struct bn_event_elect *list = bn_model_scratch(m, (size_t)total, sizeof *list);
    at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = it->value;
        for (int32_t i = 0; t->kind == BN_MODEL_LIVE && i < t->partition_count; i++)
            list[count++] = (struct bn_event_elect){t->name, t->partitions[i]->index};
    }
    *out = list;
    return count;
}

static void request(struct bn_model *m, const struct bn_event_elect_leaders *e, enum bn_request_kind kind) {
    const struct bn_event_elect *wishes = e->partitions;
    int32_t count = e->all ? all_partitions(m, &wishes) : e->partition_count;
    struct bn_request *r = bn_request_new(m, e->token, kind, e->timeout_ms, count);
    r->only_decided = e->all;
    for (int32_t i = 0; i < count; i++) judge(m, &r->items[i], e, &wishes[i]);
}

void bn_elect_request(struct bn_model *m, const struct bn_event_elect_leaders *e) {
    request(m, e, BN_REQUEST_ELECT_LEADERS);
}

void bn_elect_node(struct bn_model *m, const struct bn_event_elect_leaders *e) {
    struct bn_event_elect_leaders preferred = *e;
    BN_MODEL_INFO(m, "Starting replica leader election (PREFERRED) for %" PRId32 " partitions triggered by ZkTriggered",
                  e->partition_count);
    preferred.timeout_ms = NODE_MS;
    preferred.unclean = preferred.all = false;
    request(m, &preferred, BN_REQUEST_ELECT_NODE);
}

void bn_elect_look(struct bn_model *m, struct bn_request_item *item) {
    const struct bn_model_partition *p = bn_model_partition(item->topic, item->partition);
    if (!p) {
        bn_request_decide(item, BN_KERR_UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist.");
        return;
    }
    bool wanted = item->unclean ? p->want_unclean : p->want_preferred;
    if (p->busy || wanted || !bn_list_empty(&p->dirty)) return;
    if (is_right(m, p, item->unclean))
        bn_request_decide(item, BN_KERR_NONE, NULL);
    else
        refuse(m, item);
}

void bn_elect_node_decided(struct bn_model *m) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_ELECT_NODE, NULL);
    bn_flight_op(m, f, BN_OUTPUT_OP_DELETE_ELECT, NULL, 0);
    bn_flight_send(m, f);
}

void bn_elect_node_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    (void)f;
    if (e->status == BN_LOST) bn_elect_node_decided(m); /* gone already is as good */
}
