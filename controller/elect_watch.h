/* elect_watch.h: /admin/preferred_replica_election, the znode of Kafka 2.x's kafka-preferred-replica-election.sh. */
#ifndef BN_ELECT_WATCH_H
#define BN_ELECT_WATCH_H

#include "controller/controller_int.h"

/* Reads the znode and watches it during the reign, which is ACTIVE: each one that appears is an ELECT_NODE event. */
struct bn_elect_watch *bn_elect_watch_start(struct bn_controller *c);
void bn_elect_watch_stop(struct bn_elect_watch *w); /* NULL is fine; takes: it goes when its last answer has come */

#endif
