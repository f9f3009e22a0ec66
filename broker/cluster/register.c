/* register.c: this broker's registration: one multi that sets /barnabas/incarnation/<id> (its data version is the
 * incarnation) and makes the ephemeral /brokers/ids/<id>, whose czxid is the broker epoch (safety §1).
 *
 *   IDLE --session up--> READING (incarnation) --> WRITING (multi) --ok--> HELD --node gone--> READING
 *                            ^                        |
 *                            |                        +-- node exists, or the answer was lost --> LOOKING
 *                            +-- ours of an older session: removed; another's: gone -- (watched) --+
 *
 * Invariants: whatever is told to the agent was read from ZooKeeper under the session that owns the ephemeral; after
 * expiry nothing is held; a node of another live session is waited for, no longer than its session can last, and then
 * refused by name.
 */
#include "broker/cluster/agent_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/sys/sock.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"

enum { RETRY_MS = 200, FOREIGN_SLACK_MS = 5000, OPS = 3, BOOT_ID_MAX = 64 };

enum state { IDLE, READING, WRITING, LOOKING, FOREIGN, HELD };

struct bn_register {
    struct bn_agent *agent;
    struct bn_agent_registration what; /* deep copy */
    enum state state;
    bool connected;
    char machine_boot_id[BOOT_ID_MAX];
    struct bn_znode_path path, incarnation_path;
    struct bn_str data, incarnation_data; /* of the multi under way */
    bool had_incarnation;                 /* the multi sets it; else creates it */
    int64_t last_session;                 /* an older session of this process, whose ephemeral may still stand */
    int64_t found_czxid;                  /* of our own node, read after a lost answer */
    struct bn_timer retry_timer, foreign_timer;
    char *foreign; /* what a foreign node says about itself, for the refusal */
};

static void begin(struct bn_register *r);
static void look(struct bn_register *r);

const struct bn_agent_registration *bn_register_what(const struct bn_register *r) { return &r->what; }

static void retry(struct bn_register *r) {
    r->state = IDLE;
    bn_timer_start(&r->retry_timer, RETRY_MS);
}

static void retry_due(struct bn_timer *t) { begin(BN_CONTAINER_OF(t, struct bn_register, retry_timer)); }

/* ---- held ---- */

static void on_own_node(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_register *r = arg;
    if (r->state != HELD) return;
    r->state = IDLE;
    if (kind == BN_ZK_DELETED) {
        BN_WARN("register", "Our registration at %s is gone while its session lives: registering anew", path);
        bn_agent_take_epochs(r->agent, -1, -1);
        begin(r);
    } else {
        look(r); /* its data changed: the watch must be armed again */
    }
}

static void hold(struct bn_register *r, int64_t czxid, int64_t incarnation) {
    bool anew = r->agent->broker_epoch != czxid || r->agent->incarnation != incarnation;
    r->state = HELD;
    r->last_session = r->agent->zk->ops->session_id(r->agent->zk);
    bn_timer_stop(&r->foreign_timer);
    if (anew) bn_agent_take_epochs(r->agent, czxid, incarnation);
}

/* ---- someone's node is there ---- */

static void on_incarnation_of_ours(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_register *r = arg;
    if (r->state != LOOKING) return;
    if (status == BN_OK)
        hold(r, r->found_czxid, stat->version);
    else
        retry(r);
}

static void on_removed(void *arg, int status) {
    struct bn_register *r = arg;
    if (r->state == LOOKING) begin(r);
}

static void foreign_due(struct bn_timer *t) {
    struct bn_register *r = BN_CONTAINER_OF(t, struct bn_register, foreign_timer);
    struct bn_agent *a = r->agent;
    char *why = bn_alloc_printf(
        "broker.id %d is taken: %s is held by a live session of another process (%s); stop that broker or give "
        "this one another broker.id",
        a->broker_id, r->path.text, r->foreign ? r->foreign : "unreadable");
    a->config.fatal(a->config.arg, why);
    bn_alloc_free(why);
}

static void on_foreign_gone(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_register *r = arg;
    if (r->state == FOREIGN) look(r);
}

static void on_foreign(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_register *r = arg;
    if (r->state != LOOKING) return;
    if (status == BN_NOTFOUND) {
        begin(r);
        return;
    }
    if (status != BN_OK) {
        retry(r);
        return;
    }
    r->state = FOREIGN;
    if (bn_timer_running(&r->foreign_timer)) return;
    bn_alloc_free(r->foreign);
    r->foreign = bn_alloc_strndup(data.ptr ? data.ptr : (const uint8_t *)"", data.len);
    int wait_ms = r->agent->config.zk_session_timeout_ms + FOREIGN_SLACK_MS;
    BN_INFO("register",
            "%s is held by another session, most likely our own before a restart: waiting up to %d ms for its end",
            r->path.text, wait_ms);
    bn_timer_start(&r->foreign_timer, (uint64_t)wait_ms);
}

static void on_look(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_register *r = arg;
    struct bn_zk *zk = r->agent->zk;
    if (r->state != LOOKING) return;
    if (status == BN_NOTFOUND) {
        begin(r);
        return;
    }
    if (status != BN_OK) {
        retry(r);
        return;
    }
    int64_t session = zk->ops->session_id(zk);
    if (stat->ephemeral_owner == session) { /* the multi had happened: its answer was lost */
        r->found_czxid = stat->czxid;
        zk->ops->exists(zk, r->incarnation_path.text, NULL, NULL, on_incarnation_of_ours, r);
    } else if (r->last_session && stat->ephemeral_owner == r->last_session) {
        zk->ops->remove(zk, r->path.text, stat->version, on_removed, r);
    } else {
        zk->ops->get(zk, r->path.text, on_foreign_gone, r, on_foreign, r);
    }
}

static void look(struct bn_register *r) {
    struct bn_zk *zk = r->agent->zk;
    r->state = LOOKING;
    zk->ops->exists(zk, r->path.text, on_own_node, r, on_look, r);
}

/* ---- registering ---- */

static void on_watched(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_register *r = arg;
    if (r->state == HELD && status == BN_NOTFOUND) on_own_node(r, BN_ZK_DELETED, r->path.text);
}

static void on_multi(void *arg, int status, const struct bn_zk_op_result *results, int count) {
    struct bn_register *r = arg;
    struct bn_zk *zk = r->agent->zk;
    if (r->state != WRITING) return;
    if (status == BN_OK) {
        hold(r, results[OPS - 1].stat.czxid, r->had_incarnation ? results[0].stat.version : 0);
        zk->ops->exists(zk, r->path.text, on_own_node, r, on_watched, r);
    } else if (status == BN_LOST ||
               (status == BN_EXISTS && results && count == OPS && results[1].status == BN_EXISTS)) {
        look(r);
    } else if (status != BN_CLOSED) {
        if (status != BN_EXISTS && status != BN_NOTFOUND && status != BN_STALE)
            BN_WARN("register", "Registering at %s: %s", r->path.text, bn_err_text(status));
        retry(r);
    }
}

static void encode(struct bn_register *r) {
    struct bn_agent *a = r->agent;
    int64_t now_ms = bn_clock_wall_ms(a->config.env->clock);
    struct bn_znode_endpoint *endpoints = bn_alloc_zero((size_t)r->what.endpoint_count + 1, sizeof *endpoints);
    for (int i = 0; i < r->what.endpoint_count; i++) {
        const struct bn_image_endpoint *it = &r->what.endpoints[i];
        endpoints[i] = (struct bn_znode_endpoint){it->listener, it->host, it->port, it->security_protocol};
    }
    struct bn_znode_broker broker = {
        .jmx_port = r->what.jmx_port,
        .timestamp_ms = now_ms,
        .endpoints = endpoints,
        .endpoint_count = r->what.endpoint_count,
        .rack = r->what.rack,
    };
    char host[BN_SOCK_NAME_MAX] = "";
    if (a->peer) bn_sock_local_host(bn_rpc_fd(a->peer), host);
    struct bn_znode_incarnation incarnation = {
        .boot_id = *bn_life_boot_id(a->life),
        .host = host,
        .port = bn_life_port(a->life),
        .machine_boot_id = r->machine_boot_id,
        .timestamp_ms = now_ms,
    };
    bn_str_clear(&r->data);
    bn_str_clear(&r->incarnation_data);
    bn_znode_broker_encode(&r->data, &broker);
    bn_znode_incarnation_encode(&r->incarnation_data, &incarnation);
    bn_alloc_free(endpoints);
}

static void write_multi(struct bn_register *r) {
    struct bn_zk *zk = r->agent->zk;
    encode(r);
    struct bn_zk_op ops[OPS] = {
        {.kind = r->had_incarnation ? BN_ZK_OP_SET : BN_ZK_OP_CREATE,
         .path = r->incarnation_path.text,
         .data = bn_str_slice(&r->incarnation_data),
         .version = -1},
        {.kind = BN_ZK_OP_CREATE, .path = r->path.text, .data = BN_SLICE_NULL, .flags = BN_ZK_EPHEMERAL},
        {.kind = BN_ZK_OP_SET, .path = r->path.text, .data = bn_str_slice(&r->data), .version = 0},
    };
    r->state = WRITING;
    zk->ops->multi(zk, ops, OPS, on_multi, r);
}

static void on_incarnation(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_register *r = arg;
    if (r->state != READING) return;
    if (status != BN_OK && status != BN_NOTFOUND) {
        if (status != BN_CLOSED) retry(r);
        return;
    }
    r->had_incarnation = status == BN_OK;
    write_multi(r);
}

static void begin(struct bn_register *r) {
    struct bn_zk *zk = r->agent->zk;
    if (!r->connected || r->agent->stopping) return;
    r->state = READING;
    zk->ops->exists(zk, r->incarnation_path.text, NULL, NULL, on_incarnation, r);
}

void bn_register_zk(struct bn_register *r, enum bn_zk_state state) {
    r->connected = state == BN_ZK_CONNECTED;
    if (state == BN_ZK_EXPIRED) {
        BN_WARN("register", "The ZooKeeper session expired: registering anew when there is another");
        r->state = IDLE;
        bn_timer_stop(&r->foreign_timer);
        bn_agent_take_epochs(r->agent, -1, -1);
    } else if (r->connected && r->state == IDLE && !bn_timer_running(&r->retry_timer)) {
        begin(r);
    }
}

void bn_register_check(struct bn_register *r) {
    if (r->state == HELD && r->connected) look(r);
}

/* ---- life ---- */

static void read_machine_boot_id(struct bn_register *r) {
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file) return;
    if (!fgets(r->machine_boot_id, sizeof r->machine_boot_id, file)) r->machine_boot_id[0] = '\0';
    r->machine_boot_id[strcspn(r->machine_boot_id, "\n")] = '\0';
    fclose(file);
}

static void copy(struct bn_agent_registration *to, const struct bn_agent_registration *from) {
    *to = *from;
    struct bn_image_endpoint *endpoints = bn_alloc_zero((size_t)from->endpoint_count + 1, sizeof *endpoints);
    for (int i = 0; i < from->endpoint_count; i++) {
        endpoints[i].listener = bn_alloc_strdup(from->endpoints[i].listener);
        endpoints[i].security_protocol = bn_alloc_strdup(from->endpoints[i].security_protocol);
        endpoints[i].host = bn_alloc_strdup(from->endpoints[i].host);
        endpoints[i].port = from->endpoints[i].port;
    }
    to->endpoints = endpoints;
    to->rack = from->rack ? bn_alloc_strdup(from->rack) : NULL;
    to->version = bn_alloc_strdup(from->version ? from->version : "");
    char **ids = bn_alloc_zero((size_t)from->log_dir_count + 1, sizeof *ids);
    for (int i = 0; i < from->log_dir_count; i++) ids[i] = bn_alloc_strdup(from->log_dir_ids[i]);
    to->log_dir_ids = (const char *const *)ids;
}

struct bn_register *bn_register_new(struct bn_agent *a, const struct bn_agent_registration *registration) {
    struct bn_register *r = bn_alloc_zero(1, sizeof *r);
    r->agent = a;
    r->connected = a->zk_up;
    copy(&r->what, registration);
    bn_str_init(&r->data);
    bn_str_init(&r->incarnation_data);
    bn_timer_init(&r->retry_timer, a->config.shard->loop, retry_due);
    bn_timer_init(&r->foreign_timer, a->config.shard->loop, foreign_due);
    bn_znode_path_broker(&r->path, a->broker_id);
    bn_znode_path_incarnation(&r->incarnation_path, a->broker_id);
    read_machine_boot_id(r);
    begin(r);
    return r;
}

void bn_register_free(struct bn_register *r) {
    bn_timer_stop(&r->retry_timer);
    bn_timer_stop(&r->foreign_timer);
    for (int i = 0; i < r->what.endpoint_count; i++) {
        bn_alloc_free(r->what.endpoints[i].listener);
        bn_alloc_free(r->what.endpoints[i].security_protocol);
        bn_alloc_free(r->what.endpoints[i].host);
    }
    bn_alloc_free((void *)(uintptr_t)r->what.endpoints);
    for (int i = 0; i < r->what.log_dir_count; i++) bn_alloc_free((void *)(uintptr_t)r->what.log_dir_ids[i]);
    bn_alloc_free((void *)(uintptr_t)r->what.log_dir_ids);
    bn_alloc_free((void *)(uintptr_t)r->what.rack);
    bn_alloc_free((void *)(uintptr_t)r->what.version);
    bn_alloc_free(r->foreign);
    bn_str_fini(&r->data);
    bn_str_fini(&r->incarnation_data);
    bn_alloc_free(r);
}
