/* group_member.c: the members of a group, what they support, and ids given out to those who have to come again. Owns
 * the memory of all of them. Decides nothing. */
#include "broker/group/group_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

void bn_group_own(struct bn_slice *at, struct bn_slice value) {
    struct bn_slice copy = BN_SLICE_NULL;
    if (!bn_slice_is_null(value)) copy = bn_slice_of(bn_alloc_strndup(value.ptr, value.len), value.len);
    bn_alloc_free((void *)(uintptr_t)at->ptr);
    *at = copy;
}

static void forget(struct bn_slice *at) { bn_group_own(at, BN_SLICE_NULL); }

struct bn_group_member *bn_group_member(const struct bn_group *g, struct bn_slice id) {
    return bn_map_get(&g->by_id, id);
}

struct bn_group_member *bn_group_static_member(const struct bn_group *g, struct bn_slice instance_id) {
    return bn_slice_is_null(instance_id) ? NULL : bn_map_get(&g->by_instance, instance_id);
}

static void free_protocols(struct bn_group_protocol **protocols, int32_t *count) {
    for (int32_t i = 0; i < *count; i++) {
        forget(&(*protocols)[i].name);
        forget(&(*protocols)[i].metadata);
    }
    bn_alloc_free(*protocols);
    *protocols = NULL;
    *count = 0;
}

/* Counts what m names, or takes it back. */
static void count_support(struct bn_group *g, const struct bn_group_member *m, int32_t by) {
    g->counts++;
    for (int32_t i = 0; i < m->protocol_count; i++) {
        struct bn_group_support *s = bn_map_get(&g->support, m->protocols[i].name);
        if (s ? s->counted == g->counts : by < 0) continue;
        if (!s) {
            s = bn_alloc_zero(1, sizeof *s);
            bn_group_own(&s->name, m->protocols[i].name);
            bn_map_put(&g->support, s->name, s);
        }
        s->counted = g->counts;
        s->members += by;
        if (s->members > 0) continue;
        bn_map_remove(&g->support, s->name);
        forget(&s->name);
        bn_alloc_free(s);
    }
}

void bn_group_member_update(struct bn_group *g, struct bn_group_member *m, const struct bn_group_join *j) {
    count_support(g, m, -1);
    free_protocols(&m->protocols, &m->protocol_count);
    m->protocols = bn_alloc_zero((size_t)j->protocol_count + 1, sizeof *m->protocols);
    m->protocol_count = j->protocol_count;
    for (int32_t i = 0; i < j->protocol_count; i++) {
        bn_group_own(&m->protocols[i].name, j->protocols[i].name);
        bn_group_own(&m->protocols[i].metadata, j->protocols[i].metadata);
    }
    count_support(g, m, 1);
    m->session_ms = j->session_ms;
    m->rebalance_ms = j->rebalance_ms;
}

struct bn_group_member *bn_group_member_add(struct bn_group *g, struct bn_slice id, const struct bn_group_join *j) {
    struct bn_group_member *m = bn_alloc_zero(1, sizeof *m);
    bn_group_own(&m->id, id);
    bn_group_own(&m->instance_id, j->instance_id);
    bn_group_own(&m->client_id, j->client_id);
    bn_group_own(&m->client_host, j->client_host);
    bn_group_own(&m->assignment, BN_SLICE_LIT(""));
    bn_group_member_update(g, m, j);
    m->is_new = true;
    if (g->member_count == g->member_capacity) {
        g->member_capacity = g->member_capacity ? g->member_capacity * 2 : 4;
        g->members = bn_alloc_resize(g->members, (size_t)g->member_capacity * sizeof(struct bn_group_member *));
    }
    if (g->member_count == 0) bn_group_own(&g->protocol_type, j->protocol_type);
    g->members[g->member_count++] = m;
    bn_map_put(&g->by_id, m->id, m);
    if (!bn_slice_is_null(m->instance_id)) bn_map_put(&g->by_instance, m->instance_id, m);
    if (bn_slice_is_null(g->leader)) bn_group_own(&g->leader, m->id);
    return m;
}

void bn_group_member_rename(struct bn_group *g, struct bn_group_member *m, struct bn_slice id) {
    bool led = bn_slice_eq(g->leader, m->id);
    bn_map_remove(&g->by_id, m->id);
    bn_group_own(&m->id, id);
    bn_map_put(&g->by_id, m->id, m);
    if (led) bn_group_own(&g->leader, m->id);
}

void bn_group_member_remember(struct bn_group *g, struct bn_group_member *m) {
    bn_group_member_forget(m);
    struct bn_group_former *f = m->former = bn_alloc_zero(1, sizeof *f);
    bn_group_own(&f->id, m->id);
    bn_group_own(&f->leader, g->leader);
    count_support(g, m, -1);
    f->protocols = m->protocols;
    f->protocol_count = m->protocol_count;
    f->session_ms = m->session_ms;
    f->rebalance_ms = m->rebalance_ms;
    m->protocols = NULL;
    m->protocol_count = 0;
}

void bn_group_member_revert(struct bn_group *g, struct bn_group_member *m) {
    struct bn_group_former *f = m->former;
    count_support(g, m, -1);
    free_protocols(&m->protocols, &m->protocol_count);
    m->protocols = f->protocols;
    m->protocol_count = f->protocol_count;
    count_support(g, m, 1);
    m->session_ms = f->session_ms;
    m->rebalance_ms = f->rebalance_ms;
    f->protocols = NULL;
    f->protocol_count = 0;
    bn_group_member_rename(g, m, f->id);
}

void bn_group_member_forget(struct bn_group_member *m) {
    if (!m->former) return;
    free_protocols(&m->former->protocols, &m->former->protocol_count);
    forget(&m->former->id);
    forget(&m->former->leader);
    bn_alloc_free(m->former);
    m->former = NULL;
}

void bn_group_member_remove(struct bn_group *g, struct bn_group_member *m) {
    BN_ASSERT(!m->join_token && !m->sync_token);
    bn_map_remove(&g->by_id, m->id);
    if (!bn_slice_is_null(m->instance_id)) bn_map_remove(&g->by_instance, m->instance_id);
    int32_t at = 0;
    while (g->members[at] != m) at++;
    memmove(&g->members[at], &g->members[at + 1], (size_t)(--g->member_count - at) * sizeof(struct bn_group_member *));
    if (bn_slice_eq(g->leader, m->id)) bn_group_own(&g->leader, g->member_count ? g->members[0]->id : BN_SLICE_NULL);
    count_support(g, m, -1);
    free_protocols(&m->protocols, &m->protocol_count);
    forget(&m->id);
    forget(&m->instance_id);
    forget(&m->client_id);
    forget(&m->client_host);
    forget(&m->assignment);
    forget(&m->proposed);
    bn_group_member_forget(m);
    bn_alloc_free(m);
}

/* ---- protocols ---- */

bool bn_group_member_matches(const struct bn_group_member *m, const struct bn_group_join *j) {
    if (m->protocol_count != j->protocol_count) return false;
    for (int32_t i = 0; i < m->protocol_count; i++) {
        if (!bn_slice_eq(m->protocols[i].name, j->protocols[i].name) ||
            !bn_slice_eq(m->protocols[i].metadata, j->protocols[i].metadata))
            return false;
    }
    return true;
}

static int32_t find(const struct bn_group_member *m, struct bn_slice protocol) {
    for (int32_t i = 0; i < m->protocol_count; i++) {
        if (bn_slice_eq(m->protocols[i].name, protocol)) return i;
    }
    return -1;
}

struct bn_slice bn_group_member_metadata(const struct bn_group_member *m, struct bn_slice protocol) {
    int32_t i = bn_slice_is_null(protocol) ? -1 : find(m, protocol);
    return i < 0 ? BN_SLICE_LIT("") : m->protocols[i].metadata;
}

static bool is_common(const struct bn_group *g, const struct bn_group_support *s) {
    return (s ? s->members : 0) == g->member_count;
}

bool bn_group_supports(const struct bn_group *g, const struct bn_group_join *j) {
    if (g->state == BN_GROUP_EMPTY) return j->protocol_type.len > 0 && j->protocol_count > 0;
    if (!bn_slice_eq(g->protocol_type, j->protocol_type)) return false;
    for (int32_t i = 0; i < j->protocol_count; i++) {
        if (is_common(g, bn_map_get(&g->support, j->protocols[i].name))) return true;
    }
    return false;
}

/* A member votes for the first of its protocols that all support. Among those with equal votes the one that the first
 * member prefers wins, so that the choice does not depend on the order in a table. */
struct bn_slice bn_group_choose(const struct bn_group *g) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&g->support, &at)) != NULL;)
        ((struct bn_group_support *)e->value)->votes = 0;
    for (int32_t i = 0; i < g->member_count; i++) {
        const struct bn_group_member *m = g->members[i];
        struct bn_group_support *s = NULL;
        for (int32_t k = 0; k < m->protocol_count && !is_common(g, s); k++)
            s = bn_map_get(&g->support, m->protocols[k].name);
        if (is_common(g, s)) s->votes++;
    }
    const struct bn_group_support *best = NULL;
    const struct bn_group_member *first = g->member_count ? g->members[0] : NULL;
    for (int32_t k = 0; first && k < first->protocol_count; k++) {
        const struct bn_group_support *s = bn_map_get(&g->support, first->protocols[k].name);
        if (is_common(g, s) && (!best || s->votes > best->votes)) best = s;
    }
    return best ? best->name : BN_SLICE_NULL;
}

/* ---- ids given out ---- */

bool bn_group_pending_has(const struct bn_group *g, struct bn_slice id) { return bn_map_get(&g->pending, id) != NULL; }

void bn_group_pending_add(struct bn_group *g, struct bn_slice id, int64_t expires_ms) {
    BN_ASSERT(!bn_group_pending_has(g, id));
    struct bn_group_pending *p = bn_alloc_zero(1, sizeof *p);
    p->expires_ms = expires_ms;
    bn_group_own(&p->id, id);
    bn_map_put(&g->pending, p->id, p);
    bn_group_wait_until(g, expires_ms);
}

static void free_pending(struct bn_group_pending *p) {
    forget(&p->id);
    bn_alloc_free(p);
}

bool bn_group_pending_remove(struct bn_group *g, struct bn_slice id) {
    struct bn_group_pending *p = bn_map_remove(&g->pending, id);
    if (!p) return false;
    free_pending(p);
    if (g->pending.count == 0) bn_map_fini(&g->pending); /* most groups never have any again */
    return true;
}

bool bn_group_pending_expire(struct bn_group *g, int64_t now_ms) {
    struct bn_map left;
    size_t at = 0, had = g->pending.count;
    bn_map_init(&left);
    for (struct bn_map_entry *e; (e = bn_map_next(&g->pending, &at)) != NULL;) {
        struct bn_group_pending *p = e->value;
        if (p->expires_ms > now_ms)
            bn_map_put(&left, p->id, p);
        else
            free_pending(p);
    }
    bn_map_fini(&g->pending);
    g->pending = left;
    return left.count < had;
}
