/* standby.c: holds one connection to the active controller's RPC port, and its life port armed. Owns both.
 *
 * When the connection ends, the life port is hunted: refused there, after it had answered, means that the process is
 * gone, and one multi takes the reign over (leadership.h). Anything less waits for ZooKeeper's session. The active
 * controller's boot id is what its life port answered first: /controller names the ports, and a port that refuses
 * before it ever answered proves nothing, unless it was opened on our own machine: so controllers that were killed
 * together and restarted need not wait for the session of the last one. */
#include "controller/standby.h"

#include "common/base/alloc.h"
#include "common/base/trace.h"
#include "controller/probe.h"

enum { REDIAL_MS = 1000 };

struct bn_standby {
    struct bn_controller *c;
    bool following;
    int64_t czxid; /* of the registration that is followed */
    int32_t id;
    char host[256];
    int port;
    struct bn_rpc_peer *peer;
    int64_t peer_czxid; /* whom it was dialled for */
    struct bn_probe *probe;
    struct bn_timer redial_timer;
};

static void dead(void *arg, int32_t id, int64_t czxid) {
    struct bn_standby *s = arg;
    if (!s->following || czxid != s->czxid) return;
    BN_INFO("controller", "[Controller id=%d] the process of the active controller %d is gone: taking over",
            s->c->config.id, id);
    bn_leadership_take_over(s->c->leadership, czxid);
}

static void on_up(void *arg, struct bn_rpc_peer *peer) {
    struct bn_standby *s = arg;
    (void)peer;
    if (s->following) bn_probe_reconnected(s->probe, s->id, s->czxid);
}

static void on_down(void *arg, struct bn_rpc_peer *peer, const char *why) {
    struct bn_standby *s = arg;
    (void)why;
    (void)peer;
    bool of_another = s->peer_czxid != s->czxid;
    s->peer = NULL;
    if (!s->following) return;
    if (!of_another) bn_probe_hunt(s->probe, s->id, s->czxid);
    bn_timer_start(&s->redial_timer, of_another ? 0 : REDIAL_MS);
}

static void dial(struct bn_timer *t) {
    struct bn_standby *s = BN_CONTAINER_OF(t, struct bn_standby, redial_timer);
    if (!s->following || s->peer) return;
    struct bn_rpc_options o = {.up = on_up, .down = on_down, .arg = s};
    s->peer_czxid = s->czxid;
    s->peer = bn_rpc_dial(s->c->loop, s->host, s->port, &o);
}

void bn_standby_follow(struct bn_standby *s, const struct bn_leadership_other *other) {
    const struct bn_znode_controller *z = &other->controller;
    const char *machine = s->c->config.machine;
    if (s->following && s->czxid == other->czxid) return;
    bn_standby_stop(s);
    s->id = z->brokerid;
    s->czxid = other->czxid;
    if (!z->host || z->port <= 0) return; /* Kafka's own: the session decides */
    s->following = true;
    snprintf(s->host, sizeof s->host, "%s", z->host);
    s->port = z->port;
    if (z->life_port > 0) {
        struct bn_probe_target t = {.broker = s->id, .incarnation = s->czxid, .host = s->host, .port = z->life_port};
        t.same_machine = machine && machine[0] && z->machine && strcmp(machine, z->machine) == 0;
        bn_probe_arm(s->probe, &t);
    }
    if (!s->peer) bn_timer_start(&s->redial_timer, 0);
}

void bn_standby_stop(struct bn_standby *s) {
    s->following = false;
    bn_timer_stop(&s->redial_timer);
    bn_probe_forget_all(s->probe);
    if (s->peer) bn_rpc_close(s->peer, "followed no more");
}

bool bn_standby_is_idle(const struct bn_standby *s) { return s->peer == NULL; }

struct bn_standby *bn_standby_new(struct bn_controller *c) {
    struct bn_standby *s = bn_alloc_zero(1, sizeof *s);
    s->c = c;
    s->probe = bn_probe_new(c->loop, dead, s);
    bn_timer_init(&s->redial_timer, c->loop, dial);
    return s;
}

void bn_standby_free(struct bn_standby *s) {
    bn_probe_free(s->probe);
    bn_alloc_free(s);
}
