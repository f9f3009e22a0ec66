/* agent.c: this broker's way to the active controller: find it in /controller, dial it, greet it, and take in its
 * images.
 *
 *   no controller --/controller read--> dialling --up--> (ready told) --registered--> greeting --hello ok--> greeted
 *         ^                                |  ^                                           |                    |
 *         +---- /controller gone ----------+  +------- connection ended: redial at 0, 1, 2, 5 … ms ------------+
 *
 * Invariants
 *  1. An image is published only of a stream that was begun by a reset, in this connection, for our current
 * incarnation, without a gap.
 *  2. Every published step is answered to the controller after all shards took it up, never before.
 *  3. What ends a connection ends its stream: the next one begins anew.
 */
#include "broker/cluster/agent.h"

#include <unistd.h>

#include "broker/cluster/agent_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/sys/sock.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"

enum { ZNODE_BUDGET = 1 << 20, NOT_CONTROLLER = 41, STALE_BROKER_EPOCH = 77 };

static const uint32_t redial_ms[] = {0, 1, 2, 5, 10, 20, 50, 100};

static void look_for_controller(struct bn_agent *a);
static void greet(struct bn_agent *a);
static void become_ready(struct bn_agent *a);

/* ---- the connection ---- */

ProtobufCService *bn_agent_controller(struct bn_agent *a) {
    return a->greeted ? bn_rpc_client(a->peer, &bn__controller__descriptor) : NULL;
}

static void on_up(void *arg, struct bn_rpc_peer *peer) {
    struct bn_agent *a = arg;
    a->up = true;
    a->failed_dials = 0;
    bn_rpc_set_deadline(peer, 0); /* the connection's life bounds a call; callers have deadlines of their own */
    BN_INFO("agent", "Connected to controller %d at %s", a->controller_id, bn_rpc_name(peer));
    if (a->ready_told)
        greet(a);
    else
        become_ready(a);
}

static void try_end(struct bn_agent *a);

static void on_down(void *arg, struct bn_rpc_peer *peer, const char *why) {
    struct bn_agent *a = arg;
    if (a->up && !a->stopping)
        BN_WARN("agent", "Connection to controller %d at %s ended: %s", a->controller_id, bn_rpc_name(peer), why);
    a->peer = NULL;
    a->up = a->greeting = a->greeted = a->asking_id = false;
    bn_image_unref(a->building);
    a->building = NULL;
    if (a->stopping) {
        try_end(a);
        return;
    }
    size_t step = bn_min_size(a->failed_dials++, BN_ARRAY_LEN(redial_ms) - 1);
    bn_timer_start(&a->redial_timer, redial_ms[step]);
}

static void dial(struct bn_agent *a) {
    if (a->peer || a->stopping || !a->controller_host) return;
    struct bn_rpc_options options = {.services = a->services,
                                     .service_count = 1,
                                     .remote = a->remote,
                                     .remote_count = 1,
                                     .up = on_up,
                                     .down = on_down,
                                     .arg = a};
    a->peer = bn_rpc_dial(a->config.shard->loop, a->controller_host, a->controller_port, &options);
}

static void redial(struct bn_timer *t) { dial(BN_CONTAINER_OF(t, struct bn_agent, redial_timer)); }

/* ---- /controller ---- */

static void tell_waiting(struct bn_agent *a) {
    if (a->told_waiting) return;
    a->told_waiting = true;
    BN_INFO("agent", "Waiting for an active controller: /controller does not name one (start barnabas-controller)");
}

static void set_controller(struct bn_agent *a, const struct bn_znode_controller *c) {
    bool known = c && c->host && c->port > 0;
    bool same = known && a->controller_host && strcmp(a->controller_host, c->host) == 0 &&
                a->controller_port == c->port;
    if (same) {
        dial(a);
        return;
    }
    bn_alloc_free(a->controller_host);
    a->controller_host = known ? bn_alloc_strdup(c->host) : NULL;
    a->controller_port = known ? c->port : 0;
    a->controller_id = known ? c->brokerid : -1;
    a->failed_dials = 0;
    if (!known)
        tell_waiting(a);
    else
        a->told_waiting = false;
    /* A connection to the one before ends by itself when that process is gone; a live one must not keep us. */
    if (a->peer && known) bn_rpc_close(a->peer, "another controller is active");
    dial(a);
}

static void on_controller_changed(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_agent *a = arg;
    if (a->looking)
        a->look_anew = true;
    else
        look_for_controller(a);
}

static bool done_looking(struct bn_agent *a) {
    a->looking = false;
    if (a->stopping) return false;
    if (!a->look_anew) return true;
    look_for_controller(a);
    return false;
}

static void on_absent(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_agent *a = arg;
    if (status == BN_OK) a->look_anew = true; /* it was made between the two reads */
    if (done_looking(a) && status == BN_NOTFOUND) set_controller(a, NULL);
}

static void on_controller(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_agent *a = arg;
    if (status == BN_NOTFOUND && !a->stopping) {
        a->zk->ops->exists(a->zk, BN_ZNODE_CONTROLLER, on_controller_changed, a, on_absent, a);
        return;
    }
    if (!done_looking(a) || status != BN_OK) return;
    struct bn_arena arena;
    struct bn_znode_controller c;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, ZNODE_BUDGET);
    int rc = bn_znode_controller_decode(data, &arena, &c, &e);
    if (rc != BN_OK)
        BN_ERROR("agent", "/controller: %s", e.text);
    else if (!c.host)
        BN_WARN("agent", "/controller names broker %d without host and port: it is not a Barnabas controller's",
                c.brokerid);
    set_controller(a, rc == BN_OK ? &c : NULL);
    bn_arena_fini(&arena);
}

static void look_for_controller(struct bn_agent *a) {
    if (a->looking || a->stopping) return;
    a->looking = true;
    a->look_anew = false;
    a->zk->ops->get(a->zk, BN_ZNODE_CONTROLLER, on_controller_changed, a, on_controller, a);
}

/* ---- readiness: an id, a cluster id, a life port ---- */

static void on_broker_id(const Bn__BrokerIdReply *reply, void *arg) {
    struct bn_agent *a = arg;
    a->asking_id = false;
    if (!reply || a->stopping) return; /* asked again at the next connection */
    if (reply->error == 0 && reply->broker_id >= 0) {
        a->broker_id = reply->broker_id;
        become_ready(a);
    } else if (a->peer) {
        bn_rpc_close(a->peer, "it allotted no broker id");
    }
}

static void on_cluster_id_made(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_agent *a = arg;
    a->asking_cluster = false;
    become_ready(a);
}

static void on_cluster_id_absent(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_agent *a = arg;
    if (status == BN_NOTFOUND) return; /* the watch tells */
    a->asking_cluster = false;
    if (status == BN_OK) become_ready(a); /* it was made between the two reads */
}

/* The first controller of a cluster is active a moment before it has made the id. */
static void on_cluster_id(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_agent *a = arg;
    if (status == BN_NOTFOUND && !a->stopping) {
        a->zk->ops->exists(a->zk, BN_ZNODE_CLUSTER_ID, on_cluster_id_made, a, on_cluster_id_absent, a);
        return;
    }
    a->asking_cluster = false;
    if (a->stopping || status != BN_OK) return; /* asked again at the next connection */
    struct bn_arena arena;
    struct bn_znode_cluster_id id;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, ZNODE_BUDGET);
    if (bn_znode_cluster_id_decode(data, &arena, &id, &e) == BN_OK) a->cluster_id = bn_alloc_strdup(id.id);
    bn_arena_fini(&arena);
    if (a->cluster_id) {
        become_ready(a);
        return;
    }
    char *why = bn_alloc_printf("%s can't be read: %s", BN_ZNODE_CLUSTER_ID, e.text);
    a->config.fatal(a->config.arg, why);
    bn_alloc_free(why);
}

static void become_ready(struct bn_agent *a) {
    if (a->ready_told || !a->up || a->stopping) return;
    if (a->broker_id < 0) {
        if (a->asking_id) return;
        a->asking_id = true;
        Bn__BrokerIdRequest q = BN__BROKER_ID_REQUEST__INIT;
        q.reserved_max = a->config.reserved_max;
        bn__controller__broker_id(bn_rpc_client(a->peer, &bn__controller__descriptor), &q, on_broker_id, a);
        return;
    }
    if (!a->cluster_id) {
        if (a->asking_cluster) return;
        a->asking_cluster = true;
        a->zk->ops->get(a->zk, BN_ZNODE_CLUSTER_ID, NULL, NULL, on_cluster_id, a);
        return;
    }
    char host[BN_SOCK_NAME_MAX];
    struct bn_err e = BN_ERR_NONE;
    bn_sock_local_host(bn_rpc_fd(a->peer), host);
    a->life = bn_life_open(host, a->config.fencing_port, &e);
    if (!a->life) {
        a->config.fatal(a->config.arg, e.text);
        return;
    }
    a->ready_told = true;
    a->config.ready(a->config.arg, a->broker_id, a->cluster_id);
}

/* ---- hello ---- */

static void on_hello(const Bn__HelloReply *reply, void *arg) {
    struct bn_agent *a = arg;
    a->greeting = false;
    if (!reply || a->stopping || !a->peer) return;
    if (reply->error == 0) {
        a->greeted = true;
        BN_INFO("agent", "Controller %d of epoch %d took our hello", reply->controller_id, reply->controller_epoch);
        bn_forward_greeted(a->forward);
        return;
    }
    BN_WARN("agent", "Controller %d refused our hello (error %d): %s", reply->controller_id, reply->error,
            reply->message);
    bn_rpc_close(a->peer, "it refused our hello");
    if (reply->error == STALE_BROKER_EPOCH)
        bn_register_check(a->registration);
    else
        look_for_controller(a);
}

static void greet(struct bn_agent *a) {
    if (!a->up || a->greeting || a->greeted || a->incarnation < 0 || !a->registration || a->stopping) return;
    const struct bn_agent_registration *r = bn_register_what(a->registration);
    char host[BN_SOCK_NAME_MAX];
    bn_sock_local_host(bn_rpc_fd(a->peer), host);
    Bn__HelloRequest q = BN__HELLO_REQUEST__INIT;
    const struct bn_uuid *boot = bn_life_boot_id(a->life);
    q.broker_id = a->broker_id;
    q.broker_epoch = a->broker_epoch;
    q.incarnation = a->incarnation;
    q.boot_id = (ProtobufCBinaryData){sizeof boot->bytes, (uint8_t *)(uintptr_t)boot->bytes};
    q.life_host = host;
    q.life_port = bn_life_port(a->life);
    q.log_dir_ids = (char **)(uintptr_t)r->log_dir_ids;
    q.n_log_dir_ids = (size_t)r->log_dir_count;
    q.intact = r->intact;
    q.version = (char *)(uintptr_t)r->version;
    a->greeting = true;
    bn__controller__hello(bn_rpc_client(a->peer, &bn__controller__descriptor), &q, on_hello, a);
}

void bn_agent_take_epochs(struct bn_agent *a, int64_t broker_epoch, int64_t incarnation) {
    a->broker_epoch = broker_epoch;
    a->incarnation = incarnation;
    /* A stream is for one incarnation: whatever connection there is must begin anew. */
    if (a->peer && (a->greeting || a->greeted)) bn_rpc_close(a->peer, "our registration changed");
    if (incarnation < 0) return;
    a->config.registered(a->config.arg, broker_epoch, incarnation);
    greet(a);
}

/* ---- images ---- */

struct bn_agent_step {
    struct bn_agent *agent;
    Bn__Applied_Closure closure;
    void *closure_data;
    int32_t controller_epoch;
    int64_t sequence;
};

static void answer_applied(Bn__Applied_Closure closure, void *closure_data, int32_t controller_epoch,
                           int64_t sequence) {
    Bn__Applied applied = BN__APPLIED__INIT;
    applied.controller_epoch = controller_epoch;
    applied.sequence = sequence;
    closure(&applied, closure_data);
}

/* Takes one delta into `building`; false when the stream is at fault (told, and the connection closed). */
static bool take_delta(struct bn_agent *a, const Bn__ImageDelta *delta) {
    struct bn_image *next = NULL;
    struct bn_err e = BN_ERR_NONE;
    int rc;
    if (delta->reset && delta->for_incarnation != a->incarnation)
        rc = bn_err_set(&e, BN_STALE, "it is for another incarnation of this broker");
    else if (!delta->reset && !a->building)
        rc = bn_err_set(&e, BN_STALE, "the stream did not begin with a full image");
    else if (a->image && delta->controller_epoch < a->image->controller_epoch)
        rc = bn_err_set(&e, BN_STALE, "an older controller's");
    else
        rc = bn_image_apply(delta->reset ? NULL : a->building, delta, &next, &e);
    if (rc != BN_OK) {
        BN_WARN("agent", "Metadata %d/%" PRId64 " is refused: %s", delta->controller_epoch, delta->sequence, e.text);
        if (a->peer) bn_rpc_close(a->peer, "its metadata stream is broken");
        return false;
    }
    bn_image_unref(a->building);
    a->building = next;
    return true;
}

static void agent__apply(Bn__BrokerAgent_Service *service, const Bn__ImageDelta *delta, Bn__Applied_Closure closure,
                         void *closure_data) {
    struct bn_agent *a = BN_CONTAINER_OF(service, struct bn_agent, service);
    if (a->stopping || !take_delta(a, delta) || delta->more) {
        answer_applied(closure, closure_data, delta->controller_epoch, delta->sequence);
        return;
    }
    struct bn_agent_step *step = bn_alloc(sizeof *step);
    *step = (struct bn_agent_step){a, closure, closure_data, delta->controller_epoch, delta->sequence};
    struct bn_image *old = a->image;
    bn_image_ref(a->building);
    a->image = a->building;
    a->steps++;
    a->config.image(a->config.arg, old, a->image, delta, step);
    bn_image_unref(old);
}

void bn_agent_applied(struct bn_agent_step *step) {
    struct bn_agent *a = step->agent;
    BN_ON_SHARD(a->config.shard);
    answer_applied(step->closure, step->closure_data, step->controller_epoch, step->sequence);
    bn_alloc_free(step);
    a->steps--;
    if (a->stopping) try_end(a);
}

/* ---- life ---- */

static void on_zk_state(void *arg, enum bn_zk_state state) {
    struct bn_agent *a = arg;
    a->zk_up = state == BN_ZK_CONNECTED;
    if (a->stopping) return;
    if (state == BN_ZK_EXPIRED) a->looking = false; /* its callback came with BN_CLOSED */
    if (state == BN_ZK_CONNECTED) look_for_controller(a);
    if (a->registration) bn_register_zk(a->registration, state);
}

int bn_agent_start(const struct bn_agent_config *config, struct bn_agent **out, struct bn_err *e) {
    struct bn_agent *a = bn_alloc_zero(1, sizeof *a);
    a->config = *config;
    a->broker_id = config->broker_id;
    a->controller_id = -1;
    a->broker_epoch = a->incarnation = -1;
    bn_timer_init(&a->redial_timer, config->shard->loop, redial);
    a->service = (Bn__BrokerAgent_Service)BN__BROKER_AGENT__INIT(agent__);
    a->services[0] = &a->service.base;
    a->remote[0] = &bn__controller__descriptor;
    a->forward = bn_forward_new(a);
    a->zk = config->zk;
    if (!a->zk) {
        struct bn_zk_config zk = {config->zk_connect, config->zk_session_timeout_ms, on_zk_state, a};
        int rc = bn_zk_open(&zk, config->shard->loop, config->shard->mailbox, &a->zk, e);
        if (rc != BN_OK) {
            bn_forward_free(a->forward);
            bn_alloc_free(a);
            return rc;
        }
        a->own_zk = true;
    } else if (a->zk->ops->state(a->zk) == BN_ZK_CONNECTED) {
        on_zk_state(a, BN_ZK_CONNECTED);
    }
    *out = a;
    return BN_OK;
}

void bn_agent_register(struct bn_agent *a, const struct bn_agent_registration *registration) {
    BN_ON_SHARD(a->config.shard);
    BN_ASSERT(a->ready_told && !a->registration);
    a->registration = bn_register_new(a, registration);
}

/* When the connection, every step and the ZooKeeper session are gone, so is the agent. */
static void try_end(struct bn_agent *a) {
    if (a->peer || a->steps > 0 || !a->closed) return;
    void (*stopped)(void *) = a->stopped;
    void *arg = a->stopped_arg;
    if (a->registration) bn_register_free(a->registration);
    bn_forward_free(a->forward);
    bn_image_unref(a->image);
    bn_image_unref(a->building);
    bn_alloc_free(a->controller_host);
    bn_alloc_free(a->cluster_id);
    bn_alloc_free(a);
    stopped(arg);
}

static void on_closed(void *arg, int status) {
    struct bn_agent *a = arg;
    a->closed = true;
    try_end(a);
}

void bn_agent_stop(struct bn_agent *a, void (*done)(void *arg), void *arg) {
    BN_ON_SHARD(a->config.shard);
    a->stopping = true;
    a->stopped = done;
    a->stopped_arg = arg;
    bn_timer_stop(&a->redial_timer);
    bn_forward_stop(a->forward);
    if (a->peer) bn_rpc_close(a->peer, "this broker stops");
    if (a->own_zk) {
        a->zk->ops->close(a->zk, on_closed, a);
    } else {
        a->closed = true;
        try_end(a);
    }
}

struct bn_life *bn_agent_life(struct bn_agent *a) {
    return a->life;
}
int64_t bn_agent_broker_epoch(const struct bn_agent *a) { return a->broker_epoch; }
int64_t bn_agent_incarnation(const struct bn_agent *a) { return a->incarnation; }
bool bn_agent_connected(const struct bn_agent *a) { return a->greeted; }
