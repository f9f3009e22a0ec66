/* watch.h: what stands in ZooKeeper becomes events: all of it once, at the begin of a reign, and then every change. */
#ifndef BN_WATCH_H
#define BN_WATCH_H

#include "controller/controller_int.h"
#include "controller/load.h"

/* Begins a reign: makes what must stand, reads everything, calls bn_controller_loaded, and from then on hands every
 * change to bn_controller_event. */
struct bn_watch *bn_watch_start(struct bn_controller *c);
/* Ends; frees itself when the last answer has come. NULL is fine. */
void bn_watch_stop(struct bn_watch *w);
/* What the incarnation znode of a registered broker says, of the last reading; NULL when not known. */
const struct bn_load_life *bn_watch_life(struct bn_watch *w, int32_t broker, int64_t incarnation);
/* The registered brokers of the last reading, for who must be looked for after a failover. */
int32_t bn_watch_brokers(struct bn_watch *w, const struct bn_fact_broker **out);

#endif
