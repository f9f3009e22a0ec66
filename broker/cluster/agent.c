/* agent.c: composes the cluster room: start in two steps, hello, the metadata stream, stop. Owns the images and the
 * steps under way.
 *
 * bn_agent_advance looks at what is there and does what can be done next; every event ends in it, so the order in which
 * ZooKeeper and the controller answer does not matter.
 *
 *   connection, id, cluster id, life port ---> ready ---> bn_agent_register ---> registered --- hello ---> stream
 *
 * Stream: a connection's first delta must be a reset for our current incarnation; each later one must follow the image
 * that we have. Anything else ends the connection, and the next one begins with a full image. A new incarnation (our
 * registration was made anew) ends the connection too: the stream was for the old one. */
#include "broker/cluster/agent.h"

#include <unistd.h>

#include "broker/cluster/agent_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/sys/sock.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"

enum { RETRY_MS = 100, BUDGET = 1 << 16, STALE_BROKER_EPOCH = 77, NOT_CONTROLLER = 41 };

struct bn_agent_step {
    struct bn_list link;
    struct bn_agent *agent;
    Bn__Applied_Closure closure;
    void *data;
    int32_t controller_epoch;
    int64_t sequence;
};

struct service {                  /* the generated service, and whose it is */
    Bn__BrokerAgent_Service base; /* first */
    struct bn_agent *agent;
};

struct agent {         /* what only this file sees */
    struct bn_agent a; /* first */
    struct service service;
    ProtobufCService *services[1];
};

ProtobufCService *const *bn_agent_services(struct bn_agent *a, int *count) {
    *count = 1;
    return ((struct agent *)a)->services;
}

/* ---- the metadata stream ---- */

static void answer_step(struct bn_agent_step *s) {
    Bn__Applied m = BN__APPLIED__INIT;
    m.controller_epoch = s->controller_epoch;
    m.sequence = s->sequence;
    s->closure(&m, s->data);
    bn_list_remove(&s->link);
    bn_alloc_free(s);
}

void bn_agent_applied(struct bn_agent_step *step) { answer_step(step); }

/* NULL: fine. */
static const char *check_step(struct bn_agent *a, const Bn__ImageDelta *in, void *data) {
    struct bn_rpc_peer *peer = bn_rpc_caller(data);
    if (a->stopping || !peer || peer != bn_uplink_peer(a->uplink)) return "a connection that has ended";
    if (a->stream != BN_AGENT_LIVE) return "metadata before the hello was answered";
    if (!a->stream_begun && !in->reset) return "a stream that does not start from nothing";
    if (in->reset && in->for_incarnation != bn_register_incarnation(a->reg)) return "metadata for another incarnation";
    return NULL;
}

static void refuse_step(struct bn_agent *a, const char *why, Bn__Applied_Closure closure, void *data) {
    BN_WARN("cluster", "[Broker id=%d] metadata refused: %s", a->broker_id, why);
    closure(NULL, data);
    bn_uplink_drop(a->uplink, why);
}

static void apply(Bn__BrokerAgent_Service *s, const Bn__ImageDelta *in, Bn__Applied_Closure closure, void *data) {
    struct bn_agent *a = BN_CONTAINER_OF(s, struct service, base)->agent;
    const char *why = check_step(a, in, data);
    struct bn_image *next = NULL;
    struct bn_err e = BN_ERR_NONE;
    if (!why && bn_image_apply(a->partial ? a->partial : a->image, in, &next, &e) != BN_OK) why = e.text;
    if (why) {
        refuse_step(a, why, closure, data);
        return;
    }
    a->stream_begun = true;
    struct bn_agent_step *step = bn_alloc(sizeof *step);
    *step = (struct bn_agent_step){.agent = a,
                                   .closure = closure,
                                   .data = data,
                                   .controller_epoch = in->controller_epoch,
                                   .sequence = in->sequence};
    bn_list_init(&step->link);
    bn_list_push_back(&a->steps, &step->link);
    bn_image_unref(a->partial);
    a->partial = NULL;
    if (next->partial) {
        a->partial = next;
        answer_step(step);
        return;
    }
    /* Not before: a controller whose images we refuse again and again is to be dialled ever more slowly. */
    bn_uplink_settled(a->uplink);
    struct bn_image *old = a->image;
    a->image = next;
    a->config.image(a->config.arg, old, next, in, step);
    bn_image_unref(old);
}

static void end_stream(struct bn_agent *a) {
    a->stream = BN_AGENT_SILENT;
    a->stream_begun = false;
    bn_image_unref(a->partial);
    a->partial = NULL;
}

/* ---- hello ---- */

static void on_hello(const Bn__HelloReply *m, void *arg) {
    struct bn_agent *a = arg;
    if (a->stopping || a->stream != BN_AGENT_HELLO) return;
    if (!m) {
        bn_uplink_drop(a->uplink, "no answer to our hello");
        return;
    }
    if (m->error == 0) {
        BN_INFO("cluster", "[Broker id=%d] controller %d (epoch %d) has taken our hello", a->broker_id,
                m->controller_id, m->controller_epoch);
        a->stream = BN_AGENT_LIVE;
        bn_forward_ready(a->forward);
        return;
    }
    if (m->error == STALE_BROKER_EPOCH) bn_register_check(a->reg);
    if (m->error != NOT_CONTROLLER) {
        BN_WARN("cluster", "[Broker id=%d] the controller refuses our hello: %d %s", a->broker_id, m->error,
                m->message);
    }
    bn_uplink_drop(a->uplink, "our hello is refused");
}

static void say_hello(struct bn_agent *a) {
    Bn__HelloRequest m = BN__HELLO_REQUEST__INIT;
    m.broker_id = a->broker_id;
    m.broker_epoch = bn_register_epoch(a->reg);
    m.incarnation = bn_register_incarnation(a->reg);
    m.boot_id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)bn_life_boot_id(a->life)->bytes};
    m.life_host = a->life_host;
    m.life_port = bn_life_port(a->life);
    m.machine_boot_id = a->machine_boot_id;
    m.log_dir_ids = a->log_dir_ids;
    m.n_log_dir_ids = (size_t)a->log_dir_count;
    m.intact = a->intact;
    m.version = a->version;
    a->stream = BN_AGENT_HELLO;
    bn__controller__hello(bn_uplink_client(a->uplink), &m, (Bn__HelloReply_Closure)on_hello, a);
}

/* ---- start, step by step ---- */

static void retry(struct bn_agent *a) { bn_timer_start(&a->retry_timer, RETRY_MS); }

static void open_life(struct bn_agent *a) {
    struct bn_err e = BN_ERR_NONE;
    bn_sock_local_host(bn_rpc_fd(bn_uplink_peer(a->uplink)), a->life_host);
    a->life = bn_life_open(a->life_host, a->config.fencing_port, &e);
    if (!a->life) a->config.fatal(a->config.arg, e.text);
}

static void on_id(const Bn__BrokerIdReply *m, void *arg) {
    struct bn_agent *a = arg;
    a->asking_id = false;
    if (a->stopping) return;
    if (m && m->error == 0 && m->broker_id >= 0) {
        a->broker_id = m->broker_id;
        BN_INFO("cluster", "generated broker id %d", a->broker_id);
        bn_agent_advance(a);
    } else {
        retry(a);
    }
}

static void ask_id(struct bn_agent *a) {
    Bn__BrokerIdRequest m = BN__BROKER_ID_REQUEST__INIT;
    m.reserved_max = a->config.reserved_max;
    a->asking_id = true;
    bn__controller__broker_id(bn_uplink_client(a->uplink), &m, on_id, a);
}

static void on_cluster_id(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_agent *a = arg;
    struct bn_arena arena;
    struct bn_znode_cluster_id z;
    struct bn_err e = BN_ERR_NONE;
    (void)stat;
    a->reading_cluster_id = false;
    if (a->stopping) return;
    bn_arena_init(&arena, BUDGET);
    if (status == BN_OK && bn_znode_cluster_id_decode(data, &arena, &z, &e) == BN_OK) {
        a->cluster_id = bn_alloc_strdup(z.id);
        bn_agent_advance(a);
    } else {
        if (status == BN_OK) BN_ERROR("cluster", "%s: %s", BN_ZNODE_CLUSTER_ID, e.text);
        retry(a); /* the controller makes it at the begin of its reign */
    }
    bn_arena_fini(&arena);
}

void bn_agent_advance(struct bn_agent *a) {
    bool up = bn_uplink_peer(a->uplink) != NULL;
    if (a->stopping) return;
    if (up && !a->life) open_life(a);
    if (up && a->broker_id < 0 && !a->asking_id) ask_id(a);
    if (up && !a->cluster_id && !a->reading_cluster_id) {
        a->reading_cluster_id = true;
        a->zk->ops->get(a->zk, BN_ZNODE_CLUSTER_ID, NULL, NULL, on_cluster_id, a);
    }
    if (a->life && a->broker_id >= 0 && a->cluster_id && !a->told_ready) {
        a->told_ready = true;
        a->config.ready(a->config.arg, a->broker_id, a->cluster_id);
    }
    if (up && a->has_registration && a->stream == BN_AGENT_SILENT && bn_register_epoch(a->reg) >= 0) say_hello(a);
}

static void retry_now(struct bn_timer *t) { bn_agent_advance(BN_CONTAINER_OF(t, struct bn_agent, retry_timer)); }

void bn_agent_uplink_up(struct bn_agent *a) {
    bn_life_shut_too(bn_rpc_fd(bn_uplink_peer(a->uplink)));
    bn_agent_advance(a);
}

void bn_agent_uplink_down(struct bn_agent *a) {
    bn_life_shut_too(-1);
    end_stream(a);
}

void bn_agent_registered(struct bn_agent *a) {
    a->config.registered(a->config.arg, bn_register_epoch(a->reg), bn_register_incarnation(a->reg));
    if (a->stream != BN_AGENT_SILENT) bn_uplink_drop(a->uplink, "we are a new incarnation");
    bn_agent_advance(a);
}

void bn_agent_unregistered(struct bn_agent *a, const char *why) {
    if (a->stream != BN_AGENT_SILENT) bn_uplink_drop(a->uplink, why);
}

static void zk_state(void *arg, enum bn_zk_state state) {
    struct bn_agent *a = arg;
    static const char *const words[] = {"connecting to ZooKeeper", "connected to ZooKeeper",
                                        "the ZooKeeper session has expired"};
    BN_INFO("cluster", "[Broker id=%d] %s", a->broker_id, words[state]);
    if (a->stopping) return;
    bn_register_zk_state(a->reg, state);
    bn_uplink_zk_state(a->uplink, state);
}

void bn_agent_zk_state(struct bn_agent *a, enum bn_zk_state state) { zk_state(a, state); }

static void read_machine_boot_id(struct bn_agent *a) {
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    size_t n = f ? fread(a->machine_boot_id, 1, sizeof a->machine_boot_id - 1, f) : 0;
    if (f) fclose(f);
    a->machine_boot_id[n] = '\0';
    a->machine_boot_id[strcspn(a->machine_boot_id, "\n")] = '\0';
}

int bn_agent_start(const struct bn_agent_config *config, struct bn_agent **out, struct bn_err *e) {
    struct agent *own = bn_alloc_zero(1, sizeof *own);
    struct bn_agent *a = &own->a;
    a->config = *config;
    a->loop = config->shard->loop;
    a->broker_id = config->broker_id;
    bn_list_init(&a->steps);
    bn_timer_init(&a->retry_timer, a->loop, retry_now);
    own->service = (struct service){{.base = BN__BROKER_AGENT__BASE_INIT, .apply = apply}, a};
    own->services[0] = &own->service.base.base;
    read_machine_boot_id(a);
    a->uplink = bn_uplink_new(a);
    a->reg = bn_register_new(a);
    a->forward = bn_forward_new(a);
    a->zk = config->zk;
    struct bn_zk_config z = {config->zk_connect, config->zk_session_timeout_ms, zk_state, a};
    int rc = a->zk ? BN_OK : bn_zk_open(&z, a->loop, config->shard->mailbox, &a->zk, e);
    if (rc != BN_OK) {
        bn_forward_free(a->forward);
        bn_register_free(a->reg);
        bn_uplink_free(a->uplink);
        bn_alloc_free(own);
        return rc;
    }
    *out = a;
    return BN_OK;
}

void bn_agent_register(struct bn_agent *a, const struct bn_agent_registration *in) {
    BN_ASSERT(a->told_ready && !a->has_registration);
    if (a->stopping) return;
    a->has_registration = true;
    a->endpoints = bn_alloc_zero((size_t)in->endpoint_count, sizeof *a->endpoints);
    a->endpoint_count = in->endpoint_count;
    for (int i = 0; i < in->endpoint_count; i++) {
        a->endpoints[i] = (struct bn_image_endpoint){bn_alloc_strdup(in->endpoints[i].listener),
                                                     bn_alloc_strdup(in->endpoints[i].security_protocol),
                                                     bn_alloc_strdup(in->endpoints[i].host), in->endpoints[i].port};
    }
    a->rack = in->rack ? bn_alloc_strdup(in->rack) : NULL;
    a->version = bn_alloc_strdup(in->version ? in->version : "");
    a->jmx_port = in->jmx_port;
    a->log_dir_ids = bn_alloc_zero((size_t)in->log_dir_count, sizeof *a->log_dir_ids);
    a->log_dir_count = in->log_dir_count;
    for (int i = 0; i < in->log_dir_count; i++) a->log_dir_ids[i] = bn_alloc_strdup(in->log_dir_ids[i]);
    a->intact = in->intact;
    bn_register_start(a->reg);
}

/* ---- stop ---- */

static void free_registration(struct bn_agent *a) {
    for (int i = 0; i < a->endpoint_count; i++) {
        bn_alloc_free(a->endpoints[i].listener);
        bn_alloc_free(a->endpoints[i].security_protocol);
        bn_alloc_free(a->endpoints[i].host);
    }
    for (int i = 0; i < a->log_dir_count; i++) bn_alloc_free(a->log_dir_ids[i]);
    bn_alloc_free(a->endpoints);
    bn_alloc_free(a->log_dir_ids);
    bn_alloc_free(a->rack);
    bn_alloc_free(a->version);
}

/* Everything that would call back has ended when the connection and the session are closed, every step is applied, and
 * no question is on its way here from another shard. */
static void stop_further(struct bn_timer *t) {
    struct bn_agent *a = BN_CONTAINER_OF(t, struct bn_agent, stop_timer);
    if (!a->zk_is_closed || !bn_uplink_is_idle(a->uplink) || !bn_list_empty(&a->steps) ||
        !bn_forward_is_idle(a->forward)) {
        bn_timer_start(t, 1);
        return;
    }
    void (*stopped)(void *) = a->stopped;
    void *arg = a->stopped_arg;
    bn_forward_free(a->forward);
    bn_register_free(a->reg);
    bn_uplink_free(a->uplink);
    bn_image_unref(a->image);
    bn_image_unref(a->partial);
    free_registration(a);
    bn_alloc_free(a->cluster_id);
    bn_alloc_free(a);
    stopped(arg);
}

static void zk_closed(void *arg, int status) {
    struct bn_agent *a = arg;
    (void)status;
    a->zk_is_closed = true;
}

void bn_agent_stop(struct bn_agent *a, void (*done)(void *arg), void *arg) {
    BN_ASSERT(!a->stopping);
    a->stopping = true;
    a->stopped = done;
    a->stopped_arg = arg;
    bn_timer_stop(&a->retry_timer);
    bn_forward_stop(a->forward);
    bn_register_stop(a->reg);
    bn_uplink_stop(a->uplink);
    a->zk->ops->close(a->zk, zk_closed, a); /* the ephemeral goes with the session */
    bn_timer_init(&a->stop_timer, a->loop, stop_further);
    bn_timer_start(&a->stop_timer, 0);
}

struct bn_life *bn_agent_life(struct bn_agent *a) {
    return a->life;
}
int64_t bn_agent_broker_epoch(const struct bn_agent *a) { return bn_register_epoch(a->reg); }
int64_t bn_agent_incarnation(const struct bn_agent *a) { return bn_register_incarnation(a->reg); }
bool bn_agent_connected(const struct bn_agent *a) { return a->stream == BN_AGENT_LIVE; }
