/* world.c: the shard under test runs on its own thread; clients are blocking sockets of the test's thread. Counters are
 * how the two see each other; nothing sleeps, waits poll with a deadline. */
#include "tests/unit/broker/net/world.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/sys/sock.h"

static void answer(struct bn_conn *c, uint32_t ticket, const void *ptr, size_t len) {
    struct bn_chain chain;
    bn_chain_init(&chain);
    bn_put_u32(bn_chain_reserve(&chain, 4), (uint32_t)len);
    uint8_t *to = bn_chain_reserve(&chain, len);
    if (ptr) memcpy(to, ptr, len);
    else memset(to, 'b', len);
    bn_conn_answer(c, ticket, &chain);
    bn_chain_fini(&chain);
}

void world_release(struct world *w, void *arg) {
    while (w->parked_count > 0) {
        w->parked_count--;
        answer(w->parked[w->parked_count].conn, w->parked[w->parked_count].ticket, "parked", 6);
        bn_buf_unref(w->parked[w->parked_count].holder);
    }
}

static void on_frame(void *arg, struct bn_conn *c, uint32_t ticket, struct bn_buf *holder, struct bn_slice frame) {
    struct world *w = arg;
    w->frames++;
    w->frame_bytes += frame.len;
    switch (frame.ptr[0]) {
    case 'p':
        BN_ASSERT(w->parked_count < WORLD_PARKED_MAX);
        bn_buf_ref(holder);
        w->parked[w->parked_count].conn = c;
        w->parked[w->parked_count].ticket = ticket;
        w->parked[w->parked_count++].holder = holder;
        return;
    case 'r':
        world_release(w, NULL);
        answer(c, ticket, frame.ptr, frame.len);
        return;
    case 'n': bn_conn_answer(c, ticket, NULL); return;
    case 'c': bn_conn_close(c, "the test asked for it"); return;
    case 'b': answer(c, ticket, NULL, bn_get_u32(frame.ptr + 1)); return;
    default: answer(c, ticket, frame.ptr, frame.len); return;
    }
}

static void on_closed(void *arg, struct bn_conn *c) {
    struct world *w = arg;
    int kept = 0;
    for (int i = 0; i < w->parked_count; i++) {
        if (w->parked[i].conn == c) bn_buf_unref(w->parked[i].holder);
        else w->parked[kept++] = w->parked[i];
    }
    w->parked_count = kept;
    w->closed++;
}

static void on_gone(void *arg, const char *host) {
    struct world *w = arg;
    ck_assert_str_eq(host, "127.0.0.1");
    w->gone++;
}

void world_start(struct world *w, struct bn_conns_config config) {
    *w = (struct world){0};
    w->shard = bn_shard_new(0);
    config.shard = w->shard;
    config.frame = on_frame;
    config.closed = on_closed;
    config.arg = w;
    if (!config.request_max_bytes) config.request_max_bytes = 1 << 20;
    w->set = bn_conns_new(&config);
    struct bn_err e = BN_ERR_NONE;
    w->listen_fd = bn_sock_listen("127.0.0.1", 0, 128, &e);
    ck_assert_msg(w->listen_fd >= 0, "%s", e.text);
    w->port = bn_sock_port(w->listen_fd);
    bn_shard_start(w->shard);
}

struct errand {
    struct bn_msg msg;
    struct world *w;
    void (*fn)(struct world *w, void *arg);
    void *arg;
    sem_t done;
};

static void run_errand(struct bn_msg *m) {
    struct errand *e = BN_CONTAINER_OF(m, struct errand, msg);
    e->fn(e->w, e->arg);
    sem_post(&e->done);
}

void world_on_shard(struct world *w, void (*fn)(struct world *w, void *arg), void *arg) {
    struct errand e = {.msg.run = run_errand, .w = w, .fn = fn, .arg = arg};
    sem_init(&e.done, 0, 0);
    bn_shard_post(w->shard, &e.msg);
    while (sem_wait(&e.done) != 0) continue;
    sem_destroy(&e.done);
}

static void close_all(struct world *w, void *arg) { bn_conns_close_all(w->set); }
static void nothing(struct world *w, void *arg) { (void)w; }

void world_stop(struct world *w) {
    world_on_shard(w, close_all, NULL);
    world_on_shard(w, nothing, NULL); /* a turn, so that the closed ones are freed */
    bn_shard_stop(w->shard);
    bn_conns_free(w->set);
    bn_shard_free(w->shard);
    (void)close(w->listen_fd);
}

void world_wait(const _Atomic uint32_t *counter, uint32_t n) {
    for (int i = 0; i < 10000 && *counter < n; i++) (void)poll(NULL, 0, 1);
    ck_assert_uint_ge(*counter, n);
}

int world_dial(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    struct timeval patience = {.tv_sec = 10};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return fd;
}

static void add(struct world *w, void *arg) {
    struct bn_conn_origin origin = {.listener = "PLAINTEXT", .gone = on_gone, .arg = w};
    bn_conns_add(w->set, *(int *)arg, &origin);
}

int world_connect(struct world *w) {
    int fd = world_dial(w->port), accepted = BN_AGAIN;
    struct pollfd p = {.fd = w->listen_fd, .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 10000), 1);
    accepted = bn_sock_accept(w->listen_fd, 0, 0);
    ck_assert_int_ge(accepted, 0);
    world_on_shard(w, add, &accepted);
    return fd;
}

static void ask_used(struct world *w, void *arg) { *(size_t *)arg = bn_framepool_used_bytes(bn_conns_pool(w->set)); }

size_t world_used_bytes(struct world *w) {
    size_t used = 0;
    world_on_shard(w, ask_used, &used);
    return used;
}

void world_send(int fd, const void *ptr, size_t len) {
    const uint8_t *p = ptr;
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        ck_assert_msg(n > 0, "the peer took no more");
        p += n;
        len -= (size_t)n;
    }
}

void world_send_frame(int fd, const char *text) {
    uint8_t size[4];
    bn_put_u32(size, (uint32_t)strlen(text));
    world_send(fd, size, 4);
    world_send(fd, text, strlen(text));
}

static void receive(int fd, uint8_t *to, size_t len) {
    while (len > 0) {
        ssize_t n = recv(fd, to, len, 0);
        ck_assert_msg(n > 0, "no answer");
        to += n;
        len -= (size_t)n;
    }
}

size_t world_expect(int fd, const char *text) {
    uint8_t size[4];
    receive(fd, size, 4);
    size_t len = bn_get_u32(size);
    char *got = bn_alloc_zero(1, len + 1);
    receive(fd, (uint8_t *)got, len);
    if (text) ck_assert_str_eq(got, text);
    bn_alloc_free(got);
    return len;
}

void world_expect_close(int fd) {
    char c;
    ssize_t n = recv(fd, &c, 1, 0);
    ck_assert_msg(n == 0 || (n < 0 && errno == ECONNRESET), "still open");
}
