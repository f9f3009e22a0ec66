/* admin.h: admin requests of clients, undecoded as brokers forward them: decoded into events here, and the brain's
 * replies encoded back. */
#ifndef BN_ADMIN_H
#define BN_ADMIN_H

#include "common/base/arena.h"
#include "common/base/chain.h"
#include "controller/controller_int.h"
#include "proto/rpc/rpc.h"

enum {
    BN_ADMIN_BUDGET = 64 << 20,
    BN_ADMIN_ANSWER_MAX = BN_RPC_FRAME_MAX - 1024, /* bytes of a response body that can be sent */
};

struct bn_admin {          /* one request on its way */
    struct bn_arena arena; /* holds the decoded request and the event's parts */
    int api_key, version;
    const struct bn_conf *conf; /* the controller's; may be NULL */
    void *request;              /* struct kmsg_<api>_request */
    struct bn_event event;
    enum { BN_ADMIN_ALL, BN_ADMIN_NO_CONFIGS, BN_ADMIN_CODES } telling; /* how much the answer has room for */
};

/* Decodes in and builds the event (its token is the caller's to set). 0, or the Kafka error that the broker answers for
 * the request as a whole: 35 UNSUPPORTED_VERSION, 42 INVALID_REQUEST. a is to be freed either way; in is borrowed until
 * then. */
int16_t bn_admin_decode(struct bn_admin *a, const struct bn_controller *c, const Bn__AdminRequest *in);
/* Appends the response body of the brain's reply. Where that is more than BN_ADMIN_ANSWER_MAX, new topics' configs are
 * left out of it (there are none in the lists), then texts; the caller looks whether that was enough. */
void bn_admin_encode(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out);
void bn_admin_fini(struct bn_admin *a);

#endif
