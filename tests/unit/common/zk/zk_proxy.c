/* zk_proxy.c: pairs of sockets on the loop. A frame of ZooKeeper's protocol is a 4-byte length and, both ways, a
 * 4-byte number of the request, which is negative for pings and watch events; the first frame of a connection is the
 * handshake and has none. Traffic in tests is so small that a read begins with a frame and a write is taken whole. */
#include "tests/unit/common/zk/zk_proxy.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/sys/sock.h"
#include "tests/unit/unit.h"

struct end {
    struct pair *pair;
    int fd;
    struct bn_io *io;
    bool greeted, deaf;
};

struct pair {
    struct bn_list link;
    struct zk_proxy *proxy;
    struct end client, server;
};

struct zk_proxy {
    struct bn_loop *loop;
    struct bn_io *io;
    int fd, server_port;
    enum zk_proxy_mode mode;
    struct bn_list pairs;
};

static void pair_free(struct pair *pair) {
    bn_list_remove(&pair->link);
    bn_io_free(pair->client.io);
    bn_io_free(pair->server.io);
    close(pair->client.fd);
    if (pair->server.fd >= 0) close(pair->server.fd);
    bn_alloc_free(pair);
}

static bool swallow(struct zk_proxy *p, struct end *from, const uint8_t *bytes, size_t len) {
    bool first = !from->greeted;
    from->greeted = true;
    if (first || len < 8 || (int32_t)bn_get_u32(bytes + 4) < 0) return false;
    bool client = from == &from->pair->client;
    if (p->mode != (client ? ZK_PROXY_LOSE_REQUEST : ZK_PROXY_LOSE_ANSWER)) return false;
    p->mode = ZK_PROXY_OPEN;
    return true;
}

static void on_data(void *arg, int events) {
    struct end *from = arg;
    (void)events;
    struct pair *pair = from->pair;
    struct end *to = from == &pair->client ? &pair->server : &pair->client;
    uint8_t bytes[65536];
    ssize_t n = bn_sock_recv(from->fd, bytes, sizeof bytes);
    if (n == BN_AGAIN) return;
    if (n > 0 && from->deaf) return;
    if (n < 0 || swallow(pair->proxy, from, bytes, (size_t)n) || send(to->fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
        pair_free(pair);
}

static void on_connect(void *arg, int events) {
    struct zk_proxy *p = arg;
    (void)events;
    int fd = bn_sock_accept(p->fd, 0, 0);
    if (fd < 0) return;
    if (p->mode == ZK_PROXY_CUT) {
        close(fd);
        return;
    }
    struct pair *pair = bn_alloc_zero(1, sizeof *pair);
    pair->proxy = p;
    bn_list_init(&pair->link);
    bn_list_push_back(&p->pairs, &pair->link);
    pair->client = (struct end){.pair = pair, .fd = fd, .deaf = p->mode == ZK_PROXY_DEAF};
    pair->client.io = bn_io_new(p->loop, fd, on_data, &pair->client);
    bn_io_set(pair->client.io, BN_IO_READ);
    pair->server = (struct end){.pair = pair, .fd = -1};
    if (pair->client.deaf) {
        p->mode = ZK_PROXY_OPEN;
        return;
    }
    pair->server = (struct end){.pair = pair, .fd = bn_sock_connect("127.0.0.1", p->server_port, NULL)};
    ck_assert_int_ge(pair->server.fd, 0);
    pair->server.io = bn_io_new(p->loop, pair->server.fd, on_data, &pair->server);
    bn_io_set(pair->server.io, BN_IO_READ);
}

struct zk_proxy *zk_proxy_new(struct bn_loop *loop, int server_port) {
    struct zk_proxy *p = bn_alloc_zero(1, sizeof *p);
    p->loop = loop;
    p->server_port = server_port;
    bn_list_init(&p->pairs);
    p->fd = bn_sock_listen("127.0.0.1", 0, 16, NULL);
    ck_assert_int_ge(p->fd, 0);
    p->io = bn_io_new(loop, p->fd, on_connect, p);
    bn_io_set(p->io, BN_IO_READ);
    return p;
}

int zk_proxy_port(const struct zk_proxy *p) { return bn_sock_port(p->fd); }

void zk_proxy_set(struct zk_proxy *p, enum zk_proxy_mode mode) {
    p->mode = mode;
    if (mode != ZK_PROXY_CUT) return;
    BN_LIST_FOR (n, &p->pairs) pair_free(BN_CONTAINER_OF(n, struct pair, link));
}

void zk_proxy_free(struct zk_proxy *p) {
    zk_proxy_set(p, ZK_PROXY_CUT);
    bn_io_free(p->io);
    close(p->fd);
    bn_alloc_free(p);
}
