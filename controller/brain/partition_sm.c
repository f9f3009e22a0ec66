/* partition_sm.c: turns "something happened to this partition" into at most one write in flight. The machine is driven
 * by levels, not edges: an event only marks a partition dirty; settle compares what is with what should be and plans
 * the difference. So nothing is lost when a write is in flight, refused or ambiguous: its end marks the partition dirty
 * again.
 *
 * Invariants: busy = exactly one flight names the partition; planned is meaningful only then; every planned leader
 * epoch is the committed one plus one (an accepted ISR proposal keeps it); nothing becomes visible before its commit.
 */
#include "controller/brain/partition_sm.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/alter.h"
#include "controller/brain/config.h"

static const char *const KIND_NAMES[] = {"NewPartition", "OnlinePartition", "OfflinePartition", "NonExistentPartition"};

bool bn_partition_sm_allowed(enum bn_model_partition_kind from, enum bn_model_partition_kind to) {
    static const bool ALLOWED[4][4] = {
        [BN_MODEL_NEW] = {[BN_MODEL_ONLINE] = true, [BN_MODEL_OFFLINE] = true},
        [BN_MODEL_ONLINE] = {[BN_MODEL_ONLINE] = true, [BN_MODEL_OFFLINE] = true},
        [BN_MODEL_OFFLINE] = {[BN_MODEL_ONLINE] = true, [BN_MODEL_OFFLINE] = true, [BN_MODEL_NONEXISTENT] = true},
        [BN_MODEL_NONEXISTENT] = {[BN_MODEL_NEW] = true},
    };
    return ALLOWED[from][to];
}

static enum bn_election_life life(const void *arg, int32_t id) {
    const struct bn_model_broker *b = bn_model_broker(arg, id);
    if (!b || !b->registered) return BN_ELECTION_DEAD;
    if (!b->fit) return BN_ELECTION_FRESH;
    if (b->leaving) return BN_ELECTION_LEAVING;
    return b->stream_up ? BN_ELECTION_READY : BN_ELECTION_FIT;
}

struct bn_election_view bn_partition_sm_view(const struct bn_model *m) {
    return (struct bn_election_view){life, m};
}

/* The state is (or is about to be) what stands in ZooKeeper: moves the machine. */
static void move_kind(struct bn_model *m, struct bn_model_partition *p) {
    enum bn_model_partition_kind to = p->state.leader >= 0 ? BN_MODEL_ONLINE : BN_MODEL_OFFLINE;
    BN_ASSERT(bn_partition_sm_allowed(p->kind, to));
    char isr[256];
    if (p->kind != to || p->planned_why >= BN_ELECTION_BUMP)
        BN_MODEL_INFO(m,
                      "Changed partition %s-%" PRId32 " from %s to %s with state LeaderAndIsr(leader=%" PRId32
                      ", leaderEpoch=%" PRId32 ", isr=List(%s), partitionEpoch=%" PRId32 ")",
                      p->topic->name, p->index, KIND_NAMES[p->kind], KIND_NAMES[to], p->state.leader,
                      p->state.leader_epoch, bn_ids_text(bn_ids_fact(&p->state.isr), isr, sizeof isr),
                      p->state.version);
    p->kind = to;
}

static void clear_bump(struct bn_model *m, struct bn_model_partition *p) {
    if (p->must_bump) m->bump_count--;
    p->must_bump = false;
}

/* Whatever the flight brought, p may be written again. */
static void set_free(struct bn_model *m, struct bn_model_partition *p) {
    p->busy = p->bump_flying = false;
    if (p->topic->kind == BN_MODEL_LIVE)
        bn_model_partition_dirty(m, p);
    else if (p->topic->kind != BN_MODEL_GONE)
        bn_model_topic_dirty(m, p->topic);
}

static void committed(struct bn_model *m, struct bn_model_partition *p) {
    struct bn_fact_state planned = bn_model_copy_state(m, bn_model_state_fact(&p->planned));
    bn_model_partition_commit(p, &planned);
    move_kind(m, p);
    if (p->planned_why == BN_ELECTION_UNCLEAN)
        BN_MODEL_WARN(m,
                      "Unclean leader election: broker %" PRId32 " leads %s-%" PRId32
                      " without having been in its ISR; records may be lost",
                      p->state.leader, p->topic->name, p->index);
    if (p->bump_flying) clear_bump(m, p);
    bn_model_partition_changed(m, p);
    bn_alter_committed(m, p);
}

/* Adopts what stands in ZooKeeper when it is not what we wrote. */
static void adopt(struct bn_model *m, struct bn_model_partition *p, const struct bn_fact_state *state) {
    if (p->has_state && bn_model_state_eq(&p->state, state)) return; /* our write did not happen */
    BN_MODEL_WARN(m, "The state of %s-%" PRId32 " was changed by somebody else; taking it over", p->topic->name,
                  p->index);
    bn_model_partition_commit(p, state);
    p->planned_why = BN_ELECTION_NOTHING;
    move_kind(m, p);
    bn_model_partition_changed(m, p);
}

void bn_partition_sm_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_done *e) {
    m->state_flights--;
    for (int32_t i = 0; i < f->part_count; i++) {
        struct bn_model_partition *p = f->parts[i];
        const struct bn_event_read_result *r = &e->results[i];
        if (p->topic->kind == BN_MODEL_GONE) continue;
        if (!r->found && !p->has_state) {
            set_free(m, p);
            continue;
        }
        if (!r->found) {
            BN_MODEL_WARN(m, "The state of %s-%" PRId32 " vanished from ZooKeeper; leaving it alone", p->topic->name,
                          p->index);
            p->stuck = true;
            set_free(m, p);
            continue;
        }
        if (r->state.controller_epoch > m->controller_epoch) {
            bn_model_resign(m, "a partition state was written by a controller of a newer epoch");
            return;
        }
        if (bn_model_state_eq(&p->planned, &r->state))
            committed(m, p);
        else
            adopt(m, p, &r->state);
        set_free(m, p);
    }
}

/* The write of p was refused because of its own znodes: looks again before anything else. */
static void read_again(struct bn_model *m, struct bn_model_partition *p) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_STATES, NULL);
    bn_flight_add_part(f, p);
    m->state_flights++;
    bn_flight_read(m, f);
}

static void refused(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    const struct bn_flight_op *op = &f->ops[e->failed_op];
    for (int32_t i = 0; i < f->part_count; i++) {
        struct bn_model_partition *p = f->parts[i];
        if (p->topic->kind == BN_MODEL_GONE) continue;
        bool reads = false;
        if (p == op->partition) {
            if (op->kind == BN_OUTPUT_OP_CREATE_PARTITION && e->status == BN_EXISTS) {
                p->node_exists = true;
            } else if (op->kind == BN_OUTPUT_OP_CREATE_PARTITION) { /* its parent is missing */
                p->topic->has_partitions_node = p->topic->has_second_id = false;
                bn_model_topic_dirty(m, p->topic);
            } else if (op->kind == BN_OUTPUT_OP_CREATE_STATE && e->status == BN_NOTFOUND) {
                p->node_exists = false;
            } else {
                reads = true;
            }
        }
        if (reads)
            read_again(m, p);
        else
            set_free(m, p);
    }
}

void bn_partition_sm_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    if (e->status == BN_LOST) {
        bn_flight_read(m, f);
        return;
    }
    m->state_flights--;
    if (e->status != BN_OK) {
        refused(m, f, e);
        return;
    }
    for (int32_t i = 0; i < f->part_count; i++) {
        struct bn_model_partition *p = f->parts[i];
        if (p->topic->kind == BN_MODEL_GONE) continue;
        committed(m, p);
        set_free(m, p);
    }
}

static bool unclean_allowed(struct bn_model *m, const struct bn_model_topic *t) {
    return bn_config_bool(m, t->name, "unclean.leader.election.enable", m->settings.unclean_election);
}

static void plan_election(struct bn_model *m, struct bn_model_partition *p, const struct bn_election_out *out) {
    struct bn_fact_state s = {.version = p->has_state ? p->state.version + 1 : 0,
                              .leader = out->leader,
                              .leader_epoch = p->has_state ? p->state.leader_epoch + 1 : 0,
                              .controller_epoch = m->controller_epoch,
                              .isr = {out->isr, out->isr_count},
                              .recovering = out->recovering};
    if (p->has_state) s.elr = bn_ids_fact(&p->state.elr);
    bn_model_state_set(&p->planned, &s);
    p->planned_why = (int)out->why;
    p->bump_flying = true;
}

/* A wish is taken back when nothing (more) comes of it: it stays while its election is in flight or has to wait. */
static void wishes_tried(struct bn_model_partition *p, const struct bn_election_out *out, bool waits) {
    bool is_preferred = p->replicas.count && out->leader == p->replicas.ids[0];
    if (out->why == BN_ELECTION_NOTHING || !is_preferred) p->want_preferred = false;
    if (out->why == BN_ELECTION_NOTHING && !waits) p->want_unclean = false;
}

/* True when p->planned says what is to be written. */
static bool plan(struct bn_model *m, struct bn_model_partition *p) {
    const struct bn_model_topic *t = p->topic;
    if (p->busy || p->stuck || t->kind != BN_MODEL_LIVE) return false;
    if (!t->has_id || !t->has_partitions_node) return false;
    struct bn_fact_state now = bn_model_state_fact(&p->state);
    bool unclean = p->has_state && (p->want_unclean || unclean_allowed(m, t));
    struct bn_election_in in = {.replicas = bn_ids_fact(&p->replicas),
                                .state = p->has_state ? &now : NULL,
                                .bump = p->must_bump,
                                .unclean = unclean && m->now_ms >= m->unclean_after_ms,
                                .prefer = p->want_preferred};
    int32_t room = p->replicas.count + p->state.isr.count + 1;
    struct bn_election_out out = {.isr = bn_model_scratch(m, (size_t)room, sizeof(int32_t))};
    struct bn_election_view view = bn_partition_sm_view(m);
    bn_election_run(&in, &view, &out);
    bool waits = out.only_unclean && unclean && !in.unclean;
    if (waits) m->unclean_waits = true;
    wishes_tried(p, &out, waits);
    if (out.why != BN_ELECTION_NOTHING) {
        plan_election(m, p, &out);
        return true;
    }
    if (!p->has_state && p->replicas.count)
        BN_MODEL_WARN(m, "No replica of %s-%" PRId32 " is alive: it stays a NewPartition", t->name, p->index);
    return p->has_state && bn_alter_plan(m, p);
}

static size_t state_bytes(const struct bn_model_partition *p) {
    return 160 + 11u * (size_t)(p->planned.isr.count + p->planned.elr.count);
}

static void add_ops(struct bn_model *m, struct bn_flight *f, struct bn_model_partition *p) {
    if (!p->has_state && !p->node_exists) bn_flight_op(m, f, BN_OUTPUT_OP_CREATE_PARTITION, p, 0);
    enum bn_output_op_kind kind = p->has_state ? BN_OUTPUT_OP_SET_STATE : BN_OUTPUT_OP_CREATE_STATE;
    struct bn_output_op *op = bn_flight_op(m, f, kind, p, state_bytes(p));
    op->u.state = bn_model_copy_state(m, bn_model_state_fact(&p->planned));
    if (p->has_state) op->version = p->state.version;
    p->busy = true;
    bn_flight_add_part(f, p);
}

void bn_partition_sm_settle(struct bn_model *m) {
    struct bn_flight *f = NULL;
    while (m->state_flights < BN_MODEL_FLIGHTS_MAX && !bn_list_empty(&m->dirty)) {
        struct bn_model_partition *p = BN_CONTAINER_OF(m->dirty.next, struct bn_model_partition, dirty);
        bn_list_remove(&p->dirty);
        if (!plan(m, p)) continue;
        if (f && !bn_flight_has_room(f, 2, state_bytes(p) + 512)) {
            m->state_flights++;
            bn_flight_send(m, f);
            f = NULL;
        }
        if (!f) f = bn_flight_new(m, BN_FLIGHT_STATES, NULL);
        add_ops(m, f, p);
    }
    if (!f) return;
    m->state_flights++;
    bn_flight_send(m, f);
}
