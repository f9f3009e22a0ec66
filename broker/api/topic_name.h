/* topic_name.h: what a topic may be called, and which names are the cluster's own. */
#ifndef BN_TOPIC_NAME_H
#define BN_TOPIC_NAME_H

#include "common/base/slice.h"

#define BN_TOPIC_NAME_OFFSETS "__consumer_offsets"

/* 1 to 249 of [a-zA-Z0-9._-], and neither "." nor "..", because a name is a directory's. */
bool bn_topic_name_good(struct bn_slice name);
/* Why it is not, in Kafka's words. */
void bn_topic_name_explain(struct bn_slice name, char *text, size_t size);
bool bn_topic_name_internal(struct bn_slice name);

#endif
