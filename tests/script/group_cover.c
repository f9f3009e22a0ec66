/* group_cover.c: the table of a group's states and events, and what of it the transcripts have played. It fails both
 * ways: a pair that can be and was not played, and a pair that was played though the table says that it can't be. */
#include "tests/script/group_cover.h"

#include <stdio.h>

#include "common/base/check.h"

/* Empty, PreparingRebalance, CompletingRebalance, Stable, Dead: '+' is to be played, '.' can't be. */
static struct {
    const char *event, *states;
    int seen[5];
} table[] = {
    /* joins: of somebody without an id */
    {"join_new", "++++.", {0}},
    {"join_static_new", "++++.", {0}},
    {"join_static_back", ".+++.", {0}},
    /* with one */
    {"join_given_id", "++++.", {0}},
    {"join_leader", ".+++.", {0}},
    {"join_leader_changed", ".+++.", {0}},
    {"join_follower", ".+++.", {0}},
    {"join_follower_changed", ".+++.", {0}},
    {"join_waiting", ".+.+.", {0}}, /* its join before still waits */
    {"join_stranger", "++++.", {0}},
    {"join_fenced", ".+++.", {0}},
    /* refused whoever it is */
    {"join_bad_session", "++++.", {0}},
    {"join_bad_protocol", "++++.", {0}},
    {"join_full", ".+++.", {0}},
    {"sync_leader", ".+++.", {0}},
    {"sync_follower", ".+++.", {0}},
    {"sync_waiting", "..+..", {0}}, /* its sync before still waits */
    {"sync_stranger", "++++.", {0}},
    {"sync_fenced", ".+++.", {0}},
    {"sync_other_generation", ".+++.", {0}},
    {"sync_other_protocol", ".+++.", {0}},
    {"beat_member", ".+++.", {0}},
    {"beat_stranger", "++++.", {0}},
    {"beat_fenced", ".+++.", {0}},
    {"beat_other_generation", ".+++.", {0}},
    {"leave_leader", ".+++.", {0}},
    {"leave_follower", ".+++.", {0}},
    {"leave_instance", ".+++.", {0}},
    {"leave_given_id", "++++.", {0}},
    {"leave_stranger", "++++.", {0}},
    {"leave_fenced", ".+++.", {0}},
    {"commit_simple", "++++.", {0}},
    {"commit_member", ".+++.", {0}},
    {"commit_stranger", "++++.", {0}},
    {"commit_fenced", ".+++.", {0}},
    {"commit_other_generation", ".+++.", {0}},
    {"stored", "++++.", {0}},
    {"stored_error", "++++.", {0}},
    {"reserved", "++++.", {0}},
    {"reserved_error", "++++.", {0}},
    {"id_expires", "++++.", {0}},
    {"session_expires", ".+++.", {0}},
    {"new_member_expires", ".+...", {0}},
    {"initial_delay_over", ".+...", {0}},
    {"rebalance_timeout", ".+...", {0}},
    {"sync_late", "..++.", {0}},
    {"stop", "++++.", {0}},
    {"resume", "++.+.", {0}}, /* as what */
    /* a group that has gone */
    {"join", "....+", {0}},
    {"sync", "....+", {0}},
    {"beat", "....+", {0}},
    {"leave", "....+", {0}},
    {"commit", "....+", {0}},
    {"late_stored", "....+", {0}},
    {"late_reserved", "....+", {0}},
    {"time", "....+", {0}},
};

void group_cover_note(enum bn_group_state state, const char *event) {
    for (size_t i = 0; i < BN_ARRAY_LEN(table); i++) {
        if (strcmp(table[i].event, event) != 0) continue;
        table[i].seen[state]++;
        return;
    }
    fprintf(stderr, "no row for %s\n", event);
    BN_UNREACHABLE();
}

static bool leads(const struct bn_group *g, const struct bn_group_member *m) { return bn_slice_eq(g->leader, m->id); }

static bool is_full(const struct bn_group *g, const struct bn_group_join *j) {
    const struct bn_group_member *m = bn_group_member(g, j->member_id);
    if (g->state == BN_GROUP_PREPARING) return !(m && m->join_token) && g->joining >= g->settings->max_size;
    return g->state != BN_GROUP_EMPTY && !m && g->member_count >= g->settings->max_size;
}

static const char *join_of_member(const struct bn_group *g, const struct bn_group_join *j) {
    const struct bn_group_member *m = bn_group_member(g, j->member_id);
    const struct bn_group_member *is = bn_group_static_member(g, j->instance_id);
    if (is && is != m) return "join_fenced";
    if (!m) return bn_group_pending_has(g, j->member_id) ? "join_given_id" : "join_stranger";
    if (m->join_token) return "join_waiting";
    bool same = bn_group_member_matches(m, j);
    if (leads(g, m)) return same ? "join_leader" : "join_leader_changed";
    return same ? "join_follower" : "join_follower_changed";
}

static const char *join_event(const struct bn_group *g, const struct bn_group_join *j) {
    if (g->state == BN_GROUP_DEAD) return "join";
    if (j->session_ms < g->settings->session_min_ms || j->session_ms > g->settings->session_max_ms)
        return "join_bad_session";
    if (is_full(g, j)) return "join_full";
    if (!bn_group_supports(g, j)) return "join_bad_protocol";
    if (j->member_id.len > 0) return join_of_member(g, j);
    if (bn_slice_is_null(j->instance_id)) return "join_new";
    return bn_group_static_member(g, j->instance_id) ? "join_static_back" : "join_static_new";
}

void group_cover_join(const struct bn_group *g, const struct bn_group_join *j) {
    group_cover_note(g->state, join_event(g, j));
}

static const char *sync_event(const struct bn_group *g, const struct bn_group_sync *s) {
    const struct bn_group_member *m = bn_group_member(g, s->member_id);
    const struct bn_group_member *is = bn_group_static_member(g, s->instance_id);
    if (g->state == BN_GROUP_DEAD) return "sync";
    if (is && is != m) return "sync_fenced";
    if (!m) return "sync_stranger";
    if (s->generation != g->generation) return "sync_other_generation";
    if (!bn_slice_is_null(s->protocol) && !bn_slice_eq(s->protocol, g->protocol)) return "sync_other_protocol";
    if (m->sync_token) return "sync_waiting";
    return leads(g, m) ? "sync_leader" : "sync_follower";
}

void group_cover_sync(const struct bn_group *g, const struct bn_group_sync *s) {
    group_cover_note(g->state, sync_event(g, s));
}

void group_cover_member(const struct bn_group *g, const char *what, int32_t generation, struct bn_slice id,
                        struct bn_slice instance) {
    const struct bn_group_member *m = bn_group_member(g, id), *is = bn_group_static_member(g, instance);
    bool leave = strcmp(what, "leave") == 0, commit = strcmp(what, "commit") == 0;
    const char *who = "member";
    char event[64];
    if (leave && id.len == 0 && is)
        who = "instance";
    else if (leave && bn_group_pending_has(g, id))
        who = "given_id";
    else if (is && is != m)
        who = "fenced";
    else if (commit && generation < 0 && id.len == 0)
        who = "simple";
    else if (!m)
        who = "stranger";
    else if (leave)
        who = leads(g, m) ? "leader" : "follower";
    else if (generation != g->generation)
        who = "other_generation";
    snprintf(event, sizeof event, "%s_%s", what, who);
    group_cover_note(g->state, g->state == BN_GROUP_DEAD ? what : event);
}

void group_cover_time(const struct bn_group *g, int64_t now_ms) {
    if (g->state == BN_GROUP_DEAD) {
        group_cover_note(g->state, "time");
        return;
    }
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&g->pending, &at)) != NULL;)
        if (((const struct bn_group_pending *)e->value)->expires_ms <= now_ms) group_cover_note(g->state, "id_expires");
    for (int32_t i = 0; i < g->member_count; i++) {
        const struct bn_group_member *m = g->members[i];
        bool waits = m->join_token || m->sync_token;
        if (m->expires_ms <= now_ms && m->is_new && !g->overdue) group_cover_note(g->state, "new_member_expires");
        if (m->expires_ms <= now_ms && !m->is_new && !waits) group_cover_note(g->state, "session_expires");
        if (m->owes_sync && g->sync_due_ms <= now_ms) group_cover_note(g->state, "sync_late");
    }
    if (g->state == BN_GROUP_PREPARING && g->rebalance_due_ms <= now_ms)
        group_cover_note(g->state, g->initial ? "initial_delay_over" : "rebalance_timeout");
}

bool group_cover_full(void) {
    bool full = true;
    for (size_t i = 0; i < BN_ARRAY_LEN(table); i++) {
        for (int s = 0; s <= BN_GROUP_DEAD; s++) {
            bool can = table[i].states[s] == '+', seen = table[i].seen[s] > 0;
            if (can == seen) continue;
            full = false;
            fprintf(stderr, "%s in %s %s\n", table[i].event, bn_group_state_name((enum bn_group_state)s),
                    seen ? "was played, though the table says that it can't be" : "has no transcript");
        }
    }
    return full;
}

void group_cover_print(void) {
    int pairs = 0, events = 0;
    for (size_t i = 0; i < BN_ARRAY_LEN(table); i++) {
        for (int s = 0; s <= BN_GROUP_DEAD; s++) {
            pairs += table[i].seen[s] > 0;
            events += table[i].seen[s];
        }
    }
    printf("%d pairs of state and event in %d events\n", pairs, events);
}
