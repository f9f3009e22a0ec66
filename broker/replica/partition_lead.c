/* partition_lead.c: what a leader does: appends, the high watermark, and produces that wait for it; also flushing by
 * count and by time.
 *
 * Invariants
 *  1. Only a LEADER appends, and it stamps the leader epoch of the decision that made it so.
 *  2. The high watermark never goes back while leading.
 *  3. It stands still while the ISR is smaller than min.insync.replicas, at most the replication factor (KAFKA 3.7+).
 */
#include "broker/replica/partition_int.h"
#include "common/base/check.h"
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

void bn_partition_refuse(struct bn_partition *p, int16_t error) {
    finish_all(&p->parked, error);
    finish_all(&p->early, error);
}

/* ---- the high watermark ---- */

/* Moves the watermark to the least end of the in-sync replicas. This broker knows its own end; an in-sync follower's
 * end is not known here before it has fetched, so with one in the ISR the watermark waits. */
static bool in_isr(const struct bn_partition *p, int32_t broker) {
    for (int i = 0; i < p->isr_count; i++) {
        if (p->isr[i] == broker) return true;
    }
    return false;
}

static int effective_min_insync(const struct bn_partition *p) {
    return p->min_insync < p->replica_count ? p->min_insync : p->replica_count;
}

static void advance(struct bn_partition *p) {
    if (p->isr_count < effective_min_insync(p)) return;
    if (p->isr_count != 1 || !in_isr(p, p->deps->broker_id)) return;
    int64_t end = bn_log_end_offset(p->log);
    if (end <= p->high_watermark) return;
    p->high_watermark = end;
    while (!bn_list_empty(&p->parked)) {
        struct bn_partition_append *a = BN_CONTAINER_OF(p->parked.next, struct bn_partition_append, link);
        if (a->required_offset > p->high_watermark) break;
        bool enough = p->isr_count >= effective_min_insync(p);
        finish(a, enough ? KE_NONE : KE_NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    }
    bn_partition_moved(p, BN_PARTITION_COMMITTED);
}

/* ---- flushing by count and by time (flush.messages, flush.ms) ---- */

static void flushed(void *arg, int status) {
    struct bn_partition *p = arg;
    p->flushing = false;
    if (p->fate != BN_PARTITION_STAYS)
        p->idle(p);
    else if (status != BN_OK)
        bn_partition_offline(p, "a flush failed");
}

static void flush_now(struct bn_partition *p) {
    if (p->flushing || !p->log || p->role == BN_PARTITION_OFFLINE) return;
    p->flushing = true;
    p->flushed_to = bn_log_end_offset(p->log);
    bn_log_flush(p->log, p->deps->pool, p->deps->shard->mailbox, flushed, p);
}

static void flush_due(struct bn_timer *t) { flush_now(BN_CONTAINER_OF(t, struct bn_partition, flush_timer)); }

static void plan_flush(struct bn_partition *p) {
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
    if (error == KE_NONE && a->acks == -1 && p->isr_count < effective_min_insync(p)) error = KE_NOT_ENOUGH_REPLICAS;
    if (error != KE_NONE) {
        finish(a, error);
        return;
    }
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
        advance(p);
        bn_partition_moved(p, BN_PARTITION_APPENDED);
        plan_flush(p);
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
    a->log.bad_record = -1;
    bn_list_init(&a->link);
    bn_timer_init(&a->timer, p->deps->shard->loop, append_timed_out);
    if (p->role == BN_PARTITION_LOADING && p->leader == p->deps->broker_id && p->opening) {
        /* Clients hear of a new topic while its log is being made: a moment's wait beats a refusal and their back-off.
         */
        bn_list_push_back(&p->early, &a->link);
        bn_timer_start(&a->timer, (uint64_t)bn_max_i64(a->timeout_ms, 0));
        return;
    }
    append_now(p, a);
}

/* ---- beginning to lead ---- */

void bn_partition_lead_init(struct bn_partition *p) {
    bn_list_init(&p->parked);
    bn_list_init(&p->early);
    bn_timer_init(&p->flush_timer, p->deps->shard->loop, flush_due);
}

void bn_partition_lead(struct bn_partition *p, bool anew) {
    if (anew) {
        bn_log_assign_epoch(p->log, p->leader_epoch, bn_log_end_offset(p->log));
        BN_INFO("partition",
                "[Partition %s-%d broker=%d] Leader at epoch %d from offset %" PRId64 " with high watermark %" PRId64,
                p->topic, p->key.index, p->deps->broker_id, p->leader_epoch, bn_log_end_offset(p->log),
                p->high_watermark);
    }
    advance(p);
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
