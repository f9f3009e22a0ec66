/* group_rebalance.c: how a rebalance begins, waits and ends (6-groups 6.3).
 *
 * It ends when every member's join is here and nobody who was given an id is still expected, or when its time is up;
 * the first one of an empty group only when nobody has come for its delay. Then whoever has not joined is dropped (a
 * static member stays), and the next generation begins, but never one that might have been used before: generations
 * come from a block that was recorded first (safety §5), and the end waits for that record. */
#include "broker/group/group_int.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"

void bn_group_touch(struct bn_group *g, int64_t now_ms, struct bn_group_member *m) {
    m->expires_ms = now_ms + m->session_ms;
    bn_group_wait_until(g, m->expires_ms);
}

static int64_t longest_rebalance(const struct bn_group *g) {
    int32_t longest = 0;
    for (int32_t i = 0; i < g->member_count; i++) {
        if (g->members[i]->rebalance_ms > longest) longest = g->members[i]->rebalance_ms;
    }
    return longest;
}

static void reserve(struct bn_group *g, struct bn_group_outs *out) {
    if (g->reserving || bn_group_next_generation(g) <= g->reserved) return;
    g->reserving = true;
    bn_group_out(out, BN_GROUP_OUT_RESERVE)->generation = bn_group_reserved_up_to(g);
}

static void wait_for_joins(struct bn_group *g, int64_t now_ms, int64_t for_ms) {
    g->rebalance_due_ms = now_ms + for_ms;
    bn_group_wait_until(g, g->rebalance_due_ms);
}

/* The round of an empty group goes on until nobody has come for the delay, up to the longest rebalance timeout. Kafka
 * looks once a delay whether somebody came, so that its groups of more than one member wait twice as long or more. */
void bn_group_put_off(struct bn_group *g, int64_t now_ms) {
    if (g->state != BN_GROUP_PREPARING || !g->initial) return;
    g->rebalance_due_ms = bn_min_i64(now_ms + g->settings->initial_delay_ms, g->initial_end_ms);
    bn_group_wait_until(g, g->rebalance_due_ms);
}

static void prepare(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out) {
    if (g->state == BN_GROUP_COMPLETING) {
        for (int32_t i = 0; i < g->member_count; i++) {
            struct bn_group_member *m = g->members[i];
            bn_group_own(&m->assignment, BN_SLICE_LIT(""));
            bn_group_own(&m->proposed, BN_SLICE_NULL);
            if (m->sync_token) {
                bn_group_answer_sync(g, m, KE_REBALANCE_IN_PROGRESS, out);
                bn_group_touch(g, now_ms, m);
            }
        }
    }
    for (int32_t i = 0; i < g->member_count; i++) g->members[i]->owes_sync = false;
    g->sync_due_ms = INT64_MAX;
    g->sync_store = 0;
    g->overdue = false;
    g->initial = g->state == BN_GROUP_EMPTY;
    g->state = BN_GROUP_PREPARING;
    int64_t whole_ms = longest_rebalance(g);
    if (g->initial) {
        g->initial_end_ms = now_ms + bn_max_i64(whole_ms, g->settings->initial_delay_ms);
        whole_ms = g->settings->initial_delay_ms;
    }
    wait_for_joins(g, now_ms, whole_ms);
    reserve(g, out);
}

void bn_group_maybe_prepare(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out) {
    bool idle = g->state == BN_GROUP_STABLE || g->state == BN_GROUP_COMPLETING || g->state == BN_GROUP_EMPTY;
    if (idle) prepare(g, now_ms, out);
    bn_group_try_complete(g, now_ms, out);
}

void bn_group_park_join(struct bn_group *g, struct bn_group_member *m, const struct bn_group_join *j) {
    m->join_token = j->token;
    m->can_skip = j->can_skip;
    m->store_token = 0;
    bn_group_member_forget(m);
    g->joining++;
}

void bn_group_try_complete(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out) {
    if (g->state != BN_GROUP_PREPARING) return;
    bool all = !g->initial && g->joining == g->member_count && g->pending.count == 0;
    bool at_once = g->initial && g->settings->initial_delay_ms <= 0;
    if (all || at_once || g->overdue) bn_group_complete(g, now_ms, out);
}

/* ---- the end of it ---- */

static void drop_absent(struct bn_group *g) {
    for (int32_t i = g->member_count - 1; i >= 0; i--) {
        struct bn_group_member *m = g->members[i];
        if (!m->join_token && bn_slice_is_null(m->instance_id)) bn_group_member_remove(g, m);
    }
}

/* False when members are left, static ones, of whom none has joined: then they are waited for once more. */
static bool elect_leader(struct bn_group *g) {
    struct bn_group_member *leader = bn_slice_is_null(g->leader) ? NULL : bn_group_member(g, g->leader);
    if (leader && leader->join_token) return true;
    for (int32_t i = 0; i < g->member_count; i++) {
        if (!g->members[i]->join_token) continue;
        bn_group_own(&g->leader, g->members[i]->id);
        return true;
    }
    return g->member_count == 0;
}

static void become_empty(struct bn_group *g, struct bn_group_outs *out) {
    g->generation = bn_group_next_generation(g);
    g->state = BN_GROUP_EMPTY;
    bn_group_own(&g->protocol, BN_SLICE_NULL);
    bn_group_own(&g->leader, BN_SLICE_NULL);
    bn_group_store(g, out);
}

static void begin_generation(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out) {
    g->generation = bn_group_next_generation(g);
    bn_group_own(&g->protocol, bn_group_choose(g));
    g->state = BN_GROUP_COMPLETING;
    g->sync_due_ms = now_ms + longest_rebalance(g);
    bn_group_wait_until(g, g->sync_due_ms);
    for (int32_t i = 0; i < g->member_count; i++) {
        struct bn_group_member *m = g->members[i];
        m->owes_sync = true;
        m->is_new = false;
        if (!m->join_token) continue; /* static; its session goes on, else a dead one could last for many rounds */
        bn_group_answer_join(g, m, KE_NONE, out);
        bn_group_touch(g, now_ms, m);
    }
}

void bn_group_statics_changed(struct bn_group *g) {
    g->statics_changed = true;
    g->statics_store = 0;
}

/* What has to be recorded before anybody may be told of a generation: that it is used, and which static members came,
 * came back or have gone. Else a successor, which knows an instance by its former id, would fence its newest process;
 * and so would a coordinator that was elected meanwhile without our knowing it. */
static bool must_wait(struct bn_group *g, struct bn_group_outs *out) {
    if (g->joining == 0) return false;
    bool unreserved = bn_group_next_generation(g) > g->reserved;
    if (unreserved) reserve(g, out);
    if (g->statics_changed && !g->statics_store) bn_group_store(g, out);
    return unreserved || g->statics_changed;
}

void bn_group_complete(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out) {
    g->initial = false;
    if (must_wait(g, out)) {
        g->overdue = true;
        g->rebalance_due_ms = INT64_MAX;
        return;
    }
    g->overdue = false;
    drop_absent(g);
    if (!elect_leader(g)) {
        wait_for_joins(g, now_ms, longest_rebalance(g));
        return;
    }
    g->rebalance_due_ms = INT64_MAX;
    if (g->member_count == 0)
        become_empty(g, out);
    else
        begin_generation(g, now_ms, out);
}

void bn_group_fail_round(struct bn_group *g, int64_t now_ms, int16_t error, struct bn_group_outs *out) {
    if (g->state != BN_GROUP_PREPARING || !g->overdue) return;
    for (int32_t i = 0; i < g->member_count; i++) {
        struct bn_group_member *m = g->members[i];
        if (!m->join_token) continue;
        bn_group_answer_join(g, m, error, out);
        bn_group_touch(g, now_ms, m);
    }
    wait_for_joins(g, now_ms, longest_rebalance(g));
    g->overdue = false;
}

void bn_group_resume_round(struct bn_group *g, int64_t now_ms) {
    g->state = BN_GROUP_PREPARING;
    wait_for_joins(g, now_ms, longest_rebalance(g));
}

void bn_group_reserved(struct bn_group *g, int64_t now_ms, int32_t up_to, int16_t error, struct bn_group_outs *out) {
    g->reserving = false;
    if (error != KE_NONE) {
        bn_group_fail_round(g, now_ms, error, out);
        return;
    }
    if (up_to > g->reserved) g->reserved = up_to;
    bn_group_try_complete(g, now_ms, out);
}

/* ---- who goes ---- */

static void remove_member(struct bn_group *g, struct bn_group_member *m, struct bn_group_outs *out) {
    if (m->join_token) bn_group_answer_join(g, m, KE_UNKNOWN_MEMBER_ID, out);
    if (m->sync_token) bn_group_answer_sync(g, m, KE_UNKNOWN_MEMBER_ID, out);
    if (!bn_slice_is_null(m->instance_id)) bn_group_statics_changed(g);
    bn_group_member_remove(g, m);
}

/* Somebody went: the others are asked to join again, or a round that waited for them may end. */
static void go_on_without(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out) {
    if (g->state == BN_GROUP_STABLE || g->state == BN_GROUP_COMPLETING)
        bn_group_maybe_prepare(g, now_ms, out);
    else
        bn_group_try_complete(g, now_ms, out);
}

void bn_group_drop(struct bn_group *g, int64_t now_ms, struct bn_group_member *m, struct bn_group_outs *out) {
    remove_member(g, m, out);
    go_on_without(g, now_ms, out);
}

/* A member that waits for an answer is alive; a new one has its own, longer bound, which stands still while the round
 * waits for us. */
static bool is_expired(const struct bn_group *g, const struct bn_group_member *m, int64_t now_ms) {
    if (m->expires_ms > now_ms) return false;
    return m->is_new ? !g->overdue : !m->join_token && !m->sync_token;
}

/* Was told of the generation and has not come for its assignment in time. */
static bool is_late(const struct bn_group *g, const struct bn_group_member *m, int64_t now_ms) {
    bool in_generation = g->state == BN_GROUP_COMPLETING || g->state == BN_GROUP_STABLE;
    return in_generation && m->owes_sync && g->sync_due_ms <= now_ms;
}

void bn_group_expire(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out) {
    bool any = bn_group_pending_expire(g, now_ms);
    if (any) bn_group_try_complete(g, now_ms, out);
    any = false;
    for (int32_t i = g->member_count - 1; i >= 0; i--) {
        struct bn_group_member *m = g->members[i];
        if (!is_expired(g, m, now_ms) && !is_late(g, m, now_ms)) continue;
        remove_member(g, m, out);
        any = true;
    }
    if (g->sync_due_ms <= now_ms) g->sync_due_ms = INT64_MAX;
    if (any) go_on_without(g, now_ms, out);
}
