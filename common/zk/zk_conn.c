/* zk_conn.c: one handle of libzookeeper_mt. Three kinds of threads meet here:
 *   - the library's two, which run on_session, on_node and the completions: they copy what they are given, post it and
 *   return;
 *   - a keeper thread per handle, which resolves names (zookeeper_init2 does that), sleeps, and closes
 *   (zookeeper_close may
 *     block and must not run on the library's threads);
 *   - the owner's loop, which alone touches struct bn_zk_conn's plain fields and all calls.
 * A call in flight belongs to the library until its completion has posted it. zookeeper_close runs the completions of
 * most that is left; one that was queued while its thread was ending is never run. After it nothing of the library's
 * points here, and what has posted has done so before the keeper's last word: what is still in flight then was lost.
 * Watches live in the list of their conn until they fire or it ends.
 *
 * The library's own patience with an attempt to connect is long (zk_attempt.h). It asks what to wait for by calling its
 * public zookeeper_interest, which the program replaces with bn_zk_conn_interest: that is the library's own answer, and
 * the attempt's deadline added to it.
 *
 * Not used, because they are broken in Debian's 3.8.0: create2 inside multis (ZOOKEEPER-4026), zoo_set_servers (4699),
 * zoo_get_current_server (4810). The chroot is zk.c's prefix, not the library's. */
#include "common/zk/zk_conn.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <zookeeper/zookeeper.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/sys/clock.h"
#include "common/zk/zk_attempt.h"

struct bn_zk_conn {
    struct bn_mailbox *mailbox;
    const struct bn_zk_conn_events *events;
    void *arg;
    char *hosts;
    int timeout_ms;
    pthread_t keeper;
    sem_t stop;        /* posted once by bn_zk_conn_close */
    struct bn_msg end; /* the keeper's last word */

    /* The library's I/O thread's; interest is set before there is one. */
    int (*interest)(zhandle_t *, int *, int *, struct timeval *); /* the library's own zookeeper_interest */
    struct bn_zk_attempt attempt;

    /* The loop's. */
    zhandle_t *handle; /* from the first session event on; NULL again when closing */
    struct bn_list watches;
    struct bn_list sent; /* struct bn_zk_call: those in flight */
};

struct bn_zk_call_watch {
    struct bn_list link; /* in bn_zk_conn.watches */
    struct bn_msg msg;
    struct bn_zk_conn *conn; /* NULL: the conn ended while this was in the mailbox */
    bn_zk_watch_cb cb;
    void *arg;
    atomic_bool fired;
    enum bn_zk_watch_kind kind;
    char *path;
};

struct session_event {
    struct bn_msg msg;
    struct bn_zk_conn *conn;
    zhandle_t *handle;
    enum bn_zk_conn_state state;
    int64_t session_id;
};

static int status_of(int rc) {
    switch (rc) {
    case ZOK:
        return BN_OK;
    case ZNONODE:
        return BN_NOTFOUND;
    case ZNODEEXISTS:
        return BN_EXISTS;
    case ZBADVERSION:
        return BN_STALE;
    case ZNOTEMPTY:
        return BN_NOTEMPTY;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSESSIONMOVED:
        return BN_LOST;
    case ZSESSIONEXPIRED:
    case ZINVALIDSTATE:
    case ZCLOSING:
        return BN_CLOSED;
    default:
        return BN_IO;
    }
}

static void copy_stat(struct bn_zk_stat *to, const struct Stat *from) {
    *to = (struct bn_zk_stat){
        .czxid = from->czxid,
        .mzxid = from->mzxid,
        .ephemeral_owner = from->ephemeralOwner,
        .ctime_ms = from->ctime,
        .mtime_ms = from->mtime,
        .version = from->version,
        .cversion = from->cversion,
        .child_count = from->numChildren,
    };
}

/* ---- The library's threads ---- */

/* A line looks like "2026-01-31 12:00:00,123:77(0x7f..):ZOO_WARN@func@123: text"; ours has its own time. */
static void on_log(const char *message) {
    static const struct {
        const char *tag;
        enum bn_trace_level level;
    } levels[] = {{"ZOO_ERROR@", BN_TRACE_WARN}, {"ZOO_WARN@", BN_TRACE_WARN}, {"ZOO_INFO@", BN_TRACE_DEBUG}};
    static struct bn_trace_site site;
    for (size_t i = 0; i < BN_ARRAY_LEN(levels); i++) {
        const char *at = strstr(message, levels[i].tag);
        if (!at) continue;
        const char *text = at + strlen(levels[i].tag);
        uint32_t swallowed = 0;
        if (!bn_trace_on(levels[i].level)) return;
        if (levels[i].level == BN_TRACE_WARN && !bn_trace_allow(&site, 5, &swallowed)) return;
        if (swallowed)
            bn_trace(levels[i].level, "zk", "%s (%u lines like this were left out)", text, swallowed);
        else
            bn_trace(levels[i].level, "zk", "%s", text);
        return;
    }
}

static void session_run(struct bn_msg *m);

static void on_session(zhandle_t *zh, int type, int state, const char *path, void *context) {
    (void)path;
    if (type != ZOO_SESSION_EVENT) return;
    struct session_event *ev = bn_alloc_zero(1, sizeof *ev);
    ev->msg.run = session_run;
    ev->conn = context;
    ev->handle = zh;
    ev->state = BN_ZK_CONN_DOWN;
    if (state == ZOO_CONNECTED_STATE) {
        ev->state = BN_ZK_CONN_UP;
        ev->session_id = zoo_client_id(zh)->client_id;
    } else if (state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE) {
        ev->state = BN_ZK_CONN_EXPIRED; /* either way the handle is dead */
    }
    bn_mailbox_post(ev->conn->mailbox, &ev->msg);
}

static void watch_run(struct bn_msg *m);

static void on_node(zhandle_t *zh, int type, int state, const char *path, void *context) {
    (void)zh, (void)state;
    struct bn_zk_call_watch *w = context;
    if (type == ZOO_CREATED_EVENT)
        w->kind = BN_ZK_CREATED;
    else if (type == ZOO_DELETED_EVENT)
        w->kind = BN_ZK_DELETED;
    else if (type == ZOO_CHANGED_EVENT)
        w->kind = BN_ZK_CHANGED;
    else if (type == ZOO_CHILD_EVENT)
        w->kind = BN_ZK_CHILDREN;
    else
        return; /* session events go to every watcher; on_session tells them */
    if (atomic_exchange(&w->fired, true)) return;
    w->path = bn_alloc_strdup(path ? path : "");
    w->msg.run = watch_run;
    bn_mailbox_post(w->conn->mailbox, &w->msg);
}

static void reply_run(struct bn_msg *m);

static void post_reply(struct bn_zk_call *c, int rc) {
    struct bn_zk_conn *conn = c->conn;
    c->status = status_of(rc);
    c->msg.run = reply_run;
    bn_mailbox_post(conn->mailbox, &c->msg);
}

static void take_stat(struct bn_zk_call *c, const struct Stat *stat) {
    if (!stat) return;
    copy_stat(&c->stat, stat);
    c->has_stat = true;
}

static void on_data(int rc, const char *value, int len, const struct Stat *stat, const void *data) {
    struct bn_zk_call *c = (struct bn_zk_call *)(uintptr_t)data;
    if (rc == ZOK) {
        take_stat(c, stat);
        c->out_null = value == NULL || len < 0;
        if (!c->out_null) {
            c->out = (uint8_t *)bn_alloc_strndup(value, (size_t)len);
            c->out_len = (size_t)len;
        }
    }
    post_reply(c, rc);
}

static void on_stat(int rc, const struct Stat *stat, const void *data) {
    struct bn_zk_call *c = (struct bn_zk_call *)(uintptr_t)data;
    if (rc == ZOK) take_stat(c, stat);
    post_reply(c, rc);
}

static void on_strings(int rc, const struct String_vector *strings, const void *data) {
    struct bn_zk_call *c = (struct bn_zk_call *)(uintptr_t)data;
    if (rc == ZOK && strings) {
        c->names = bn_alloc_zero((size_t)strings->count + 1, sizeof *c->names);
        for (int32_t i = 0; i < strings->count; i++) c->names[i] = bn_alloc_strdup(strings->data[i]);
        c->name_count = strings->count;
    }
    post_reply(c, rc);
}

static void on_string(int rc, const char *value, const void *data) {
    struct bn_zk_call *c = (struct bn_zk_call *)(uintptr_t)data;
    if (rc == ZOK && c->kind == BN_ZK_CALL_CREATE) c->created = bn_alloc_strdup(value ? value : "");
    post_reply(c, rc);
}

static void on_void(int rc, const void *data) { post_reply((struct bn_zk_call *)(uintptr_t)data, rc); }

/* The library's I/O thread, before each of its waits. An attempt that is given up is shut down and not closed: the
 * library finds its end, and goes on as after any other. Where a linker binds the library's calls to itself, this is
 * not called, and its own patience holds. */
int bn_zk_conn_interest(zhandle_t *zh, int *fd, int *interest, struct timeval *tv) __asm__("zookeeper_interest");

int bn_zk_conn_interest(zhandle_t *zh, int *fd, int *interest, struct timeval *tv) {
    struct bn_zk_conn *conn = (struct bn_zk_conn *)(uintptr_t)zoo_get_context(zh);
    int rc = conn->interest(zh, fd, interest, tv), state = zoo_state(zh);
    if (rc != ZOK) return rc;
    enum bn_zk_phase phase = BN_ZK_PHASE_UP;
    if (*fd < 0)
        phase = BN_ZK_PHASE_IDLE;
    else if (state == ZOO_CONNECTING_STATE)
        phase = BN_ZK_PHASE_CONNECTING;
    else if (state == ZOO_ASSOCIATING_STATE)
        phase = BN_ZK_PHASE_GREETING;
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    if (phase != BN_ZK_PHASE_UP && phase != BN_ZK_PHASE_IDLE)
        (void)getsockopt(*fd, SOL_SOCKET, SO_COOKIE, &cookie, &size); /* a number that no other socket ever has */
    int wait_ms = (int)(tv->tv_sec * 1000 + tv->tv_usec / 1000);
    if (bn_zk_attempt_look(&conn->attempt, phase, cookie + 1, bn_clock_mono_ms(bn_clock_real()), &wait_ms)) {
        BN_INFO("zk", "no answer to an attempt to %s; trying again",
                phase == BN_ZK_PHASE_GREETING ? "resume or begin a session" : "connect");
        (void)shutdown(*fd, SHUT_RDWR);
    }
    *tv = (struct timeval){.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    return rc;
}

/* ---- The keeper ---- */

static void end_run(struct bn_msg *m);

static bool wait_for_stop(struct bn_zk_conn *conn, int seconds) { /* 0 = for ever */
    int r;
    do {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += seconds;
        r = seconds ? sem_timedwait(&conn->stop, &until) : sem_wait(&conn->stop);
    } while (r != 0 && errno == EINTR);
    return r == 0;
}

static void *keep(void *arg) {
    struct bn_zk_conn *conn = arg;
    zhandle_t *zh;
    bool stopped = false;
    zoo_set_debug_level(bn_trace_on(BN_TRACE_DEBUG) ? ZOO_LOG_LEVEL_INFO : ZOO_LOG_LEVEL_WARN);
    while ((zh = zookeeper_init2(conn->hosts, on_session, conn->timeout_ms, NULL, conn, ZOO_NO_LOG_CLIENTENV,
                                 on_log)) == NULL) {
        static struct bn_trace_site site;
        uint32_t swallowed;
        int errnum = errno;
        if (bn_trace_allow(&site, 1, &swallowed))
            BN_WARN("zk", "cannot resolve \"%s\" (%s); trying again", conn->hosts, strerror(errnum));
        if ((stopped = wait_for_stop(conn, 1))) break;
    }
    if (!stopped) wait_for_stop(conn, 0);
    if (zh) zookeeper_close(zh);
    bn_mailbox_post(conn->mailbox, &conn->end);
    return NULL;
}

/* ---- The loop ---- */

struct bn_zk_conn *bn_zk_conn_new(const char *hosts, int session_timeout_ms, struct bn_mailbox *mailbox,
                                  const struct bn_zk_conn_events *events, void *arg) {
    struct bn_zk_conn *conn = bn_alloc_zero(1, sizeof *conn);
    conn->mailbox = mailbox;
    conn->events = events;
    conn->arg = arg;
    conn->hosts = bn_alloc_strdup(hosts);
    conn->timeout_ms = session_timeout_ms;
    conn->end.run = end_run;
    void *own = dlsym(RTLD_NEXT, "zookeeper_interest");
    BN_ASSERT(own && sizeof own == sizeof conn->interest);
    memcpy(&conn->interest, &own, sizeof own);
    bn_list_init(&conn->watches);
    bn_list_init(&conn->sent);
    BN_ASSERT(sem_init(&conn->stop, 0, 0) == 0);
    /* Signals are the main thread's; the library's threads inherit the keeper's mask. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&conn->keeper, NULL, keep, conn);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    BN_ASSERT(r == 0);
    return conn;
}

void bn_zk_conn_close(struct bn_zk_conn *conn) {
    conn->handle = NULL;
    sem_post(&conn->stop);
}

static void session_run(struct bn_msg *m) {
    struct session_event *ev = BN_CONTAINER_OF(m, struct session_event, msg);
    struct bn_zk_conn *conn = ev->conn;
    conn->handle = ev->handle; /* the owner sends nothing after close, whatever still comes in */
    conn->events->state(conn->arg, conn, ev->state, ev->session_id);
    bn_alloc_free(ev);
}

static void watch_free(struct bn_zk_call_watch *w) {
    bn_list_remove(&w->link);
    bn_alloc_free(w->path);
    bn_alloc_free(w);
}

static void watch_run(struct bn_msg *m) {
    struct bn_zk_call_watch *w = BN_CONTAINER_OF(m, struct bn_zk_call_watch, msg);
    if (w->conn) w->conn->events->watch(w->conn->arg, w->conn, w->cb, w->arg, w->kind, w->path);
    watch_free(w);
}

static void answer(struct bn_zk_call *c);

static void end_run(struct bn_msg *m) {
    struct bn_zk_conn *conn = BN_CONTAINER_OF(m, struct bn_zk_conn, end);
    pthread_join(conn->keeper, NULL); /* it has posted its last word, so this is at once */
    while (!bn_list_empty(&conn->sent)) {
        struct bn_zk_call *c = BN_CONTAINER_OF(conn->sent.next, struct bn_zk_call, sent);
        c->status = BN_CLOSED;
        answer(c);
    }
    conn->events->ended(conn->arg, conn);
    BN_LIST_FOR (n, &conn->watches) {
        struct bn_zk_call_watch *w = BN_CONTAINER_OF(n, struct bn_zk_call_watch, link);
        if (!atomic_load(&w->fired)) {
            watch_free(w);
            continue;
        }
        bn_list_remove(&w->link); /* its message is still in the mailbox */
        w->conn = NULL;
    }
    sem_destroy(&conn->stop);
    bn_alloc_free(conn->hosts);
    bn_alloc_free(conn);
}

struct multi {
    struct Stat *stats;
    zoo_op_result_t *results;
};

/* One block: the arrays that the library writes into until the completion, and the ops and names. */
static int send_multi(struct bn_zk_conn *conn, struct bn_zk_call *c) {
    size_t n = (size_t)c->op_count, names = 0;
    for (size_t i = 0; i < n; i++) names += strlen(c->ops[i].path) + 16;
    struct multi *multi = bn_alloc_zero(
        1, sizeof *multi + n * (sizeof(zoo_op_t) + sizeof(zoo_op_result_t) + sizeof(struct Stat)) + names);
    zoo_op_t *ops = (zoo_op_t *)(void *)(multi + 1);
    multi->stats = (struct Stat *)(void *)(ops + n);
    multi->results = (zoo_op_result_t *)(void *)(multi->stats + n);
    char *name = (char *)(multi->results + n);
    bn_alloc_free(c->multi);
    c->multi = multi;
    for (size_t i = 0; i < n; i++) {
        const struct bn_zk_op *op = &c->ops[i];
        const char *data = (const char *)op->data.ptr;
        int len = data ? (int)op->data.len : -1;
        switch (op->kind) {
        case BN_ZK_OP_CREATE: {
            size_t room = strlen(op->path) + 16;
            zoo_create_op_init(&ops[i], op->path, data, len, &ZOO_OPEN_ACL_UNSAFE, op->flags, name, (int)room);
            name += room;
            break;
        }
        case BN_ZK_OP_SET:
            zoo_set_op_init(&ops[i], op->path, data, len, op->version, &multi->stats[i]);
            break;
        case BN_ZK_OP_DELETE:
            zoo_delete_op_init(&ops[i], op->path, op->version);
            break;
        case BN_ZK_OP_CHECK:
            zoo_check_op_init(&ops[i], op->path, op->version);
            break;
        }
    }
    return zoo_amulti(conn->handle, c->op_count, ops, multi->results, on_void, c);
}

/* What the library left in the arrays becomes the call's results; paths keep the chroot. */
static void settle_multi(struct bn_zk_call *c) {
    if (c->status == BN_LOST || c->status == BN_CLOSED) {
        bn_zk_call_fail(c, c->status);
        return;
    }
    const struct multi *multi = c->multi;
    int whole = c->status;
    for (int i = 0; i < c->op_count; i++) {
        struct bn_zk_op_result *r = &c->results[i];
        r->status = status_of(multi->results[i].err);
        if (c->ops[i].kind == BN_ZK_OP_SET) copy_stat(&r->stat, &multi->stats[i]);
        if (c->ops[i].kind == BN_ZK_OP_CREATE && multi->results[i].value)
            snprintf(r->path, sizeof r->path, "%s", multi->results[i].value);
    }
    bn_zk_call_settle_multi(c);
    if (c->status == BN_OK) c->status = whole;
}

static void answer(struct bn_zk_call *c) {
    struct bn_zk_conn *conn = c->conn;
    c->in_flight = false;
    bn_list_remove(&c->sent);
    bool armed = c->status == BN_OK || (c->kind == BN_ZK_CALL_EXISTS && c->status == BN_NOTFOUND);
    if (c->armed && !armed) watch_free(c->armed);
    c->armed = NULL;
    if (c->orphan) {
        bn_zk_call_free(c);
    } else {
        if (c->kind == BN_ZK_CALL_MULTI) settle_multi(c);
        conn->events->reply(conn->arg, conn, c);
    }
}

static void reply_run(struct bn_msg *m) { answer(BN_CONTAINER_OF(m, struct bn_zk_call, msg)); }

static struct bn_zk_call_watch *arm(struct bn_zk_conn *conn, struct bn_zk_call *c) {
    struct bn_zk_call_watch *w = bn_alloc_zero(1, sizeof *w);
    bn_list_init(&w->link);
    bn_list_push_back(&conn->watches, &w->link);
    w->conn = conn;
    w->cb = c->watch;
    w->arg = c->watch_arg;
    atomic_init(&w->fired, false);
    return w;
}

int bn_zk_conn_send(struct bn_zk_conn *conn, struct bn_zk_call *c) {
    if (!conn->handle) return BN_AGAIN;
    c->conn = conn;
    c->in_flight = true; /* before the call: the completion may already run */
    bn_list_init(&c->sent);
    bn_list_push_back(&conn->sent, &c->sent);
    if (c->watch && !c->armed) c->armed = arm(conn, c);
    watcher_fn watcher = c->armed ? on_node : NULL;
    const char *data = (const char *)c->data;
    int len = c->data_null ? -1 : (int)c->data_len;
    zhandle_t *zh = conn->handle;
    int rc = ZBADARGUMENTS;
    switch (c->kind) {
    case BN_ZK_CALL_GET:
        rc = zoo_awget(zh, c->path, watcher, c->armed, on_data, c);
        break;
    case BN_ZK_CALL_EXISTS:
        rc = zoo_awexists(zh, c->path, watcher, c->armed, on_stat, c);
        break;
    case BN_ZK_CALL_CHILDREN:
        rc = zoo_awget_children(zh, c->path, watcher, c->armed, on_strings, c);
        break;
    case BN_ZK_CALL_CREATE:
        rc = zoo_acreate(zh, c->path, data, len, &ZOO_OPEN_ACL_UNSAFE, c->flags, on_string, c);
        break;
    case BN_ZK_CALL_SET:
        rc = zoo_aset(zh, c->path, data, len, c->version, on_stat, c);
        break;
    case BN_ZK_CALL_REMOVE:
        rc = zoo_adelete(zh, c->path, c->version, on_void, c);
        break;
    case BN_ZK_CALL_MULTI:
        rc = send_multi(conn, c);
        break;
    case BN_ZK_CALL_SYNC:
        rc = zoo_async(zh, c->path, on_string, c);
        break;
    }
    if (rc == ZOK) return BN_OK;
    c->in_flight = false;
    bn_list_remove(&c->sent);
    if (c->armed) watch_free(c->armed);
    c->armed = NULL;
    return status_of(rc) == BN_IO ? BN_IO : BN_AGAIN;
}
