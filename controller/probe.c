/* probe.c: dials life ports. Owns the targets, by broker, and the dials under way.
 *
 *   bn_probe_arm --dials--> UNARMED --the right boot id--> ARMED --bn_probe_hunt--> HUNTED --refused--> gone
 *                              |  anything else                        |  another boot id: no proof, UNARMED
 *                              v                                       |  reconnected: ARMED
 *                           stays UNARMED: the session decides  <------+
 *
 * A port that could not be armed is dialled again, ever more slowly: who is armed late is armed in time for most
 * deaths. Our own machine's ports need not be armed: nothing but the absence of the process refuses there.
 *
 * Dials of one hunt overlap: one may hang in a full backlog while the next is refused. A timeout, a reset or an
 * unreachable host prove nothing. */
#include "controller/probe.h"

#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/list.h"
#include "common/base/trace.h"
#include "common/sys/sock.h"

enum { DIALS_MAX = 16, STEADY_MS = 100, DIAL_TIMEOUT_MS = 3000, REARM_MIN_MS = 50, REARM_MAX_MS = 10000 };

static const uint64_t redial_ms[] = {0, 1, 2, 5, 10, 20, 40, 80}; /* since the hunt's begin */

struct target {
    struct bn_list link;
    struct bn_probe *probe;
    struct bn_probe_target t;
    char host[256];
    bool armed, hunted, hunt_when_armed;
    struct bn_list dials;
    int dial_count;
    uint64_t hunt_began_ms;
    size_t redials;
    uint64_t rearm_ms; /* until an unarmed port is dialled again */
    struct bn_timer timer;
    bool refused;
    struct bn_task gone_task;
};

struct dial {
    struct bn_list link;
    struct target *target;
    struct bn_io *io;
    int fd;
    bool connected;
    uint8_t got[16];
    size_t got_len;
    struct bn_timer timeout;
};

struct bn_probe {
    struct bn_loop *loop;
    void (*gone)(void *arg, int32_t broker, int64_t incarnation);
    void *arg;
    struct bn_list targets;
};

static struct target *find(const struct bn_probe *p, int32_t broker) {
    for (struct bn_list *n = p->targets.next; n != &p->targets; n = n->next) {
        struct target *t = BN_CONTAINER_OF(n, struct target, link);
        if (t->t.broker == broker) return t;
    }
    return NULL;
}

static struct target *find_life(const struct bn_probe *p, int32_t broker, int64_t incarnation) {
    struct target *t = find(p, broker);
    return t && t->t.incarnation == incarnation ? t : NULL;
}

/* ---- dials ---- */

static void dial_free(struct dial *d) {
    bn_list_remove(&d->link);
    d->target->dial_count--;
    bn_timer_stop(&d->timeout);
    if (d->io) bn_io_free(d->io);
    if (d->fd >= 0) close(d->fd);
    bn_alloc_free(d);
}

static void end_dials(struct target *t) {
    BN_LIST_FOR (n, &t->dials) dial_free(BN_CONTAINER_OF(n, struct dial, link));
}

static void dial(struct target *t);

static void hunt(struct target *t) {
    if (t->hunted || t->refused) return;
    t->hunted = true;
    t->hunt_began_ms = bn_loop_now_ms(t->probe->loop);
    t->redials = 1;
    bn_timer_start(&t->timer, redial_ms[1]);
    dial(t);
}

static void was_refused(struct target *t) {
    if (!t->hunted && !t->t.same_machine) return; /* it was never armed */
    if (t->refused) return;
    t->hunted = false;
    t->refused = true;
    bn_timer_stop(&t->timer);
    bn_loop_defer(t->probe->loop, &t->gone_task);
}

static void answered(struct target *t, const uint8_t boot_id[16]) {
    if (bn_uuid_is_zero(&t->t.boot_id)) memcpy(t->t.boot_id.bytes, boot_id, 16);
    bool right = memcmp(t->t.boot_id.bytes, boot_id, 16) == 0;
    if (!right && t->armed)
        BN_WARN("controller", "the life port of %d is another process's now: its session decides", t->t.broker);
    t->armed = right;
    if (!right) {
        t->hunted = false;
        bn_timer_stop(&t->timer);
    } else if (t->hunt_when_armed) {
        t->hunt_when_armed = false;
        hunt(t);
    }
}

static void arm_later(struct target *t) {
    if (t->armed || t->hunted || t->refused || bn_timer_running(&t->timer)) return;
    bn_timer_start(&t->timer, t->rearm_ms);
    t->rearm_ms = t->rearm_ms * 2 < REARM_MAX_MS ? t->rearm_ms * 2 : REARM_MAX_MS;
}

static void on_dial(void *arg, int events) {
    struct dial *d = arg;
    struct target *t = d->target;
    (void)events;
    if (!d->connected) {
        struct bn_err e = BN_ERR_NONE;
        int rc = bn_sock_connected(d->fd, &e);
        if (rc != BN_OK) {
            dial_free(d);
            if (rc == BN_NOTFOUND) was_refused(t);
            arm_later(t);
            return;
        }
        d->connected = true;
        bn_io_set(d->io, BN_IO_READ);
        return;
    }
    ssize_t n = bn_sock_recv(d->fd, d->got + d->got_len, sizeof d->got - d->got_len);
    if (n == BN_AGAIN) return;
    if (n > 0) d->got_len += (size_t)n;
    if (n > 0 && d->got_len < sizeof d->got) return;
    uint8_t boot_id[16];
    bool whole = d->got_len == sizeof boot_id;
    memcpy(boot_id, d->got, sizeof boot_id);
    dial_free(d);
    if (whole)
        answered(t, boot_id);
    else
        arm_later(t);
}

static void timed_out(struct bn_timer *timer) {
    struct dial *d = BN_CONTAINER_OF(timer, struct dial, timeout);
    struct target *t = d->target;
    dial_free(d);
    arm_later(t);
}

static void dial(struct target *t) {
    if (t->dial_count >= DIALS_MAX) return;
    struct bn_err e = BN_ERR_NONE;
    int fd = bn_sock_connect(t->host, t->t.port, &e);
    if (fd == BN_NOTFOUND) was_refused(t);
    if (fd < 0) arm_later(t);
    if (fd < 0) return;
    struct dial *d = bn_alloc_zero(1, sizeof *d);
    d->target = t;
    d->fd = fd;
    bn_list_init(&d->link);
    bn_list_push_back(&t->dials, &d->link);
    t->dial_count++;
    bn_timer_init(&d->timeout, t->probe->loop, timed_out);
    bn_timer_start(&d->timeout, DIAL_TIMEOUT_MS);
    d->io = bn_io_new(t->probe->loop, fd, on_dial, d);
    bn_io_set(d->io, BN_IO_WRITE);
}

static void redial(struct bn_timer *timer) {
    struct target *t = BN_CONTAINER_OF(timer, struct target, timer);
    if (!t->hunted) {
        if (!t->armed) dial(t);
        return;
    }
    t->redials++;
    uint64_t since = bn_loop_now_ms(t->probe->loop) - t->hunt_began_ms;
    uint64_t next = t->redials < BN_ARRAY_LEN(redial_ms) ? redial_ms[t->redials] : since + STEADY_MS;
    bn_timer_start(timer, next > since ? next - since : 1);
    dial(t);
}

/* ---- targets ---- */

static void target_free(struct target *t) {
    end_dials(t);
    bn_timer_stop(&t->timer);
    bn_task_cancel(&t->gone_task);
    bn_list_remove(&t->link);
    bn_alloc_free(t);
}

static void gone(struct bn_task *task) {
    struct target *t = BN_CONTAINER_OF(task, struct target, gone_task);
    struct bn_probe *p = t->probe;
    int32_t broker = t->t.broker;
    int64_t incarnation = t->t.incarnation;
    target_free(t);
    p->gone(p->arg, broker, incarnation);
}

static struct target *target_new(struct bn_probe *p, const struct bn_probe_target *from) {
    struct target *old = find(p, from->broker);
    if (old) target_free(old);
    struct target *t = bn_alloc_zero(1, sizeof *t);
    t->probe = p;
    t->t = *from;
    t->rearm_ms = REARM_MIN_MS;
    snprintf(t->host, sizeof t->host, "%s", from->host);
    t->t.host = t->host;
    bn_list_init(&t->link);
    bn_list_init(&t->dials);
    bn_list_push_back(&p->targets, &t->link);
    bn_timer_init(&t->timer, p->loop, redial);
    bn_task_init(&t->gone_task, gone);
    return t;
}

void bn_probe_arm(struct bn_probe *p, const struct bn_probe_target *from) {
    struct target *t = find(p, from->broker);
    bool same = t && t->t.incarnation == from->incarnation && memcmp(t->t.boot_id.bytes, from->boot_id.bytes, 16) == 0;
    if (same && (t->armed || t->dial_count > 0) && !t->refused) return;
    dial(target_new(p, from));
}

void bn_probe_hunt(struct bn_probe *p, int32_t broker, int64_t incarnation) {
    struct target *t = find_life(p, broker, incarnation);
    if (!t) return;
    if (t->armed || t->t.same_machine)
        hunt(t);
    else
        t->hunt_when_armed = true;
}

void bn_probe_forget_unless(struct bn_probe *p, bool (*keep)(void *arg, int32_t broker, int64_t incarnation),
                            void *arg) {
    BN_LIST_FOR (n, &p->targets) {
        struct target *t = BN_CONTAINER_OF(n, struct target, link);
        if (!keep(arg, t->t.broker, t->t.incarnation)) target_free(t);
    }
}

void bn_probe_reconnected(struct bn_probe *p, int32_t broker, int64_t incarnation) {
    struct target *t = find_life(p, broker, incarnation);
    if (!t) return;
    t->hunted = t->hunt_when_armed = t->refused = false;
    bn_timer_stop(&t->timer);
    bn_task_cancel(&t->gone_task);
}

void bn_probe_forget(struct bn_probe *p, int32_t broker, int64_t incarnation) {
    struct target *t = find_life(p, broker, incarnation);
    if (t) target_free(t);
}

void bn_probe_forget_all(struct bn_probe *p) {
    BN_LIST_FOR (n, &p->targets) target_free(BN_CONTAINER_OF(n, struct target, link));
}

bool bn_probe_is_armed(const struct bn_probe *p, int32_t broker, int64_t incarnation) {
    struct target *t = find_life(p, broker, incarnation);
    return t && t->armed;
}

struct bn_probe *bn_probe_new(struct bn_loop *loop, void (*gone_cb)(void *arg, int32_t broker, int64_t incarnation),
                              void *arg) {
    struct bn_probe *p = bn_alloc_zero(1, sizeof *p);
    *p = (struct bn_probe){.loop = loop, .gone = gone_cb, .arg = arg};
    bn_list_init(&p->targets);
    return p;
}

void bn_probe_free(struct bn_probe *p) {
    if (!p) return;
    bn_probe_forget_all(p);
    bn_alloc_free(p);
}
