/* create_partitions.c: CreatePartitions 0-3, answered by the active controller. Without one, each topic timed out. */
#include "broker/api/api.h"
#include "broker/api/relay.h"

static void refuse(struct bn_request *r, int16_t error) {
    const struct kmsg_create_partitions_request *q = r->message;
    struct kmsg_create_partitions_response response = kmsg_create_partitions_response_default;
    response.results.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *response.results.v);
    if (!response.results.v) {
        bn_request_close(r, "a CreatePartitions names more topics than its size allows");
        return;
    }
    response.results.n = q->topics.n;
    for (int32_t i = 0; i < q->topics.n; i++) {
        response.results.v[i] = kmsg_create_partitions_response_result_default;
        response.results.v[i].name = q->topics.v[i].name;
        response.results.v[i].error_code = error;
        response.results.v[i].error_message = bn_relay_text(error);
    }
    bn_request_reply(r, &response);
}

void bn_api_create_partitions(struct bn_request *r) {
    const struct kmsg_create_partitions_request *q = r->message;
    bn_relay_admin(r, q->timeout_ms, refuse);
}
