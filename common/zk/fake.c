/* fake.c: the sessions, watches and event queue of a ZooKeeper in memory; fake_tree.c has its nodes. One FIFO of
 * events holds what is on its way in both directions; a request is an event until the server takes it, then its answer
 * is one. An event that a broken connection eats is removed from the queue. Watches live on the server, as if a
 * reconnect had set them again. */
#include "common/zk/fake.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/zk/fake_tree.h"
#include "common/zk/zk_call.h"

struct bn_fake_zk {
    struct bn_loop *loop;
    struct bn_task task;
    struct bn_fake_tree tree;
    struct bn_list events, clients, watches;
    size_t pending;
    int64_t next_session;
};

struct client {
    struct bn_zk_core core; /* first */
    struct bn_fake_zk *server;
    struct bn_list link;
    int64_t session;   /* the server's view; 0 = ended */
    bool connected;    /* the network */
    bool told;         /* the client knows that it is connected: it sends */
    bool lose_answer, lose_request;
    bn_zk_void_cb close_cb;
    void *close_arg;
};

struct watch {
    struct bn_list link;
    struct client *client;
    bool children; /* else: data and existence */
    char *path;
    bn_zk_watch_cb cb;
    void *arg;
};

struct event {
    struct bn_list link;
    struct client *client;
    enum { EV_REQUEST, EV_ANSWER, EV_WATCH, EV_UP, EV_DOWN, EV_EXPIRED, EV_CLOSED, EV_KICK } kind;
    struct bn_zk_call *call; /* REQUEST, ANSWER */
    struct watch *watch;     /* WATCH: owned */
    enum bn_zk_watch_kind watch_kind;
    int64_t session; /* UP */
};

static struct client *client_of(struct bn_zk *zk) {
    return BN_CONTAINER_OF(BN_CONTAINER_OF(zk, struct bn_zk_core, zk), struct client, core);
}

static struct event *post(struct client *c, int kind) {
    struct bn_fake_zk *s = c->server;
    struct event *ev = bn_alloc_zero(1, sizeof *ev);
    ev->client = c;
    ev->kind = (typeof(ev->kind))kind;
    bn_list_init(&ev->link);
    bn_list_push_back(&s->events, &ev->link);
    s->pending++;
    if (s->loop) bn_loop_defer(s->loop, &s->task);
    return ev;
}

static void watch_free(struct watch *w) {
    bn_list_remove(&w->link);
    bn_alloc_free(w->path);
    bn_alloc_free(w);
}

static void event_free(struct bn_fake_zk *s, struct event *ev) {
    bn_list_remove(&ev->link);
    s->pending--;
    if (ev->watch) watch_free(ev->watch);
    bn_alloc_free(ev);
}

/* ---- The server ---- */

static void changed(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_fake_zk *s = arg;
    BN_LIST_FOR(n, &s->watches) {
        struct watch *w = BN_CONTAINER_OF(n, struct watch, link);
        bool hit = w->children ? kind == BN_ZK_CHILDREN || kind == BN_ZK_DELETED : kind != BN_ZK_CHILDREN;
        if (!hit || strcmp(w->path, path) != 0) continue;
        struct event *ev = post(w->client, EV_WATCH);
        bn_list_remove(&w->link);
        ev->watch = w;
        ev->watch_kind = kind;
    }
}

static void arm(struct client *c, const struct bn_zk_call *call) {
    bool armed = call->status == BN_OK || (call->kind == BN_ZK_CALL_EXISTS && call->status == BN_NOTFOUND);
    if (!call->watch || !armed) return;
    struct watch *w = bn_alloc_zero(1, sizeof *w);
    bn_list_init(&w->link);
    w->client = c;
    w->children = call->kind == BN_ZK_CALL_CHILDREN;
    w->path = bn_alloc_strdup(call->path);
    w->cb = call->watch;
    w->arg = call->watch_arg;
    bn_list_push_back(&c->server->watches, &w->link);
}

static void drop_watches(struct client *c) {
    BN_LIST_FOR(n, &c->server->watches) {
        struct watch *w = BN_CONTAINER_OF(n, struct watch, link);
        if (w->client == c) watch_free(w);
    }
}

/* An answer that will be given again has to be forgotten first. */
static void forget_answer(struct bn_zk_call *c) {
    for (int i = 0; i < c->name_count; i++) bn_alloc_free(c->names[i]);
    bn_alloc_free(c->names);
    bn_alloc_free(c->out);
    c->names = NULL;
    c->out = NULL;
    c->name_count = 0;
    c->out_null = true;
    c->has_stat = false;
}

static void lose(struct bn_zk_call *call) {
    call->in_flight = false;
    if (bn_zk_call_is_read(call)) forget_answer(call);
    else bn_zk_call_fail(call, BN_LOST);
}

/* Everything of c in the queue that travels on the connection. */
static void cut(struct client *c, bool apply) {
    struct bn_fake_zk *s = c->server;
    BN_LIST_FOR(n, &s->events) {
        struct event *ev = BN_CONTAINER_OF(n, struct event, link);
        if (ev->client != c || (ev->kind != EV_REQUEST && ev->kind != EV_ANSWER)) continue;
        struct bn_zk_call *call = ev->call;
        if (apply && ev->kind == EV_REQUEST && !bn_zk_call_is_read(call) && c->session)
            bn_fake_tree_apply(&s->tree, call, c->session);
        lose(call);
        event_free(s, ev);
    }
}

static void take_request(struct client *c, struct bn_zk_call *call) {
    struct bn_fake_zk *s = c->server;
    bool write = !bn_zk_call_is_read(call);
    bool lose_it = write && (c->lose_answer || c->lose_request);
    if (!lose_it || !c->lose_request) bn_fake_tree_apply(&s->tree, call, c->session);
    if (!lose_it) {
        arm(c, call);
        post(c, EV_ANSWER)->call = call;
        return;
    }
    c->lose_answer = c->lose_request = false;
    lose(call);
    bn_fake_disconnect(&c->core.zk, false);
    bn_fake_reconnect(&c->core.zk);
}

/* ---- The client ---- */

static void send_all(struct client *c) {
    if (!c->told || !c->connected || !c->session) return;
    BN_LIST_FOR(n, &c->core.calls) {
        struct bn_zk_call *call = BN_CONTAINER_OF(n, struct bn_zk_call, link);
        if (call->done || call->in_flight) continue;
        call->in_flight = true;
        post(c, EV_REQUEST)->call = call;
    }
}

static void kick(struct bn_zk_core *core) {
    struct client *c = BN_CONTAINER_OF(core, struct client, core);
    send_all(c);
    /* A call that was refused at once is delivered by this. */
    struct bn_list *last = core->calls.prev;
    bool refused = !bn_list_empty(&core->refused) ||
                   (last != &core->calls && BN_CONTAINER_OF(last, struct bn_zk_call, link)->done);
    if (refused) post(c, EV_KICK);
}

static void open_session(struct client *c) {
    c->session = ++c->server->next_session;
    c->connected = true;
    post(c, EV_UP)->session = c->session;
}

static void learn_expiry(struct client *c) {
    c->told = false;
    c->core.state = BN_ZK_CONNECTING;
    c->core.session_id = 0;
    bn_zk_call_close_all(&c->core);
    if (c->core.closed) return;
    bn_zk_call_tell(&c->core, BN_ZK_EXPIRED, 0);
    if (!c->core.closed) open_session(c);
}

static void finish_close(struct client *c) {
    struct bn_fake_zk *s = c->server;
    while (!bn_list_empty(&c->core.calls)) bn_zk_call_close_all(&c->core);
    bn_zk_call_deliver(&c->core);
    if (c->close_cb) c->close_cb(c->close_arg, BN_OK);
    BN_LIST_FOR(n, &s->events) {
        struct event *ev = BN_CONTAINER_OF(n, struct event, link);
        if (ev->client == c) event_free(s, ev);
    }
    bn_list_remove(&c->link);
    bn_zk_call_core_fini(&c->core);
    bn_alloc_free(c);
}

static void run(struct bn_fake_zk *s, struct event *ev) {
    struct client *c = ev->client;
    struct event now = *ev;
    ev->watch = NULL;
    event_free(s, ev);
    switch (now.kind) {
    case EV_REQUEST: take_request(c, now.call); break;
    case EV_ANSWER:
        now.call->in_flight = false;
        now.call->done = true;
        bn_zk_call_deliver(&c->core);
        break;
    case EV_WATCH:
        if (!c->core.closed) now.watch->cb(now.watch->arg, now.watch_kind, bn_zk_call_strip(&c->core, now.watch->path));
        watch_free(now.watch);
        break;
    case EV_UP:
        if (c->core.closed || !c->connected || now.session != c->session) break;
        c->told = true;
        bn_zk_call_tell(&c->core, BN_ZK_CONNECTED, now.session);
        send_all(c);
        break;
    case EV_DOWN:
        if (c->core.closed) break;
        if (c->core.state == BN_ZK_CONNECTED) bn_zk_call_tell(&c->core, BN_ZK_CONNECTING, c->core.session_id);
        bn_zk_call_deliver(&c->core);
        break;
    case EV_EXPIRED:
        if (!c->core.closed) learn_expiry(c);
        break;
    case EV_KICK: bn_zk_call_deliver(&c->core); break;
    case EV_CLOSED: finish_close(c); break;
    }
}

/* ---- The doors ---- */

static void turn(struct bn_task *t) {
    struct bn_fake_zk *s = BN_CONTAINER_OF(t, struct bn_fake_zk, task);
    for (size_t n = s->pending; n > 0 && bn_fake_step(s); n--) {}
    if (s->pending) bn_loop_defer(s->loop, &s->task);
}

struct bn_fake_zk *bn_fake_new(struct bn_loop *loop, const struct bn_clock *clock) {
    struct bn_fake_zk *s = bn_alloc_zero(1, sizeof *s);
    s->loop = loop;
    bn_task_init(&s->task, turn);
    bn_list_init(&s->events);
    bn_list_init(&s->clients);
    bn_list_init(&s->watches);
    bn_fake_tree_init(&s->tree);
    s->tree.clock = clock;
    s->tree.changed = changed;
    s->tree.arg = s;
    return s;
}

void bn_fake_free(struct bn_fake_zk *s) {
    BN_ASSERT(bn_list_empty(&s->clients) && bn_list_empty(&s->events));
    bn_task_cancel(&s->task);
    bn_fake_tree_fini(&s->tree);
    bn_alloc_free(s);
}

bool bn_fake_step(struct bn_fake_zk *s) {
    if (bn_list_empty(&s->events)) return false;
    run(s, BN_CONTAINER_OF(s->events.next, struct event, link));
    return true;
}

bool bn_fake_step_client(struct bn_zk *zk) {
    struct client *c = client_of(zk);
    BN_LIST_FOR(n, &c->server->events) {
        struct event *ev = BN_CONTAINER_OF(n, struct event, link);
        if (ev->client != c) continue;
        run(c->server, ev);
        return true;
    }
    return false;
}

size_t bn_fake_pending(const struct bn_fake_zk *s) { return s->pending; }

void bn_fake_disconnect(struct bn_zk *zk, bool apply) {
    struct client *c = client_of(zk);
    if (!c->connected) return;
    cut(c, apply);
    c->connected = c->told = false;
    post(c, EV_DOWN);
}

void bn_fake_reconnect(struct bn_zk *zk) {
    struct client *c = client_of(zk);
    if (c->connected || c->core.closed) return;
    c->connected = true;
    if (c->session) post(c, EV_UP)->session = c->session;
    else post(c, EV_EXPIRED);
}

void bn_fake_expire(struct bn_zk *zk) {
    struct client *c = client_of(zk);
    int64_t session = c->session;
    if (!session) return;
    c->session = 0;
    drop_watches(c);
    BN_LIST_FOR(n, &c->server->events) { /* what it asked and the server has not taken is never taken */
        struct event *ev = BN_CONTAINER_OF(n, struct event, link);
        if (ev->client != c || (ev->kind != EV_REQUEST && ev->kind != EV_WATCH)) continue;
        if (ev->call) ev->call->in_flight = false;
        event_free(c->server, ev);
    }
    bn_fake_tree_end_session(&c->server->tree, session);
    if (c->connected) post(c, EV_EXPIRED);
}

void bn_fake_lose_next_answer(struct bn_zk *zk) { client_of(zk)->lose_answer = true; }
void bn_fake_lose_next_request(struct bn_zk *zk) { client_of(zk)->lose_request = true; }

int bn_fake_peek(struct bn_fake_zk *s, const char *path, struct bn_slice *data, struct bn_zk_stat *stat) {
    return bn_fake_tree_peek(&s->tree, path, data, stat);
}

int64_t bn_fake_zxid(const struct bn_fake_zk *s) { return s->tree.zxid; }

static void fake_close(struct bn_zk *zk, bn_zk_void_cb done, void *arg) {
    struct client *c = client_of(zk);
    BN_ASSERT(!c->core.closed);
    cut(c, true);
    c->core.closed = true;
    c->core.state = BN_ZK_CONNECTING;
    c->core.session_id = 0;
    c->close_cb = done;
    c->close_arg = arg;
    drop_watches(c);
    int64_t session = c->session;
    c->session = 0;
    c->connected = c->told = false;
    if (session) bn_fake_tree_end_session(&c->server->tree, session);
    BN_LIST_FOR(n, &c->core.calls) { /* a session that is closed answers nothing but this */
        struct bn_zk_call *call = BN_CONTAINER_OF(n, struct bn_zk_call, link);
        if (!call->done || call->status == BN_LOST) bn_zk_call_fail(call, BN_CLOSED);
    }
    post(c, EV_CLOSED);
}

static const struct bn_zk_ops fake_ops = {
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
    .close = fake_close,
};

static void make_chroot(struct bn_fake_zk *s, const char *chroot) {
    for (const char *p = chroot; *p;) {
        const char *slash = strchr(p + 1, '/');
        p = slash ? slash : p + strlen(p);
        char *part = bn_alloc_strndup(chroot, (size_t)(p - chroot));
        struct bn_zk_call *c = bn_zk_call_new(BN_ZK_CALL_CREATE, "", part);
        bn_fake_tree_apply(&s->tree, c, 0);
        bn_zk_call_free(c);
        bn_alloc_free(part);
    }
}

int bn_fake_open(struct bn_fake_zk *s, const struct bn_zk_config *config, struct bn_zk **out, struct bn_err *e) {
    struct client *c = bn_alloc_zero(1, sizeof *c);
    char *hosts = NULL;
    int r = bn_zk_call_core_init(&c->core, config, &hosts, e);
    bn_alloc_free(hosts);
    if (r != BN_OK) {
        bn_alloc_free(c);
        return r;
    }
    c->core.zk.ops = &fake_ops;
    c->core.kick = kick;
    c->server = s;
    bn_list_init(&c->link);
    bn_list_push_back(&s->clients, &c->link);
    make_chroot(s, c->core.chroot);
    open_session(c);
    *out = &c->core.zk;
    return BN_OK;
}
