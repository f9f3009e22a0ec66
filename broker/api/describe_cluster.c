/* describe_cluster.c: DescribeCluster 0-1 (KIP-700, KIP-919): the brokers as the asking listener reaches them. The
 * answering broker names itself controller, because it takes admin requests and forwards them. */
#include "broker/api/api.h"
#include "broker/api/operations.h"

enum { ENDPOINTS_BROKERS = 1, ENDPOINTS_CONTROLLERS = 2 };

static bool fill_brokers(struct bn_request *r, const struct bn_image *image,
                         struct kmsg_describe_cluster_response *out) {
    out->brokers.v = bn_arena_array(&r->arena, (size_t)image->broker_count, sizeof *out->brokers.v);
    if (!out->brokers.v) return false;
    for (int i = 0; i < image->broker_count; i++) {
        const struct bn_image_broker *b = image->brokers[i];
        const struct bn_image_endpoint *at = bn_image_endpoint(b, r->listener);
        if (!at) continue;
        out->brokers.v[out->brokers.n++] = (struct kmsg_describe_cluster_response_broker){
            .broker_id = b->id, .host = bn_slice_str(at->host), .port = at->port, .rack = bn_slice_str(b->rack)};
    }
    return true;
}

void bn_api_describe_cluster(struct bn_request *r) {
    const struct kmsg_describe_cluster_request *q = r->message;
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    struct kmsg_describe_cluster_response response = kmsg_describe_cluster_response_default;
    if (q->endpoint_type != ENDPOINTS_BROKERS) {
        bool controllers = q->endpoint_type == ENDPOINTS_CONTROLLERS;
        response.error_code = controllers ? KE_MISMATCHED_ENDPOINT_TYPE : KE_UNSUPPORTED_ENDPOINT_TYPE;
        char why[64];
        (void)snprintf(why, sizeof why, "Unsupported endpoint type %d", q->endpoint_type);
        response.error_message = bn_slice_str(controllers
                                                  ? "The request was sent to an endpoint of type BROKER, but we "
                                                    "wanted an endpoint of type CONTROLLER"
                                                  : why);
        bn_request_reply(r, &response);
        return;
    }
    response.cluster_id = bn_slice_str(image->cluster_id ? image->cluster_id : "");
    r->arena.budget_bytes += (size_t)image->broker_count * sizeof *response.brokers.v + 64;
    if (!fill_brokers(r, image, &response)) {
        bn_request_close(r, "no memory is left for the answer");
        return;
    }
    response.controller_id = r->deps->broker_id;
    if (q->include_cluster_authorized_operations) response.cluster_authorized_operations = BN_OPERATIONS_CLUSTER;
    bn_request_reply(r, &response);
}
