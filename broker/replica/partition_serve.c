/* partition_serve.c: what clients and followers read of a partition, and who hears that there is more. Consumers are
 * served nothing at or above the high watermark. */
#include "broker/replica/partition_int.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"

int16_t bn_partition_check(const struct bn_partition *p, int32_t current_leader_epoch) {
    if (p->role == BN_PARTITION_OFFLINE) return KE_KAFKA_STORAGE_ERROR;
    if (current_leader_epoch >= 0 && current_leader_epoch < p->leader_epoch) return KE_FENCED_LEADER_EPOCH;
    if (current_leader_epoch > p->leader_epoch) return KE_UNKNOWN_LEADER_EPOCH;
    return p->role == BN_PARTITION_LEADER ? KE_NONE : KE_NOT_LEADER_OR_FOLLOWER;
}

/* ---- who hears of it ---- */

void bn_partition_interest_add(struct bn_partition *p, struct bn_partition_interest *i) {
    BN_ON_SHARD(p->deps->shard);
    bn_list_push_back(&p->interests, &i->link);
    bool lead = p->role == BN_PARTITION_LEADER;
    if (!lead || i->seen < (i->follower ? bn_log_end_offset(p->log) : p->high_watermark)) i->moved(i, true);
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

void bn_partition_read(struct bn_partition *p, struct bn_partition_read *r) {
    BN_ON_SHARD(p->deps->shard);
    r->leader_id = p->leader;
    r->leader_epoch = p->leader_epoch;
    r->high_watermark = r->last_stable_offset = r->log_start_offset = r->readable_end = -1;
    r->diverging_epoch = -1;
    r->diverging_end = -1;
    r->bytes = 0;
    r->error = bn_partition_check(p, r->current_leader_epoch);
    if (r->error != KE_NONE) return;
    r->high_watermark = r->last_stable_offset = p->high_watermark;
    r->log_start_offset = bn_log_start_offset(p->log);
    int64_t upper = r->readable_end = r->replica_id >= 0 ? bn_log_end_offset(p->log) : p->high_watermark;
    if (diverges(p, r)) return;
    int64_t first = 0;
    if (r->offset >= upper && r->offset <= bn_log_end_offset(p->log)) return; /* nothing yet */
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

void bn_partition_offsets(struct bn_partition *p, struct bn_partition_offsets *q) {
    BN_ON_SHARD(p->deps->shard);
    q->found = (struct bn_log_found){-1, -1, -1};
    q->error = bn_partition_check(p, q->current_leader_epoch);
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
