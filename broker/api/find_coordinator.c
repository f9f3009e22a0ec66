/* find_coordinator.c: FindCoordinator 0-6: the broker that leads the partition of __consumer_offsets that a group
 * belongs to. The topic is made on first need. No transactional id and no share group has a coordinator here, which a
 * client is told in the one way that it understands: COORDINATOR_NOT_AVAILABLE, ask again. */
#include "broker/api/api.h"
#include "broker/api/creation.h"
#include "broker/api/groups.h"

enum { KEY_GROUP = 0, KEY_TRANSACTION = 1, KEY_SHARE = 2 };

struct place {
    int16_t error;
    int32_t node_id, port;
    struct bn_slice host;
};

static struct place nowhere(int16_t error) { return (struct place){error, -1, -1, BN_SLICE_LIT("")}; }

static struct place place_of(struct bn_request *r, int8_t key_type, struct bn_slice key) {
    bool known = key_type == KEY_GROUP || (key_type == KEY_TRANSACTION && r->header.api_version >= 1) ||
                 (key_type == KEY_SHARE && r->header.api_version >= 6);
    if (!known) return nowhere(KE_INVALID_REQUEST);
    if (key_type != KEY_GROUP) return nowhere(KE_COORDINATOR_NOT_AVAILABLE);
    struct bn_scatter_part part = {0};
    int16_t error = bn_groups_aim(r, &part, key);
    if (error == KE_INVALID_GROUP_ID) return nowhere(error);
    if (error != KE_NONE) {
        bn_creation_offsets_topic(r);
        return nowhere(KE_COORDINATOR_NOT_AVAILABLE);
    }
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    const struct bn_image_topic *t = bn_image_topic_by_id(image, &part.topic_id);
    const struct bn_image_partition *p = bn_image_partition(t, part.partition);
    const struct bn_image_broker *b = p && p->leader >= 0 ? bn_image_broker(image, p->leader) : NULL;
    const struct bn_image_endpoint *at = b ? bn_image_endpoint(b, r->listener) : NULL;
    if (!at) return nowhere(KE_COORDINATOR_NOT_AVAILABLE);
    return (struct place){KE_NONE, b->id, at->port, bn_slice_str(at->host)};
}

/* KIP-699: from version 4 on many keys, each with its own answer. */
static bool answer_keys(struct bn_request *r, struct kmsg_find_coordinator_response *response) {
    const struct kmsg_find_coordinator_request *q = r->message;
    size_t count = (size_t)q->coordinator_keys.n;
    response->coordinators.v = bn_arena_array(&r->arena, count, sizeof *response->coordinators.v);
    if (!response->coordinators.v) return false;
    response->coordinators.n = q->coordinator_keys.n;
    for (size_t i = 0; i < count; i++) {
        struct place at = place_of(r, q->key_type, q->coordinator_keys.v[i]);
        response->coordinators.v[i] = (struct kmsg_find_coordinator_response_coordinator){
            .key = q->coordinator_keys.v[i],
            .node_id = at.node_id,
            .host = at.host,
            .port = at.port,
            .error_code = at.error,
            .error_message = at.error ? bn_slice_str(bn_errors_text(at.error)) : BN_SLICE_LIT(""),
        };
    }
    return true;
}

void bn_api_find_coordinator(struct bn_request *r) {
    const struct kmsg_find_coordinator_request *q = r->message;
    struct kmsg_find_coordinator_response response = kmsg_find_coordinator_response_default;
    if (r->header.api_version >= 4) {
        if (!answer_keys(r, &response)) {
            bn_request_close(r, "a FindCoordinator names more keys than its size allows");
            return;
        }
    } else {
        struct place at = place_of(r, r->header.api_version >= 1 ? q->key_type : KEY_GROUP, q->key);
        response.error_code = at.error;
        response.error_message = at.error ? bn_slice_str(bn_errors_text(at.error)) : BN_SLICE_NULL;
        response.node_id = at.node_id;
        response.host = at.host;
        response.port = at.port;
    }
    bn_request_reply(r, &response);
}
