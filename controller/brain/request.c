/* request.c: the waiting room of CreateTopics, DeleteTopics, CreatePartitions and ElectLeaders (Kafka's purgatory).
 * Owns the requests and their holds on topics. A request is answered when its last item is decided, or at its deadline
 * with REQUEST_TIMED_OUT for what is not; what was begun goes on, as in Kafka. */
#include "controller/brain/request.h"

#include "common/base/alloc.h"
#include "controller/brain/elect.h"
#include "controller/brain/topic_admin.h"

struct bn_request *bn_request_new(struct bn_model *m, uint64_t token, enum bn_request_kind kind, int32_t timeout_ms,
                                  int32_t count) {
    struct bn_request *r = bn_alloc_zero(1, sizeof *r);
    r->token = token;
    r->kind = kind;
    r->at_once = timeout_ms <= 0;
    r->deadline_ms = m->now_ms + timeout_ms;
    r->count = count;
    r->items = bn_alloc_zero((size_t)count + 1, sizeof *r->items);
    bn_list_push_back(&m->requests, &r->node);
    return r;
}

static void detach(struct bn_request_item *item) {
    if (item->topic) bn_model_topic_release(item->topic);
    item->topic = NULL;
}

void bn_request_decide(struct bn_request_item *item, int error, const char *message) {
    item->phase = BN_REQUEST_DECIDED;
    item->error = error;
    bn_alloc_free(item->message);
    item->message = message ? bn_alloc_strdup(message) : NULL;
    detach(item);
}

void bn_request_attach(struct bn_request_item *item, struct bn_model_topic *t, enum bn_request_phase phase) {
    bn_model_topic_hold(t);
    detach(item);
    item->topic = t;
    item->phase = phase;
}

static void request_free(struct bn_request *r) {
    bn_list_remove(&r->node);
    for (int32_t i = 0; i < r->count; i++) {
        struct bn_request_item *item = &r->items[i];
        detach(item);
        for (int32_t at = 0; at < item->assignment_count; at++) bn_ids_free(&item->assignments[at]);
        bn_alloc_free(item->assignments);
        bn_alloc_free(item->name);
        bn_alloc_free(item->message);
    }
    bn_alloc_free(r->items);
    bn_alloc_free(r);
}

typedef void (*item_fn)(struct bn_request_item *item, int error, const char *message);

static void each_item(struct bn_model *m, const struct bn_model_topic *t, item_fn fn, int error, const char *message) {
    BN_LIST_FOR (it, &m->requests) {
        struct bn_request *r = BN_CONTAINER_OF(it, struct bn_request, node);
        for (int32_t i = 0; i < r->count; i++)
            if (r->items[i].topic == t) fn(&r->items[i], error, message);
    }
}

void bn_request_fail_topic(struct bn_model *m, const struct bn_model_topic *t, int error, const char *message) {
    each_item(m, t, bn_request_decide, error, message);
}

static void on_marked(struct bn_request_item *item, int error, const char *message) {
    if (item->phase == BN_REQUEST_GONE)
        bn_request_decide(item, BN_KERR_NONE, NULL);
    else if (item->phase == BN_REQUEST_ELECTION)
        bn_request_decide(item, error, "The topic is being deleted");
    else
        bn_request_decide(item, error, message);
}

void bn_request_topic_marked(struct bn_model *m, const struct bn_model_topic *t) {
    each_item(m, t, on_marked, BN_KERR_INVALID_TOPIC, "The topic is queued for deletion.");
}

static void on_expanded(struct bn_request_item *item, int error, const char *message) {
    (void)error;
    (void)message;
    if (item->phase == BN_REQUEST_FLYING) item->phase = BN_REQUEST_LEADERS;
}

static void on_expand_failed(struct bn_request_item *item, int error, const char *message) {
    (void)error;
    (void)message;
    if (item->phase == BN_REQUEST_FLYING) item->phase = BN_REQUEST_TURN;
}

void bn_request_expand_done(struct bn_model *m, const struct bn_model_topic *t) {
    each_item(m, t, on_expanded, 0, NULL);
}

void bn_request_expand_failed(struct bn_model *m, const struct bn_model_topic *t) {
    each_item(m, t, on_expand_failed, 0, NULL);
}

static bool all_led(const struct bn_request_item *item) {
    const struct bn_model_topic *t = item->topic;
    if (t->kind != BN_MODEL_LIVE || t->led_count < item->num_partitions - item->first) return false;
    for (int32_t i = item->first; i < item->num_partitions; i++) {
        const struct bn_model_partition *p = bn_model_partition(t, i);
        if (!p || !p->has_state || p->state.leader < 0) return false;
    }
    return true;
}

static void look(struct bn_model *m, struct bn_request_item *item) {
    if (item->phase == BN_REQUEST_DECIDED) return;
    if (item->topic->kind == BN_MODEL_GONE)
        bn_request_decide(item, item->phase == BN_REQUEST_GONE ? BN_KERR_NONE : BN_KERR_UNKNOWN_TOPIC_OR_PARTITION,
                          NULL);
    else if (item->phase == BN_REQUEST_LEADERS && all_led(item))
        bn_request_decide(item, BN_KERR_NONE, NULL);
    else if (item->phase == BN_REQUEST_ELECTION)
        bn_elect_look(m, item);
}

static void answer(struct bn_model *m, struct bn_request *r) {
    static const int KINDS[] = {BN_OUTPUT_REPLY_CREATE_TOPICS, BN_OUTPUT_REPLY_DELETE_TOPICS,
                                BN_OUTPUT_REPLY_CREATE_PARTITIONS, BN_OUTPUT_REPLY_ELECT_LEADERS};
    r->answered = true;
    if (r->kind == BN_REQUEST_ELECT_NODE) {
        bn_elect_node_decided(m);
        return;
    }
    struct bn_output_topic_result *results = bn_model_scratch(m, (size_t)r->count, sizeof *results);
    int32_t told = 0;
    for (int32_t i = 0; i < r->count; i++) {
        const struct bn_request_item *item = &r->items[i];
        bool open = item->phase != BN_REQUEST_DECIDED;
        int error = open ? BN_KERR_REQUEST_TIMED_OUT : item->error;
        if (r->only_decided && error == BN_KERR_ELECTION_NOT_NEEDED) continue;
        results[told++] = (struct bn_output_topic_result){.name = bn_model_text(m, item->name),
                                                          .id = item->id,
                                                          .error = (int16_t)error,
                                                          .message = open ? NULL : bn_model_text(m, item->message),
                                                          .num_partitions = error ? -1 : item->num_partitions,
                                                          .replication_factor = error ? -1 : item->replication_factor,
                                                          .partition = item->partition};
    }
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_REPLY);
    o->u.reply.token = r->token;
    o->u.reply.kind = (__typeof__(o->u.reply.kind))KINDS[r->kind];
    o->u.reply.topics = results;
    o->u.reply.topic_count = told;
}

void bn_request_turns(struct bn_model *m) {
    BN_LIST_FOR (it, &m->requests) {
        struct bn_request *r = BN_CONTAINER_OF(it, struct bn_request, node);
        for (int32_t i = 0; i < r->count; i++) {
            struct bn_request_item *item = &r->items[i];
            if (item->phase == BN_REQUEST_TURN && item->topic->kind == BN_MODEL_LIVE && !item->topic->busy &&
                item->topic->has_id)
                bn_topic_admin_expand(m, item);
        }
    }
}

void bn_request_settle(struct bn_model *m) {
    BN_LIST_FOR (it, &m->requests) {
        struct bn_request *r = BN_CONTAINER_OF(it, struct bn_request, node);
        int32_t open = 0, begun = 0;
        for (int32_t i = 0; i < r->count; i++) {
            look(m, &r->items[i]);
            open += r->items[i].phase != BN_REQUEST_DECIDED;
            begun += r->items[i].phase == BN_REQUEST_TURN || r->items[i].phase == BN_REQUEST_FLYING;
        }
        bool due = open == 0 || r->at_once || m->now_ms >= r->deadline_ms;
        if (due && !r->answered) answer(m, r);
        if (r->answered && begun == 0) request_free(r);
    }
}

int64_t bn_request_deadline(const struct bn_model *m) {
    int64_t first = -1;
    for (const struct bn_list *it = m->requests.next; it != &m->requests; it = it->next) {
        const struct bn_request *r = BN_CONTAINER_OF(it, const struct bn_request, node);
        if (!r->answered && (first < 0 || r->deadline_ms < first)) first = r->deadline_ms;
    }
    return first;
}

void bn_request_drop_all(struct bn_model *m) {
    BN_LIST_FOR (it, &m->requests) request_free(BN_CONTAINER_OF(it, struct bn_request, node));
}
