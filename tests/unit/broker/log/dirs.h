/* dirs.h: two log directories on the memory disk of world.h. */
#ifndef UNIT_LOG_DIRS_H
#define UNIT_LOG_DIRS_H

#include "broker/log/logdir.h"
#include "tests/unit/broker/log/world.h"

extern const char *const dirs_paths[2]; /* /data/a, /data/b */

struct bn_logdirs *dirs_open(struct world *w); /* both, expecting success */
/* The log of a partition, made if it is not there, expecting success; *o is what it was opened with. */
struct bn_log *dirs_log(struct bn_logdirs *d, const char *topic, int32_t partition, struct bn_log_open *o);

#endif
