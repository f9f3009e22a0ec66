/* invariants_log.c: the invariants of safety that are about what is in logs, each a function of its name (a few events
 * are judged by several). Owns nothing. */
#include "broker/log/log_int.h"
#include "common/base/alloc.h"
#include "tests/sim/clients.h"
#include "tests/sim/observer.h"

static const struct sim_state *state_of(const struct sim_topic *t, int32_t index) {
    const struct sim_partition *p = &t->partitions[index];
    return p->state_count ? &p->states[p->state_count - 1] : NULL;
}

/* ---- who leads ---- */

static int64_t incarnation_of(const struct sim_replica *r) { return r->proc->incarnations[r->shard->index]; }

/* 7. An incarnation leads only epochs that were committed after it registered. */
void sim_invariant_no_resume(struct sim_world *w, const struct sim_replica *r, int32_t epoch) {
    const struct sim_observer *o = w->observer;
    int64_t incarnation = incarnation_of(r);
    int64_t registered = incarnation > 0 && incarnation < o->registered_count[r->proc->index]
                             ? o->registered[r->proc->index][incarnation]
                             : 0;
    const struct sim_epoch *e = sim_observer_epoch(&r->topic->partitions[r->index], epoch);
    if (registered && e->zxid > registered) return;
    sim_violated(w, "NoResume", "%s-%d: %s, incarnation %d (registered at %d), leads epoch %d (committed at %d)",
                 r->topic->name, r->index, r->proc->name, (int)incarnation, (int)registered, epoch, (int)e->zxid);
}

/* 1. Per (topic id, partition, leader epoch) one incarnation appends. */
static void one_leader(struct sim_world *w, const struct sim_replica *r, struct sim_epoch *e, int32_t epoch) {
    if (e->broker < 0) {
        e->broker = r->proc->id;
        e->incarnation = incarnation_of(r);
    } else if (e->broker != r->proc->id || e->incarnation != incarnation_of(r)) {
        sim_violated(
            w, "OneLeader", "%s-%d: under epoch %d, %s (incarnation %d) appends after broker %d (incarnation %d)",
            r->topic->name, r->index, epoch, r->proc->name, (int)incarnation_of(r), e->broker, (int)e->incarnation);
    }
}

/* 12. A batch that a producer sends again is not appended again while the log has it. */
static void not_twice(struct sim_world *w, const struct sim_replica *r, const struct sim_batch *b) {
    struct sim_log l;
    if (b->producer_id < 0) return;
    sim_logs_read(w, r->proc->index, r->topic, r->index, &l);
    for (int32_t i = 0; i < l.count; i++) {
        if (l.batches[i].id != b->id || l.batches[i].base == b->base) continue;
        sim_violated(w, "ProducerFold", "%s-%d: %s has batch %d at offset %d, and appends it again at %d",
                     r->topic->name, r->index, r->proc->name, (int)b->id, (int)l.batches[i].base, (int)b->base);
    }
    sim_logs_free(&l);
}

void sim_invariant_appended(struct sim_world *w, struct sim_replica *r, const struct sim_batch *b) {
    struct sim_epoch *e = sim_observer_epoch(&r->topic->partitions[r->index], b->epoch);
    sim_invariant_no_resume(w, r, b->epoch);
    one_leader(w, r, e, b->epoch);
    if (e->count && e->batches[e->count - 1].next != b->base)
        sim_violated(w, "EpochOffsetUnique", "%s-%d: offset %d under epoch %d is given after offset %d", r->topic->name,
                     r->index, (int)b->base, b->epoch, (int)e->batches[e->count - 1].next - 1);
    if ((e->count & 15) == 0) e->batches = bn_alloc_resize(e->batches, (size_t)(e->count + 16) * sizeof *e->batches);
    e->batches[e->count++] = *b;
    e->batches[e->count - 1].appended_ms = w->now_ms;
    if (b->records) sim_observer_tombstones(&r->topic->partitions[r->index], &e->batches[e->count - 1]);
    not_twice(w, r, b);
}

/* 3. (topic id, partition, epoch, offset) names one batch, for ever. */
void sim_invariant_epoch_offset_unique(struct sim_world *w, const struct sim_topic *t, int32_t index,
                                       const struct sim_batch *b, const char *where) {
    const struct sim_batch *own = sim_observer_batch(&t->partitions[index], b->epoch, b->base);
    if (own && own->crc == b->crc && own->next == b->next) return;
    if (own && t->compacted && sim_invariant_is_rest(w, own, b)) return;
    sim_violated(w, "EpochOffsetUnique", "%s-%d: %s has batch %d at offset %d under epoch %d, where its leader has %s",
                 t->name, index, where, (int)b->id, (int)b->base, b->epoch, own ? "another one" : "none");
}

/* ---- what is kept ---- */

static bool holds(const struct sim_world *w, const struct sim_topic *t, int32_t index, struct sim_log *l,
                  const struct sim_ack *a) {
    const struct sim_batch *b = sim_logs_at(l, a->base);
    if (t->compacted) return sim_invariant_holds_keys(w, &t->partitions[index], l, a);
    return b && b->id == a->id && b->epoch == a->epoch;
}

static BN_NORETURN void not_kept(struct sim_world *w, const struct sim_topic *t, int32_t index, const struct sim_ack *a,
                                 int32_t broker, const char *when) {
    sim_violated(
        w, "AckKept",
        "%s-%d: batch %d at offset %d was acknowledged or read under epoch %d, and is not in the log of broker "
        "%d at %s",
        t->name, index, (int)a->id, (int)a->base, a->epoch, broker, when);
}

/* A power cut may take what was not synced. That is promised to be harmless as long as the ISR has a member that has
 * lost nothing: else what not all of them still have may be gone, with nobody to blame. */
static void forgive(struct sim_world *w, struct sim_topic *t, int32_t index, struct sim_log *logs,
                    const struct sim_state *s) {
    struct sim_partition *p = &t->partitions[index];
    int32_t kept = 0;
    for (int m = 0; m < s->isr_count; m++)
        if (!p->lost[s->isr[m] - 1]) return;
    for (int32_t i = 0; i < p->ack_count; i++) {
        bool held = true;
        for (int m = 0; m < s->isr_count; m++) held = held && holds(w, t, index, &logs[m], &p->acks[i]);
        /* Somebody may have cleaned away an older value in favour of one that is lost now. */
        if (held && !t->compacted) p->acks[kept++] = p->acks[i];
    }
    sim_event(w, "%s-%d: the whole ISR has lost batches by loss of power, %d acknowledged ones", t->name, index,
              p->ack_count - kept);
    p->ack_count = kept;
    if (s->leader_epoch + 1 > p->lossy_epoch) p->lossy_epoch = s->leader_epoch + 1;
}

/* 2. An acknowledged acks=all batch is in the log of every intact ISR member. */
void sim_invariant_ack_kept(struct sim_world *w, struct sim_topic *t, int32_t index, const char *when) {
    struct sim_partition *p = &t->partitions[index];
    const struct sim_state *s = state_of(t, index);
    struct sim_log logs[SIM_BROKERS];
    if (t->evidence) return;
    for (int m = 0; m < s->isr_count; m++) sim_logs_read(w, s->isr[m] - 1, t, index, &logs[m]);
    forgive(w, t, index, logs, s);
    for (int m = 0; m < s->isr_count; m++) {
        for (int32_t i = 0; i < p->ack_count && !p->lost[s->isr[m] - 1]; i++)
            if (!holds(w, t, index, &logs[m], &p->acks[i])) not_kept(w, t, index, &p->acks[i], s->isr[m], when);
        sim_logs_free(&logs[m]);
    }
    sim_observer_recovered(w, p);
}

void sim_invariant_answered(struct sim_world *w, struct sim_replica *r, const struct sim_batch *b) {
    struct sim_partition *p = &r->topic->partitions[r->index];
    sim_event(w, "%s acknowledges batch %d of %s-%d at offset %d", r->proc->name, (int)b->id, r->topic->name, r->index,
              (int)b->base);
    if (b->next > r->partition->high_watermark)
        sim_violated(w, "ProducerFold", "%s-%d: batch %d at offset %d is acknowledged, and the high watermark is %d",
                     r->topic->name, r->index, (int)b->id, (int)b->base, (int)r->partition->high_watermark);
    if (r->topic->evidence || !p->state_count) return;
    /* An older batch, sent again, may have been cleaned away elsewhere for one that is lost: see forgive. */
    sim_observer_acked(p, r->topic->compacted ? b->epoch : r->partition->leader_epoch, b);
    sim_invariant_ack_kept(w, r->topic, r->index, "the acknowledgement");
}

/* 2. ... and of each later leader. */
void sim_invariant_led(struct sim_world *w, struct sim_replica *r) {
    struct sim_partition *p = &r->topic->partitions[r->index];
    struct sim_log l;
    sim_event(w, "%s leads %s-%d at epoch %d from offset %d with high watermark %d", r->proc->name, r->topic->name,
              r->index, r->leader_epoch, (int)bn_log_end_offset(r->log), (int)r->partition->high_watermark);
    sim_invariant_no_resume(w, r, r->leader_epoch);
    /* A newer election may be over already: then this one was deposed before it began. */
    if (r->leader_epoch != p->epoch_count - 1 || r->topic->evidence) return;
    sim_logs_read(w, r->proc->index, r->topic, r->index, &l);
    for (int32_t i = 0; i < p->ack_count; i++)
        if (!holds(w, r->topic, r->index, &l, &p->acks[i]))
            not_kept(w, r->topic, r->index, &p->acks[i], r->proc->id, "its election");
    sim_logs_free(&l);
    sim_invariant_prefix_agree(w, r->topic, r->index);
}

/* 5. The leader's high watermark <= the end of each intact ISR member in ZooKeeper, and is monotonic in its epoch. */
void sim_invariant_hw_covered(struct sim_world *w, const struct sim_replica *r, int64_t before) {
    const struct sim_partition *p = &r->topic->partitions[r->index];
    const struct sim_state *s = state_of(r->topic, r->index);
    int64_t now = r->high_watermark;
    if (now < before || now > bn_log_end_offset(r->log))
        sim_violated(w, "HwCovered", "%s-%d: the high watermark of %s goes from %d to %d, its log ends at %d",
                     r->topic->name, r->index, r->proc->name, (int)before, (int)now, (int)bn_log_end_offset(r->log));
    if (!s || r->topic->evidence || r->leader_epoch < p->lossy_epoch) return;
    if (!sim_observer_is_current(w->observer, r->topic)) return;
    for (int m = 0; m < s->isr_count; m++) {
        int b = s->isr[m] - 1;
        int64_t end = p->lost[b] ? INT64_MAX : sim_logs_end(w, b, r->topic, r->index);
        if (end < now && !(end < 0 && now == 0))
            sim_violated(w, "HwCovered",
                         "%s-%d: the high watermark of %s is %d, the log of broker %d, of the ISR, ends at %d",
                         r->topic->name, r->index, r->proc->name, (int)now, b + 1, (int)end);
    }
}

/* ---- agreement ---- */

/* Its own bound: a crash goes through all that lies above the recovery point, and trusts what lies below. */
void sim_invariant_synced_kept(struct sim_world *w, const struct sim_topic *t, int32_t index, int broker, int64_t end) {
    int64_t synced = t->partitions[index].synced[broker];
    if (end >= synced || end < 0 || t->evidence || t->partitions[index].lossy_epoch >= 1 << 20) return;
    sim_violated(w, "Synced", "%s-%d: broker %d had synced all below offset %d, and has %d after a power cut", t->name,
                 index, broker + 1, (int)synced, (int)end);
}

/* Both have had what the first one has at its batch's offset: the other one has it, too, or compacted it away. */
static bool agree(const struct sim_topic *t, const struct sim_batch *a, const struct sim_log *other) {
    const struct sim_batch *o = sim_logs_at(other, a->base);
    if (!t->compacted) return o && o->crc == a->crc && o->epoch == a->epoch;
    /* What either has of it is judged alone. */
    return sim_logs_epoch_at(other, a->base) == a->epoch && (!o || o->next == a->next);
}

/* 4. Replicas agree below the least of their high watermarks. Who has lost something that nobody else had (see forgive)
 * may differ until he has heard of the new epoch. */
void sim_invariant_prefix_agree(struct sim_world *w, const struct sim_topic *t, int32_t index) {
    struct sim_log logs[SIM_BROKERS] = {0};
    int64_t least = INT64_MAX;
    int first = -1;
    if (t->partitions[index].lossy_epoch > 0) return;
    for (int b = 0; b < w->broker_count; b++) {
        const struct sim_replica *r = w->brokers[b] ? sim_logs_replica(w->brokers[b], t, index) : NULL;
        if (!r || r->partition->role == BN_PARTITION_OFFLINE) continue;
        sim_logs_read(w, b, t, index, &logs[b]);
        least = bn_min_i64(least, r->partition->high_watermark);
    }
    for (int b = 0; b < w->broker_count; b++) {
        if (!logs[b].there) continue;
        if (first < 0) first = b;
        for (int32_t i = 0; i < logs[first].count && logs[first].batches[i].next <= least; i++) {
            const struct sim_batch *a = &logs[first].batches[i];
            if (agree(t, a, &logs[b])) continue;
            sim_violated(w, "PrefixAgree", "%s-%d: brokers %d and %d differ at offset %d, below the high watermark %d",
                         t->name, index, first + 1, b + 1, (int)a->base, (int)least);
        }
    }
    for (int b = 0; b < SIM_BROKERS; b++) sim_logs_free(&logs[b]);
}

static bool same(const struct sim_world *w, const struct sim_topic *t, int32_t index, struct sim_log *a,
                 struct sim_log *b) {
    const struct sim_partition *p = &t->partitions[index];
    if (t->compacted) return a->end == b->end && (p->lossy_epoch > 0 || sim_invariant_same_keys(w, p, a, b));
    if (a->end != b->end || a->count != b->count) return false;
    for (int32_t i = 0; i < a->count; i++)
        if (a->batches[i].crc != b->batches[i].crc || a->batches[i].epoch != b->batches[i].epoch ||
            a->batches[i].base != b->batches[i].base)
            return false;
    return true;
}

/* 15. In the end all replicas are the same. */
const char *sim_invariant_same_logs(struct sim_world *w, const struct sim_topic *t, int32_t index) {
    const struct sim_state *s = state_of(t, index);
    const char *what = NULL;
    struct sim_log first, other;
    sim_logs_read(w, s->leader - 1, t, index, &first);
    for (int32_t i = 0; i < first.count; i++)
        sim_invariant_epoch_offset_unique(w, t, index, &first.batches[i], "the last leader");
    for (int m = 0; m < s->isr_count && !what; m++) {
        sim_logs_read(w, s->isr[m] - 1, t, index, &other);
        if (!same(w, t, index, &first, &other)) what = "replicas differ";
        sim_logs_free(&other);
        const struct sim_replica *r = sim_logs_replica(w->brokers[s->isr[m] - 1], t, index);
        if (!what && r && r->log->cutting) what = "a truncation is not over"; /* nor is what producers roll back to */
        if (!what && r) sim_invariant_producer_fold(w, r);
    }
    sim_logs_free(&first);
    return what;
}

/* 12. What a log remembers of its producers is the fold of its batches. A later batch than the log's last may be
 * remembered: it was cleaned away for one that was cut off later, which did not take the memory along. */
void sim_invariant_producer_fold(struct sim_world *w, const struct sim_replica *r) {
    struct sim_log l;
    bool lossy = r->topic->compacted && r->topic->partitions[r->index].lossy_epoch > 0;
    sim_logs_read(w, r->proc->index, r->topic, r->index, &l);
    for (int32_t i = l.count - 1; i >= 0; i--) {
        const struct sim_batch *b = &l.batches[i];
        if (b->producer_id < 0) continue;
        const struct bn_producer *p = bn_producer_get(&r->log->producers, b->producer_id);
        bool later = false; /* the same producer's, further on: those were looked at */
        for (int32_t k = i + 1; k < l.count; k++) later = later || l.batches[k].producer_id == b->producer_id;
        if (later) continue;
        const struct bn_producer_batch *last = p && p->count ? &p->batches[p->count - 1] : NULL;
        if (last && r->topic->compacted && last->last_offset >= b->next && last->last_offset < l.end) continue;
        if (last && last->last_offset == b->next - 1 && p->epoch == b->producer_epoch &&
            last->last_sequence == b->sequence + (int32_t)(b->next - b->base) - 1)
            continue;
        sim_violated(w, "ProducerFold", "%s-%d: %s remembers another last batch of producer %d than the one at %d",
                     r->topic->name, r->index, r->proc->name, (int)b->producer_id, (int)b->base);
    }
    if (r->topic->compacted && !lossy) sim_invariant_folds_all(w, r, &l);
    sim_logs_free(&l);
}

/* ---- what clients see ---- */

void sim_invariant_read(struct sim_world *w, struct sim_topic *t, int32_t index, const struct sim_batch *b,
                        int64_t position, int64_t high_watermark) {
    struct sim_partition *p = &t->partitions[index];
    if (b->next > high_watermark || b->next <= position)
        sim_violated(w, "HwCovered", "%s-%d: a consumer at offset %d is given offset %d; the high watermark is %d",
                     t->name, index, (int)position, (int)b->base, (int)high_watermark);
    sim_invariant_epoch_offset_unique(w, t, index, b, "an answer to a consumer");
    bool last = w->clients->reading; /* an answer to an earlier question may come after the last fault */
    if (sim_observer_lossy(t, index) && !last) return;
    const struct sim_batch *own = sim_observer_batch(p, b->epoch, b->base); /* its name may be cleaned away */
    sim_observer_acked(p, b->epoch, own);
    if (t->compacted && last) {
        p->seen = bn_alloc_resize(p->seen, (size_t)(p->seen_count + 1) * sizeof *p->seen);
        p->seen[p->seen_count++] = (struct sim_seen){b->base, b->epoch, b->kept};
    }
    for (int32_t i = 0; i < p->ack_count; i++) {
        struct sim_ack *a = &p->acks[i];
        if (a->base != b->base) continue;
        a->read = true;
        if (a->id != own->id) not_kept(w, t, index, a, -1, "a consumer's reading");
    }
}

/* 15. A consumer reads every acknowledged batch, in order. */
void sim_invariant_all_read(struct sim_world *w, struct sim_topic *t, int32_t index) {
    const struct sim_partition *p = &t->partitions[index];
    int32_t leader = p->states[p->state_count - 1].leader;
    struct sim_log l = {0};
    if (t->compacted) sim_logs_read(w, leader - 1, t, index, &l);
    for (int32_t i = 0; i < p->ack_count; i++)
        if (t->compacted ? !sim_invariant_read_keys(w, p, &p->acks[i], &l) : !p->acks[i].read)
            not_kept(w, t, index, &p->acks[i], leader, "the end, for a consumer");
    sim_logs_free(&l);
}

void sim_invariant_in_sequence(struct sim_world *w, const struct sim_topic *t, int32_t index, int tries, int error) {
    if (sim_observer_lossy(t, index)) return;
    sim_violated(w, "ProducerFold", "%s-%d: a batch in sequence is refused (error %d, try %d)", t->name, index, error,
                 tries);
}
