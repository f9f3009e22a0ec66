/* conn.h: one client connection, as the rooms above see it. Belongs to the shard of its set (asserted). */
#ifndef BN_CONN_H
#define BN_CONN_H

#include "common/base/buf.h"
#include "common/base/chain.h"
#include "common/sys/shard.h"
#include "common/sys/sock.h"

struct bn_conn;

/* Where a connection came in; copied. */
struct bn_conn_origin {
    const char *listener; /* its name; lives as long as the broker */
    /* Called on the connection's shard when it is gone. NULL = nobody counts. */
    void (*gone)(void *arg, const char *host);
    void *arg;
};

/* Answers a ticket: the chain (length prefix included) is taken and left empty; NULL = the request has no answer. */
void bn_conn_answer(struct bn_conn *c, uint32_t ticket, struct bn_chain *answer);
/* Ends the connection for a fault of the peer, with one rate-limited line. closed() is called before this returns. */
void bn_conn_close(struct bn_conn *c, const char *why);
const char *bn_conn_listener(const struct bn_conn *c);
const char *bn_conn_host(const struct bn_conn *c); /* the peer's numeric address, without port */
const char *bn_conn_peer(const struct bn_conn *c); /* with port */
void bn_conn_local_host(const struct bn_conn *c, char out[BN_SOCK_NAME_MAX]); /* the address the client reached us by */
/* The numeric address of an fd's peer, without port or brackets. */
void bn_conn_peer_host(int fd, char out[BN_SOCK_NAME_MAX]);
/* A word of the owner's. */
void bn_conn_set_user(struct bn_conn *c, void *user);
void *bn_conn_user(const struct bn_conn *c);

#endif
