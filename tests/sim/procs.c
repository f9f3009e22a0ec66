/* procs.c: the lives of processes: start, crash, pause, and what ZooKeeper does about their sessions. Owns the
 * product's objects of each life.
 *
 * A process that crashes runs no more; its objects are kept as they are until ZooKeeper has given its session up, and
 * are then taken apart where nobody hears of it: that is only memory, no act of the process. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/sim/observer.h"
#include "tests/sim/replica.h"

/* ---- a broker's composition ---- */

static void ready(void *arg, int32_t broker_id, const char *cluster_id) {
    struct sim_proc *p = arg;
    static const char *const dirs[] = {"dir"};
    struct bn_image_endpoint endpoint = {(char *)"PLAINTEXT", (char *)"PLAINTEXT", (char *)"127.0.0.1",
                                         9000 + broker_id};
    struct bn_agent_registration r = {.endpoints = &endpoint,
                                      .endpoint_count = 1,
                                      .jmx_port = -1,
                                      .log_dir_ids = dirs,
                                      .log_dir_count = 1,
                                      .version = "sim"};
    (void)cluster_id;
    bn_agent_register(p->agent, &r);
}

static void registered(void *arg, int64_t broker_epoch, int64_t incarnation) {
    struct sim_proc *p = arg;
    sim_event(sim_here, "broker %d knows that it is incarnation %d, epoch %d", p->id, (int)incarnation,
              (int)broker_epoch);
}

static void on_image(void *arg, struct bn_image *old, struct bn_image *now, const Bn__ImageDelta *delta,
                     struct bn_agent_step *step) {
    struct sim_proc *p = arg;
    (void)old;
    sim_event(sim_here, "broker %d applies %s (%d, %d)", p->id, delta->reset ? "image" : "delta", now->controller_epoch,
              (int)now->sequence);
    sim_invariant_stream_exact(sim_here, p->id, now);
    sim_replicas_image(p->replicas, now, delta);
    bn_agent_applied(step);
}

static void fatal(void *arg, const char *why) {
    struct sim_proc *p = arg;
    sim_violated(sim_here, "Reregister", "broker %d gives up: %s", p->id, why);
}

static void start_broker(struct sim_world *w, struct sim_proc *p) {
    static const struct bn_agent_pair defaults[] = {{"num.partitions", "1"}, {"default.replication.factor", "1"}};
    struct bn_agent_config c = {.env = &w->env,
                                .shard = p->shard,
                                .zk_connect = "sim:1",
                                .zk_session_timeout_ms = SIM_SESSION_MS,
                                .zk = sim_zk_client(p->zk),
                                .broker_id = p->id,
                                .reserved_max = 1000,
                                .defaults = defaults,
                                .default_count = 2,
                                .ready = ready,
                                .registered = registered,
                                .image = on_image,
                                .fatal = fatal,
                                .arg = p};
    struct bn_err e = BN_ERR_NONE;
    p->replicas = sim_replicas_new(w, p, w->disks[p->index]);
    BN_ASSERT(bn_agent_start(&c, &p->agent, &e) == BN_OK);
}

static void start_controller(struct sim_world *w, struct sim_proc *p) {
    struct bn_controller_config c = {.env = &w->env,
                                     .shard = p->shard,
                                     .zk_connect = "sim:1",
                                     .zk_session_timeout_ms = SIM_SESSION_MS,
                                     .zk = sim_zk_client(p->zk),
                                     .id = p->id,
                                     .host = "127.0.0.1",
                                     .unclean_election = w->unclean,
                                     .delete_topic_enable = true};
    struct bn_err e = BN_ERR_NONE;
    BN_ASSERT(bn_controller_start(&c, &p->controller, &e) == BN_OK);
}

void sim_procs_start(struct sim_world *w, bool broker, int index) {
    BN_ASSERT(w->proc_count < SIM_PROCS_MAX);
    struct sim_proc *p = &w->procs[w->proc_count++];
    *p = (struct sim_proc){.is_broker = broker, .index = index, .id = broker ? index + 1 : 101 + index};
    sim_event(w, "%s %d starts", broker ? "broker" : "controller", p->id);
    p->shard = bn_shard_new(0);
    struct sim_proc *before = sim_enter(w, p);
    p->zk = sim_zk_open(p);
    if (broker)
        start_broker(w, p);
    else
        start_controller(w, p);
    sim_leave(w, before);
    *(broker ? &w->brokers[index] : &w->controllers[index]) = p;
}

/* ---- running ---- */

bool sim_procs_step(struct sim_proc *p) {
    struct sim_world *w = sim_here;
    if (p->state != SIM_RUNNING) return false;
    struct sim_proc *before = sim_enter(w, p);
    bool did = false;
    uint32_t first = sim_below(w, 4);
    for (uint32_t i = 0; i < 4 && !did; i++) {
        switch ((first + i) % 4) {
        case 0:
            did = sim_zk_step(p);
            break;
        case 1:
            did = sim_net_step(p);
            break;
        case 2:
            did = sim_doors_timer(p->shard->loop);
            break;
        default:
            did = sim_doors_tasks(p->shard->loop);
            break;
        }
    }
    sim_leave(w, before);
    return did;
}

/* ---- the end of a life ---- */

static void broker_stopped(void *arg) { ((struct sim_proc *)arg)->stopped = true; }

static void controller_stopped(void *arg, struct bn_life *life) {
    struct sim_proc *p = arg;
    BN_ASSERT(life == p->life);
    p->stopped = true;
}

static void bury(struct sim_world *w, struct sim_proc *p) {
    struct sim_proc *before = sim_enter(w, p);
    if (p->is_broker)
        bn_agent_stop(p->agent, broker_stopped, p);
    else
        bn_controller_stop(p->controller, controller_stopped, p);
    bn_fake_reconnect(sim_zk_real(p->zk)); /* a resignation waits for an answer: the session's end */
    for (int turns = 0; !p->stopped || !sim_zk_closed(p->zk); turns++) {
        BN_ASSERT(turns < 10000);
        /* The client first: its watches and answers may point at anything until it is closed. */
        if (!sim_zk_closed(p->zk) && bn_fake_step_client(sim_zk_real(p->zk))) continue;
        bool did = sim_doors_tasks(p->shard->loop);
        did = sim_doors_timer(p->shard->loop) || did;
        if (!did) w->now_ms++;
    }
    sim_doors_tasks(p->shard->loop);
    p->state = SIM_ENDED;
    if (p->life) bn_life_close(p->life);
    p->life = NULL;
    if (p->replicas) sim_replicas_free(p->replicas);
    sim_zk_free(p->zk);
    p->zk = NULL;
    sim_leave(w, before);
    bn_shard_free(p->shard);
}

static void session_ends(struct sim_world *w, struct sim_proc *p) {
    sim_event(w, "the session of %s %d expires", p->is_broker ? "broker" : "controller", p->id);
    bn_fake_expire(sim_zk_real(p->zk));
    sim_observer_look(w, NULL);
}

void sim_procs_crash(struct sim_world *w, struct sim_proc *p, bool power) {
    sim_event(w, "%s %d %s", p->is_broker ? "broker" : "controller", p->id, power ? "loses power" : "is killed");
    struct sim_proc **slot = p->is_broker ? &w->brokers[p->index] : &w->controllers[p->index];
    p->state = SIM_DEAD;
    if (!p->expire_ms) p->expire_ms = w->now_ms + SIM_SESSION_MS - sim_below(w, SIM_SESSION_MS / 3);
    sim_net_crash(p);
    if (p->is_broker) sim_disk_crash(w, w->disks[p->index], power);
    *slot = NULL;
    uint32_t quick = sim_chance(w, 2) ? 50 : 12000;
    w->restart_ms[p->is_broker ? p->index : SIM_BROKERS + p->index] = w->now_ms + 1 + sim_below(w, quick);
}

void sim_procs_pause(struct sim_world *w, struct sim_proc *p, uint64_t for_ms) {
    sim_event(w, "%s %d is stopped for %d ms", p->is_broker ? "broker" : "controller", p->id, (int)for_ms);
    p->state = SIM_PAUSED;
    p->wake_ms = w->now_ms + for_ms;
    if (!p->expire_ms) p->expire_ms = w->now_ms + SIM_SESSION_MS - sim_below(w, SIM_SESSION_MS / 3);
}

void sim_procs_cut_zk(struct sim_world *w, struct sim_proc *p, uint64_t for_ms) {
    if (p->linked_ms) return;
    bool apply = sim_chance(w, 2);
    sim_event(w, "%s %d is cut off ZooKeeper for %d ms%s", p->is_broker ? "broker" : "controller", p->id, (int)for_ms,
              apply ? "; what it asked for is done" : "");
    p->linked_ms = w->now_ms + for_ms;
    if (!p->expire_ms) p->expire_ms = w->now_ms + SIM_SESSION_MS - sim_below(w, SIM_SESSION_MS / 3);
    struct sim_proc *before = sim_enter(w, p);
    bn_fake_disconnect(sim_zk_real(p->zk), apply);
    sim_observer_look(w, p);
    sim_leave(w, before);
}

void sim_procs_expire(struct sim_world *w, struct sim_proc *p) { session_ends(w, p); }

static void upkeep_one(struct sim_world *w, struct sim_proc *p) {
    if (p->expire_ms && p->expire_ms <= w->now_ms) {
        p->expire_ms = 0;
        session_ends(w, p);
        if (p->state == SIM_DEAD) {
            bury(w, p);
            return;
        }
    }
    if (p->state == SIM_PAUSED && p->wake_ms <= w->now_ms) {
        sim_event(w, "%s %d goes on", p->is_broker ? "broker" : "controller", p->id);
        p->state = SIM_RUNNING;
        if (!p->linked_ms) p->expire_ms = 0;
    }
    if (p->state != SIM_DEAD && p->linked_ms && p->linked_ms <= w->now_ms) {
        p->linked_ms = 0;
        if (p->state == SIM_RUNNING) p->expire_ms = 0;
        bn_fake_reconnect(sim_zk_real(p->zk));
    }
}

void sim_procs_upkeep(struct sim_world *w) {
    for (int i = 0; i < w->proc_count; i++)
        if (w->procs[i].state != SIM_ENDED) upkeep_one(w, &w->procs[i]);
    for (int b = 0; b < w->broker_count; b++)
        if (!w->brokers[b] && w->restart_ms[b] <= w->now_ms) sim_procs_start(w, true, b);
    for (int c = 0; c < w->controller_count; c++)
        if (!w->controllers[c] && w->restart_ms[SIM_BROKERS + c] <= w->now_ms) sim_procs_start(w, false, c);
}

static uint64_t sooner(uint64_t a, uint64_t b) { return b && b < a ? b : a; }

uint64_t sim_procs_next(const struct sim_world *w) {
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < w->proc_count; i++) {
        const struct sim_proc *p = &w->procs[i];
        if (p->state == SIM_ENDED) continue;
        next = sooner(next, p->expire_ms);
        if (p->state == SIM_PAUSED) next = sooner(next, p->wake_ms);
        if (p->state != SIM_DEAD) next = sooner(next, p->linked_ms);
        if (p->state == SIM_RUNNING) next = sooner(next, sim_doors_next(p->shard->loop));
    }
    for (int b = 0; b < w->broker_count; b++)
        if (!w->brokers[b]) next = sooner(next, w->restart_ms[b]);
    for (int c = 0; c < w->controller_count; c++)
        if (!w->controllers[c]) next = sooner(next, w->restart_ms[SIM_BROKERS + c]);
    return next;
}

void sim_procs_heal(struct sim_world *w) {
    for (int i = 0; i < SIM_BROKERS + SIM_CONTROLLERS; i++) w->restart_ms[i] = w->now_ms;
    for (int i = 0; i < w->proc_count; i++) {
        struct sim_proc *p = &w->procs[i];
        if (p->state == SIM_ENDED) continue;
        p->held_ms = 0;
        sim_net_lie(p, false);
        if (p->state == SIM_PAUSED) p->wake_ms = w->now_ms;
        if (p->linked_ms) p->linked_ms = w->now_ms;
    }
    sim_procs_upkeep(w);
}

void sim_procs_end(struct sim_world *w) {
    for (int i = 0; i < w->proc_count; i++) {
        struct sim_proc *p = &w->procs[i];
        if (p->state == SIM_ENDED) continue;
        sim_net_crash(p);
        p->state = SIM_DEAD;
    }
    for (int i = 0; i < w->proc_count; i++) {
        struct sim_proc *p = &w->procs[i];
        if (p->state != SIM_DEAD) continue;
        bn_fake_expire(sim_zk_real(p->zk));
        bury(w, p);
    }
}
