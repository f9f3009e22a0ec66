/* topic_admin.h: what CreateTopics, DeleteTopics and CreatePartitions ask for, judged in Kafka's order and words. */
#ifndef BN_TOPIC_ADMIN_H
#define BN_TOPIC_ADMIN_H

#include "controller/brain/request.h"

void bn_topic_admin_create_topics(struct bn_model *m, const struct bn_event_create_topics *e);
void bn_topic_admin_delete_topics(struct bn_model *m, const struct bn_event_delete_topics *e);
void bn_topic_admin_create_partitions(struct bn_model *m, const struct bn_event_create_partitions *e);
/* It is item's turn: judges it against the topic as it is now, and sends the write or decides the item. */
void bn_topic_admin_expand(struct bn_model *m, struct bn_request_item *item);

#endif
