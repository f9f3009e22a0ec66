/* register.c: this broker's znodes: /barnabas/incarnation/<id> and the ephemeral /brokers/ids/<id>, written in one
 * multi. Owns the state of that.
 *
 *   OFF --start--> LOOKING --nobody is registered--> WRITING --committed--> REGISTERED
 *                   ^   |  ours already (an answer was lost) ------------------^ |
 *                   |   |  another session's                                    | watch fired, session expired,
 *                   |   v                                                       | the controller says that we are stale
 *                   |  BLOCKED: the znode is watched and looked at again        |
 *                   +-----------------------------------------------------------+
 *
 * The data version of the incarnation znode after the multi is the incarnation, the czxid of the ephemeral the broker
 * epoch. Both are of one transaction, so the incarnation's mzxid is the ephemeral's czxid: that is how an answer that
 * was lost is recognised. A new incarnation znode is set once in the same multi, so that incarnations begin at 1.
 *
 * An ephemeral of an older session of this very process is removed (it can be nobody else's). Any other one is waited
 * for: the controller fences a dead process at once, and ZooKeeper at the session's end. If the same registration still
 * stands when that must have happened, its owner lives: this broker is refused by name. */
#include "broker/cluster/agent_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"

enum { LOOK_EVERY_MS = 250, SESSIONS_KEPT = 8, BUDGET = 1 << 20, PARENT_MS = 100 };

struct bn_register {
    struct bn_agent *agent;
    enum { OFF, LOOKING, WRITING, BLOCKED, REGISTERED } state;
    bool stopped, connected;
    bool look_again; /* something fired while an answer was under way */
    int outstanding;
    int64_t epoch, incarnation; /* REGISTERED */
    /* What LOOKING found. */
    struct bn_zk_stat node;
    bool node_there;
    /* The registration that blocks us. */
    int64_t blocking_czxid;
    uint64_t blocked_since_ms;
    int64_t sessions[SESSIONS_KEPT]; /* ours, the older ones of this process */
    int session_count;
    int64_t session;
    struct bn_timer timer;
};

static void look(struct bn_register *r);

static struct bn_zk *zk_of(struct bn_register *r) { return r->agent->zk; }

static const char *broker_path(struct bn_register *r, struct bn_znode_path *p) {
    return bn_znode_path_broker(p, r->agent->broker_id);
}

static bool was_ours(const struct bn_register *r, int64_t session) {
    for (int i = 0; i < r->session_count; i++) {
        if (r->sessions[i] == session) return true;
    }
    return false;
}

static void look_later(struct bn_register *r, uint64_t after_ms) {
    r->state = BLOCKED;
    bn_timer_start(&r->timer, after_ms);
}

/* True when the callback has nothing more to do. */
static bool over(struct bn_register *r, int status) {
    r->outstanding--;
    if (r->stopped || r->state == OFF || !r->connected) return true; /* CONNECTED begins anew */
    if (status != BN_CLOSED) return false;
    bn_timer_start(&r->timer, 0); /* an answer of the session before this one */
    return true;
}

/* ---- registered ---- */

static void registered(struct bn_register *r, int64_t epoch, int64_t incarnation) {
    r->state = REGISTERED;
    r->blocking_czxid = 0;
    if (epoch == r->epoch && incarnation == r->incarnation) return; /* looked, and all is as it was */
    r->epoch = epoch;
    r->incarnation = incarnation;
    BN_INFO("cluster",
            "[Broker id=%d] Registered broker %d at path /brokers/ids/%d with czxid (broker epoch): %" PRId64
            ", incarnation %" PRId64,
            r->agent->broker_id, r->agent->broker_id, r->agent->broker_id, epoch, incarnation);
    bn_agent_registered(r->agent);
}

static void lost(struct bn_register *r, const char *why) {
    if (r->epoch < 0) return;
    r->epoch = r->incarnation = -1;
    BN_WARN("cluster", "[Broker id=%d] this broker is no longer registered: %s", r->agent->broker_id, why);
    bn_agent_unregistered(r->agent, why);
}

static void fired(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_register *r = arg;
    (void)kind, (void)path;
    if (r->stopped || r->state == OFF || !r->connected) return;
    if (r->outstanding > 0)
        r->look_again = true;
    else
        look(r);
}

/* ---- writing ---- */

static void encode_broker(struct bn_register *r, struct bn_str *out) {
    struct bn_agent *a = r->agent;
    struct bn_znode_broker z = {.jmx_port = a->jmx_port,
                                .timestamp_ms = bn_clock_wall_ms(a->config.env->clock),
                                .endpoint_count = a->endpoint_count,
                                .rack = a->rack};
    z.endpoints = bn_alloc_zero((size_t)a->endpoint_count, sizeof *z.endpoints);
    for (int i = 0; i < a->endpoint_count; i++) {
        const struct bn_image_endpoint *e = &a->endpoints[i];
        z.endpoints[i] = (struct bn_znode_endpoint){e->listener, e->host, e->port, e->security_protocol};
    }
    bn_znode_broker_encode(out, &z);
    bn_alloc_free(z.endpoints);
}

static void encode_incarnation(struct bn_register *r, struct bn_str *out) {
    struct bn_agent *a = r->agent;
    struct bn_znode_incarnation z = {.boot_id = *bn_life_boot_id(a->life),
                                     .host = a->life_host,
                                     .port = bn_life_port(a->life),
                                     .machine_boot_id = a->machine_boot_id,
                                     .machine = a->config.machine,
                                     .timestamp_ms = bn_clock_wall_ms(a->config.env->clock)};
    bn_znode_incarnation_encode(out, &z);
}

static void after_failure(struct bn_register *r, int status) {
    if (status == BN_NOTFOUND) {
        BN_INFO("cluster", "[Broker id=%d] the controller has not yet made the directories in ZooKeeper",
                r->agent->broker_id);
        look_later(r, PARENT_MS);
    } else if (status == BN_IO) {
        BN_WARN("cluster", "[Broker id=%d] ZooKeeper refuses the registration; it is tried again", r->agent->broker_id);
        look_later(r, LOOK_EVERY_MS);
    } else {
        look(r); /* EXISTS, STALE: somebody was first; LOST: looking tells whether it was done */
    }
}

static void on_written(void *arg, int status, const struct bn_zk_op_result *results, int count) {
    struct bn_register *r = arg;
    if (over(r, status)) return;
    for (int i = 0; status != BN_OK && i < count; i++) {
        if (results[i].status != BN_OK && results[i].status != BN_IO) status = results[i].status;
    }
    /* The watch is not armed yet, and a fence may come at any time: look once more, which arms it and finds us. */
    if (status == BN_OK)
        look(r);
    else
        after_failure(r, status);
}

static void write_nodes(struct bn_register *r, bool exists, int32_t version) {
    struct bn_znode_path broker, incarnation;
    struct bn_str broker_data, incarnation_data;
    bn_str_init(&broker_data);
    bn_str_init(&incarnation_data);
    encode_broker(r, &broker_data);
    encode_incarnation(r, &incarnation_data);
    broker_path(r, &broker);
    bn_znode_path_incarnation(&incarnation, r->agent->broker_id);
    struct bn_zk_op ops[4];
    int n = 0;
    if (!exists) ops[n++] = (struct bn_zk_op){.kind = BN_ZK_OP_CREATE, .path = incarnation.text};
    ops[n++] = (struct bn_zk_op){.kind = BN_ZK_OP_SET,
                                 .path = incarnation.text,
                                 .data = bn_str_slice(&incarnation_data),
                                 .version = exists ? version : 0};
    ops[n++] = (struct bn_zk_op){.kind = BN_ZK_OP_CREATE, .path = broker.text, .flags = BN_ZK_EPHEMERAL};
    ops[n++] = (struct bn_zk_op){
        .kind = BN_ZK_OP_SET, .path = broker.text, .data = bn_str_slice(&broker_data), .version = 0};
    r->state = WRITING;
    r->outstanding++;
    zk_of(r)->ops->multi(zk_of(r), ops, n, on_written, r);
    bn_str_fini(&broker_data);
    bn_str_fini(&incarnation_data);
}

/* ---- another's registration ---- */

static void on_removed(void *arg, int status) {
    struct bn_register *r = arg;
    if (over(r, status)) return;
    if (status == BN_IO)
        look_later(r, LOOK_EVERY_MS);
    else
        look(r);
}

static void on_blocker(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_register *r = arg;
    if (over(r, status)) return;
    if (status == BN_NOTFOUND || (status == BN_OK && stat->czxid != r->blocking_czxid)) {
        look(r); /* gone, or another one by now: its time begins anew */
        return;
    }
    struct bn_arena arena;
    struct bn_znode_broker z;
    char why[400];
    bn_arena_init(&arena, BUDGET);
    bool known = status == BN_OK && bn_znode_broker_decode(data, &arena, &z, NULL) == BN_OK && z.endpoint_count > 0;
    snprintf(why, sizeof why,
             "another broker with id %d is registered (%s:%d) at /brokers/ids/%d and alive: every broker needs a "
             "broker.id of its own",
             r->agent->broker_id, known ? z.endpoints[0].host : "unknown", known ? z.endpoints[0].port : 0,
             r->agent->broker_id);
    bn_arena_fini(&arena);
    r->state = OFF;
    r->agent->config.fatal(r->agent->config.arg, why);
}

static void refuse(struct bn_register *r) {
    struct bn_znode_path path;
    r->outstanding++;
    zk_of(r)->ops->get(zk_of(r), broker_path(r, &path), NULL, NULL, on_blocker, r);
}

static void blocked(struct bn_register *r) {
    uint64_t now = bn_loop_now_ms(r->agent->loop);
    uint64_t session_ms = (uint64_t)r->agent->config.zk_session_timeout_ms, most_ms = session_ms + session_ms / 2 + 500;
    if (r->blocking_czxid != r->node.czxid) {
        r->blocking_czxid = r->node.czxid;
        r->blocked_since_ms = now;
        BN_WARN(
            "cluster",
            "[Broker id=%d] /brokers/ids/%d is still held by another session: waiting until it ends (at most %" PRIu64
            " ms)",
            r->agent->broker_id, r->agent->broker_id, most_ms);
    }
    if (now - r->blocked_since_ms > most_ms)
        refuse(r);
    else
        look_later(r, LOOK_EVERY_MS);
}

/* ---- looking ---- */

static void judge(struct bn_register *r, bool exists, const struct bn_zk_stat *incarnation) {
    int64_t mine = zk_of(r)->ops->session_id(zk_of(r));
    if (!r->node_there) {
        lost(r, "its znode is gone");
        write_nodes(r, exists, exists ? incarnation->version : 0);
    } else if (r->node.ephemeral_owner == mine && exists && incarnation->mzxid == r->node.czxid) {
        registered(r, r->node.czxid, incarnation->version);
    } else if (r->node.ephemeral_owner == mine || was_ours(r, r->node.ephemeral_owner)) {
        lost(r, "the znode is of an older registration of ours");
        struct bn_znode_path path;
        r->state = WRITING;
        r->outstanding++;
        zk_of(r)->ops->remove(zk_of(r), broker_path(r, &path), r->node.version, on_removed, r);
    } else {
        lost(r, "another session holds its znode");
        blocked(r);
    }
}

static void on_incarnation(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_register *r = arg;
    (void)data;
    if (over(r, status)) return;
    if (r->look_again)
        look(r);
    else if (status == BN_OK || status == BN_NOTFOUND)
        judge(r, status == BN_OK, stat);
    else
        look_later(r, LOOK_EVERY_MS);
}

static void on_exists(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_register *r = arg;
    if (over(r, status)) return;
    if (status != BN_OK && status != BN_NOTFOUND) {
        look_later(r, LOOK_EVERY_MS);
        return;
    }
    r->node_there = status == BN_OK;
    if (status == BN_OK) r->node = *stat;
    struct bn_znode_path path;
    r->outstanding++;
    zk_of(r)->ops->get(zk_of(r), bn_znode_path_incarnation(&path, r->agent->broker_id), NULL, NULL, on_incarnation, r);
}

static void look(struct bn_register *r) {
    struct bn_znode_path path;
    bn_timer_stop(&r->timer);
    r->look_again = false;
    r->state = LOOKING;
    r->outstanding++;
    zk_of(r)->ops->exists(zk_of(r), broker_path(r, &path), fired, r, on_exists, r);
}

static void look_now(struct bn_timer *t) {
    struct bn_register *r = BN_CONTAINER_OF(t, struct bn_register, timer);
    if (r->stopped || !r->connected || r->state == OFF) return;
    if (r->outstanding == 0)
        look(r);
    else
        bn_timer_start(t, 10);
}

void bn_register_check(struct bn_register *r) {
    if (r->stopped || r->state == OFF || !r->connected) return;
    if (r->outstanding > 0)
        r->look_again = true;
    else
        look(r);
}

/* ---- life ---- */

void bn_register_zk_state(struct bn_register *r, enum bn_zk_state state) {
    r->connected = state == BN_ZK_CONNECTED;
    if (state == BN_ZK_EXPIRED) {
        if (r->session_count == SESSIONS_KEPT) {
            memmove(r->sessions, r->sessions + 1, (SESSIONS_KEPT - 1) * sizeof r->sessions[0]);
            r->session_count--;
        }
        if (r->session) r->sessions[r->session_count++] = r->session;
        r->session = 0;
        if (r->state != OFF) lost(r, "the ZooKeeper session has expired");
    }
    if (state != BN_ZK_CONNECTED) return;
    r->session = zk_of(r)->ops->session_id(zk_of(r));
    if (r->state == OFF || r->stopped) return;
    bn_timer_start(&r->timer, 0); /* once the answers of before the break have come */
}

void bn_register_start(struct bn_register *r) {
    r->connected = zk_of(r)->ops->state(zk_of(r)) == BN_ZK_CONNECTED;
    r->session = zk_of(r)->ops->session_id(zk_of(r));
    r->state = LOOKING;
    if (r->connected) look(r);
}

struct bn_register *bn_register_new(struct bn_agent *a) {
    struct bn_register *r = bn_alloc_zero(1, sizeof *r);
    r->agent = a;
    r->epoch = r->incarnation = -1;
    bn_timer_init(&r->timer, a->loop, look_now);
    return r;
}

void bn_register_stop(struct bn_register *r) {
    r->stopped = true;
    bn_timer_stop(&r->timer);
}

void bn_register_free(struct bn_register *r) { bn_alloc_free(r); }
int64_t bn_register_epoch(const struct bn_register *r) { return r->epoch; }
int64_t bn_register_incarnation(const struct bn_register *r) { return r->incarnation; }
