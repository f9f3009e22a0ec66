/* conn.c: one client connection: frames in, answers out in order, and both bounded.
 *
 * Receiving. An idle connection holds no memory. Bytes are received into the set's scratch block; small frames are
 * copied out of it into blocks of their size, larger ones are handed up where they lie. Of a frame that is not there
 * whole yet the connection keeps a block whose room follows what has arrived (at most BN_CONN_GROWTH times as much),
 * never what the length claims: a peer that announces 100 MiB and sends nothing costs nothing, and one that sends 1
 * MiB has it copied once for its first 64 KiB only.
 *
 * Reading stops while too many requests are at work, too many answer bytes are queued, or the shard's memory budget
 * is spent; the kernel's window then slows the peer. Sending is bounded per turn, so that a fast reader does not
 * starve the others of this shard.
 *
 * State: open -> closed (fd closed, closed() told) -> freed by the deferred task, because closing may happen deep
 * inside a handler. */
#include "broker/net/conn.h"

#include <unistd.h>

#include "broker/net/conn_int.h"
#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/trace.h"

static size_t left(const struct bn_conn *c) { return c->in ? c->in->len - c->at : 0; }

static bool may_dispatch(const struct bn_conn *c) {
    return !c->closed && c->replies.count < c->set->config.in_flight_max &&
           c->out.size_bytes + c->replies.waiting_bytes <= c->set->config.output_max_bytes;
}

static void set_interest(struct bn_conn *c) {
    if (c->closed) return;
    int events = c->want_write ? BN_IO_WRITE : 0;
    if (!c->starved && may_dispatch(c)) events |= BN_IO_READ;
    bn_io_set(c->io, events);
}

/* Moves the connection to the back of the idle order. */
static void touch(struct bn_conn *c) {
    c->active_ms = bn_loop_now_ms(c->set->config.shard->loop);
    bn_list_remove(&c->link);
    bn_list_push_back(&c->set->all, &c->link);
}

void bn_conn_drop(struct bn_conn *c) {
    if (c->closed) return;
    c->closed = true;
    /* Answers to earlier requests get one chance to leave; what the kernel does not take now is lost. */
    if (c->out.size_bytes > 0 && !c->want_write) (void)bn_sock_flush(c->fd, &c->out, c->set->config.flush_bytes);
    bn_io_free(c->io);
    c->io = NULL;
    (void)close(c->fd);
    bn_conns_left(c);
    c->set->config.closed(c->set->config.arg, c);
    bn_loop_defer(c->set->config.shard->loop, &c->work);
}

void bn_conn_close(struct bn_conn *c, const char *why) {
    static struct bn_trace_site site;
    uint32_t suppressed = 0;
    BN_ON_SHARD(c->set->config.shard);
    if (c->closed) return;
    if (bn_trace_allow(&site, 20, &suppressed)) {
        BN_WARN("conn", "Closing connection from %s on listener %s: %s%s", c->peer, c->origin.listener, why,
                suppressed ? " (more such lines were left out)" : "");
    }
    bn_conn_drop(c);
}

static void finish(struct bn_conn *c) {
    bn_task_cancel(&c->work);
    if (c->origin.gone) c->origin.gone(c->origin.arg, c->host);
    bn_buf_unref(c->in);
    bn_reply_fini(&c->replies);
    bn_chain_fini(&c->out);
    bn_alloc_free(c);
}

/* What the first bytes of a connection give away when they are not Kafka's; NULL when they may be. */
static const char *foreign_protocol(const uint8_t *p, size_t len) {
    static const char *const verbs[] = {"GET ", "POST", "HEAD", "PUT ", "DELE", "OPTI",
                                        "PATC", "CONN", "TRAC", "PRI ", "HTTP"};
    if (len < 4) return NULL;
    if ((p[0] == 0x16 || p[0] == 0x15) && p[1] == 0x03) {
        return "this is a TLS handshake, and the listener speaks plain text; set security.protocol=PLAINTEXT in the "
               "client, or use a TLS listener's port";
    }
    for (size_t i = 0; i < BN_ARRAY_LEN(verbs); i++) {
        if (memcmp(p, verbs[i], 4) == 0)
            return "this is an HTTP request; Kafka's protocol is spoken here, so point a Kafka client at this port";
    }
    if (memcmp(p, "SSH-", 4) == 0) return "this is an SSH client; Kafka's protocol is spoken here";
    return NULL;
}

static void refuse_size(struct bn_conn *c, int32_t size) {
    char why[200];
    if (size <= 0) {
        (void)snprintf(why, sizeof why,
                       "a request of size %d can't be; this is not Kafka's protocol, or its stream is broken", size);
    } else {
        (void)snprintf(why, sizeof why,
                       "a request of %d bytes exceeds socket.request.max.bytes=%zu; send smaller requests or raise it",
                       size, c->set->config.request_max_bytes);
    }
    bn_conn_close(c, why);
}

static void deliver(struct bn_conn *c, size_t size) {
    struct bn_conns *set = c->set;
    const uint8_t *frame = c->in->data + c->at + 4;
    struct bn_buf *holder = c->in;
    c->at += 4 + size;
    if (size <= BN_CONN_COPY_BYTES) {
        holder = bn_framepool_take(set->pool, size);
        memcpy(holder->data, frame, size);
        holder->len = size;
        frame = holder->data;
    } else {
        bn_buf_ref(holder);
    }
    c->spoken = true;
    uint32_t ticket = bn_reply_open(&c->replies);
    set->config.frame(set->config.arg, c, ticket, holder, bn_slice_of(frame, size));
    bn_buf_unref(holder);
}

/* Hands up every whole frame that may be handed up now. */
static void parse(struct bn_conn *c) {
    while (may_dispatch(c) && left(c) >= 4) {
        const uint8_t *p = c->in->data + c->at;
        const char *foreign = c->spoken ? NULL : foreign_protocol(p, left(c));
        if (foreign) {
            bn_conn_close(c, foreign);
            return;
        }
        int32_t size = (int32_t)bn_get_u32(p);
        if (size <= 0 || (size_t)size > c->set->config.request_max_bytes) {
            refuse_size(c, size);
            return;
        }
        if (left(c) - 4 < (size_t)size) return;
        deliver(c, (size_t)size);
    }
}

static void forget_input(struct bn_conn *c) {
    struct bn_buf *b = c->in;
    c->in = NULL;
    c->at = 0;
    if (!c->set->spare && b->capacity == BN_CONN_SCRATCH_BYTES &&
        atomic_load_explicit(&b->shared.refs, memory_order_acquire) == 1) {
        b->len = 0;
        c->set->spare = b;
    } else {
        bn_buf_unref(b);
    }
    bn_conns_settled(c);
}

/* Moves the unparsed bytes to a block of at least `capacity`. */
static void move_input(struct bn_conn *c, size_t capacity) {
    size_t n = left(c);
    struct bn_buf *b = bn_framepool_take(c->set->pool, capacity);
    memcpy(b->data, c->in->data + c->at, n);
    b->len = n;
    bn_buf_unref(c->in);
    c->in = b;
    c->at = 0;
}

/* After a turn of reading: holds no more memory than what is unparsed deserves. */
static void settle(struct bn_conn *c) {
    if (c->closed || !c->in) return;
    if (left(c) == 0) forget_input(c);
    else if (left(c) < BN_CONN_SMALL_BYTES / 2 && c->in->capacity > BN_CONN_SMALL_BYTES)
        move_input(c, BN_CONN_SMALL_BYTES);
}

/* Sees to it that there is room to receive into; false when the connection has to wait for memory. */
static bool make_room(struct bn_conn *c) {
    struct bn_conns *set = c->set;
    if (!c->in) {
        if (!bn_conns_allow(c, set->spare ? 0 : BN_CONN_SCRATCH_BYTES)) return false;
        c->in = set->spare ? set->spare : bn_framepool_take(set->pool, BN_CONN_SCRATCH_BYTES);
        set->spare = NULL;
        c->at = 0;
        return true;
    }
    if (c->in->len < c->in->capacity) return true;
    size_t n = left(c);
    /* parse() has checked the size of a frame whose length is there. */
    size_t need = n >= 4 ? 4 + (size_t)bn_get_u32(c->in->data + c->at) : BN_CONN_SCRATCH_BYTES;
    size_t want = bn_max_size(n * BN_CONN_GROWTH, BN_CONN_SCRATCH_BYTES);
    /* Never less than a scratch block: room for the frames behind a small one, which come with the same call. */
    size_t capacity = bn_max_size(bn_min_size(need, want), BN_CONN_SCRATCH_BYTES);
    if (!bn_conns_allow(c, capacity)) return false;
    move_input(c, capacity);
    return true;
}

static void read_turn(struct bn_conn *c) {
    size_t taken = 0;
    parse(c);
    while (may_dispatch(c) && !c->starved && taken < BN_CONN_TURN_BYTES && make_room(c)) {
        size_t room = c->in->capacity - c->in->len;
        ssize_t n = bn_sock_recv(c->fd, c->in->data + c->in->len, room);
        if (n == BN_AGAIN) break;
        if (n <= 0) {
            bn_conn_drop(c);
            return;
        }
        c->in->len += (size_t)n;
        taken += (size_t)n;
        parse(c);
        if (left(c) == 0 && !c->closed) forget_input(c);
        if ((size_t)n < room) break;
    }
    if (taken > 0 && !c->closed) touch(c);
    settle(c);
}

static void flush(struct bn_conn *c) {
    if (c->closed || c->out.size_bytes == 0) return;
    size_t before = c->out.size_bytes;
    int rc = bn_sock_flush(c->fd, &c->out, c->set->config.flush_bytes);
    if (rc != 0 && rc != BN_AGAIN) {
        bn_conn_drop(c);
        return;
    }
    if (c->out.size_bytes < before) touch(c);
    c->want_write = rc == BN_AGAIN;
    if (left(c) >= 4 && may_dispatch(c)) bn_loop_defer(c->set->config.shard->loop, &c->work);
}

static void work(struct bn_task *t) {
    struct bn_conn *c = BN_CONTAINER_OF(t, struct bn_conn, work);
    if (!c->closed && left(c) >= 4) {
        parse(c);
        settle(c);
    }
    if (!c->want_write) flush(c);
    if (c->closed) finish(c);
    else set_interest(c);
}

static void on_ready(void *arg, int events) {
    struct bn_conn *c = arg;
    if (events & BN_IO_WRITE) flush(c);
    if ((events & BN_IO_READ) && !c->closed) read_turn(c);
    set_interest(c);
}

void bn_conn_fed(struct bn_conn *c) {
    c->starved = false;
    set_interest(c);
}

void bn_conn_peer_host(int fd, char out[BN_SOCK_NAME_MAX]) {
    char peer[BN_SOCK_NAME_MAX];
    bn_sock_peer(fd, peer);
    char *from = peer[0] == '[' ? peer + 1 : peer;
    char *to = peer[0] == '[' ? strchr(peer, ']') : strrchr(peer, ':');
    if (to) *to = '\0';
    (void)snprintf(out, BN_SOCK_NAME_MAX, "%s", from);
}

void bn_conn_start(struct bn_conns *set, int fd, const struct bn_conn_origin *origin) {
    struct bn_conn *c = bn_alloc_zero(1, sizeof *c);
    c->set = set;
    c->fd = fd;
    c->origin = *origin;
    bn_list_init(&c->link);
    bn_list_init(&c->starving_link);
    bn_chain_init(&c->out);
    bn_task_init(&c->work, work);
    bn_sock_peer(fd, c->peer);
    bn_conn_peer_host(fd, c->host);
    c->io = bn_io_new(set->config.shard->loop, fd, on_ready, c);
    touch(c);
    set_interest(c);
}

void bn_conn_answer(struct bn_conn *c, uint32_t ticket, struct bn_chain *answer) {
    BN_ON_SHARD(c->set->config.shard);
    BN_ASSERT(!c->closed);
    bn_reply_put(&c->replies, ticket, answer, &c->out);
    bool stuck = left(c) >= 4 && may_dispatch(c);
    if (stuck || (c->out.size_bytes > 0 && !c->want_write)) bn_loop_defer(c->set->config.shard->loop, &c->work);
    else set_interest(c);
}

const char *bn_conn_listener(const struct bn_conn *c) { return c->origin.listener; }
const char *bn_conn_host(const struct bn_conn *c) { return c->host; }
const char *bn_conn_peer(const struct bn_conn *c) { return c->peer; }
void bn_conn_local_host(const struct bn_conn *c, char out[64]) { bn_sock_local_host(c->fd, out); }
void bn_conn_set_user(struct bn_conn *c, void *user) { c->user = user; }
void *bn_conn_user(const struct bn_conn *c) { return c->user; }
