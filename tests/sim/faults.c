/* faults.c: what goes wrong, at random. Each seed has its own mix: some kinds of trouble do not come at all, so that
 * others have room. */
#include "common/zk/znode_path.h"
#include "tests/sim/observer.h"

enum fault {
    CRASH,
    POWER,
    DOOM,
    BOUNCE,
    SLOW,
    SICK,
    PAUSE,
    PAUSE_LONG,
    BREAK,
    HOLD,
    SILENCE,
    CUT,
    CUT_LONG,
    EXPIRE,
    LOSE_ANSWER,
    LOSE_REQUEST,
    LIE,
    HAND_BROKER,
    HAND_CONTROLLER,
    HAND_TOPIC,
    ISOLATE, /* comes with a proposal: sim_faults_proposed */
    FAULTS
};

static struct sim_proc *somebody(struct sim_world *w) {
    struct sim_proc *all[SIM_BROKERS + SIM_CONTROLLERS];
    uint32_t count = 0;
    for (int b = 0; b < w->broker_count; b++)
        if (w->brokers[b] && w->brokers[b]->state == SIM_RUNNING) all[count++] = w->brokers[b];
    for (int c = 0; c < w->controller_count; c++)
        if (w->controllers[c] && w->controllers[c]->state == SIM_RUNNING) all[count++] = w->controllers[c];
    return count ? all[sim_below(w, count)] : NULL;
}

/* A stranger's hand takes a topic out of ZooKeeper without asking anybody. */
static void hand_topic(struct sim_world *w) {
    int n = (int)sim_below(w, SIM_NAMES);
    struct sim_topic *t = w->observer->current[n];
    struct bn_znode_path path;
    if (!t || t->evidence) return;
    sim_event(w, "somebody deletes the znodes of %s", t->name);
    struct bn_slice name = bn_slice_str(t->name);
    for (int32_t i = 0; i < SIM_PARTITIONS; i++) {
        sim_observer_excuse(&t->partitions[i], 1 << 20);
        sim_zk_hand_remove(w, bn_znode_path_state(&path, name, i));
        sim_zk_hand_remove(w, bn_znode_path_partition(&path, name, i));
    }
    sim_zk_hand_remove(w, bn_znode_path_topic_partitions(&path, name));
    sim_zk_hand_remove(w, bn_znode_path_topic(&path, name));
}

static void hand_broker(struct sim_world *w) {
    struct bn_znode_path path;
    int32_t id = 1 + (int32_t)sim_below(w, (uint32_t)w->broker_count);
    sim_event(w, "somebody deletes the znode of broker %d", id);
    sim_zk_hand_remove(w, bn_znode_path_broker(&path, id));
}

static void hold(struct sim_world *w, struct sim_proc *p) {
    p->held_ms = w->now_ms + 1 + sim_below(w, sim_chance(w, 3) ? 9000 : 300);
    sim_event(w, "the network of %s is silent for %d ms", p->name, (int)(p->held_ms - w->now_ms));
}

/* From one machine nothing gets to another; often also not back. */
static void silence(struct sim_world *w, const struct sim_proc *from) {
    uint32_t count = (uint32_t)(w->broker_count + w->controller_count), at = sim_below(w, count);
    const struct sim_proc *to = at < (uint32_t)w->broker_count ? w->brokers[at]
                                                               : w->controllers[at - (uint32_t)w->broker_count];
    if (!to || to == from) return;
    uint64_t until = w->now_ms + 1 + sim_below(w, sim_chance(w, 2) ? 9000 : 500);
    bool both = sim_chance(w, 2);
    w->cut_ms[from->node][to->node] = until;
    if (both) w->cut_ms[to->node][from->node] = until;
    sim_event(w, "%s does not reach %s%s for %d ms", from->name, to->name, both ? " nor the other way round" : "",
              (int)(until - w->now_ms));
}

static void slow(struct sim_world *w, struct sim_proc *p) {
    p->slow_ms = w->now_ms + 1 + sim_below(w, 8000);
    sim_event(w, "the disk of %s is slow for %d ms", p->name, (int)(p->slow_ms - w->now_ms));
}

static void lose_word(struct sim_world *w, struct sim_proc *p, bool answer) {
    if (sim_zk_closed(p->zk)) return;
    sim_event(w, "the next %s %d will be lost", answer ? "answer for" : "request of", p->id);
    if (answer)
        bn_fake_lose_next_answer(sim_zk_real(p->zk));
    else
        bn_fake_lose_next_request(sim_zk_real(p->zk));
}

static void do_fault(struct sim_world *w, enum fault fault, struct sim_proc *p) {
    switch (fault) {
    case CRASH:
    case POWER:
        sim_procs_crash(w, p, fault == POWER);
        break;
    case DOOM:
        if (p->kind == SIM_BROKER && !p->doom_in) sim_procs_doom(w, p, sim_chance(w, 2), 1 + sim_below(w, 40));
        break;
    case BOUNCE:
        sim_procs_bounce(w, p);
        break;
    case SLOW:
        slow(w, p);
        break;
    case SICK:
        sim_procs_sicken(w, p);
        break;
    case PAUSE:
        sim_procs_pause(w, p, 1 + sim_below(w, 500));
        break;
    case PAUSE_LONG:
        sim_procs_pause(w, p, SIM_SESSION_MS / 2 + sim_below(w, SIM_SESSION_MS * 2));
        break;
    case BREAK:
        sim_net_break(w, sim_below(w, 64));
        break;
    case HOLD:
        hold(w, p);
        break;
    case SILENCE:
        silence(w, p);
        break;
    case CUT:
        sim_procs_cut_zk(w, p, 1 + sim_below(w, 500));
        break;
    case CUT_LONG:
        sim_procs_cut_zk(w, p, SIM_SESSION_MS / 2 + sim_below(w, SIM_SESSION_MS * 2));
        break;
    case EXPIRE:
        sim_procs_expire(w, p);
        break;
    case LOSE_ANSWER:
    case LOSE_REQUEST:
        lose_word(w, p, fault == LOSE_ANSWER);
        break;
    case LIE:
        sim_event(w, "the life port of %d refuses from now on", p->id);
        sim_net_lie(p, true);
        break;
    case HAND_BROKER:
        hand_broker(w);
        break;
    case HAND_CONTROLLER:
        sim_event(w, "somebody deletes /controller");
        sim_zk_hand_remove(w, BN_ZNODE_CONTROLLER);
        break;
    case HAND_TOPIC:
        hand_topic(w);
        break;
    case ISOLATE:
    case FAULTS:
        break;
    }
}

/* This kind of trouble comes in this seed: three kinds in four do. */
static bool comes(const struct sim_world *w, enum fault fault) {
    return (w->seed * 0x9e3779b97f4a7c15u >> (2 * (uint32_t)fault + 8) & 3) != 0;
}

/* Its proposal gets to the controller, and no word comes back from there, nor to or from other brokers; for longer than
 * replica.lag.time.max.ms in half of the cases. */
void sim_faults_proposed(struct sim_world *w, const struct sim_proc *leader) {
    if (w->healing || !comes(w, ISOLATE) || !sim_chance(w, 8)) return;
    uint64_t until = w->now_ms + 500 + sim_below(w, 7000);
    for (int n = 0; n < SIM_BROKERS + SIM_CONTROLLERS; n++) {
        if (n == leader->node) continue;
        w->cut_ms[n][leader->node] = until;
        if (n < SIM_BROKERS) w->cut_ms[leader->node][n] = until;
    }
    sim_event(w, "%s is cut off the others for %d ms, in the midst of a proposal", leader->name,
              (int)(until - w->now_ms));
}

void sim_faults_started(struct sim_world *w, struct sim_proc *p) {
    if (!w->healing && comes(w, SICK) && sim_chance(w, 4)) sim_procs_sicken(w, p);
}

void sim_faults_cleaning(struct sim_world *w, struct sim_proc *p) {
    if (w->healing || !comes(w, DOOM) || p->doom_in || !sim_chance(w, 12)) return;
    sim_procs_doom(w, p, sim_chance(w, 2), 1 + sim_below(w, 16));
}

void sim_faults_step(struct sim_world *w) {
    enum fault fault = (enum fault)sim_below(w, FAULTS);
    struct sim_proc *p = somebody(w);
    if (w->proc_count > SIM_PROCS_MAX - 2 * SIM_NODES) return;
    if (p && comes(w, fault) && (fault != HAND_TOPIC || sim_chance(w, 4))) do_fault(w, fault, p);
}
