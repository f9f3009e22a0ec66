/* plant_replica.c: planted bugs of replication. Each wraps one function at the border of a file of broker/replica or
 * broker/log (the linker's --wrap) and breaks the rule that it stands for; without its plant a wrapper only passes on.
 */
#include "tests/sim/plant_replica.h"
#include "broker/cluster/agent.h"
#include "broker/log/logdir.h"
#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "tests/sim/plant.h"
#include "tests/sim/taps.h"

static bool is(enum sim_plant p) { return sim_planted == p; }

/* What has been heard of whoever is registered now, if by an earlier incarnation, is taken for its own. */
static void adopt(struct bn_isr *s, const struct bn_isr_view *v) {
    for (int i = 0; is(SIM_PLANT_ANY_INCARNATION) && i < s->follower_count; i++) {
        struct bn_isr_follower *f = &s->followers[i];
        int64_t live = v->live_epoch(v->arg, f->id);
        if (f->broker_epoch >= 0 && f->broker_epoch < live) f->broker_epoch = live;
    }
}

/* ---- the high watermark ---- */

static bool counts(const struct bn_isr *s, const struct bn_isr_follower *f) {
    if (is(SIM_PLANT_ACK_EARLY)) return false;
    if (is(SIM_PLANT_HASTY) && s->change == BN_ISR_SHRINKING) return f->member && f->proposed;
    return f->member; /* SIM_PLANT_COMMITTED_ONLY, too */
}

int64_t __wrap_bn_isr_watermark(const struct bn_isr *s, const struct bn_isr_view *v, int32_t min_insync) {
    bool own = is(SIM_PLANT_ACK_EARLY) || is(SIM_PLANT_HASTY) || is(SIM_PLANT_COMMITTED_ONLY);
    int64_t to = __real_bn_isr_watermark(s, v, is(SIM_PLANT_BELOW_MIN) ? 0 : min_insync);
    if (own && s->member_count >= bn_isr_min(s, min_insync)) {
        int64_t least = v->leader_end;
        for (int i = 0; i < s->follower_count; i++)
            if (counts(s, &s->followers[i])) least = bn_min_i64(least, s->followers[i].end);
        to = bn_max_i64(least, v->high_watermark);
    }
    sim_tap_watermark(s, v, min_insync, to);
    return to;
}

/* ---- the ISR ---- */

bool __wrap_bn_isr_expand(struct bn_isr *s, const struct bn_isr_view *v, int32_t follower) {
    adopt(s, v);
    if (!is(SIM_PLANT_EXPAND_EARLY) || s->epoch_start < 0) return __real_bn_isr_expand(s, v, follower);
    struct bn_isr_view low = *v;
    int64_t start = s->epoch_start;
    low.high_watermark = 0;
    s->epoch_start = 0;
    bool expands = __real_bn_isr_expand(s, &low, follower);
    s->epoch_start = start;
    return expands;
}

enum bn_isr_outcome __wrap_bn_isr_answered(struct bn_isr *s, const struct bn_isr_answer *a, int64_t now_ms) {
    enum bn_isr_outcome outcome = __real_bn_isr_answered(s, a, now_ms);
    if (!is(SIM_PLANT_SILENCE_ENDS) || outcome != BN_ISR_AGAIN) return outcome;
    s->change = BN_ISR_SETTLED;
    return BN_ISR_REVERTED;
}

enum bn_isr_verdict __wrap_bn_isr_admit(const struct bn_isr *s, const struct bn_isr_view *v,
                                        const struct bn_isr_fetch *f) {
    enum bn_isr_verdict verdict = __real_bn_isr_admit(s, v, f);
    return is(SIM_PLANT_ANY_INCARNATION) && verdict == BN_ISR_STALE ? BN_ISR_FINE : verdict;
}

bool __wrap_bn_isr_fetched(struct bn_isr *s, const struct bn_isr_view *v, const struct bn_isr_fetch *f) {
    struct bn_isr_fetch any = *f;
    int64_t live = v->live_epoch(v->arg, f->follower);
    if (is(SIM_PLANT_ANY_INCARNATION)) any.broker_epoch = bn_max_i64(any.broker_epoch, live);
    return __real_bn_isr_fetched(s, v, &any);
}

/* ---- decisions ---- */

void __wrap_bn_partition_decide(struct bn_partition *p, const struct bn_image_partition *state) {
    int32_t epoch = p->leader_epoch;
    __real_bn_partition_decide(p, state);
    bool follows = p->role == BN_PARTITION_FOLLOWER && p->log && p->leader_epoch != epoch && !p->cutting;
    if (is(SIM_PLANT_CUT_TO_WATERMARK) && follows && p->high_watermark < bn_log_end_offset(p->log))
        bn_partition_cut(p, p->high_watermark, false);
}

void __wrap_bn_partition_refuse(struct bn_partition *p, int16_t error) {
    bool stays = p->fate == BN_PARTITION_STAYS && error == KE_NOT_LEADER_OR_FOLLOWER;
    if (!is(SIM_PLANT_PARKED_SURVIVE) || !stays) __real_bn_partition_refuse(p, error);
}

void __wrap_bn_partition_refuse_parked(struct bn_partition *p, int16_t error) {
    if (!is(SIM_PLANT_PARKED_SURVIVE)) __real_bn_partition_refuse_parked(p, error);
}

/* ---- following ---- */

int __wrap_bn_partition_fetched(struct bn_partition *p, const struct bn_partition_fetched *f) {
    struct bn_partition_fetched changed = *f;
    bool diverges = f->diverging_epoch >= 0 || f->diverging_end >= 0;
    if (is(SIM_PLANT_NO_CUT)) changed.diverging_epoch = -1, changed.diverging_end = -1;
    int rc = __real_bn_partition_fetched(p, &changed);
    return is(SIM_PLANT_NO_CUT) && diverges && rc == BN_OK ? BN_AGAIN : rc; /* else it asks as fast as it can */
}

/* ---- the log ---- */

/* As if all that is cut off had been synced and the checkpoint written at the last moment before. */
int __wrap_bn_logdirs_cut(struct bn_logdirs *d, const struct bn_logdir_point *p, struct bn_err *e) {
    struct bn_logdir_point high = *p;
    high.recovery_point += 1000;
    return is(SIM_PLANT_POINT_STAYS) ? bn_logdirs_checkpoint(d, &high, 1, e) : __real_bn_logdirs_cut(d, p, e);
}

int __wrap_bn_logdirs_place(struct bn_logdirs *d, const char *topic, int32_t partition, bool create,
                            struct bn_log_open *o, struct bn_err *e) {
    int rc = __real_bn_logdirs_place(d, topic, partition, create, o, e);
    if (is(SIM_PLANT_CLEAN_LIE) && rc == 0) o->clean = true;
    return rc;
}

int __wrap_bn_logdirs_remove(struct bn_logdirs *d, const char *topic, int32_t partition, bool stray, int64_t delay_ms,
                             struct bn_pool *pool, struct bn_err *e) {
    return __real_bn_logdirs_remove(d, topic, partition, stray && !is(SIM_PLANT_UNPROVEN), delay_ms, pool, e);
}

/* ---- before the registration ---- */

static struct bn_image *last_images[SIM_BROKERS];

void sim_plant_image(const struct sim_proc *p, struct bn_image *image) {
    if (!is(SIM_PLANT_RESUME)) return;
    bn_image_ref(image); /* kept for good */
    last_images[p->index] = image;
}

void __wrap_bn_agent_register(struct bn_agent *a, const struct bn_agent_registration *registration) {
    struct sim_proc *p = sim_here->current;
    struct bn_image *image = last_images[p->index];
    for (int i = 0; image && i < p->shard_count; i++) {
        Bn__ImageDelta delta = BN__IMAGE_DELTA__INIT;
        struct sim_where before = sim_enter(sim_here, p, p->shards[i]);
        delta.reset = true;
        __real_bn_roster_apply(p->broker->rosters[i], image, &delta, p->shard_count);
        sim_leave(sim_here, before);
    }
    __real_bn_agent_register(a, registration);
}
