/* isr.c: the rules by which a leader counts its followers (3-replication 3.2 to 3.4) and has its ISR changed (safety
 * §2).
 *
 *              bn_isr_expand, bn_isr_shrink, bn_isr_resign
 *   SETTLED -----------------------------------> EXPANDING, SHRINKING, RESIGNING
 *      ^                                                 |
 *      +-------------------------------------------------+
 *        a newer committed state, by image or by answer; or a refusal that says that nothing was written
 *
 * Invariants
 *  1. One proposal stands at a time, under one partition epoch; it says the same whenever it is said.
 *  2. While it stands, whoever is in the committed or the proposed ISR counts for the watermark: the controller may
 * have written either. A lost answer ends nothing.
 *  3. Progress belongs to one incarnation of a follower under one leader epoch.
 *  4. What is known never goes back: an older decision changes nothing. */
#include "broker/replica/isr.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"

/* After a refusal: whoever was not eligible may be soon. A stopping broker is not for seconds, so it doubles. */
enum { HOLD_MS = 1000, HOLD_DOUBLINGS = 4 };

void bn_isr_init(struct bn_isr *s, int32_t self) {
    *s = (struct bn_isr){.self = self, .leader_epoch = -1, .partition_epoch = -1, .epoch_start = -1};
    s->hold_until_ms = BN_ISR_NEVER;
}

void bn_isr_fini(struct bn_isr *s) {
    bn_alloc_free(s->members);
    bn_alloc_free(s->followers);
    bn_isr_init(s, s->self);
}

static struct bn_isr_follower *find(const struct bn_isr *s, int32_t id) {
    for (int i = 0; i < s->follower_count; i++) {
        if (s->followers[i].id == id) return &s->followers[i];
    }
    return NULL;
}

static bool holds(const int32_t *ids, int count, int32_t id) {
    for (int i = 0; i < count; i++) {
        if (ids[i] == id) return true;
    }
    return false;
}

/* ---- what the controller committed ---- */

static void forget(struct bn_isr_follower *f) {
    f->end = f->log_start = f->broker_epoch = -1;
    f->fetch_leader_end = -1;
    f->caught_up_ms = f->fetch_ms = f->heard_ms = f->hold_until_ms = BN_ISR_NEVER;
    f->refusals = 0;
}

static struct bn_isr_follower *seat(struct bn_isr *s, int32_t id) {
    size_t count = (size_t)s->follower_count++;
    s->followers = bn_alloc_resize(s->followers, (count + 1) * sizeof *s->followers);
    struct bn_isr_follower *f = &s->followers[count];
    *f = (struct bn_isr_follower){.id = id};
    forget(f);
    return f;
}

static void assign(struct bn_isr *s, const int32_t *replicas, int count) {
    s->replica_count = count;
    for (int i = 0; i < count; i++) {
        if (replicas[i] != s->self && !find(s, replicas[i])) seat(s, replicas[i]);
    }
    for (int i = 0; i < s->follower_count; i++) s->followers[i].assigned = holds(replicas, count, s->followers[i].id);
}

static void commit(struct bn_isr *s, const struct bn_isr_state *d, int64_t now_ms) {
    bool new_epoch = d->leader_epoch > s->leader_epoch;
    s->leader_epoch = d->leader_epoch;
    s->partition_epoch = d->partition_epoch;
    s->change = BN_ISR_SETTLED;
    s->members = bn_alloc_resize(s->members, ((size_t)d->isr_count + 1) * sizeof *s->members);
    s->member_count = d->isr_count;
    for (int i = 0; i < d->isr_count; i++) {
        s->members[i] = d->isr[i];
        if (d->isr[i] != s->self && !find(s, d->isr[i])) seat(s, d->isr[i]); /* its assignment is not known here yet */
    }
    for (int i = 0; i < s->follower_count; i++) {
        struct bn_isr_follower *f = &s->followers[i];
        f->proposed = false;
        bool was = f->member && !new_epoch;
        f->member = holds(s->members, s->member_count, f->id);
        if (f->member) f->refusals = 0;
        if (f->member && !was) f->heard_ms = bn_max_i64(f->heard_ms, now_ms); /* nobody else led when it came in */
        /* Taken in by the controller itself: it has time to show that it follows. */
        bool unheard = f->end < 0 && f->caught_up_ms == BN_ISR_NEVER;
        if (f->member && unheard && s->epoch_start >= 0) f->caught_up_ms = now_ms;
    }
}

/* Who is neither a replica nor a member is forgotten. */
static void unseat(struct bn_isr *s) {
    int kept = 0;
    for (int i = 0; i < s->follower_count; i++) {
        const struct bn_isr_follower *f = &s->followers[i];
        bool stands = f->assigned || f->member || (s->change != BN_ISR_SETTLED && f->proposed);
        if (stands) s->followers[kept++] = *f;
    }
    s->follower_count = kept;
}

enum bn_isr_news bn_isr_decided(struct bn_isr *s, const struct bn_isr_state *d, int64_t now_ms) {
    if (d->leader_epoch < s->leader_epoch) return BN_ISR_OLD;
    bool new_epoch = d->leader_epoch > s->leader_epoch;
    bool newer = new_epoch || d->partition_epoch > s->partition_epoch;
    if (new_epoch) {
        for (int i = 0; i < s->follower_count; i++) forget(&s->followers[i]);
        s->epoch_start = -1;
        s->hold_until_ms = BN_ISR_NEVER;
    }
    assign(s, d->replicas, d->replica_count);
    if (newer) commit(s, d, now_ms);
    unseat(s);
    if (new_epoch) return BN_ISR_NEW_EPOCH;
    return newer ? BN_ISR_NEW_STATE : BN_ISR_KNOWN;
}

void bn_isr_lead(struct bn_isr *s, int64_t epoch_start, int64_t now_ms) {
    s->epoch_start = epoch_start;
    for (int i = 0; i < s->follower_count; i++) {
        struct bn_isr_follower *f = &s->followers[i];
        forget(f);
        if (f->member) f->caught_up_ms = f->heard_ms = now_ms;
    }
}

/* ---- followers' fetches ---- */

enum bn_isr_verdict bn_isr_admit(const struct bn_isr *s, const struct bn_isr_view *v, const struct bn_isr_fetch *f) {
    const struct bn_isr_follower *who = find(s, f->follower);
    if (!who || !who->assigned) return BN_ISR_STRANGER;
    if (f->broker_epoch < 0) return BN_ISR_FINE;
    if (f->broker_epoch < who->broker_epoch) return BN_ISR_STALE;
    return f->broker_epoch < v->live_epoch(v->arg, f->follower) ? BN_ISR_STALE : BN_ISR_FINE;
}

bool bn_isr_fetched(struct bn_isr *s, const struct bn_isr_view *v, const struct bn_isr_fetch *f) {
    struct bn_isr_follower *who = find(s, f->follower);
    BN_ASSERT(who && s->epoch_start >= 0);
    if (f->broker_epoch < who->broker_epoch) return false; /* it tells none, but has: somebody else's question */
    if (f->broker_epoch > who->broker_epoch && who->end >= 0) forget(who);
    who->broker_epoch = f->broker_epoch;
    bool moved = who->end != f->offset;
    /* The last time at which its fetch reached the end of that time: now, or when it fetched before. */
    if (f->offset >= v->leader_end)
        who->caught_up_ms = bn_max_i64(who->caught_up_ms, v->now_ms);
    else if (who->fetch_ms != BN_ISR_NEVER && f->offset >= who->fetch_leader_end)
        who->caught_up_ms = bn_max_i64(who->caught_up_ms, who->fetch_ms);
    who->end = f->offset;
    who->log_start = f->log_start;
    /* This one may have lain at our socket for as long as this process did not run; it was sent after the one before
     * was answered. */
    if (who->fetch_ms != BN_ISR_NEVER) who->heard_ms = bn_max_i64(who->heard_ms, who->fetch_ms);
    who->fetch_ms = v->now_ms;
    who->fetch_leader_end = v->leader_end;
    return moved;
}

void bn_isr_appended(struct bn_isr *s, int64_t old_end, int64_t now_ms) {
    for (int i = 0; i < s->follower_count; i++) {
        struct bn_isr_follower *f = &s->followers[i];
        if (f->end == old_end) f->caught_up_ms = bn_max_i64(f->caught_up_ms, now_ms);
    }
}

/* ---- what follows ---- */

int bn_isr_min(const struct bn_isr *s, int32_t min_insync) {
    return min_insync < s->replica_count ? min_insync : s->replica_count;
}

bool bn_isr_may_be_member(const struct bn_isr *s, const struct bn_isr_follower *f) {
    return f->member || (s->change != BN_ISR_SETTLED && f->proposed);
}

bool bn_isr_caught_up(const struct bn_isr_follower *f, const struct bn_isr_view *v) {
    if (f->end == v->leader_end) return true;
    return f->caught_up_ms != BN_ISR_NEVER && v->now_ms - f->caught_up_ms <= v->lag_max_ms;
}

/* Its progress is that of the incarnation which is registered. */
static bool is_eligible(const struct bn_isr_follower *f, const struct bn_isr_view *v) {
    return f->assigned && f->end >= 0 && f->broker_epoch >= 0 && v->live_epoch(v->arg, f->id) == f->broker_epoch;
}

int64_t bn_isr_watermark(const struct bn_isr *s, const struct bn_isr_view *v, int32_t min_insync) {
    if (s->member_count < bn_isr_min(s, min_insync)) return v->high_watermark;
    int64_t least = v->leader_end;
    for (int i = 0; i < s->follower_count && least > v->high_watermark; i++) {
        const struct bn_isr_follower *f = &s->followers[i];
        if (f->end >= least) continue;
        /* Who is about to join is waited for, so that it is not overtaken for ever. */
        if (bn_isr_may_be_member(s, f) || (bn_isr_caught_up(f, v) && is_eligible(f, v))) least = f->end;
    }
    return bn_max_i64(least, v->high_watermark);
}

static bool may_propose(const struct bn_isr *s, const struct bn_isr_view *v) {
    return s->epoch_start >= 0 && s->change == BN_ISR_SETTLED && v->now_ms >= s->hold_until_ms;
}

static bool may_join(const struct bn_isr *s, const struct bn_isr_follower *f, const struct bn_isr_view *v) {
    if (f->member || v->now_ms < f->hold_until_ms) return false;
    return f->end >= v->high_watermark && f->end >= s->epoch_start && is_eligible(f, v);
}

static void propose(struct bn_isr *s, enum bn_isr_change change) {
    s->change = change;
    for (int i = 0; i < s->follower_count; i++) s->followers[i].proposed_epoch = s->followers[i].broker_epoch;
}

bool bn_isr_expand(struct bn_isr *s, const struct bn_isr_view *v, int32_t follower) {
    if (!may_propose(s, v)) return false;
    struct bn_isr_follower *joins = NULL;
    for (int i = 0; i < s->follower_count; i++) {
        struct bn_isr_follower *f = &s->followers[i];
        /* Of one that has not fetched just now it must be certain that it still follows. */
        bool asked = follower < 0 ? bn_isr_caught_up(f, v) : f->id == follower;
        if (!joins && asked && may_join(s, f, v)) joins = f;
        f->proposed = f->member || f == joins;
    }
    if (joins) propose(s, BN_ISR_EXPANDING);
    return joins != NULL;
}

bool bn_isr_shrink(struct bn_isr *s, const struct bn_isr_view *v) {
    if (!may_propose(s, v)) return false;
    bool any = false;
    for (int i = 0; i < s->follower_count; i++) {
        struct bn_isr_follower *f = &s->followers[i];
        f->proposed = f->member && bn_isr_caught_up(f, v);
        any = any || (f->member && !f->proposed);
    }
    if (any) propose(s, BN_ISR_SHRINKING);
    return any;
}

bool bn_isr_resign(struct bn_isr *s, int64_t now_ms) {
    if (s->change != BN_ISR_SETTLED || now_ms < s->hold_until_ms) return false;
    bool any = false;
    for (int i = 0; i < s->follower_count; i++) {
        struct bn_isr_follower *f = &s->followers[i];
        f->proposed = f->member;
        any = any || f->member;
    }
    if (any) propose(s, BN_ISR_RESIGNING);
    return any;
}

/* ---- the proposal that stands ---- */

int bn_isr_proposal(const struct bn_isr *s, int32_t *ids, int64_t *broker_epochs) {
    int count = 0;
    BN_ASSERT(s->change != BN_ISR_SETTLED);
    for (int i = 0; i < s->member_count; i++) { /* who stays, in the order that the controller knows */
        const struct bn_isr_follower *f = find(s, s->members[i]);
        if (f ? !f->proposed : s->change == BN_ISR_RESIGNING) continue;
        ids[count] = s->members[i];
        broker_epochs[count++] = f ? f->proposed_epoch : -1;
    }
    for (int i = 0; i < s->follower_count; i++) {
        const struct bn_isr_follower *f = &s->followers[i];
        if (!f->proposed || f->member) continue;
        ids[count] = f->id;
        broker_epochs[count++] = f->proposed_epoch;
    }
    return count;
}

/* One that may not join does not keep others from it. */
static void hold(struct bn_isr *s, int64_t now_ms) {
    if (s->change != BN_ISR_EXPANDING) s->hold_until_ms = now_ms + HOLD_MS;
    for (int i = 0; i < s->follower_count; i++) {
        struct bn_isr_follower *f = &s->followers[i];
        if (!f->proposed || f->member) continue;
        f->hold_until_ms = now_ms + (HOLD_MS << f->refusals);
        if (f->refusals < HOLD_DOUBLINGS) f->refusals++;
    }
}

bool bn_isr_holds(const struct bn_isr *s, int64_t now_ms) {
    bool any = now_ms < s->hold_until_ms;
    for (int i = 0; i < s->follower_count; i++) any = any || now_ms < s->followers[i].hold_until_ms;
    return any;
}

static enum bn_isr_outcome refused(struct bn_isr *s, int16_t error, int64_t now_ms) {
    switch (error) {
    case KE_INELIGIBLE_REPLICA:
    case KE_OPERATION_NOT_ATTEMPTED:
    case KE_INVALID_REQUEST:
        /* Judged against the state that we hold committed, with no write in flight: nothing was written, and what was
         * said before this time was judged before. */
        hold(s, now_ms);
        s->change = BN_ISR_SETTLED;
        return BN_ISR_REVERTED;
    case KE_NONE: /* done; but what was done did not come with it */
    case KE_INVALID_UPDATE_VERSION:
    case KE_FENCED_LEADER_EPOCH:
    case KE_NEW_LEADER_ELECTED:
    case KE_UNKNOWN_TOPIC_OR_PARTITION:
    case KE_UNKNOWN_TOPIC_ID:
        return BN_ISR_AWAITING;
    default: /* NOT_CONTROLLER, STALE_BROKER_EPOCH, a time-out: it may have been written or not */
        return BN_ISR_AGAIN;
    }
}

enum bn_isr_outcome bn_isr_answered(struct bn_isr *s, const struct bn_isr_answer *a, int64_t now_ms) {
    bool newer = a->heard && a->state && a->state->leader_epoch == s->leader_epoch &&
                 a->state->partition_epoch > s->partition_epoch;
    if (newer) {
        commit(s, a->state, now_ms);
        return BN_ISR_ADOPTED;
    }
    bool stands = s->change != BN_ISR_SETTLED && a->leader_epoch == s->leader_epoch &&
                  a->partition_epoch == s->partition_epoch;
    if (!stands) return BN_ISR_MOOT;
    return a->heard ? refused(s, a->error, now_ms) : BN_ISR_AGAIN;
}
