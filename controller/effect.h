/* effect.h: performs what the brain wants of ZooKeeper: multis, purges, readings; their ends are events. */
#ifndef BN_EFFECT_H
#define BN_EFFECT_H

#include "controller/controller_int.h"

struct bn_effect *bn_effect_new(struct bn_controller *c);
/* No event comes any more; frees itself when the last answer has come. NULL is fine. */
void bn_effect_stop(struct bn_effect *e);
void bn_effect_multi(struct bn_effect *e, const struct bn_output_multi *m);
void bn_effect_purge(struct bn_effect *e, const struct bn_output_purge *p);
void bn_effect_read(struct bn_effect *e, const struct bn_output_read *r);

#endif
