/* relay.h: admin requests that the active controller answers (DESIGN: an admin API has one home). */
#ifndef BN_RELAY_H
#define BN_RELAY_H

#include "broker/api/request.h"

/* Forwards the request undecoded and answers with what comes back. When no controller answered in time, refuse(r,
 * error) ends the request with an answer of its own making. timeout_ms is the client's; waiting is bounded below and
 * above. */
void bn_relay_admin(struct bn_request *r, int32_t timeout_ms, void (*refuse)(struct bn_request *r, int16_t error));
/* For refuse: room for `count` rows of its answer; NULL: the request has ended, since it names more than its size
 * allows. */
void *bn_relay_rows(struct bn_request *r, int32_t count, size_t row_size) BN_MUST_CHECK;
/* What such an answer says of the error. */
struct bn_slice bn_relay_text(int16_t error);

#endif
