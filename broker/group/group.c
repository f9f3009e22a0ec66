/* group.c: a group's life, time, and what others may see of it. The events are in group_join.c, group_sync.c and, for
 * what follows from them, group_rebalance.c; heartbeats, leaving and commits are here. */
#include "broker/group/group_int.h"
#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"

const char *bn_group_state_name(enum bn_group_state s) {
    static const char *const names[] = {"Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"};
    return names[s];
}

/* ---- outputs ---- */

struct bn_group_out *bn_group_out(struct bn_group_outs *o, int kind) {
    if (o->n == o->capacity) {
        o->capacity = o->capacity ? o->capacity * 2 : 4;
        o->v = bn_alloc_resize(o->v, (size_t)o->capacity * sizeof *o->v);
    }
    struct bn_group_out *out = &o->v[o->n++];
    *out = (struct bn_group_out){0};
    out->kind = kind;
    return out;
}

void bn_group_outs_clear(struct bn_group_outs *o) { o->n = 0; }

void bn_group_outs_fini(struct bn_group_outs *o) {
    bn_alloc_free(o->v);
    *o = (struct bn_group_outs){0};
}

void bn_group_store(struct bn_group *g, struct bn_group_outs *out) {
    bn_group_out(out, BN_GROUP_OUT_STORE)->token = ++g->last_store;
    g->proposed = bn_group_reserved_up_to(g);
    if (g->statics_changed) g->statics_store = g->last_store;
}

void bn_group_refuse_join(const struct bn_group_join *j, struct bn_slice member_id, int16_t error,
                          struct bn_group_outs *out) {
    struct bn_group_out *o = bn_group_out(out, BN_GROUP_OUT_JOINED);
    o->token = j->token;
    o->error = error;
    o->generation = -1;
    o->leader = BN_SLICE_LIT("");
    o->member_id = member_id;
}

void bn_group_answer_join(struct bn_group *g, struct bn_group_member *m, int16_t error, struct bn_group_outs *out) {
    struct bn_group_out *o = bn_group_out(out, BN_GROUP_OUT_JOINED);
    o->token = m->join_token;
    o->error = error;
    o->generation = -1;
    o->leader = o->member_id = BN_SLICE_LIT(""); /* with an error: the member may be gone before this is read */
    if (error == KE_NONE) {
        bool replaced = g->state == BN_GROUP_STABLE && m->former;
        bool leads = bn_slice_eq(g->leader, m->id);
        o->generation = g->generation;
        o->protocol_type = g->protocol_type;
        o->protocol = g->protocol;
        o->member_id = m->id;
        /* An older client that replaced the leader must not assign anew: it is told the leader's former id. */
        o->leader = replaced && !m->can_skip ? m->former->leader : g->leader;
        o->with_members = leads && (!replaced || m->can_skip);
        o->skip_assignment = leads && replaced && m->can_skip;
    }
    m->join_token = 0;
    g->joining--;
}

void bn_group_answer_sync(struct bn_group *g, struct bn_group_member *m, int16_t error, struct bn_group_outs *out) {
    struct bn_group_out *o = bn_group_out(out, BN_GROUP_OUT_SYNCED);
    o->token = m->sync_token;
    o->error = error;
    o->assignment = BN_SLICE_LIT("");
    if (error == KE_NONE) {
        o->protocol_type = g->protocol_type;
        o->protocol = g->protocol;
        o->assignment = m->assignment;
    }
    m->sync_token = 0;
}

int16_t bn_group_check_member(const struct bn_group *g, struct bn_slice member_id, struct bn_slice instance_id) {
    if (!bn_slice_is_null(instance_id)) {
        const struct bn_group_member *m = bn_group_static_member(g, instance_id);
        if (!m) return KE_UNKNOWN_MEMBER_ID;
        if (!bn_slice_eq(m->id, member_id)) return KE_FENCED_INSTANCE_ID;
    }
    return bn_group_member(g, member_id) ? KE_NONE : KE_UNKNOWN_MEMBER_ID;
}

int32_t bn_group_next_generation(const struct bn_group *g) {
    return (g->generation > g->used ? g->generation : g->used) + 1;
}

/* ---- life ---- */

struct bn_group *bn_group_new(const struct bn_group_settings *settings, struct bn_slice id) {
    struct bn_group *g = bn_alloc_zero(1, sizeof *g);
    g->settings = settings;
    bn_group_own(&g->id, id);
    bn_map_init(&g->by_id);
    bn_map_init(&g->by_instance);
    bn_map_init(&g->support);
    bn_map_init(&g->pending);
    g->rebalance_due_ms = g->sync_due_ms = g->due_ms = INT64_MAX;
    return g;
}

static void remove_all(struct bn_group *g) {
    while (g->member_count > 0) bn_group_member_remove(g, g->members[g->member_count - 1]);
    bn_group_pending_expire(g, INT64_MAX);
}

void bn_group_free(struct bn_group *g) {
    if (!g) return;
    remove_all(g);
    bn_map_fini(&g->by_id);
    bn_map_fini(&g->by_instance);
    bn_alloc_free(g->members);
    bn_map_fini(&g->support);
    bn_group_own(&g->protocol_type, BN_SLICE_NULL);
    bn_group_own(&g->protocol, BN_SLICE_NULL);
    bn_group_own(&g->leader, BN_SLICE_NULL);
    bn_group_own(&g->id, BN_SLICE_NULL);
    bn_alloc_free(g);
}

void bn_group_resume(struct bn_group *g, int64_t now_ms, const struct bn_group_resume *r) {
    BN_ASSERT(g->state == BN_GROUP_EMPTY && g->member_count == 0);
    g->generation = r->generation;
    g->used = g->reserved = r->reserved > g->used ? r->reserved : g->used;
    for (int32_t i = 0; i < r->member_count; i++) {
        const struct bn_group_resume_member *from = &r->members[i];
        struct bn_group_protocol only = {r->protocol, from->metadata};
        struct bn_group_join j = {.instance_id = from->instance_id,
                                  .client_id = from->client_id,
                                  .client_host = from->client_host,
                                  .session_ms = from->session_ms,
                                  .rebalance_ms = from->rebalance_ms,
                                  .protocol_type = r->protocol_type,
                                  .protocols = &only,
                                  .protocol_count = bn_slice_is_null(r->protocol) ? 0 : 1};
        struct bn_group_member *m = bn_group_member_add(g, from->id, &j);
        bn_group_own(&m->assignment, from->assignment);
        m->is_new = false;
        bn_group_touch(g, now_ms, m);
    }
    bn_group_own(&g->protocol_type, r->protocol_type);
    bn_group_own(&g->protocol, r->protocol);
    bn_group_own(&g->leader, bn_slice_is_null(r->leader) && g->member_count ? g->members[0]->id : r->leader);
    if (g->member_count == 0) return;
    g->state = BN_GROUP_STABLE;
    if (bn_slice_is_null(r->leader)) bn_group_resume_round(g, now_ms);
}

void bn_group_stop(struct bn_group *g, int16_t error, struct bn_group_outs *out) {
    for (int32_t i = 0; i < g->member_count; i++) {
        struct bn_group_member *m = g->members[i];
        if (m->join_token) bn_group_answer_join(g, m, error, out);
        if (m->sync_token) bn_group_answer_sync(g, m, error, out);
    }
    g->state = BN_GROUP_DEAD;
    g->due_ms = INT64_MAX;
}

/* ---- events that are answered at once ---- */

int16_t bn_group_heartbeat(struct bn_group *g, int64_t now_ms, int32_t generation, struct bn_slice member_id,
                           struct bn_slice instance_id) {
    if (g->state == BN_GROUP_DEAD) return KE_COORDINATOR_NOT_AVAILABLE;
    int16_t error = bn_group_check_member(g, member_id, instance_id);
    if (error != KE_NONE) return error;
    if (generation != g->generation) return KE_ILLEGAL_GENERATION;
    if (g->state == BN_GROUP_EMPTY) return KE_UNKNOWN_MEMBER_ID;
    bn_group_touch(g, now_ms, bn_group_member(g, member_id));
    return g->state == BN_GROUP_PREPARING ? KE_REBALANCE_IN_PROGRESS : KE_NONE;
}

int16_t bn_group_leave(struct bn_group *g, int64_t now_ms, struct bn_slice member_id, struct bn_slice instance_id,
                       struct bn_group_outs *out) {
    if (g->state == BN_GROUP_DEAD) return KE_COORDINATOR_NOT_AVAILABLE;
    struct bn_group_member *m = NULL;
    if (member_id.len == 0 && !bn_slice_is_null(instance_id)) { /* an administrator names the instance only */
        m = bn_group_static_member(g, instance_id);
    } else if (bn_group_pending_remove(g, member_id)) {
        bn_group_try_complete(g, now_ms, out);
        return KE_NONE;
    } else {
        int16_t error = bn_group_check_member(g, member_id, instance_id);
        if (error != KE_NONE) return error;
        m = bn_group_member(g, member_id);
    }
    if (!m) return KE_UNKNOWN_MEMBER_ID;
    bn_group_drop(g, now_ms, m, out);
    return KE_NONE;
}

int16_t bn_group_may_commit(struct bn_group *g, int64_t now_ms, int32_t generation, struct bn_slice member_id,
                            struct bn_slice instance_id) {
    if (g->state == BN_GROUP_DEAD) return KE_COORDINATOR_NOT_AVAILABLE;
    bool named = member_id.len > 0 || !bn_slice_is_null(instance_id);
    if (generation < 0 && g->state == BN_GROUP_EMPTY) return KE_NONE; /* a simple consumer, or an administrator */
    if (generation < 0 && !named) return KE_UNKNOWN_MEMBER_ID;
    int16_t error = bn_group_check_member(g, member_id, instance_id);
    if (error != KE_NONE) return error;
    if (generation != g->generation) return KE_ILLEGAL_GENERATION;
    bn_group_touch(g, now_ms, bn_group_member(g, member_id));
    return g->state == BN_GROUP_COMPLETING ? KE_REBALANCE_IN_PROGRESS : KE_NONE;
}

/* ---- time ---- */

void bn_group_wait_until(struct bn_group *g, int64_t due_ms) {
    if (due_ms < g->due_ms) g->due_ms = due_ms;
}

static void find_due(struct bn_group *g) {
    g->due_ms = bn_min_i64(g->state == BN_GROUP_PREPARING ? g->rebalance_due_ms : INT64_MAX, g->sync_due_ms);
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&g->pending, &at)) != NULL;)
        bn_group_wait_until(g, ((const struct bn_group_pending *)e->value)->expires_ms);
    for (int32_t i = 0; i < g->member_count; i++) {
        const struct bn_group_member *m = g->members[i];
        if (m->is_new ? !g->overdue : !m->join_token && !m->sync_token) bn_group_wait_until(g, m->expires_ms);
    }
}

void bn_group_tick(struct bn_group *g, int64_t now_ms, struct bn_group_outs *out) {
    if (g->state == BN_GROUP_DEAD) return;
    bn_group_expire(g, now_ms, out);
    if (g->state == BN_GROUP_PREPARING && g->rebalance_due_ms <= now_ms) bn_group_complete(g, now_ms, out);
    find_due(g);
}

int64_t bn_group_due_ms(const struct bn_group *g) { return g->due_ms; }

/* ---- looking ---- */

struct bn_slice bn_group_id(const struct bn_group *g) {
    return g->id;
}
enum bn_group_state bn_group_state(const struct bn_group *g) { return g->state; }
int32_t bn_group_generation(const struct bn_group *g) { return g->generation; }
struct bn_slice bn_group_protocol_type(const struct bn_group *g) {
    return g->protocol_type;
}
struct bn_slice bn_group_protocol(const struct bn_group *g) {
    return g->protocol;
}
struct bn_slice bn_group_leader(const struct bn_group *g) {
    return g->leader;
}
int32_t bn_group_size(const struct bn_group *g) { return g->member_count; }

bool bn_group_is_settled(const struct bn_group *g) {
    return g->state == BN_GROUP_EMPTY || g->state == BN_GROUP_STABLE ||
           (g->state == BN_GROUP_COMPLETING && g->sync_store);
}

int32_t bn_group_session_ms(const struct bn_group *g, struct bn_slice member_id) {
    const struct bn_group_member *m = bn_group_member(g, member_id);
    return m ? m->session_ms : g->settings->session_min_ms;
}

int32_t bn_group_reserved_up_to(const struct bn_group *g) {
    int32_t block = bn_group_next_generation(g) - 1 + BN_GROUP_BLOCK;
    return block > g->reserved ? block : g->reserved;
}

void bn_group_at(const struct bn_group *g, int32_t index, struct bn_group_member_view *out) {
    BN_ASSERT(index >= 0 && index < g->member_count);
    const struct bn_group_member *m = g->members[index];
    *out = (struct bn_group_member_view){
        .id = m->id,
        .instance_id = m->instance_id,
        .client_id = m->client_id,
        .client_host = m->client_host,
        .session_ms = m->session_ms,
        .rebalance_ms = m->rebalance_ms,
        .metadata = bn_group_member_metadata(m, g->protocol),
        .assignment = bn_slice_is_null(m->proposed) ? m->assignment : m->proposed,
        .is_new = m->is_new,
    };
}

/* A consumer's subscription begins, in all versions, with a version and the topics (6-groups, 5b). */
static bool subscribes(struct bn_slice subscription, struct bn_slice topic) {
    struct bn_cursor c = bn_cursor_of(subscription);
    (void)bn_cursor_i16(&c);
    int32_t topics = bn_cursor_i32(&c);
    if (topics < 0) c.bad = true;
    for (int32_t i = 0; i < topics && !c.bad; i++) {
        int16_t len = bn_cursor_i16(&c);
        if (len < 0) c.bad = true;
        struct bn_slice name = bn_cursor_slice(&c, len < 0 ? 0 : (size_t)len);
        if (!c.bad && bn_slice_eq(name, topic)) return true;
    }
    return c.bad;
}

bool bn_group_subscribes(const struct bn_group *g, struct bn_slice topic) {
    for (int32_t i = 0; i < g->member_count; i++) {
        if (subscribes(bn_group_member_metadata(g->members[i], g->protocol), topic)) return true;
    }
    return false;
}
