/* delete_topics.c: DeleteTopics 0-6, answered by the active controller. Without one, each topic timed out. From
 * version 6 on topics come by name or by id, before as a list of names. */
#include "broker/api/api.h"
#include "broker/api/relay.h"

static void refuse(struct bn_request *r, int16_t error) {
    const struct kmsg_delete_topics_request *q = r->message;
    bool by_id = r->header.api_version >= 6;
    int32_t count = by_id ? q->topics.n : q->topic_names.n;
    struct kmsg_delete_topics_response response = kmsg_delete_topics_response_default;
    response.responses.v = bn_relay_rows(r, count, sizeof *response.responses.v);
    if (!response.responses.v) return;
    response.responses.n = count;
    for (int32_t i = 0; i < count; i++) {
        struct kmsg_delete_topics_response_response *out = &response.responses.v[i];
        *out = kmsg_delete_topics_response_response_default;
        out->name = by_id ? q->topics.v[i].name : q->topic_names.v[i];
        if (by_id) out->topic_id = q->topics.v[i].topic_id;
        out->error_code = error;
        out->error_message = bn_relay_text(error);
    }
    bn_request_reply(r, &response);
}

void bn_api_delete_topics(struct bn_request *r) {
    const struct kmsg_delete_topics_request *q = r->message;
    bn_relay_admin(r, q->timeout_ms, refuse);
}
