/* procs.c: the lives of processes: start, stop, crash, pause, and what ZooKeeper does about their sessions. Owns the
 * product's objects of each life: a broker is bn_broker as broker/main.c runs it, a controller bn_controller.
 *
 * A process that crashes runs no more; what it leaves in memory stays there unseen until the simulation itself ends,
 * as nothing of it would be left on a real machine. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/sim/logs.h"
#include "tests/sim/observer.h"

/* ---- starting ---- */

/* It cleans all the time, with a table that has room for all keys, or for very few. */
static char *cleaner_conf(const struct sim_world *w) {
    if (!w->cleans) return bn_alloc_strdup("log.cleaner.enable=false\n");
    return bn_alloc_printf("log.cleaner.backoff.ms=250\nlog.cleaner.min.cleanable.ratio=0.05\n"
                           "log.cleaner.delete.retention.ms=%d\nlog.cleaner.min.compaction.lag.ms=%d\n"
                           "log.cleaner.io.buffer.size=131072\nlog.cleaner.io.buffer.load.factor=%s\n"
                           "log.roll.ms=%d\nlog.retention.check.interval.ms=1000\n",
                           (int)w->delete_retention_ms, (int)w->compaction_lag_ms, w->seed & 32 ? "0.05" : "0.9",
                           w->seed & 64 ? 2500 : 600000);
}

static void configure(struct sim_world *w, struct sim_proc *p) {
    struct bn_conf_report report;
    struct bn_err e = BN_ERR_NONE;
    bn_conf_report_init(&report);
    char *cleaner = cleaner_conf(w);
    char *text = bn_alloc_printf(
        "broker.id=%d\nzookeeper.connect=sim:1\nzookeeper.session.timeout.ms=%d\nlog.dirs=/data\n"
        "listeners=PLAINTEXT://127.0.0.1:%d\nnum.io.threads=2\nbarnabas.shards=%d\nauto.create.topics.enable=false\n"
        "min.insync.replicas=%d\nlog.segment.bytes=%d\nlog.flush.interval.messages=%d\n"
        "replica.lag.time.max.ms=3000\nreplica.fetch.wait.max.ms=400\nreplica.fetch.backoff.ms=200\n"
        "replica.socket.timeout.ms=4000\nreplica.high.watermark.checkpoint.interval.ms=1500\n"
        "log.flush.offset.checkpoint.interval.ms=%d\nlog.segment.delete.delay.ms=1000\n"
        "%soffsets.topic.num.partitions=%d\noffsets.topic.replication.factor=%d\n"
        "offsets.topic.segment.bytes=%d\noffsets.commit.timeout.ms=2000\ngroup.min.session.timeout.ms=1000\n"
        "group.initial.rebalance.delay.ms=%d\n",
        p->id, SIM_SESSION_MS, SIM_PORT_BROKER + p->id, 1 + (int)((w->seed + (uint64_t)p->index) % SIM_SHARDS),
        w->min_insync, w->segment_bytes, w->flush_messages, w->seed & 4 ? 3000 : 15000, cleaner, SIM_PARTITIONS,
        w->broker_count < 3 ? w->broker_count : 3, w->segment_bytes, w->seed % 2 ? 300 : 0);
    bn_alloc_free(cleaner);
    p->conf = bn_conf_new();
    bn_conf_read(p->conf, "sim", bn_slice_str(text), &report);
    if (report.error_count || bn_settings_init(&p->settings, p->conf, 4, &e) != 0) {
        printf("%s%s\n", report.errors.ptr, e.text);
        BN_ASSERT(false);
    }
    bn_conf_report_fini(&report);
    bn_alloc_free(text);
}

static void start_broker(struct sim_world *w, struct sim_proc *p) {
    struct bn_err e = BN_ERR_NONE;
    configure(w, p);
    struct bn_broker_config config = {.env = &p->env, .settings = &p->settings, .zk = sim_zk_client(p->zk), .arg = p};
    int rc = bn_broker_new(&config, &p->broker, &e);
    if (rc) sim_violated(w, "Reregister", "%s cannot start: %s", p->name, e.text);
    bn_shard_start(p->shards[0]);
    bn_broker_begin(p->broker);
}

static void start_controller(struct sim_world *w, struct sim_proc *p) {
    struct sim_where before = sim_enter(w, p, NULL);
    bn_shard_start(bn_shard_new(0));
    sim_enter(w, p, p->shards[0]);
    struct bn_controller_config c = {.env = &p->env,
                                     .shard = p->shards[0],
                                     .zk_connect = "sim:1",
                                     .zk_session_timeout_ms = SIM_SESSION_MS,
                                     .zk = sim_zk_client(p->zk),
                                     .id = p->id,
                                     .host = "127.0.0.1",
                                     .unclean_election = w->unclean,
                                     .delete_topic_enable = true};
    struct bn_err e = BN_ERR_NONE;
    BN_ASSERT(bn_controller_start(&c, &p->controller, &e) == BN_OK);
    sim_leave(w, before);
}

static void random_bytes(void *ptr, size_t len) {
    for (size_t i = 0; i < len; i++) ((uint8_t *)ptr)[i] = (uint8_t)(sim_random(sim_here) >> 24);
}

struct sim_proc *sim_procs_new(struct sim_world *w, enum sim_kind kind, int index) {
    static const char *const kinds[] = {"broker", "controller", "clients"};
    BN_ASSERT(w->proc_count < SIM_PROCS_MAX);
    struct sim_proc *p = &w->procs[w->proc_count++];
    *p = (struct sim_proc){.kind = kind, .index = index, .id = kind == SIM_BROKER ? index + 1 : 101 + index};
    p->node = kind == SIM_BROKER ? index : kind == SIM_CONTROLLER ? SIM_BROKERS + index : SIM_NODES - 1;
    snprintf(p->name, sizeof p->name, "%s %d", kinds[kind], p->id);
    p->env = (struct bn_env){.clock = &w->clock, .random = random_bytes};
    return p;
}

void sim_procs_start(struct sim_world *w, enum sim_kind kind, int index) {
    struct sim_proc *p = sim_procs_new(w, kind, index);
    sim_event(w, "%s starts", p->name);
    *(kind == SIM_BROKER ? &w->brokers[index] : &w->controllers[index]) = p;
    struct sim_where before = sim_enter(w, p, NULL);
    p->zk = sim_zk_open(p);
    if (kind == SIM_BROKER) {
        p->env.disk = sim_disk_for(w->disks[index], p);
        start_broker(w, p);
        sim_faults_started(w, p);
    } else {
        start_controller(w, p);
    }
    sim_leave(w, before);
}

/* ---- the end of a life ---- */

static uint64_t *restart_of(struct sim_world *w, const struct sim_proc *p) {
    return &w->restart_ms[p->kind == SIM_BROKER ? p->index : SIM_BROKERS + p->index];
}

static void forget_life(struct sim_world *w, struct sim_proc *p) {
    *(p->kind == SIM_BROKER ? &w->brokers[p->index] : &w->controllers[p->index]) = NULL;
    if (p->kind == SIM_BROKER) sim_logs_proc_gone(p);
    uint32_t quick = sim_chance(w, 2) ? 50 : 12000;
    *restart_of(w, p) = w->now_ms + 5 + sim_below(w, quick);
}

void sim_procs_crash(struct sim_world *w, struct sim_proc *p, bool power) {
    sim_event(w, "%s %s", p->name, power ? "loses power" : "is killed");
    p->state = SIM_DEAD;
    if (!p->expire_ms) p->expire_ms = w->now_ms + SIM_SESSION_MS - sim_below(w, SIM_SESSION_MS / 3);
    sim_net_crash(p);
    forget_life(w, p);
    if (p->kind == SIM_BROKER) sim_disk_crash(w, p->index, power);
}

void sim_procs_doom(struct sim_world *w, struct sim_proc *p, bool power, uint32_t calls) {
    p->doom_in = calls;
    p->doom_is_power = power;
    sim_event(w, "%s will %s after %d calls of its disk", p->name, power ? "lose power" : "be killed", (int)calls);
}

void sim_procs_bounce(struct sim_world *w, struct sim_proc *p) {
    if (p->kind != SIM_BROKER || p->stopping) return;
    sim_event(w, "%s is asked to stop", p->name);
    p->stopping = true;
    struct sim_where before = sim_enter(w, p, p->shards[0]);
    bn_broker_stop(p->broker);
    sim_leave(w, before);
}

void sim_procs_sicken(struct sim_world *w, struct sim_proc *p) {
    static const char *const how[SIM_ILLS] = {"is full", "fails now and then", "gives no more files"};
    if (p->kind != SIM_BROKER || p->stopping || p->cure_ms) return;
    p->ill = sim_below(w, SIM_ILLS);
    p->sick_ms = w->now_ms + 1 + sim_below(w, 3000);
    p->cure_ms = w->now_ms + 1 + sim_below(w, 8000);
    sim_event(w, "the disk of %s %s for %d ms", p->name, how[p->ill], (int)(p->sick_ms - w->now_ms));
}

/* Its logs may have failed: whoever looks after it restarts it in one way or another. */
static void cure(struct sim_world *w, struct sim_proc *p) {
    p->cure_ms = UINT64_MAX;
    if (sim_chance(w, 2))
        sim_procs_bounce(w, p);
    else
        sim_procs_crash(w, p, sim_chance(w, 2));
}

/* It has stopped by itself: in order, or because it cannot go on. */
static void ended(struct sim_world *w, struct sim_proc *p) {
    struct sim_where before = sim_enter(w, p, NULL);
    if (!p->stopping && !p->cure_ms) sim_violated(w, "Reregister", "%s gives up", p->name);
    (void)bn_broker_end(p->broker);
    sim_logs_proc_gone(p);
    bn_broker_free(p->broker);
    p->broker = NULL;
    bn_settings_fini(&p->settings);
    bn_conf_free(p->conf);
    sim_leave(w, before);
    sim_event(w, "%s has stopped", p->name);
    p->state = SIM_ENDED;
    sim_net_crash(p);
    forget_life(w, p);
    sim_observer_look(w, NULL);
}

/* ---- running ---- */

static bool run_shard(struct sim_proc *p, struct bn_shard *s) {
    struct sim_world *w = sim_here;
    bool did = false;
    uint32_t first = sim_below(w, 4);
    for (uint32_t i = 0; i < 4 && !did; i++) {
        switch ((first + i) % 4) {
        case 0:
            did = s == p->shards[0] && sim_zk_step(p);
            break;
        case 1:
            did = sim_net_step(p, s);
            break;
        case 2:
            did = sim_doors_timer(s->loop);
            break;
        default:
            did = sim_doors_mail(s->loop);
            break;
        }
    }
    /* Now and then several things happen in one turn. */
    if (!did || !sim_chance(w, 6)) did = sim_doors_tasks(s->loop) || did;
    return did;
}

static void after(struct sim_world *w, struct sim_proc *p, struct bn_shard *s) {
    sim_observer_look(w, p); /* what it asked for may be done at once */
    if (p->doomed && p->state == SIM_RUNNING) sim_procs_crash(w, p, p->doom_is_power);
    if (p->kind != SIM_BROKER || p->state != SIM_RUNNING) return;
    if (s) sim_logs_look(p, s);
    if (sim_doors_stopped(p->shards[0]) && w->midway != p) ended(w, p);
}

bool sim_procs_step(struct sim_proc *p) {
    struct sim_world *w = sim_here;
    if (p->state != SIM_RUNNING) return false;
    bool did = false;
    uint32_t lanes = (uint32_t)p->shard_count + 1, first = sim_below(w, lanes);
    struct bn_shard *s = NULL;
    for (uint32_t i = 0; i < lanes && !did; i++) {
        uint32_t lane = (first + i) % lanes;
        s = lane < (uint32_t)p->shard_count ? p->shards[lane] : NULL;
        if (s ? !sim_doors_started(s) : w->midway == p) continue;
        struct sim_where before = sim_enter(w, p, s);
        did = s ? run_shard(p, s) : sim_jobs_step(p);
        sim_leave(w, before);
    }
    if (did) after(w, p, s);
    return did;
}

/* ---- sessions ---- */

static void session_ends(struct sim_world *w, struct sim_proc *p) {
    sim_event(w, "the session of %s expires", p->name);
    bn_fake_expire(sim_zk_real(p->zk));
    sim_observer_look(w, NULL);
}

static void unheard(struct sim_world *w, struct sim_proc *p) {
    if (!p->expire_ms) p->expire_ms = w->now_ms + SIM_SESSION_MS - sim_below(w, SIM_SESSION_MS / 3);
}

void sim_procs_pause(struct sim_world *w, struct sim_proc *p, uint64_t for_ms) {
    sim_event(w, "%s is stopped for %d ms", p->name, (int)for_ms);
    p->state = SIM_PAUSED;
    p->wake_ms = w->now_ms + for_ms;
    unheard(w, p);
}

void sim_procs_cut_zk(struct sim_world *w, struct sim_proc *p, uint64_t for_ms) {
    if (p->linked_ms || sim_zk_closed(p->zk)) return;
    bool apply = sim_chance(w, 2);
    sim_event(w, "%s is cut off ZooKeeper for %d ms%s", p->name, (int)for_ms,
              apply ? "; what it asked for is done" : "");
    p->linked_ms = w->now_ms + for_ms;
    unheard(w, p);
    struct sim_where before = sim_enter(w, p, p->shards[0]);
    bn_fake_disconnect(sim_zk_real(p->zk), apply);
    sim_observer_look(w, p);
    sim_leave(w, before);
}

void sim_procs_expire(struct sim_world *w, struct sim_proc *p) {
    if (!sim_zk_closed(p->zk)) session_ends(w, p);
}

static void upkeep_one(struct sim_world *w, struct sim_proc *p) {
    if (p->expire_ms && p->expire_ms <= w->now_ms) {
        p->expire_ms = 0;
        if (!sim_zk_closed(p->zk)) session_ends(w, p);
        if (p->state == SIM_DEAD) {
            p->state = SIM_ENDED;
            return;
        }
    }
    if (p->state == SIM_PAUSED && p->wake_ms <= w->now_ms) {
        sim_event(w, "%s goes on", p->name);
        p->state = SIM_RUNNING;
        if (!p->linked_ms) p->expire_ms = 0;
    }
    if (p->state != SIM_DEAD && p->linked_ms && p->linked_ms <= w->now_ms) {
        p->linked_ms = 0;
        if (p->state == SIM_RUNNING) p->expire_ms = 0;
        if (!sim_zk_closed(p->zk)) bn_fake_reconnect(sim_zk_real(p->zk));
    }
}

void sim_procs_upkeep(struct sim_world *w) {
    for (int i = 0; i < w->proc_count; i++)
        if (w->procs[i].state != SIM_ENDED && w->procs[i].zk) upkeep_one(w, &w->procs[i]);
    for (int b = 0; b < w->broker_count; b++) {
        struct sim_proc *p = w->brokers[b];
        if (p && p->cure_ms && p->cure_ms <= w->now_ms && p->state == SIM_RUNNING) cure(w, p);
    }
    for (int b = 0; b < w->broker_count; b++)
        if (!w->brokers[b] && w->restart_ms[b] <= w->now_ms) sim_procs_start(w, SIM_BROKER, b);
    for (int c = 0; c < w->controller_count; c++)
        if (!w->controllers[c] && w->restart_ms[SIM_BROKERS + c] <= w->now_ms) sim_procs_start(w, SIM_CONTROLLER, c);
}

static uint64_t sooner(uint64_t a, uint64_t b) { return b && b < a ? b : a; }

static uint64_t own_next(const struct sim_proc *p) {
    uint64_t next = sim_jobs_next(p);
    for (int i = 0; i < p->shard_count; i++)
        if (sim_doors_started(p->shards[i])) next = sooner(next, sim_doors_next(p->shards[i]->loop));
    return next;
}

uint64_t sim_procs_next(const struct sim_world *w) {
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < w->proc_count; i++) {
        const struct sim_proc *p = &w->procs[i];
        if (p->state == SIM_ENDED) continue;
        next = sooner(next, p->expire_ms);
        if (p->state == SIM_PAUSED) next = sooner(next, p->wake_ms);
        if (p->state != SIM_DEAD) next = sooner(next, p->linked_ms);
        if (p->state == SIM_RUNNING) next = sooner(next, own_next(p));
        if (p->state == SIM_RUNNING) next = sooner(next, p->cure_ms);
    }
    for (int b = 0; b < w->broker_count; b++)
        if (!w->brokers[b]) next = sooner(next, w->restart_ms[b]);
    for (int c = 0; c < w->controller_count; c++)
        if (!w->controllers[c]) next = sooner(next, w->restart_ms[SIM_BROKERS + c]);
    return next;
}

void sim_procs_heal(struct sim_world *w) {
    for (int i = 0; i < SIM_BROKERS + SIM_CONTROLLERS; i++)
        if (w->restart_ms[i] > w->now_ms) w->restart_ms[i] = w->now_ms + 5;
    memset(w->cut_ms, 0, sizeof w->cut_ms);
    for (int i = 0; i < w->proc_count; i++) {
        struct sim_proc *p = &w->procs[i];
        if (p->state == SIM_ENDED) continue;
        p->held_ms = p->slow_ms = p->sick_ms = 0;
        if (p->cure_ms && p->cure_ms != UINT64_MAX) p->cure_ms = w->now_ms;
        p->doom_in = 0;
        sim_net_lie(p, false);
        if (p->state == SIM_PAUSED) p->wake_ms = w->now_ms;
        if (p->linked_ms) p->linked_ms = w->now_ms;
    }
    sim_procs_upkeep(w);
}
