/* calls.h: the RPC service Controller: what brokers ask, as events, and the brain's replies, as answers. */
#ifndef BN_CALLS_H
#define BN_CALLS_H

#include "controller/controller_int.h"

struct bn_calls *bn_calls_new(struct bn_controller *c);
void bn_calls_free(struct bn_calls *k); /* nothing waits any more */
ProtobufCService *const *bn_calls_services(struct bn_calls *k, int *count);
void bn_calls_reply(struct bn_calls *k, const struct bn_output_reply *r);
/* The reign ended: everything that waits is answered NOT_CONTROLLER (41). */
void bn_calls_fail_all(struct bn_calls *k);

#endif
