/* forward.c: questions of any shard to the active controller. A question travels to the agent's shard as a message,
 * waits there for a connection whose hello was taken, and its answer travels back to the shard that asked.
 *
 * Invariants
 *  1. Every question is answered exactly once on the shard that asked: by the controller, by its own deadline, or when
 * the agent stops.
 *  2. A question whose connection ended before its answer is asked again of the next controller, within its deadline:
 * like Kafka's own forwarding, it may then be told that what it asked for is already so.
 *  3. A producer id is given out once. Ids of a block that was fetched and not used up are lost with the process.
 */
#include "broker/cluster/forward.h"

#include "broker/cluster/agent_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

enum {
    TIMED_OUT = 7,
    LOADING = 14,
    NOT_CONTROLLER = 41,
    WAITING_MAX = 10000, /* questions that wait for a controller; the next one is answered at once */
    ID_WAIT_MS = 1000,
    REPORT_RETRY_MS = 1000,
};

struct id_block {
    int64_t next, end; /* empty when equal */
};

struct bn_forward {
    struct bn_agent *agent;
    struct bn_list questions; /* struct question: not answered yet */
    int question_count;
    struct bn_list id_waiters; /* struct id_question */
    struct id_block block, spare;
    bool fetching;
    struct bn_list reports; /* struct report: deletions the controller has not acknowledged */
    struct bn_timer report_timer;
    bool stopping;
};

/* ---- admin requests ---- */

struct question {
    struct bn_msg msg; /* to the agent's shard */
    struct bn_list link;
    struct bn_agent *agent;
    struct bn_shard *shard;
    int api_key, version;
    bool auto_create;
    uint8_t *body;
    size_t body_len;
    char *client_id;
    uint64_t deadline_ms; /* of the clock that all loops share */
    struct bn_timer timer;
    void (*reply)(void *reply_arg, int16_t error, struct bn_slice body);
    void *reply_arg;
    bool asked;    /* an RPC is under way; its callback will come */
    bool answered; /* nobody waits any more: freed when the RPC's callback comes */
};

static void question_free(struct question *q) {
    bn_alloc_free(q->body);
    bn_alloc_free(q->client_id);
    bn_alloc_free(q);
}

struct answer { /* on its way back; apart from the question, which an RPC may still hold */
    struct bn_msg msg;
    int16_t error;
    uint8_t *body;
    size_t body_len;
    void (*reply)(void *reply_arg, int16_t error, struct bn_slice body);
    void *reply_arg;
};

static void answer_home(struct bn_msg *m) {
    struct answer *a = BN_CONTAINER_OF(m, struct answer, msg);
    a->reply(a->reply_arg, a->error, bn_slice_of(a->body, a->body_len));
    bn_alloc_free(a->body);
    bn_alloc_free(a);
}

/* Sends the answer home; the question goes too unless an RPC still holds it. */
static void answer(struct question *q, int16_t error, const uint8_t *body, size_t len) {
    struct answer *a = bn_alloc_zero(1, sizeof *a);
    a->msg.run = answer_home;
    a->error = error;
    a->reply = q->reply;
    a->reply_arg = q->reply_arg;
    a->body = bn_alloc(len + 1);
    if (len > 0) memcpy(a->body, body, len);
    a->body_len = len;
    bn_shard_post(q->shard, &a->msg);
    bn_timer_stop(&q->timer);
    bn_list_remove(&q->link);
    q->agent->forward->question_count--;
    q->answered = true;
    if (!q->asked) question_free(q);
}

static void on_admin_reply(const Bn__AdminReply *reply, void *arg) {
    struct question *q = arg;
    q->asked = false;
    if (q->answered)
        question_free(q);
    else if (reply && reply->error != NOT_CONTROLLER)
        answer(q, (int16_t)reply->error, reply->body.data, reply->body.len);
    /* else it stays and is asked of the next controller */
}

static void ask(struct question *q) {
    struct bn_agent *a = q->agent;
    ProtobufCService *controller = bn_agent_controller(a);
    if (!controller || q->asked) return;
    size_t count = (size_t)a->config.default_count;
    Bn__ConfigEntry *entries = bn_alloc_zero(count + 1, sizeof *entries),
                    **list = bn_alloc_zero(count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        bn__config_entry__init(&entries[i]);
        entries[i].name = (char *)(uintptr_t)a->config.defaults[i].name;
        entries[i].value = (char *)(uintptr_t)a->config.defaults[i].value;
        list[i] = &entries[i];
    }
    Bn__AdminRequest r = BN__ADMIN_REQUEST__INIT;
    r.broker_id = a->broker_id;
    r.broker_epoch = a->broker_epoch;
    r.api_key = q->api_key;
    r.api_version = q->version;
    r.body = (ProtobufCBinaryData){q->body_len, q->body};
    r.client_id = q->client_id;
    r.broker_defaults = list;
    r.n_broker_defaults = count;
    r.auto_create = q->auto_create;
    q->asked = true;
    bn__controller__admin(controller, &r, on_admin_reply, q);
    bn_alloc_free(entries);
    bn_alloc_free(list);
}

static void question_timed_out(struct bn_timer *t) {
    answer(BN_CONTAINER_OF(t, struct question, timer), TIMED_OUT, NULL, 0);
}

static void question_arrived(struct bn_msg *m) {
    struct question *q = BN_CONTAINER_OF(m, struct question, msg);
    struct bn_agent *a = q->agent;
    struct bn_forward *f = a->forward;
    uint64_t now_ms = bn_loop_now_ms(a->config.shard->loop);
    bn_timer_init(&q->timer, a->config.shard->loop, question_timed_out);
    bn_list_push_back(&f->questions, &q->link);
    if (++f->question_count > WAITING_MAX || f->stopping) {
        answer(q, TIMED_OUT, NULL, 0);
        return;
    }
    bn_timer_start(&q->timer, q->deadline_ms > now_ms ? q->deadline_ms - now_ms : 0);
    ask(q);
}

void bn_forward_admin(void *agent, struct bn_shard *shard, int api_key, int version, struct bn_slice body,
                      struct bn_slice client_id, bool auto_create, uint32_t timeout_ms,
                      void (*reply)(void *reply_arg, int16_t error, struct bn_slice body), void *reply_arg) {
    struct bn_agent *a = agent;
    struct question *q = bn_alloc_zero(1, sizeof *q);
    q->msg.run = question_arrived;
    bn_list_init(&q->link);
    q->agent = a;
    q->shard = shard;
    q->api_key = api_key;
    q->version = version;
    q->auto_create = auto_create;
    q->body = bn_alloc(body.len + 1);
    if (body.len > 0) memcpy(q->body, body.ptr, body.len);
    q->body_len = body.len;
    q->client_id = bn_alloc_strndup(client_id.ptr ? client_id.ptr : (const uint8_t *)"", client_id.len);
    q->deadline_ms = bn_loop_now_ms(shard->loop) + timeout_ms;
    q->reply = reply;
    q->reply_arg = reply_arg;
    bn_shard_post(a->config.shard, &q->msg);
}

/* ---- producer ids ---- */

struct id_question {
    struct bn_msg msg;
    struct bn_list link;
    struct bn_agent *agent;
    struct bn_shard *shard;
    struct bn_timer timer;
    void (*reply)(void *reply_arg, int16_t error, int64_t id);
    void *reply_arg;
    int16_t error;
    int64_t id;
};

static void id_home(struct bn_msg *m) {
    struct id_question *q = BN_CONTAINER_OF(m, struct id_question, msg);
    q->reply(q->reply_arg, q->error, q->id);
    bn_alloc_free(q);
}

static void id_answer(struct id_question *q, int16_t error, int64_t id) {
    bn_timer_stop(&q->timer);
    bn_list_remove(&q->link);
    q->error = error;
    q->id = id;
    q->msg.run = id_home;
    bn_shard_post(q->shard, &q->msg);
}

static void fetch_block(struct bn_forward *f);

/* Serves whoever waits from the blocks, and sees to it that a spare one is on its way. */
static void serve_ids(struct bn_forward *f) {
    while (!bn_list_empty(&f->id_waiters)) {
        if (f->block.next == f->block.end) {
            f->block = f->spare;
            f->spare = (struct id_block){0, 0};
        }
        if (f->block.next == f->block.end) break;
        id_answer(BN_CONTAINER_OF(f->id_waiters.next, struct id_question, link), 0, f->block.next++);
    }
    bool low = f->block.end - f->block.next < 100 && f->spare.next == f->spare.end;
    if (low && (!bn_list_empty(&f->id_waiters) || f->block.end > 0)) fetch_block(f);
}

static void on_block(const Bn__ProducerIdsReply *reply, void *arg) {
    struct bn_forward *f = arg;
    f->fetching = false;
    if (f->stopping || !reply || reply->error != 0 || reply->count <= 0 || reply->first < 0)
        return; /* asked again when wanted */
    f->spare = (struct id_block){reply->first, reply->first + reply->count};
    serve_ids(f);
}

static void fetch_block(struct bn_forward *f) {
    ProtobufCService *controller = bn_agent_controller(f->agent);
    if (!controller || f->fetching || f->stopping) return;
    Bn__ProducerIdsRequest q = BN__PRODUCER_IDS_REQUEST__INIT;
    q.broker_id = f->agent->broker_id;
    q.broker_epoch = f->agent->broker_epoch;
    f->fetching = true;
    bn__controller__producer_ids(controller, &q, on_block, f);
}

static void id_timed_out(struct bn_timer *t) { id_answer(BN_CONTAINER_OF(t, struct id_question, timer), LOADING, -1); }

static void id_arrived(struct bn_msg *m) {
    struct id_question *q = BN_CONTAINER_OF(m, struct id_question, msg);
    struct bn_forward *f = q->agent->forward;
    bn_timer_init(&q->timer, q->agent->config.shard->loop, id_timed_out);
    bn_list_push_back(&f->id_waiters, &q->link);
    if (f->stopping) {
        id_answer(q, LOADING, -1);
        return;
    }
    bn_timer_start(&q->timer, ID_WAIT_MS);
    serve_ids(f);
}

void bn_forward_producer_id(void *agent, struct bn_shard *shard,
                            void (*reply)(void *reply_arg, int16_t error, int64_t id), void *reply_arg) {
    struct bn_agent *a = agent;
    struct id_question *q = bn_alloc_zero(1, sizeof *q);
    q->msg.run = id_arrived;
    bn_list_init(&q->link);
    q->agent = a;
    q->shard = shard;
    q->reply = reply;
    q->reply_arg = reply_arg;
    bn_shard_post(a->config.shard, &q->msg);
}

/* ---- reports of deleted replicas ---- */

struct report {
    struct bn_msg msg;
    struct bn_list link;
    struct bn_agent *agent;
    struct bn_uuid topic_id;
    char *topic;
    int32_t partition; /* -1 = all that was here */
    bool asked, gone;  /* gone: the agent stops while the RPC is under way */
};

static void report_free(struct report *r) {
    bn_list_remove(&r->link);
    bn_alloc_free(r->topic);
    bn_alloc_free(r);
}

static void on_report(const Bn__Ack *reply, void *arg) {
    struct report *r = arg;
    struct bn_forward *f = r->agent->forward;
    r->asked = false;
    if (r->gone || (reply && reply->error == 0))
        report_free(r);
    else if (!bn_timer_running(&f->report_timer))
        bn_timer_start(&f->report_timer, REPORT_RETRY_MS);
}

static void send_report(struct report *r) {
    ProtobufCService *controller = bn_agent_controller(r->agent);
    if (!controller || r->asked) return;
    Bn__ReplicasDeletedRequest q = BN__REPLICAS_DELETED_REQUEST__INIT;
    q.broker_id = r->agent->broker_id;
    q.broker_epoch = r->agent->broker_epoch;
    q.topic_id = (ProtobufCBinaryData){sizeof r->topic_id.bytes, r->topic_id.bytes};
    q.topic = r->topic;
    q.partitions = &r->partition;
    q.n_partitions = r->partition < 0 ? 0 : 1;
    r->asked = true;
    bn__controller__replicas_deleted(controller, &q, on_report, r);
}

static void send_reports(struct bn_forward *f) {
    BN_LIST_FOR (it, &f->reports) {
        send_report(BN_CONTAINER_OF(it, struct report, link));
    }
}

static void reports_due(struct bn_timer *t) { send_reports(BN_CONTAINER_OF(t, struct bn_forward, report_timer)); }

static void report_arrived(struct bn_msg *m) {
    struct report *r = BN_CONTAINER_OF(m, struct report, msg);
    struct bn_forward *f = r->agent->forward;
    bn_list_push_back(&f->reports, &r->link);
    if (f->stopping)
        report_free(r); /* told again at the next start: the image will still name the topic */
    else
        send_report(r);
}

void bn_forward_deleted(void *agent, const struct bn_uuid *topic_id, const char *topic, int32_t partition) {
    struct bn_agent *a = agent;
    struct report *r = bn_alloc_zero(1, sizeof *r);
    r->msg.run = report_arrived;
    bn_list_init(&r->link);
    r->agent = a;
    r->topic_id = *topic_id;
    r->topic = bn_alloc_strdup(topic);
    r->partition = partition;
    bn_shard_post(a->config.shard, &r->msg);
}

/* ---- life ---- */

struct bn_forward *bn_forward_new(struct bn_agent *a) {
    struct bn_forward *f = bn_alloc_zero(1, sizeof *f);
    f->agent = a;
    bn_list_init(&f->questions);
    bn_list_init(&f->id_waiters);
    bn_list_init(&f->reports);
    bn_timer_init(&f->report_timer, a->config.shard->loop, reports_due);
    return f;
}

void bn_forward_greeted(struct bn_forward *f) {
    BN_LIST_FOR (it, &f->questions) {
        ask(BN_CONTAINER_OF(it, struct question, link));
    }
    if (!bn_list_empty(&f->id_waiters)) fetch_block(f);
    send_reports(f);
}

/* What an RPC still holds is freed by its callback, which comes before the agent's end: the connection's end fails
 * every call. */
void bn_forward_stop(struct bn_forward *f) {
    f->stopping = true;
    bn_timer_stop(&f->report_timer);
    while (!bn_list_empty(&f->questions))
        answer(BN_CONTAINER_OF(f->questions.next, struct question, link), TIMED_OUT, NULL, 0);
    while (!bn_list_empty(&f->id_waiters))
        id_answer(BN_CONTAINER_OF(f->id_waiters.next, struct id_question, link), LOADING, -1);
    BN_LIST_FOR (it, &f->reports) {
        struct report *r = BN_CONTAINER_OF(it, struct report, link);
        if (r->asked)
            r->gone = true;
        else
            report_free(r);
    }
}

void bn_forward_free(struct bn_forward *f) {
    BN_ASSERT(bn_list_empty(&f->questions) && bn_list_empty(&f->id_waiters) && bn_list_empty(&f->reports));
    bn_alloc_free(f);
}
