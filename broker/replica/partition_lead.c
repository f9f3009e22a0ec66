/* partition_lead.c: what a leader does: appends, followers' progress, the high watermark and the produces that wait for
 * it, and the ISR; also flushing by count and by time. The rules about followers are isr.c's.
 *
 *   append ----> followers hear of it        a follower's read ----> progress --+--> watermark ----> parked produces
 *                                            ISR decided or answered -----------+        `---------> consumers
 *
 * Invariants
 *  1. Only a LEADER appends, and it stamps the leader epoch of the decision that made it so.
 *  2. The high watermark never goes back while leading. A new leader has its own, and knows of nobody.
 *  3. It stands still while the ISR is smaller than min.insync.replicas, at most the replication factor (KAFKA 3.7+).
 * So a produce whose ISR shrank below that after the append waits for its time to be over, and is never answered
 *     NOT_ENOUGH_REPLICAS_AFTER_APPEND: Kafka has that for what its purgatory finds out later than its watermark.
 */
#include "broker/replica/partition_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/base/trace.h"
#include "proto/kafka/errors.h"

/* ---- who waits ---- */

static void finish(struct bn_partition_append *a, int16_t error) {
    bn_list_remove(&a->link);
    bn_timer_stop(&a->timer);
    struct bn_partition *p = a->partition;
    a->log.error = error;
    a->leader_id = p->leader;
    a->leader_epoch = p->leader_epoch;
    a->log_start_offset = p->log ? bn_log_start_offset(p->log) : -1;
    a->done(a);
}

static void append_timed_out(struct bn_timer *t) {
    struct bn_partition_append *a = BN_CONTAINER_OF(t, struct bn_partition_append, timer);
    finish(a, KE_REQUEST_TIMED_OUT);
}

static void finish_all(struct bn_list *appends, int16_t error) {
    while (!bn_list_empty(appends)) finish(BN_CONTAINER_OF(appends->next, struct bn_partition_append, link), error);
}

void bn_partition_refuse_parked(struct bn_partition *p, int16_t error) {
    finish_all(&p->parked, error);
    bn_partition_trim_refuse(p, error);
}

void bn_partition_refuse(struct bn_partition *p, int16_t error) {
    finish_all(&p->parked, error);
    finish_all(&p->early, error);
    bn_partition_trim_refuse(p, error);
}

/* ---- the high watermark ---- */

static int64_t live_epoch(void *arg, int32_t id) {
    const struct bn_partition *p = arg;
    const struct bn_image_broker *b = bn_image_broker(bn_roster_image(p->roster), id);
    return b ? b->epoch : -1;
}

static struct bn_isr_view view(const struct bn_partition *p) {
    return (struct bn_isr_view){
        .now_ms = (int64_t)bn_loop_now_ms(p->deps->shard->loop),
        .lag_max_ms = (int64_t)p->deps->lag_max_ms,
        .leader_end = bn_log_end_offset(p->log),
        .high_watermark = p->high_watermark,
        .live_epoch = live_epoch,
        .arg = (void *)(uintptr_t)p,
    };
}

static void advance(struct bn_partition *p) {
    const struct bn_isr_view v = view(p);
    int64_t to = bn_isr_watermark(&p->isr, &v, p->min_insync);
    if (to <= p->high_watermark) return;
    p->high_watermark = to;
    while (!bn_list_empty(&p->parked)) {
        struct bn_partition_append *a = BN_CONTAINER_OF(p->parked.next, struct bn_partition_append, link);
        if (a->required_offset > p->high_watermark) break;
        finish(a, KE_NONE); /* the ISR is large enough, or the watermark would not have moved */
    }
    bn_partition_moved(p, BN_PARTITION_COMMITTED);
}

/* ---- flushing by count and by time (flush.messages, flush.ms) ---- */

static void flushed(void *arg, int status) {
    struct bn_partition *p = arg;
    p->flushing = false;
    if (p->fate != BN_PARTITION_STAYS)
        p->idle(p);
    else if (status != BN_OK && bn_log_failed(p->log))
        bn_partition_offline(p, "a flush failed");
    else if (status != BN_OK)
        p->flushed_to = bn_log_recovery_point(p->log); /* there was no room: the next append asks again */
}

static void flush_now(struct bn_partition *p) {
    if (p->flushing || !p->log || p->role == BN_PARTITION_OFFLINE) return;
    p->flushing = true;
    p->flushed_to = bn_log_end_offset(p->log);
    bn_log_flush(p->log, p->deps->pool, p->deps->shard->mailbox, flushed, p);
}

static void flush_due(struct bn_timer *t) { flush_now(BN_CONTAINER_OF(t, struct bn_partition, flush_timer)); }

void bn_partition_plan_flush(struct bn_partition *p) {
    if (bn_log_end_offset(p->log) - p->flushed_to >= p->flush_messages)
        flush_now(p);
    else if (p->flush_ms != INT64_MAX && !bn_timer_running(&p->flush_timer))
        bn_timer_start(&p->flush_timer, (uint64_t)p->flush_ms);
}

/* ---- what clients do ---- */

/* In order of the offset waited for: a duplicate waits for an earlier one than what is already parked. */
static void park(struct bn_partition *p, struct bn_partition_append *a) {
    struct bn_list *at = &p->parked;
    while (at->prev != &p->parked &&
           BN_CONTAINER_OF(at->prev, struct bn_partition_append, link)->required_offset > a->required_offset)
        at = at->prev;
    bn_list_insert_before(at, &a->link);
    bn_timer_start(&a->timer, (uint64_t)bn_max_i64(a->timeout_ms, 0));
}

/* The checks of 3-replication 3.5, then the log. */
static void append_now(struct bn_partition *p, struct bn_partition_append *a) {
    int16_t error = bn_partition_check(p, -1);
    if (error == KE_NONE && a->acks == -1 && p->isr.member_count < bn_isr_min(&p->isr, p->min_insync))
        error = KE_NOT_ENOUGH_REPLICAS;
    if (error != KE_NONE) {
        finish(a, error);
        return;
    }
    int64_t end = bn_log_end_offset(p->log);
    a->log.leader_epoch = p->leader_epoch;
    bn_log_append(p->log, &a->log);
    if (a->log.error != KE_NONE) {
        finish(a, a->log.error);
        if (bn_log_failed(p->log)) bn_partition_offline(p, "an append failed");
        return;
    }
    /* A duplicate waits for the watermark as its original did (safety §3). */
    a->required_offset = a->log.last_offset + 1;
    if (!a->log.duplicate) {
        bn_isr_appended(&p->isr, end, (int64_t)bn_loop_now_ms(p->deps->shard->loop));
        advance(p);
        bn_partition_moved(p, BN_PARTITION_APPENDED);
        bn_partition_plan_flush(p);
    }
    if (a->acks != -1 || a->required_offset <= p->high_watermark) {
        finish(a, KE_NONE);
        return;
    }
    park(p, a);
}

void bn_partition_append(struct bn_partition *p, struct bn_partition_append *a) {
    BN_ON_SHARD(p->deps->shard);
    a->partition = p;
    a->log.bad = NULL;
    a->log.bad_count = 0;
    bn_list_init(&a->link);
    bn_timer_init(&a->timer, p->deps->shard->loop, append_timed_out);
    bool soon = p->role == BN_PARTITION_LOADING && p->leader == p->deps->broker_id && (p->opening || p->cutting);
    /* Without others nobody else can have been elected. */
    bool doubtful = p->role == BN_PARTITION_LEADER && p->isr.follower_count > 0 && bn_pause_holds(p->pause);
    if (soon || doubtful) {
        /* Clients hear of a new topic while its log is being made, or of a new leader that is still dropping what it
         * was told to as a follower: a moment's wait beats a refusal and their back-off. */
        bn_list_push_back(&p->early, &a->link);
        bn_timer_start(&a->timer, (uint64_t)bn_max_i64(a->timeout_ms, 0));
        return;
    }
    append_now(p, a);
}

/* ---- the in-sync set ---- */

static void add_ids(struct bn_str *out, const int32_t *ids, int count) {
    for (int i = 0; i < count; i++) bn_str_addf(out, i ? ",%d" : "%d", ids[i]);
}

static void add_proposal(struct bn_str *out, const struct bn_isr *s) {
    size_t most = (size_t)s->follower_count + 1;
    int32_t *ids = bn_alloc(most * sizeof *ids);
    int64_t *epochs = bn_alloc(most * sizeof *epochs);
    add_ids(out, ids, bn_isr_proposal(s, ids, epochs));
    bn_alloc_free(ids);
    bn_alloc_free(epochs);
}

static void add_laggards(struct bn_str *out, const struct bn_partition *p, const struct bn_isr_view *v) {
    int64_t wall_ms = bn_clock_wall_ms(p->deps->env->clock);
    for (int i = 0; i < p->isr.follower_count; i++) {
        const struct bn_isr_follower *f = &p->isr.followers[i];
        if (!f->member || f->proposed) continue;
        int64_t caught_up_ms = f->caught_up_ms == BN_ISR_NEVER ? -1 : wall_ms - (v->now_ms - f->caught_up_ms);
        bn_str_addf(out, " (brokerId: %d, endOffset: %" PRId64 ", lag: %" PRId64 ", lastCaughtUpTimeMs: %" PRId64 ")",
                    f->id, f->end, v->leader_end - bn_max_i64(f->end, 0), caught_up_ms);
    }
}

/* A proposal stands that did not before: it is told as Kafka tells it, and said. v: NULL when there is no log. */
static void propose(struct bn_partition *p, const struct bn_isr_view *v) {
    struct bn_str now, then, out;
    bn_str_init(&now);
    bn_str_init(&then);
    bn_str_init(&out);
    add_ids(&now, p->isr.members, p->isr.member_count);
    add_proposal(&then, &p->isr);
    if (v) add_laggards(&out, p, v);
    if (p->isr.change == BN_ISR_SHRINKING)
        BN_INFO("partition",
                "[Partition %s-%d broker=%d] Shrinking ISR from %s to %s. Leader: (highWatermark: %" PRId64
                ", endOffset: %" PRId64 "). Out of sync replicas:%s.",
                p->topic, p->key.index, p->deps->broker_id, now.ptr, then.ptr, v->high_watermark, v->leader_end,
                out.ptr);
    else if (p->isr.change == BN_ISR_RESIGNING)
        BN_WARN("partition", "[Partition %s-%d broker=%d] Its log has failed: leaving it to the ISR %s", p->topic,
                p->key.index, p->deps->broker_id, then.ptr);
    else
        BN_INFO("partition",
                "[Partition %s-%d broker=%d] Expanding ISR from %s to %s. Leader: (highWatermark: %" PRId64
                ", endOffset: %" PRId64 ").",
                p->topic, p->key.index, p->deps->broker_id, now.ptr, then.ptr, v->high_watermark, v->leader_end);
    bn_str_fini(&now);
    bn_str_fini(&then);
    bn_str_fini(&out);
    bn_proposals_say(p->proposals, p);
}

void bn_partition_settled(struct bn_partition *p, bool new_state) {
    if (new_state) {
        struct bn_str isr;
        bn_str_init(&isr);
        add_ids(&isr, p->isr.members, p->isr.member_count);
        bool under = p->isr.member_count < bn_isr_min(&p->isr, p->min_insync);
        BN_INFO("partition", "[Partition %s-%d broker=%d] ISR updated to %s%s and version updated to %d", p->topic,
                p->key.index, p->deps->broker_id, isr.ptr, under ? " (under-min-isr)" : "", p->isr.partition_epoch);
        bn_str_fini(&isr);
    }
    if (p->isr.follower_count > 0) bn_proposals_enter(p->proposals, p);
    bn_partition_review(p);
}

/* A leader whose log failed leaves the partition to another member of the ISR, if there is one. Who is elected while
 * its log is offline hears that the same way. */
static void resign(struct bn_partition *p) {
    if (p->leader != p->deps->broker_id || p->fate != BN_PARTITION_STAYS) return;
    if (bn_isr_resign(&p->isr, (int64_t)bn_loop_now_ms(p->deps->shard->loop))) propose(p, NULL);
}

void bn_partition_review(struct bn_partition *p) {
    if (p->role == BN_PARTITION_OFFLINE) resign(p);
    if (p->role != BN_PARTITION_LEADER) return;
    const struct bn_isr_view v = view(p);
    if (bn_isr_expand(&p->isr, &v, -1)) propose(p, &v);
    advance(p);
    bn_partition_trim_review(p);
}

void bn_partition_check_lag(struct bn_partition *p) {
    if (p->role != BN_PARTITION_LEADER) return;
    const struct bn_isr_view v = view(p);
    if (bn_isr_shrink(&p->isr, &v)) propose(p, &v);
    bn_partition_review(p);
}

enum bn_isr_outcome bn_partition_altered(struct bn_partition *p, const struct bn_isr_answer *a) {
    enum bn_isr_outcome outcome = bn_isr_answered(&p->isr, a, (int64_t)bn_loop_now_ms(p->deps->shard->loop));
    if (outcome == BN_ISR_REVERTED)
        BN_INFO("partition",
                "[Partition %s-%d broker=%d] The controller refused the ISR proposed under version %d with error %d; "
                "what it committed stands",
                p->topic, p->key.index, p->deps->broker_id, a->partition_epoch, a->error);
    if (p->role == BN_PARTITION_LEADER && outcome != BN_ISR_MOOT) bn_partition_settled(p, outcome == BN_ISR_ADOPTED);
    if (p->role == BN_PARTITION_OFFLINE) resign(p);
    return outcome;
}

/* ---- what followers do ---- */

static struct bn_isr_fetch fetch_of(const struct bn_partition_read *r) {
    return (struct bn_isr_fetch){r->replica_id, r->replica_epoch, r->offset, r->replica_log_start};
}

int16_t bn_partition_admit(const struct bn_partition *p, const struct bn_partition_read *r) {
    const struct bn_isr_view v = view(p);
    const struct bn_isr_fetch f = fetch_of(r);
    switch (bn_isr_admit(&p->isr, &v, &f)) {
    case BN_ISR_FINE:
        return KE_NONE;
    case BN_ISR_STRANGER:
        return r->current_leader_epoch >= 0 ? KE_UNKNOWN_LEADER_EPOCH : KE_NOT_LEADER_OR_FOLLOWER;
    default: /* as Kafka fences the fetch of an earlier incarnation (KIP-903) */
        return KE_NOT_LEADER_OR_FOLLOWER;
    }
}

void bn_partition_progress(struct bn_partition *p, const struct bn_partition_read *r) {
    const struct bn_isr_view v = view(p);
    const struct bn_isr_fetch f = fetch_of(r);
    bool moved = bn_isr_fetched(&p->isr, &v, &f);
    if (bn_isr_expand(&p->isr, &v, f.follower)) propose(p, &v);
    if (moved) advance(p);
    bn_partition_trim_review(p);
}

static int64_t vouched_ms(const struct bn_partition *p, const struct bn_isr_follower *f) {
    int64_t last_ms = f->heard_ms;
    BN_LIST_FOR (it, &p->interests) {
        const struct bn_partition_interest *i = BN_CONTAINER_OF(it, struct bn_partition_interest, link);
        if (!i->heard_ms || i->replica_id != f->id || i->leader_epoch != p->leader_epoch) continue;
        last_ms = bn_max_i64(last_ms, atomic_load_explicit(i->heard_ms, memory_order_relaxed));
    }
    return last_ms;
}

int64_t bn_partition_heard_ms(const struct bn_partition *p) {
    BN_ON_SHARD(p->deps->shard);
    bool soon = p->role == BN_PARTITION_LOADING && p->leader == p->deps->broker_id;
    if (p->role != BN_PARTITION_LEADER && !soon) return INT64_MIN;
    int64_t least_ms = INT64_MAX;
    for (int i = 0; i < p->isr.follower_count; i++) {
        const struct bn_isr_follower *f = &p->isr.followers[i];
        if (bn_isr_may_be_member(&p->isr, f)) least_ms = bn_min_i64(least_ms, vouched_ms(p, f));
    }
    return least_ms;
}

/* ---- beginning to lead ---- */

void bn_partition_lead_init(struct bn_partition *p) {
    bn_list_init(&p->parked);
    bn_list_init(&p->early);
    bn_list_init(&p->trims);
    bn_proposals_part_init(&p->proposal);
    bn_timer_init(&p->flush_timer, p->deps->shard->loop, flush_due);
}

void bn_partition_go_on(struct bn_partition *p) {
    struct bn_list early;
    bn_list_init(&early);
    struct bn_list *it;
    while ((it = bn_list_pop_front(&p->early)) != NULL) bn_list_push_back(&early, it);
    while ((it = bn_list_pop_front(&early)) != NULL) {
        struct bn_partition_append *a = BN_CONTAINER_OF(it, struct bn_partition_append, link);
        bn_timer_stop(&a->timer);
        append_now(p, a);
    }
}

void bn_partition_lead(struct bn_partition *p) {
    int64_t end = bn_log_end_offset(p->log);
    bn_log_assign_epoch(p->log, p->leader_epoch, end);
    bn_isr_lead(&p->isr, end, (int64_t)bn_loop_now_ms(p->deps->shard->loop));
    struct bn_str isr;
    bn_str_init(&isr);
    add_ids(&isr, p->isr.members, p->isr.member_count);
    BN_INFO("partition",
            "[Partition %s-%d broker=%d] Leader at epoch %d from offset %" PRId64 " with high watermark %" PRId64
            " ISR %s",
            p->topic, p->key.index, p->deps->broker_id, p->leader_epoch, end, p->high_watermark, isr.ptr);
    bn_str_fini(&isr);
    bn_partition_settled(p, false);
    bn_partition_go_on(p);
}
