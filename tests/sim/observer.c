/* observer.c: looks at ZooKeeper after each of its events and records what is new: the registrations, the topics by
 * their ids, every state of every partition. Each entry is handed to the invariants that are about it. */
#include "tests/sim/observer.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"

struct sim_observer *sim_observer_new(void) {
    struct sim_observer *o = bn_alloc_zero(1, sizeof *o);
    return o;
}

const char *sim_observer_name(int topic) {
    static const char *const names[SIM_TOPICS] = {"t0", "t1", "t2", "__consumer_offsets"};
    return names[topic];
}

struct sim_topic *sim_observer_topic(const struct sim_observer *o, const struct bn_uuid *id) {
    for (int32_t i = o->topic_count - 1; i >= 0; i--)
        if (bn_uuid_eq(&o->topics[i]->id, id)) return o->topics[i];
    return NULL;
}

static struct sim_topic *topic_make(struct sim_observer *o, int name, const struct bn_uuid *id) {
    struct sim_topic *t = sim_observer_topic(o, id);
    if (t) return t;
    t = bn_alloc_zero(1, sizeof *t);
    snprintf(t->name, sizeof t->name, "%s", sim_observer_name(name));
    t->id = *id;
    t->compacted = name == SIM_OFFSETS || (sim_here->compacts && name < SIM_COMPACTED);
    o->topics = bn_alloc_resize(o->topics, (size_t)(o->topic_count + 1) * sizeof(struct sim_topic *));
    o->topics[o->topic_count++] = t;
    return t;
}

struct sim_epoch *sim_observer_epoch(struct sim_partition *p, int32_t epoch) {
    if (epoch >= p->epoch_count) {
        p->epochs = bn_alloc_resize(p->epochs, (size_t)(epoch + 1) * sizeof *p->epochs);
        for (int32_t i = p->epoch_count; i <= epoch; i++) p->epochs[i] = (struct sim_epoch){.broker = -1};
        p->epoch_count = epoch + 1;
    }
    return &p->epochs[epoch];
}

const struct sim_batch *sim_observer_batch(const struct sim_partition *p, int32_t epoch, int64_t base) {
    const struct sim_epoch *e = epoch >= 0 && epoch < p->epoch_count ? &p->epochs[epoch] : NULL;
    int32_t low = 0, high = e ? e->count : 0;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (e->batches[mid].base < base)
            low = mid + 1;
        else
            high = mid;
    }
    return e && low < e->count && e->batches[low].base == base ? &e->batches[low] : NULL;
}

/* ---- what must be kept ---- */

bool sim_observer_is_current(const struct sim_observer *o, const struct sim_topic *t) {
    for (int n = 0; n < SIM_TOPICS; n++)
        if (o->current[n] == t) return true;
    return false;
}

bool sim_observer_lossy(const struct sim_topic *t, int32_t index) {
    return t->partitions[index].lossy_epoch > 0 || t->evidence || !sim_observer_is_current(sim_here->observer, t);
}

bool sim_observer_leads(struct sim_world *w, const struct sim_topic *t, int32_t index, int broker) {
    const struct sim_replica *r = w->brokers[broker] ? sim_logs_replica(w->brokers[broker], t, index) : NULL;
    return r && r->partition->role == BN_PARTITION_LEADER &&
           r->partition->leader_epoch == t->partitions[index].epoch_count - 1;
}

void sim_observer_acked(struct sim_partition *p, int32_t by_epoch, const struct sim_batch *b) {
    if (by_epoch < p->lossy_epoch) return;
    int32_t at = p->ack_count;
    while (at > 0 && p->acks[at - 1].base > b->base) at--;
    if (at > 0 && p->acks[at - 1].base == b->base) return;
    p->acks = bn_alloc_resize(p->acks, (size_t)(p->ack_count + 1) * sizeof *p->acks);
    memmove(p->acks + at + 1, p->acks + at, (size_t)(p->ack_count - at) * sizeof *p->acks);
    p->acks[at] = (struct sim_ack){.base = b->base, .id = b->id, .epoch = b->epoch};
    p->ack_count++;
}

void sim_observer_tombstones(struct sim_partition *p, const struct sim_batch *b) {
    for (int32_t i = 0; i < SIM_RECORDS; i++) {
        if (!(b->kept >> i & 1) || !b->records[i].tombstone) continue;
        p->tombstones = bn_alloc_resize(p->tombstones, (size_t)(p->tombstone_count + 1) * sizeof *p->tombstones);
        p->tombstones[p->tombstone_count++] = (struct sim_tombstone){b->base + i, b->records[i].key, b->appended_ms,
                                                                     b->epoch};
    }
}

void sim_observer_forget_reads(struct sim_partition *p) {
    for (int32_t i = 0; i < p->ack_count; i++) p->acks[i].read = false;
    p->seen_count = 0;
}

void sim_observer_excuse(struct sim_partition *p, int32_t epoch) {
    p->ack_count = 0;
    if (epoch > p->lossy_epoch) p->lossy_epoch = epoch;
}

void sim_observer_tail_lost(struct sim_world *w, struct sim_topic *t, int32_t index, int broker, int64_t end) {
    sim_event(w, "broker %d has lost what it had of %s-%d from offset %d on", broker + 1, t->name, index, (int)end);
    t->partitions[index].lost[broker] = true;
    t->partitions[index].lost_incarnation[broker] = w->observer->broker_incarnation[broker];
    if (t->partitions[index].state_count) sim_invariant_ack_kept(w, t, index, "a power cut");
}

void sim_observer_recovered(struct sim_world *w, struct sim_partition *p) {
    const struct sim_state *s = &p->states[p->state_count - 1];
    for (int b = 0; b < SIM_BROKERS; b++) {
        bool member = false;
        for (int m = 0; m < s->isr_count; m++) member = member || s->isr[m] == b + 1;
        bool anew = w->observer->admitted[b] > p->lost_incarnation[b];
        if ((anew && !member) || (member && s->isr_count == 1)) p->lost[b] = false;
    }
}

void sim_observer_proposed(struct sim_world *w, int32_t broker, const Bn__AlterPartitionRequest *r) {
    for (size_t i = 0; i < r->n_items; i++) {
        const Bn__AlterPartitionItem *it = r->items[i];
        struct bn_uuid id;
        memcpy(id.bytes, it->topic_id.data, sizeof id.bytes);
        struct sim_topic *t = sim_observer_topic(w->observer, &id);
        if (!t || it->partition >= SIM_PARTITIONS) continue;
        struct sim_partition *p = &t->partitions[it->partition];
        struct sim_proposal a = {broker, it->leader_epoch, it->partition_epoch, {0}, (int)it->n_isr};
        BN_ASSERT(it->n_isr <= SIM_BROKERS);
        memcpy(a.isr, it->isr, it->n_isr * sizeof *a.isr);
        p->proposals = bn_alloc_resize(p->proposals, (size_t)(p->proposal_count + 1) * sizeof *p->proposals);
        p->proposals[p->proposal_count++] = a;
        sim_event(w, "broker %d proposes an ISR of %d (first %d) for %s-%d at version %d", broker, a.isr_count,
                  a.isr[0], t->name, it->partition, a.partition_epoch);
    }
}

/* ---- partitions ---- */

static void new_state(struct sim_world *w, struct sim_topic *t, int32_t index, const struct bn_zk_stat *stat,
                      const struct bn_znode_state *z) {
    struct sim_partition *p = &t->partitions[index];
    struct sim_state s = {.leader = z->leader,
                          .leader_epoch = z->leader_epoch,
                          .controller_epoch = z->controller_epoch,
                          .isr_count = z->isr.count,
                          .zxid = stat->mzxid};
    BN_ASSERT(z->isr.count <= SIM_BROKERS);
    if (z->isr.count) memcpy(s.isr, z->isr.ids, (size_t)z->isr.count * sizeof *s.isr);
    sim_event(w, "state of %s-%d version %d: leader %d epoch %d, ISR %d %d %d of %d, controller epoch %d", t->name,
              index, stat->version, s.leader, s.leader_epoch, s.isr_count ? s.isr[0] : -1,
              s.isr_count > 1 ? s.isr[1] : -1, s.isr_count > 2 ? s.isr[2] : -1, s.isr_count, s.controller_epoch);
    sim_invariant_zk_fenced(w, t, index, &s);
    if (stat->version != p->state_count)
        sim_violated(w, "ZkFenced", "%s-%d: version %d is written after %d states", t->name, index, stat->version,
                     p->state_count);
    if (p->state_count) sim_invariant_isr_growth(w, t, index, &p->states[p->state_count - 1], &s);
    if (p->state_count) sim_observer_recovered(w, p);
    p->states = bn_alloc_resize(p->states, (size_t)(p->state_count + 1) * sizeof *p->states);
    p->states[p->state_count++] = s;
    p->state_czxid = stat->czxid;
    struct sim_epoch *e = sim_observer_epoch(p, s.leader_epoch);
    if (!e->zxid) e->zxid = s.zxid;
    sim_invariant_ack_kept(w, t, index, "a new ISR");
}

static void look_states(struct sim_world *w, struct sim_topic *t) {
    struct bn_znode_path path;
    for (int32_t i = 0; i < SIM_PARTITIONS; i++) {
        struct sim_partition *p = &t->partitions[i];
        struct bn_slice data;
        struct bn_zk_stat stat;
        if (bn_fake_peek(w->server, bn_znode_path_state(&path, bn_slice_str(t->name), i), &data, &stat) != BN_OK) {
            p->state_czxid = 0;
            continue;
        }
        if (p->state_czxid == stat.czxid && stat.version == p->state_count - 1) continue;
        struct bn_arena arena;
        struct bn_znode_state z;
        bn_arena_init(&arena, 1 << 20);
        BN_ASSERT(bn_znode_state_decode(data, &arena, &z, NULL) == BN_OK);
        new_state(w, t, i, &stat, &z);
        bn_arena_fini(&arena);
    }
}

static void look_marker(struct sim_world *w, const char *name, struct sim_topic *t) {
    struct bn_znode_path path;
    if (!t || t->evidence) return;
    if (bn_fake_peek(w->server, bn_znode_path_delete(&path, bn_slice_str(name)), NULL, NULL) != BN_OK) return;
    t->evidence = true;
    sim_event(w, "topic %s is marked for deletion", name);
}

static void look_topic(struct sim_world *w, int name) {
    struct sim_observer *o = w->observer;
    const char *text = sim_observer_name(name);
    struct bn_znode_path path;
    struct bn_slice data;
    struct bn_zk_stat stat;
    look_marker(w, text, o->last[name]);
    if (bn_fake_peek(w->server, bn_znode_path_topic(&path, bn_slice_str(text)), &data, &stat) != BN_OK) {
        if (o->current[name]) sim_event(w, "topic %s is gone", text);
        o->current[name] = NULL;
        o->czxid[name] = 0;
        return;
    }
    if (o->czxid[name] != stat.czxid) {
        struct bn_arena arena;
        struct bn_znode_topic z;
        bn_arena_init(&arena, 1 << 20);
        BN_ASSERT(bn_znode_topic_decode(data, &arena, &z, NULL) == BN_OK && z.has_id);
        o->current[name] = o->last[name] = topic_make(o, name, &z.id);
        o->czxid[name] = stat.czxid;
        bn_arena_fini(&arena);
        sim_event(w, "topic %s is made", text);
    }
    struct sim_topic *t = o->current[name];
    look_marker(w, text, t);
    look_states(w, t);
}

/* ---- brokers ---- */

static void look_broker(struct sim_world *w, struct sim_proc *by, int b) {
    struct sim_observer *o = w->observer;
    struct bn_znode_path path;
    struct bn_zk_stat stat = {0}, incarnation = {0};
    bool there = bn_fake_peek(w->server, bn_znode_path_broker(&path, b + 1), NULL, &stat) == BN_OK;
    if (o->broker_czxid[b] && (!there || stat.czxid != o->broker_czxid[b])) {
        sim_event(w, "broker %d, incarnation %d, is no longer registered", b + 1, o->broker_incarnation[b]);
        sim_invariant_fence_exact(w, by, b + 1, o->broker_incarnation[b]);
        o->broker_czxid[b] = 0;
    }
    if (!there || o->broker_czxid[b]) return;
    BN_ASSERT(bn_fake_peek(w->server, bn_znode_path_incarnation(&path, b + 1), NULL, &incarnation) == BN_OK);
    o->broker_czxid[b] = stat.czxid;
    o->broker_incarnation[b] = incarnation.version;
    int32_t count = incarnation.version + 1;
    o->registered[b] = bn_alloc_resize(o->registered[b], (size_t)count * sizeof *o->registered[b]);
    for (int32_t i = o->registered_count[b]; i < count; i++) o->registered[b][i] = 0;
    o->registered_count[b] = count;
    o->registered[b][incarnation.version] = stat.czxid;
    sim_event(w, "broker %d is registered as incarnation %d", b + 1, incarnation.version);
}

static void look_controller(struct sim_world *w) {
    struct bn_slice data;
    struct bn_zk_stat stat;
    int64_t epoch = 0;
    if (bn_fake_peek(w->server, BN_ZNODE_CONTROLLER_EPOCH, &data, &stat) != BN_OK) return;
    BN_ASSERT(bn_slice_to_i64(data, &epoch));
    if (epoch < w->observer->controller_epoch)
        sim_violated(w, "ZkFenced", "/controller_epoch goes back from %d to %d", w->observer->controller_epoch,
                     (int)epoch);
    if (epoch == w->observer->controller_epoch) return;
    sim_event(w, "controller epoch %d begins", (int)epoch);
    w->observer->epoch_before = w->observer->controller_epoch;
    w->observer->controller_epoch = (int32_t)epoch;
    w->observer->epoch_zxid = stat.mzxid;
}

void sim_observer_look(struct sim_world *w, struct sim_proc *by) {
    int64_t zxid = bn_fake_zxid(w->server);
    if (zxid == w->observer->zxid) return;
    w->observer->zxid = zxid;
    look_controller(w);
    for (int b = 0; b < w->broker_count; b++) look_broker(w, by, b);
    for (int n = 0; n < SIM_TOPICS; n++) look_topic(w, n);
}
