/* alter_configs.c: AlterConfigs 0-2, answered by the active controller. Without one, every resource timed out. */
#include "broker/api/api.h"
#include "broker/api/relay.h"

/* The request names no time; as long as Kafka's brokers wait for their controller. */
enum { WAIT_MS = 30000 };

static void refuse(struct bn_request *r, int16_t error) {
    const struct kmsg_alter_configs_request *q = r->message;
    struct kmsg_alter_configs_response response = kmsg_alter_configs_response_default;
    response.responses.v = bn_relay_rows(r, q->resources.n, sizeof *response.responses.v);
    if (!response.responses.v) return;
    response.responses.n = q->resources.n;
    for (int32_t i = 0; i < q->resources.n; i++) {
        response.responses.v[i] = (struct kmsg_alter_configs_response_response){
            error, bn_relay_text(error), q->resources.v[i].resource_type, q->resources.v[i].resource_name};
    }
    bn_request_reply(r, &response);
}

void bn_api_alter_configs(struct bn_request *r) { bn_relay_admin(r, WAIT_MS, refuse); }
