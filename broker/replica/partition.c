/* partition.c: the life of one replica: which role the controller's decisions give it.
 *
 * A change of leader epoch answers every parked produce before anything else happens (safety §2). What a leader does is
 * in partition_lead.c, what a follower does in partition_follow.c, what both serve in partition_serve.c.
 *
 *            opened, leader is me                      decision: other leader
 *   LOADING --------------------> LEADER <-------------------------------> FOLLOWER
 *      |                             |  bn_partition_decide                    |
 *      | <-------------------------- decision: leader is me, but the log is still being truncated
 *      | could not be opened         | the log failed                          |
 *      +---------------> OFFLINE <---+-----------------------------------------+
 */
#include "broker/replica/partition_int.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "proto/kafka/errors.h"

struct bn_partition *bn_partition_new(const struct bn_roster_deps *deps, const struct bn_image_topic *t,
                                      const struct bn_image_partition *state) {
    struct bn_partition *p = bn_alloc_zero(1, sizeof *p);
    p->key.topic_id = t->id;
    p->key.index = state->index;
    p->deps = deps;
    p->topic = bn_alloc_strdup(t->name);
    p->role = BN_PARTITION_LOADING;
    p->leader = p->leader_epoch = -1;
    bn_isr_init(&p->isr, deps->broker_id);
    p->min_insync = 1;
    p->flush_messages = p->flush_ms = INT64_MAX;
    bn_list_init(&p->interests);
    p->deletes = true;
    bn_partition_lead_init(p);
    bn_fetchset_part_init(&p->fetch);
    return p;
}

void bn_partition_free(struct bn_partition *p) {
    BN_ASSERT(bn_list_empty(&p->trims) && bn_list_empty(&p->parked) && bn_list_empty(&p->early) &&
              bn_list_empty(&p->interests));
    bn_timer_stop(&p->flush_timer);
    bn_proposals_leave(p);
    bn_isr_fini(&p->isr);
    bn_alloc_free(p->topic);
    bn_alloc_free(p);
}

void bn_partition_evict(struct bn_partition *p, int16_t error) {
    bn_partition_refuse(p, error);
    bn_partition_moved(p, BN_PARTITION_ROLE);
}

static void tell(struct bn_partition *p) {
    if (p->changed) p->changed(p);
}

void bn_partition_offline(struct bn_partition *p, const char *why) {
    if (p->role == BN_PARTITION_OFFLINE) return;
    p->role = BN_PARTITION_OFFLINE;
    bn_proposals_leave(p);
    BN_ERROR("partition", "[Partition %s-%d] offline: %s", p->topic, p->key.index, why);
    bn_partition_evict(p, KE_KAFKA_STORAGE_ERROR);
    bn_partition_review(p);
    tell(p);
}

/* ---- roles ---- */

/* The part of a decision that needs the log. Whoever waits under an older epoch is answered first (safety §2), and what
 * those answers bring about meets no leader; unless it goes on leading: nobody else led between, so its log keeps what
 * they wait for, and a producer that was told to retry would only write it twice. */
static void take_role(struct bn_partition *p, bool goes_on) {
    p->role = BN_PARTITION_FOLLOWER;
    p->taken_from = bn_log_end_offset(p->log);
    p->contradicted = false;
    bn_proposals_leave(p);
    if (p->leader == p->deps->broker_id && p->cutting) {
        p->role = BN_PARTITION_LOADING; /* it may not append before the cut is on disk */
    } else if (p->leader == p->deps->broker_id) {
        if (!goes_on) bn_partition_refuse_parked(p, KE_NOT_LEADER_OR_FOLLOWER);
        p->role = BN_PARTITION_LEADER;
        bn_partition_lead(p);
    } else {
        bn_partition_refuse(p, KE_NOT_LEADER_OR_FOLLOWER);
    }
    bn_partition_moved(p, BN_PARTITION_ROLE);
}

void bn_partition_resume(struct bn_partition *p) {
    if (p->role == BN_PARTITION_LOADING) take_role(p, false);
    tell(p);
}

void bn_partition_opened(struct bn_partition *p, struct bn_log *log, int64_t checkpointed) {
    BN_ON_SHARD(p->deps->shard);
    p->opening = false;
    p->log = log;
    if (!log) {
        bn_partition_offline(p, "its log could not be opened");
        return;
    }
    p->high_watermark = bn_max_i64(bn_log_start_offset(log), bn_min_i64(checkpointed, bn_log_end_offset(log)));
    p->flushed_to = bn_log_end_offset(log);
    take_role(p, false);
    tell(p);
}

void bn_partition_decide(struct bn_partition *p, const struct bn_image_partition *state) {
    BN_ON_SHARD(p->deps->shard);
    const struct bn_isr_state decision = {
        .leader_epoch = state->leader_epoch,
        .partition_epoch = state->partition_epoch,
        .replicas = state->replicas,
        .isr = state->isr,
        .replica_count = state->replica_count,
        .isr_count = state->isr_count,
    };
    enum bn_isr_news news = bn_isr_decided(&p->isr, &decision, (int64_t)bn_loop_now_ms(p->deps->shard->loop));
    if (news == BN_ISR_OLD) return;
    bool goes_on = p->role == BN_PARTITION_LEADER && state->leader == p->deps->broker_id &&
                   state->leader_epoch == p->leader_epoch + 1;
    p->leader = state->leader;
    p->leader_epoch = state->leader_epoch;
    if (p->role == BN_PARTITION_OFFLINE || !p->log) {
        if (p->leader != p->deps->broker_id) bn_partition_refuse(p, KE_NOT_LEADER_OR_FOLLOWER);
        bn_partition_review(p);
        return;
    }
    if (news == BN_ISR_NEW_EPOCH)
        take_role(p, goes_on);
    else if (p->role == BN_PARTITION_LEADER)
        bn_partition_settled(p, news == BN_ISR_NEW_STATE);
    tell(p);
}

void bn_partition_configure(struct bn_partition *p, const struct bn_log_config *config, int32_t min_insync) {
    p->min_insync = min_insync;
    p->deletes = config->delete;
    p->flush_messages = config->flush_messages;
    p->flush_ms = config->flush_ms;
    if (p->log) bn_log_reconfigure(p->log, config);
    if (p->role == BN_PARTITION_LEADER) bn_partition_review(p);
}
