/* sock.h: non-blocking TCP. Addresses are text; IPv6 hosts without brackets. */
#ifndef BN_SOCK_H
#define BN_SOCK_H

#include <sys/types.h>

#include "common/base/base.h"
#include "common/base/chain.h"
#include "common/base/err.h"

#define BN_SOCK_NAME_MAX 64
/* File parts of up to so many bytes are copied. A sender alone on loopback breaks even at 16 KiB; below 8 KiB it saves
 * 4 to 11 %. */
#define BN_SOCK_COPY_MAX 8192

/* A listening socket on host ("" = all, dual stack; else numeric or a name that resolves) and port (0 = the
 * kernel's choice). SO_REUSEADDR, close-on-exec, non-blocking. Gives the fd, or a negative status. */
int bn_sock_listen(const char *host, int port, int backlog, struct bn_err *e);
int bn_sock_port(int fd);                                    /* the local port */
void bn_sock_local_host(int fd, char out[BN_SOCK_NAME_MAX]); /* the local address, numeric */
void bn_sock_peer(int fd, char out[BN_SOCK_NAME_MAX]);       /* "10.0.0.1:5555", "[::1]:5555" */
/* Next connection, non-blocking, TCP_NODELAY, SO_KEEPALIVE (as Kafka's), with the buffer sizes (<= 0: the system's);
 * BN_AGAIN, BN_IO. */
int bn_sock_accept(int listen_fd, int send_buffer, int receive_buffer);
/* Starts connecting to a numeric address or name (names are resolved blocking: only where that is fine).
 * Gives the fd; writable or an error follows. BN_NOTFOUND when refused at once: nobody listens there. */
int bn_sock_connect(const char *host, int port, struct bn_err *e);
/* How long a silent other side is waited for: one that acknowledges nothing of what was sent, takes nothing, or answers
 * no probe (one goes out after a third of it in silence) is given up after limit_ms, at least 3000: the socket then
 * fails. TCP's own patience is a quarter of an hour with data under way, and endless without. */
void bn_sock_patience(int fd, int limit_ms);
/* After writability: 0; BN_NOTFOUND when refused; else BN_IO with the reason. */
int bn_sock_connected(int fd, struct bn_err *e);
/* Sends as much as the socket takes (writev with MSG_NOSIGNAL; sendfile for file parts above BN_SOCK_COPY_MAX),
 * consuming it from the chain. What stands before a file that cannot be read is sent.
 * 0 = all sent; BN_AGAIN = wait for writability; BN_CLOSED; BN_IO. A file shorter than its part is BN_IO.
 * limit_bytes bounds one call's work (0 = none): BN_AGAIN then means "again at once is fine". */
int bn_sock_flush(int fd, struct bn_chain *c, size_t limit_bytes);
/* Bytes received (>0), BN_AGAIN, BN_CLOSED (end of stream) or BN_IO. */
ssize_t bn_sock_recv(int fd, void *ptr, size_t len);

#endif
