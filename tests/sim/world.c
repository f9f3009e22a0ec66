/* world.c: one run: builds a cluster out of the seed, lets chance choose what happens next, stops the faults, waits
 * until all is healed, and checks what must hold then. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/sim/clients.h"
#include "tests/sim/groups.h"
#include "tests/sim/observer.h"

enum { TROUBLE_STEPS = 12000, HEAL_MS = 90000, IDLE_MS = 500 };

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

uint32_t sim_below(struct sim_world *w, uint32_t bound) { return (uint32_t)((sim_random(w) >> 32) * bound >> 32); }

bool sim_chance(struct sim_world *w, uint32_t one_in) { return sim_below(w, one_in) == 0; }

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

struct sim_where sim_enter(struct sim_world *w, struct sim_proc *p, struct bn_shard *shard) {
    struct sim_where before = {w->current, w->shard};
    w->current = p;
    w->shard = shard;
    return before;
}

void sim_leave(struct sim_world *w, struct sim_where before) {
    w->current = before.proc;
    w->shard = before.shard;
}

static bool run_somebody(struct sim_world *w) {
    struct sim_proc *all[SIM_NODES];
    uint32_t count = 0;
    all[count++] = w->users;
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

void sim_world_midway(struct sim_world *w) {
    struct sim_proc *p = w->current;
    if (w->midway || w->shard || p->doomed || p->state != SIM_RUNNING || !sim_chance(w, 8)) return;
    w->midway = p;
    for (uint32_t n = sim_below(w, 40); n > 0 && !p->doomed && p->state == SIM_RUNNING; n--) one_step(w);
    w->midway = NULL;
}

static void trouble(struct sim_world *w) {
    while (w->step < TROUBLE_STEPS) {
        sim_clients_step(w);
        sim_groups_step(w);
        if (sim_chance(w, 150)) sim_faults_step(w);
        one_step(w);
    }
}

static void wait_for(struct sim_world *w, const char *invariant, const char *(*what)(struct sim_world *w)) {
    uint64_t end_ms = w->now_ms + HEAL_MS, look_ms = w->now_ms;
    const char *sick = "time has not begun";
    while (sick && w->now_ms < end_ms) {
        sim_clients_step(w);
        sim_groups_step(w);
        one_step(w);
        if (w->now_ms < look_ms) continue;
        look_ms = w->now_ms + IDLE_MS / 5;
        sick = what(w);
    }
    if (sick) sim_violated(w, invariant, "%s, %d ms after the last fault", sick, HEAL_MS);
}

static void heal(struct sim_world *w) {
    sim_event(w, "from here on nothing goes wrong any more");
    w->healing = true;
    sim_procs_heal(w);
    wait_for(w, "Reregister", sim_invariant_reregister);
    wait_for(w, "Heals", sim_invariant_heals);
    wait_for(w, "Heals", sim_groups_unsettled);
    wait_for(w, "Heals", sim_clients_read_all);
}

/* ---- building ---- */

static void hand_state(void *arg, enum bn_zk_state state) { (void)arg, (void)state; }

static void build(struct sim_world *w) {
    struct bn_zk_config z = {"sim:1", SIM_SESSION_MS, hand_state, NULL};
    struct bn_err e = BN_ERR_NONE;
    w->clock = (struct bn_clock){mono_ms, wall_ms};
    sim_net_open(w);
    w->observer = sim_observer_new();
    w->server = bn_fake_new(NULL, NULL);
    BN_ASSERT(bn_fake_open(w->server, &z, &w->hand, &e) == BN_OK);
    while (bn_fake_step_client(w->hand)) continue;
    w->broker_count = 2 + (int)sim_below(w, SIM_BROKERS - 1);
    w->controller_count = 1 + (int)sim_below(w, SIM_CONTROLLERS);
    w->unclean = sim_chance(w, 6);
    w->min_insync = 1 + (int)sim_below(w, 2);
    w->flush_messages = sim_chance(w, 3) ? 3 : 1000000;
    w->segment_bytes = sim_chance(w, 2) ? 400 : 1000000;
    w->compacts = w->seed % SIM_GROUPED_OF == SIM_COMPACTED_AT;
    w->cleans = w->compacts || w->seed % SIM_GROUPED_OF == 0;
    if (w->cleans) w->segment_bytes = 300 + 100 * (int)(w->seed & 3);
    w->delete_retention_ms = w->seed & 8 ? 2000 : 5000;
    w->compaction_lag_ms = w->seed & 16 ? 800 : 0;
    w->clients = sim_clients_new(w);
    if (w->seed % SIM_GROUPED_OF == 0) w->groups = sim_groups_new(w);
    for (int b = 0; b < w->broker_count; b++) w->disks[b] = sim_disk_new();
    for (int c = 0; c < w->controller_count; c++) sim_procs_start(w, SIM_CONTROLLER, c);
    for (int b = 0; b < w->broker_count; b++) sim_procs_start(w, SIM_BROKER, b);
}

static uint64_t acks(const struct sim_world *w) {
    uint64_t sum = 0;
    for (int32_t i = 0; i < w->observer->topic_count; i++)
        for (int n = 0; n < SIM_PARTITIONS; n++) sum += (uint64_t)w->observer->topics[i]->partitions[n].ack_count;
    return sum;
}

void sim_world_run(uint64_t seed, bool trace, struct sim_summary *out) {
    struct sim_world *w = bn_alloc_zero(1, sizeof *w);
    w->seed = seed;
    w->trace = trace;
    w->now_ms = 1000;
    w->random[0] = seed * 0x9e3779b97f4a7c15u + 1;
    w->random[1] = seed ^ 0xd1b54a32d192ed03u;
    for (int i = 0; i < 16; i++) sim_random(w);
    sim_here = w;
    build(w);
    trouble(w);
    heal(w);
    *out = (struct sim_summary){w->step, w->now_ms, sim_random(w), acks(w), sim_clients_reads(w)};
}
