/* init_producer_id.c: InitProducerId 0-5 for idempotent producers (KIP-98): a producer id that nobody else has or
 * had, epoch 0. Transactional ids are refused in the answer itself, so that a client fails with a sentence instead of
 * a closed connection. */
#include "broker/api/api.h"

static void answer(struct bn_request *r, int16_t error, int64_t id) {
    struct kmsg_init_producer_id_response response = kmsg_init_producer_id_response_default;
    response.error_code = error;
    response.producer_id = error ? -1 : id;
    response.producer_epoch = error ? -1 : 0;
    bn_request_reply(r, &response);
}

static void on_id(void *arg, int16_t error, int64_t id) { answer(arg, error, id); }

void bn_api_init_producer_id(struct bn_request *r) {
    const struct kmsg_init_producer_id_request *q = r->message;
    if (!bn_slice_is_null(q->transactional_id)) {
        answer(r, q->transactional_id.len ? KE_UNSUPPORTED_VERSION : KE_INVALID_REQUEST, -1);
    } else if ((q->producer_id == -1) != (q->producer_epoch == -1)) {
        answer(r, KE_INVALID_REQUEST, -1); /* KIP-360: both or none */
    } else {
        r->deps->producer_id(r->deps->arg, r->shard, on_id, r);
    }
}
