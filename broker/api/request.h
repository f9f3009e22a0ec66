/* request.h: one request on its way through the broker, and what a handler may use.
 *
 * api.c frames -> finds the row of api.def -> gates the version -> decodes into the request's arena -> calls the
 * row's handler on the connection's shard. The handler answers, now or later, exactly once, on that same shard.
 * Replies leave the connection in the order of the requests; the next request is read as soon as this handler has
 * returned. */
#ifndef BN_REQUEST_H
#define BN_REQUEST_H

#include "broker/group/coordinator.h"
#include "broker/image/image.h"
#include "broker/replica/roster.h"
#include "common/base/arena.h"
#include "common/sys/shard.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/header.h"
#include "proto/kafka/kmsg.h"

struct bn_conn;
struct bn_session_cache;

/* What every handler sees of the broker; composed by broker/broker.c; constant after start. */
struct bn_api_deps {
    const struct bn_env *env;
    struct bn_shard *const *shards;
    struct bn_coordinator *const *coordinators; /* likewise; NULL once it stops */
    struct bn_roster *const *rosters;         /* parallel to shards; a roster is touched on its shard only */
    struct bn_session_cache *const *sessions; /* fetch sessions, parallel to shards; NULL: none are given out */
    int shard_count;
    int32_t broker_id;
    bool auto_create_topics;    /* auto.create.topics.enable */
    const struct bn_conf *conf; /* as the file has it */
    /* As it is in force on the calling shard (borrowed until the turn ends). NULL = always conf. */
    const struct bn_conf *(*conf_now)(void *arg, struct bn_shard *shard);
    struct bn_logdirs *logdirs; /* paths and states only */
    /* The image as the calling shard knows it (borrowed until the turn ends). */
    struct bn_image *(*image)(void *arg, struct bn_shard *shard);
    /* Sends an admin request to the active controller; reply(reply_arg, error, body) comes on the calling shard:
     * error is a Kafka code (REQUEST_TIMED_OUT when no controller answered in timeout_ms), body borrowed for the
     * call. */
    void (*forward)(void *arg, struct bn_shard *shard, int api_key, int version, struct bn_slice body,
                    struct bn_slice client_id, bool auto_create, uint32_t timeout_ms,
                    void (*reply)(void *reply_arg, int16_t error, struct bn_slice body), void *reply_arg);
    /* A new producer id on the calling shard: error is 0 or 14 COORDINATOR_LOAD_IN_PROGRESS. */
    void (*producer_id)(void *arg, struct bn_shard *shard, void (*reply)(void *reply_arg, int16_t error, int64_t id),
                        void *reply_arg);
    void *arg;
};

struct bn_api_row;

struct bn_request {
    const struct bn_api_deps *deps;
    const struct bn_api_row *row;
    struct bn_shard *shard; /* the connection's */
    struct bn_conn *conn;   /* NULL once the connection is gone: answering is then a no-op */
    const char *listener;   /* name of the listener the client came in by */
    char client_host[64];   /* the peer's address, without port */
    struct bn_header header;
    struct bn_buf *frame;  /* holds what slices of message borrow */
    struct bn_slice body;  /* the undecoded message, in frame: what is forwarded */
    void *message;         /* struct kmsg_<name>_request of header.api_version */
    struct bn_arena arena; /* for message and for the handler's own state; dies with the request */
    uint64_t deadline_ms;  /* the handler's to use */
    /* A handler that waits may set it: called on the request's shard, once, when the connection has ended (conn is NULL
     * then). The request still has to be ended. */
    void (*abandoned)(void *arg);
    void *abandoned_arg;
};

/* Answers with a response struct of header.api_version; encodes it now (records chains are emptied), frees the
 * request. */
void bn_request_reply(struct bn_request *r, void *response);
/* Answers with a body that is encoded already (a forwarded request's). */
void bn_request_reply_body(struct bn_request *r, struct bn_slice body);
/* Ends a request that has no answer (Produce acks=0). */
void bn_request_done(struct bn_request *r);
/* Closes the connection (acks=0 with an error; a peer's fault) with one trace line, and ends the request. */
void bn_request_close(struct bn_request *r, const char *why);

typedef void (*bn_request_handler)(struct bn_request *r);

/* One handler per row, in the file of its name. */
#define X(NAME, name, min, max, factor) void bn_api_##name(struct bn_request *r);
#include "broker/api/api.def"
#undef X

#endif
