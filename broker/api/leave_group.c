/* leave_group.c: LeaveGroup 0-5: one member leaves (0-2), or several at once (3+, KIP-345). */
#include "broker/api/api.h"
#include "broker/api/groups.h"

struct leave {
    struct bn_scatter scatter;
    struct bn_scatter_part part;
    struct bn_coordinator_leaver *leavers;
    int32_t count;
    struct kmsg_leave_group_response response;
};

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct leave *l = BN_CONTAINER_OF(part, struct leave, part);
    const struct kmsg_leave_group_request *q = part->scatter->request->message;
    struct bn_coordinator *c = bn_groups_coordinator(part);
    (void)partition;
    l->response.error_code = c ? bn_coordinator_leave(c, part->partition, q->group_id, l->leavers, l->count)
                               : KE_NOT_COORDINATOR;
    bn_scatter_done(part);
}

static void gather(struct bn_scatter *s) {
    struct leave *l = BN_CONTAINER_OF(s, struct leave, scatter);
    struct bn_request *r = s->request;
    if (r->header.api_version < 3) {
        if (l->response.error_code == KE_NONE) l->response.error_code = l->leavers[0].error;
    } else if (l->response.error_code == KE_NONE) {
        l->response.members.v = bn_arena_array(&r->arena, (size_t)l->count, sizeof *l->response.members.v);
        l->response.members.n = l->response.members.v ? l->count : 0;
        for (int32_t i = 0; i < l->response.members.n; i++)
            l->response.members.v[i] = (struct kmsg_leave_group_response_member){
                l->leavers[i].member_id, l->leavers[i].instance_id, l->leavers[i].error};
    }
    bn_request_reply(r, &l->response);
}

static bool prepare(struct bn_request *r, struct leave *l) {
    const struct kmsg_leave_group_request *q = r->message;
    bool one = r->header.api_version < 3;
    l->count = one ? 1 : q->members.n;
    l->leavers = bn_arena_array(&r->arena, (size_t)l->count + 1, sizeof *l->leavers);
    if (!l->leavers) return false;
    if (one) l->leavers[0] = (struct bn_coordinator_leaver){q->member_id, BN_SLICE_NULL, KE_NONE};
    for (int32_t i = 0; !one && i < l->count; i++)
        l->leavers[i] = (struct bn_coordinator_leaver){q->members.v[i].member_id, q->members.v[i].group_instance_id,
                                                       KE_NONE};
    return true;
}

void bn_api_leave_group(struct bn_request *r) {
    const struct kmsg_leave_group_request *q = r->message;
    struct leave *l = bn_arena_alloc(&r->arena, sizeof *l);
    if (l && prepare(r, l)) {
        l->response = kmsg_leave_group_response_default;
        l->scatter = (struct bn_scatter){
            .request = r, .parts = &l->part, .part_size = sizeof l->part, .count = 1, .run = run, .gather = gather};
        l->response.error_code = q->group_id.len == 0 ? KE_INVALID_GROUP_ID : bn_groups_aim(r, &l->part, q->group_id);
        l->part.skip = l->response.error_code != KE_NONE;
        if (bn_scatter_run(&l->scatter)) return;
    }
    bn_request_close(r, "a LeaveGroup names more members than its size allows");
}
