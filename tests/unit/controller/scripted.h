/* scripted.h: a broker made of a bare RPC connection, for saying what no honest agent would. */
#ifndef SCRIPTED_H
#define SCRIPTED_H

#include "proto/rpc/rpc.h"
#include "tests/unit/controller/world_topic.h"

struct scripted {
    struct bn_rpc_peer *peer;
    bool up, down;
    int deltas, hello, replies, last_error;
    Bn__Applied_Closure held; /* the first delta's, when hold */
    bool hold;
};

static struct scripted *scripted_of; /* the one whose Apply is called; one at a time */

static void scripted_apply(Bn__BrokerAgent_Service *s, const Bn__ImageDelta *in, Bn__Applied_Closure closure,
                           void *data) {
    Bn__Applied m = BN__APPLIED__INIT;
    (void)s, (void)in;
    scripted_of->deltas++;
    closure(&m, data);
}
static void scripted_up(void *arg, struct bn_rpc_peer *p) {
    (void)p;
    ((struct scripted *)arg)->up = true;
}
static void scripted_down(void *arg, struct bn_rpc_peer *p, const char *why) {
    (void)p, (void)why;
    ((struct scripted *)arg)->down = true;
    ((struct scripted *)arg)->peer = NULL;
}

static inline void scripted_dial(struct world *w, int controller, struct scripted *s) {
    static Bn__BrokerAgent_Service service = {.base = BN__BROKER_AGENT__BASE_INIT, .apply = scripted_apply};
    static ProtobufCService *const services[] = {&service.base};
    static const ProtobufCServiceDescriptor *const remote[] = {&bn__controller__descriptor};
    *s = (struct scripted){.hello = -1, .last_error = -1};
    struct bn_rpc_options o = {services, 1, remote, 1, 0, scripted_up, scripted_down, s};
    s->peer = bn_rpc_dial(w->shard->loop, "127.0.0.1", bn_controller_port(w->controllers[controller].controller), &o);
    scripted_of = s;
    WORLD_UNTIL(w, s->up);
}
static inline ProtobufCService *scripted_client(struct scripted *s) {
    return bn_rpc_client(s->peer, &bn__controller__descriptor);
}

static void scripted_helloed(const Bn__HelloReply *m, void *arg) {
    ((struct scripted *)arg)->hello = m ? m->error : -2;
}

static inline void scripted_hello(struct scripted *s, int32_t id, int64_t epoch, int64_t incarnation) {
    Bn__HelloRequest m = BN__HELLO_REQUEST__INIT;
    m.broker_id = id;
    m.broker_epoch = epoch;
    m.incarnation = incarnation;
    bn__controller__hello(scripted_client(s), &m, scripted_helloed, s);
}
static inline void scripted_close(struct world *w, struct scripted *s) {
    if (s->peer) bn_rpc_close(s->peer, "test ends");
    WORLD_UNTIL(w, s->down);
}

#endif
