/* create_topics.c: CreateTopics 0-7, answered by the active controller. Without one, each topic timed out. */
#include "broker/api/api.h"
#include "broker/api/relay.h"

static void refuse(struct bn_request *r, int16_t error) {
    const struct kmsg_create_topics_request *q = r->message;
    struct kmsg_create_topics_response response = kmsg_create_topics_response_default;
    struct kmsg_create_topics_response_topic *rows = bn_relay_rows(r, q->topics.n, sizeof *rows);
    if (!rows) return;
    for (int32_t i = 0; i < q->topics.n; i++) {
        rows[i] = kmsg_create_topics_response_topic_default;
        rows[i].name = q->topics.v[i].name;
        rows[i].error_code = error;
        rows[i].error_message = bn_relay_text(error);
    }
    response.topics.v = rows;
    response.topics.n = q->topics.n;
    bn_request_reply(r, &response);
}

void bn_api_create_topics(struct bn_request *r) {
    const struct kmsg_create_topics_request *q = r->message;
    bn_relay_admin(r, q->timeout_ms, refuse);
}
