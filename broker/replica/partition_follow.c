/* partition_follow.c: what a follower does: it says where it stands, takes what its leader answers, and cuts its log
 * where the two part (3-replication 3.2, 3.7).
 *
 * Invariants
 *  1. An answer is applied only if role, leader epoch and offset are still what was asked (safety §2).
 *  2. The watermark is the leader's within what is here: it may go back, since here it only says what is known.
 *  3. One truncation at a time, and none is forgotten: a later one waits, unless a new leader epoch has made it void.
 *     Nothing is appended or fetched meanwhile; a partition that is to lead, or to go, waits for it too.
 *
 * It does not decide when and from whom to fetch: that is fetchset.c and fetcher.c. */
#include "broker/replica/partition_int.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "proto/kafka/errors.h"

bool bn_partition_position(const struct bn_partition *p, struct bn_partition_position *out) {
    if (p->role != BN_PARTITION_FOLLOWER || p->cutting) return false;
    int64_t end = bn_log_end_offset(p->log), start = bn_log_start_offset(p->log);
    /* The last batch's epoch, not the last known: one may have begun here, leading, without a batch (safety §3). */
    *out = (struct bn_partition_position){
        .offset = end,
        .log_start = start,
        .leader_epoch = p->leader_epoch,
        .last_epoch = end > start ? bn_log_epoch_of(p->log, end - 1) : -1,
    };
    return true;
}

static void set_watermark(struct bn_partition *p, int64_t leaders) {
    int64_t here = bn_max_i64(bn_log_start_offset(p->log), bn_min_i64(leaders, bn_log_end_offset(p->log)));
    if (here == p->high_watermark) return;
    p->high_watermark = here;
    bn_partition_moved(p, BN_PARTITION_COMMITTED);
}

/* ---- truncating ---- */

/* Pool thread: reads only what never changes. */
static int lower_checkpoints(void *arg, int64_t recovery_point, int64_t start_offset, uint32_t cuts, struct bn_err *e) {
    const struct bn_partition *p = arg;
    const struct bn_logdir_point point = {
        .topic = p->topic,
        .partition = p->key.index,
        .tenure = p->tenure,
        .recovery_point = recovery_point,
        .log_start_offset = start_offset,
        .cuts = cuts,
    };
    return bn_logdirs_cut(p->deps->logdirs, &point, e);
}

static void cut_done(void *arg, int status) {
    struct bn_partition *p = arg;
    p->cutting = false;
    bool next = p->next_cut.queued;
    p->next_cut.queued = false;
    if (p->fate != BN_PARTITION_STAYS) {
        p->idle(p);
    } else if (p->role == BN_PARTITION_OFFLINE) {
        return;
    } else if (status != BN_OK) {
        bn_partition_offline(p, "a truncation failed");
    } else if (next && p->role == BN_PARTITION_FOLLOWER && p->next_cut.leader_epoch == p->leader_epoch) {
        bn_partition_cut(p, p->next_cut.offset, p->next_cut.all);
    } else {
        bn_partition_resume(p);
    }
}

void bn_partition_cut(struct bn_partition *p, int64_t offset, bool all) {
    BN_ON_SHARD(p->deps->shard);
    if (p->cutting) {
        p->next_cut.queued = true;
        p->next_cut.all = all;
        p->next_cut.offset = offset;
        p->next_cut.leader_epoch = p->leader_epoch;
        return;
    }
    if (offset < p->high_watermark && !all)
        BN_WARN("partition",
                "[Partition %s-%d broker=%d] truncating to offset %" PRId64 " below high watermark %" PRId64, p->topic,
                p->key.index, p->deps->broker_id, offset, p->high_watermark);
    const struct bn_log_cut how = {
        .pool = p->deps->pool,
        .mailbox = p->deps->shard->mailbox,
        .lower = lower_checkpoints,
        .done = cut_done,
        .arg = p,
    };
    p->cutting = true;
    if (all)
        bn_log_truncate_fully(p->log, offset, &how);
    else
        bn_log_truncate(p->log, offset, &how);
    if (p->role == BN_PARTITION_OFFLINE) return; /* it failed at once */
    int64_t end = bn_log_end_offset(p->log);
    p->flushed_to = bn_min_i64(p->flushed_to, end);
    p->taken_from = all ? end : bn_min_i64(p->taken_from, end);
    set_watermark(p, p->high_watermark);
}

/* Where to cut, when the leader's log has no batch of our last epoch at our end: the largest epoch that the leader
 * knows below it is `epoch`, and ends there at `end` (3.7; KIP-101, KIP-279). Never below the log's start. */
static int64_t cut_point(const struct bn_partition *p, int32_t epoch, int64_t end) {
    int64_t here = bn_log_end_offset(p->log), own_end = -1;
    int32_t own_epoch = -1;
    int64_t to;
    if (end < 0) {
        to = p->high_watermark;
    } else if (epoch < 0) {
        to = bn_min_i64(end, here);
    } else {
        bn_log_end_of_epoch(p->log, epoch, &own_epoch, &own_end);
        if (own_end < 0)
            to = bn_min_i64(end, here);
        else if (own_epoch != epoch) /* the leader is asked again from there */
            to = bn_min_i64(own_end, here);
        else
            to = bn_min_i64(own_end, bn_min_i64(end, here));
    }
    return bn_max_i64(to, bn_log_start_offset(p->log));
}

static int part_ways(struct bn_partition *p, const struct bn_partition_fetched *f) {
    int64_t to = cut_point(p, f->diverging_epoch, f->diverging_end);
    int32_t latest = bn_log_latest_epoch(p->log);
    int64_t before = bn_log_end_offset(p->log);
    BN_INFO("partition",
            "[Partition %s-%d broker=%d] diverges from its leader, whose epoch %d ends at %" PRId64
            ": truncating from %" PRId64 " to %" PRId64,
            p->topic, p->key.index, p->deps->broker_id, f->diverging_epoch, f->diverging_end, before, to);
    /* A leader never truncates: what it sent in its epoch agrees with what it has. One that says otherwise has an epoch
     * file that contradicts its batches, and would have us take and drop the same for ever. */
    if (before > p->taken_from) p->contradicted = true;
    bn_partition_cut(p, to, false);
    if (p->role == BN_PARTITION_OFFLINE) return BN_IO;
    if (p->contradicted) return BN_AGAIN;
    return bn_log_end_offset(p->log) < before || bn_log_latest_epoch(p->log) != latest ? BN_OK : BN_AGAIN;
}

/* ---- answers ---- */

static int append(struct bn_partition *p, const struct bn_partition_fetched *f) {
    struct bn_log_replica r = {
        .bytes = f->records.ptr,
        .len = f->records.len,
        .fetch_offset = f->asked.offset,
        .now_ms = bn_clock_wall_ms(p->deps->env->clock),
    };
    int rc = bn_log_append_replica(p->log, &r);
    if (rc == BN_IO) {
        bn_partition_offline(p, "an append failed");
        return BN_IO;
    }
    if (rc == BN_NOROOM) return rc;
    p->refused = r.why;
    p->refused_offset = r.why_offset;
    if (rc != BN_OK) return BN_BAD; /* its end is what was asked, so BN_STALE is the batches' fault too */
    bn_partition_plan_flush(p);
    return BN_OK;
}

int bn_partition_fetched(struct bn_partition *p, const struct bn_partition_fetched *f) {
    BN_ON_SHARD(p->deps->shard);
    struct bn_partition_position now;
    if (!bn_partition_position(p, &now) || now.offset != f->asked.offset || now.leader_epoch != f->asked.leader_epoch)
        return BN_STALE;
    if (f->diverging_epoch >= 0 || f->diverging_end >= 0) return part_ways(p, f);
    if (f->records.len > 0) {
        int rc = append(p, f);
        if (rc != BN_OK) return rc;
    }
    set_watermark(p, f->high_watermark);
    /* What the leader no longer has is not kept here; never beyond what is committed. */
    int64_t start = bn_min_i64(f->log_start, p->high_watermark);
    if (start <= bn_log_start_offset(p->log)) return BN_OK;
    if (bn_log_set_start_offset(p->log, start) != BN_OK) BN_UNREACHABLE();
    bn_partition_moved(p, BN_PARTITION_COMMITTED);
    return BN_OK;
}
