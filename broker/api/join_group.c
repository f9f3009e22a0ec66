/* join_group.c: JoinGroup 0-9: a member enters a rebalance, and is answered when the round is over. The leader is told
 * all members with what they want, from which it makes the assignments. */
#include <stdio.h>

#include "broker/api/api.h"
#include "broker/api/groups.h"

struct join {
    struct bn_scatter scatter;
    struct bn_scatter_part part;
    struct bn_coordinator_join join;
    struct kmsg_join_group_response response;
    bool told; /* the answer was laid out */
};

static bool fill_members(struct bn_request *r, struct join *j) {
    const struct bn_group *g = j->join.group;
    int32_t count = g ? bn_group_size(g) : 0;
    r->arena.budget_bytes += (size_t)count * sizeof *j->response.members.v + 64;
    j->response.members.v = bn_arena_array(&r->arena, (size_t)count, sizeof *j->response.members.v);
    if (!j->response.members.v) return false;
    for (int32_t i = 0; i < count; i++) {
        struct bn_group_member_view m;
        bn_group_at(g, i, &m);
        j->response.members.v[j->response.members.n++] = (struct kmsg_join_group_response_member){
            .member_id = bn_groups_keep(&r->arena, m.id),
            .group_instance_id = r->header.api_version >= 5 ? bn_groups_keep(&r->arena, m.instance_id) : BN_SLICE_NULL,
            .metadata = bn_groups_keep(&r->arena, m.metadata)};
    }
    return true;
}

static void fill(struct bn_request *r, struct join *j) {
    const struct bn_group_out *o = &j->join.out;
    struct kmsg_join_group_response *out = &j->response;
    out->error_code = j->join.error;
    out->generation_id = o->generation;
    out->leader = bn_groups_keep(&r->arena, bn_groups_text(o->leader));
    out->member_id = bn_groups_keep(&r->arena, bn_groups_text(o->member_id));
    out->protocol_name = bn_groups_keep(&r->arena, o->protocol);
    if (r->header.api_version < 7) out->protocol_name = bn_groups_text(out->protocol_name);
    if (r->header.api_version >= 7) out->protocol_type = bn_groups_keep(&r->arena, o->protocol_type);
    if (r->header.api_version >= 9) out->skip_assignment = o->skip_assignment;
    j->told = fill_members(r, j);
}

static void joined(struct bn_coordinator_join *of) { /* the coordinator's shard; the request is ours while it waits */
    struct join *j = BN_CONTAINER_OF(of, struct join, join);
    fill(j->scatter.request, j);
    bn_scatter_done(&j->part);
}

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct join *j = BN_CONTAINER_OF(part, struct join, part);
    const struct kmsg_join_group_request *q = part->scatter->request->message;
    struct bn_coordinator *c = bn_groups_coordinator(part);
    (void)partition; /* the coordinator knows what it leads */
    if (c) {
        bn_coordinator_join(c, part->partition, q->group_id, &j->join);
        return;
    }
    j->join.error = KE_NOT_COORDINATOR;
    j->join.out = (struct bn_group_out){.generation = -1};
    joined(&j->join);
}

static void gather(struct bn_scatter *s) {
    struct join *j = BN_CONTAINER_OF(s, struct join, scatter);
    if (j->told)
        bn_request_reply(s->request, &j->response);
    else
        bn_request_close(s->request, "no memory is left for the answer");
}

/* "<client id or instance id>-<uuid>", as Kafka makes them; of a name so long that no answer could carry the id, its
 * beginning (Kafka fails on such a name). */
static struct bn_slice new_id(struct bn_request *r, const struct kmsg_join_group_request *q) {
    uint8_t b[16];
    char text[40];
    r->deps->env->random(b, sizeof b);
    snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-4%x%02x-%x%x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
             b[3], b[4], b[5], b[6] & 0xf, b[7], 8 | (b[8] & 3), b[8] >> 4, b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    struct bn_slice name = bn_slice_is_null(q->group_instance_id) ? r->header.client_id : q->group_instance_id;
    name.len = bn_min_size(name.len, BN_CODEC_STRING_MAX - 1 - strlen(text));
    r->arena.budget_bytes += name.len + 128;
    const char *made = bn_arena_printf(&r->arena, "%.*s-%s", BN_SLICE_FMT(name), text);
    return bn_slice_str(made ? made : "");
}

static bool prepare(struct bn_request *r, struct join *j) {
    const struct kmsg_join_group_request *q = r->message;
    struct bn_group_join *in = &j->join.in;
    struct bn_group_protocol *protocols = bn_arena_array(&r->arena, (size_t)q->protocols.n, sizeof *protocols);
    r->arena.budget_bytes += sizeof r->client_host + 64;
    const char *host = bn_arena_printf(&r->arena, "/%s", r->client_host);
    if (!protocols || !host) return false;
    for (int32_t i = 0; i < q->protocols.n; i++)
        protocols[i] = (struct bn_group_protocol){q->protocols.v[i].name, bn_groups_text(q->protocols.v[i].metadata)};
    *in = (struct bn_group_join){
        .member_id = q->member_id,
        .instance_id = q->group_instance_id,
        .new_id = new_id(r, q),
        .client_id = bn_groups_text(r->header.client_id),
        .client_host = bn_slice_str(host),
        .session_ms = q->session_timeout_ms,
        .rebalance_ms = r->header.api_version >= 1 ? (int32_t)bn_max_i64(q->rebalance_timeout_ms, 0)
                                                   : q->session_timeout_ms,
        .protocol_type = q->protocol_type,
        .protocols = protocols,
        .protocol_count = q->protocols.n,
        .id_required = r->header.api_version >= 4,
        .can_skip = r->header.api_version >= 9,
    };
    return true;
}

void bn_api_join_group(struct bn_request *r) {
    const struct kmsg_join_group_request *q = r->message;
    struct join *j = bn_arena_alloc(&r->arena, sizeof *j);
    if (!j || !prepare(r, j)) {
        bn_request_close(r, "a JoinGroup names more protocols than its size allows");
        return;
    }
    j->response = kmsg_join_group_response_default;
    j->join.done = joined;
    j->scatter = (struct bn_scatter){
        .request = r, .parts = &j->part, .part_size = sizeof j->part, .count = 1, .run = run, .gather = gather};
    int16_t error = q->group_id.len == 0 ? KE_INVALID_GROUP_ID : bn_groups_aim(r, &j->part, q->group_id);
    if (error != KE_NONE) {
        j->part.skip = true;
        j->join.error = error;
        j->join.out = (struct bn_group_out){.generation = -1, .member_id = q->member_id};
        fill(r, j);
    }
    if (!bn_scatter_run(&j->scatter)) bn_request_close(r, "no memory is left for the answer");
}
