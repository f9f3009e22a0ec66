/* armory.h: keeps the life ports of all registered brokers armed while this controller stands by, so that it can tell
 * at once who died together with the controller before it. */
#ifndef BN_ARMORY_H
#define BN_ARMORY_H

#include "controller/controller_int.h"

struct bn_armory *bn_armory_new(struct bn_controller *c);
void bn_armory_free(struct bn_armory *a);
void bn_armory_start(struct bn_armory *a); /* reads the registrations, and again when they change; again: reads anew */
void bn_armory_stop(struct bn_armory *a);  /* elected, or stopping; what is armed stays in the controller's probe */
void bn_armory_poke(struct bn_armory *a);  /* from time to time: reads again what could not be read */

#endif
