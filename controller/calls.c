/* calls.c: serves the RPC service Controller. Owns what waits for a reply of the brain, by token.
 *
 * A call becomes an event with a new token; the brain's reply names the token. A connection that ends meanwhile does
 * not matter here: its calls are answered into nothing. Only the active controller takes calls; others answer 41. */
#include "controller/calls.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "controller/admin.h"
#include "controller/calls_group.h"
#include "controller/channel.h"
#include "controller/group_read.h"
#include "controller/pack.h"
#include "proto/kafka/errors.h"

enum kind {
    ALTER_PARTITION,
    ADMIN,
    PRODUCER_IDS,
    REPLICAS_DELETED,
    BROKER_ID,
    CONTROLLED_SHUTDOWN,
    GROUP_WRITE,
    GROUP_READ
};

enum { REMAINING_TOLD_MAX = 100 };

struct waiting {
    uint64_t token;
    enum kind kind;
    ProtobufCClosure closure;
    void *data;
    struct bn_admin admin; /* ADMIN */
    struct bn_calls *calls;
    struct bn_group_read *reading; /* GROUP_READ: under way, or being told */
};

struct bn_calls {
    Bn__Controller_Service service; /* first: handlers find us by it */
    ProtobufCService *services[1];
    struct bn_controller *c;
    struct bn_map waiting;
    struct bn_group_read_line reads;
};

#define CLOSURE(f) ((ProtobufCClosure)(void (*)(void))(f))

/* ---- answers ---- */

static void answer_error(struct waiting *w, int error) {
    switch (w->kind) {
    case ALTER_PARTITION: {
        Bn__AlterPartitionReply m = BN__ALTER_PARTITION_REPLY__INIT;
        m.error = error;
        w->closure(&m.base, w->data);
        return;
    }
    case ADMIN: {
        Bn__AdminReply m = BN__ADMIN_REPLY__INIT;
        m.error = error;
        w->closure(&m.base, w->data);
        return;
    }
    case PRODUCER_IDS: {
        Bn__ProducerIdsReply m = BN__PRODUCER_IDS_REPLY__INIT;
        m.error = error;
        w->closure(&m.base, w->data);
        return;
    }
    case REPLICAS_DELETED: {
        Bn__Ack m = BN__ACK__INIT;
        m.error = error;
        w->closure(&m.base, w->data);
        return;
    }
    case BROKER_ID: {
        Bn__BrokerIdReply m = BN__BROKER_ID_REPLY__INIT;
        m.error = error;
        m.broker_id = -1;
        w->closure(&m.base, w->data);
        return;
    }
    case CONTROLLED_SHUTDOWN: {
        Bn__ControlledShutdownReply m = BN__CONTROLLED_SHUTDOWN_REPLY__INIT;
        m.error = error;
        w->closure(&m.base, w->data);
        return;
    }
    case GROUP_WRITE: {
        Bn__GroupWriteReply m = BN__GROUP_WRITE_REPLY__INIT;
        m.error = error;
        w->closure(&m.base, w->data);
        return;
    }
    case GROUP_READ: {
        Bn__GroupReadReply m = BN__GROUP_READ_REPLY__INIT;
        m.error = error;
        w->closure(&m.base, w->data);
        return;
    }
    }
}

static void forget(struct bn_calls *k, struct waiting *w) {
    bn_group_read_free(w->reading);
    bn_map_remove(&k->waiting, bn_map_key_u64(&w->token));
    if (w->kind == ADMIN) bn_admin_fini(&w->admin);
    bn_alloc_free(w);
}

static void answer_admin(struct waiting *w, const struct bn_output_reply *r) {
    struct bn_chain chain;
    bn_chain_init(&chain);
    bn_admin_encode(&w->admin, r, &chain);
    Bn__AdminReply m = BN__ADMIN_REPLY__INIT;
    if (chain.size_bytes > BN_ADMIN_ANSWER_MAX) { /* else it would be asked, and done, again and again */
        m.error = KE_UNKNOWN_SERVER_ERROR;
        bn_chain_fini(&chain);
        bn_chain_init(&chain);
    }
    m.body.len = chain.size_bytes;
    m.body.data = bn_alloc(chain.size_bytes);
    int rc = bn_chain_copy_out(&chain, m.body.data);
    BN_ASSERT(rc == BN_OK); /* memory only */
    w->closure(&m.base, w->data);
    bn_alloc_free(m.body.data);
    bn_chain_fini(&chain);
}

static void answer_alter(struct waiting *w, const struct bn_output_reply *r, int32_t epoch) {
    Bn__AlterPartitionReply m = BN__ALTER_PARTITION_REPLY__INIT;
    size_t n = (size_t)r->alter_count;
    struct {
        Bn__AlterPartitionResult result;
        Bn__Partition state;
    } *rows = bn_alloc_zero(n, sizeof *rows);
    Bn__AlterPartitionResult **list = bn_alloc_zero(n, sizeof *list);
    for (size_t i = 0; i < n; i++) {
        const struct bn_output_alter_result *from = &r->alters[i];
        bn__alter_partition_result__init(&rows[i].result);
        rows[i].result.topic_id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)from->topic_id.bytes};
        rows[i].result.partition = from->partition;
        rows[i].result.error = from->error;
        if (from->state) {
            bn_pack_partition(&rows[i].state, from->state, false);
            rows[i].result.state = &rows[i].state;
        }
        list[i] = &rows[i].result;
    }
    m.controller_epoch = epoch;
    m.results = list;
    m.n_results = n;
    w->closure(&m.base, w->data);
    bn_alloc_free(rows);
    bn_alloc_free(list);
}

static void answer_shutdown(struct waiting *w, const struct bn_output_reply *r) {
    Bn__ControlledShutdownReply m = BN__CONTROLLED_SHUTDOWN_REPLY__INIT;
    Bn__TopicPartition rows[REMAINING_TOLD_MAX], *list[REMAINING_TOLD_MAX];
    for (int32_t i = 0; i < r->remaining_count && i < REMAINING_TOLD_MAX; i++) {
        bn__topic_partition__init(&rows[i]);
        rows[i].topic = (char *)(uintptr_t)r->remaining[i].topic;
        rows[i].partition = r->remaining[i].partition;
        list[m.n_remaining++] = &rows[i];
    }
    m.remaining = list;
    m.remaining_count = r->remaining_count;
    m.may_move = r->may_move;
    w->closure(&m.base, w->data);
}

/* The groups have been read. */
static void groups_read(void *arg, struct bn_group_read *r) {
    struct waiting *w = arg;
    if (r->status != BN_OK)
        answer_error(w, BN_KERR_NOT_CONTROLLER); /* to be asked again */
    else
        bn_calls_group_answer(r, w->closure, w->data);
    forget(w->calls, w);
}

void bn_calls_reply(struct bn_calls *k, const struct bn_output_reply *r) {
    struct waiting *w = bn_map_get(&k->waiting, bn_map_key_u64(&r->token));
    BN_ASSERT(w); /* exactly one reply for each token */
    if (r->error == 0 && w->kind == GROUP_READ) {
        w->reading = bn_group_read_start(&k->reads, k->c->zk, r->groups, r->group_count, groups_read, w);
        return;
    }
    if (r->error != 0 && w->kind != ADMIN) {
        answer_error(w, r->error);
    } else if (w->kind == ADMIN) {
        if (r->error != 0)
            answer_error(w, r->error);
        else
            answer_admin(w, r);
    } else if (w->kind == ALTER_PARTITION) {
        answer_alter(w, r, k->c->epoch);
    } else if (w->kind == PRODUCER_IDS) {
        Bn__ProducerIdsReply m = BN__PRODUCER_IDS_REPLY__INIT;
        m.first = r->first_producer_id;
        m.count = r->producer_id_count;
        w->closure(&m.base, w->data);
    } else if (w->kind == BROKER_ID) {
        Bn__BrokerIdReply m = BN__BROKER_ID_REPLY__INIT;
        m.broker_id = r->broker_id;
        w->closure(&m.base, w->data);
    } else if (w->kind == CONTROLLED_SHUTDOWN) {
        answer_shutdown(w, r);
    } else {
        answer_error(w, 0);
    }
    forget(k, w);
}

void bn_calls_fail_all(struct bn_calls *k) {
    while (k->waiting.count) {
        size_t at = 0;
        struct waiting *w = bn_map_next(&k->waiting, &at)->value;
        answer_error(w, BN_KERR_NOT_CONTROLLER);
        forget(k, w);
    }
}

/* ---- handlers ---- */

/* NULL: not active; answered already. */
static struct waiting *begin(Bn__Controller_Service *s, enum kind kind, ProtobufCClosure closure, void *data) {
    struct bn_calls *k = BN_CONTAINER_OF(s, struct bn_calls, service);
    struct waiting *w = bn_alloc_zero(1, sizeof *w);
    *w = (struct waiting){.token = k->c->next_token++, .kind = kind, .closure = closure, .data = data, .calls = k};
    bn_arena_init(&w->admin.arena, BN_ADMIN_BUDGET);
    bn_map_put(&k->waiting, bn_map_key_u64(&w->token), w);
    if (k->c->reign == BN_REIGN_ACTIVE) return w;
    answer_error(w, BN_KERR_NOT_CONTROLLER);
    forget(k, w);
    return NULL;
}

static struct bn_controller *controller_of(Bn__Controller_Service *s) {
    return BN_CONTAINER_OF(s, struct bn_calls, service)->c;
}

static void refuse(Bn__Controller_Service *s, struct waiting *w, int error) {
    answer_error(w, error);
    forget(BN_CONTAINER_OF(s, struct bn_calls, service), w);
}

static bool fill_item(struct bn_event_alter_item *to, const Bn__AlterPartitionItem *from) {
    if (from->topic_id.len != 16 || from->n_isr > 1024) return false;
    if (from->n_isr_broker_epochs != 0 && from->n_isr_broker_epochs != from->n_isr) return false;
    *to = (struct bn_event_alter_item){
        .partition = from->partition,
        .leader_epoch = from->leader_epoch,
        .partition_epoch = from->partition_epoch,
        .isr = {from->isr, (int32_t)from->n_isr},
        .isr_broker_epochs = from->n_isr_broker_epochs ? from->isr_broker_epochs : NULL,
        .recovering = from->recovering,
    };
    memcpy(to->topic_id.bytes, from->topic_id.data, 16);
    return true;
}

static void alter_partition(Bn__Controller_Service *s, const Bn__AlterPartitionRequest *in,
                            Bn__AlterPartitionReply_Closure closure, void *data) {
    struct waiting *w = begin(s, ALTER_PARTITION, CLOSURE(closure), data);
    if (!w) return;
    struct bn_event_alter_item *items = bn_alloc_zero(in->n_items, sizeof *items);
    bool ok = in->n_items <= INT32_MAX;
    for (size_t i = 0; ok && i < in->n_items; i++) ok = fill_item(&items[i], in->items[i]);
    if (ok) {
        struct bn_event e = {
            .kind = BN_EVENT_ALTER_PARTITION,
            .u.alter_partition = {w->token, in->broker_id, in->broker_epoch, items, (int32_t)in->n_items}};
        bn_controller_event(controller_of(s), &e);
    } else {
        refuse(s, w, BN_KERR_INVALID_REQUEST);
    }
    bn_alloc_free(items);
}

static void set_token(struct bn_event *e, uint64_t token) {
    if (e->kind == BN_EVENT_ELECT_LEADERS)
        e->u.elect_leaders.token = token;
    else if (e->kind == BN_EVENT_CREATE_TOPICS)
        e->u.create_topics.token = token;
    else if (e->kind == BN_EVENT_DELETE_TOPICS)
        e->u.delete_topics.token = token;
    else if (e->kind == BN_EVENT_ALTER_CONFIGS)
        e->u.alter_configs.token = token;
    else
        e->u.create_partitions.token = token;
}

static void admin(Bn__Controller_Service *s, const Bn__AdminRequest *in, Bn__AdminReply_Closure closure, void *data) {
    struct waiting *w = begin(s, ADMIN, CLOSURE(closure), data);
    if (!w) return;
    int16_t error = bn_admin_decode(&w->admin, controller_of(s), in);
    if (error) {
        refuse(s, w, error);
        return;
    }
    struct bn_event e = w->admin.event;
    set_token(&e, w->token);
    bn_controller_event(controller_of(s), &e);
}

static void producer_ids(Bn__Controller_Service *s, const Bn__ProducerIdsRequest *in,
                         Bn__ProducerIdsReply_Closure closure, void *data) {
    struct waiting *w = begin(s, PRODUCER_IDS, CLOSURE(closure), data);
    if (!w) return;
    struct bn_event e = {.kind = BN_EVENT_PRODUCER_IDS, .u.producer_ids = {w->token, in->broker_id, in->broker_epoch}};
    bn_controller_event(controller_of(s), &e);
}

static void replicas_deleted(Bn__Controller_Service *s, const Bn__ReplicasDeletedRequest *in, Bn__Ack_Closure closure,
                             void *data) {
    struct waiting *w = begin(s, REPLICAS_DELETED, CLOSURE(closure), data);
    if (!w) return;
    if (in->topic_id.len != 16 || in->n_partitions > INT32_MAX) {
        refuse(s, w, BN_KERR_INVALID_REQUEST);
        return;
    }
    struct bn_event e = {.kind = BN_EVENT_REPLICAS_DELETED};
    e.u.replicas_deleted = (struct bn_event_replicas_deleted){.token = w->token,
                                                              .broker = in->broker_id,
                                                              .broker_epoch = in->broker_epoch,
                                                              .partitions = in->partitions,
                                                              .partition_count = (int32_t)in->n_partitions};
    memcpy(e.u.replicas_deleted.topic_id.bytes, in->topic_id.data, 16);
    bn_controller_event(controller_of(s), &e);
}

static void broker_id(Bn__Controller_Service *s, const Bn__BrokerIdRequest *in, Bn__BrokerIdReply_Closure closure,
                      void *data) {
    struct waiting *w = begin(s, BROKER_ID, CLOSURE(closure), data);
    if (!w) return;
    struct bn_event e = {.kind = BN_EVENT_BROKER_ID, .u.broker_id = {w->token, in->reserved_max}};
    bn_controller_event(controller_of(s), &e);
}

static void controlled_shutdown(Bn__Controller_Service *s, const Bn__ControlledShutdownRequest *in,
                                Bn__ControlledShutdownReply_Closure closure, void *data) {
    struct waiting *w = begin(s, CONTROLLED_SHUTDOWN, CLOSURE(closure), data);
    if (!w) return;
    struct bn_event e = {.kind = BN_EVENT_CONTROLLED_SHUTDOWN,
                         .u.controlled_shutdown = {w->token, in->broker_id, in->broker_epoch}};
    bn_controller_event(controller_of(s), &e);
}

static void group_write(Bn__Controller_Service *s, const Bn__GroupWriteRequest *in, Bn__GroupWriteReply_Closure closure,
                        void *data) {
    struct waiting *w = begin(s, GROUP_WRITE, CLOSURE(closure), data);
    if (!w) return;
    struct bn_arena arena;
    struct bn_event e = {.kind = BN_EVENT_GROUP_WRITE};
    bn_arena_init(&arena, SIZE_MAX / 2); /* as large as the request, which has its budget */
    bool ok = bn_calls_group_event(in, &arena, &e.u.group_write);
    e.u.group_write.token = w->token;
    if (ok)
        bn_controller_event(controller_of(s), &e);
    else
        refuse(s, w, BN_KERR_INVALID_REQUEST);
    bn_arena_fini(&arena);
}

static void group_read(Bn__Controller_Service *s, const Bn__GroupReadRequest *in, Bn__GroupReadReply_Closure closure,
                       void *data) {
    struct waiting *w = begin(s, GROUP_READ, CLOSURE(closure), data);
    if (!w) return;
    char *after = bn_alloc_strndup(in->after.len ? in->after.data : (const uint8_t *)"", in->after.len);
    struct bn_event e = {.kind = BN_EVENT_GROUP_READ};
    e.u.group_read = (struct bn_event_group_read){
        w->token, in->broker_id, in->broker_epoch, in->offsets_partition, in->leader_epoch, after};
    bn_controller_event(controller_of(s), &e);
    bn_alloc_free(after);
}

struct bn_calls *bn_calls_new(struct bn_controller *c) {
    struct bn_calls *k = bn_alloc_zero(1, sizeof *k);
    k->c = c;
    bn_map_init(&k->waiting);
    bn_group_read_line_init(&k->reads);
    k->service = (Bn__Controller_Service){.base = BN__CONTROLLER__BASE_INIT,
                                          .hello = bn_channel_hello,
                                          .alter_partition = alter_partition,
                                          .admin = admin,
                                          .producer_ids = producer_ids,
                                          .replicas_deleted = replicas_deleted,
                                          .broker_id = broker_id,
                                          .controlled_shutdown = controlled_shutdown,
                                          .group_write = group_write,
                                          .group_read = group_read};
    k->services[0] = &k->service.base;
    return k;
}

void bn_calls_free(struct bn_calls *k) {
    bn_calls_fail_all(k);
    bn_map_fini(&k->waiting);
    bn_alloc_free(k);
}

ProtobufCService *const *bn_calls_services(struct bn_calls *k, int *count) {
    *count = 1;
    return k->services;
}
