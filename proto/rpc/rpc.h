/* rpc.h: protobuf-c services over one framed TCP connection; both ends may call. The generated stubs are the API:
 *
 *     bn__controller__hello(bn_rpc_client(peer, &bn__controller__descriptor), &request, on_reply, data);
 *
 * on_reply is called exactly once, later than the stub; its message (borrowed for the callback) is NULL when the call
 * failed: deadline, connection gone, refused by the other side, over a limit.
 * Frame: see rpc_frame.h. Lengths are checked against limits before memory is taken; unpacking draws on a budgeted
 * arena. All on one loop; never blocks. */
#ifndef BN_RPC_H
#define BN_RPC_H

#include <protobuf-c/protobuf-c.h>

#include "common/base/err.h"
#include "common/sys/loop.h"

enum {
    BN_RPC_FRAME_MAX = 4 << 20,      /* payload of one frame */
    BN_RPC_UNPACK_BUDGET = 64 << 20, /* all requests of one connection that are being served; and one response */
    BN_RPC_CALLS_MAX = 4096,         /* outstanding, each way; the next one fails */
    BN_RPC_PATIENCE_MS = 6000,       /* the other side's machine, or the way there, is silent: the connection ends */
    BN_RPC_QUEUE_MAX = 64 << 20,     /* bytes to send; above, the connection ends: the other side does not read */
};

struct bn_rpc_peer; /* one connection */

struct bn_rpc_options {
    /* The services served to the other side, by service number (position). A handler may answer later, even when the
     * connection has gone (then the answer is dropped), and must answer exactly once; the request message lives until
     * it answers. A method whose function is NULL is refused. */
    ProtobufCService *const *services;
    int service_count;
    /* Descriptors of the services the other side serves, by number. */
    const ProtobufCServiceDescriptor *const *remote;
    int remote_count;
    uint32_t deadline_ms;                        /* of calls made here; 0 = as long as the connection lives */
    void (*up)(void *arg, struct bn_rpc_peer *); /* connected (dialled ones); may be NULL */
    /* Ended; every outstanding call has failed before; no call may be made any more; the peer is freed after. Called
     * once for every peer, never from inside a function of this header. */
    void (*down)(void *arg, struct bn_rpc_peer *, const char *why);
    void *arg;
};

/* Dials; no reconnect inside: `down` tells, the owner decides. Calls may be made at once: they wait for the connection.
 * A host that is a name is resolved off the loop. */
struct bn_rpc_peer *bn_rpc_dial(struct bn_loop *loop, const char *host, int port, const struct bn_rpc_options *options);
/* Takes an accepted, non-blocking fd. The lists of options are borrowed for the peer's life. */
struct bn_rpc_peer *bn_rpc_accept(struct bn_loop *loop, int fd, const struct bn_rpc_options *options);
/* Ends it from this side: outstanding calls fail, `down` is called, later than this call. What was queued for sending
 * is sent as far as the socket takes it now. Again: nothing happens. */
void bn_rpc_close(struct bn_rpc_peer *p, const char *why);
/* The client side of a remote service: hand it to the generated stubs. Lives as long as the peer. */
ProtobufCService *bn_rpc_client(struct bn_rpc_peer *p, const ProtobufCServiceDescriptor *descriptor);
/* The deadline of calls made from now on. */
void bn_rpc_set_deadline(struct bn_rpc_peer *p, uint32_t deadline_ms);
/* The peer a server-side call came from, found from the closure_data handed to a handler; NULL once it has gone. */
struct bn_rpc_peer *bn_rpc_caller(void *closure_data);
void *bn_rpc_user(struct bn_rpc_peer *p); /* a word of the owner's */
void bn_rpc_set_user(struct bn_rpc_peer *p, void *user);
const char *bn_rpc_name(const struct bn_rpc_peer *p); /* "host:port" of the other side */
int bn_rpc_fd(const struct bn_rpc_peer *p);
/* Bytes queued for sending: for the owner's budgets. */
size_t bn_rpc_queued_bytes(const struct bn_rpc_peer *p);

#endif
