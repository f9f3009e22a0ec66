/* group_store.c: a store of one group in memory. */
#include "tests/script/group_store.h"

#include "common/base/alloc.h"

static char *keep(struct bn_slice s) { return bn_slice_is_null(s) ? NULL : bn_alloc_strndup(s.ptr, s.len); }

static void clear(struct group_store *s) { /* all but the generations */
    for (int32_t i = 0; i < s->count; i++) {
        bn_alloc_free(s->members[i].id);
        bn_alloc_free(s->members[i].instance_id);
        bn_alloc_free(s->members[i].metadata);
        bn_alloc_free(s->members[i].assignment);
    }
    bn_alloc_free(s->members);
    bn_alloc_free(s->protocol_type);
    bn_alloc_free(s->protocol);
    bn_alloc_free(s->leader);
    s->members = NULL;
    s->protocol_type = s->protocol = s->leader = NULL;
    s->count = 0;
}

void group_store_fini(struct group_store *s) {
    clear(s);
    *s = (struct group_store){0};
}

static void write_members(struct group_store *s, const struct bn_group *g) {
    s->members = bn_alloc_zero((size_t)bn_group_size(g) + 1, sizeof *s->members);
    for (int32_t i = 0; i < bn_group_size(g); i++) {
        struct bn_group_member_view v;
        bn_group_at(g, i, &v);
        if (v.is_new) continue;
        s->members[s->count++] = (struct group_store_member){keep(v.id),         keep(v.instance_id), keep(v.metadata),
                                                             keep(v.assignment), v.session_ms,        v.rebalance_ms};
    }
}

static void tell(const struct group_store *s, struct bn_str *text) {
    bn_str_addf(text, "  WRITTEN generation %d, reserved %d, %s/%s, leader %s:", s->generation, s->reserved,
                s->protocol_type ? s->protocol_type : "-", s->protocol ? s->protocol : "-",
                s->leader ? s->leader : "-");
    for (int32_t i = 0; i < s->count; i++) {
        const struct group_store_member *m = &s->members[i];
        bn_str_addf(text, " %s%s%s=%s", m->id, m->instance_id ? "/" : "", m->instance_id ? m->instance_id : "",
                    m->assignment);
    }
    bn_str_add(text, s->count ? "\n" : " nobody\n");
}

void group_store_write(struct group_store *s, const struct bn_group *g, struct bn_str *text) {
    s->reserved = bn_group_reserved_up_to(g) > s->reserved ? bn_group_reserved_up_to(g) : s->reserved;
    clear(s);
    s->generation = bn_group_generation(g);
    s->protocol_type = keep(bn_group_protocol_type(g));
    s->protocol = keep(bn_group_protocol(g));
    s->leader = bn_group_is_settled(g) ? keep(bn_group_leader(g)) : NULL;
    write_members(s, g);
    if (text) tell(s, text);
}

static char *again(const char *s) { return s ? bn_alloc_strdup(s) : NULL; }

void group_store_copy(struct group_store *to, const struct group_store *from) {
    group_store_fini(to);
    *to = *from;
    to->protocol_type = again(from->protocol_type);
    to->protocol = again(from->protocol);
    to->leader = again(from->leader);
    to->members = bn_alloc_zero((size_t)from->count + 1, sizeof *to->members);
    for (int32_t i = 0; i < from->count; i++) {
        const struct group_store_member *m = &from->members[i];
        to->members[i] = (struct group_store_member){again(m->id),         again(m->instance_id), again(m->metadata),
                                                     again(m->assignment), m->session_ms,         m->rebalance_ms};
    }
}

void group_store_resume(const struct group_store *s, struct bn_group *g, int64_t now_ms) {
    struct bn_group_resume_member *members = bn_alloc_zero((size_t)s->count + 1, sizeof *members);
    for (int32_t i = 0; i < s->count; i++) {
        const struct group_store_member *m = &s->members[i];
        members[i] = (struct bn_group_resume_member){.id = bn_slice_str(m->id),
                                                     .instance_id = bn_slice_str(m->instance_id),
                                                     .client_id = BN_SLICE_LIT("client"),
                                                     .client_host = BN_SLICE_LIT("/127.0.0.1"),
                                                     .session_ms = m->session_ms,
                                                     .rebalance_ms = m->rebalance_ms,
                                                     .metadata = bn_slice_str(m->metadata),
                                                     .assignment = bn_slice_str(m->assignment)};
    }
    struct bn_group_resume r = {.generation = s->generation,
                                .reserved = s->reserved,
                                .protocol_type = bn_slice_str(s->protocol_type),
                                .protocol = bn_slice_str(s->protocol),
                                .leader = bn_slice_str(s->leader),
                                .members = members,
                                .member_count = s->count};
    bn_group_resume(g, now_ms, &r);
    bn_alloc_free(members);
}
