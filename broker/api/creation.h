/* creation.h: topics that the broker itself has the controller make: for Metadata's automatic creation, and the
 * internal ones on first need. */
#ifndef BN_CREATION_H
#define BN_CREATION_H

#include "broker/api/request.h"

/* False: the topic is on its way already, or too many are. more: those that the caller has chosen and not started. */
bool bn_creation_may(struct bn_request *r, struct bn_slice name, size_t more);
/* Sends one CreateTopics for all of them; nobody waits for its answer. Each may be made (bn_creation_may). */
void bn_creation_start(struct bn_request *r, struct kmsg_create_topics_request_topic *topics, int32_t count);
/* __consumer_offsets as the configuration says (6-groups 6.1), unless it is on its way. */
void bn_creation_offsets_topic(struct bn_request *r);

#endif
