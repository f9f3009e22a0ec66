/* invariants.c: the invariants of safety that are about ZooKeeper, controllers and the metadata stream, each a function
 * of its name; those about logs are in invariants_log.c. Owns nothing. */
#include "broker/replica/roster.h"
#include "common/base/alloc.h"
#include "common/zk/znode_path.h"
#include "tests/sim/clients.h"
#include "tests/sim/observer.h"

static bool has(const int32_t *ids, int count, int32_t id) {
    for (int i = 0; i < count; i++)
        if (ids[i] == id) return true;
    return false;
}

/* 8. No multi of a controller commits after a newer epoch. A state names the epoch of the controller that wrote it. */
void sim_invariant_zk_fenced(struct sim_world *w, const struct sim_topic *t, int32_t index, const struct sim_state *s) {
    const struct sim_observer *o = w->observer;
    int32_t epoch = s->zxid < o->epoch_zxid ? o->epoch_before : o->controller_epoch;
    if (s->controller_epoch == epoch) return;
    sim_violated(w, "ZkFenced", "%s-%d: a state of controller epoch %d is committed in epoch %d", t->name, index,
                 s->controller_epoch, epoch);
}

static bool was_proposed(const struct sim_partition *p, const struct sim_state *old, int32_t member) {
    for (int32_t i = p->proposal_count - 1; i >= 0; i--) {
        const struct sim_proposal *a = &p->proposals[i];
        if (a->broker == old->leader && a->leader_epoch == old->leader_epoch &&
            a->partition_epoch == p->state_count - 1 && has(a->isr, a->isr_count, member))
            return true;
    }
    return false;
}

/* 6. Members are added only by the current leader's proposal or by an unclean election. (A member may be dead by the
 * time the proposal is committed, or back as another incarnation: then the controller takes it out before that one is
 * told of anything, which AckKept and HwCovered see to.) Also: an ISR is never emptied, a leader is of the ISR, and
 * another leader is another epoch. */
void sim_invariant_isr_growth(struct sim_world *w, struct sim_topic *t, int32_t index, const struct sim_state *old,
                              const struct sim_state *now) {
    struct sim_partition *p = &t->partitions[index];
    bool unclean = now->leader >= 0 && !has(old->isr, old->isr_count, now->leader);
    if (now->leader_epoch < old->leader_epoch || (now->leader != old->leader && now->leader_epoch == old->leader_epoch))
        sim_violated(w, "OneLeader", "%s-%d: leader %d at epoch %d is followed by leader %d at epoch %d", t->name,
                     index, old->leader, old->leader_epoch, now->leader, now->leader_epoch);
    if (now->isr_count == 0 || (now->leader >= 0 && !has(now->isr, now->isr_count, now->leader)))
        sim_violated(w, "IsrGrowth", "%s-%d: the ISR is empty or lacks the leader", t->name, index);
    if (unclean && w->unclean && now->isr_count == 1) {
        sim_event(w, "the election of %d for %s-%d is unclean", now->leader, t->name, index);
        sim_observer_excuse(p, now->leader_epoch);
        return;
    }
    for (int i = 0; i < now->isr_count; i++) {
        int32_t member = now->isr[i];
        if (has(old->isr, old->isr_count, member)) continue;
        if (!was_proposed(p, old, member))
            sim_violated(w, "IsrGrowth", "%s-%d: %d joins the ISR though its leader %d did not propose that", t->name,
                         index, member, old->leader);
    }
}

/* 9. The incarnation that a controller deletes is one that it decided to fence. */
void sim_invariant_fence_exact(struct sim_world *w, struct sim_proc *by, int32_t broker, int32_t incarnation) {
    if (!by || by->kind == SIM_BROKER || sim_zk_may_fence(by, broker, incarnation)) return;
    sim_violated(w, "FenceExact", "controller %d has deleted broker %d's incarnation %d without meaning it", by->id,
                 broker, incarnation);
}

/* ---- the metadata stream ---- */

static uint64_t mix(uint64_t h, uint64_t v) {
    h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    return h * 0xff51afd7ed558ccdu;
}

static uint64_t digest_topic(const struct bn_image_topic *t) {
    uint64_t h = 1;
    for (int i = 0; i < 16; i++) h = mix(h, t->id.bytes[i]);
    for (int32_t i = 0; i < t->partition_count; i++) {
        const struct bn_image_partition *p = &t->partitions[i];
        h = mix(mix(mix(h, (uint64_t)p->leader), (uint64_t)p->leader_epoch), (uint64_t)p->partition_epoch);
        for (int r = 0; r < p->replica_count; r++) h = mix(h, (uint64_t)p->replicas[r]);
        for (int r = 0; r < p->isr_count; r++) h = mix(h, (uint64_t)p->isr[r]);
    }
    return h;
}

static uint64_t digest_of(const struct bn_image *image) {
    uint64_t sum = 0;
    for (int i = 0; i < image->broker_count; i++)
        sum += mix(mix((uint64_t)image->brokers[i]->id, (uint64_t)image->brokers[i]->epoch),
                   (uint64_t)image->brokers[i]->incarnation);
    struct bn_map_entry *m;
    for (size_t at = 0; (m = bn_map_next(&image->by_id, &at));) sum += digest_topic(m->value);
    for (size_t at = 0; (m = bn_map_next(&image->configs, &at));) sum += mix(7, m->hash);
    return sum;
}

static void told_is_committed(struct sim_world *w, int32_t broker, const struct bn_image_topic *it) {
    const struct sim_topic *t = sim_observer_topic(w->observer, &it->id);
    for (int32_t i = 0; i < it->partition_count; i++) {
        const struct bn_image_partition *p = &it->partitions[i];
        if (p->leader < 0 && !p->replicas) continue;
        bool known = t && i < SIM_PARTITIONS && p->partition_epoch < t->partitions[i].state_count;
        const struct sim_state *s = known ? &t->partitions[i].states[p->partition_epoch] : NULL;
        bool same = s && s->leader == p->leader && s->leader_epoch == p->leader_epoch && s->isr_count == p->isr_count &&
                    memcmp(s->isr, p->isr, (size_t)s->isr_count * sizeof *s->isr) == 0;
        if (!same)
            sim_violated(w, "StreamExact", "broker %d is told of %s-%d at version %d: leader %d, epoch %d; %s", broker,
                         it->name, i, p->partition_epoch, p->leader, p->leader_epoch,
                         s ? "ZooKeeper has it otherwise" : "that was never committed");
    }
}

/* 11. A broker's view at (epoch, n) is the model's at (epoch, n): what it is told has been committed, and all who are
 * at the same version see the same. */
void sim_invariant_stream_exact(struct sim_world *w, int32_t broker, const struct bn_image *image) {
    struct sim_observer *o = w->observer;
    uint64_t digest = digest_of(image);
    struct bn_map_entry *m;
    for (size_t at = 0; (m = bn_map_next(&image->by_id, &at));) told_is_committed(w, broker, m->value);
    for (int32_t i = o->version_count - 1; i >= 0; i--) {
        const struct sim_version *v = &o->versions[i];
        if (v->controller_epoch != image->controller_epoch || v->sequence != image->sequence) continue;
        if (v->digest == digest) return;
        sim_violated(w, "StreamExact", "at version (%d, %d) broker %d sees another image than broker %d",
                     image->controller_epoch, (int)image->sequence, broker, v->broker);
    }
    o->versions = bn_alloc_resize(o->versions, (size_t)(o->version_count + 1) * sizeof *o->versions);
    o->versions[o->version_count++] = (struct sim_version){image->controller_epoch, image->sequence, digest, broker};
}

/* 13. A directory removed implies its evidence committed before. */
void sim_invariant_delete_evidence(struct sim_world *w, int32_t broker, const struct sim_topic *t, const char *dir) {
    if (t && t->evidence) return;
    sim_violated(w, "DeleteEvidence", "broker %d removes %s, which nobody asked to be deleted", broker, dir);
}

/* ---- once faults have stopped ---- */

/* 10. A healed live process is registered under its own session. */
const char *sim_invariant_reregister(struct sim_world *w) {
    for (int b = 0; b < w->broker_count; b++) {
        struct sim_proc *p = w->brokers[b];
        struct bn_znode_path path;
        struct bn_zk_stat stat;
        if (!p || !p->broker->agent || sim_zk_closed(p->zk)) return "a broker does not run";
        if (bn_fake_peek(w->server, bn_znode_path_broker(&path, b + 1), NULL, &stat) != BN_OK)
            return "a live broker is not registered";
        struct bn_zk *zk = sim_zk_real(p->zk);
        if (stat.ephemeral_owner != zk->ops->session_id(zk)) return "a broker is registered under another session";
        if (bn_agent_broker_epoch(p->broker->agent) != stat.czxid) return "a broker does not know its own registration";
    }
    return NULL;
}

/* Its ISR is all its replicas again, and they are the same. */
static const char *partition_heals(struct sim_world *w, const struct sim_topic *t, int32_t index,
                                   const struct bn_image_partition *told) {
    const struct sim_partition *p = &t->partitions[index];
    if (!p->state_count) return "a partition has no state";
    const struct sim_state *s = &p->states[p->state_count - 1];
    if (s->leader < 0) return "a partition has no leader though all brokers live";
    const struct sim_replica *r = sim_logs_replica(w->brokers[s->leader - 1], t, index);
    if (!r || !r->leads || r->leader_epoch != s->leader_epoch) return "a leader does not lead";
    if (s->isr_count != told->replica_count) return "an ISR lacks replicas though all brokers live";
    if (r->partition->high_watermark != bn_log_end_offset(r->log)) return "a high watermark stands still";
    return sim_invariant_same_logs(w, t, index);
}

/* 15. Once faults stop, a partition with an intact ISR member is online within T; and all that was asked for is done,
 * and told to everybody. */
const char *sim_invariant_heals(struct sim_world *w) {
    struct bn_znode_path path;
    const struct bn_image *first = NULL;
    for (int b = 0; b < w->broker_count; b++) {
        const struct bn_broker *broker = w->brokers[b] ? w->brokers[b]->broker : NULL;
        if (!broker || !broker->serving || broker->stopping) return "a broker serves nobody";
        for (int i = 0; i < broker->shard_count; i++) {
            const struct bn_image *image = broker->places[i].image;
            if (!bn_agent_connected(broker->agent)) return "a broker is not connected to the controller";
            if (image->controller_epoch != w->observer->controller_epoch)
                return "a broker has not heard the controller";
            if (first && first->sequence != image->sequence) return "brokers differ in their metadata";
            if (image->broker_count != w->broker_count) return "brokers do not know all brokers";
            first = image;
        }
    }
    for (int n = 0; n < SIM_TOPICS; n++) {
        struct sim_topic *t = w->observer->current[n];
        const char *name = sim_observer_name(n);
        if (bn_fake_peek(w->server, bn_znode_path_delete(&path, bn_slice_str(name)), NULL, NULL) == BN_OK)
            return "a topic's deletion has not come to its end";
        const struct bn_image_topic *it = t ? bn_image_topic_by_id(first, &t->id) : NULL;
        if (t && !it) return "brokers do not know a topic";
        for (int32_t i = 0; t && i < it->partition_count; i++) {
            const char *what = partition_heals(w, t, i, &it->partitions[i]);
            static char text[96];
            if (what) snprintf(text, sizeof text, "%s-%d: %s", t->name, i, what);
            if (what) return text;
        }
    }
    return sim_clients_unsettled(w);
}
