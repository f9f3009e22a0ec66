/* client.h: one connection to a broker, in the role of a Kafka client: pipelined calls on an event loop.
 *
 * connect -> ApiVersions -> ready -> calls, answered in their order -> closed. Nothing reconnects: whoever owns the
 * client frees it and makes another. Everything belongs to the loop's thread, and no callback runs inside
 * bn_client_connect, bn_client_call or bn_client_free. */
#ifndef BN_CLIENT_H
#define BN_CLIENT_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/sys/loop.h"

struct bn_client;

struct bn_client_conf {
    const char *host; /* name or number; a name is resolved blocking */
    int port;
    const char *client_id;
    uint64_t connect_timeout_ms; /* until ready */
    size_t frame_max_bytes;      /* an answer announced larger ends the connection; 0 = 128 MiB */
    size_t answer_budget_bytes;  /* of what one answer decodes to, records not counted; 0 = 256 MiB */
    uint32_t calls_max;          /* outstanding at a time; 0 = 64 */
    void (*on_ready)(void *arg);
    /* Once, after every outstanding call was told, never after bn_client_free. The reason names the peer. */
    void (*on_closed)(void *arg, const struct bn_err *e);
    void *arg;
};

struct bn_client_answer {
    int status;           /* 0, else there is no response:
                             BN_LOST: it was sent, and the connection ended or the time was up
                             BN_CLOSED: it was never sent
                             BN_BAD: the response is malformed (the connection ends)
                             BN_FULL: it decodes to more than its budget */
    int version;          /* of request and response */
    void *response;       /* struct kmsg_<api>_response, in the call's arena */
    struct bn_buf *frame; /* what the response's slices borrow: keep them by a reference */
    const char *why;      /* "127.0.0.1:9092: Metadata v12: no answer in 500 ms"; "" when status is 0 */
};

enum { BN_CLIENT_NEWEST = -1 };

struct bn_client_call {
    int api_key;
    int version;            /* BN_CLIENT_NEWEST, or one that both sides have */
    void *request;          /* borrowed for bn_client_call; records chains are emptied */
    struct bn_arena *arena; /* where the response goes; NULL = the client's own, valid in the callback only */
    uint64_t timeout_ms;    /* 0 = none. Passing it ends the connection, as with Kafka's clients */
    void (*cb)(void *arg, const struct bn_client_answer *answer);
    void *arg;
};

/* Starts connecting. conf is copied, its strings too. NULL with the reason when the name doesn't resolve. */
struct bn_client *bn_client_connect(struct bn_loop *l, const struct bn_client_conf *conf, struct bn_err *e);
/* Closes; outstanding calls are forgotten without a word. Safe in every callback of this client. NULL is fine. */
void bn_client_free(struct bn_client *c);
const char *bn_client_api_name(int api_key); /* "Metadata"; "?" when none of ours */
bool bn_client_is_ready(const struct bn_client *c);
const char *bn_client_peer(const struct bn_client *c); /* "host:port" as given; lives as long as the client */
/* The newest version of an API that both sides have; -1 if none, or not ready. */
int bn_client_version(const struct bn_client *c, int api_key);
/* Queues a request; it leaves at the end of the turn. The callback runs once, later. BN_AGAIN: not ready yet.
 * BN_CLOSED. BN_NOTFOUND: no such version on both sides. BN_FULL: calls_max are outstanding. */
int bn_client_call(struct bn_client *c, const struct bn_client_call *call) BN_MUST_CHECK;

#endif
