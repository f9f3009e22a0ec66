/* client.c: one connection to a broker in the role of a client.
 *
 *   CONNECTING --writable--> GREETING --ApiVersions--> READY
 *        \______________________|_____________________/ \__ any of them --> CLOSED (for good)
 *
 * Brokers answer in the order of the requests, so outstanding calls are a list, and the frame that arrives belongs to
 * its head; another correlation id is the peer's fault and ends the connection, as do a timeout (the late answer could
 * only be told apart as long as nothing else goes wrong) and a response that can't be read. When the connection ends,
 * each outstanding call hears of it: BN_CLOSED if none of its bytes left, else BN_LOST.
 *
 * The first call is ApiVersions v3. A broker that doesn't know the version says so in a v0 body, which is asked for
 * then. Callbacks may free the client: whoever runs them holds it by `depth`, and the last one to leave destroys it. */
#include "proto/client/client.h"

#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/sys/sock.h"
#include "proto/client/answerbuf.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/header.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"

enum {
    FRAME_MAX = 128 << 20,
    ANSWER_BUDGET = 256 << 20,
    CALLS_MAX = 64,
    GREETING_VERSION = 3,
    READS_PER_TURN = 16, /* then other connections have their turn */
};

enum state { CONNECTING, GREETING, READY, CLOSED };

struct call {
    struct bn_list link; /* in client.calls */
    struct bn_client *client;
    struct bn_client_call what; /* request is no longer there */
    struct bn_timer timer;
    uint64_t from_byte; /* of everything ever queued: where its request starts */
    int32_t correlation_id;
};

struct bn_client {
    struct bn_loop *loop;
    struct bn_client_conf conf;
    char *peer;
    enum state state;
    int greeting_version; /* of the ApiVersions that was sent last */
    int depth;            /* callbacks that are running */
    bool freed;
    int fd; /* -1 when closed */
    struct bn_io *io;
    struct bn_chain out;
    struct bn_task flush_task;
    struct bn_timer connect_timer;
    struct bn_answerbuf in;
    struct bn_arena arena; /* of answers that bring none */
    struct bn_list calls;
    uint32_t call_count;
    uint64_t queued_bytes; /* ever */
    int32_t next_correlation_id;
    struct {
        int16_t min, max; /* max -1 = not served */
    } served[KAPI_KEYS];
};

const char *bn_client_api_name(int api_key) {
    switch (api_key) {
#define X(symbol, name, key, min, max, flexible)                                                                       \
    case key:                                                                                                          \
        return name;
        KAPI_MAP(X)
#undef X
    default:
        return "?";
    }
}

/* ---- life ---- */

static void disconnect(struct bn_client *c) {
    c->state = CLOSED;
    bn_timer_stop(&c->connect_timer);
    bn_task_cancel(&c->flush_task);
    if (c->io) bn_io_free(c->io);
    c->io = NULL;
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static void free_call(struct call *call) {
    bn_timer_stop(&call->timer);
    bn_list_remove(&call->link);
    call->client->call_count--;
    bn_alloc_free(call);
}

static void destroy(struct bn_client *c) {
    bn_chain_fini(&c->out);
    bn_answerbuf_fini(&c->in);
    bn_arena_fini(&c->arena);
    bn_alloc_free(c->peer);
    bn_alloc_free((void *)(uintptr_t)c->conf.client_id);
    bn_alloc_free(c);
}

static void enter(struct bn_client *c) { c->depth++; }

static void leave(struct bn_client *c) {
    BN_ASSERT(c->depth > 0);
    if (--c->depth == 0 && c->freed) destroy(c);
}

void bn_client_free(struct bn_client *c) {
    if (!c) return;
    BN_ASSERT(!c->freed);
    disconnect(c);
    while (!bn_list_empty(&c->calls)) free_call(BN_CONTAINER_OF(c->calls.next, struct call, link));
    c->freed = true;
    if (c->depth == 0) destroy(c);
}

/* Tells one call that nothing will come, and forgets it. */
static void fail_call(struct call *call, int status, const char *reason) {
    struct bn_client *c = call->client;
    struct bn_client_call what = call->what;
    struct bn_err e;
    bn_err_set(&e, status, "%s: %s v%d: %s", c->peer, bn_client_api_name(what.api_key), what.version, reason);
    free_call(call);
    if (what.cb)
        what.cb(what.arg, &(struct bn_client_answer){.status = status, .version = what.version, .why = e.text});
}

/* The end of the connection, told to every call and to the owner. The client may be gone after the caller's leave(). */
static void end(struct bn_client *c, const char *reason) {
    if (c->state == CLOSED) return;
    struct bn_err e;
    uint64_t sent_bytes = c->queued_bytes - c->out.size_bytes;
    bn_err_set(&e, BN_CLOSED, "%s: %s", c->peer, reason);
    disconnect(c);
    enter(c);
    while (!c->freed && !bn_list_empty(&c->calls)) {
        struct call *call = BN_CONTAINER_OF(c->calls.next, struct call, link);
        fail_call(call, call->from_byte < sent_bytes ? BN_LOST : BN_CLOSED, reason);
    }
    if (!c->freed && c->conf.on_closed) c->conf.on_closed(c->conf.arg, &e);
    leave(c);
}

/* ---- out ---- */

static void flush(struct bn_client *c) {
    int rc = bn_sock_flush(c->fd, &c->out, 0);
    if (rc == 0 || rc == BN_AGAIN) {
        bn_io_set(c->io, BN_IO_READ | (rc == BN_AGAIN ? BN_IO_WRITE : 0));
        return;
    }
    end(c, "the connection broke while a request was sent");
}

static void flush_task_run(struct bn_task *t) {
    struct bn_client *c = BN_CONTAINER_OF(t, struct bn_client, flush_task);
    enter(c);
    flush(c);
    leave(c);
}

/* The late call hears its own reason, first, and as lost even if the socket never took it. */
static void call_timer_cb(struct bn_timer *t) {
    struct call *call = BN_CONTAINER_OF(t, struct call, timer);
    struct bn_client *c = call->client;
    const char *name = bn_client_api_name(call->what.api_key);
    uint64_t ms = call->what.timeout_ms;
    struct bn_err own, all;
    bn_err_set(&own, BN_LOST, "no answer in %" PRIu64 " ms", ms);
    bn_err_set(&all, BN_CLOSED, "closed, since %s got no answer in %" PRIu64 " ms", name, ms);
    enter(c);
    fail_call(call, BN_LOST, own.text);
    if (!c->freed) end(c, all.text);
    leave(c);
}

/* The version is one that the codec has. */
static void start_call(struct bn_client *c, const struct bn_client_call *what, int version) {
    struct call *call = bn_alloc_zero(1, sizeof *call);
    call->client = c;
    call->what = *what;
    call->what.version = version;
    call->what.request = NULL;
    call->correlation_id = c->next_correlation_id;
    call->from_byte = c->queued_bytes;
    c->next_correlation_id = (c->next_correlation_id + 1) & INT32_MAX;
    bn_list_init(&call->link);
    bn_list_push_back(&c->calls, &call->link);
    c->call_count++;
    bn_timer_init(&call->timer, c->loop, call_timer_cb);
    if (what->timeout_ms) bn_timer_start(&call->timer, what->timeout_ms);
    struct bn_header h = {(int16_t)what->api_key, (int16_t)version, call->correlation_id,
                          bn_slice_str(c->conf.client_id)};
    size_t before = c->out.size_bytes;
    bn_header_encode_request(&h, bn_codec_request(what->api_key), what->request, &c->out);
    c->queued_bytes += c->out.size_bytes - before;
    bn_loop_defer(c->loop, &c->flush_task);
}

int bn_client_call(struct bn_client *c, const struct bn_client_call *what) {
    if (c->state == CLOSED) return BN_CLOSED;
    if (c->state != READY) return BN_AGAIN;
    int newest = bn_client_version(c, what->api_key);
    if (newest < 0) return BN_NOTFOUND;
    int version = what->version == BN_CLIENT_NEWEST ? newest : what->version;
    if (version > newest || version < c->served[what->api_key].min ||
        version < bn_codec_min_version(bn_codec_request(what->api_key)))
        return BN_NOTFOUND;
    if (c->call_count >= c->conf.calls_max) return BN_FULL;
    start_call(c, what, version);
    return 0;
}

int bn_client_version(const struct bn_client *c, int api_key) {
    const struct bn_codec_desc *d = bn_codec_request(api_key);
    if (c->state != READY || !d || api_key < 0 || api_key >= KAPI_KEYS) return -1;
    int newest = (int)bn_min_i64(c->served[api_key].max, bn_codec_max_version(d));
    return newest < bn_max_i64(c->served[api_key].min, bn_codec_min_version(d)) ? -1 : newest;
}

bool bn_client_is_ready(const struct bn_client *c) { return c->state == READY; }
const char *bn_client_peer(const struct bn_client *c) { return c->peer; }

/* ---- greeting ---- */

static void greet(struct bn_client *c, int version);

static void learn_versions(struct bn_client *c, const struct kmsg_api_versions_response *r) {
    for (int i = 0; i < KAPI_KEYS; i++) c->served[i].max = -1;
    for (int32_t i = 0; i < r->api_keys.n; i++) {
        int key = r->api_keys.v[i].api_key;
        if (key < 0 || key >= KAPI_KEYS) continue;
        c->served[key].min = r->api_keys.v[i].min_version;
        c->served[key].max = r->api_keys.v[i].max_version;
    }
}

static void greeted(void *arg, const struct bn_client_answer *a) {
    struct bn_client *c = arg;
    if (a->status) return; /* the connection is ending, and says why */
    const struct kmsg_api_versions_response *r = a->response;
    if (r->error_code == KE_UNSUPPORTED_VERSION && c->greeting_version > 0) {
        greet(c, 0);
        return;
    }
    if (r->error_code) {
        struct bn_err e;
        bn_err_set(&e, BN_BAD, "ApiVersions v%d: %s", c->greeting_version, bn_errors_name(r->error_code));
        end(c, e.text);
        return;
    }
    learn_versions(c, r);
    bn_timer_stop(&c->connect_timer);
    c->state = READY;
    if (c->conf.on_ready) c->conf.on_ready(c->conf.arg);
}

static void greet(struct bn_client *c, int version) {
    struct kmsg_api_versions_request q = kmsg_api_versions_request_default;
    q.client_software_name = BN_SLICE_LIT("barnabas");
    q.client_software_version = BN_SLICE_LIT(PACKAGE_VERSION);
    struct bn_client_call call = {.api_key = KAPI_API_VERSIONS, .request = &q, .cb = greeted, .arg = c};
    c->state = GREETING;
    c->greeting_version = version;
    start_call(c, &call, version);
}

/* ---- in ---- */

/* A broker answers a version of ApiVersions that it doesn't know with a v0 body. */
static int body_version(const struct call *call, struct bn_slice body) {
    if (call->what.api_key != KAPI_API_VERSIONS || body.len < 2) return call->what.version;
    return (int16_t)bn_get_u16(body.ptr) == KE_UNSUPPORTED_VERSION ? 0 : call->what.version;
}

/* Decodes the response into the call's arena: 0, BN_BAD or BN_FULL with the reason. */
static int read_response(struct call *call, struct bn_slice body, struct bn_client_answer *a, struct bn_err *e) {
    const struct bn_codec_desc *d = bn_codec_response(call->what.api_key);
    struct bn_arena *arena = call->what.arena ? call->what.arena : &call->client->arena;
    void *response = bn_arena_alloc(arena, bn_codec_struct_size(d));
    a->version = body_version(call, body);
    int rc = response ? bn_codec_decode(d, a->version, body, arena, response, e)
                      : bn_err_set(e, BN_FULL, "the answer exceeds its budget");
    if (rc == 0) a->response = response;
    return rc;
}

/* One frame. False when the client is closed or gone. */
static bool take_frame(struct bn_client *c, struct bn_slice frame) {
    if (bn_list_empty(&c->calls)) {
        end(c, "an answer came to no request");
        return false;
    }
    struct call *call = BN_CONTAINER_OF(c->calls.next, struct call, link);
    int32_t correlation_id;
    struct bn_slice body;
    if (bn_header_decode_response(frame, call->what.api_key, call->what.version, &correlation_id, &body) != 0 ||
        correlation_id != call->correlation_id) {
        end(c, "an answer with another correlation id than the oldest request's");
        return false;
    }
    struct bn_client_answer a = {.frame = c->in.buf, .why = ""};
    struct bn_err e = BN_ERR_NONE;
    a.status = read_response(call, body, &a, &e);
    if (a.status) {
        fail_call(call, a.status, e.text);
        if (!c->freed && a.status == BN_BAD) end(c, e.text);
    } else {
        struct bn_client_call what = call->what;
        free_call(call);
        if (what.cb) what.cb(what.arg, &a);
    }
    if (c->freed) return false;
    bn_arena_reset(&c->arena);
    return c->state != CLOSED;
}

static bool take_frames(struct bn_client *c) {
    struct bn_slice frame;
    int rc;
    while ((rc = bn_answerbuf_next(&c->in, &frame)) == 1)
        if (!take_frame(c, frame)) return false;
    if (rc == 0) return true;
    struct bn_err e;
    bn_err_set(&e, BN_BAD, "an answer of %zu bytes was announced: is this a Kafka listener without TLS?", frame.len);
    end(c, e.text);
    return false;
}

static void receive(struct bn_client *c) {
    for (int i = 0; i < READS_PER_TURN; i++) {
        size_t room;
        uint8_t *to = bn_answerbuf_room(&c->in, &room);
        ssize_t n = bn_sock_recv(c->fd, to, room);
        if (n == BN_AGAIN) return;
        if (n < 0) {
            end(c, n == BN_CLOSED ? "the broker closed the connection" : "the connection broke");
            return;
        }
        bn_answerbuf_wrote(&c->in, (size_t)n);
        if (!take_frames(c) || (size_t)n < room) return;
    }
}

static void io_cb(void *arg, int events) {
    struct bn_client *c = arg;
    enter(c);
    if (c->state == CONNECTING) {
        struct bn_err e;
        if (bn_sock_connected(c->fd, &e) == 0) {
            greet(c, GREETING_VERSION);
        } else {
            end(c, e.text);
        }
    } else {
        if (events & BN_IO_WRITE) flush(c);
        if (!c->freed && c->state != CLOSED && (events & BN_IO_READ)) receive(c);
    }
    leave(c);
}

/* ---- connecting ---- */

static void connect_timer_cb(struct bn_timer *t) {
    struct bn_client *c = BN_CONTAINER_OF(t, struct bn_client, connect_timer);
    struct bn_err e;
    bn_err_set(&e, BN_CLOSED, "%s in %" PRIu64 " ms",
               c->state == CONNECTING ? "cannot connect" : "no answer to ApiVersions", c->conf.connect_timeout_ms);
    enter(c);
    end(c, e.text);
    leave(c);
}

struct bn_client *bn_client_connect(struct bn_loop *l, const struct bn_client_conf *conf, struct bn_err *e) {
    int fd = bn_sock_connect(conf->host, conf->port, e);
    if (fd < 0) return NULL;
    struct bn_client *c = bn_alloc_zero(1, sizeof *c);
    c->loop = l;
    c->conf = *conf;
    c->conf.host = NULL;
    c->conf.client_id = bn_alloc_strdup(conf->client_id);
    if (!conf->frame_max_bytes) c->conf.frame_max_bytes = FRAME_MAX;
    if (!conf->calls_max) c->conf.calls_max = CALLS_MAX;
    bool v6 = strchr(conf->host, ':') != NULL;
    c->peer = bn_alloc_printf(v6 ? "[%s]:%d" : "%s:%d", conf->host, conf->port);
    bn_list_init(&c->calls);
    bn_chain_init(&c->out);
    bn_answerbuf_init(&c->in, c->conf.frame_max_bytes);
    bn_arena_init(&c->arena, conf->answer_budget_bytes ? conf->answer_budget_bytes : ANSWER_BUDGET);
    bn_task_init(&c->flush_task, flush_task_run);
    bn_timer_init(&c->connect_timer, l, connect_timer_cb);
    if (conf->connect_timeout_ms) bn_timer_start(&c->connect_timer, conf->connect_timeout_ms);
    c->fd = fd;
    c->io = bn_io_new(l, fd, io_cb, c);
    bn_io_set(c->io, BN_IO_WRITE);
    return c;
}
