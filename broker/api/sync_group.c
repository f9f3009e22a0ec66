/* sync_group.c: SyncGroup 0-5: the leader hands in the assignments, everybody gets their own once they are stored. */
#include "broker/api/api.h"
#include "broker/api/groups.h"

struct sync {
    struct bn_scatter scatter;
    struct bn_scatter_part part;
    struct bn_coordinator_sync sync;
    struct kmsg_sync_group_response response;
};

static void fill(struct bn_request *r, struct sync *y) {
    const struct bn_group_out *o = &y->sync.out;
    y->response.error_code = y->sync.error;
    y->response.assignment = bn_groups_keep(&r->arena, bn_groups_text(o->assignment));
    if (r->header.api_version < 5) return;
    y->response.protocol_type = bn_groups_keep(&r->arena, o->protocol_type);
    y->response.protocol_name = bn_groups_keep(&r->arena, o->protocol);
}

static void synced(struct bn_coordinator_sync *of) { /* the coordinator's shard */
    struct sync *y = BN_CONTAINER_OF(of, struct sync, sync);
    fill(y->scatter.request, y);
    bn_scatter_done(&y->part);
}

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct sync *y = BN_CONTAINER_OF(part, struct sync, part);
    const struct kmsg_sync_group_request *q = part->scatter->request->message;
    struct bn_coordinator *c = bn_groups_coordinator(part);
    (void)partition;
    if (c) {
        bn_coordinator_sync(c, part->partition, q->group_id, &y->sync);
        return;
    }
    y->sync.error = KE_NOT_COORDINATOR;
    synced(&y->sync);
}

static void gather(struct bn_scatter *s) {
    bn_request_reply(s->request, &BN_CONTAINER_OF(s, struct sync, scatter)->response);
}

static bool prepare(struct bn_request *r, struct sync *y) {
    const struct kmsg_sync_group_request *q = r->message;
    struct bn_group_assignment *list = bn_arena_array(&r->arena, (size_t)q->assignments.n, sizeof *list);
    if (!list) return false;
    for (int32_t i = 0; i < q->assignments.n; i++)
        list[i] = (struct bn_group_assignment){q->assignments.v[i].member_id,
                                               bn_groups_text(q->assignments.v[i].assignment)};
    y->sync.in = (struct bn_group_sync){
        .generation = q->generation_id,
        .member_id = q->member_id,
        .instance_id = q->group_instance_id,
        .protocol_type = q->protocol_type,
        .protocol = q->protocol_name,
        .assignments = list,
        .assignment_count = q->assignments.n,
    };
    return true;
}

void bn_api_sync_group(struct bn_request *r) {
    const struct kmsg_sync_group_request *q = r->message;
    struct sync *y = bn_arena_alloc(&r->arena, sizeof *y);
    if (!y || !prepare(r, y)) {
        bn_request_close(r, "a SyncGroup names more members than its size allows");
        return;
    }
    y->response = kmsg_sync_group_response_default;
    y->sync.done = synced;
    y->scatter = (struct bn_scatter){
        .request = r, .parts = &y->part, .part_size = sizeof y->part, .count = 1, .run = run, .gather = gather};
    bool named = r->header.api_version < 5 ||
                 (!bn_slice_is_null(q->protocol_type) && !bn_slice_is_null(q->protocol_name));
    int16_t error = q->group_id.len == 0 ? KE_INVALID_GROUP_ID : bn_groups_aim(r, &y->part, q->group_id);
    if (!named) error = KE_INCONSISTENT_GROUP_PROTOCOL; /* KIP-559: both are to be told */
    if (error != KE_NONE) {
        y->part.skip = true;
        y->sync.error = error;
        fill(r, y);
    }
    if (!bn_scatter_run(&y->scatter)) bn_request_close(r, "no memory is left for the answer");
}
