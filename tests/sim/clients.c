/* clients.c: owns the clients' process, its connections, and the one who administers. Whom to ask for a partition they
 * know from ZooKeeper, as a client with fresh metadata would, and now and then they ask somebody else. */
#include "tests/sim/clients.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/codec.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"

enum { CONNECT_MS = 3000 };

struct sim_clients *sim_clients_new(struct sim_world *w) {
    struct sim_clients *c = bn_alloc_zero(1, sizeof *c);
    w->users = sim_procs_new(w, SIM_CLIENT, 0);
    struct sim_where before = sim_enter(w, w->users, NULL);
    bn_shard_start(bn_shard_new(0));
    sim_leave(w, before);
    for (int i = 0; i < SIM_PRODUCERS; i++)
        c->producers[i] = (struct sim_producer){.number = i, .idempotent = i < SIM_PRODUCERS / 2, .id = -1};
    for (int i = 0; i < SIM_CONSUMERS; i++) c->consumers[i].number = i;
    return c;
}

/* ---- connections ---- */

static void on_closed(void *arg, const struct bn_err *e) {
    struct bn_client **at = arg;
    (void)e;
    bn_client_free(*at);
    *at = NULL;
}

struct bn_client *sim_clients_of(struct sim_world *w, int broker) {
    struct bn_client **at = &w->clients->connections[broker];
    if (*at) return bn_client_is_ready(*at) ? *at : NULL;
    struct bn_client_conf conf = {.host = "127.0.0.1",
                                  .port = SIM_PORT_BROKER + broker + 1,
                                  .client_id = "sim",
                                  .connect_timeout_ms = CONNECT_MS,
                                  .on_closed = on_closed,
                                  .arg = at};
    *at = bn_client_connect(w->users->shards[0]->loop, &conf, NULL);
    return NULL;
}

int sim_clients_leader(struct sim_world *w, const struct sim_topic *t, int32_t index) {
    const struct sim_partition *p = t ? &t->partitions[index] : NULL;
    if (!w->healing && sim_chance(w, 10)) return (int)sim_below(w, (uint32_t)w->broker_count);
    return p && p->state_count ? p->states[p->state_count - 1].leader - 1 : -1;
}

/* ---- topics made and deleted ---- */

static void on_reply(void *arg, const struct bn_client_answer *a) {
    struct sim_clients *c = arg;
    c->admin--;
    sim_event(sim_here, "an admin request is answered: %s", a->status ? a->why : "done or refused");
}

static void ask(struct sim_world *w, int broker, int key, void *request) {
    struct bn_client *client = sim_clients_of(w, broker);
    struct bn_client_call call = {.api_key = key,
                                  .version = BN_CLIENT_NEWEST,
                                  .request = request,
                                  .timeout_ms = 2 * SIM_CALL_MS,
                                  .cb = on_reply,
                                  .arg = w->clients};
    if (client && bn_client_call(client, &call) == BN_OK) w->clients->admin++;
}

static bool is_compacted(const char *name) { return name[1] < '0' + SIM_COMPACTED; }

static void create_topic(struct sim_world *w, int broker, const char *name) {
    struct kmsg_create_topics_request_topic t = kmsg_create_topics_request_topic_default;
    struct kmsg_create_topics_request_config compact = {bn_slice_str("cleanup.policy"), bn_slice_str("compact")};
    struct kmsg_create_topics_request r = kmsg_create_topics_request_default;
    t.name = bn_slice_str(name);
    t.num_partitions = 1 + (int32_t)sim_below(w, 2);
    t.replication_factor = (int16_t)bn_min_size((size_t)w->broker_count, 2 + sim_below(w, 2));
    if (sim_chance(w, 6)) t.replication_factor = 1;
    if (w->compacts && is_compacted(name)) t.configs = (typeof(t.configs)){&compact, 1};
    r.topics = (typeof(r.topics)){&t, 1};
    r.timeout_ms = SIM_CALL_MS;
    sim_event(w, "somebody asks broker %d to create %s, %d partitions, %d replicas", broker + 1, name, t.num_partitions,
              t.replication_factor);
    ask(w, broker, KAPI_CREATE_TOPICS, &r);
}

static void delete_topic(struct sim_world *w, int broker, const char *name) {
    struct kmsg_delete_topics_request_topic t = kmsg_delete_topics_request_topic_default;
    struct kmsg_delete_topics_request r = kmsg_delete_topics_request_default;
    t.name = bn_slice_str(name);
    r.topics = (typeof(r.topics)){&t, 1};
    r.timeout_ms = SIM_CALL_MS;
    sim_event(w, "somebody asks broker %d to delete %s", broker + 1, name);
    ask(w, broker, KAPI_DELETE_TOPICS, &r);
}

static void grow_topic(struct sim_world *w, int broker, const char *name) {
    struct kmsg_create_partitions_request_topic t = kmsg_create_partitions_request_topic_default;
    struct kmsg_create_partitions_request r = kmsg_create_partitions_request_default;
    t.name = bn_slice_str(name);
    t.count = 2 + (int32_t)sim_below(w, SIM_PARTITIONS - 1);
    t.assignments.n = -1;
    r.topics = (typeof(r.topics)){&t, 1};
    r.timeout_ms = SIM_CALL_MS;
    sim_event(w, "somebody asks broker %d to let %s have %d partitions", broker + 1, name, t.count);
    ask(w, broker, KAPI_CREATE_PARTITIONS, &r);
}

static void administer(struct sim_world *w) {
    int n = (int)sim_below(w, SIM_NAMES), broker = (int)sim_below(w, (uint32_t)w->broker_count);
    char name[16];
    snprintf(name, sizeof name, "t%d", n);
    bool first = !w->observer->current[n];
    if (first && !w->observer->last[n])
        create_topic(w, broker, name);
    else if (!sim_chance(w, 12))
        return; /* topics live long enough to be used */
    else if (first || sim_chance(w, 4))
        create_topic(w, broker, name);
    else if (sim_chance(w, 2))
        delete_topic(w, broker, name);
    else
        grow_topic(w, broker, name);
}

/* ---- all together ---- */

void sim_clients_step(struct sim_world *w) {
    struct sim_where before = sim_enter(w, w->users, w->users->shards[0]);
    if (!w->healing && sim_chance(w, 40)) administer(w);
    struct sim_producer *p = &w->clients->producers[sim_below(w, SIM_PRODUCERS)];
    if (sim_chance(w, 8)) sim_producers_step(w, p);
    if (!w->healing && sim_chance(w, 12)) sim_consumers_step(w, &w->clients->consumers[sim_below(w, SIM_CONSUMERS)]);
    sim_leave(w, before);
}

const char *sim_clients_unsettled(struct sim_world *w) {
    const struct sim_clients *c = w->clients;
    if (c->admin) return "an admin request is not answered";
    for (int i = 0; i < SIM_PRODUCERS; i++)
        if (c->producers[i].asking || c->producers[i].batch.id) return "a producer waits for an answer";
    return NULL;
}

uint64_t sim_clients_reads(const struct sim_world *w) { return w->clients->reads; }
