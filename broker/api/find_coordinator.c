/* find_coordinator.c: FindCoordinator 0-6. No group and no transactional id has a coordinator on this broker yet,
 * which a client is told in the one way that it understands: COORDINATOR_NOT_AVAILABLE, ask again. */
#include "broker/api/api.h"

enum { KEY_GROUP = 0, KEY_TRANSACTION = 1, KEY_SHARE = 2 };
static const char TEXT[] = "No coordinator is available for this key.";

static int16_t error_of(const struct bn_request *r, int8_t key_type) {
    bool known = key_type == KEY_GROUP || (key_type == KEY_TRANSACTION && r->header.api_version >= 1) ||
                 (key_type == KEY_SHARE && r->header.api_version >= 6);
    return known ? KE_COORDINATOR_NOT_AVAILABLE : KE_INVALID_REQUEST;
}

/* KIP-699: from version 4 on many keys, each with its own answer. */
static bool answer_keys(struct bn_request *r, struct kmsg_find_coordinator_response *response, int16_t error) {
    const struct kmsg_find_coordinator_request *q = r->message;
    size_t count = (size_t)q->coordinator_keys.n;
    response->coordinators.v = bn_arena_array(&r->arena, count, sizeof *response->coordinators.v);
    if (!response->coordinators.v) return false;
    response->coordinators.n = q->coordinator_keys.n;
    for (size_t i = 0; i < count; i++) {
        response->coordinators.v[i] = (struct kmsg_find_coordinator_response_coordinator){
            .key = q->coordinator_keys.v[i],
            .node_id = -1,
            .host = BN_SLICE_LIT(""),
            .port = -1,
            .error_code = error,
            .error_message = bn_slice_str(TEXT),
        };
    }
    return true;
}

void bn_api_find_coordinator(struct bn_request *r) {
    const struct kmsg_find_coordinator_request *q = r->message;
    struct kmsg_find_coordinator_response response = kmsg_find_coordinator_response_default;
    int16_t error = error_of(r, q->key_type);
    if (r->header.api_version >= 4) {
        if (!answer_keys(r, &response, error)) {
            bn_request_close(r, "a FindCoordinator names more keys than its size allows");
            return;
        }
    } else {
        response.error_code = error;
        response.error_message = bn_slice_str(TEXT);
        response.node_id = -1;
        response.host = BN_SLICE_LIT("");
        response.port = -1;
    }
    bn_request_reply(r, &response);
}
