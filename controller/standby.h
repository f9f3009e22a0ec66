/* standby.h: a controller that is not active keeps an eye on the one that is, and takes over at once when its process
 * is proven dead. */
#ifndef BN_STANDBY_H
#define BN_STANDBY_H

#include "controller/controller_int.h"

struct bn_standby *bn_standby_new(struct bn_controller *c);
void bn_standby_free(struct bn_standby *s); /* stopped, and its connection has ended */
/* Another controller is active (leadership's on_other). */
void bn_standby_follow(struct bn_standby *s, const struct bn_leadership_other *other);
void bn_standby_stop(struct bn_standby *s);          /* we are active, or going */
bool bn_standby_is_idle(const struct bn_standby *s); /* no connection is open any more */

#endif
