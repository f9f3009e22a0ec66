/* elect_leaders.c: ElectLeaders 0-2, answered by the active controller. Without one, each partition that was named
 * timed out. Version 0 elects preferred leaders only. */
#include "broker/api/api.h"
#include "broker/api/relay.h"

static bool refuse_topic(struct bn_request *r, const struct kmsg_elect_leaders_request_topic_partition *in,
                         struct kmsg_elect_leaders_response_replica_election_result *out, int16_t error) {
    *out = kmsg_elect_leaders_response_replica_election_result_default;
    out->topic = in->topic;
    out->partition_result.v = bn_arena_array(&r->arena, (size_t)in->partitions.n, sizeof *out->partition_result.v);
    if (!out->partition_result.v) return false;
    out->partition_result.n = in->partitions.n;
    for (int32_t i = 0; i < in->partitions.n; i++)
        out->partition_result.v[i] = (struct kmsg_elect_leaders_response_partition_result){in->partitions.v[i], error,
                                                                                           bn_relay_text(error)};
    return true;
}

static void refuse(struct bn_request *r, int16_t error) {
    const struct kmsg_elect_leaders_request *q = r->message;
    int32_t count = q->topic_partitions.n > 0 ? q->topic_partitions.n : 0;
    struct kmsg_elect_leaders_response response = kmsg_elect_leaders_response_default;
    if (r->header.api_version >= 1) response.error_code = error; /* version 0 has none */
    response.replica_election_results.v = bn_arena_array(&r->arena, (size_t)count,
                                                         sizeof *response.replica_election_results.v);
    bool fits = response.replica_election_results.v != NULL;
    for (int32_t i = 0; fits && i < count; i++)
        fits = refuse_topic(r, &q->topic_partitions.v[i], &response.replica_election_results.v[i], error);
    if (!fits) {
        bn_request_close(r, "an ElectLeaders names more partitions than its size allows");
        return;
    }
    response.replica_election_results.n = count;
    bn_request_reply(r, &response);
}

void bn_api_elect_leaders(struct bn_request *r) {
    const struct kmsg_elect_leaders_request *q = r->message;
    bn_relay_admin(r, q->timeout_ms, refuse);
}
