/* partition_serve.c: what clients and followers read of a partition, and who hears that there is more. Consumers are
 * served nothing at or above the high watermark: a follower's own lags behind its leader's, so that it is safe there
 * too (KIP-392). */
#include "broker/replica/closest.h"
#include "broker/replica/partition_int.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"

int16_t bn_partition_check(const struct bn_partition *p, int32_t current_leader_epoch) {
    if (p->role == BN_PARTITION_OFFLINE) return KE_KAFKA_STORAGE_ERROR;
    if (current_leader_epoch != -1 && current_leader_epoch < p->leader_epoch) return KE_FENCED_LEADER_EPOCH;
    if (current_leader_epoch > p->leader_epoch) return KE_UNKNOWN_LEADER_EPOCH;
    return p->role == BN_PARTITION_LEADER ? KE_NONE : KE_NOT_LEADER_OR_FOLLOWER;
}

/* A follower serves consumers that know to ask one. */
static bool serves(const struct bn_partition *p, bool follower, bool any_replica) {
    if (p->role == BN_PARTITION_LEADER) return true;
    return p->role == BN_PARTITION_FOLLOWER && any_replica && !follower;
}

/* ---- who hears of it ---- */

void bn_partition_interest_add(struct bn_partition *p, struct bn_partition_interest *i) {
    BN_ON_SHARD(p->deps->shard);
    bn_list_push_back(&p->interests, &i->link);
    bool here = serves(p, i->follower, i->any_replica);
    if (!here || i->seen < (i->follower ? bn_log_end_offset(p->log) : p->high_watermark)) i->moved(i, true);
}

void bn_partition_interest_drop(struct bn_partition_interest *i) { bn_list_remove(&i->link); }

/* moved() may drop its own wish, and others of the same fetch: the list is taken apart and put together again. */
void bn_partition_moved(struct bn_partition *p, enum bn_partition_news news) {
    if (bn_list_empty(&p->interests)) return;
    struct bn_list told;
    bn_list_init(&told);
    struct bn_list *it;
    while ((it = bn_list_pop_front(&p->interests)) != NULL) {
        struct bn_partition_interest *i = BN_CONTAINER_OF(it, struct bn_partition_interest, link);
        bn_list_push_back(&told, it);
        if (news == BN_PARTITION_APPENDED && !i->follower) continue;
        i->moved(i, news == BN_PARTITION_ROLE || i->follower == (news == BN_PARTITION_APPENDED));
    }
    while ((it = bn_list_pop_front(&told)) != NULL) bn_list_push_back(&p->interests, it);
}

void bn_partition_disappoint(struct bn_partition *p) {
    struct bn_list *it;
    while ((it = bn_list_pop_front(&p->interests)) != NULL) {
        struct bn_partition_interest *i = BN_CONTAINER_OF(it, struct bn_partition_interest, link);
        i->moved(i, true);
    }
}

/* ---- reading ---- */

/* True when the reader's log parts from this one: the batch before its offset is of an epoch that ended earlier here,
 * or is not known here (3-replication 3.7). */
static bool diverges(const struct bn_partition *p, struct bn_partition_read *r) {
    if (r->last_fetched_epoch < 0) return false;
    int32_t epoch = -1;
    int64_t end = -1;
    bn_log_end_of_epoch(p->log, r->last_fetched_epoch, &epoch, &end);
    if (end < 0) {
        r->error = KE_OFFSET_OUT_OF_RANGE;
        return true;
    }
    if (epoch >= r->last_fetched_epoch && end >= r->offset) return false;
    r->diverging_epoch = epoch;
    r->diverging_end = end;
    return true;
}

static int32_t closest(const struct bn_partition *p, const struct bn_partition_read *r) {
    if (!p->deps->rack_aware || p->role != BN_PARTITION_LEADER) return -1;
    const struct bn_closest_consumer c = {.rack = r->rack, .listener = r->listener, .offset = r->offset};
    return bn_closest_choose(&p->isr, bn_roster_image(p->roster), &c);
}

static int16_t check_reader(const struct bn_partition *p, const struct bn_partition_read *r) {
    bool follower = r->replica_id >= 0;
    int16_t error = bn_partition_check(p, r->current_leader_epoch);
    if (error == KE_NOT_LEADER_OR_FOLLOWER && serves(p, follower, r->any_replica)) return KE_NONE;
    return error == KE_NONE && follower ? bn_partition_admit(p, r) : error;
}

void bn_partition_read(struct bn_partition *p, struct bn_partition_read *r) {
    BN_ON_SHARD(p->deps->shard);
    r->leader_id = p->leader;
    r->leader_epoch = p->leader_epoch;
    r->high_watermark = r->last_stable_offset = r->log_start_offset = r->readable_end = -1;
    r->diverging_epoch = -1;
    r->diverging_end = -1;
    r->bytes = 0;
    r->preferred = -1;
    r->error = check_reader(p, r);
    if (r->error != KE_NONE) return;
    bool follower = r->replica_id >= 0;
    int64_t start = bn_log_start_offset(p->log), end = bn_log_end_offset(p->log);
    r->log_start_offset = start;
    if (r->offset < start)
        r->error = KE_OFFSET_OUT_OF_RANGE;
    else if (!diverges(p, r) && follower && r->progress && r->offset <= end)
        bn_partition_progress(p, r); /* first: its answer tells the watermark that follows from it */
    r->high_watermark = r->last_stable_offset = p->high_watermark;
    int64_t upper = r->readable_end = follower ? end : p->high_watermark;
    if (r->error != KE_NONE || r->diverging_end >= 0) return;
    if (!follower) r->preferred = closest(p, r);
    if (r->preferred >= 0) return;
    int64_t first = 0;
    if (r->offset >= upper && r->offset <= end) return; /* nothing yet */
    int rc = bn_log_read(p->log, r->offset, upper, r->max_bytes, r->whole_first, &r->records, &r->bytes, &first);
    if (rc == BN_NOTFOUND)
        r->error = KE_OFFSET_OUT_OF_RANGE;
    else if (rc != BN_OK)
        r->error = KE_KAFKA_STORAGE_ERROR;
    if (r->error == KE_KAFKA_STORAGE_ERROR && bn_log_failed(p->log)) bn_partition_offline(p, "a read failed");
}

void bn_partition_epoch_end(struct bn_partition *p, struct bn_partition_epoch_end *q) {
    BN_ON_SHARD(p->deps->shard);
    q->found_epoch = -1;
    q->end_offset = -1;
    q->error = bn_partition_check(p, q->current_leader_epoch);
    if (q->error == KE_NONE) bn_log_end_of_epoch(p->log, q->epoch, &q->found_epoch, &q->end_offset);
}

/* What a reader may be told about: a consumer what is committed, a follower (and a tool that poses as one) all. */
static int16_t offset_below(const struct bn_partition *p, struct bn_partition_offsets *q, int64_t below) {
    int rc = BN_OK;
    if (q->timestamp == -3)
        rc = bn_log_find_max_time(p->log, &q->found);
    else
        rc = bn_log_find_time(p->log, q->timestamp, below, &q->found);
    if (rc != BN_OK) return rc == BN_BAD ? KE_CORRUPT_MESSAGE : KE_KAFKA_STORAGE_ERROR;
    if (q->found.offset >= below) q->found = (struct bn_log_found){-1, -1, -1};
    return KE_NONE;
}

void bn_partition_offsets(struct bn_partition *p, struct bn_partition_offsets *q) {
    BN_ON_SHARD(p->deps->shard);
    q->found = (struct bn_log_found){-1, -1, -1};
    q->error = bn_partition_check(p, q->current_leader_epoch);
    bool debugs = q->replica_id == -2 && p->role == BN_PARTITION_FOLLOWER; /* Kafka's tools that compare replicas */
    if (q->error == KE_NOT_LEADER_OR_FOLLOWER && debugs) q->error = KE_NONE;
    if (q->error != KE_NONE) return;
    bool follower = q->replica_id != -1;
    int64_t below = follower ? bn_log_end_offset(p->log) : p->high_watermark;
    /* A new leader does not know yet what the one before had committed: a consumer must not take an offset for the end
     * that others have read beyond (KIP-207). */
    bool lags = !follower && p->high_watermark < p->isr.epoch_start;
    switch (q->timestamp) {
    case -1: /* latest; its epoch is the leader's */
        if (lags)
            q->error = KE_OFFSET_NOT_AVAILABLE;
        else
            q->found = (struct bn_log_found){below, -1, p->leader_epoch};
        return;
    case -2: /* earliest */
    case -4: /* earliest local: nothing is tiered */
        q->found.offset = bn_log_start_offset(p->log);
        q->found.leader_epoch = bn_log_epoch_of(p->log, q->found.offset);
        return;
    case -5: /* latest tiered: there is none */
        return;
    default:
        q->error = offset_below(p, q, below);
        if (q->error == KE_NONE && q->found.offset < 0 && lags) q->error = KE_OFFSET_NOT_AVAILABLE;
    }
}
