/* uplink.c: finds the active controller in /controller and keeps one connection to it. Owns that connection.
 *
 * /controller is watched by exists (a watch that stands also while there is none), and read after each change. While it
 * names the same registration, a connection that ends is dialled again at once and then after 1, 2, 5, 10, 20 … ms, at
 * last every 100 ms; a new registration is dialled at once. ZooKeeper's watches cannot be taken back: they point at the
 * uplink, which lives until the client is closed. */
#include "broker/cluster/agent_int.h"
#include "common/base/alloc.h"
#include "common/base/trace.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"

enum { REREAD_MS = 100, DIAL_MS = 3000, BUDGET = 1 << 16, TELL_EVERY_MS = 10000 };

static const uint64_t redial_ms[] = {0, 1, 2, 5, 10, 20, 50, 100};

struct bn_uplink {
    struct bn_agent *agent;
    bool stopped;
    /* /controller */
    bool reading, dirty;
    int outstanding; /* answers of ZooKeeper that are to come */
    int64_t czxid;   /* of the registration read last; 0 = none */
    char host[256];
    int port; /* 0 = it can't be dialled */
    /* The connection. */
    struct bn_rpc_peer *peer;
    int64_t peer_czxid;
    bool connected, ending;
    size_t redials;
    struct bn_timer dial_timer; /* the next dial; while dialling: its bound */
    struct bn_timer reread_timer;
    uint64_t told_ms; /* when it was last told that there is no controller */
};

static const ProtobufCServiceDescriptor *const remote[] = {&bn__controller__descriptor};

static void read_controller(struct bn_uplink *u);

static void tell_waiting(struct bn_uplink *u, const char *why) {
    uint64_t now = bn_loop_now_ms(u->agent->loop);
    if (u->told_ms && now - u->told_ms < TELL_EVERY_MS) return;
    u->told_ms = now ? now : 1;
    BN_WARN("cluster", "[Broker id=%d] waiting for an active controller: %s", u->agent->broker_id, why);
}

/* ---- the connection ---- */

static void schedule(struct bn_uplink *u) {
    if (u->stopped || u->peer || !u->port) return;
    size_t last = BN_ARRAY_LEN(redial_ms) - 1;
    bn_timer_start(&u->dial_timer, redial_ms[bn_min_size(u->redials, last)]);
    u->redials++;
}

static void on_up(void *arg, struct bn_rpc_peer *peer) {
    struct bn_uplink *u = arg;
    bn_timer_stop(&u->dial_timer);
    u->connected = true;
    BN_INFO("cluster", "[Broker id=%d] connected to the controller at %s", u->agent->broker_id, bn_rpc_name(peer));
    bn_agent_uplink_up(u->agent);
}

static void on_down(void *arg, struct bn_rpc_peer *peer, const char *why) {
    struct bn_uplink *u = arg;
    bool was_connected = u->connected;
    if (was_connected && u->stopped) {
        BN_INFO("cluster", "[Broker id=%d] the connection to the controller at %s has ended: %s", u->agent->broker_id,
                bn_rpc_name(peer), why);
    } else if (was_connected) {
        BN_WARN("cluster", "[Broker id=%d] the connection to the controller at %s has ended: %s", u->agent->broker_id,
                bn_rpc_name(peer), why);
    } else if (!u->stopped) {
        tell_waiting(u, why);
    }
    u->peer = NULL;
    u->connected = u->ending = false;
    bn_timer_stop(&u->dial_timer);
    if (u->peer_czxid != u->czxid) u->redials = 0;
    if (was_connected) bn_agent_uplink_down(u->agent);
    schedule(u);
}

static void dial(struct bn_timer *t) {
    struct bn_uplink *u = BN_CONTAINER_OF(t, struct bn_uplink, dial_timer);
    if (u->stopped) return;
    if (u->peer) { /* DIAL_MS have passed */
        bn_rpc_close(u->peer, "the dial takes too long");
        return;
    }
    if (!u->port) return;
    struct bn_rpc_options o = {
        .remote = remote, .remote_count = 1, .deadline_ms = BN_UPLINK_CALL_MS, .up = on_up, .down = on_down, .arg = u};
    o.services = bn_agent_services(u->agent, &o.service_count);
    u->peer_czxid = u->czxid;
    u->peer = bn_rpc_dial(u->agent->loop, u->host, u->port, &o);
    bn_timer_start(&u->dial_timer, DIAL_MS);
}

void bn_uplink_drop(struct bn_uplink *u, const char *why) {
    if (!u->peer || u->ending) return;
    u->ending = true;
    bn_rpc_close(u->peer, why);
}

void bn_uplink_settled(struct bn_uplink *u) {
    u->redials = 0;
    u->told_ms = 0;
}

struct bn_rpc_peer *bn_uplink_peer(const struct bn_uplink *u) {
    return u->connected && !u->ending ? u->peer : NULL;
}

ProtobufCService *bn_uplink_client(const struct bn_uplink *u) {
    return bn_uplink_peer(u) ? bn_rpc_client(u->peer, &bn__controller__descriptor) : NULL;
}

/* ---- /controller ---- */

static void take_controller(struct bn_uplink *u, const struct bn_znode_controller *z, int64_t czxid) {
    if (czxid == u->czxid) return;
    u->czxid = czxid;
    u->redials = 0;
    u->port = z && z->host && z->port > 0 ? z->port : 0;
    if (u->port) snprintf(u->host, sizeof u->host, "%s", z->host);
    if (!z)
        tell_waiting(u, "/controller is not there");
    else if (!u->port)
        tell_waiting(u, "/controller names no RPC port: it is not a Barnabas controller's");
    if (u->peer && z) bn_uplink_drop(u, "another controller is active");
    schedule(u);
}

static void came(struct bn_uplink *u) {
    u->outstanding--;
    u->reading = false;
    if (!u->dirty || u->stopped) return;
    u->dirty = false;
    read_controller(u);
}

static void on_data(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_uplink *u = arg;
    struct bn_arena arena;
    struct bn_znode_controller z;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, BUDGET);
    if (status == BN_OK && !u->stopped) {
        if (bn_znode_controller_decode(data, &arena, &z, &e) == BN_OK)
            take_controller(u, &z, stat->czxid);
        else
            tell_waiting(u, e.text);
    }
    bn_arena_fini(&arena);
    came(u);
}

static void on_exists(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_uplink *u = arg;
    (void)stat;
    if (status == BN_OK && !u->stopped) {
        u->agent->zk->ops->get(u->agent->zk, BN_ZNODE_CONTROLLER, NULL, NULL, on_data, u);
        return;
    }
    if (status == BN_NOTFOUND && !u->stopped) take_controller(u, NULL, 0);
    if (status == BN_NOTFOUND && !u->stopped && !u->peer) tell_waiting(u, "/controller is not there");
    /* No watch stands then (a session's end is followed by CONNECTED, which reads anew). */
    if (status != BN_NOTFOUND && status != BN_CLOSED && !u->stopped) bn_timer_start(&u->reread_timer, REREAD_MS);
    came(u);
}

static void fired(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    (void)kind, (void)path;
    read_controller(arg);
}

static void reread(struct bn_timer *t) { read_controller(BN_CONTAINER_OF(t, struct bn_uplink, reread_timer)); }

static void read_controller(struct bn_uplink *u) {
    if (u->stopped) return;
    if (u->reading) {
        u->dirty = true;
        return;
    }
    u->reading = true;
    u->outstanding++;
    u->agent->zk->ops->exists(u->agent->zk, BN_ZNODE_CONTROLLER, fired, u, on_exists, u);
}

void bn_uplink_zk_state(struct bn_uplink *u, enum bn_zk_state state) {
    if (state == BN_ZK_CONNECTED) read_controller(u);
}

/* ---- life ---- */

struct bn_uplink *bn_uplink_new(struct bn_agent *a) {
    struct bn_uplink *u = bn_alloc_zero(1, sizeof *u);
    u->agent = a;
    bn_timer_init(&u->dial_timer, a->loop, dial);
    bn_timer_init(&u->reread_timer, a->loop, reread);
    return u;
}

void bn_uplink_stop(struct bn_uplink *u) {
    u->stopped = true;
    bn_timer_stop(&u->dial_timer);
    bn_timer_stop(&u->reread_timer);
    bn_uplink_drop(u, "the broker stops");
}

bool bn_uplink_is_idle(const struct bn_uplink *u) { return !u->peer && u->outstanding == 0; }

void bn_uplink_free(struct bn_uplink *u) { bn_alloc_free(u); }
