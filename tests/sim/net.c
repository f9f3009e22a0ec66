/* net.c: the simulated side of common/sys/sock.h, of the ios of loop.h, and of life.h, put in their place by the
 * linker; the product's RPC, its listeners, clients, dials and life-port probes run on it unchanged. Owns every socket
 * of the world.
 *
 * A connection is two ends; bytes travel in chunks, in order, each with the time at which it can be read. A connection
 * that breaks loses a tail of what was under way, and its ends learn of it at different times: so a broker may be
 * connected twice for a while. A process whose network is held sends and receives nothing, and dials to it have no
 * outcome; a cut keeps what one machine sends from another, one way. A process that dies has its streams closed first
 * and its listeners a moment later (as seen on real systems). Files that are sent are read when they leave, as sendfile
 * reads them. */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/sys/life.h"
#include "common/sys/sock.h"
#include "tests/sim/world.h"

enum { PORT_FIRST = 2000 };

struct chunk {
    struct bn_list link;
    uint64_t due_ms;
    size_t len, at;
    uint8_t bytes[];
};

struct sock {
    struct bn_list link; /* of all */
    int fd, port;        /* port: LISTEN, LIFE: its own; DIAL: where to */
    enum { LISTEN, LIFE, DIAL, STREAM } kind;
    struct sim_proc *proc;
    bool closed;        /* by its process or with it */
    uint64_t closed_ms; /* LISTEN, LIFE: refuses from then on */
    uint64_t due_ms;    /* DIAL: when the outcome is known; LISTEN's children: when they can be accepted */
    uint64_t eof_ms;    /* the end of the stream is seen then; UINT64_MAX = not in sight */
    uint64_t last_ms;   /* due time of the last chunk or end on its way here */
    struct sock *peer;  /* the other end; NULL when that is freed */
    struct bn_list in;
    struct bn_list waiting; /* LISTEN: accepted by the kernel; link is accept_link */
    struct bn_list accept_link;
    struct bn_io *io;
    bool lies; /* LIFE: refuses though its process lives: somebody's firewall. Nothing may rest on that alone */
    const struct bn_uuid *boot_id; /* LIFE */
};

struct bn_io {
    struct sock *sock;
    struct bn_loop *loop;
    uint64_t turn; /* in which it was served last */
    void (*cb)(void *arg, int events);
    void *arg;
    int events;
};

struct bn_life {
    struct sock *sock;
    struct bn_uuid boot_id;
};

struct net { /* there is one world at a time */
    struct bn_list all;
    struct sock **socks; /* by descriptor */
    int count, next_port;
};
static struct net net;

void sim_net_open(struct sim_world *w) {
    (void)w;
    net.next_port = PORT_FIRST;
    bn_list_init(&net.all);
}

static uint64_t latency(void) {
    uint32_t dice = sim_below(sim_here, 20);
    if (sim_here->healing || dice < 12) return 0;
    return dice < 19 ? sim_below(sim_here, 4) : sim_below(sim_here, 60);
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static struct sock *sock_new(int kind, int port) {
    struct sock *s = bn_alloc_zero(1, sizeof *s);
    if ((net.count & 255) == 0)
        net.socks = bn_alloc_resize(net.socks, (size_t)(net.count + 256) * sizeof(struct sock *));
    s->fd = SIM_FD_FIRST + net.count;
    net.socks[net.count++] = s;
    s->port = port;
    s->kind = (typeof(s->kind))kind;
    s->proc = sim_here->current;
    s->closed_ms = s->eof_ms = UINT64_MAX;
    bn_list_init(&s->link);
    bn_list_init(&s->in);
    bn_list_init(&s->waiting);
    bn_list_init(&s->accept_link);
    bn_list_push_back(&net.all, &s->link);
    return s;
}

static struct sock *find(int fd) {
    return fd >= SIM_FD_FIRST && fd - SIM_FD_FIRST < net.count ? net.socks[fd - SIM_FD_FIRST] : NULL;
}

static void drop_chunks(struct sock *s) {
    for (struct bn_list *n; (n = bn_list_pop_front(&s->in));) bn_alloc_free(BN_CONTAINER_OF(n, struct chunk, link));
}

static void sock_free(struct sock *s) {
    drop_chunks(s);
    BN_LIST_FOR (n, &s->waiting) bn_list_remove(n);
    bn_list_remove(&s->accept_link);
    if (s->peer) s->peer->peer = NULL;
    bn_list_remove(&s->link);
    net.socks[s->fd - SIM_FD_FIRST] = NULL;
    bn_alloc_free(s);
}

/* s's end is shut: the other one sees that after what was sent before. */
static void tell_end(struct sock *s) {
    if (!s->peer || s->peer->eof_ms != UINT64_MAX) return;
    s->peer->last_ms = s->peer->eof_ms = later(s->peer->last_ms, sim_here->now_ms + latency());
}

static void sock_close(struct sock *s, uint64_t at_ms) {
    if (s->closed) return;
    s->closed = true;
    s->closed_ms = at_ms;
    tell_end(s);
    BN_LIST_FOR (n, &s->waiting) {
        struct sock *k = BN_CONTAINER_OF(n, struct sock, accept_link);
        bn_list_remove(n);
        sock_close(k, at_ms);
    }
}

/* Those that nobody holds any more. */
static void sweep(void) {
    BN_LIST_FOR (n, &net.all) {
        struct sock *s = BN_CONTAINER_OF(n, struct sock, link);
        bool refuses = (s->kind != LISTEN && s->kind != LIFE) || s->closed_ms <= sim_here->now_ms;
        if (s->closed && !s->io && refuses && !(s->kind == LIFE && s->proc->state != SIM_ENDED)) sock_free(s);
    }
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    if (fd < SIM_FD_FIRST) return __real_close(fd);
    struct sock *s = find(fd);
    if (s) sock_close(s, sim_here->now_ms);
    sweep();
    return 0;
}

/* ---- sock.h ---- */

int bn_sock_listen(const char *host, int port, int backlog, struct bn_err *e) {
    (void)host, (void)backlog, (void)e;
    return sock_new(LISTEN, port ? port : net.next_port++)->fd;
}

int bn_sock_port(int fd) {
    struct sock *s = find(fd);
    return s ? s->port : -1;
}

void bn_sock_local_host(int fd, char out[BN_SOCK_NAME_MAX]) {
    (void)fd;
    snprintf(out, BN_SOCK_NAME_MAX, "127.0.0.1");
}

void bn_sock_peer(int fd, char out[BN_SOCK_NAME_MAX]) {
    snprintf(out, BN_SOCK_NAME_MAX, "127.0.0.1:%d", fd - SIM_FD_FIRST);
}

static bool is_held(const struct sim_proc *p) { return p->held_ms > sim_here->now_ms; }

/* When something can get from one process to the other: 0 = now. */
static uint64_t way_ms(const struct sim_proc *from, const struct sim_proc *to) {
    uint64_t at = sim_here->cut_ms[from->node][to->node];
    return at > sim_here->now_ms ? at : 0;
}

static struct sock *listener(int port) {
    BN_LIST_FOR (n, &net.all) {
        struct sock *s = BN_CONTAINER_OF(n, struct sock, link);
        if ((s->kind == LISTEN || s->kind == LIFE) && s->port == port && s->closed_ms > sim_here->now_ms) return s;
    }
    return NULL; /* refused */
}

int bn_sock_connect(const char *host, int port, struct bn_err *e) {
    (void)host, (void)e;
    struct sock *s = sock_new(DIAL, port);
    s->due_ms = sim_here->now_ms + latency();
    return s->fd;
}

void bn_sock_patience(int fd, int limit_ms) { (void)fd, (void)limit_ms; } /* what breaks is seen late, but seen */

int bn_sock_connected(int fd, struct bn_err *e) {
    struct sock *s = find(fd), *l = listener(s->port);
    if (!l || l->lies) return bn_err_set(e, BN_NOTFOUND, "connection refused");
    struct sim_proc *caller = sim_here->current;
    s->kind = STREAM;
    sim_here->current = l->proc;
    struct sock *other = sock_new(STREAM, 0);
    sim_here->current = caller;
    s->peer = other;
    other->peer = s;
    other->due_ms = sim_here->now_ms + latency();
    if (l->kind == LISTEN) {
        bn_list_push_back(&l->waiting, &other->accept_link);
        return BN_OK;
    }
    /* The life port's own thread answers, unless the whole process is stopped. */
    if (l->proc->state == SIM_RUNNING) {
        struct chunk *c = bn_alloc(sizeof *c + 16);
        *c = (struct chunk){.due_ms = other->due_ms, .len = 16};
        memcpy(c->bytes, l->boot_id->bytes, 16);
        bn_list_init(&c->link);
        bn_list_push_back(&s->in, &c->link);
        s->last_ms = c->due_ms;
    }
    return BN_OK;
}

int bn_sock_accept(int listen_fd, int send_buffer, int receive_buffer) {
    (void)send_buffer, (void)receive_buffer;
    struct sock *l = find(listen_fd);
    if (bn_list_empty(&l->waiting)) return BN_AGAIN;
    struct sock *s = BN_CONTAINER_OF(l->waiting.next, struct sock, accept_link);
    if (s->due_ms > sim_here->now_ms) return BN_AGAIN;
    bn_list_remove(&s->accept_link);
    return s->fd;
}

static bool read_out(const struct bn_chain *c, uint8_t *out) {
    for (uint32_t i = 0; i < c->count; i++) {
        const struct bn_part *p = &c->parts[c->first + i];
        if (p->kind == BN_PART_FILE) {
            struct bn_fd *fd = BN_CONTAINER_OF(p->holder, struct bn_fd, shared);
            struct bn_file *f = BN_CONTAINER_OF(fd, struct bn_file, base);
            if (f->disk->pread(f, out, p->len, p->offset, NULL) != (ssize_t)p->len) return false;
        } else {
            memcpy(out, p->ptr, p->len);
        }
        out += p->len;
    }
    return true;
}

/* Files of a memory disk have no descriptor to read by. */
int __wrap_bn_chain_copy_out(const struct bn_chain *c, uint8_t *out);
int __wrap_bn_chain_copy_out(const struct bn_chain *c, uint8_t *out) { return read_out(c, out) ? BN_OK : BN_IO; }

int bn_sock_flush(int fd, struct bn_chain *c, size_t limit_bytes) {
    (void)limit_bytes;
    struct sock *s = find(fd);
    size_t len = c->size_bytes;
    if (!s || s->closed) return BN_CLOSED;
    if (len == 0) return BN_OK;
    struct chunk *k = bn_alloc(sizeof *k + len);
    *k = (struct chunk){.len = len};
    bn_list_init(&k->link);
    if (!read_out(c, k->bytes)) {
        bn_alloc_free(k);
        return BN_IO;
    }
    bn_chain_consume(c, len);
    bool nowhere = !s->peer || s->peer->closed || s->peer->eof_ms != UINT64_MAX; /* the reset is on its way */
    if (nowhere || s->proc->doomed) {
        bn_alloc_free(k);
        return BN_OK;
    }
    k->due_ms = later(s->peer->last_ms, sim_here->now_ms + latency());
    s->peer->last_ms = k->due_ms;
    bn_list_push_back(&s->peer->in, &k->link);
    return BN_OK;
}

ssize_t bn_sock_recv(int fd, void *ptr, size_t len) {
    struct sock *s = find(fd);
    struct chunk *k = bn_list_empty(&s->in) ? NULL : BN_CONTAINER_OF(s->in.next, struct chunk, link);
    if (s->closed || (!k && s->eof_ms <= sim_here->now_ms)) return BN_CLOSED;
    if (!k || k->due_ms > sim_here->now_ms) return BN_AGAIN;
    size_t n = bn_min_size(len, k->len - k->at);
    if (n > 1 && sim_chance(sim_here, 8)) n = 1 + sim_below(sim_here, (uint32_t)n - 1); /* torn anywhere */
    memcpy(ptr, k->bytes + k->at, n);
    k->at += n;
    if (k->at == k->len) {
        bn_list_remove(&k->link);
        bn_alloc_free(k);
    }
    return (ssize_t)n;
}

/* ---- ios ---- */

struct bn_io *bn_io_new(struct bn_loop *l, int fd, void (*cb)(void *arg, int events), void *arg) {
    struct bn_io *io = bn_alloc_zero(1, sizeof *io);
    *io = (struct bn_io){find(fd), l, UINT64_MAX, cb, arg, 0};
    BN_ASSERT(io->sock && !io->sock->io);
    io->sock->io = io;
    return io;
}

void bn_io_set(struct bn_io *io, int events) { io->events = events; }

void bn_io_free(struct bn_io *io) {
    if (!io) return;
    io->sock->io = NULL;
    bn_alloc_free(io);
    sweep();
}

/* When s will have something for its io; UINT64_MAX = that is not known. */
static uint64_t ready_ms(const struct sock *s) {
    if (!s->io || !s->io->events || s->closed) return UINT64_MAX;
    uint64_t at = UINT64_MAX;
    if (s->kind == DIAL) {
        const struct sock *l = listener(s->port);
        at = s->due_ms;
        if (l) at = later(at, later(l->proc->held_ms, later(way_ms(s->proc, l->proc), way_ms(l->proc, s->proc))));
    } else if (s->kind == LISTEN) {
        if (!bn_list_empty(&s->waiting)) at = BN_CONTAINER_OF(s->waiting.next, struct sock, accept_link)->due_ms;
    } else if (s->io->events & BN_IO_WRITE) {
        at = 0;
    } else if (!bn_list_empty(&s->in)) {
        at = BN_CONTAINER_OF(s->in.next, struct chunk, link)->due_ms;
    } else {
        at = s->eof_ms;
    }
    if (at == UINT64_MAX) return at;
    if (s->proc->held_ms > at) at = s->proc->held_ms;
    if (s->kind == STREAM && s->peer && !(s->io->events & BN_IO_WRITE))
        at = later(at, later(s->peer->proc->held_ms, way_ms(s->peer->proc, s->proc)));
    return at;
}

bool sim_net_step(struct sim_proc *p, struct bn_shard *shard) {
    if (is_held(p)) return false;
    struct sock *ready[32];
    uint32_t count = 0;
    uint64_t turn = sim_doors_turn(shard->loop);
    BN_LIST_FOR (n, &net.all) {
        struct sock *s = BN_CONTAINER_OF(n, struct sock, link);
        if (s->proc != p || !s->io || s->io->loop != shard->loop || s->io->turn == turn) continue;
        if (ready_ms(s) <= sim_here->now_ms && count < 32) ready[count++] = s;
    }
    if (count == 0) return false;
    struct bn_io *io = ready[sim_below(sim_here, count)]->io;
    int events = io->events;
    io->turn = turn;
    if (io->sock->kind == STREAM && (events & BN_IO_WRITE)) {
        bool readable = !bn_list_empty(&io->sock->in) || io->sock->eof_ms <= sim_here->now_ms;
        if (!readable) events &= BN_IO_WRITE;
    }
    io->cb(io->arg, events);
    sweep();
    return true;
}

uint64_t sim_net_next(const struct sim_world *w) {
    uint64_t next = UINT64_MAX;
    BN_LIST_FOR (n, &net.all) {
        const struct sock *s = BN_CONTAINER_OF(n, struct sock, link);
        uint64_t at = s->proc->state == SIM_RUNNING && s->io ? ready_ms(s) : UINT64_MAX;
        if (at < next) next = at;
    }
    (void)w;
    return next;
}

/* ---- faults ---- */

void sim_net_crash(struct sim_proc *p) {
    uint64_t ports_ms = sim_here->now_ms + sim_below(sim_here, 4);
    BN_LIST_FOR (n, &net.all) {
        struct sock *s = BN_CONTAINER_OF(n, struct sock, link);
        if (s->proc != p) continue;
        s->io = NULL;
        sock_close(s, s->kind == LISTEN || s->kind == LIFE ? ports_ms : sim_here->now_ms);
        drop_chunks(s);
    }
}

/* What is under way to s, from a random chunk on, is lost. */
static void lose_tail(struct sock *s) {
    while (!bn_list_empty(&s->in) && sim_chance(sim_here, 2)) {
        struct bn_list *n = s->in.prev;
        bn_list_remove(n);
        bn_alloc_free(BN_CONTAINER_OF(n, struct chunk, link));
    }
    uint64_t delay = sim_chance(sim_here, 3) ? sim_below(sim_here, 2000) : latency();
    s->last_ms = s->eof_ms = later(s->last_ms, sim_here->now_ms + delay);
}

bool sim_net_break(struct sim_world *w, uint32_t which) {
    struct sock *streams[64];
    uint32_t count = 0;
    BN_LIST_FOR (n, &net.all) {
        struct sock *s = BN_CONTAINER_OF(n, struct sock, link);
        bool whole = s->kind == STREAM && s->peer && !s->closed && !s->peer->closed;
        if (whole && s->eof_ms == UINT64_MAX && s->peer->eof_ms == UINT64_MAX && count < 64) streams[count++] = s;
    }
    if (count == 0) return false;
    struct sock *s = streams[which % count];
    sim_event(w, "the connection of %s with %s breaks", s->proc->name, s->peer->proc->name);
    lose_tail(s);
    lose_tail(s->peer);
    return true;
}

void sim_net_lie(struct sim_proc *p, bool lies) {
    if (p->life) p->life->sock->lies = lies;
}

/* ---- life.h ---- */

struct bn_life *bn_life_open(const char *host, int port, struct bn_err *e) {
    (void)host, (void)e;
    struct bn_life *l = bn_alloc_zero(1, sizeof *l);
    for (size_t i = 0; i < 16; i++) l->boot_id.bytes[i] = (uint8_t)sim_random(sim_here);
    l->sock = sock_new(LIFE, port ? port : net.next_port++);
    l->sock->boot_id = &l->boot_id;
    sim_here->current->life = l;
    return l;
}

int bn_life_port(const struct bn_life *l) { return l->sock->port; }
const struct bn_uuid *bn_life_boot_id(const struct bn_life *l) { return &l->boot_id; }
void bn_life_machine(char out[BN_LIFE_MACHINE_MAX]) { out[0] = '\0'; } /* every process is a machine of its own */

void bn_life_shut_too(int fd) { (void)fd; }

void bn_life_close(struct bn_life *l) {
    l->sock->kind = LISTEN; /* only the number is left */
    sock_close(l->sock, sim_here->now_ms);
    l->sock->proc->life = NULL;
    sweep();
    bn_alloc_free(l);
}
