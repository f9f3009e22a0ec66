/* group_sync.c: SyncGroup: the leader hands in who gets what, everybody gets their own once it is stored
 * (6-groups 6.4). Also what a store's end means. */
#include "broker/group/group_int.h"
#include "proto/kafka/errors.h"

static int16_t check(const struct bn_group *g, const struct bn_group_sync *s) {
    if (g->state == BN_GROUP_DEAD) return KE_COORDINATOR_NOT_AVAILABLE;
    int16_t error = bn_group_check_member(g, s->member_id, s->instance_id);
    if (error != KE_NONE) return error;
    if (s->generation != g->generation) return KE_ILLEGAL_GENERATION;
    bool other_type = !bn_slice_is_null(s->protocol_type) && !bn_slice_eq(s->protocol_type, g->protocol_type);
    bool other_name = !bn_slice_is_null(s->protocol) && !bn_slice_eq(s->protocol, g->protocol);
    if (other_type || other_name) return KE_INCONSISTENT_GROUP_PROTOCOL;
    if (g->state == BN_GROUP_EMPTY) return KE_UNKNOWN_MEMBER_ID;
    return g->state == BN_GROUP_PREPARING ? KE_REBALANCE_IN_PROGRESS : KE_NONE;
}

/* A member that the leader forgot gets nothing. */
static void take_assignments(struct bn_group *g, const struct bn_group_sync *s) {
    for (int32_t i = 0; i < g->member_count; i++) bn_group_own(&g->members[i]->proposed, BN_SLICE_LIT(""));
    for (int32_t i = 0; i < s->assignment_count; i++) {
        struct bn_group_member *m = bn_group_member(g, s->assignments[i].member_id);
        if (m) bn_group_own(&m->proposed, s->assignments[i].assignment);
    }
}

void bn_group_sync(struct bn_group *g, int64_t now_ms, const struct bn_group_sync *s, struct bn_group_outs *out) {
    int16_t error = check(g, s);
    if (error != KE_NONE) {
        struct bn_group_out *o = bn_group_out(out, BN_GROUP_OUT_SYNCED);
        o->token = s->token;
        o->error = error;
        o->assignment = BN_SLICE_LIT("");
        return;
    }
    struct bn_group_member *m = bn_group_member(g, s->member_id);
    m->owes_sync = false;
    if (m->sync_token) bn_group_answer_sync(g, m, KE_REBALANCE_IN_PROGRESS, out);
    m->sync_token = s->token;
    if (g->state == BN_GROUP_STABLE) {
        bn_group_answer_sync(g, m, KE_NONE, out);
        bn_group_touch(g, now_ms, m);
        return;
    }
    if (!bn_slice_eq(g->leader, m->id) || g->sync_store) return;
    take_assignments(g, s);
    bn_group_store(g, out);
    g->sync_store = g->last_store;
}

/* ---- stores ---- */

static void become_stable(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out) {
    g->state = BN_GROUP_STABLE;
    g->sync_store = 0;
    for (int32_t i = 0; i < g->member_count; i++) {
        struct bn_group_member *m = g->members[i];
        bn_group_own(&m->assignment, m->proposed);
        bn_group_own(&m->proposed, BN_SLICE_NULL);
        if (!m->sync_token) continue;
        bn_group_answer_sync(g, m, KE_NONE, out);
        bn_group_touch(g, now_ms, m);
    }
}

static void sync_failed(struct bn_group *g, int64_t now_ms, int16_t error, struct bn_group_outs *out) {
    g->sync_store = 0;
    for (int32_t i = 0; i < g->member_count; i++) {
        struct bn_group_member *m = g->members[i];
        bn_group_own(&m->proposed, BN_SLICE_NULL);
        if (!m->sync_token) continue;
        bn_group_answer_sync(g, m, error, out);
        bn_group_touch(g, now_ms, m);
    }
    bn_group_maybe_prepare(g, now_ms, out);
}

/* Not stored: the member is again what a successor would know. */
static void end_replacement(struct bn_group *g, int64_t now_ms, struct bn_group_member *m, int16_t error,
                            struct bn_group_outs *out) {
    if (error != KE_NONE) bn_group_member_revert(g, m);
    bn_group_answer_join(g, m, error, out);
    bn_group_touch(g, now_ms, m);
}

static void end_statics(struct bn_group *g, int64_t now_ms, uint64_t token, int16_t error, struct bn_group_outs *out) {
    if (!g->statics_store || g->statics_store > token) return;
    g->statics_store = 0;
    if (error != KE_NONE) {
        bn_group_fail_round(g, now_ms, error, out);
        return;
    }
    g->statics_changed = false;
    if (g->overdue) bn_group_try_complete(g, now_ms, out);
}

void bn_group_stored(struct bn_group *g, int64_t now_ms, uint64_t token, int16_t error, struct bn_group_outs *out) {
    if (g->state == BN_GROUP_DEAD) return;
    if (error == KE_NONE && token == g->last_store && g->proposed > g->reserved) g->reserved = g->proposed;
    for (int32_t i = 0; i < g->member_count; i++) {
        struct bn_group_member *m = g->members[i];
        if (!m->store_token || m->store_token > token) continue;
        m->store_token = 0;
        /* A rebalance that began meanwhile answers it. */
        if (m->join_token && g->state == BN_GROUP_STABLE) end_replacement(g, now_ms, m, error, out);
    }
    end_statics(g, now_ms, token, error, out);
    if (g->sync_store && g->sync_store <= token && g->state == BN_GROUP_COMPLETING) {
        if (error == KE_NONE)
            become_stable(g, now_ms, out);
        else
            sync_failed(g, now_ms, error, out);
    }
}
