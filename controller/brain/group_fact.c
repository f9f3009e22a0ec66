/* group_fact.c: sizes are estimated, because the brain does not know how the shell writes a znode: text may be escaped
 * to three times its length, bytes are in base64 and, when there are few, stand there in plain words as well. */
#include "controller/brain/group_fact.h"

#include "common/base/check.h"

static void *take(struct bn_arena *a, int32_t count, size_t size) {
    void *p = bn_arena_array(a, (size_t)count + 1, size);
    BN_ASSERT(p);
    return p;
}

static struct bn_slice copy(struct bn_arena *a, struct bn_slice s) {
    if (bn_slice_is_null(s)) return s;
    const char *text = bn_arena_copy(a, s);
    BN_ASSERT(text);
    return bn_slice_of(text, s.len);
}

struct bn_fact_group bn_group_fact_copy(struct bn_arena *a, const struct bn_fact_group *in) {
    struct bn_fact_group out = *in;
    struct bn_fact_group_member *members = take(a, in->member_count, sizeof *members);
    struct bn_fact_group_part *parts = take(a, in->part_count, sizeof *parts);
    for (int32_t i = 0; i < in->member_count; i++) {
        const struct bn_fact_group_member *m = &in->members[i];
        members[i] = (struct bn_fact_group_member){.member_id = copy(a, m->member_id),
                                                   .instance_id = copy(a, m->instance_id),
                                                   .client_id = copy(a, m->client_id),
                                                   .client_host = copy(a, m->client_host),
                                                   .metadata = copy(a, m->metadata),
                                                   .assignment = copy(a, m->assignment),
                                                   .session_timeout_ms = m->session_timeout_ms,
                                                   .rebalance_timeout_ms = m->rebalance_timeout_ms};
    }
    for (int32_t i = 0; i < in->part_count; i++) parts[i] = in->parts[i];
    out.name = (const char *)copy(a, bn_slice_str(in->name)).ptr;
    out.protocol_type = copy(a, in->protocol_type);
    out.protocol = copy(a, in->protocol);
    out.leader = copy(a, in->leader);
    out.members = members;
    out.parts = parts;
    return out;
}

static size_t text(struct bn_slice s) { return 3 * s.len; }

static size_t bytes(struct bn_slice s, size_t shown) {
    size_t base64 = (s.len + 2) / 3 * 4;
    return s.len <= BN_GROUP_FACT_SHOWN_MAX ? base64 + shown * s.len : base64;
}

size_t bn_group_fact_member_bytes(const struct bn_fact_group_member *m) {
    return 384 + text(m->member_id) + text(m->instance_id) + text(m->client_id) + text(m->client_host) +
           bytes(m->metadata, 2) + bytes(m->assignment, 3);
}

size_t bn_group_fact_head_bytes(const struct bn_fact_group *g) {
    return 512 + 32 * (size_t)g->part_count + text(g->protocol_type) + text(g->protocol) + text(g->leader);
}

size_t bn_group_fact_bytes(const struct bn_fact_group *g) {
    size_t sum = bn_group_fact_head_bytes(g);
    for (int32_t i = 0; i < g->member_count; i++) sum += bn_group_fact_member_bytes(&g->members[i]);
    return sum;
}

bool bn_group_fact_fits(const struct bn_fact_group *g) {
    for (int32_t i = 0; i < g->member_count; i++)
        if (bn_group_fact_member_bytes(&g->members[i]) > BN_GROUP_FACT_MEMBER_MAX) return false;
    return bn_group_fact_head_bytes(g) <= BN_GROUP_FACT_MEMBER_MAX && bn_group_fact_bytes(g) <= BN_GROUP_FACT_GROUP_MAX;
}

int32_t bn_group_fact_cut(const struct bn_fact_group *g, int32_t first) {
    size_t sum = 0;
    int32_t n = 0;
    while (first + n < g->member_count) {
        sum += bn_group_fact_member_bytes(&g->members[first + n]);
        if (n > 0 && sum > BN_GROUP_FACT_NODE_MAX) break;
        n++;
    }
    return n;
}
