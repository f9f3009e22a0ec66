/* world.c: one run: builds a cluster out of the seed, lets chance choose what happens next, stops the faults, waits
 * until all is healed, checks what must hold then, and takes everything apart. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/sim/clients.h"
#include "tests/sim/observer.h"
#include "tests/sim/replica.h"

enum { TROUBLE_STEPS = 2500, HEAL_MS = 60000, IDLE_MS = 500 };

struct sim_world *sim_here;
void (*sim_on_violation)(const struct sim_world *w, const char *invariant);

/* ---- chance ---- */

uint64_t sim_random(struct sim_world *w) { /* xoroshiro128+ */
    uint64_t a = w->random[0], b = w->random[1], sum = a + b;
    b ^= a;
    w->random[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
    w->random[1] = b << 37 | b >> 27;
    return sum;
}

uint32_t sim_below(struct sim_world *w, uint32_t bound) {
    return (uint32_t)((sim_random(w) >> 32) * bound >> 32);
}

bool sim_chance(struct sim_world *w, uint32_t one_in) { return sim_below(w, one_in) == 0; }

static void random_bytes(void *ptr, size_t len) {
    for (size_t i = 0; i < len; i++) ((uint8_t *)ptr)[i] = (uint8_t)(sim_random(sim_here) >> 24);
}

static uint64_t mono_ms(const struct bn_clock *c) {
    (void)c;
    return sim_here->now_ms;
}

static int64_t wall_ms(const struct bn_clock *c) {
    (void)c;
    return 1700000000000 + (int64_t)sim_here->now_ms;
}

/* ---- telling ---- */

void sim_event(struct sim_world *w, const char *fmt, ...) {
    char *text = w->events[w->event_count++ % SIM_EVENTS_KEPT];
    int at = snprintf(text, SIM_EVENT_LEN, "%6" PRIu64 " %6" PRIu64 " ms  ", w->step, w->now_ms);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text + at, SIM_EVENT_LEN - (size_t)at, fmt, ap);
    va_end(ap);
    if (w->trace) printf("%s\n", text);
}

void sim_print_events(const struct sim_world *w) {
    uint64_t first = w->event_count > SIM_EVENTS_KEPT ? w->event_count - SIM_EVENTS_KEPT : 0;
    for (uint64_t i = first; i < w->event_count && !w->trace; i++) printf("%s\n", w->events[i % SIM_EVENTS_KEPT]);
}

void sim_violated(struct sim_world *w, const char *invariant, const char *fmt, ...) {
    if (sim_on_violation) sim_on_violation(w, invariant);
    va_list ap;
    printf("the last events (step, time, what):\n");
    sim_print_events(w);
    printf("\n%s is violated at step %" PRIu64 ", seed %" PRIu64 ": ", invariant, w->step, w->seed);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\nreplay: tests/sim/sim --seed %" PRIu64 " --trace\n", w->seed);
    fflush(stdout);
    _Exit(2);
}

/* ---- running ---- */

struct sim_proc *sim_enter(struct sim_world *w, struct sim_proc *p) {
    struct sim_proc *before = w->current;
    w->current = p;
    return before;
}

void sim_leave(struct sim_world *w, struct sim_proc *before) { w->current = before; }

static bool run_somebody(struct sim_world *w) {
    struct sim_proc *all[SIM_BROKERS + SIM_CONTROLLERS];
    uint32_t count = 0;
    for (int b = 0; b < w->broker_count; b++)
        if (w->brokers[b]) all[count++] = w->brokers[b];
    for (int c = 0; c < w->controller_count; c++)
        if (w->controllers[c]) all[count++] = w->controllers[c];
    uint32_t first = count ? sim_below(w, count) : 0;
    for (uint32_t i = 0; i < count; i++)
        if (sim_procs_step(all[(first + i) % count])) return true;
    return false;
}

/* Nothing can happen now: on to when something can. */
static void pass_time(struct sim_world *w) {
    uint64_t next = sim_procs_next(w), net = sim_net_next(w);
    if (net < next) next = net;
    uint64_t most = w->now_ms + IDLE_MS;
    w->now_ms = next <= w->now_ms ? w->now_ms + 1 : next < most ? next : most;
}

static void one_step(struct sim_world *w) {
    w->step++;
    sim_procs_upkeep(w);
    if (!run_somebody(w)) pass_time(w);
}

static void trouble(struct sim_world *w) {
    while (w->step < TROUBLE_STEPS) {
        if (sim_chance(w, 15)) sim_clients_produce(w);
        if (sim_chance(w, 60)) sim_clients_admin(w);
        if (sim_chance(w, 150)) sim_clients_lag(w);
        if (sim_chance(w, 70)) sim_faults_step(w);
        one_step(w);
    }
}

static void heal(struct sim_world *w) {
    sim_event(w, "from here on nothing goes wrong any more");
    w->healing = true;
    sim_procs_heal(w);
    uint64_t end_ms = w->now_ms + HEAL_MS;
    const char *sick = "time has not begun", *unregistered = sick;
    uint64_t look_ms = w->now_ms + IDLE_MS;
    while ((sick || unregistered) && w->now_ms < end_ms) {
        one_step(w);
        if (w->now_ms < look_ms) continue;
        look_ms = w->now_ms + IDLE_MS;
        unregistered = sim_invariant_reregister(w);
        sick = unregistered ? unregistered : sim_invariant_heals(w);
    }
    if (unregistered) sim_violated(w, "Reregister", "%s, %d ms after the last fault", unregistered, HEAL_MS);
    if (sick) sim_violated(w, "Heals", "%s, %d ms after the last fault", sick, HEAL_MS);
    sim_invariant_ack_kept_at_end(w);
}

/* ---- building ---- */

static void hand_state(void *arg, enum bn_zk_state state) { (void)arg, (void)state; }

static void build(struct sim_world *w, const struct bn_clock *clock) {
    struct bn_zk_config z = {"sim:1", SIM_SESSION_MS, hand_state, NULL};
    struct bn_err e = BN_ERR_NONE;
    w->env = (struct bn_env){.clock = clock, .random = random_bytes};
    sim_net_open(w);
    w->observer = sim_observer_new();
    w->clients = sim_clients_new();
    w->server = bn_fake_new(NULL, NULL);
    BN_ASSERT(bn_fake_open(w->server, &z, &w->hand, &e) == BN_OK);
    while (bn_fake_step_client(w->hand)) continue;
    w->broker_count = 2 + (int)sim_below(w, SIM_BROKERS - 1);
    w->controller_count = 1 + (int)sim_below(w, SIM_CONTROLLERS);
    w->unclean = sim_chance(w, 5);
    for (int b = 0; b < w->broker_count; b++) w->disks[b] = sim_disk_new();
    for (int c = 0; c < w->controller_count; c++) sim_procs_start(w, false, c);
    for (int b = 0; b < w->broker_count; b++) sim_procs_start(w, true, b);
}

static void closed(void *arg, int status) {
    (void)status;
    *(bool *)arg = true;
}

static void take_apart(struct sim_world *w) {
    bool gone = false;
    sim_procs_end(w);
    w->hand->ops->close(w->hand, closed, &gone);
    while (!gone) bn_fake_step_client(w->hand);
    bn_fake_free(w->server);
    sim_net_close(w);
    for (int b = 0; b < w->broker_count; b++) sim_disk_free(w->disks[b]);
    sim_observer_free(w->observer);
    sim_clients_free(w->clients);
}

void sim_world_run(uint64_t seed, bool trace, struct sim_summary *out) {
    const struct bn_clock clock = {mono_ms, wall_ms};
    struct sim_world *w = bn_alloc_zero(1, sizeof *w);
    w->seed = seed;
    w->trace = trace;
    w->now_ms = 1000;
    w->random[0] = seed * 0x9e3779b97f4a7c15u + 1;
    w->random[1] = seed ^ 0xd1b54a32d192ed03u;
    for (int i = 0; i < 16; i++) sim_random(w);
    sim_here = w;
    build(w, &clock);
    trouble(w);
    heal(w);
    *out = (struct sim_summary){w->step, w->now_ms, sim_random(w)};
    take_apart(w);
    sim_here = NULL;
    bn_alloc_free(w);
}
