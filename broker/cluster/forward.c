/* forward.c: what other shards ask of the active controller. Owns every question from its arrival on the agent's shard
 * until its answer is posted back, the blocks of producer ids, and the confirmations that are not yet heard.
 *
 *   ask (any shard) --mailbox--> WAITING (for a controller) --sent--> answered --mailbox--> reply (the asker's shard)
 *                                   ^            |  NOT_CONTROLLER, or the connection broke
 *                                   +------------+
 *
 * A question that has a deadline is answered at it, whatever is under way; a call that then still comes back frees the
 * question. One whose connection broke is asked again of the next controller: like Kafka's own forwarding, it may then
 * be told that what it asked for is already so. An ISR proposal is not: its maker must know that nothing is known. */
#include "broker/cluster/forward.h"

#include <stdatomic.h>

#include "broker/cluster/agent_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"

enum {
    NONE = 0,
    REQUEST_TIMED_OUT = 7,
    COORDINATOR_LOAD_IN_PROGRESS = 14,
    NOT_CONTROLLER = 41,
    PRODUCER_ID_MS = 1000,
    AGAIN_MS = 200,
    /* Beyond these, questions wait here: the connection would break at its own limits, and the stream with it. */
    FLIGHT_MAX = 2048,
    QUEUED_MAX = 16 << 20,
};

struct ask {
    struct bn_msg msg;
    struct bn_list link;
    struct bn_agent *agent;
    struct bn_shard *shard;
    enum { ADMIN, PRODUCER_ID, DELETED, ALTER_PARTITION, SHUTDOWN } kind;
    bool in_flight, answered;
    struct bn_timer deadline;
    uint32_t timeout_ms;
    /* ADMIN */
    int api_key, version;
    bool auto_create;
    struct bn_slice body, client_id; /* behind the struct */
    void (*reply)(void *reply_arg, int16_t error, struct bn_slice body);
    /* PRODUCER_ID */
    void (*reply_id)(void *reply_arg, int16_t error, int64_t id);
    int64_t id;
    /* DELETED */
    struct bn_uuid topic_id;
    char *topic;
    int32_t partition;
    /* ALTER_PARTITION: requests and answers travel packed */
    void (*reply_alter)(void *reply_arg, const Bn__AlterPartitionReply *answer);
    /* SHUTDOWN */
    void (*reply_shutdown)(void *reply_arg, int16_t error, int32_t remaining, int32_t may_move);
    int32_t remaining, may_move;
    void *reply_arg;
    int16_t error;
    uint8_t *answer;
    size_t answer_len;
};

struct bn_forward {
    struct bn_agent *agent;
    bool stopped;
    atomic_size_t on_the_way; /* posted by any shard, not yet arrived */
    size_t flight_count;
    struct bn_list waiting;      /* for a controller, in the order of arrival; all but PRODUCER_ID */
    struct bn_list in_flight;    /* calls under way */
    struct bn_list id_waiting;   /* PRODUCER_ID */
    int64_t next_id, end_id;     /* the block in use */
    int64_t spare_id, spare_end; /* the next one */
    bool fetching_ids;
    struct bn_timer again; /* sends what was refused */
};

static void send_ask(struct bn_forward *f, struct ask *k);
static void fetch_ids(struct bn_forward *f);

/* ---- the way back ---- */

static void ask_free(struct ask *k) {
    bn_alloc_free(k->topic);
    bn_alloc_free(k->answer);
    bn_alloc_free(k);
}

static void run_alter_reply(struct ask *k) {
    Bn__AlterPartitionReply *m = k->answer ? bn__alter_partition_reply__unpack(NULL, k->answer_len, k->answer) : NULL;
    k->reply_alter(k->reply_arg, m);
    if (m) bn__alter_partition_reply__free_unpacked(m, NULL);
}

static void run_reply(struct bn_msg *m) { /* the asker's shard */
    struct ask *k = BN_CONTAINER_OF(m, struct ask, msg);
    if (k->kind == ADMIN)
        k->reply(k->reply_arg, k->error, bn_slice_of(k->answer, k->answer_len));
    else if (k->kind == PRODUCER_ID)
        k->reply_id(k->reply_arg, k->error, k->id);
    else if (k->kind == ALTER_PARTITION)
        run_alter_reply(k);
    else if (k->kind == SHUTDOWN)
        k->reply_shutdown(k->reply_arg, k->error, k->remaining, k->may_move);
    ask_free(k);
}

/* The question is over on this shard. */
static void answer(struct ask *k, int16_t error) {
    bn_timer_stop(&k->deadline);
    bn_list_remove(&k->link);
    k->error = error;
    k->msg.run = run_reply;
    bn_shard_post(k->shard, &k->msg);
}

static void timed_out(struct bn_timer *t) {
    struct ask *k = BN_CONTAINER_OF(t, struct ask, deadline);
    if (!k->in_flight) {
        answer(k, k->kind == PRODUCER_ID ? COORDINATOR_LOAD_IN_PROGRESS : REQUEST_TIMED_OUT);
        return;
    }
    /* The call still holds this one: a copy carries the answer. */
    struct ask *copy = bn_alloc(sizeof *copy);
    *copy = *k;
    copy->topic = NULL;
    copy->answer = NULL;
    copy->answer_len = 0;
    bn_timer_init(&copy->deadline, k->agent->loop, timed_out);
    bn_list_init(&copy->link);
    k->answered = true;
    answer(copy, REQUEST_TIMED_OUT);
}

/* ---- calls ---- */

static bool is_ready(const struct bn_forward *f) {
    return !f->stopped && bn_agent_connected(f->agent) && bn_uplink_client(f->agent->uplink);
}

/* Whether the connection takes it now. Clients decide how many admin requests there are and how large; of the others
 * there are few. */
static bool has_room(const struct bn_forward *f, const struct ask *k) {
    if (k->kind != ADMIN) return true;
    return f->flight_count < FLIGHT_MAX && bn_rpc_queued_bytes(bn_uplink_peer(f->agent->uplink)) < QUEUED_MAX;
}

static void send_later(struct bn_forward *f) {
    if (!bn_timer_running(&f->again) && !f->stopped) bn_timer_start(&f->again, AGAIN_MS);
}

/* What every closure begins with. NULL: answered already, and freed now. */
static struct ask *returned(void *data) {
    struct ask *k = data;
    k->in_flight = false;
    k->agent->forward->flight_count--;
    if (!k->answered) return k;
    bn_list_remove(&k->link);
    ask_free(k);
    return NULL;
}

static void wait_again(struct ask *k) {
    struct bn_forward *f = k->agent->forward;
    bn_list_remove(&k->link);
    bn_list_push_back(&f->waiting, &k->link);
    send_later(f);
}

static void on_admin(const Bn__AdminReply *m, void *data) {
    struct ask *k = returned(data);
    if (!k) return;
    if ((!m || m->error == NOT_CONTROLLER) && !k->agent->forward->stopped) {
        wait_again(k);
        return;
    }
    if (m && m->error == NONE) {
        k->answer = bn_alloc(m->body.len);
        k->answer_len = m->body.len;
        if (m->body.len) memcpy(k->answer, m->body.data, m->body.len);
    }
    answer(k, m ? (int16_t)m->error : REQUEST_TIMED_OUT);
}

static void send_admin(struct bn_agent *a, struct ask *k) {
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
    struct ask *k = returned(data);
    if (!k) return;
    if ((!m || m->error != NONE) && !k->agent->forward->stopped) {
        wait_again(k);
        return;
    }
    bn_list_remove(&k->link);
    ask_free(k);
}

static void send_deleted(struct bn_agent *a, struct ask *k) {
    Bn__ReplicasDeletedRequest m = BN__REPLICAS_DELETED_REQUEST__INIT;
    m.broker_id = a->broker_id;
    m.broker_epoch = bn_register_epoch(a->reg);
    m.topic_id = (ProtobufCBinaryData){16, k->topic_id.bytes};
    m.topic = k->topic;
    m.partitions = &k->partition;
    m.n_partitions = k->partition >= 0 ? 1 : 0;
    bn__controller__replicas_deleted(bn_uplink_client(a->uplink), &m, on_deleted, k);
}

static void on_altered(const Bn__AlterPartitionReply *m, void *data) {
    struct ask *k = returned(data);
    if (!k) return;
    if (m) {
        k->answer_len = bn__alter_partition_reply__get_packed_size(m);
        k->answer = bn_alloc(k->answer_len);
        bn__alter_partition_reply__pack(m, k->answer);
    }
    answer(k, NONE);
}

static void send_alter(struct bn_agent *a, struct ask *k) {
    Bn__AlterPartitionRequest *m = bn__alter_partition_request__unpack(NULL, k->body.len, k->body.ptr);
    BN_ASSERT(m); /* we packed it ourselves */
    m->broker_id = a->broker_id;
    m->broker_epoch = bn_register_epoch(a->reg);
    bn__controller__alter_partition(bn_uplink_client(a->uplink), m, on_altered, k);
    bn__alter_partition_request__free_unpacked(m, NULL);
}

static void on_shutdown(const Bn__ControlledShutdownReply *m, void *data) {
    struct ask *k = returned(data);
    if (!k) return;
    if ((!m || m->error == NOT_CONTROLLER) && !k->agent->forward->stopped) {
        wait_again(k);
        return;
    }
    if (m) {
        k->remaining = m->remaining_count;
        k->may_move = m->may_move;
    }
    answer(k, m ? (int16_t)m->error : REQUEST_TIMED_OUT);
}

static void send_shutdown(struct bn_agent *a, struct ask *k) {
    Bn__ControlledShutdownRequest m = BN__CONTROLLED_SHUTDOWN_REQUEST__INIT;
    m.broker_id = a->broker_id;
    m.broker_epoch = bn_register_epoch(a->reg);
    bn__controller__controlled_shutdown(bn_uplink_client(a->uplink), &m, on_shutdown, k);
}

static void send_ask(struct bn_forward *f, struct ask *k) {
    bn_list_remove(&k->link);
    bn_list_push_back(&f->in_flight, &k->link);
    k->in_flight = true;
    f->flight_count++;
    if (k->kind == ADMIN)
        send_admin(f->agent, k);
    else if (k->kind == DELETED)
        send_deleted(f->agent, k);
    else if (k->kind == SHUTDOWN)
        send_shutdown(f->agent, k);
    else
        send_alter(f->agent, k);
}

void bn_forward_ready(struct bn_forward *f) {
    if (!is_ready(f)) return;
    fetch_ids(f);
    BN_LIST_FOR (n, &f->waiting) {
        struct ask *k = BN_CONTAINER_OF(n, struct ask, link);
        if (has_room(f, k)) send_ask(f, k);
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
        struct ask *k = BN_CONTAINER_OF(f->id_waiting.next, struct ask, link);
        if (!take_id(f, &k->id)) break;
        answer(k, NONE);
    }
    fetch_ids(f);
}

static void on_ids(const Bn__ProducerIdsReply *m, void *data) {
    struct bn_forward *f = data;
    f->fetching_ids = false;
    if (m && m->error == NONE && m->first >= 0 && m->count > 0 && m->first <= INT64_MAX - m->count) {
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

static void arrive(struct bn_msg *m) {
    struct ask *k = BN_CONTAINER_OF(m, struct ask, msg);
    struct bn_forward *f = k->agent->forward;
    atomic_fetch_sub(&f->on_the_way, 1);
    bn_timer_init(&k->deadline, k->agent->loop, timed_out);
    if (k->timeout_ms) bn_timer_start(&k->deadline, k->timeout_ms);
    if (k->kind == PRODUCER_ID) {
        bn_list_push_back(&f->id_waiting, &k->link);
        if (f->stopped)
            answer(k, COORDINATOR_LOAD_IN_PROGRESS);
        else
            give_ids(f);
        return;
    }
    bn_list_push_back(&f->waiting, &k->link);
    if (f->stopped)
        answer(k, REQUEST_TIMED_OUT);
    else if (is_ready(f) && has_room(f, k))
        send_ask(f, k);
    else if (is_ready(f))
        send_later(f);
}

static struct ask *ask_new(struct bn_agent *a, struct bn_shard *shard, int kind, size_t extra) {
    struct ask *k = bn_alloc_zero(1, sizeof *k + extra);
    k->agent = a;
    k->shard = shard;
    k->kind = kind;
    k->msg.run = arrive;
    bn_list_init(&k->link);
    return k;
}

/* The count keeps the agent until k has arrived. */
static void post(struct ask *k) {
    atomic_fetch_add(&k->agent->forward->on_the_way, 1);
    bn_shard_post(k->agent->config.shard, &k->msg);
}

void bn_forward_admin(void *agent, struct bn_shard *shard, int api_key, int version, struct bn_slice body,
                      struct bn_slice client_id, bool auto_create, uint32_t timeout_ms,
                      void (*reply)(void *reply_arg, int16_t error, struct bn_slice body), void *reply_arg) {
    struct bn_agent *a = agent;
    struct ask *k = ask_new(a, shard, ADMIN, body.len + client_id.len);
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
    post(k);
}

void bn_forward_producer_id(void *agent, struct bn_shard *shard,
                            void (*reply)(void *reply_arg, int16_t error, int64_t id), void *reply_arg) {
    struct bn_agent *a = agent;
    struct ask *k = ask_new(a, shard, PRODUCER_ID, 0);
    k->timeout_ms = PRODUCER_ID_MS;
    k->reply_id = reply;
    k->reply_arg = reply_arg;
    post(k);
}

void bn_forward_deleted(void *agent, const struct bn_uuid *topic_id, const char *topic, int32_t partition) {
    struct bn_agent *a = agent;
    struct ask *k = ask_new(a, a->config.shard, DELETED, 0);
    k->topic_id = *topic_id;
    k->topic = bn_alloc_strdup(topic);
    k->partition = partition;
    post(k);
}

void bn_forward_alter_partition(void *agent, struct bn_shard *shard, const Bn__AlterPartitionRequest *request,
                                void (*reply)(void *reply_arg, const Bn__AlterPartitionReply *answer),
                                void *reply_arg) {
    struct bn_agent *a = agent;
    size_t size = bn__alter_partition_request__get_packed_size(request);
    struct ask *k = ask_new(a, shard, ALTER_PARTITION, size);
    bn__alter_partition_request__pack(request, (uint8_t *)(k + 1));
    k->body = bn_slice_of(k + 1, size);
    k->reply_alter = reply;
    k->reply_arg = reply_arg;
    post(k);
}

void bn_forward_controlled_shutdown(void *agent, struct bn_shard *shard, uint32_t timeout_ms,
                                    void (*reply)(void *reply_arg, int16_t error, int32_t remaining, int32_t may_move),
                                    void *reply_arg) {
    struct bn_agent *a = agent;
    struct ask *k = ask_new(a, shard, SHUTDOWN, 0);
    k->timeout_ms = timeout_ms ? timeout_ms : 1;
    k->reply_shutdown = reply;
    k->reply_arg = reply_arg;
    post(k);
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
        answer(BN_CONTAINER_OF(n, struct ask, link), REQUEST_TIMED_OUT);
    for (struct bn_list *n; (n = bn_list_pop_front(&f->id_waiting));) {
        answer(BN_CONTAINER_OF(n, struct ask, link), COORDINATOR_LOAD_IN_PROGRESS);
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
