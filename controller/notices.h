/* notices.h: /config/changes: each notice names an entity whose config has changed; its node is read and told. */
#ifndef BN_NOTICES_H
#define BN_NOTICES_H

#include "common/zk/zk.h"
#include "controller/controller_int.h"

struct bn_notices;

/* Begins with a list of the notices that are there already: they are too old to matter to a reign that reads all
 * configs anyway. Then calls listed(arg), once. fired gets the watch on the list, with the controller. */
struct bn_notices *bn_notices_start(struct bn_controller *c, bn_zk_watch_cb fired, void (*listed)(void *arg),
                                    void *arg);
/* From here on what a new notice names is read, and handed to bn_controller_event. Notices older than 15 minutes are
 * removed from here on, fenced by the epoch. */
void bn_notices_go(struct bn_notices *n);
/* The list has changed. */
void bn_notices_changed(struct bn_notices *n);
/* Ends; frees itself when the last answer has come. NULL is fine. */
void bn_notices_stop(struct bn_notices *n);

#endif
