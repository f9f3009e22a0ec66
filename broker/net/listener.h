/* listener.h: the listening sockets of the broker. One shard accepts for all (home) and deals the connections out to
 * the shards' sets, where they stay. */
#ifndef BN_LISTENER_H
#define BN_LISTENER_H

#include "broker/net/conns.h"
#include "common/base/err.h"

struct bn_listeners;

struct bn_listener_exception { /* one entry of max.connections.per.ip.overrides */
    const char *host;          /* numeric */
    uint32_t max;
};

struct bn_listener_config {
    struct bn_shard *home;
    struct bn_conns *const *sets; /* one per shard, borrowed; a set's shard is its index in shards */
    struct bn_shard *const *shards;
    int set_count;
    int backlog;                      /* socket.listen.backlog.size */
    int send_buffer, receive_buffer;  /* socket.send/receive.buffer.bytes; <= 0 the system's */
    /* max.connections; over it nothing is accepted but on the inter-broker listener */
    uint32_t max_connections;
    uint32_t max_connections_per_ip;  /* max.connections.per.ip; over it a connection is closed at once */
    const struct bn_listener_exception *exceptions; /* borrowed */
    int exception_count;
};

struct bn_listeners *bn_listener_new(const struct bn_listener_config *config);
/* Binds and listens; accepts nothing yet (clients wait in the backlog). Before the shards run, or on home. name lives
 * as long as the broker. BN_IO. */
int bn_listener_add(struct bn_listeners *ls, const char *name, const char *host, int port, bool inter_broker,
                    struct bn_err *e) BN_MUST_CHECK;
int bn_listener_port(const struct bn_listeners *ls, const char *name); /* -1 */
/* New limits, from the next connection on: those that are there stay. exceptions are borrowed until the next call. On
 * home. */
void bn_listener_limit(struct bn_listeners *ls, uint32_t max_connections, uint32_t max_connections_per_ip,
                       const struct bn_listener_exception *exceptions, int exception_count);
/* Begins to accept. On home. */
void bn_listener_start(struct bn_listeners *ls);
/* Accepts nothing more and closes the listening sockets; connections stay. On home. */
void bn_listener_stop(struct bn_listeners *ls);
/* After bn_listener_stop and the end of every connection. */
void bn_listener_free(struct bn_listeners *ls);

#endif
