/* producers.c: producers, each with one batch at a time. An idempotent one (acks=all) sends a batch until it has an
 * answer that settles it, under the same sequence number; another one never sends a batch twice. A batch carries its
 * name, a number, in each of its records. */
#include "common/base/check.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/sim/clients.h"

enum { TRIES_MAX = 60, RECORDS_MAX = 3 };

/* ---- what is sent ---- */

static void think_of_something(struct sim_world *w, struct sim_producer *p) {
    struct sim_clients *c = w->clients;
    int n = (int)sim_below(w, SIM_NAMES);
    struct sim_topic *t = w->observer->current[n];
    if (w->healing || !t) return;
    int32_t count = 0;
    while (count < SIM_PARTITIONS && t->partitions[count].state_count) count++;
    if (count == 0) return;
    p->batch.id = ++c->batches;
    p->batch.name = n;
    p->batch.topic = t;
    p->batch.index = (int)sim_below(w, (uint32_t)count);
    p->batch.records = sim_chance(w, 3) ? 1 + (int)sim_below(w, RECORDS_MAX) : 1;
    p->batch.acks = p->idempotent || !sim_chance(w, 3) ? -1 : 1;
    p->batch.tries = 0;
    p->batch.again_ms = 0;
    p->batch.timestamp = t->compacted ? bn_clock_wall_ms(&w->clock) : 1700000000000;
    if (t->compacted) p->batch.keys = sim_below(w, 1u << 4 * RECORDS_MAX);
}

/* Of a compacted topic: under one of four keys; one in four is a tombstone, with the name in a header. */
static void add(const struct sim_producer *p, int i, struct bn_slice value, struct bn_batch_builder *b) {
    uint8_t headers[3 + 8] = {1 << 1, 'n', 8 << 1}; /* lengths are zigzag */
    uint32_t drawn = p->batch.keys >> 4 * i & 15;
    char key = (char)('a' + drawn % 4);
    memcpy(headers + 3, value.ptr, 8);
    if (!p->batch.topic->compacted)
        bn_batch_builder_add(b, i, p->batch.timestamp, BN_SLICE_NULL, value, 0, BN_SLICE_NULL);
    else if (drawn / 4 > 0)
        bn_batch_builder_add(b, i, p->batch.timestamp, bn_slice_of(&key, 1), value, 0, BN_SLICE_NULL);
    else
        bn_batch_builder_add(b, i, p->batch.timestamp, bn_slice_of(&key, 1), BN_SLICE_NULL, 1,
                             bn_slice_of(headers, sizeof headers));
}

static void encode(const struct sim_producer *p, struct bn_str *out) {
    struct bn_batch_builder b;
    uint8_t value[8];
    bn_put_u64(value, (uint64_t)p->batch.id);
    bn_batch_builder_init(&b);
    if (p->idempotent) {
        b.producer_id = p->id;
        b.producer_epoch = p->epoch;
        b.base_sequence = p->sequences[p->batch.name][p->batch.index];
    }
    for (int i = 0; i < p->batch.records; i++) add(p, i, bn_slice_of(value, 8), &b);
    BN_ASSERT(bn_batch_builder_finish(&b, BN_CODEC_NONE, -1, out) == 0);
    bn_batch_builder_fini(&b);
}

/* ---- what comes back ---- */

static void settled(struct sim_producer *p) {
    if (p->idempotent) p->sequences[p->batch.name][p->batch.index] += p->batch.records;
    p->batch.id = 0;
}

/* Nobody can tell any more what became of its batch: it begins anew, under another id. */
static void begin_anew(struct sim_producer *p) {
    p->id = -1;
    memset(p->sequences, 0, sizeof p->sequences);
    p->batch.id = 0;
}

static void again(struct sim_world *w, struct sim_producer *p) {
    p->batch.again_ms = w->now_ms + 20 + sim_below(w, 300);
    if (!p->idempotent)
        p->batch.id = 0;
    else if (++p->batch.tries > TRIES_MAX || w->observer->current[p->batch.name] != p->batch.topic)
        begin_anew(p);
}

/* Has a leader put it there? A broker that is behind may still have an earlier topic of that name. */
static bool was_put(const struct sim_observer *o, const struct sim_producer *p, int64_t base) {
    for (int32_t i = 0; i < o->topic_count; i++) {
        const struct sim_partition *part = &o->topics[i]->partitions[p->batch.index];
        if (strcmp(o->topics[i]->name, p->batch.topic->name) != 0) continue;
        for (int32_t e = 0; e < part->epoch_count; e++) {
            const struct sim_batch *b = sim_observer_batch(part, e, base);
            if (b && b->id == p->batch.id) return true;
        }
    }
    return false;
}

/* 2. What a client is told: some leader has put the batch where the answer says. */
static void acknowledged(struct sim_world *w, struct sim_producer *p, int64_t base) {
    sim_event(w, "producer %d hears that batch %d is at t%d-%d offset %d", p->number, (int)p->batch.id, p->batch.name,
              p->batch.index, (int)base);
    if (!was_put(w->observer, p, base))
        sim_violated(w, "AckKept", "batch %d is acknowledged at offset %d of t%d-%d, where nobody has put it",
                     (int)p->batch.id, (int)base, p->batch.name, p->batch.index);
    settled(p);
}

static void on_produced(void *arg, const struct bn_client_answer *a) {
    struct sim_world *w = sim_here;
    struct sim_producer *p = arg;
    p->asking = false;
    const struct kmsg_produce_response *r = a->response;
    if (a->status) {
        again(w, p);
        return;
    }
    const struct kmsg_produce_response_partition *got = &r->responses.v[0].partition_responses.v[0];
    switch (got->error_code) {
    case KE_NONE:
        acknowledged(w, p, got->base_offset);
        return;
    case KE_OUT_OF_ORDER_SEQUENCE_NUMBER:
    case KE_INVALID_PRODUCER_EPOCH:
    case KE_DUPLICATE_SEQUENCE_NUMBER:
        if (!sim_observer_leads(w, p->batch.topic, p->batch.index, p->batch.broker)) {
            again(w, p); /* who has been deposed does not know what has come since */
            return;
        }
        sim_invariant_in_sequence(w, p->batch.topic, p->batch.index, p->batch.tries, got->error_code);
        begin_anew(p);
        return;
    default:
        again(w, p);
    }
}

static void send(struct sim_world *w, struct sim_producer *p, struct bn_client *to) {
    struct kmsg_produce_request_partition part = kmsg_produce_request_partition_default;
    struct kmsg_produce_request_topic topic = kmsg_produce_request_topic_default;
    struct kmsg_produce_request r = kmsg_produce_request_default;
    struct bn_str bytes;
    char name[16];
    snprintf(name, sizeof name, "t%d", p->batch.name);
    bn_str_init(&bytes);
    encode(p, &bytes);
    part.index = p->batch.index;
    part.records.slice = bn_str_slice(&bytes);
    topic.name = bn_slice_str(name);
    topic.partition_data = (typeof(topic.partition_data)){&part, 1};
    r.topic_data = (typeof(r.topic_data)){&topic, 1};
    r.acks = p->batch.acks;
    r.timeout_ms = SIM_CALL_MS / 2;
    struct bn_client_call call = {.api_key = KAPI_PRODUCE,
                                  .version = BN_CLIENT_NEWEST,
                                  .request = &r,
                                  .timeout_ms = SIM_CALL_MS,
                                  .cb = on_produced,
                                  .arg = p};
    p->asking = bn_client_call(to, &call) == BN_OK;
    if (p->asking)
        sim_event(w, "producer %d sends batch %d for %s-%d, acks=%d%s, to %s", p->number, (int)p->batch.id, name,
                  p->batch.index, p->batch.acks, p->idempotent ? ", idempotent" : "", bn_client_peer(to));
    bn_str_fini(&bytes);
}

/* ---- its id ---- */

static void on_id(void *arg, const struct bn_client_answer *a) {
    struct sim_producer *p = arg;
    const struct kmsg_init_producer_id_response *r = a->response;
    p->asking = false;
    if (a->status || r->error_code) return;
    p->id = r->producer_id;
    p->epoch = r->producer_epoch;
}

static void ask_for_id(struct sim_world *w, struct sim_producer *p) {
    struct bn_client *to = sim_clients_of(w, (int)sim_below(w, (uint32_t)w->broker_count));
    struct kmsg_init_producer_id_request r = kmsg_init_producer_id_request_default;
    r.transactional_id = BN_SLICE_NULL;
    r.transaction_timeout_ms = 60000;
    struct bn_client_call call = {.api_key = KAPI_INIT_PRODUCER_ID,
                                  .version = BN_CLIENT_NEWEST,
                                  .request = &r,
                                  .timeout_ms = SIM_CALL_MS,
                                  .cb = on_id,
                                  .arg = p};
    p->asking = to && bn_client_call(to, &call) == BN_OK;
}

void sim_producers_step(struct sim_world *w, struct sim_producer *p) {
    if (p->asking) return;
    if (!p->batch.id) think_of_something(w, p);
    if (!p->batch.id || p->batch.again_ms > w->now_ms) return;
    if (p->idempotent && p->id < 0) {
        ask_for_id(w, p);
        return;
    }
    int leader = sim_clients_leader(w, w->observer->current[p->batch.name], p->batch.index);
    struct bn_client *to = leader >= 0 ? sim_clients_of(w, leader) : NULL;
    p->batch.broker = leader;
    if (to)
        send(w, p, to);
    else if (w->observer->current[p->batch.name] != p->batch.topic)
        again(w, p);
}
