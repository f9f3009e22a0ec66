/* deletion.h: the deletion of topics (Kafka's flow 2.8), on evidence:
 *
 *   marker in ZooKeeper -> MARKED, told as removed -> every replica's broker confirmed -> ERASING: znodes, children
 *   first, the config, the marker last -> GONE
 *
 * The topic's znode with its id stays until the last replica has confirmed, so that a controller that takes over can
 * tell it again, and a broker that comes back late too. */
#ifndef BN_DELETION_H
#define BN_DELETION_H

#include "controller/brain/flight.h"

void bn_deletion_marker(struct bn_model *m, const char *name);       /* /admin/delete_topics/<name> is there */
void bn_deletion_mark(struct bn_model *m, struct bn_model_topic *t); /* DeleteTopics: puts the marker */
void bn_deletion_begin(struct bn_model *m, struct bn_model_topic *t);
void bn_deletion_confirm(struct bn_model *m, const struct bn_event_replicas_deleted *e);
void bn_deletion_settle(struct bn_model *m, struct bn_model_topic *t);
void bn_deletion_node_gone(struct bn_model *m, struct bn_model_topic *t); /* MARKED, and its znode vanished */
void bn_deletion_mark_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_deletion_unmark_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_deletion_erase_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);

#endif
