/* channel.c: connections of brokers, and the metadata stream on each. Owns the connections.
 *
 *   accepted --Hello--> WAITING --the brain answers 0--> STREAMING --IMAGE--> gets deltas
 *                          |  the brain answers 77: the broker is told, the connection is its to end
 *
 * Invariants: the pieces of an image and the deltas behind it are sent in the order of the brain's outputs, on one
 * connection, so a broker sees no gap; a broker that does not keep up (BN_CHANNEL_QUEUE_MAX bytes are queued) loses its
 * connection and begins anew with a full image; the brain hears of the end of every stream that it was told of, unless
 * its reign ended before. While the state is being read, hellos wait. */
#include "controller/channel.h"

#include "common/base/alloc.h"
#include "common/base/trace.h"
#include "common/sys/sock.h"
#include "controller/calls.h"
#include "controller/pack.h"
#include "controller/probe.h"

enum { CONNECTIONS_MAX = 10000 };

struct connection {
    struct bn_list link;
    struct bn_channel *channel;
    struct bn_rpc_peer *peer;
    uint64_t token; /* 0 = no hello yet */
    int32_t broker;
    int64_t broker_epoch, incarnation;
    enum { SILENT, WAITING, STREAMING, REFUSED } state;
    bool told;   /* the brain knows the token */
    bool imaged; /* gets deltas */
    bool ending;
    Bn__HelloReply_Closure reply;
    void *reply_data;
};

struct bn_channel {
    struct bn_controller *c;
    struct bn_list connections;
    size_t count;
};

static const ProtobufCServiceDescriptor *const remote[] = {&bn__broker_agent__descriptor};

struct bn_channel *bn_channel_new(struct bn_controller *c) {
    struct bn_channel *ch = bn_alloc_zero(1, sizeof *ch);
    ch->c = c;
    bn_list_init(&ch->connections);
    return ch;
}

void bn_channel_free(struct bn_channel *ch) { bn_alloc_free(ch); }
size_t bn_channel_count(const struct bn_channel *ch) { return ch->count; }

static struct connection *find(struct bn_channel *ch, uint64_t token) {
    BN_LIST_FOR (n, &ch->connections) {
        struct connection *k = BN_CONTAINER_OF(n, struct connection, link);
        if (k->token == token) return k;
    }
    return NULL;
}

static void close_connection(struct connection *k, const char *why) {
    k->ending = true;
    bn_rpc_close(k->peer, why);
}

/* ---- hello ---- */

static void answer_hello(struct connection *k, int error, const char *message) {
    Bn__HelloReply_Closure reply = k->reply;
    if (!reply) return;
    Bn__HelloReply m = BN__HELLO_REPLY__INIT;
    m.error = error;
    m.message = (char *)(uintptr_t)(message ? message : "");
    m.controller_epoch = k->channel->c->epoch;
    m.controller_id = k->channel->c->config.id;
    k->reply = NULL;
    reply(&m, k->reply_data);
}

static void tell_hello(struct connection *k) {
    struct bn_event e = {.kind = BN_EVENT_HELLO, .u.hello = {k->token, k->broker, k->broker_epoch, k->incarnation}};
    k->told = true;
    bn_controller_event(k->channel->c, &e);
}

void bn_channel_hello(Bn__Controller_Service *s, const Bn__HelloRequest *in, Bn__HelloReply_Closure closure,
                      void *data) {
    struct bn_rpc_peer *peer = bn_rpc_caller(data);
    struct connection *k = bn_rpc_user(peer);
    struct bn_controller *c = k->channel->c;
    (void)s;
    if (k->state != SILENT || in->broker_id < 0 || c->reign == BN_REIGN_NONE) {
        bool again = k->state != SILENT || in->broker_id < 0;
        struct connection other = {.channel = k->channel, .reply = closure, .reply_data = data};
        answer_hello(&other, again ? BN_KERR_INVALID_REQUEST : BN_KERR_NOT_CONTROLLER,
                     again ? "one hello for each connection" : "not the active controller");
        return;
    }
    k->token = c->next_token++;
    k->broker = in->broker_id;
    k->broker_epoch = in->broker_epoch;
    k->incarnation = in->incarnation;
    k->state = WAITING;
    k->reply = closure;
    k->reply_data = data;
    if (in->boot_id.len == 16 && *in->life_host && in->life_port > 0 && in->life_port <= 65535) {
        struct bn_probe_target t = {
            .broker = in->broker_id, .incarnation = in->incarnation, .host = in->life_host, .port = in->life_port};
        memcpy(t.boot_id.bytes, in->boot_id.data, 16);
        bn_probe_arm(c->probe, &t);
    }
    if (c->reign == BN_REIGN_ACTIVE) tell_hello(k);
}

void bn_channel_reply_hello(struct bn_channel *ch, uint64_t token, int error, const char *message) {
    struct connection *k = find(ch, token);
    if (!k || k->ending || k->state != WAITING) return;
    k->state = error ? REFUSED : STREAMING;
    if (error)
        BN_WARN("controller", "broker %d (incarnation %" PRId64 ") is refused: %d", k->broker, k->incarnation, error);
    else
        BN_INFO("controller", "[Channel manager on controller %d] broker %d is connected from %s", ch->c->config.id,
                k->broker, bn_rpc_name(k->peer));
    if (!error) bn_probe_reconnected(ch->c->probe, k->broker, k->incarnation);
    answer_hello(k, error, message);
}

void bn_channel_reign(struct bn_channel *ch) {
    BN_LIST_FOR (n, &ch->connections) {
        struct connection *k = BN_CONTAINER_OF(n, struct connection, link);
        if (k->state == WAITING && !k->told && !k->ending) tell_hello(k);
    }
}

/* ---- the stream ---- */

static void on_applied(const Bn__Applied *a, void *data) {
    (void)a, (void)data; /* a failed one ends the connection by itself */
}

static void send_piece(void *arg, const Bn__ImageDelta *piece) {
    struct connection *k = arg;
    if (k->ending) return;
    bn__broker_agent__apply(bn_rpc_client(k->peer, remote[0]), piece, on_applied, NULL);
    if (bn_rpc_queued_bytes(k->peer) > BN_CHANNEL_QUEUE_MAX) {
        BN_WARN("controller", "broker %d does not keep up with the metadata: its stream begins anew", k->broker);
        close_connection(k, "does not keep up with the metadata");
    }
}

void bn_channel_image(struct bn_channel *ch, const struct bn_output_delta *d) {
    struct connection *k = find(ch, d->token);
    if (!k || k->state != STREAMING) return;
    k->imaged = true;
    bn_pack_delta(d, send_piece, k);
}

static void send_piece_to_all(void *arg, const Bn__ImageDelta *piece) {
    struct bn_channel *ch = arg;
    BN_LIST_FOR (n, &ch->connections) {
        struct connection *k = BN_CONTAINER_OF(n, struct connection, link);
        if (k->imaged) send_piece(k, piece);
    }
}

void bn_channel_delta(struct bn_channel *ch, const struct bn_output_delta *d) {
    bn_pack_delta(d, send_piece_to_all, ch);
}

bool bn_channel_has(const struct bn_channel *ch, int32_t broker, int64_t incarnation) {
    BN_LIST_FOR (n, &ch->connections) {
        const struct connection *k = BN_CONTAINER_OF(n, struct connection, link);
        if (k->token && k->broker == broker && k->incarnation == incarnation && !k->ending) return true;
    }
    return false;
}

/* ---- connections ---- */

void bn_channel_close(struct bn_channel *ch, uint64_t token, const char *why) {
    struct connection *k = find(ch, token);
    if (!k || k->ending) return;
    answer_hello(k, BN_KERR_STALE_BROKER_EPOCH, why);
    close_connection(k, why);
}

void bn_channel_close_all(struct bn_channel *ch, const char *why) {
    BN_LIST_FOR (n, &ch->connections) {
        struct connection *k = BN_CONTAINER_OF(n, struct connection, link);
        k->told = false; /* there is no brain to tell any more */
        answer_hello(k, BN_KERR_NOT_CONTROLLER, why);
        if (!k->ending) close_connection(k, why);
    }
}

static void on_down(void *arg, struct bn_rpc_peer *peer, const char *why) {
    struct bn_channel *ch = arg;
    struct connection *k = bn_rpc_user(peer);
    bn_list_remove(&k->link);
    ch->count--;
    if (k->state == STREAMING) {
        BN_INFO("controller", "[Channel manager on controller %d] broker %d is no longer connected: %s",
                ch->c->config.id, k->broker, why);
    }
    if (k->reply) answer_hello(k, BN_KERR_NOT_CONTROLLER, why); /* into nothing, but a handler must answer */
    if (k->told) {
        struct bn_event e = {.kind = BN_EVENT_STREAM_DOWN, .u.stream = {k->token}};
        bn_controller_event(ch->c, &e);
    }
    bn_alloc_free(k);
}

void bn_channel_accept(struct bn_channel *ch, int fd) {
    struct connection *k = bn_alloc_zero(1, sizeof *k);
    bn_list_init(&k->link);
    bn_list_push_back(&ch->connections, &k->link);
    k->channel = ch;
    ch->count++;
    struct bn_rpc_options o = {.remote = remote, .remote_count = 1, .down = on_down, .arg = ch};
    o.services = bn_calls_services(ch->c->calls, &o.service_count);
    k->peer = bn_rpc_accept(ch->c->loop, fd, &o);
    bn_rpc_set_user(k->peer, k);
    if (ch->count > CONNECTIONS_MAX) close_connection(k, "too many connections");
}
