/* taps.c: where the simulation listens in on brokers: functions at the borders of their rooms, which the linker
 * (--wrap) leads through here. A tap calls the real function, notes what it did, and has the invariants judge it; what
 * a process does that is being killed is no longer heard. Bugs of plant.c are asked for their opinion first. */
#include "tests/sim/taps.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"
#include "tests/sim/observer.h"
#include "tests/sim/plant.h"
#include "tests/sim/plant_replica.h"

static struct sim_proc *speaker(void) {
    struct sim_proc *p = sim_here->current;
    return p && !p->doomed ? p : NULL;
}

/* ---- images ---- */

void __wrap_bn_roster_apply(struct bn_roster *r, struct bn_image *image, const Bn__ImageDelta *delta, int shard_count) {
    struct sim_proc *p = sim_here->current;
    p->incarnations[sim_here->shard->index] = image->for_incarnation;
    int64_t *admitted = &sim_here->observer->admitted[p->index];
    if (image->for_incarnation > *admitted) *admitted = image->for_incarnation;
    if (sim_here->shard->index == 0) {
        sim_event(sim_here, "%s applies %s (%d, %d) for incarnation %d", p->name, delta->reset ? "image" : "delta",
                  image->controller_epoch, (int)image->sequence, (int)image->for_incarnation);
        sim_invariant_stream_exact(sim_here, p->id, image);
        sim_plant_image(p, image);
    }
    __real_bn_roster_apply(r, image, delta, shard_count);
}

void __wrap_bn_partition_opened(struct bn_partition *partition, struct bn_log *log, int64_t high_watermark) {
    if (log) sim_logs_opened(sim_here->current, partition, log);
    __real_bn_partition_opened(partition, log, high_watermark);
}

/* ---- logs ---- */

int __wrap_bn_log_close(struct bn_log *l, struct bn_err *e) {
    sim_logs_left(sim_here->current, l);
    return __real_bn_log_close(l, e);
}

void __wrap_bn_log_abandon(struct bn_log *l) {
    sim_logs_left(sim_here->current, l);
    __real_bn_log_abandon(l);
}

void __wrap_bn_log_append(struct bn_log *l, struct bn_log_append *a) {
    struct sim_batch b;
    bool failed = bn_log_failed(l);
    sim_plant_append(l, a);
    __real_bn_log_append(l, a);
    sim_plant_appended(a);
    struct sim_proc *p = speaker();
    bool perhaps = !failed && bn_log_failed(l); /* it may be there whole: the next start will tell */
    if (!p || (a->error != KE_NONE && !perhaps) || a->duplicate) return;
    if (!sim_logs_batch(bn_slice_of(a->bytes, a->len), &b)) return;
    struct sim_replica *r = sim_logs_of_log(p, l);
    BN_ASSERT(r && (perhaps || b.base == a->base_offset));
    if (r->topic->compacted) b.records = sim_logs_records(bn_slice_of(a->bytes, a->len));
    sim_event(sim_here, "%s appends batch %d to %s-%d at offset %d, epoch %d", p->name, (int)b.id, r->topic->name,
              r->index, (int)b.base, b.epoch);
    sim_invariant_appended(sim_here, r, &b);
}

int __wrap_bn_log_append_replica(struct bn_log *l, struct bn_log_replica *a) {
    int rc = __real_bn_log_append_replica(l, a);
    struct sim_proc *p = speaker();
    struct sim_replica *r = p && rc == BN_OK ? sim_logs_of_log(p, l) : NULL;
    if (!r) return rc;
    struct bn_slice left = bn_slice_of(a->bytes, a->taken);
    struct sim_batch b;
    while (sim_logs_batch(left, &b)) {
        sim_event(sim_here, "%s takes batch %d of %s-%d in at offset %d, epoch %d", p->name, (int)b.id, r->topic->name,
                  r->index, (int)b.base, b.epoch);
        sim_invariant_epoch_offset_unique(sim_here, r->topic, r->index, &b, p->name);
        left = bn_slice_of(left.ptr + b.length, left.len - (size_t)b.length);
    }
    return rc;
}

/* 5. The watermark stands still while the ISR is smaller than min.insync.replicas. */
void sim_tap_watermark(const struct bn_isr *s, const struct bn_isr_view *v, int32_t min_insync, int64_t to) {
    if (to <= v->high_watermark || s->member_count >= bn_min_i64(min_insync, s->replica_count)) return;
    sim_violated(sim_here, "HwCovered", "a high watermark moves to %d while the ISR has %d members, fewer than %d",
                 (int)to, s->member_count, min_insync);
}

/* ---- answers to producers ---- */

struct answer { /* in place of a produce's own done() */
    struct bn_list link;
    struct bn_partition_append *append;
    struct bn_partition *partition;
    void (*done)(struct bn_partition_append *);
    struct sim_batch batch;
};

static struct bn_list *answers(void) {
    static struct bn_list all;
    if (!all.next) bn_list_init(&all);
    return &all;
}

static void on_answer(struct bn_partition_append *a) {
    struct answer *k = NULL;
    BN_LIST_FOR (n, answers())
        if (BN_CONTAINER_OF(n, struct answer, link)->append == a) k = BN_CONTAINER_OF(n, struct answer, link);
    BN_ASSERT(k);
    bn_list_remove(&k->link);
    struct sim_proc *p = speaker();
    struct sim_replica *r = NULL;
    if (p && a->acks == -1 && a->log.error == KE_NONE) r = sim_logs_of_log(p, k->partition->log);
    if (r) {
        struct sim_log l;
        sim_logs_read(sim_here, p->index, r->topic, r->index, &l);
        const struct sim_batch *b = sim_logs_at(&l, a->log.base_offset);
        if (!b && r->topic->compacted)
            b = sim_observer_batch(&r->topic->partitions[r->index], sim_logs_epoch_at(&l, a->log.base_offset),
                                   a->log.base_offset);
        if (!b || b->id != k->batch.id)
            sim_violated(sim_here, "AckKept", "%s-%d: batch %d is acknowledged at offset %d, where it is not",
                         r->topic->name, r->index, (int)k->batch.id, (int)a->log.base_offset);
        sim_invariant_answered(sim_here, r, b);
        sim_logs_free(&l);
    }
    a->done = k->done;
    bn_alloc_free(k);
    a->done(a);
}

void __wrap_bn_partition_append(struct bn_partition *partition, struct bn_partition_append *a) {
    struct answer *k = bn_alloc_zero(1, sizeof *k);
    sim_plant_partition_append(a);
    *k = (struct answer){.append = a, .partition = partition, .done = a->done};
    (void)sim_logs_batch(bn_slice_of(a->log.bytes, a->log.len), &k->batch);
    bn_list_init(&k->link);
    bn_list_push_back(answers(), &k->link);
    a->done = on_answer;
    __real_bn_partition_append(partition, a);
}

/* ---- to the controller ---- */

void __wrap_bn_forward_alter_partition(void *agent, struct bn_shard *shard, const Bn__AlterPartitionRequest *request,
                                       void (*reply)(void *reply_arg, const Bn__AlterPartitionReply *answer),
                                       void *reply_arg) {
    struct sim_proc *p = speaker();
    if (p) sim_observer_proposed(sim_here, p->id, request);
    if (p) sim_faults_proposed(sim_here, p);
    __real_bn_forward_alter_partition(agent, shard, request, reply, reply_arg);
}
