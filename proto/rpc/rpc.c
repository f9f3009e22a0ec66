/* rpc.c: one connection with calls in both directions. Owns the socket, the table of calls made here (outstanding until
 * answered, failed or past their deadline) and the list of calls being served.
 *
 *   DIALLING --writable--> UP --bn_rpc_close, end of stream, peer's fault--> ENDING --end of the turn--> freed
 *
 * Invariants: a call's closure runs exactly once, and never inside the stub that made it. A served call outlives its
 * connection if its handler has not answered yet: it is then detached, and the answer dropped. Nothing is freed inside
 * an event callback: ending is a task at the end of the turn. What all served calls of one connection hold in memory is
 * bounded by BN_RPC_UNPACK_BUDGET.
 *
 * Does not: reconnect, retry, or know any message. */
#include "proto/rpc/rpc.h"

#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/chain.h"
#include "common/base/check.h"
#include "common/base/heap.h"
#include "common/base/map.h"
#include "common/base/trace.h"
#include "common/sys/sock.h"
#include "proto/rpc/rpc_frame.h"

enum { RECEIVE_MIN = 64 << 10, RECEIVE_TURN_MAX = 4 << 20, ARENA_KEEP = 64 << 10 };

struct client { /* what generated stubs call through */
    ProtobufCService base;
    struct bn_rpc_peer *peer;
    int number;
};

struct call { /* made here, not answered yet */
    uint64_t id;
    struct bn_heap_node deadline;
    const ProtobufCMessageDescriptor *output;
    ProtobufCClosure closure;
    void *data;
};

struct served { /* made by the other side, being served here */
    struct bn_list link;
    struct bn_rpc_peer *peer;  /* NULL when the connection has gone */
    struct bn_rpc_frame frame; /* payload not kept */
    const ProtobufCMethodDescriptor *method;
    ProtobufCMessage *input;
    struct bn_arena arena;
    size_t held_bytes;
};

struct bn_rpc_peer {
    struct bn_loop *loop;
    struct bn_rpc_options options;
    enum { DIALLING, UP, ENDING } state;
    int fd; /* -1 = none */
    struct bn_io *io;
    char name[BN_SOCK_NAME_MAX + 16];
    char why[160];
    void *user;
    struct client *clients; /* one for each remote service */
    /* Calls made here. */
    struct bn_map calls;
    struct bn_heap deadlines;
    struct bn_timer deadline_timer;
    uint64_t next_id;
    struct bn_list refused; /* struct refusal */
    struct bn_arena response_arena;
    /* Calls served here. */
    struct bn_list served;
    int served_count;
    size_t served_bytes;
    /* Bytes. */
    uint8_t *in;
    size_t in_len, in_capacity;
    struct bn_chain out;
    struct bn_task flush_task, end_task, refuse_task;
};

struct refusal { /* a call that failed at once; its closure must still run later */
    struct bn_list link;
    ProtobufCClosure closure;
    void *data;
};

static void end(struct bn_rpc_peer *p, const char *why);

/* ---- memory for unpacking ---- */

static void *arena_alloc(void *arena, size_t size) { return bn_arena_alloc(arena, size); }
static void arena_free(void *arena, void *ptr) { (void)arena, (void)ptr; }

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *d, struct bn_slice payload, struct bn_arena *arena) {
    ProtobufCAllocator allocator = {.alloc = arena_alloc, .free = arena_free, .allocator_data = arena};
    return protobuf_c_message_unpack(d, &allocator, payload.len, payload.ptr);
}

/* ---- sending ---- */

static void flush(struct bn_rpc_peer *p) {
    if (p->state == DIALLING || p->fd < 0) return;
    int rc = bn_sock_flush(p->fd, &p->out, 0);
    if (rc == BN_OK || rc == BN_AGAIN) {
        if (p->io) bn_io_set(p->io, BN_IO_READ | (p->out.size_bytes ? BN_IO_WRITE : 0));
    } else if (p->state == UP) {
        end(p, rc == BN_CLOSED ? "closed by the other side" : "sending failed");
    }
}

static void flush_run(struct bn_task *t) {
    struct bn_rpc_peer *p = BN_CONTAINER_OF(t, struct bn_rpc_peer, flush_task);
    if (p->state == UP) flush(p);
}

/* Queues a frame whose payload is message (or text, for errors). False: too large. */
static bool send_frame(struct bn_rpc_peer *p, struct bn_rpc_frame *f, const ProtobufCMessage *message) {
    if (message) {
        size_t size = protobuf_c_message_get_packed_size(message);
        if (size > BN_RPC_FRAME_MAX) return false;
        f->payload.len = size;
        uint8_t *out = bn_chain_reserve(&p->out, BN_RPC_FRAME_HEAD + size);
        bn_rpc_frame_head(out, f);
        size_t packed = protobuf_c_message_pack(message, out + BN_RPC_FRAME_HEAD);
        BN_ASSERT(packed == size);
    } else {
        uint8_t *out = bn_chain_reserve(&p->out, BN_RPC_FRAME_HEAD + f->payload.len);
        bn_rpc_frame_head(out, f);
        if (f->payload.len) memcpy(out + BN_RPC_FRAME_HEAD, f->payload.ptr, f->payload.len);
    }
    if (p->out.size_bytes > BN_RPC_QUEUE_MAX)
        end(p, "the other side does not read");
    else
        bn_loop_defer(p->loop, &p->flush_task);
    return true;
}

static void send_error(struct bn_rpc_peer *p, const struct bn_rpc_frame *request, const char *text) {
    struct bn_rpc_frame f = *request;
    f.kind = BN_RPC_FRAME_ERROR;
    f.payload = bn_slice_str(text);
    send_frame(p, &f, NULL);
}

/* ---- calls made here ---- */

static struct bn_slice id_key(const struct call *c) { return bn_map_key_u64(&c->id); }

static void arm_deadlines(struct bn_rpc_peer *p) {
    struct bn_heap_node *first = bn_heap_min(&p->deadlines);
    uint64_t now = bn_loop_now_ms(p->loop);
    if (first)
        bn_timer_start(&p->deadline_timer, first->key > now ? first->key - now : 0);
    else
        bn_timer_stop(&p->deadline_timer);
}

/* Takes the call out of the table and answers it. message NULL = it failed. */
static void finish(struct bn_rpc_peer *p, struct call *c, const ProtobufCMessage *message) {
    bn_map_remove(&p->calls, id_key(c));
    bn_heap_remove(&p->deadlines, &c->deadline);
    ProtobufCClosure closure = c->closure;
    void *data = c->data;
    bn_alloc_free(c);
    closure(message, data);
}

static void deadline_passed(struct bn_timer *t) {
    struct bn_rpc_peer *p = BN_CONTAINER_OF(t, struct bn_rpc_peer, deadline_timer);
    uint64_t now = bn_loop_now_ms(p->loop);
    struct bn_heap_node *n;
    while ((n = bn_heap_min(&p->deadlines)) && n->key <= now)
        finish(p, BN_CONTAINER_OF(n, struct call, deadline), NULL);
    arm_deadlines(p);
}

static void run_refusals(struct bn_rpc_peer *p) {
    struct bn_list *n;
    while ((n = bn_list_pop_front(&p->refused))) {
        struct refusal r = *BN_CONTAINER_OF(n, struct refusal, link);
        bn_alloc_free(BN_CONTAINER_OF(n, struct refusal, link));
        r.closure(NULL, r.data);
    }
}

static void refuse_run(struct bn_task *t) { run_refusals(BN_CONTAINER_OF(t, struct bn_rpc_peer, refuse_task)); }

static void refuse_call(struct bn_rpc_peer *p, ProtobufCClosure closure, void *data) {
    struct refusal *r = bn_alloc(sizeof *r);
    *r = (struct refusal){.closure = closure, .data = data};
    bn_list_init(&r->link);
    bn_list_push_back(&p->refused, &r->link);
    bn_loop_defer(p->loop, &p->refuse_task);
}

static void invoke(ProtobufCService *service, unsigned method, const ProtobufCMessage *input, ProtobufCClosure closure,
                   void *data) {
    struct client *client = BN_CONTAINER_OF(service, struct client, base);
    struct bn_rpc_peer *p = client->peer;
    BN_ASSERT(method < service->descriptor->n_methods);
    struct bn_rpc_frame f = {
        .kind = BN_RPC_FRAME_REQUEST,
        .service = (uint8_t)client->number,
        .method = (uint16_t)method,
        .call_id = p->next_id++,
        .deadline_ms = p->options.deadline_ms,
    };
    if (p->state == ENDING || p->calls.count >= BN_RPC_CALLS_MAX || !send_frame(p, &f, input)) {
        refuse_call(p, closure, data);
        return;
    }
    struct call *c = bn_alloc(sizeof *c);
    *c = (struct call){
        .id = f.call_id, .output = service->descriptor->methods[method].output, .closure = closure, .data = data};
    bn_heap_node_init(&c->deadline);
    bn_map_put(&p->calls, id_key(c), c);
    if (f.deadline_ms) {
        bn_heap_insert(&p->deadlines, &c->deadline, bn_loop_now_ms(p->loop) + f.deadline_ms);
        if (bn_heap_min(&p->deadlines) == &c->deadline) arm_deadlines(p);
    }
}

static void take_answer(struct bn_rpc_peer *p, const struct bn_rpc_frame *f) {
    struct call *c = bn_map_get(&p->calls, bn_map_key_u64(&f->call_id));
    if (!c) return; /* its deadline has passed */
    if (f->kind == BN_RPC_FRAME_ERROR) {
        static struct bn_trace_site site;
        uint32_t suppressed;
        if (bn_trace_allow(&site, 10, &suppressed)) {
            BN_WARN("rpc", "%s refused a call: %.*s", p->name, (int)bn_min_size(f->payload.len, 200), f->payload.ptr);
        }
        finish(p, c, NULL);
        return;
    }
    ProtobufCMessage *m = unpack(c->output, f->payload, &p->response_arena);
    if (!m) end(p, "an answer that is malformed or too large");
    finish(p, c, m);
    bn_arena_reset(&p->response_arena);
}

/* ---- calls served here ---- */

static void served_free(struct served *s) {
    if (s->peer) {
        bn_list_remove(&s->link);
        s->peer->served_count--;
        s->peer->served_bytes -= s->held_bytes;
    }
    bn_arena_fini(&s->arena);
    bn_alloc_free(s);
}

/* The closure that handlers call. */
static void answer(const ProtobufCMessage *message, void *closure_data) {
    struct served *s = closure_data;
    struct bn_rpc_peer *p = s->peer;
    if (p && p->state == UP) {
        struct bn_rpc_frame f = s->frame;
        f.kind = BN_RPC_FRAME_RESPONSE;
        if (!message)
            send_error(p, &s->frame, "failed");
        else if (!send_frame(p, &f, message))
            send_error(p, &s->frame, "the answer is too large for a frame");
    }
    served_free(s);
}

static void serve(struct bn_rpc_peer *p, const struct bn_rpc_frame *f) {
    const ProtobufCService *service = f->service < p->options.service_count ? p->options.services[f->service] : NULL;
    if (!service || f->method >= service->descriptor->n_methods) {
        send_error(p, f, "no such method");
        return;
    }
    /* Generated services have their functions right behind the base, in the order of the methods. */
    if (!((void (*const *)(void))(service + 1))[f->method]) {
        send_error(p, f, "this method is not served here");
        return;
    }
    if (p->served_count >= BN_RPC_CALLS_MAX) {
        send_error(p, f, "too many calls at once");
        return;
    }
    struct served *s = bn_alloc(sizeof *s);
    *s = (struct served){.peer = p, .frame = *f, .method = &service->descriptor->methods[f->method]};
    bn_arena_init(&s->arena, BN_RPC_UNPACK_BUDGET - p->served_bytes);
    bn_list_init(&s->link);
    bn_list_push_back(&p->served, &s->link);
    p->served_count++;
    s->input = unpack(s->method->input, f->payload, &s->arena);
    if (!s->input) {
        served_free(s);
        send_error(p, f, "the request is malformed or too large");
        return;
    }
    s->held_bytes = s->arena.used_bytes;
    p->served_bytes += s->held_bytes;
    ProtobufCService *callee = p->options.services[f->service];
    callee->invoke(callee, f->method, s->input, answer, s);
}

/* ---- receiving ---- */

static void take_frames(struct bn_rpc_peer *p) {
    size_t at = 0, need = 0;
    while (p->state == UP) {
        struct bn_rpc_frame f;
        int64_t size = bn_rpc_frame_parse(bn_slice_of(p->in + at, p->in_len - at), BN_RPC_FRAME_MAX, &f, &need);
        if (size < 0) {
            end(p, "malformed frame");
            return;
        }
        if (size == 0) break;
        if (f.kind == BN_RPC_FRAME_REQUEST)
            serve(p, &f);
        else
            take_answer(p, &f);
        at += (size_t)size;
    }
    p->in_len -= at;
    if (at && p->in_len) memmove(p->in, p->in + at, p->in_len);
    /* Room grows with the bytes that have come, not with the length that was announced. */
    if (p->in_len == p->in_capacity && need > p->in_capacity) {
        p->in_capacity = bn_min_size(bn_max_size(p->in_capacity * 2, RECEIVE_MIN),
                                     BN_RPC_FRAME_MAX + BN_RPC_FRAME_HEAD);
        p->in = bn_alloc_resize(p->in, p->in_capacity);
    } else if (p->in_len == 0 && p->in_capacity > RECEIVE_MIN * 4) {
        p->in_capacity = RECEIVE_MIN;
        p->in = bn_alloc_resize(p->in, p->in_capacity);
    }
}

static void receive(struct bn_rpc_peer *p) {
    for (size_t got = 0; p->state == UP && got < RECEIVE_TURN_MAX;) {
        ssize_t n = bn_sock_recv(p->fd, p->in + p->in_len, p->in_capacity - p->in_len);
        if (n == BN_AGAIN) return;
        if (n < 0) {
            end(p, n == BN_CLOSED ? "closed by the other side" : "receiving failed");
            return;
        }
        got += (size_t)n;
        p->in_len += (size_t)n;
        bool full = p->in_len == p->in_capacity;
        take_frames(p);
        if (!full) return;
    }
}

static void on_io(void *arg, int events) {
    struct bn_rpc_peer *p = arg;
    if (p->state == DIALLING) {
        struct bn_err e = BN_ERR_NONE;
        if (bn_sock_connected(p->fd, &e) != BN_OK) {
            end(p, e.text);
            return;
        }
        p->state = UP;
        if (p->options.up) p->options.up(p->options.arg, p);
    }
    if (p->state == UP && (events & BN_IO_READ)) receive(p);
    if (p->state == UP) flush(p);
}

/* ---- life ---- */

static void end_run(struct bn_task *t) {
    struct bn_rpc_peer *p = BN_CONTAINER_OF(t, struct bn_rpc_peer, end_task);
    flush(p); /* what was said before bn_rpc_close */
    if (p->io) bn_io_free(p->io);
    if (p->fd >= 0) close(p->fd);
    p->io = NULL;
    p->fd = -1;
    bn_timer_stop(&p->deadline_timer);
    while (p->calls.count) {
        size_t at = 0;
        finish(p, bn_map_next(&p->calls, &at)->value, NULL);
    }
    run_refusals(p);
    p->options.down(p->options.arg, p, p->why);
    BN_LIST_FOR (n, &p->served) {
        bn_list_remove(n);
        BN_CONTAINER_OF(n, struct served, link)->peer = NULL;
    }
    BN_ASSERT(p->calls.count == 0 && bn_list_empty(&p->refused));
    bn_task_cancel(&p->flush_task);
    bn_task_cancel(&p->refuse_task);
    bn_map_fini(&p->calls);
    bn_heap_fini(&p->deadlines);
    bn_chain_fini(&p->out);
    bn_arena_fini(&p->response_arena);
    bn_alloc_free(p->in);
    bn_alloc_free(p->clients);
    bn_alloc_free(p);
}

static void end(struct bn_rpc_peer *p, const char *why) {
    if (p->state == ENDING) return;
    if (p->state == DIALLING) bn_chain_consume(&p->out, p->out.size_bytes);
    p->state = ENDING;
    snprintf(p->why, sizeof p->why, "%s", why);
    if (p->io) bn_io_set(p->io, 0);
    bn_loop_defer(p->loop, &p->end_task);
}

static struct bn_rpc_peer *peer_new(struct bn_loop *loop, const struct bn_rpc_options *options, int fd) {
    BN_ASSERT(options->service_count <= 255 && options->remote_count <= 255 && options->down);
    struct bn_rpc_peer *p = bn_alloc_zero(1, sizeof *p);
    p->loop = loop;
    p->options = *options;
    p->fd = fd;
    p->next_id = 1;
    p->clients = bn_alloc_zero((size_t)options->remote_count + 1, sizeof *p->clients);
    for (int i = 0; i < options->remote_count; i++) {
        p->clients[i] = (struct client){{options->remote[i], invoke, NULL}, p, i};
    }
    bn_map_init(&p->calls);
    bn_heap_init(&p->deadlines);
    bn_timer_init(&p->deadline_timer, loop, deadline_passed);
    bn_list_init(&p->refused);
    bn_list_init(&p->served);
    bn_arena_init(&p->response_arena, BN_RPC_UNPACK_BUDGET);
    bn_chain_init(&p->out);
    bn_task_init(&p->flush_task, flush_run);
    bn_task_init(&p->end_task, end_run);
    bn_task_init(&p->refuse_task, refuse_run);
    p->in_capacity = RECEIVE_MIN;
    p->in = bn_alloc(p->in_capacity);
    return p;
}

struct bn_rpc_peer *bn_rpc_dial(struct bn_loop *loop, const char *host, int port,
                                const struct bn_rpc_options *options) {
    struct bn_err e = BN_ERR_NONE;
    int fd = bn_sock_connect(host, port, &e);
    struct bn_rpc_peer *p = peer_new(loop, options, fd < 0 ? -1 : fd);
    p->state = DIALLING;
    snprintf(p->name, sizeof p->name, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
    if (fd < 0) {
        end(p, e.text);
        return p;
    }
    bn_sock_patience(fd, BN_RPC_PATIENCE_MS);
    p->io = bn_io_new(loop, fd, on_io, p);
    bn_io_set(p->io, BN_IO_WRITE);
    return p;
}

struct bn_rpc_peer *bn_rpc_accept(struct bn_loop *loop, int fd, const struct bn_rpc_options *options) {
    struct bn_rpc_peer *p = peer_new(loop, options, fd);
    p->state = UP;
    bn_sock_peer(fd, p->name);
    bn_sock_patience(fd, BN_RPC_PATIENCE_MS);
    p->io = bn_io_new(loop, fd, on_io, p);
    bn_io_set(p->io, BN_IO_READ);
    return p;
}

void bn_rpc_close(struct bn_rpc_peer *p, const char *why) { end(p, why); }

ProtobufCService *bn_rpc_client(struct bn_rpc_peer *p, const ProtobufCServiceDescriptor *descriptor) {
    for (int i = 0; i < p->options.remote_count; i++) {
        if (p->options.remote[i] == descriptor) return &p->clients[i].base;
    }
    BN_UNREACHABLE();
}

void bn_rpc_set_deadline(struct bn_rpc_peer *p, uint32_t deadline_ms) { p->options.deadline_ms = deadline_ms; }
struct bn_rpc_peer *bn_rpc_caller(void *closure_data) {
    return ((struct served *)closure_data)->peer;
}
void *bn_rpc_user(struct bn_rpc_peer *p) { return p->user; }
void bn_rpc_set_user(struct bn_rpc_peer *p, void *user) { p->user = user; }
const char *bn_rpc_name(const struct bn_rpc_peer *p) { return p->name; }
int bn_rpc_fd(const struct bn_rpc_peer *p) { return p->fd; }
size_t bn_rpc_queued_bytes(const struct bn_rpc_peer *p) { return p->out.size_bytes; }
