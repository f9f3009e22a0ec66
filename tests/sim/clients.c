/* clients.c: random use. Admin requests are Kafka's own bytes and go through broker/cluster's forwarding; batches go
 * to whom a random broker's metadata names as the leader, or just to anybody. */
#include "tests/sim/clients.h"

#include "broker/cluster/forward.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/codec.h"
#include "proto/kafka/kmsg.h"
#include "tests/sim/observer.h"
#include "tests/sim/replica.h"

enum { CREATE_TOPICS = 19, DELETE_TOPICS = 20, CREATE_PARTITIONS = 37, TIMEOUT_MS = 4000 };

struct sim_clients {
    int waiting;
    int64_t batches;
};

struct sim_clients *sim_clients_new(void) {
    struct sim_clients *c = bn_alloc_zero(1, sizeof *c);
    return c;
}

void sim_clients_free(struct sim_clients *c) {
    BN_ASSERT(c->waiting == 0);
    bn_alloc_free(c);
}

int sim_clients_waiting(const struct sim_clients *c) { return c->waiting; }

static struct sim_proc *some_broker(struct sim_world *w) {
    struct sim_proc *p = w->brokers[sim_below(w, (uint32_t)w->broker_count)];
    return p && p->state == SIM_RUNNING && p->held_ms <= w->now_ms ? p : NULL;
}

static void on_reply(void *arg, int16_t error, struct bn_slice body) {
    struct sim_clients *c = arg;
    (void)body;
    c->waiting--;
    sim_event(sim_here, "an admin request is answered: %d", error);
}

static void ask(struct sim_world *w, struct sim_proc *p, const struct bn_codec_desc *desc, int key, int version,
                void *request) {
    struct bn_chain chain;
    uint8_t body[1024];
    bn_chain_init(&chain);
    bn_codec_encode(desc, version, request, &chain);
    BN_ASSERT(chain.size_bytes <= sizeof body && bn_chain_copy_out(&chain, body) == BN_OK);
    w->clients->waiting++;
    struct sim_proc *before = sim_enter(w, p);
    bn_forward_admin(p->agent, p->shard, key, version, bn_slice_of(body, chain.size_bytes), BN_SLICE_LIT("sim"), false,
                     TIMEOUT_MS + 1000, on_reply, w->clients);
    sim_leave(w, before);
    bn_chain_fini(&chain);
}

static void create_topic(struct sim_world *w, struct sim_proc *p, const char *name) {
    struct kmsg_create_topics_request_topic t = {
        .name = bn_slice_str(name),
        .num_partitions = 1 + (int32_t)sim_below(w, 2),
        .replication_factor = (int16_t)(1 + sim_below(w, (uint32_t)bn_min_size((size_t)w->broker_count, 3)))};
    struct kmsg_create_topics_request r = {.topics = {&t, 1}, .timeout_ms = TIMEOUT_MS};
    sim_event(w, "somebody asks broker %d to create %s, %d partitions, %d replicas", p->id, name, t.num_partitions,
              t.replication_factor);
    ask(w, p, &kmsg_create_topics_request_desc, CREATE_TOPICS, 7, &r);
}

static void delete_topic(struct sim_world *w, struct sim_proc *p, const char *name) {
    struct bn_slice names[] = {bn_slice_str(name)};
    struct kmsg_delete_topics_request r = {.topic_names = {names, 1}, .timeout_ms = TIMEOUT_MS};
    sim_event(w, "somebody asks broker %d to delete %s", p->id, name);
    ask(w, p, &kmsg_delete_topics_request_desc, DELETE_TOPICS, 5, &r);
}

static void grow_topic(struct sim_world *w, struct sim_proc *p, const char *name) {
    struct kmsg_create_partitions_request_topic t = {.name = bn_slice_str(name),
                                                     .count = 2 + (int32_t)sim_below(w, SIM_PARTITIONS - 1)};
    struct kmsg_create_partitions_request r = {.topics = {&t, 1}, .timeout_ms = TIMEOUT_MS};
    sim_event(w, "somebody asks broker %d to let %s have %d partitions", p->id, name, t.count);
    ask(w, p, &kmsg_create_partitions_request_desc, CREATE_PARTITIONS, 3, &r);
}

void sim_clients_admin(struct sim_world *w) {
    struct sim_proc *p = some_broker(w);
    int n = (int)sim_below(w, SIM_NAMES);
    char name[16];
    if (!p) return;
    snprintf(name, sizeof name, "t%d", n);
    uint32_t dice = sim_below(w, 8);
    if (!w->observer->current[n] || dice == 0)
        create_topic(w, p, name);
    else if (dice < 4)
        delete_topic(w, p, name);
    else
        grow_topic(w, p, name);
}

void sim_clients_produce(struct sim_world *w) {
    struct sim_proc *asked = some_broker(w), *to = some_broker(w);
    int n = (int)sim_below(w, SIM_NAMES);
    char name[16];
    if (!asked) return;
    snprintf(name, sizeof name, "t%d", n);
    struct bn_image_topic *t = bn_image_topic(sim_replicas_current(asked->replicas), bn_slice_str(name));
    int32_t index = (int32_t)sim_below(w, t && t->partition_count ? (uint32_t)t->partition_count : SIM_PARTITIONS);
    const struct bn_image_partition *p = t ? bn_image_partition(t, index) : NULL;
    if (p && p->leader > 0 && !sim_chance(w, 8)) to = w->brokers[p->leader - 1];
    if (!to || to->state != SIM_RUNNING || to->held_ms > w->now_ms) return;
    sim_replicas_append(to->replicas, name, index, !sim_chance(w, 4), ++w->clients->batches);
}

void sim_clients_lag(struct sim_world *w) {
    struct sim_proc *p = some_broker(w);
    char name[16];
    if (!p) return;
    for (int n = 0; n < SIM_NAMES * SIM_PARTITIONS; n++) {
        snprintf(name, sizeof name, "t%d", n / SIM_PARTITIONS);
        if (sim_chance(w, 2) && sim_replicas_shrink(p->replicas, name, n % SIM_PARTITIONS)) return;
    }
}
