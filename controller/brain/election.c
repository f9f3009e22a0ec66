/* election.c: the one place where a leader and an ISR are chosen. Owns nothing.
 *
 *   - Whoever is not fit leaves the ISR as long as a fit member stays.
 *   - No fit member: fresh ones leave while a dead one stays (it may be the only one with every record). Only fresh
 * ones: one survives, the old leader first, and leads under a new epoch. Only dead ones: the ISR stays, nobody leads.
 *     So an ISR is never emptied, and who was in it last is not forgotten.
 *   - A member that shuts down leaves as a dead one does, while a fit member stays; the last one stays, and leads on if
 * it led, but is no candidate.
 *   - The leader stays while it is a fit member (unless the preferred one is asked for, and may lead); else the first
 * fit member in the order of the assignment, one whose stream is up before others; else, if allowed, the first fit
 * replica, alone in the ISR and recovering. */
#include "controller/brain/election.h"

#include "common/base/check.h"
#include "controller/brain/ids.h"

static enum bn_election_life life(const struct bn_election_view *v, int32_t broker) { return v->life(v->arg, broker); }

static bool is_fit(const struct bn_election_view *v, int32_t broker) { return life(v, broker) >= BN_ELECTION_FIT; }

/* The first of `order` that is in `among` (any when NULL) and fit; -1. */
static int32_t pick(struct bn_fact_ids order, const struct bn_fact_ids *among, const struct bn_election_view *v) {
    for (enum bn_election_life least = BN_ELECTION_READY; least >= BN_ELECTION_FIT; least--)
        for (int32_t i = 0; i < order.count; i++)
            if (life(v, order.ids[i]) >= least && (!among || bn_ids_has(*among, order.ids[i]))) return order.ids[i];
    return BN_FACT_NO_LEADER;
}

static void initial(const struct bn_election_in *in, const struct bn_election_view *v, struct bn_election_out *out) {
    for (int32_t i = 0; i < in->replicas.count; i++)
        if (is_fit(v, in->replicas.ids[i])) out->isr[out->isr_count++] = in->replicas.ids[i];
    if (out->isr_count == 0) return;
    out->why = BN_ELECTION_INITIAL;
    out->leader = out->isr[0];
}

/* Keeps in out->isr who may stay; returns the survivor when only members in a new life are left, else -1. */
static int32_t keep_members(const struct bn_election_in *in, const struct bn_election_view *v,
                            struct bn_election_out *out) {
    struct bn_fact_ids isr = in->state->isr;
    enum bn_election_life best = BN_ELECTION_DEAD;
    bool any_dead = false;
    for (int32_t i = 0; i < isr.count; i++) {
        enum bn_election_life l = life(v, isr.ids[i]);
        best = l > best ? l : best;
        any_dead = any_dead || l == BN_ELECTION_DEAD;
    }
    if (best == BN_ELECTION_FRESH && !any_dead) {
        int32_t survivor = isr.ids[0];
        for (int32_t i = in->replicas.count - 1; i >= 0; i--)
            if (bn_ids_has(isr, in->replicas.ids[i])) survivor = in->replicas.ids[i];
        if (bn_ids_has(isr, in->state->leader)) survivor = in->state->leader;
        out->isr[out->isr_count++] = survivor;
        return survivor;
    }
    bool leads_on = best == BN_ELECTION_LEAVING && life(v, in->state->leader) == best &&
                    bn_ids_has(isr, in->state->leader);
    for (int32_t i = 0; i < isr.count; i++) {
        enum bn_election_life l = life(v, isr.ids[i]);
        bool stays = l == BN_ELECTION_DEAD || l == BN_ELECTION_LEAVING;
        if (best >= BN_ELECTION_FIT)
            stays = l >= BN_ELECTION_FIT;
        else if (leads_on)
            stays = l == BN_ELECTION_LEAVING;
        if (stays) out->isr[out->isr_count++] = isr.ids[i];
    }
    return BN_FACT_NO_LEADER;
}

static void choose_leader(const struct bn_election_in *in, const struct bn_election_view *v,
                          struct bn_election_out *out) {
    struct bn_fact_ids kept = {out->isr, out->isr_count};
    int32_t leader = in->state->leader, preferred = in->replicas.count ? in->replicas.ids[0] : BN_FACT_NO_LEADER;
    if (in->prefer && preferred >= 0 && is_fit(v, preferred) && bn_ids_has(kept, preferred)) {
        out->leader = preferred;
        return;
    }
    if (leader >= 0 && life(v, leader) >= BN_ELECTION_LEAVING && bn_ids_has(kept, leader)) {
        out->leader = leader;
        return;
    }
    out->leader = pick(in->replicas, &kept, v);
    if (out->leader < 0) out->leader = pick(kept, NULL, v);
    if (out->leader >= 0) return;
    int32_t unclean = pick(in->replicas, NULL, v);
    out->only_unclean = unclean >= 0;
    if (!in->unclean || unclean < 0) return;
    out->why = BN_ELECTION_UNCLEAN;
    out->leader = out->isr[0] = unclean;
    out->isr_count = 1;
    out->recovering = true;
}

void bn_election_run(const struct bn_election_in *in, const struct bn_election_view *view,
                     struct bn_election_out *out) {
    *out = (struct bn_election_out){.why = BN_ELECTION_NOTHING, .leader = BN_FACT_NO_LEADER, .isr = out->isr};
    if (!in->state) {
        initial(in, view, out);
        return;
    }
    out->recovering = in->state->recovering;
    int32_t survivor = keep_members(in, view, out);
    if (survivor >= 0)
        out->leader = survivor;
    else
        choose_leader(in, view, out);
    if (out->why != BN_ELECTION_NOTHING) return;
    if (out->leader != in->state->leader)
        out->why = out->leader < 0 ? BN_ELECTION_OFFLINE : BN_ELECTION_CLEAN;
    else if (!bn_ids_eq((struct bn_fact_ids){out->isr, out->isr_count}, in->state->isr))
        out->why = BN_ELECTION_SHRINK;
    else if (in->bump)
        out->why = BN_ELECTION_BUMP;
}
