/* fetch_answer.c: what a Fetch answer tells of a partition, and of the brokers to ask instead (KIP-951).
 *
 * The answer is sized by what was read and by the image, not by the peer: the arena's budget is lifted here. */
#include "broker/api/fetch_answer.h"

#include "common/base/check.h"
#include "common/conf/conf.h"

enum {
    WAIT_MAX_MS = 300000, /* a client may ask for more; it is answered (empty) after this */
    FOLLOWER_WAIT_MIN_MS = 100,
};

int64_t bn_fetch_answer_max_bytes(const struct bn_request *r) {
    const struct kmsg_fetch_request *q = r->message;
    if (!r->deps->conf) return q->max_bytes;
    return bn_min_i64(q->max_bytes, bn_conf_i64(r->deps->conf, BN_CONF_FETCH_MAX_BYTES));
}

/* A group's coordinator has to hear from the followers of its partition within half a session: even those that would
 * wait for longer (replica.fetch.wait.max.ms) are answered so often that one answer may be late. */
static int64_t follower_wait_max_ms(const struct bn_request *r) {
    if (!r->deps->conf) return WAIT_MAX_MS;
    int64_t session_ms = bn_conf_int(r->deps->conf, BN_CONF_GROUP_MIN_SESSION_TIMEOUT_MS);
    return bn_max_i64(session_ms / 4, FOLLOWER_WAIT_MIN_MS);
}

uint64_t bn_fetch_answer_wait_ms(const struct bn_request *r) {
    const struct kmsg_fetch_request *q = r->message;
    int64_t most_ms = bn_fetch_answer_replica(r) >= 0 ? follower_wait_max_ms(r) : WAIT_MAX_MS;
    return (uint64_t)bn_max_i64(0, bn_min_i64(q->max_wait_ms, most_ms));
}

int32_t bn_fetch_answer_replica(const struct bn_request *r) {
    const struct kmsg_fetch_request *q = r->message;
    return r->header.api_version >= 15 ? q->replica_state.replica_id : q->replica_id;
}

/* Older consumers know of no other replica than the leader (KIP-392). */
bool bn_fetch_answer_any_replica(const struct bn_request *r) {
    return r->header.api_version >= 11 && bn_fetch_answer_replica(r) < 0;
}

bool bn_fetch_answer_urgent(const struct bn_partition_read *read) {
    return read->error != KE_NONE || read->diverging_end >= 0 || read->preferred >= 0;
}

/* Tells once how a broker is reached on the listener that the client came in by; nothing when it is not. */
static void add_endpoint(struct bn_request *r, struct kmsg_fetch_response *response, int32_t id) {
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    for (int32_t i = 0; i < response->node_endpoints.n; i++) {
        if (response->node_endpoints.v[i].node_id == id) return;
    }
    const struct bn_image_broker *broker = bn_image_broker(image, id);
    const struct bn_image_endpoint *at = broker ? bn_image_endpoint(broker, r->listener) : NULL;
    if (!at) return;
    if (!response->node_endpoints.v) {
        r->arena.budget_bytes = SIZE_MAX;
        response->node_endpoints.v = bn_arena_array(&r->arena, (size_t)image->broker_count,
                                                    sizeof *response->node_endpoints.v);
        BN_ASSERT(response->node_endpoints.v);
    }
    response->node_endpoints.v[response->node_endpoints.n++] = (struct kmsg_fetch_response_node_endpoint){
        .node_id = id, .host = bn_slice_str(at->host), .port = at->port, .rack = bn_slice_str(broker->rack)};
}

/* Whom to ask instead, as this broker's replica knows it, or the image when that knows more. */
static void tell_leader(struct bn_request *r, struct kmsg_fetch_response *response, const struct bn_uuid *topic_id,
                        const struct bn_partition_read *read, struct kmsg_fetch_response_partition *out) {
    out->current_leader.leader_id = read->leader_id;
    out->current_leader.leader_epoch = read->leader_epoch;
    struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    struct bn_image_topic *topic = bn_image_topic_by_id(image, topic_id);
    const struct bn_image_partition *state = topic ? bn_image_partition(topic, out->partition_index) : NULL;
    if (state && read->leader_epoch < state->leader_epoch) {
        out->current_leader.leader_id = state->leader;
        out->current_leader.leader_epoch = state->leader_epoch;
    }
    add_endpoint(r, response, out->current_leader.leader_id);
}

void bn_fetch_answer_fill(struct bn_request *r, struct kmsg_fetch_response *response, const struct bn_uuid *topic_id,
                          int32_t partition, struct bn_partition_read *read,
                          struct kmsg_fetch_response_partition *out) {
    int version = r->header.api_version;
    const struct kmsg_fetch_request *q = r->message;
    *out = kmsg_fetch_response_partition_default;
    out->partition_index = partition;
    out->error_code = read->error;
    out->high_watermark = read->high_watermark;
    out->last_stable_offset = read->last_stable_offset;
    out->log_start_offset = read->log_start_offset;
    out->records.chain = &read->records;
    /* Null, not empty: nothing was aborted as far as read_uncommitted cares (KIP-98). */
    out->aborted_transactions.n = q->isolation_level == 1 ? 0 : -1;
    if (version >= 11) out->preferred_read_replica = read->preferred;
    if (version >= 12) {
        out->diverging_epoch.epoch = read->diverging_epoch;
        out->diverging_epoch.end_offset = read->diverging_end;
    }
    if (read->error == KE_KAFKA_STORAGE_ERROR && version <= 5) out->error_code = KE_NOT_LEADER_OR_FOLLOWER;
    bool elsewhere = read->error == KE_NOT_LEADER_OR_FOLLOWER || read->error == KE_FENCED_LEADER_EPOCH;
    if (elsewhere && version >= 16) tell_leader(r, response, topic_id, read, out);
}
