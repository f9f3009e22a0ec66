/* sock.c: non-blocking TCP. A chain leaves as writev (sendmsg) of its memory parts and sendfile of its file
 * parts; memory that is followed by a file part in the same call goes with MSG_MORE, so that a header and the
 * records behind it share packets. A short file part is read to the stack and goes with the memory around it, which
 * costs less than a sendfile of its own; what the socket does not take is read again, so that nothing is held.
 * sendfile knows no MSG_NOSIGNAL: programs ignore SIGPIPE. */
#include "common/sys/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IOV_COUNT = 64, SENDFILE_MAX = 0x7ffff000, COPY_ROOM = 64 * 1024 };

static void set_option(int fd, int level, int name, int value) {
    /* Options are a matter of speed or patience: one that the kernel refuses changes nothing that is promised. */
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static int resolve(const char *host, int port, int flags, struct addrinfo **out, struct bn_err *e) {
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_flags = flags | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    int rc = getaddrinfo(host, service, &hints, out);
    if (rc == 0) return 0;
    const char *why = rc == EAI_SYSTEM ? "system error" : gai_strerror(rc);
    return bn_err_set(e, BN_IO, "resolve %s: %s", host ? host : "", why);
}

/* Gives a listening socket on one address, or -1 with errno. */
static int listen_on(const struct addrinfo *a, bool dual, int backlog) {
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (a->ai_family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, backlog) == 0) return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

int bn_sock_listen(const char *host, int port, int backlog, struct bn_err *e) {
    bool all = host[0] == '\0';
    struct addrinfo *found, *a;
    int rc = resolve(all ? NULL : host, port, AI_PASSIVE, &found, e);
    if (rc) return rc;
    int fd = -1, err = 0;
    /* "All" means the dual-stack socket; machines without IPv6 get the IPv4 one. */
    bool any = strcmp(host, "::") == 0; /* as with Java: both families, unless IPv4 has a listener of its own there */
    if (any) fd = listen_on(found, true, backlog);
    for (int pass = all ? 0 : 1; pass < 2 && fd < 0; pass++) {
        for (a = found; a && fd < 0; a = a->ai_next) {
            if (all && (a->ai_family == AF_INET6) != (pass == 0)) continue;
            fd = listen_on(a, all, backlog);
            if (fd < 0) err = errno;
        }
        if (fd < 0 && all && err == EADDRINUSE) break;
    }
    freeaddrinfo(found);
    if (fd >= 0) return fd;
    return bn_err_errno(e, BN_IO, err, "listen on %s:%d", host, port);
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

/* The numeric host; an IPv4 address that came through a dual-stack socket is shown as IPv4. Gives the port. */
static int address_text(const union address *a, char out[BN_SOCK_NAME_MAX], bool *is_v6) {
    out[0] = '\0';
    *is_v6 = false;
    if (a->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, out, BN_SOCK_NAME_MAX);
        return ntohs(a->v4.sin_port);
    }
    if (a->any.sa_family != AF_INET6) return -1;
    if (IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr)) {
        inet_ntop(AF_INET, &a->v6.sin6_addr.s6_addr[12], out, BN_SOCK_NAME_MAX);
    } else {
        inet_ntop(AF_INET6, &a->v6.sin6_addr, out, BN_SOCK_NAME_MAX);
        *is_v6 = true;
    }
    return ntohs(a->v6.sin6_port);
}

int bn_sock_port(int fd) {
    union address a = {0};
    socklen_t len = sizeof a;
    char text[BN_SOCK_NAME_MAX];
    bool v6;
    if (getsockname(fd, &a.any, &len) != 0) return -1;
    return address_text(&a, text, &v6);
}

void bn_sock_local_host(int fd, char out[BN_SOCK_NAME_MAX]) {
    union address a = {0};
    socklen_t len = sizeof a;
    bool v6;
    out[0] = '\0';
    if (getsockname(fd, &a.any, &len) == 0) address_text(&a, out, &v6);
}

void bn_sock_peer(int fd, char out[BN_SOCK_NAME_MAX]) {
    union address a = {0};
    socklen_t len = sizeof a;
    char host[BN_SOCK_NAME_MAX];
    bool v6;
    snprintf(out, BN_SOCK_NAME_MAX, "unknown");
    if (getpeername(fd, &a.any, &len) != 0) return;
    int port = address_text(&a, host, &v6);
    if (port >= 0) snprintf(out, BN_SOCK_NAME_MAX, v6 ? "[%.46s]:%d" : "%.46s:%d", host, port);
}

int bn_sock_accept(int listen_fd, int send_buffer, int receive_buffer) {
    int fd;
    do {
        fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0) return errno == EAGAIN ? BN_AGAIN : BN_IO;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (send_buffer > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, send_buffer);
    if (receive_buffer > 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer);
    return fd;
}

int bn_sock_connect(const char *host, int port, struct bn_err *e) {
    struct addrinfo *found;
    int rc = resolve(host, port, 0, &found, e);
    if (rc) return rc;
    int fd = -1, err = 0;
    bool all_refused = true; /* a refusal is proof that nobody listens: not if another address was not reached */
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)) break;
        err = errno;
        all_refused = all_refused && err == ECONNREFUSED;
        if (fd >= 0) close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd < 0) return bn_err_errno(e, all_refused ? BN_NOTFOUND : BN_IO, err, "connect to %s:%d", host, port);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return fd;
}

void bn_sock_patience(int fd, int limit_ms) {
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, limit_ms / 3000);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, limit_ms / 3000);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, limit_ms);
}

int bn_sock_connected(int fd, struct bn_err *e) {
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0) err = errno;
    return err ? bn_err_errno(e, err == ECONNREFUSED ? BN_NOTFOUND : BN_IO, err, "connect") : 0;
}

static int send_status(void) {
    switch (errno) {
    case EAGAIN:
        return BN_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ETIMEDOUT:
        return BN_CLOSED;
    default:
        return BN_IO;
    }
}

static bool by_sendfile(const struct bn_part *p) { return p->kind == BN_PART_FILE && p->len > BN_SOCK_COPY_MAX; }

/* One sendmsg of the parts at the front up to one for sendfile. Gives the bytes sent, or a negative status; *asked is
 * what the call tried to send. */
static ssize_t send_parts(int fd, const struct bn_chain *c, size_t limit, size_t *asked) {
    struct iovec iov[IOV_COUNT];
    uint8_t copied[COPY_ROOM], *to = copied;
    size_t total = 0;
    uint32_t i = 0;
    for (; i < c->count && i < IOV_COUNT && total < limit; i++) {
        const struct bn_part *p = &c->parts[c->first + i];
        if (by_sendfile(p)) break;
        size_t len = bn_min_size(p->len, limit - total);
        const uint8_t *from = p->ptr;
        if (p->kind == BN_PART_FILE) {
            if (len > (size_t)(copied + sizeof copied - to)) break;
            if (bn_chain_copy_part(p, len, to) != 0) {
                if (i == 0) return BN_IO;
                break; /* what stands before it is sent all the same */
            }
            from = to;
            to += len;
        }
        iov[i] = (struct iovec){(void *)(uintptr_t)from, len};
        total += len;
    }
    /* Only if this call goes on with the rest: else the kernel would hold the last packet back. */
    bool more = i < c->count && total < limit;
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = i};
    ssize_t n;
    do {
        n = sendmsg(fd, &m, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    } while (n < 0 && errno == EINTR);
    *asked = total;
    return n < 0 ? send_status() : n;
}

static ssize_t send_file(int fd, const struct bn_part *p, size_t limit, size_t *asked) {
    off_t at = p->offset;
    ssize_t n;
    *asked = bn_min_size(bn_min_size(p->len, limit), SENDFILE_MAX);
    do {
        n = sendfile(fd, p->fd, &at, *asked);
    } while (n < 0 && errno == EINTR);
    if (n == 0) return BN_IO; /* the file ends before its part does */
    return n < 0 ? send_status() : n;
}

int bn_sock_flush(int fd, struct bn_chain *c, size_t limit_bytes) {
    size_t left = limit_bytes ? limit_bytes : SIZE_MAX;
    while (c->count > 0) {
        if (left == 0) return BN_AGAIN;
        const struct bn_part *p = &c->parts[c->first];
        bool is_file = by_sendfile(p);
        size_t asked = 0;
        ssize_t n = is_file ? send_file(fd, p, left, &asked) : send_parts(fd, c, left, &asked);
        if (n < 0) return (int)n;
        bn_chain_consume(c, (size_t)n);
        left -= (size_t)n;
        /* A short memory write means a full socket. A short sendfile may also mean the end of what the file
         * has, so that one is tried again. */
        if ((size_t)n < asked && !is_file && c->count > 0) return BN_AGAIN;
    }
    return 0;
}

ssize_t bn_sock_recv(int fd, void *ptr, size_t len) {
    ssize_t n;
    do {
        n = recv(fd, ptr, len, 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0 || len == 0) return n;
    if (n == 0 || errno == ECONNRESET || errno == EPIPE || errno == ETIMEDOUT) return BN_CLOSED;
    return errno == EAGAIN ? BN_AGAIN : BN_IO;
}
