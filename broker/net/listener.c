/* listener.c: owns the listening sockets and the count of connections, in all and per address.
 *
 * Everything here lives on the home shard; a new connection goes to its shard, and news of its end comes back, by
 * mailbox. Counting covers a connection from accept until its shard has freed it. Running out of descriptors or
 * reaching max.connections pauses accepting; clients wait in the backlog, as with Kafka. */
#include "broker/net/listener.h"

#include <errno.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/map.h"
#include "common/base/trace.h"
#include "common/sys/sock.h"

enum { ACCEPTS_PER_TURN = 64, PAUSE_MS = 100 };

struct listener {
    struct bn_listeners *all;
    struct listener *next;
    const char *name;
    int fd;
    bool inter_broker;
    struct bn_io *io;
};

struct address { /* of peers: how many connections are open */
    uint32_t count;
    char host[BN_SOCK_NAME_MAX];
};

struct bn_listeners {
    struct bn_listener_config config;
    struct listener *first;
    struct bn_map addresses; /* struct address *, by host */
    uint32_t count;
    int next_set;
    struct bn_timer pause;
    bool started;
};

struct arrival {
    struct bn_msg msg;
    struct bn_conns *set;
    struct bn_conn_origin origin;
    int fd;
};

struct departure {
    struct bn_msg msg;
    struct bn_listeners *all;
    char host[BN_SOCK_NAME_MAX];
};

static void set_interest(struct bn_listeners *ls) {
    bool full = ls->count >= ls->config.max_connections;
    bool paused = bn_timer_running(&ls->pause);
    for (struct listener *l = ls->first; l; l = l->next) {
        if (l->io) bn_io_set(l->io, paused || (full && !l->inter_broker) ? 0 : BN_IO_READ);
    }
}

static void on_pause_over(struct bn_timer *t) { set_interest(BN_CONTAINER_OF(t, struct bn_listeners, pause)); }

static uint32_t limit_of(const struct bn_listeners *ls, const char *host) {
    for (int i = 0; i < ls->config.exception_count; i++) {
        if (strcmp(ls->config.exceptions[i].host, host) == 0) return ls->config.exceptions[i].max;
    }
    return ls->config.max_connections_per_ip;
}

/* Counts one connection more; false when its address has too many. */
static bool enter(struct bn_listeners *ls, const char *host) {
    struct address *a = bn_map_get(&ls->addresses, bn_slice_str(host));
    uint32_t limit = limit_of(ls, host);
    if ((a ? a->count : 0) >= limit) {
        static struct bn_trace_site site;
        uint32_t suppressed = 0;
        if (bn_trace_allow(&site, 5, &suppressed)) {
            BN_WARN("listener",
                    "Rejected connection from %s, address already has the configured maximum of %u connections.", host,
                    (unsigned)limit);
        }
        return false;
    }
    if (!a) {
        a = bn_alloc_zero(1, sizeof *a);
        (void)snprintf(a->host, sizeof a->host, "%s", host);
        bn_map_put(&ls->addresses, bn_slice_str(a->host), a);
    }
    a->count++;
    ls->count++;
    return true;
}

static void leave(struct bn_listeners *ls, const char *host) {
    struct address *a = bn_map_get(&ls->addresses, bn_slice_str(host));
    BN_ASSERT(a && a->count > 0 && ls->count > 0);
    ls->count--;
    if (--a->count == 0) {
        bn_map_remove(&ls->addresses, bn_slice_str(host));
        bn_alloc_free(a);
    }
    if (ls->started) set_interest(ls);
}

static void on_departure(struct bn_msg *m) {
    struct departure *d = BN_CONTAINER_OF(m, struct departure, msg);
    leave(d->all, d->host);
    bn_alloc_free(d);
}

/* On the connection's shard. */
static void gone(void *arg, const char *host) {
    struct bn_listeners *ls = arg;
    if (bn_shard_current() == ls->config.home) {
        leave(ls, host);
        return;
    }
    struct departure *d = bn_alloc(sizeof *d);
    d->msg.run = on_departure;
    d->all = ls;
    (void)snprintf(d->host, sizeof d->host, "%s", host);
    bn_shard_post(ls->config.home, &d->msg);
}

static void on_arrival(struct bn_msg *m) {
    struct arrival *a = BN_CONTAINER_OF(m, struct arrival, msg);
    bn_conns_add(a->set, a->fd, &a->origin);
    bn_alloc_free(a);
}

static void deal(struct listener *l, int fd) {
    struct bn_listeners *ls = l->all;
    int index = ls->next_set;
    ls->next_set = (index + 1) % ls->config.set_count;
    struct bn_conn_origin origin = {.listener = l->name, .gone = gone, .arg = ls};
    if (ls->config.shards[index] == ls->config.home) {
        bn_conns_add(ls->config.sets[index], fd, &origin);
        return;
    }
    struct arrival *a = bn_alloc(sizeof *a);
    *a = (struct arrival){.msg.run = on_arrival, .set = ls->config.sets[index], .origin = origin, .fd = fd};
    bn_shard_post(ls->config.shards[index], &a->msg);
}

/* Out of descriptors or of memory: the backlog keeps the client while we wait. */
static void rest(struct bn_listeners *ls) {
    static struct bn_trace_site site;
    uint32_t suppressed = 0;
    if (bn_trace_allow(&site, 1, &suppressed)) {
        BN_ERROR("listener",
                 "Accepting a connection failed (%s); trying again in %d ms. Raise the limit of open files (ulimit -n) "
                 "if this goes on.",
                 strerror(errno), PAUSE_MS);
    }
    bn_timer_start(&ls->pause, PAUSE_MS);
    set_interest(ls);
}

static void on_ready(void *arg, int events) {
    struct listener *l = arg;
    struct bn_listeners *ls = l->all;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && (ls->count < ls->config.max_connections || l->inter_broker); i++) {
        int fd = bn_sock_accept(l->fd, ls->config.send_buffer, ls->config.receive_buffer);
        if (fd == BN_AGAIN) break;
        if (fd < 0) {
            rest(ls);
            return;
        }
        char host[BN_SOCK_NAME_MAX];
        bn_conn_peer_host(fd, host);
        if (enter(ls, host)) deal(l, fd);
        else (void)close(fd);
    }
    set_interest(ls);
}

struct bn_listeners *bn_listener_new(const struct bn_listener_config *config) {
    BN_ASSERT(config->set_count > 0 && config->max_connections > 0);
    struct bn_listeners *ls = bn_alloc_zero(1, sizeof *ls);
    ls->config = *config;
    bn_map_init(&ls->addresses);
    bn_timer_init(&ls->pause, config->home->loop, on_pause_over);
    return ls;
}

int bn_listener_add(struct bn_listeners *ls, const char *name, const char *host, int port, bool inter_broker,
                    struct bn_err *e) {
    int fd = bn_sock_listen(host, port, ls->config.backlog, e);
    if (fd < 0) {
        (void)bn_err_wrap(e, "listener %s", name);
        return fd;
    }
    struct listener *l = bn_alloc_zero(1, sizeof *l);
    *l = (struct listener){.all = ls, .next = ls->first, .name = name, .fd = fd, .inter_broker = inter_broker};
    ls->first = l;
    return 0;
}

int bn_listener_port(const struct bn_listeners *ls, const char *name) {
    for (const struct listener *l = ls->first; l; l = l->next) {
        if (strcmp(l->name, name) == 0) return bn_sock_port(l->fd);
    }
    return -1;
}

void bn_listener_limit(struct bn_listeners *ls, uint32_t max_connections, uint32_t max_connections_per_ip,
                       const struct bn_listener_exception *exceptions, int exception_count) {
    BN_ON_SHARD(ls->config.home);
    ls->config.max_connections = max_connections;
    ls->config.max_connections_per_ip = max_connections_per_ip;
    ls->config.exceptions = exceptions;
    ls->config.exception_count = exception_count;
    if (ls->started) set_interest(ls);
}

void bn_listener_start(struct bn_listeners *ls) {
    BN_ON_SHARD(ls->config.home);
    ls->started = true;
    for (struct listener *l = ls->first; l; l = l->next) l->io = bn_io_new(ls->config.home->loop, l->fd, on_ready, l);
    set_interest(ls);
}

void bn_listener_stop(struct bn_listeners *ls) {
    ls->started = false;
    bn_timer_stop(&ls->pause);
    for (struct listener *l = ls->first; l; l = l->next) {
        if (l->io) bn_io_free(l->io);
        l->io = NULL;
        if (l->fd >= 0) (void)close(l->fd);
        l->fd = -1;
    }
}

void bn_listener_free(struct bn_listeners *ls) {
    if (!ls) return;
    bn_listener_stop(ls);
    while (ls->first) {
        struct listener *l = ls->first;
        ls->first = l->next;
        bn_alloc_free(l);
    }
    size_t at = 0;
    for (struct bn_map_entry *m; (m = bn_map_next(&ls->addresses, &at)) != NULL;) bn_alloc_free(m->value);
    bn_map_fini(&ls->addresses);
    bn_alloc_free(ls);
}
