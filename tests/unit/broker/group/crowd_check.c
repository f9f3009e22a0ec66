/* crowd_check.c: what must hold whatever happens. */
#include <stdio.h>

#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/crowd.h"

enum { WAIT_MAX_MS = 60000 /* the longest rebalance timeout is 19 seconds; the rest is for stores that are slow */ };

/* ---- a (group, generation) has one set of members (safety 14) ---- */

static uint64_t digest(const struct bn_group *g) {
    uint64_t sum = 1469598103934665603u;
    for (int32_t i = 0; i < bn_group_size(g); i++) {
        struct bn_group_member_view m;
        bn_group_at(g, i, &m);
        struct bn_slice who = bn_slice_is_null(m.instance_id) ? m.id : m.instance_id;
        uint64_t one = 14695981039346656037u;
        for (size_t k = 0; k < who.len; k++) one = (one ^ who.ptr[k]) * 1099511628211u;
        sum += one * one; /* in any order */
    }
    return sum;
}

static void check_members(struct crowd *w, const struct bn_group *g) {
    int32_t generation = bn_group_generation(g);
    if (generation < 0 || generation >= CROWD_GENERATIONS) crowd_fail(w, "generation %d", generation);
    uint64_t now = digest(g), *of = &w->members_of[generation];
    if (*of && *of != now) crowd_fail(w, "generation %d has had other members", generation);
    *of = now;
}

void crowd_check_joined(struct crowd *w, const struct crowd_house *h, const struct bn_group_out *o) {
    if (o->generation != bn_group_generation(h->group)) crowd_fail(w, "told of generation %d", o->generation);
    if (o->generation > w->stored.reserved)
        crowd_fail(w, "generation %d was told, %d are recorded", o->generation, w->stored.reserved);
    if (o->with_members) {
        w->rounds++;
        check_members(w, h->group);
    }
}

void crowd_check_resumed(struct crowd *w, const struct crowd_house *h) {
    if (bn_group_state(h->group) == BN_GROUP_STABLE) check_members(w, h->group);
}

/* ---- one owner of a partition ---- */

static bool is_member(const struct crowd_house *h, const struct crowd_client *c) {
    for (int32_t i = 0; i < bn_group_size(h->group); i++) {
        struct bn_group_member_view m;
        bn_group_at(h->group, i, &m);
        if (bn_slice_eq_str(m.id, c->id)) return true;
    }
    return false;
}

/* A static member that was not there when all of this was given to others, in a generation since it got it: it joins
 * now, still thinks that it owns it, and its claim is older than theirs. That is the clients' affair. */
static bool has_lost(const struct crowd *w, const struct crowd_client *c, int32_t generation, uint32_t partitions) {
    for (int32_t g = c->assigned_in + 1; c->instance >= 0 && g < generation; g++)
        for (int p = 0; p < CROWD_PARTITIONS; p++)
            if (w->owner[g][p] && w->owner[g][p] != crowd_key(c)) partitions &= ~(1u << p);
    return partitions == 0;
}

static void check_owners(struct crowd *w, const struct crowd_house *h, const struct crowd_client *c) {
    int32_t generation = bn_group_generation(h->group);
    if (c->generation != generation || !is_member(h, c)) return;
    for (int i = 0; i < CROWD_MAX; i++) {
        const struct crowd_client *other = &w->clients[i];
        bool both = other != c && other->alive && other->generation == generation && (other->owned & c->owned);
        if (both && has_lost(w, other, generation, other->owned & c->owned)) continue;
        if (both && is_member(h, other))
            crowd_fail(w, "in generation %d '%s' and '%s' both own some of %x", generation, c->id, other->id,
                       other->owned & c->owned);
    }
}

static void check_offsets(struct crowd *w, const struct crowd_house *h, const struct crowd_client *c) {
    for (int p = 0; p < w->partitions; p++) {
        if (!(c->owned >> p & 1)) continue;
        const struct bn_offsets_entry *e = bn_offsets_get(&h->offsets, BN_SLICE_LIT("t"), p);
        int64_t now = e ? e->log_offset + 1 : 0;
        if (now < w->seen[p]) crowd_fail(w, "the committed offset of %d went back", p);
        w->seen[p] = now;
    }
}

void crowd_check_given(struct crowd *w, const struct crowd_client *c, int32_t generation, uint32_t partitions) {
    uint32_t me = crowd_key(c);
    for (int p = 0; p < CROWD_PARTITIONS; p++) {
        if (!(partitions >> p & 1)) continue;
        uint32_t *owner = &w->owner[generation][p];
        if (p >= w->partitions || (*owner && *owner != me))
            crowd_fail(w, "in generation %d partition %d was given to two", generation, p);
        *owner = me;
    }
}

void crowd_check_assigned(struct crowd *w, const struct crowd_client *c) {
    const struct crowd_house *h = &w->houses[w->house];
    if (!h->there) return;
    check_owners(w, h, c);
    check_offsets(w, h, c);
}

/* ---- generations and commits only go on ---- */

void crowd_check_house(struct crowd *w, struct crowd_house *h) {
    int32_t generation = bn_group_generation(h->group);
    if (generation < h->last_generation) crowd_fail(w, "generation %d after %d", generation, h->last_generation);
    h->last_generation = generation;
}

/* Nobody commits what somebody else owns in a later generation. */
void crowd_check_commit(struct crowd *w, int64_t at) {
    for (int64_t i = at - 1; i >= 0; i--) {
        if (w->log[i].gone || w->log[i].partition != w->log[at].partition) continue;
        if (w->log[i].generation > w->log[at].generation && w->log[i].by != w->log[at].by)
            crowd_fail(w, "a commit of generation %d after one of %d", w->log[at].generation, w->log[i].generation);
        return;
    }
}

/* ---- an end to waiting ---- */

void crowd_check_waits(struct crowd *w) {
    bool all = true;
    for (uint64_t t = w->oldest_token; t < w->next_token; t++) {
        bool over = w->tokens[t].answered || !w->houses[w->tokens[t].house].there;
        if (all && over) w->oldest_token = t + 1;
        all = all && over;
        if (!over && w->now_ms - w->tokens[t].since_ms > WAIT_MAX_MS)
            crowd_fail(w, "a request of '%s' has waited for %d ms", w->clients[w->tokens[t].client].id,
                       (int)(w->now_ms - w->tokens[t].since_ms));
    }
}

void crowd_check_settled(struct crowd *w) {
    const struct crowd_house *h = &w->houses[w->house];
    uint32_t owned = 0, whole = w->partitions == 32 ? UINT32_MAX : (1u << w->partitions) - 1;
    int alive = 0;
    for (int i = 0; i < CROWD_MAX; i++) {
        const struct crowd_client *c = &w->clients[i];
        if (!c->alive) continue;
        alive++;
        if (c->phase != CROWD_IN) crowd_fail(w, "'%s' (%d) is still on its way", c->id, i);
        if (c->generation != bn_group_generation(h->group) || !is_member(h, c))
            crowd_fail(w, "'%s' is in generation %d, the group in %d", c->id, c->generation,
                       bn_group_generation(h->group));
        if (owned & c->owned) crowd_fail(w, "partitions %x have two owners", owned & c->owned);
        owned |= c->owned;
    }
    if (alive && owned != whole) crowd_fail(w, "partitions %x have no owner", whole & ~owned);
    if (bn_group_size(h->group) != alive) crowd_fail(w, "%d members, %d alive", bn_group_size(h->group), alive);
    if (bn_group_state(h->group) != (alive ? BN_GROUP_STABLE : BN_GROUP_EMPTY))
        crowd_fail(w, "the group is %s", bn_group_state_name(bn_group_state(h->group)));
}
