/* heartbeat.c: Heartbeat 0-4: keeps a member in its group, and tells it of a rebalance. */
#include "broker/api/api.h"
#include "broker/api/groups.h"

struct beat {
    struct bn_scatter scatter;
    struct bn_scatter_part part;
    struct kmsg_heartbeat_response response;
};

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct beat *b = BN_CONTAINER_OF(part, struct beat, part);
    const struct kmsg_heartbeat_request *q = part->scatter->request->message;
    struct bn_coordinator *c = bn_groups_coordinator(part);
    (void)partition;
    b->response.error_code = c ? bn_coordinator_heartbeat(c, part->partition, q->group_id, q->generation_id,
                                                          q->member_id, q->group_instance_id)
                               : KE_NOT_COORDINATOR;
    bn_scatter_done(part);
}

static void gather(struct bn_scatter *s) {
    bn_request_reply(s->request, &BN_CONTAINER_OF(s, struct beat, scatter)->response);
}

void bn_api_heartbeat(struct bn_request *r) {
    const struct kmsg_heartbeat_request *q = r->message;
    struct beat *b = bn_arena_alloc(&r->arena, sizeof *b);
    if (b) {
        b->response = kmsg_heartbeat_response_default;
        b->scatter = (struct bn_scatter){
            .request = r, .parts = &b->part, .part_size = sizeof b->part, .count = 1, .run = run, .gather = gather};
        b->response.error_code = q->group_id.len == 0 ? KE_INVALID_GROUP_ID : bn_groups_aim(r, &b->part, q->group_id);
        b->part.skip = b->response.error_code != KE_NONE;
        if (bn_scatter_run(&b->scatter)) return;
    }
    bn_request_close(r, "no memory is left for the answer");
}
