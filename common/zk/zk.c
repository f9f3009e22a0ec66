/* zk.c: the real client: one queue of calls (zk_call.h) over a succession of sessions (zk_conn.h), one at a time. Owns
 * the making of the chroot and the life of the sessions:
 *
 *   CONNECTING --up--> (chroot made) --> CONNECTED --down--> CONNECTING --up--> CONNECTED, same session
 *        any --expired--> every call BN_CLOSED, EXPIRED, a new conn --up--> CONNECTED, another session
 *
 * Calls are sent in their order, at most IN_FLIGHT_MAX at a time, and answered in their order: the answer to a write
 * that was lost waits behind a read that is being sent again (and only then a watch event may overtake the answer that
 * armed it). A conn whose session expired is closed by its own thread while the next one connects. */
#include "common/zk/zk.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/zk/zk_call.h"
#include "common/zk/zk_conn.h"

#define IN_FLIGHT_MAX 256 /* below ZooKeeper's globalOutstandingLimit of 1000 */
#define RETRY_MS 1000

struct client {
    struct bn_zk_core core; /* first */
    struct bn_loop *loop;
    struct bn_mailbox *mailbox;
    char *hosts;
    int timeout_ms;
    struct bn_zk_conn *conn; /* the current one; NULL once closing */
    int conns;               /* with those that are ending */
    size_t in_flight;        /* of the current conn, without the chroot's calls */
    bool up, ready;          /* connected; and the chroot is there */
    int64_t session_id;
    int64_t chroot_session;  /* the session that found or made the chroot */
    struct bn_zk_call *chroot_call;
    size_t chroot_at; /* how much of the chroot is being created; 0 = looking whether it is there */
    struct bn_timer retry;
    struct bn_task task;
    bn_zk_void_cb close_cb;
    void *close_arg;
};

static struct client *client_of(struct bn_zk_core *core) { return BN_CONTAINER_OF(core, struct client, core); }

/* Sends what waits, in order. A call that is done already (refused here) takes no part. */
static void pump(struct client *z) {
    if (!z->ready || !z->conn) return;
    BN_LIST_FOR(n, &z->core.calls) {
        struct bn_zk_call *c = BN_CONTAINER_OF(n, struct bn_zk_call, link);
        if (c->done || c->in_flight) continue;
        if (z->in_flight >= IN_FLIGHT_MAX) return;
        int r = bn_zk_conn_send(z->conn, c);
        if (r == BN_AGAIN) return;
        if (r == BN_OK) z->in_flight++;
        else bn_zk_call_fail(c, BN_IO);
    }
}

static void turn(struct bn_task *t) {
    struct client *z = BN_CONTAINER_OF(t, struct client, task);
    pump(z);
    bn_zk_call_deliver(&z->core);
}

static void kick(struct bn_zk_core *core) { bn_loop_defer(client_of(core)->loop, &client_of(core)->task); }

static void become_ready(struct client *z) {
    z->ready = true;
    bn_zk_call_tell(&z->core, BN_ZK_CONNECTED, z->session_id);
    kick(&z->core);
}

/* ---- The chroot ---- */

static void chroot_send(struct client *z) {
    if (z->chroot_call || !z->up || !z->conn) return;
    char *part = z->chroot_at ? bn_alloc_strndup(z->core.chroot, z->chroot_at) : NULL;
    enum bn_zk_call_kind kind = part ? BN_ZK_CALL_CREATE : BN_ZK_CALL_EXISTS;
    struct bn_zk_call *c = bn_zk_call_new(kind, "", part ? part : z->core.chroot);
    bn_alloc_free(part);
    z->chroot_call = c;
    if (bn_zk_conn_send(z->conn, c) == BN_OK) return;
    bn_zk_call_free(c);
    z->chroot_call = NULL;
    bn_timer_start(&z->retry, RETRY_MS);
}

static void chroot_begin(struct client *z) {
    if (*z->core.chroot == '\0' || z->chroot_session == z->session_id) {
        become_ready(z);
        return;
    }
    z->chroot_at = 0;
    chroot_send(z);
}

static void chroot_retry(struct bn_timer *t) {
    struct client *z = BN_CONTAINER_OF(t, struct client, retry);
    z->chroot_at = 0;
    chroot_send(z);
}

static void chroot_reply(struct client *z, struct bn_zk_call *c) {
    int status = c->status;
    bool looked = c->kind == BN_ZK_CALL_EXISTS;
    z->chroot_call = NULL;
    bn_zk_call_free(c);
    if (status == BN_LOST || status == BN_CLOSED || !z->up) {
        /* The next connection begins again; or this answer came after it did. */
        if (z->up) bn_timer_start(&z->retry, 10);
        return;
    }
    size_t len = strlen(z->core.chroot);
    bool there = status == BN_OK || status == BN_EXISTS;
    if (there && (looked || z->chroot_at == len)) {
        z->chroot_session = z->session_id;
        become_ready(z);
        return;
    }
    if (looked ? status != BN_NOTFOUND : z->chroot_at == len) {
        BN_WARN("zk", "cannot make the chroot %s: %s; trying again", z->core.chroot, bn_err_text(status));
        bn_timer_start(&z->retry, RETRY_MS);
        return;
    }
    /* A parent that may not be created may be there all the same, so only the last part's answer counts. */
    const char *slash = strchr(z->core.chroot + z->chroot_at + 1, '/');
    z->chroot_at = slash ? (size_t)(slash - z->core.chroot) : len;
    chroot_send(z);
}

/* ---- Events of conns ---- */

static const struct bn_zk_conn_events conn_events;

static void connect_anew(struct client *z) {
    z->up = z->ready = false;
    z->in_flight = 0;
    z->session_id = 0;
    z->conn = bn_zk_conn_new(z->hosts, z->timeout_ms, z->mailbox, &conn_events, z);
    z->conns++;
}

static void expired(struct client *z) {
    struct bn_zk_conn *old = z->conn;
    BN_WARN("zk", "session 0x%" PRIx64 " expired", (uint64_t)z->session_id);
    z->conn = NULL;
    z->up = z->ready = false;
    z->core.session_id = 0;
    bn_timer_stop(&z->retry);
    if (z->chroot_call) z->chroot_call->orphan = true;
    z->chroot_call = NULL;
    bn_zk_conn_close(old);
    z->core.state = BN_ZK_CONNECTING; /* what callbacks see; EXPIRED is told after them */
    bn_zk_call_close_all(&z->core);
    if (z->core.closed) return;
    bn_zk_call_tell(&z->core, BN_ZK_EXPIRED, 0);
    if (!z->core.closed) connect_anew(z);
}

static void on_state(void *arg, struct bn_zk_conn *conn, enum bn_zk_conn_state state, int64_t session_id) {
    struct client *z = arg;
    if (conn != z->conn) return; /* an old session's echo, or closing */
    switch (state) {
    case BN_ZK_CONN_UP:
        z->up = true;
        z->session_id = session_id;
        chroot_begin(z);
        break;
    case BN_ZK_CONN_DOWN:
        z->up = z->ready = false;
        bn_timer_stop(&z->retry);
        if (z->core.state == BN_ZK_CONNECTED) bn_zk_call_tell(&z->core, BN_ZK_CONNECTING, z->session_id);
        break;
    case BN_ZK_CONN_EXPIRED: expired(z); break;
    }
}

static void on_reply(void *arg, struct bn_zk_conn *conn, struct bn_zk_call *c) {
    struct client *z = arg;
    if (c == z->chroot_call) {
        chroot_reply(z, c);
        return;
    }
    if (conn == z->conn) z->in_flight--;
    /* A read goes out again, unless the client is being closed. A lost session answers everything by itself. */
    bool again = c->status == BN_LOST && bn_zk_call_is_read(c) && z->conn;
    if (!again) c->done = true;
    kick(&z->core); /* to send more */
    bn_zk_call_deliver(&z->core); /* now, so that the answer comes before the watch event that follows it */
}

static void on_watch(void *arg, struct bn_zk_conn *conn, bn_zk_watch_cb cb, void *cb_arg, enum bn_zk_watch_kind kind,
                     const char *path) {
    struct client *z = arg;
    if (conn == z->conn) cb(cb_arg, kind, bn_zk_call_strip(&z->core, path));
}

static void on_ended(void *arg, struct bn_zk_conn *conn) {
    struct client *z = arg;
    (void)conn;
    z->conns--;
    if (!z->core.closed || z->conns > 0) return;
    while (!bn_list_empty(&z->core.calls)) bn_zk_call_close_all(&z->core); /* callbacks may still call */
    bn_zk_call_deliver(&z->core);
    bn_task_cancel(&z->task);
    bn_timer_stop(&z->retry);
    if (z->close_cb) z->close_cb(z->close_arg, BN_OK);
    bn_zk_call_core_fini(&z->core);
    bn_alloc_free(z->hosts);
    bn_alloc_free(z);
}

static const struct bn_zk_conn_events conn_events = {on_state, on_reply, on_watch, on_ended};

static void client_close(struct bn_zk *zk, bn_zk_void_cb done, void *arg) {
    struct client *z = client_of(BN_CONTAINER_OF(zk, struct bn_zk_core, zk));
    BN_ASSERT(!z->core.closed);
    z->core.closed = true;
    z->close_cb = done;
    z->close_arg = arg;
    z->ready = z->up = false;
    z->core.session_id = 0;
    z->core.state = BN_ZK_CONNECTING;
    if (z->chroot_call) z->chroot_call->orphan = true;
    z->chroot_call = NULL;
    bn_timer_stop(&z->retry);
    struct bn_zk_conn *conn = z->conn;
    z->conn = NULL;
    if (conn) bn_zk_conn_close(conn);
}

static const struct bn_zk_ops client_ops = {
    .get = bn_zk_call_get,
    .exists = bn_zk_call_exists,
    .children = bn_zk_call_children,
    .create = bn_zk_call_create,
    .set = bn_zk_call_set,
    .remove = bn_zk_call_remove,
    .multi = bn_zk_call_multi,
    .sync = bn_zk_call_sync,
    .state = bn_zk_call_state,
    .session_id = bn_zk_call_session_id,
    .close = client_close,
};

static int check_hosts(const char *hosts, struct bn_err *e) {
    for (const char *p = hosts;;) {
        const char *comma = strchr(p, ',');
        size_t len = comma ? (size_t)(comma - p) : strlen(p);
        const char *colon = memrchr(p, ':', len);
        int64_t port = 0;
        if (!colon || colon == p || !bn_slice_to_i64(bn_slice_of(colon + 1, len - (size_t)(colon + 1 - p)), &port) ||
            port < 1 || port > 65535)
            return bn_err_set(e, BN_BAD, "zookeeper.connect: \"%.*s\" is not host:port", (int)len, p);
        if (!comma) return BN_OK;
        p = comma + 1;
    }
}

int bn_zk_open(const struct bn_zk_config *config, struct bn_loop *loop, struct bn_mailbox *mailbox, struct bn_zk **out,
               struct bn_err *e) {
    struct client *z = bn_alloc_zero(1, sizeof *z);
    int r = bn_zk_call_core_init(&z->core, config, &z->hosts, e);
    if (r == BN_OK && (r = check_hosts(z->hosts, e)) != BN_OK) bn_zk_call_core_fini(&z->core);
    if (r != BN_OK) {
        bn_alloc_free(z->hosts);
        bn_alloc_free(z);
        return r;
    }
    z->core.zk.ops = &client_ops;
    z->core.kick = kick;
    z->loop = loop;
    z->mailbox = mailbox;
    z->timeout_ms = config->session_timeout_ms;
    bn_task_init(&z->task, turn);
    bn_timer_init(&z->retry, loop, chroot_retry);
    connect_anew(z);
    *out = &z->core.zk;
    return BN_OK;
}
