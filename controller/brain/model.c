/* model.c: the memory of the controller: brokers, and what the whole model needs. Topics are in model_topic.c. Decides
 * nothing; frees what it owns. */
#include "controller/brain/model.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/alter.h"
#include "controller/brain/blocks.h"
#include "controller/brain/config.h"
#include "controller/brain/config_alter.h"
#include "controller/brain/flight.h"
#include "controller/brain/groups.h"
#include "controller/brain/leaving.h"
#include "controller/brain/model_inside.h"
#include "controller/brain/request.h"

struct bn_model *bn_model_new(const struct bn_model_settings *settings) {
    struct bn_model *m = bn_alloc_zero(1, sizeof *m);
    m->settings = *settings;
    uint64_t x = settings->random_seed;
    for (int i = 0; i < 4; i++) { /* splitmix64 spreads a small seed over the generator's state */
        uint64_t z = (x += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        m->random[i] = z ^ (z >> 31);
    }
    m->timer_ms = -1;
    m->flight_next = 1;
    bn_list_init(&m->dirty);
    bn_list_init(&m->dirty_topics);
    bn_list_init(&m->changed);
    bn_list_init(&m->flights);
    bn_list_init(&m->requests);
    bn_list_init(&m->alters);
    bn_list_init(&m->config_alters);
    bn_list_init(&m->config_waits);
    bn_map_init(&m->config_busy);
    bn_map_init(&m->groups);
    bn_map_init(&m->group_busy);
    bn_list_init(&m->group_writes);
    bn_list_init(&m->group_reads);
    bn_list_init(&m->id_waits);
    bn_list_init(&m->leaving_waits);
    m->rebalance_ms = -1;
    bn_map_init(&m->topics);
    bn_map_init(&m->topics_by_id);
    bn_map_init(&m->configs);
    return m;
}

static void free_endpoints(struct bn_model_broker *b) {
    for (int32_t i = 0; i < b->endpoint_count; i++) {
        bn_alloc_free((void *)(uintptr_t)b->endpoints[i].listener);
        bn_alloc_free((void *)(uintptr_t)b->endpoints[i].security_protocol);
        bn_alloc_free((void *)(uintptr_t)b->endpoints[i].host);
    }
    bn_alloc_free(b->endpoints);
    b->endpoints = NULL;
    b->endpoint_count = 0;
}

void bn_model_free(struct bn_model *m) {
    if (!m) return;
    bn_request_drop_all(m);
    bn_alter_drop_all(m);
    bn_blocks_drop_all(m);
    bn_leaving_drop_all(m);
    bn_flight_drop_all(m);
    bn_config_alter_drop_all(m);
    bn_groups_drop_all(m);
    bn_map_fini(&m->config_busy);
    for (;;) {
        size_t at = 0;
        struct bn_map_entry *e = bn_map_next(&m->topics, &at);
        if (!e) break;
        bn_model_topic_forget(m, e->value);
    }
    for (int32_t i = 0; i < m->broker_count; i++) {
        free_endpoints(m->brokers[i]);
        bn_alloc_free(m->brokers[i]->rack);
        bn_alloc_free(m->brokers[i]);
    }
    bn_alloc_free(m->brokers);
    bn_config_drop_all(m);
    bn_map_fini(&m->topics);
    bn_map_fini(&m->topics_by_id);
    bn_map_fini(&m->configs);
    for (int32_t i = 0; i < m->removed_count; i++) bn_alloc_free((void *)(uintptr_t)m->removed[i].name);
    bn_alloc_free(m->removed);
    bn_alloc_free(m->cluster_id);
    bn_alloc_free(m);
}

static int32_t broker_place(const struct bn_model *m, int32_t id) { /* where it is, or belongs */
    int32_t low = 0, high = m->broker_count;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (m->brokers[mid]->id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct bn_model_broker *bn_model_broker(const struct bn_model *m, int32_t id) {
    int32_t at = broker_place(m, id);
    return at < m->broker_count && m->brokers[at]->id == id ? m->brokers[at] : NULL;
}

struct bn_model_broker *bn_model_broker_make(struct bn_model *m, int32_t id) {
    struct bn_model_broker *b = bn_model_broker(m, id);
    if (b) return b;
    int32_t at = broker_place(m, id);
    m->brokers = bn_alloc_resize(m->brokers, (size_t)(m->broker_count + 1) * sizeof *m->brokers);
    memmove(m->brokers + at + 1, m->brokers + at, (size_t)(m->broker_count - at) * sizeof *m->brokers);
    m->broker_count++;
    b = m->brokers[at] = bn_alloc_zero(1, sizeof *b);
    b->id = id;
    b->epoch = b->incarnation = b->admitted = b->fenced = -1;
    return b;
}

void bn_model_broker_describe(struct bn_model_broker *b, const struct bn_fact_broker *fact) {
    free_endpoints(b);
    bn_alloc_free(b->rack);
    b->rack = fact->rack ? bn_alloc_strdup(fact->rack) : NULL;
    b->endpoints = bn_alloc_zero((size_t)fact->endpoint_count + 1, sizeof *b->endpoints);
    b->endpoint_count = fact->endpoint_count;
    for (int32_t i = 0; i < fact->endpoint_count; i++) {
        const struct bn_fact_endpoint *e = &fact->endpoints[i];
        b->endpoints[i] = (struct bn_fact_endpoint){bn_alloc_strdup(e->listener), bn_alloc_strdup(e->security_protocol),
                                                    bn_alloc_strdup(e->host), e->port};
    }
}

bool bn_model_broker_differs(const struct bn_model_broker *b, const struct bn_fact_broker *fact) {
    if (!b->rack != !fact->rack || (b->rack && strcmp(b->rack, fact->rack) != 0)) return true;
    if (b->endpoint_count != fact->endpoint_count) return true;
    for (int32_t i = 0; i < b->endpoint_count; i++) {
        const struct bn_fact_endpoint *x = &b->endpoints[i], *y = &fact->endpoints[i];
        if (x->port != y->port || strcmp(x->host, y->host) != 0 || strcmp(x->listener, y->listener) != 0 ||
            strcmp(x->security_protocol, y->security_protocol) != 0)
            return true;
    }
    return false;
}

uint64_t bn_model_random(struct bn_model *m) { /* xoshiro256** */
    uint64_t *s = m->random, x = s[1] * 5;
    uint64_t result = ((x << 7) | (x >> 57)) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

int32_t bn_model_random_below(struct bn_model *m, int32_t bound) {
    BN_ASSERT(bound > 0);
    return (int32_t)((bn_model_random(m) >> 33) % (uint64_t)bound);
}

void bn_model_draw_id(struct bn_model *m, struct bn_uuid *out) {
    uint8_t bytes[16];
    do {
        uint64_t words[2] = {bn_model_random(m), bn_model_random(m)};
        memcpy(bytes, words, sizeof bytes);
    } while (!bn_uuid_from_random(bytes, out) || bn_model_topic_by_id(m, out));
}

void *bn_model_scratch(struct bn_model *m, size_t count, size_t size) {
    void *p = bn_arena_array(&m->out->arena, count ? count : 1, size);
    BN_ASSERT(p);
    return p;
}

char *bn_model_text(struct bn_model *m, const char *text) {
    if (!text) return NULL;
    char *copy = bn_arena_copy(&m->out->arena, bn_slice_str(text));
    BN_ASSERT(copy);
    return copy;
}

char *bn_model_textf(struct bn_model *m, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char text[1024];
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return bn_model_text(m, text);
}

struct bn_fact_ids bn_model_copy_ids(struct bn_model *m, struct bn_fact_ids ids) {
    if (ids.count == 0) return (struct bn_fact_ids){NULL, 0};
    int32_t *copy = bn_model_scratch(m, (size_t)ids.count, sizeof *copy);
    memcpy(copy, ids.ids, (size_t)ids.count * sizeof *copy);
    return (struct bn_fact_ids){copy, ids.count};
}

struct bn_fact_state bn_model_copy_state(struct bn_model *m, struct bn_fact_state s) {
    s.isr = bn_model_copy_ids(m, s.isr);
    s.elr = bn_model_copy_ids(m, s.elr);
    return s;
}

struct bn_fact_partition bn_model_copy_partition(struct bn_model *m, struct bn_fact_partition p) {
    p.replicas = bn_model_copy_ids(m, p.replicas);
    p.adding = bn_model_copy_ids(m, p.adding);
    p.removing = bn_model_copy_ids(m, p.removing);
    if (p.has_state) p.state = bn_model_copy_state(m, p.state);
    return p;
}

void bn_model_resign(struct bn_model *m, const char *reason) {
    if (m->resigned) return;
    m->resigned = true; /* the step ends with it */
    m->resign_reason = bn_model_text(m, reason);
}

void bn_model_count(const struct bn_model *m, struct bn_model_counts *out) {
    *out = (struct bn_model_counts){.sequence = m->sequence};
    for (int32_t i = 0; i < m->broker_count; i++) out->brokers += m->brokers[i]->registered;
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = e->value;
        if (t->kind == BN_MODEL_CREATING) continue;
        if (t->kind != BN_MODEL_LIVE) {
            out->topics_to_delete++;
            continue;
        }
        out->topics++;
        out->partitions += t->partition_count;
        out->offline_partitions += t->partition_count - t->led_count;
        for (int32_t i = 0; i < t->partition_count; i++) {
            const struct bn_model_partition *p = t->partitions[i];
            out->preferred_imbalance += p->has_state && p->replicas.count && p->state.leader != p->replicas.ids[0];
        }
    }
    for (const struct bn_list *l = m->flights.next; l != &m->flights; l = l->next) out->multis_in_flight++;
}
