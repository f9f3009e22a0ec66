/* topic_name.h: which names a topic may have, in Kafka's words. Pure. */
#ifndef BN_TOPIC_NAME_H
#define BN_TOPIC_NAME_H

#include "common/base/base.h"

#define BN_TOPIC_NAME_MAX 249

/* True when valid; else the reason goes to text, as Kafka writes it after "Topic name is invalid: ". */
bool bn_topic_name_check(const char *name, char *text, size_t size);
/* Metric names turn '.' into '_': two different names that become the same collide. */
bool bn_topic_name_collides(const char *a, const char *b);
bool bn_topic_name_may_collide(const char *name); /* it has a '.' or a '_' */

#endif
