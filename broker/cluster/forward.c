/* forward.c: what other shards ask of the active controller. Owns every question from its arrival on the agent's shard
 * until its answer is posted back, the blocks of producer ids, and the confirmations that are not yet heard.
 *
 *   ask (any shard) --mailbox--> WAITING (for a controller) --sent--> answered --mailbox--> reply (the asker's shard)
 *                                   ^            |  NOT_CONTROLLER, or the connection broke
 *                                   +------------+
 *
 * A question that has a deadline is answered at it, whatever is under way; a call that then still comes back frees the
 * question. One whose connection broke is asked again of the next controller: like Kafka's own forwarding, it may then
 * be told that what it asked for is already so. Those of forward_once.c are not asked again. */
#include "broker/cluster/forward.h"

#include "broker/cluster/forward_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

enum {
    COORDINATOR_LOAD_IN_PROGRESS = 14,
    NOT_CONTROLLER = 41,
    PRODUCER_ID_MS = 1000,
    AGAIN_MS = 200,
    /* Beyond these, questions wait here: the connection would break at its own limits, and the stream with it. */
    FLIGHT_MAX = 2048,
    QUEUED_MAX = 16 << 20,
};

static void send_ask(struct bn_forward *f, struct bn_forward_ask *k);
static void fetch_ids(struct bn_forward *f);

/* ---- the way back ---- */

static void ask_free(struct bn_forward_ask *k) {
    bn_alloc_free(k->topic);
    bn_alloc_free(k->answer);
    bn_alloc_free(k);
}

static void run_reply(struct bn_msg *m) { /* the asker's shard */
    struct bn_forward_ask *k = BN_CONTAINER_OF(m, struct bn_forward_ask, msg);
    if (k->kind == BN_FORWARD_ADMIN)
        k->reply(k->reply_arg, k->error, bn_slice_of(k->answer, k->answer_len));
    else if (k->kind == BN_FORWARD_PRODUCER_ID)
        k->reply_id(k->reply_arg, k->error, k->id);
    else if (k->kind == BN_FORWARD_ONCE)
        bn_forward_once_reply(k);
    else if (k->kind == BN_FORWARD_SHUTDOWN)
        k->reply_shutdown(k->reply_arg, k->error, k->remaining, k->may_move);
    ask_free(k);
}

void bn_forward_answer(struct bn_forward_ask *k, int16_t error) {
    bn_timer_stop(&k->deadline);
    bn_list_remove(&k->link);
    k->error = error;
    k->msg.run = run_reply;
    bn_shard_post(k->shard, &k->msg);
}

static void timed_out(struct bn_timer *t) {
    struct bn_forward_ask *k = BN_CONTAINER_OF(t, struct bn_forward_ask, deadline);
    if (!k->in_flight) {
        bn_forward_answer(k, k->kind == BN_FORWARD_PRODUCER_ID ? COORDINATOR_LOAD_IN_PROGRESS
                                                               : BN_FORWARD_REQUEST_TIMED_OUT);
        return;
    }
    /* The call still holds this one: a copy carries the answer. */
    struct bn_forward_ask *copy = bn_alloc(sizeof *copy);
    *copy = *k;
    copy->topic = NULL;
    copy->answer = NULL;
    copy->answer_len = 0;
    bn_timer_init(&copy->deadline, k->agent->loop, timed_out);
    bn_list_init(&copy->link);
    k->answered = true;
    bn_forward_answer(copy, BN_FORWARD_REQUEST_TIMED_OUT);
}

/* ---- calls ---- */

static bool is_ready(const struct bn_forward *f) {
    return !f->stopped && bn_agent_connected(f->agent) && bn_uplink_client(f->agent->uplink);
}

/* Whether the connection takes it now. Clients decide how many admin requests there are, and how large these and groups
 * are; of the others there are few. */
static bool has_room(const struct bn_forward *f, const struct bn_forward_ask *k) {
    if (k->kind != BN_FORWARD_ADMIN && !k->in_line) return true;
    if (k->kind == BN_FORWARD_ADMIN && f->flight_count >= FLIGHT_MAX) return false;
    return bn_rpc_queued_bytes(bn_uplink_peer(f->agent->uplink)) < QUEUED_MAX;
}

static void send_later(struct bn_forward *f) {
    if (!bn_timer_running(&f->again) && !f->stopped) bn_timer_start(&f->again, AGAIN_MS);
}

struct bn_forward_ask *bn_forward_returned(void *data) {
    struct bn_forward_ask *k = data;
    k->in_flight = false;
    k->agent->forward->flight_count--;
    if (!k->answered) return k;
    bn_list_remove(&k->link);
    ask_free(k);
    return NULL;
}

static void wait_again(struct bn_forward_ask *k) {
    struct bn_forward *f = k->agent->forward;
    bn_list_remove(&k->link);
    bn_list_push_back(&f->waiting, &k->link);
    send_later(f);
}

static void on_admin(const Bn__AdminReply *m, void *data) {
    struct bn_forward_ask *k = bn_forward_returned(data);
    if (!k) return;
    if ((!m || m->error == NOT_CONTROLLER) && !k->agent->forward->stopped) {
        wait_again(k);
        return;
    }
    if (m && m->error == BN_FORWARD_NONE) {
        k->answer = bn_alloc(m->body.len);
        k->answer_len = m->body.len;
        if (m->body.len) memcpy(k->answer, m->body.data, m->body.len);
    }
    bn_forward_answer(k, m ? (int16_t)m->error : BN_FORWARD_REQUEST_TIMED_OUT);
}

static void send_admin(struct bn_agent *a, struct bn_forward_ask *k) {
    Bn__AdminRequest m = BN__ADMIN_REQUEST__INIT;
    int count = a->config.default_count;
    Bn__ConfigEntry *entries = bn_alloc_zero((size_t)count, sizeof *entries);
    Bn__ConfigEntry **list = bn_alloc_zero((size_t)count, sizeof *list);
    char *client_id = bn_alloc_strndup(k->client_id.ptr ? k->client_id.ptr : (const uint8_t *)"", k->client_id.len);
    for (int i = 0; i < count; i++) {
        bn__config_entry__init(&entries[i]);
        entries[i].name = (char *)(uintptr_t)a->config.defaults[i].name;
        entries[i].value = (char *)(uintptr_t)a->config.defaults[i].value;
        list[i] = &entries[i];
    }
    m.broker_id = a->broker_id;
    m.broker_epoch = bn_register_epoch(a->reg);
    m.api_key = k->api_key;
    m.api_version = k->version;
    m.body = (ProtobufCBinaryData){k->body.len, (uint8_t *)(uintptr_t)k->body.ptr};
    m.client_id = client_id;
    m.principal = (char *)(uintptr_t) "User:ANONYMOUS";
    m.broker_defaults = list;
    m.n_broker_defaults = (size_t)count;
    m.auto_create = k->auto_create;
    bn_rpc_set_deadline(bn_uplink_peer(a->uplink), 0); /* the question has its own */
    bn__controller__admin(bn_uplink_client(a->uplink), &m, on_admin, k);
    bn_rpc_set_deadline(bn_uplink_peer(a->uplink), BN_UPLINK_CALL_MS);
    bn_alloc_free(client_id);
    bn_alloc_free(entries);
    bn_alloc_free(list);
}

static void on_deleted(const Bn__Ack *m, void *data) {
    struct bn_forward_ask *k = bn_forward_returned(data);
    if (!k) return;
    if ((!m || m->error != BN_FORWARD_NONE) && !k->agent->forward->stopped) {
        wait_again(k);
        return;
    }
    bn_list_remove(&k->link);
    ask_free(k);
}

static void send_deleted(struct bn_agent *a, struct bn_forward_ask *k) {
    Bn__ReplicasDeletedRequest m = BN__REPLICAS_DELETED_REQUEST__INIT;
    m.broker_id = a->broker_id;
    m.broker_epoch = bn_register_epoch(a->reg);
    m.topic_id = (ProtobufCBinaryData){16, k->topic_id.bytes};
    m.topic = k->topic;
    m.partitions = &k->partition;
    m.n_partitions = k->partition >= 0 ? 1 : 0;
    bn__controller__replicas_deleted(bn_uplink_client(a->uplink), &m, on_deleted, k);
}

static void on_shutdown(const Bn__ControlledShutdownReply *m, void *data) {
    struct bn_forward_ask *k = bn_forward_returned(data);
    if (!k) return;
    if ((!m || m->error == NOT_CONTROLLER) && !k->agent->forward->stopped) {
        wait_again(k);
        return;
    }
    if (m) {
        k->remaining = m->remaining_count;
        k->may_move = m->may_move;
    }
    bn_forward_answer(k, m ? (int16_t)m->error : BN_FORWARD_REQUEST_TIMED_OUT);
}

static void send_shutdown(struct bn_agent *a, struct bn_forward_ask *k) {
    Bn__ControlledShutdownRequest m = BN__CONTROLLED_SHUTDOWN_REQUEST__INIT;
    m.broker_id = a->broker_id;
    m.broker_epoch = bn_register_epoch(a->reg);
    bn__controller__controlled_shutdown(bn_uplink_client(a->uplink), &m, on_shutdown, k);
}

static void send_ask(struct bn_forward *f, struct bn_forward_ask *k) {
    bn_list_remove(&k->link);
    bn_list_push_back(&f->in_flight, &k->link);
    k->in_flight = true;
    f->flight_count++;
    if (k->kind == BN_FORWARD_ADMIN)
        send_admin(f->agent, k);
    else if (k->kind == BN_FORWARD_DELETED)
        send_deleted(f->agent, k);
    else if (k->kind == BN_FORWARD_SHUTDOWN)
        send_shutdown(f->agent, k);
    else
        bn_forward_once_send(k);
}

void bn_forward_ready(struct bn_forward *f) {
    if (!is_ready(f)) return;
    fetch_ids(f);
    bool line_waits = false;
    BN_LIST_FOR (n, &f->waiting) {
        struct bn_forward_ask *k = BN_CONTAINER_OF(n, struct bn_forward_ask, link);
        bool waits = !has_room(f, k) || (k->in_line && line_waits);
        line_waits = line_waits || (k->in_line && waits);
        if (waits) continue;
        if (k->in_line) f->line_waiting--;
        send_ask(f, k);
    }
    if (!bn_list_empty(&f->waiting)) send_later(f);
}

static void send_again(struct bn_timer *t) { bn_forward_ready(BN_CONTAINER_OF(t, struct bn_forward, again)); }

/* ---- producer ids ---- */

static bool take_id(struct bn_forward *f, int64_t *out) {
    if (f->next_id == f->end_id) {
        f->next_id = f->spare_id;
        f->end_id = f->spare_end;
        f->spare_id = f->spare_end = 0;
    }
    if (f->next_id == f->end_id) return false;
    *out = f->next_id++;
    return true;
}

static void give_ids(struct bn_forward *f) {
    while (!bn_list_empty(&f->id_waiting)) {
        struct bn_forward_ask *k = BN_CONTAINER_OF(f->id_waiting.next, struct bn_forward_ask, link);
        if (!take_id(f, &k->id)) break;
        bn_forward_answer(k, BN_FORWARD_NONE);
    }
    fetch_ids(f);
}

static void on_ids(const Bn__ProducerIdsReply *m, void *data) {
    struct bn_forward *f = data;
    f->fetching_ids = false;
    if (m && m->error == BN_FORWARD_NONE && m->first >= 0 && m->count > 0 && m->first <= INT64_MAX - m->count) {
        f->spare_id = m->first;
        f->spare_end = m->first + m->count;
        give_ids(f);
    } else {
        send_later(f);
    }
}

/* Nothing is fetched before somebody has asked for an id; then there is always a spare block, or one under way. */
static void fetch_ids(struct bn_forward *f) {
    bool wanted = !bn_list_empty(&f->id_waiting) || f->end_id > 0;
    if (!wanted || f->fetching_ids || f->spare_end > f->spare_id || !is_ready(f)) return;
    Bn__ProducerIdsRequest m = BN__PRODUCER_IDS_REQUEST__INIT;
    m.broker_id = f->agent->broker_id;
    m.broker_epoch = bn_register_epoch(f->agent->reg);
    f->fetching_ids = true;
    bn__controller__producer_ids(bn_uplink_client(f->agent->uplink), &m, on_ids, f);
}

/* ---- arrival on the agent's shard ---- */

static void must_wait(struct bn_forward *f, const struct bn_forward_ask *k) {
    if (k->in_line) f->line_waiting++;
    if (is_ready(f)) send_later(f);
}

static void arrive(struct bn_msg *m) {
    struct bn_forward_ask *k = BN_CONTAINER_OF(m, struct bn_forward_ask, msg);
    struct bn_forward *f = k->agent->forward;
    atomic_fetch_sub(&f->on_the_way, 1);
    bn_timer_init(&k->deadline, k->agent->loop, timed_out);
    if (k->timeout_ms) bn_timer_start(&k->deadline, k->timeout_ms);
    if (k->kind == BN_FORWARD_PRODUCER_ID) {
        bn_list_push_back(&f->id_waiting, &k->link);
        if (f->stopped)
            bn_forward_answer(k, COORDINATOR_LOAD_IN_PROGRESS);
        else
            give_ids(f);
        return;
    }
    bn_list_push_back(&f->waiting, &k->link);
    if (f->stopped)
        bn_forward_answer(k, BN_FORWARD_REQUEST_TIMED_OUT);
    else if (is_ready(f) && has_room(f, k) && !(k->in_line && f->line_waiting))
        send_ask(f, k);
    else
        must_wait(f, k);
}

struct bn_forward_ask *bn_forward_ask_new(struct bn_agent *a, struct bn_shard *shard, int kind, size_t extra) {
    struct bn_forward_ask *k = bn_alloc_zero(1, sizeof *k + extra);
    k->agent = a;
    k->shard = shard;
    k->kind = kind;
    k->msg.run = arrive;
    bn_list_init(&k->link);
    return k;
}

/* The count keeps the agent until k has arrived. */
void bn_forward_post(struct bn_forward_ask *k) {
    atomic_fetch_add(&k->agent->forward->on_the_way, 1);
    bn_shard_post(k->agent->config.shard, &k->msg);
}

void bn_forward_admin(void *agent, struct bn_shard *shard, int api_key, int version, struct bn_slice body,
                      struct bn_slice client_id, bool auto_create, uint32_t timeout_ms,
                      void (*reply)(void *reply_arg, int16_t error, struct bn_slice body), void *reply_arg) {
    struct bn_agent *a = agent;
    struct bn_forward_ask *k = bn_forward_ask_new(a, shard, BN_FORWARD_ADMIN, body.len + client_id.len);
    uint8_t *behind = (uint8_t *)(k + 1);
    if (body.len) memcpy(behind, body.ptr, body.len);
    if (client_id.len) memcpy(behind + body.len, client_id.ptr, client_id.len);
    k->api_key = api_key;
    k->version = version;
    k->body = bn_slice_of(behind, body.len);
    k->client_id = bn_slice_of(behind + body.len, client_id.len);
    k->auto_create = auto_create;
    k->timeout_ms = timeout_ms ? timeout_ms : 1;
    k->reply = reply;
    k->reply_arg = reply_arg;
    bn_forward_post(k);
}

void bn_forward_producer_id(void *agent, struct bn_shard *shard,
                            void (*reply)(void *reply_arg, int16_t error, int64_t id), void *reply_arg) {
    struct bn_agent *a = agent;
    struct bn_forward_ask *k = bn_forward_ask_new(a, shard, BN_FORWARD_PRODUCER_ID, 0);
    k->timeout_ms = PRODUCER_ID_MS;
    k->reply_id = reply;
    k->reply_arg = reply_arg;
    bn_forward_post(k);
}

void bn_forward_deleted(void *agent, const struct bn_uuid *topic_id, const char *topic, int32_t partition) {
    struct bn_agent *a = agent;
    struct bn_forward_ask *k = bn_forward_ask_new(a, a->config.shard, BN_FORWARD_DELETED, 0);
    k->topic_id = *topic_id;
    k->topic = bn_alloc_strdup(topic);
    k->partition = partition;
    bn_forward_post(k);
}

void bn_forward_controlled_shutdown(void *agent, struct bn_shard *shard, uint32_t timeout_ms,
                                    void (*reply)(void *reply_arg, int16_t error, int32_t remaining, int32_t may_move),
                                    void *reply_arg) {
    struct bn_agent *a = agent;
    struct bn_forward_ask *k = bn_forward_ask_new(a, shard, BN_FORWARD_SHUTDOWN, 0);
    k->timeout_ms = timeout_ms ? timeout_ms : 1;
    k->reply_shutdown = reply;
    k->reply_arg = reply_arg;
    bn_forward_post(k);
}

/* ---- life ---- */

struct bn_forward *bn_forward_new(struct bn_agent *a) {
    struct bn_forward *f = bn_alloc_zero(1, sizeof *f);
    f->agent = a;
    bn_list_init(&f->waiting);
    bn_list_init(&f->in_flight);
    bn_list_init(&f->id_waiting);
    bn_timer_init(&f->again, a->loop, send_again);
    return f;
}

/* What is in flight is answered when its connection ends, which comes before the agent's end. */
void bn_forward_stop(struct bn_forward *f) {
    f->stopped = true;
    bn_timer_stop(&f->again);
    for (struct bn_list *n; (n = bn_list_pop_front(&f->waiting));)
        bn_forward_answer(BN_CONTAINER_OF(n, struct bn_forward_ask, link), BN_FORWARD_REQUEST_TIMED_OUT);
    for (struct bn_list *n; (n = bn_list_pop_front(&f->id_waiting));) {
        bn_forward_answer(BN_CONTAINER_OF(n, struct bn_forward_ask, link), COORDINATOR_LOAD_IN_PROGRESS);
    }
}

bool bn_forward_is_idle(const struct bn_forward *f) {
    return atomic_load(&f->on_the_way) == 0 && bn_list_empty(&f->waiting) && bn_list_empty(&f->in_flight) &&
           bn_list_empty(&f->id_waiting);
}

void bn_forward_free(struct bn_forward *f) {
    BN_ASSERT(bn_forward_is_idle(f));
    bn_alloc_free(f);
}
