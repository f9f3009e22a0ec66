/* delta.h: builds deltas for tests in an arena: what a controller would send. */
#ifndef UNIT_DELTA_H
#define UNIT_DELTA_H

#include "common/base/arena.h"
#include "proto/rpc/cluster.pb-c.h"
#include "tests/unit/unit.h"

struct delta {
    struct bn_arena arena;
    Bn__ImageDelta *d;
};

static inline void *delta_take(struct delta *b, size_t size) {
    void *p = bn_arena_alloc(&b->arena, size);
    ck_assert_ptr_nonnull(p);
    return p;
}

static inline void delta_init(struct delta *b, int32_t epoch, int64_t sequence, bool reset) {
    bn_arena_init(&b->arena, 64 << 20);
    b->d = delta_take(b, sizeof *b->d);
    bn__image_delta__init(b->d);
    b->d->controller_epoch = epoch;
    b->d->sequence = sequence;
    b->d->reset = reset;
}
static inline void delta_fini(struct delta *b) { bn_arena_fini(&b->arena); }

/* Room for one more message in a repeated field of at most 256. */
static inline void *delta_add(struct delta *b, void ***list, size_t *n, size_t size) {
    if (!*list) *list = delta_take(b, 256 * sizeof **list);
    ck_assert_uint_lt(*n, 256);
    return (*list)[(*n)++] = delta_take(b, size);
}

static inline Bn__Broker *delta_broker(struct delta *b, int32_t id, int64_t epoch) {
    Bn__Broker *m = delta_add(b, (void ***)&b->d->brokers, &b->d->n_brokers, sizeof *m);
    bn__broker__init(m);
    m->id = id;
    m->epoch = epoch;
    void **endpoints = NULL;
    Bn__Endpoint *e = delta_add(b, &endpoints, &m->n_endpoints, sizeof *e);
    bn__endpoint__init(e);
    e->listener = (char *)"PLAINTEXT";
    e->security_protocol = (char *)"PLAINTEXT";
    e->host = (char *)"localhost";
    e->port = 9092 + id;
    m->endpoints = (Bn__Endpoint **)endpoints;
    return m;
}

static inline void delta_remove_broker(struct delta *b, int32_t id) {
    if (!b->d->removed_brokers) b->d->removed_brokers = delta_take(b, 256 * sizeof(int32_t));
    b->d->removed_brokers[b->d->n_removed_brokers++] = id;
}

static inline ProtobufCBinaryData delta_id(struct delta *b, uint8_t id) {
    ProtobufCBinaryData d = {16, delta_take(b, 16)};
    memset(d.data, id, 16);
    return d;
}

static inline Bn__Topic *delta_topic(struct delta *b, const char *name, uint8_t id) {
    Bn__Topic *t = delta_add(b, (void ***)&b->d->topics, &b->d->n_topics, sizeof *t);
    bn__topic__init(t);
    t->name = bn_arena_copy(&b->arena, bn_slice_str(name));
    t->id = delta_id(b, id);
    return t;
}

static inline void delta_removed(struct delta *b, const char *name, uint8_t id) {
    Bn__RemovedTopic *t = delta_add(b, (void ***)&b->d->removed_topics, &b->d->n_removed_topics, sizeof *t);
    bn__removed_topic__init(t);
    t->name = bn_arena_copy(&b->arena, bn_slice_str(name));
    t->id = delta_id(b, id);
}

/* replicas: "12" = brokers 1 and 2; all of them in the ISR; the first leads. */
static inline Bn__Partition *delta_partition(struct delta *b, Bn__Topic *t, int32_t index, int32_t epoch,
                                             const char *replicas) {
    Bn__Partition *p = delta_add(b, (void ***)&t->partitions, &t->n_partitions, sizeof *p);
    bn__partition__init(p);
    p->index = index;
    p->leader_epoch = p->partition_epoch = epoch;
    p->n_replicas = p->n_isr = strlen(replicas);
    p->replicas = p->isr = delta_take(b, 16 * sizeof(int32_t));
    for (size_t i = 0; i < p->n_replicas; i++) p->replicas[i] = replicas[i] - '0';
    p->leader = p->n_replicas ? p->replicas[0] : -1;
    return p;
}

static inline Bn__EntityConfig *delta_config(struct delta *b, const char *type, const char *name, const char *value) {
    Bn__EntityConfig *c = delta_add(b, (void ***)&b->d->configs, &b->d->n_configs, sizeof *c);
    bn__entity_config__init(c);
    c->entity_type = (char *)type;
    c->entity_name = bn_arena_copy(&b->arena, bn_slice_str(name));
    if (!value) return c;
    void **entries = NULL;
    Bn__ConfigEntry *e = delta_add(b, &entries, &c->n_entries, sizeof *e);
    bn__config_entry__init(e);
    e->name = (char *)"retention.ms";
    e->value = bn_arena_copy(&b->arena, bn_slice_str(value));
    c->entries = (Bn__ConfigEntry **)entries;
    return c;
}

#endif
