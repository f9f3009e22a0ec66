/* create_topics.c: CreateTopics 2-7, answered by the active controller. Without one, each topic timed out. */
#include "broker/api/api.h"
#include "broker/api/relay.h"

static void refuse(struct bn_request *r, int16_t error) {
    const struct kmsg_create_topics_request *q = r->message;
    struct kmsg_create_topics_response response = kmsg_create_topics_response_default;
    response.topics.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *response.topics.v);
    if (!response.topics.v) {
        bn_request_close(r, "a CreateTopics names more topics than its size allows");
        return;
    }
    response.topics.n = q->topics.n;
    for (int32_t i = 0; i < q->topics.n; i++) {
        response.topics.v[i] = kmsg_create_topics_response_topic_default;
        response.topics.v[i].name = q->topics.v[i].name;
        response.topics.v[i].error_code = error;
        response.topics.v[i].error_message = bn_relay_text(error);
    }
    bn_request_reply(r, &response);
}

void bn_api_create_topics(struct bn_request *r) {
    const struct kmsg_create_topics_request *q = r->message;
    bn_relay_admin(r, q->timeout_ms, refuse);
}
