/* partition.c: the life of one replica: which role the controller's decisions give it, how far the high watermark is,
 * and who waits.
 *
 * Invariants
 *  1. Only a LEADER appends, and it stamps the leader epoch of the decision that made it so.
 *  2. The high watermark never goes back while leading, and consumers are served nothing at or above it.
 *  3. A change of leader epoch answers every parked produce before anything else happens (safety §2).
 *  4. The watermark stands still while the ISR is smaller than min.insync.replicas, at most the replication factor
 * (KAFKA 3.7+).
 *
 *            opened, leader is me                      decision: other leader
 *   LOADING --------------------> LEADER <-------------------------------> FOLLOWER
 *      |                             |  bn_partition_decide                    |
 *      | could not be opened         | the log failed                          |
 *      +---------------> OFFLINE <---+-----------------------------------------+
 */
#include "broker/replica/partition_int.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "proto/kafka/errors.h"

static void advance(struct bn_partition *p);
static void append_now(struct bn_partition *p, struct bn_partition_append *a);
static void flush_due(struct bn_timer *t);

struct bn_partition *bn_partition_new(const struct bn_roster_deps *deps, const struct bn_image_topic *t,
                                      const struct bn_image_partition *state) {
    struct bn_partition *p = bn_alloc_zero(1, sizeof *p);
    p->key.topic_id = t->id;
    p->key.index = state->index;
    p->deps = deps;
    p->topic = bn_alloc_strdup(t->name);
    p->role = BN_PARTITION_LOADING;
    p->leader = p->leader_epoch = p->partition_epoch = -1;
    p->min_insync = 1;
    p->flush_messages = p->flush_ms = INT64_MAX;
    bn_list_init(&p->parked);
    bn_list_init(&p->early);
    bn_list_init(&p->watches);
    bn_timer_init(&p->flush_timer, deps->shard->loop, flush_due);
    return p;
}

void bn_partition_free(struct bn_partition *p) {
    BN_ASSERT(bn_list_empty(&p->parked) && bn_list_empty(&p->early) && bn_list_empty(&p->watches));
    bn_timer_stop(&p->flush_timer);
    bn_alloc_free(p->isr);
    bn_alloc_free(p->topic);
    bn_alloc_free(p);
}

/* ---- waiting ---- */

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

/* Notifying may register the same watch again: only those there at the start are told. */
static void notify(struct bn_partition *p, bool all) {
    struct bn_list due;
    bn_list_init(&due);
    BN_LIST_FOR (it, &p->watches) {
        struct bn_partition_watch *w = BN_CONTAINER_OF(it, struct bn_partition_watch, link);
        if (!all && w->offset >= p->high_watermark) continue;
        bn_list_remove(it);
        bn_list_push_back(&due, it);
    }
    struct bn_list *it;
    while ((it = bn_list_pop_front(&due)) != NULL) {
        struct bn_partition_watch *w = BN_CONTAINER_OF(it, struct bn_partition_watch, link);
        w->notify(w);
    }
}

void bn_partition_evict(struct bn_partition *p, int16_t error) {
    finish_all(&p->parked, error);
    finish_all(&p->early, error);
    notify(p, true);
}

void bn_partition_watch(struct bn_partition *p, struct bn_partition_watch *w) {
    BN_ON_SHARD(p->deps->shard);
    bn_list_init(&w->link);
    if (p->role != BN_PARTITION_LEADER || w->offset < p->high_watermark)
        w->notify(w);
    else
        bn_list_push_back(&p->watches, &w->link);
}

void bn_partition_unwatch(struct bn_partition_watch *w) { bn_list_remove(&w->link); }

/* ---- roles ---- */

static bool in_isr(const struct bn_partition *p, int32_t broker) {
    for (int i = 0; i < p->isr_count; i++) {
        if (p->isr[i] == broker) return true;
    }
    return false;
}

static int effective_min_insync(const struct bn_partition *p) {
    return p->min_insync < p->replica_count ? p->min_insync : p->replica_count;
}

static void go_offline(struct bn_partition *p, const char *why) {
    if (p->role == BN_PARTITION_OFFLINE) return;
    p->role = BN_PARTITION_OFFLINE;
    BN_ERROR("partition", "[Partition %s-%d] offline: %s", p->topic, p->key.index, why);
    bn_partition_evict(p, KE_KAFKA_STORAGE_ERROR);
}

/* The part of a decision that needs the log. */
static void take_role(struct bn_partition *p, bool new_epoch) {
    bool lead = p->leader == p->deps->broker_id;
    enum bn_partition_role before = p->role;
    if (new_epoch) finish_all(&p->parked, KE_NOT_LEADER_OR_FOLLOWER);
    p->role = lead ? BN_PARTITION_LEADER : BN_PARTITION_FOLLOWER;
    if (lead && (new_epoch || before != BN_PARTITION_LEADER)) {
        bn_log_assign_epoch(p->log, p->leader_epoch, bn_log_end_offset(p->log));
        BN_INFO("partition",
                "[Partition %s-%d broker=%d] Leader at epoch %d from offset %" PRId64 " with high watermark %" PRId64,
                p->topic, p->key.index, p->deps->broker_id, p->leader_epoch, bn_log_end_offset(p->log),
                p->high_watermark);
    }
    if (lead) {
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
    } else {
        bn_partition_evict(p, KE_NOT_LEADER_OR_FOLLOWER);
    }
}

void bn_partition_opened(struct bn_partition *p, struct bn_log *log, int64_t checkpointed) {
    BN_ON_SHARD(p->deps->shard);
    p->opening = false;
    p->log = log;
    if (!log) {
        go_offline(p, "its log could not be opened");
        return;
    }
    p->high_watermark = bn_max_i64(bn_log_start_offset(log), bn_min_i64(checkpointed, bn_log_end_offset(log)));
    p->flushed_to = bn_log_end_offset(log);
    take_role(p, true);
}

void bn_partition_decide(struct bn_partition *p, const struct bn_image_partition *state) {
    BN_ON_SHARD(p->deps->shard);
    if (state->leader_epoch < p->leader_epoch) return; /* an older decision never undoes a newer one */
    bool new_epoch = state->leader_epoch != p->leader_epoch;
    p->leader = state->leader;
    p->leader_epoch = state->leader_epoch;
    p->partition_epoch = state->partition_epoch;
    p->replica_count = state->replica_count;
    p->isr = bn_alloc_resize(p->isr, (size_t)state->isr_count * sizeof *p->isr + 1);
    for (int i = 0; i < state->isr_count; i++) p->isr[i] = state->isr[i];
    p->isr_count = state->isr_count;
    if (p->role == BN_PARTITION_OFFLINE || !p->log) {
        if (p->leader != p->deps->broker_id) finish_all(&p->early, KE_NOT_LEADER_OR_FOLLOWER);
        return;
    }
    take_role(p, new_epoch);
}

void bn_partition_configure(struct bn_partition *p, const struct bn_log_config *config, int32_t min_insync) {
    p->min_insync = min_insync;
    p->flush_messages = config->flush_messages;
    p->flush_ms = config->flush_ms;
    if (p->log) bn_log_reconfigure(p->log, config);
}

int16_t bn_partition_check_leader(const struct bn_partition *p, int32_t current_leader_epoch) {
    if (p->role == BN_PARTITION_OFFLINE) return KE_KAFKA_STORAGE_ERROR;
    if (current_leader_epoch >= 0 && current_leader_epoch < p->leader_epoch) return KE_FENCED_LEADER_EPOCH;
    if (current_leader_epoch > p->leader_epoch) return KE_UNKNOWN_LEADER_EPOCH;
    return p->role == BN_PARTITION_LEADER ? KE_NONE : KE_NOT_LEADER_OR_FOLLOWER;
}

/* ---- the high watermark ---- */

/* Moves the watermark to the least end of the in-sync replicas. This broker knows its own end; an in-sync follower's
 * end is not known here before it has fetched, so with one in the ISR the watermark waits. */
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
    if (!bn_list_empty(&p->watches)) notify(p, false);
}

/* ---- flushing by count and by time (flush.messages, flush.ms) ---- */

static void flushed(void *arg, int status) {
    struct bn_partition *p = arg;
    p->flushing = false;
    if (p->fate != BN_PARTITION_STAYS)
        p->idle(p);
    else if (status != BN_OK)
        go_offline(p, "a flush failed");
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
    int16_t error = bn_partition_check_leader(p, -1);
    if (error == KE_NONE && a->acks == -1 && p->isr_count < effective_min_insync(p)) error = KE_NOT_ENOUGH_REPLICAS;
    if (error != KE_NONE) {
        finish(a, error);
        return;
    }
    a->log.leader_epoch = p->leader_epoch;
    bn_log_append(p->log, &a->log);
    if (a->log.error != KE_NONE) {
        finish(a, a->log.error);
        if (bn_log_failed(p->log)) go_offline(p, "an append failed");
        return;
    }
    /* A duplicate waits for the watermark as its original did (safety §3). */
    a->required_offset = a->log.last_offset + 1;
    if (!a->log.duplicate) {
        advance(p);
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

void bn_partition_read(struct bn_partition *p, struct bn_partition_read *r) {
    BN_ON_SHARD(p->deps->shard);
    r->leader_id = p->leader;
    r->leader_epoch = p->leader_epoch;
    r->high_watermark = r->last_stable_offset = r->log_start_offset = -1;
    r->bytes = 0;
    r->error = bn_partition_check_leader(p, r->current_leader_epoch);
    if (r->error != KE_NONE) return;
    r->high_watermark = r->last_stable_offset = p->high_watermark;
    r->log_start_offset = bn_log_start_offset(p->log);
    int64_t first = 0;
    if (r->offset >= p->high_watermark && r->offset <= bn_log_end_offset(p->log)) return; /* nothing yet */
    int rc = bn_log_read(p->log, r->offset, p->high_watermark, r->max_bytes, r->whole_first, &r->records, &r->bytes,
                         &first);
    if (rc == BN_NOTFOUND)
        r->error = KE_OFFSET_OUT_OF_RANGE;
    else if (rc != BN_OK)
        r->error = KE_KAFKA_STORAGE_ERROR;
    if (r->error == KE_KAFKA_STORAGE_ERROR && bn_log_failed(p->log)) go_offline(p, "a read failed");
}

void bn_partition_offsets(struct bn_partition *p, struct bn_partition_offsets *q) {
    BN_ON_SHARD(p->deps->shard);
    q->found = (struct bn_log_found){-1, -1, -1};
    q->error = bn_partition_check_leader(p, q->current_leader_epoch);
    if (q->error != KE_NONE) return;
    int rc = BN_OK;
    switch (q->timestamp) {
    case -1: /* latest: a consumer's is the high watermark; its epoch is the leader's */
        q->found = (struct bn_log_found){p->high_watermark, -1, p->leader_epoch};
        return;
    case -2: /* earliest */
    case -4: /* earliest local: nothing is tiered */
        q->found.offset = bn_log_start_offset(p->log);
        q->found.leader_epoch = bn_log_epoch_of(p->log, q->found.offset);
        return;
    case -5: /* latest tiered: there is none */
        return;
    case -3:
        rc = bn_log_find_max_time(p->log, &q->found);
        break;
    default:
        rc = bn_log_find_time(p->log, q->timestamp, p->high_watermark, &q->found);
    }
    if (rc != BN_OK)
        q->error = rc == BN_BAD ? KE_CORRUPT_MESSAGE : KE_KAFKA_STORAGE_ERROR;
    else if (q->found.offset >= p->high_watermark)
        q->found = (struct bn_log_found){-1, -1, -1};
}
