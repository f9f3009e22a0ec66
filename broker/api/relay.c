/* relay.c: owns nothing but the wait: a forwarded request is parked in the cluster room until the controller's answer
 * comes. */
#include "broker/api/relay.h"

#include "broker/api/request_int.h"
#include "common/base/check.h"

/* The controller answers REQUEST_TIMED_OUT itself when the client's timeout is over; it is given a little longer than
 * that. */
enum { GRACE_MS = 1000, TIMEOUT_MAX_MS = 600000 };

struct relay {
    struct bn_request *request;
    void (*refuse)(struct bn_request *r, int16_t error);
};

static void on_reply(void *arg, int16_t error, struct bn_slice body) {
    struct relay *relay = arg;
    if (error == KE_NONE)
        bn_request_reply_body(relay->request, body);
    else
        relay->refuse(relay->request, error);
}

void bn_relay_admin(struct bn_request *r, int32_t timeout_ms, void (*refuse)(struct bn_request *r, int16_t error)) {
    struct relay *relay = bn_arena_alloc(&r->arena, sizeof *relay);
    if (!relay) {
        bn_request_close(r, "no memory is left for the request");
        return;
    }
    *relay = (struct relay){.request = r, .refuse = refuse};
    int64_t wait_ms = bn_min_i64(bn_max_i64(timeout_ms, 0), TIMEOUT_MAX_MS) + GRACE_MS;
    r->deps->forward(r->deps->arg, r->shard, r->row->key, r->header.api_version, r->body, r->header.client_id, false,
                     (uint32_t)wait_ms, on_reply, relay);
}

void *bn_relay_rows(struct bn_request *r, int32_t count, size_t row_size) {
    void *rows = bn_arena_array(&r->arena, (size_t)count, row_size);
    if (!rows) bn_request_close(r, "an admin request names more than its size allows");
    return rows;
}

struct bn_slice bn_relay_text(int16_t error) {
    if (error == KE_REQUEST_TIMED_OUT) return BN_SLICE_LIT("No active controller answered in time.");
    return bn_slice_str(bn_errors_text(error));
}
