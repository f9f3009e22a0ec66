/* partition_trim.c: DeleteRecords at the leader (3-replication 3.13; KIP-107): the log's start is raised at once, and
 * the answer waits until every live replica has told, by its fetches, that its log starts there too. A follower hears
 * of it with the answer to its next fetch. */
#include "broker/replica/partition_int.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"

/* The least start of the leader's log and of the live followers'; -1 while one has not told any. */
static int64_t low_watermark(const struct bn_partition *p) {
    int64_t low = bn_log_start_offset(p->log);
    for (int i = 0; i < p->isr.follower_count; i++) {
        const struct bn_isr_follower *f = &p->isr.followers[i];
        bool alive = f->assigned && bn_image_broker(bn_roster_image(p->roster), f->id);
        if (alive) low = bn_min_i64(low, f->log_start);
    }
    return low;
}

static void finish(struct bn_partition_trim *t, int16_t error) {
    bn_list_remove(&t->link);
    bn_timer_stop(&t->timer);
    t->error = error;
    t->low_watermark = error == KE_NONE || error == KE_REQUEST_TIMED_OUT ? low_watermark(t->partition) : -1;
    t->done(t);
}

static void timed_out(struct bn_timer *timer) {
    finish(BN_CONTAINER_OF(timer, struct bn_partition_trim, timer), KE_REQUEST_TIMED_OUT);
}

void bn_partition_trim_refuse(struct bn_partition *p, int16_t error) {
    while (!bn_list_empty(&p->trims)) finish(BN_CONTAINER_OF(p->trims.next, struct bn_partition_trim, link), error);
}

void bn_partition_trim_review(struct bn_partition *p) {
    if (bn_list_empty(&p->trims)) return;
    int64_t low = low_watermark(p);
    BN_LIST_FOR (it, &p->trims) {
        struct bn_partition_trim *t = BN_CONTAINER_OF(it, struct bn_partition_trim, link);
        if (t->offset <= low) finish(t, KE_NONE);
    }
}

static int16_t raise_start(struct bn_partition *p, struct bn_partition_trim *t) {
    int16_t error = bn_partition_check(p, -1);
    if (error != KE_NONE) return error;
    if (!p->deletes) return KE_POLICY_VIOLATION;
    if (t->offset == -1) t->offset = p->high_watermark;
    if (t->offset < 0 || t->offset > p->high_watermark) return KE_OFFSET_OUT_OF_RANGE;
    if (bn_log_set_start_offset(p->log, t->offset) != BN_OK) BN_UNREACHABLE();
    bn_partition_moved(p, BN_PARTITION_COMMITTED);
    return KE_NONE;
}

void bn_partition_trim(struct bn_partition *p, struct bn_partition_trim *t) {
    BN_ON_SHARD(p->deps->shard);
    t->partition = p;
    bn_list_init(&t->link);
    bn_timer_init(&t->timer, p->deps->shard->loop, timed_out);
    int16_t error = raise_start(p, t);
    if (error != KE_NONE || t->offset <= low_watermark(p)) {
        finish(t, error);
        return;
    }
    bn_list_push_back(&p->trims, &t->link);
    bn_timer_start(&t->timer, (uint64_t)bn_max_i64(t->timeout_ms, 0));
}
