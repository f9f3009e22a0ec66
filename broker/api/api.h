/* api.h: what the broker speaks, and the way of a frame to its handler. */
#ifndef BN_API_H
#define BN_API_H

#include "broker/api/request.h"

struct bn_api; /* one per shard */

struct bn_api_row { /* one row of api.def */
    int16_t key, min_version, max_version;
    const char *name;
    bn_request_handler handler;
    const struct bn_codec_desc *request, *response;
    uint32_t memory_factor; /* bytes of arena that a byte of frame may take */
};

/* How answers leave: bn_api_wire_net for real connections, or a test's. */
struct bn_api_wire {
    void (*answer)(struct bn_conn *c, uint32_t ticket, struct bn_chain *answer);
    void (*close)(struct bn_conn *c, const char *why);
    const char *(*listener)(const struct bn_conn *c);
    const char *(*host)(const struct bn_conn *c);
    void (*set_user)(struct bn_conn *c, void *user);
    void *(*user)(const struct bn_conn *c);
};
extern const struct bn_api_wire bn_api_wire_net;

/* The rows by ascending key; NULL when the broker does not offer the API. */
const struct bn_api_row *bn_api_row(int key);
const struct bn_api_row *bn_api_rows(int *count);

/* deps and wire are borrowed for life. */
struct bn_api *bn_api_new(const struct bn_api_deps *deps, struct bn_shard *shard, const struct bn_api_wire *wire);
/* After every connection has ended and every request with it (asserted). */
void bn_api_free(struct bn_api *api);
int64_t bn_api_open_count(const struct bn_api *api); /* requests that have not ended */

/* These fit struct bn_conns_config; arg is the shard's struct bn_api. */
void bn_api_frame(void *arg, struct bn_conn *c, uint32_t ticket, struct bn_buf *holder, struct bn_slice frame);
void bn_api_closed(void *arg, struct bn_conn *c);

#endif
