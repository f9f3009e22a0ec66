/* request_int.h: what api.c, request.c and metadata.c share; nobody else includes it. */
#ifndef BN_REQUEST_INT_H
#define BN_REQUEST_INT_H

#include "broker/api/api.h"
#include "common/base/list.h"

/* One shard's requests. */
struct bn_api {
    const struct bn_api_deps *deps;
    const struct bn_api_wire *wire;
    struct bn_shard *shard;
    struct bn_request_box *spare; /* finished ones, with an arena block each, for reuse */
    int spare_count;
    struct bn_map creating; /* topics being created for Metadata; see metadata.c */
    int64_t open_count;     /* requests that have not ended */
};

/* What a connection carries along, hung from its user word. */
struct bn_api_session {
    struct bn_list requests; /* open ones */
};

struct bn_request_box {
    struct bn_request request; /* first: what handlers see */
    struct bn_api *api;
    struct bn_list link; /* in the session's requests */
    struct bn_request_box *next_spare;
    uint32_t ticket;
};

static inline struct bn_request_box *bn_request_box(struct bn_request *r) {
    return BN_CONTAINER_OF(r, struct bn_request_box, request);
}

/* A new request of a connection; takes a reference on holder. */
struct bn_request *bn_request_begin(struct bn_api *api, struct bn_conn *conn, uint32_t ticket, struct bn_buf *holder);
void bn_request_free_spare(struct bn_api *api);

#endif
