/* describe_groups.c: DescribeGroups 0-5: state and members of groups. An unknown group is "Dead", and no error. */
#include "broker/api/api.h"
#include "broker/api/groups.h"
#include "broker/api/operations.h"
#include "common/base/alloc.h"

struct describe_part {              /* one group */
    struct bn_scatter_part scatter; /* first: scatter.h */
    struct bn_slice group;
    struct kmsg_describe_groups_response_group *answer;
    struct bn_arena arena; /* of what is told: parts run side by side */
};

struct describe {
    struct bn_scatter scatter;
    struct kmsg_describe_groups_response response;
};

static void tell_members(struct describe_part *p, const struct bn_group *g, int version) {
    int32_t count = bn_group_size(g);
    bool settled = bn_group_state(g) == BN_GROUP_STABLE;
    p->answer->members.v = bn_arena_array(&p->arena, (size_t)count, sizeof *p->answer->members.v);
    if (!p->answer->members.v) return;
    for (int32_t i = 0; i < count; i++) {
        struct bn_group_member_view m;
        bn_group_at(g, i, &m);
        p->answer->members.v[p->answer->members.n++] = (struct kmsg_describe_groups_response_member){
            .member_id = bn_groups_keep(&p->arena, m.id),
            .group_instance_id = version >= 4 ? bn_groups_keep(&p->arena, m.instance_id) : BN_SLICE_NULL,
            .client_id = bn_groups_keep(&p->arena, m.client_id),
            .client_host = bn_groups_keep(&p->arena, m.client_host),
            .member_metadata = settled ? bn_groups_keep(&p->arena, m.metadata) : BN_SLICE_LIT(""),
            .member_assignment = settled ? bn_groups_keep(&p->arena, m.assignment) : BN_SLICE_LIT(""),
        };
    }
}

static void tell(struct describe_part *p, const struct bn_group *g, int version) {
    struct kmsg_describe_groups_response_group *out = p->answer;
    out->group_state = bn_slice_str(bn_group_state_name(g ? bn_group_state(g) : BN_GROUP_DEAD));
    if (!g) return;
    out->protocol_type = bn_groups_text(bn_groups_keep(&p->arena, bn_group_protocol_type(g)));
    if (bn_group_state(g) == BN_GROUP_STABLE)
        out->protocol_data = bn_groups_text(bn_groups_keep(&p->arena, bn_group_protocol(g)));
    tell_members(p, g, version);
}

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct describe_part *p = BN_CONTAINER_OF(part, struct describe_part, scatter);
    struct bn_coordinator *c = bn_groups_coordinator(part);
    const struct bn_group *g = NULL;
    (void)partition;
    p->answer->error_code = c ? bn_coordinator_group(c, part->partition, p->group, &g) : KE_NOT_COORDINATOR;
    if (p->answer->error_code == KE_NONE) tell(p, g, part->scatter->request->header.api_version);
    bn_scatter_done(part);
}

static void gather(struct bn_scatter *s) {
    struct describe *d = BN_CONTAINER_OF(s, struct describe, scatter);
    const struct describe_part *parts = s->parts;
    int count = s->count;
    struct bn_arena *arenas = bn_alloc_zero((size_t)count + 1, sizeof *arenas);
    for (int i = 0; i < count; i++) arenas[i] = parts[i].arena; /* the parts end with the request */
    bn_request_reply(s->request, &d->response);
    for (int i = 0; i < count; i++) bn_arena_fini(&arenas[i]);
    bn_alloc_free(arenas);
}

static bool prepare(struct bn_request *r, struct describe *d) {
    const struct kmsg_describe_groups_request *q = r->message;
    struct describe_part *parts = bn_arena_array(&r->arena, (size_t)q->groups.n, sizeof *parts);
    d->response.groups.v = bn_arena_array(&r->arena, (size_t)q->groups.n, sizeof *d->response.groups.v);
    if (!parts || !d->response.groups.v) return false;
    struct bn_groups_named named;
    bn_groups_named_init(&named);
    d->scatter.parts = parts;
    d->response.groups.n = 0;
    for (int32_t i = 0; i < q->groups.n; i++) {
        if (bn_groups_named_before(&named, q->groups.v[i])) continue;
        struct describe_part *p = &parts[d->scatter.count++];
        p->group = q->groups.v[i];
        p->answer = &d->response.groups.v[d->response.groups.n++];
        bn_arena_init(&p->arena, SIZE_MAX);
        *p->answer = kmsg_describe_groups_response_group_default;
        p->answer->group_id = p->group;
        p->answer->group_state = p->answer->protocol_type = p->answer->protocol_data = BN_SLICE_LIT("");
        if (r->header.api_version >= 3 && q->include_authorized_operations)
            p->answer->authorized_operations = BN_OPERATIONS_GROUP;
        p->answer->error_code = bn_groups_aim(r, &p->scatter, p->group);
        p->scatter.skip = p->answer->error_code != KE_NONE;
    }
    bn_groups_named_fini(&named);
    return true;
}

void bn_api_describe_groups(struct bn_request *r) {
    struct describe *d = bn_arena_alloc(&r->arena, sizeof *d);
    if (d) {
        d->response = kmsg_describe_groups_response_default;
        d->scatter = (struct bn_scatter){
            .request = r, .part_size = sizeof(struct describe_part), .run = run, .gather = gather};
        if (prepare(r, d) && bn_scatter_run(&d->scatter)) return;
    }
    bn_request_close(r, "a DescribeGroups names more groups than its size allows");
}
