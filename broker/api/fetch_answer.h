/* fetch_answer.h: a partition's share of a Fetch answer, as its version tells it; for fetches with and without a
 * session. On the request's shard. */
#ifndef BN_FETCH_ANSWER_H
#define BN_FETCH_ANSWER_H

#include "broker/api/request.h"

/* Fills out (all of it) from what was read. The records' chain is borrowed until the response is encoded. */
void bn_fetch_answer_fill(struct bn_request *r, struct kmsg_fetch_response *response, const struct bn_uuid *topic_id,
                          int32_t partition, struct bn_partition_read *read, struct kmsg_fetch_response_partition *out);

/* What any fetch is bounded by: what it asks for, at most fetch.max.bytes and five minutes (a follower: a
 * quarter of group.min.session.timeout.ms). */
int64_t bn_fetch_answer_max_bytes(const struct bn_request *r);
uint64_t bn_fetch_answer_wait_ms(const struct bn_request *r);
int32_t
bn_fetch_answer_replica(const struct bn_request *r); /* -1: a consumer's; where it stands depends on the version */
bool bn_fetch_answer_any_replica(const struct bn_request *r); /* a consumer's that may be served by a follower */
/* Something that the client has to know at once: an error, a divergence, a better replica. */
bool bn_fetch_answer_urgent(const struct bn_partition_read *read);

#endif
