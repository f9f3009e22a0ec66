/* group_join.c: JoinGroup: who may come in, and as whom (6-groups 6.3, 6.5). */
#include "broker/group/group_int.h"
#include "proto/kafka/errors.h"

/* An id to come back with tells a member's second join from another member's first (KIP-394). */
static void give_id(struct bn_group *g, int64_t now_ms, const struct bn_group_join *j, struct bn_group_outs *out) {
    bn_group_pending_add(g, j->new_id, now_ms + j->session_ms);
    bn_group_refuse_join(j, j->new_id, KE_MEMBER_ID_REQUIRED, out);
}

static void wait_for_round(struct bn_group *g, int64_t now_ms, struct bn_group_member *m, const struct bn_group_join *j,
                           struct bn_group_outs *out) {
    if (m->join_token) /* the same member asks again: its first request is answered, somehow */
        bn_group_answer_join(g, m, KE_REBALANCE_IN_PROGRESS, out);
    bn_group_park_join(g, m, j);
    bn_group_maybe_prepare(g, now_ms, out);
}

static void add_member(struct bn_group *g, int64_t now_ms, struct bn_slice id, const struct bn_group_join *j,
                       struct bn_group_outs *out) {
    struct bn_group_member *m = bn_group_member_add(g, id, j);
    if (!bn_slice_is_null(j->instance_id)) bn_group_statics_changed(g);
    bn_group_pending_remove(g, id);
    bn_group_put_off(g, now_ms);
    m->expires_ms = now_ms + BN_GROUP_NEW_MEMBER_MS;
    bn_group_wait_until(g, m->expires_ms);
    wait_for_round(g, now_ms, m, j, out);
}

static void rejoin(struct bn_group *g, int64_t now_ms, struct bn_group_member *m, const struct bn_group_join *j,
                   struct bn_group_outs *out) {
    bn_group_member_update(g, m, j);
    bn_group_touch(g, now_ms, m);
    wait_for_round(g, now_ms, m, j, out);
}

/* A static member came back after a restart: its id of before is fenced. In a stable group whose protocol stays the
 * same nothing else happens, once the new id is stored; the leader is told to skip the assignment, or, if it does not
 * know how to, that somebody else leads. */
static void replace(struct bn_group *g, int64_t now_ms, struct bn_group_member *m, const struct bn_group_join *j,
                    struct bn_group_outs *out) {
    if (m->join_token) bn_group_answer_join(g, m, KE_FENCED_INSTANCE_ID, out);
    if (m->sync_token) bn_group_answer_sync(g, m, KE_FENCED_INSTANCE_ID, out);
    bn_group_park_join(g, m, j);
    bn_group_member_remember(g, m);
    bn_group_member_rename(g, m, j->new_id);
    bn_group_member_update(g, m, j);
    bn_group_own(&m->client_id, j->client_id);
    bn_group_own(&m->client_host, j->client_host);
    bn_group_touch(g, now_ms, m);
    bn_group_statics_changed(g);
    bool same = g->state == BN_GROUP_STABLE && bn_slice_eq(g->protocol, bn_group_choose(g));
    if (same) {
        bn_group_store(g, out);
        m->store_token = g->last_store;
    } else {
        bn_group_maybe_prepare(g, now_ms, out);
    }
}

static bool has_room(const struct bn_group *g, struct bn_slice id) {
    const struct bn_group_member *m = bn_group_member(g, id);
    switch (g->state) {
    case BN_GROUP_EMPTY:
    case BN_GROUP_DEAD:
        return true;
    case BN_GROUP_PREPARING:
        return (m && m->join_token) || g->joining < g->settings->max_size;
    default:
        return m || g->member_count < g->settings->max_size;
    }
}

static void join_unknown(struct bn_group *g, int64_t now_ms, const struct bn_group_join *j, struct bn_group_outs *out) {
    struct bn_group_member *known = bn_group_static_member(g, j->instance_id);
    if (known)
        replace(g, now_ms, known, j, out);
    else if (bn_slice_is_null(j->instance_id) && j->id_required)
        give_id(g, now_ms, j, out);
    else
        add_member(g, now_ms, j->new_id, j, out);
}

static void join_known(struct bn_group *g, int64_t now_ms, const struct bn_group_join *j, struct bn_group_outs *out) {
    if (bn_slice_is_null(j->instance_id) && bn_group_pending_has(g, j->member_id)) {
        add_member(g, now_ms, j->member_id, j, out);
        return;
    }
    int16_t error = bn_group_check_member(g, j->member_id, j->instance_id);
    if (error == KE_NONE && g->state == BN_GROUP_EMPTY) error = KE_UNKNOWN_MEMBER_ID;
    if (error != KE_NONE) {
        bn_group_refuse_join(j, j->member_id, error, out);
        return;
    }
    struct bn_group_member *m = bn_group_member(g, j->member_id);
    bool leads = bn_slice_eq(g->leader, m->id);
    bool changed = !bn_group_member_matches(m, j);
    bool anew = g->state == BN_GROUP_PREPARING || changed || (g->state == BN_GROUP_STABLE && leads) || m->join_token;
    if (anew) {
        rejoin(g, now_ms, m, j, out);
        return;
    }
    bn_group_park_join(g, m, j); /* nothing is new: the generation that stands */
    bn_group_touch(g, now_ms, m);
    bn_group_answer_join(g, m, KE_NONE, out);
}

void bn_group_join(struct bn_group *g, int64_t now_ms, const struct bn_group_join *j, struct bn_group_outs *out) {
    bool unknown = j->member_id.len == 0;
    int16_t error = KE_NONE;
    if (j->session_ms < g->settings->session_min_ms || j->session_ms > g->settings->session_max_ms)
        error = KE_INVALID_SESSION_TIMEOUT;
    else if (g->state == BN_GROUP_DEAD)
        error = KE_COORDINATOR_NOT_AVAILABLE;
    if (error == KE_NONE && !has_room(g, j->member_id)) {
        struct bn_group_member *m = bn_group_member(g, j->member_id);
        bn_group_refuse_join(j, BN_SLICE_LIT(""), KE_GROUP_MAX_SIZE_REACHED, out);
        if (bn_group_pending_remove(g, j->member_id)) bn_group_try_complete(g, now_ms, out);
        if (m) bn_group_drop(g, now_ms, m, out);
        return;
    }
    if (error == KE_NONE && !bn_group_supports(g, j)) error = KE_INCONSISTENT_GROUP_PROTOCOL;
    if (error != KE_NONE)
        bn_group_refuse_join(j, j->member_id, error, out);
    else if (unknown)
        join_unknown(g, now_ms, j, out);
    else
        join_known(g, now_ms, j, out);
}
