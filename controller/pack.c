/* pack.c: turns the brain's facts into protobuf messages. Owns nothing beyond a call: all is built in an arena, strings
 * and id lists stay where the brain has them. */
#include "controller/pack.h"

#include "common/base/arena.h"
#include "common/base/check.h"

/* Of one topic in one message; a larger topic is told in several pieces, each in one of its own. */
enum { TOPIC_BYTES_MAX = 700 * 1024, PARTITION_BYTES = 48, ID_BYTES = 6 };

struct pack {
    struct bn_arena arena;
    const struct bn_output_delta *d;
    Bn__Broker **brokers;
    Bn__EntityConfig **configs;
    Bn__Topic **topics;
    size_t topic_count; /* after splitting */
    Bn__RemovedTopic **removed;
};

static void *take(struct pack *p, size_t count, size_t size) {
    void *m = bn_arena_array(&p->arena, count + 1, size);
    BN_ASSERT(m);
    return m;
}

/* protobuf-c's packer only reads, but its structs are not const. */
static char *text(const char *s) { return (char *)(uintptr_t)(s ? s : ""); }
static ProtobufCBinaryData id_of(const struct bn_uuid *id) {
    return (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)id->bytes};
}

static void set_ids(size_t *n, int32_t **to, struct bn_fact_ids from) {
    *n = (size_t)from.count;
    *to = (int32_t *)(uintptr_t)from.ids;
}

void bn_pack_partition(Bn__Partition *out, const struct bn_fact_partition *in, bool is_new) {
    bn__partition__init(out);
    out->index = in->index;
    out->leader = in->has_state ? in->state.leader : BN_FACT_NO_LEADER;
    out->leader_epoch = in->state.leader_epoch;
    out->partition_epoch = in->state.version;
    out->controller_epoch = in->state.controller_epoch;
    set_ids(&out->n_replicas, &out->replicas, in->replicas);
    set_ids(&out->n_isr, &out->isr, in->state.isr);
    set_ids(&out->n_adding, &out->adding, in->adding);
    set_ids(&out->n_removing, &out->removing, in->removing);
    out->recovering = in->state.recovering;
    out->is_new = is_new;
}

static Bn__Broker *pack_broker(struct pack *p, const struct bn_fact_broker *in) {
    Bn__Broker *b = take(p, 1, sizeof *b);
    bn__broker__init(b);
    b->id = in->id;
    b->epoch = in->epoch;
    b->incarnation = in->incarnation;
    b->rack = text(in->rack);
    b->n_endpoints = (size_t)in->endpoint_count;
    b->endpoints = take(p, b->n_endpoints, sizeof *b->endpoints);
    for (size_t i = 0; i < b->n_endpoints; i++) {
        const struct bn_fact_endpoint *from = &in->endpoints[i];
        Bn__Endpoint *e = b->endpoints[i] = take(p, 1, sizeof *e);
        bn__endpoint__init(e);
        e->listener = text(from->listener);
        e->security_protocol = text(from->security_protocol);
        e->host = text(from->host);
        e->port = from->port;
    }
    return b;
}

static Bn__EntityConfig *pack_config(struct pack *p, const struct bn_fact_config *in) {
    Bn__EntityConfig *c = take(p, 1, sizeof *c);
    bn__entity_config__init(c);
    c->entity_type = text(in->type);
    c->entity_name = text(in->name);
    c->n_entries = (size_t)in->entry_count;
    c->entries = take(p, c->n_entries, sizeof *c->entries);
    for (size_t i = 0; i < c->n_entries; i++) {
        Bn__ConfigEntry *e = c->entries[i] = take(p, 1, sizeof *e);
        bn__config_entry__init(e);
        e->name = text(in->entries[i].name);
        e->value = text(in->entries[i].value);
    }
    return c;
}

static Bn__Topic *pack_topic(struct pack *p, const struct bn_output_topic *in, int32_t from, int32_t to) {
    Bn__Topic *t = take(p, 1, sizeof *t);
    bn__topic__init(t);
    t->name = text(in->name);
    t->id = id_of(&in->id);
    t->n_partitions = (size_t)(to - from);
    t->partitions = take(p, t->n_partitions, sizeof *t->partitions);
    Bn__Partition *room = take(p, t->n_partitions, sizeof *room);
    for (int32_t i = from; i < to; i++) {
        t->partitions[i - from] = &room[i - from];
        bn_pack_partition(&room[i - from], &in->partitions[i].fact, in->partitions[i].is_new);
    }
    return t;
}

/* Where the message that begins at `from` ends. */
static int32_t chunk_end(const struct bn_output_topic *t, int32_t from) {
    size_t bytes = 0;
    int32_t at = from;
    while (at < t->partition_count && (at == from || bytes < TOPIC_BYTES_MAX)) {
        const struct bn_fact_partition *f = &t->partitions[at++].fact;
        int32_t ids = f->replicas.count + f->adding.count + f->removing.count + f->state.isr.count;
        bytes += PARTITION_BYTES + (size_t)ids * ID_BYTES;
    }
    return at;
}

static void pack_topics(struct pack *p) {
    size_t chunks = 0;
    for (int32_t i = 0; i < p->d->topic_count; i++) {
        int32_t from = 0;
        do {
            from = chunk_end(&p->d->topics[i], from);
            chunks++;
        } while (from < p->d->topics[i].partition_count);
    }
    p->topics = take(p, chunks, sizeof *p->topics);
    for (int32_t i = 0; i < p->d->topic_count; i++) {
        const struct bn_output_topic *t = &p->d->topics[i];
        int32_t from = 0;
        do {
            int32_t to = chunk_end(t, from);
            p->topics[p->topic_count++] = pack_topic(p, t, from, to);
            from = to;
        } while (from < t->partition_count);
    }
    BN_ASSERT(p->topic_count == chunks);
}

static void pack_all(struct pack *p) {
    const struct bn_output_delta *d = p->d;
    p->brokers = take(p, (size_t)d->broker_count, sizeof *p->brokers);
    for (int32_t i = 0; i < d->broker_count; i++) p->brokers[i] = pack_broker(p, &d->brokers[i]);
    p->configs = take(p, (size_t)d->config_count, sizeof *p->configs);
    for (int32_t i = 0; i < d->config_count; i++) p->configs[i] = pack_config(p, &d->configs[i]);
    pack_topics(p);
    p->removed = take(p, (size_t)d->removed_topic_count, sizeof *p->removed);
    for (int32_t i = 0; i < d->removed_topic_count; i++) {
        Bn__RemovedTopic *r = p->removed[i] = take(p, 1, sizeof *r);
        bn__removed_topic__init(r);
        r->name = text(d->removed_topics[i].name);
        r->id = id_of(&d->removed_topics[i].id);
        r->partition_count = d->removed_topics[i].partition_count;
    }
}

/* How many of the messages at list[from..count) fit into what is left of a piece; at least one into an empty piece. */
static size_t fit(void *list, size_t from, size_t count, size_t *used) {
    ProtobufCMessage **messages = list;
    size_t at = from;
    while (at < count) {
        size_t size = protobuf_c_message_get_packed_size(messages[at]) + 8;
        if (*used > 0 && *used + size > BN_PACK_PIECE_MAX) break;
        *used += size;
        at++;
    }
    return at;
}

/* The same for topics; a message has a topic only once. */
static size_t fit_topics(struct pack *p, size_t from, size_t *used) {
    size_t end = fit(p->topics, from, p->topic_count, used);
    for (size_t at = from + 1; at < end; at++) {
        if (p->topics[at]->name == p->topics[at - 1]->name) return at;
    }
    return end;
}

void bn_pack_delta(const struct bn_output_delta *d, void (*send)(void *arg, const Bn__ImageDelta *piece), void *arg) {
    struct pack p = {.d = d};
    bn_arena_init(&p.arena, SIZE_MAX / 2);
    pack_all(&p);
    size_t b = 0, c = 0, t = 0, brokers = (size_t)d->broker_count, configs = (size_t)d->config_count;
    bool first = true, more = true;
    while (more) {
        Bn__ImageDelta m = BN__IMAGE_DELTA__INIT;
        size_t used = 0, b_end = fit(p.brokers, b, brokers, &used);
        size_t c_end = b_end == brokers ? fit(p.configs, c, configs, &used) : c;
        size_t t_end = c_end == configs ? fit_topics(&p, t, &used) : t;
        more = t_end < p.topic_count || c_end < configs || b_end < brokers;
        m.controller_epoch = d->controller_epoch;
        m.controller_id = d->controller_id;
        m.sequence = d->sequence;
        m.reset = d->reset && first;
        m.more = more;
        m.cluster_id = text(d->reset && first ? d->cluster_id : "");
        m.for_incarnation = d->for_incarnation;
        m.brokers = p.brokers + b;
        m.n_brokers = b_end - b;
        m.configs = p.configs + c;
        m.n_configs = c_end - c;
        m.topics = p.topics + t;
        m.n_topics = t_end - t;
        if (first)
            set_ids(&m.n_removed_brokers, &m.removed_brokers,
                    (struct bn_fact_ids){d->removed_brokers, d->removed_broker_count});
        if (!more) {
            m.removed_topics = p.removed;
            m.n_removed_topics = (size_t)d->removed_topic_count;
        }
        send(arg, &m);
        b = b_end, c = c_end, t = t_end;
        first = false;
    }
    bn_arena_fini(&p.arena);
}
