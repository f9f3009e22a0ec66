/* rpc.h: protobuf-c services over one framed TCP connection; both ends may call. The generated stubs are the API:
 *
 *     bn__controller__hello(bn_rpc_client(peer, &bn__controller__descriptor), &request, on_reply, data);
 *
 * on_reply gets NULL when the call failed (deadline, connection gone, refused, over budget).
 * Frame: BE32 length | u8 kind | u8 service | BE16 method | BE64 call id | BE32 deadline ms | payload. Lengths are checked against
 * limits before memory is taken; unpacking draws on a budgeted arena. All on one loop; never blocks. */
#ifndef BN_RPC_H
#define BN_RPC_H

#include <protobuf-c/protobuf-c.h>

#include "common/base/err.h"
#include "common/sys/loop.h"

enum { BN_RPC_FRAME_MAX = 4 << 20, BN_RPC_UNPACK_BUDGET = 64 << 20, BN_RPC_CALLS_MAX = 4096 };

struct bn_rpc_peer; /* one connection */

struct bn_rpc_options {
    /* The services served to the other side, by service number (position). A handler may answer later; the request message
     * lives until it answers. */
    ProtobufCService *const *services;
    int service_count;
    /* Descriptors of the services the other side serves, by number. */
    const ProtobufCServiceDescriptor *const *remote;
    int remote_count;
    uint32_t deadline_ms; /* of calls made here, unless set per call */
    void (*up)(void *arg, struct bn_rpc_peer *);                    /* connected (dialled ones) */
    void (*down)(void *arg, struct bn_rpc_peer *, const char *why); /* ended; every outstanding call has failed before; the peer is freed after */
    void *arg;
};

/* Dials; no reconnect inside: `down` tells, the owner decides (safety §1: redial pattern). Numeric host, or a name resolved off-loop. */
struct bn_rpc_peer *bn_rpc_dial(struct bn_loop *loop, const char *host, int port, const struct bn_rpc_options *options);
/* Takes an accepted, non-blocking fd. */
struct bn_rpc_peer *bn_rpc_accept(struct bn_loop *loop, int fd, const struct bn_rpc_options *options);
/* Ends it from this side: outstanding calls fail, `down` is called, later than this call. */
void bn_rpc_close(struct bn_rpc_peer *p, const char *why);
/* The client side of a remote service: hand it to the generated stubs. Lives as long as the peer. */
ProtobufCService *bn_rpc_client(struct bn_rpc_peer *p, const ProtobufCServiceDescriptor *descriptor);
/* The peer a server-side call came from, found from the closure_data handed to a handler. */
struct bn_rpc_peer *bn_rpc_caller(void *closure_data);
void *bn_rpc_user(struct bn_rpc_peer *p); /* a word of the owner's */
void bn_rpc_set_user(struct bn_rpc_peer *p, void *user);
const char *bn_rpc_name(const struct bn_rpc_peer *p); /* "host:port" of the other side */
int bn_rpc_fd(const struct bn_rpc_peer *p);
/* Bytes queued for sending: for the owner's budgets. */
size_t bn_rpc_queued_bytes(const struct bn_rpc_peer *p);

#endif
