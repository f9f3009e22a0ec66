/* armory.c: watches /brokers/ids with every incarnation while standing by, and arms the life ports in the controller's
 * probe. Owns the reading.
 *
 * Why: refused proves something only at a port that has answered before (safety: a REJECT rule or a moved address
 * refuses while the broker lives). A successor that begins to dial when it is elected cannot tell; one that has had
 * every port armed all along can fence a broker that died with the controller as soon as its state is loaded. A broker
 * that it could not arm in time is waited for by its session, unless it ran on our own machine (probe.h).
 *
 * Watches cannot be taken back: they point at the controller, which outlives them. */
#include "controller/armory.h"

#include "common/base/alloc.h"
#include "controller/load.h"
#include "controller/probe.h"

struct bn_armory {
    struct bn_controller *c;
    bool on, dirty, failed;
    struct bn_load *load; /* under way */
};

static void look(struct bn_armory *a);

static bool is_listed(const struct bn_load *l, int32_t broker, int64_t incarnation) {
    for (int32_t i = 0; i < l->count; i++)
        if (l->brokers[i].id == broker && l->brokers[i].incarnation == incarnation) return true;
    return false;
}

static bool keep(void *arg, int32_t broker, int64_t incarnation) { return is_listed(arg, broker, incarnation); }

static void came(void *arg, struct bn_load *l) {
    struct bn_armory *a = arg;
    a->load = NULL;
    a->failed = l->status != BN_OK;
    if (!a->failed) bn_probe_forget_unless(a->c->probe, keep, l);
    for (int32_t i = 0; !a->failed && i < l->count; i++) {
        struct bn_probe_target t;
        if (bn_load_life_target(&l->brokers[i], &l->lives[i], a->c->config.machine, &t)) bn_probe_arm(a->c->probe, &t);
    }
    bn_load_free(l);
    if (a->dirty) look(a);
}

static void fired(void *controller, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_controller *c = controller;
    (void)kind, (void)path;
    if (c->armory->on) look(c->armory);
}

static void look(struct bn_armory *a) {
    a->dirty = a->load != NULL;
    if (!a->load) a->load = bn_load_brokers(a->c->zk, fired, a->c, came, a);
}

void bn_armory_start(struct bn_armory *a) {
    a->on = true;
    look(a);
}

void bn_armory_stop(struct bn_armory *a) {
    bn_load_free(a->load);
    a->load = NULL;
    a->on = a->dirty = a->failed = false;
}

void bn_armory_poke(struct bn_armory *a) {
    if (a->on && a->failed && !a->load) look(a);
}

struct bn_armory *bn_armory_new(struct bn_controller *c) {
    struct bn_armory *a = bn_alloc_zero(1, sizeof *a);
    a->c = c;
    return a;
}

void bn_armory_free(struct bn_armory *a) { bn_alloc_free(a); }
