/* partdir.h: what the directory of a partition is called, in Kafka's way. Pure. */
#ifndef BN_PARTDIR_H
#define BN_PARTDIR_H

#include "common/base/base.h"

enum { BN_PARTDIR_TOPIC = 250, BN_PARTDIR_MAX = 255 }; /* a topic's name and its end; the longest name of a directory */

#define BN_PARTDIR_DELETE "-delete" /* to be removed, now or at the next start */
#define BN_PARTDIR_STRAY "-stray"   /* not this broker's any more, and never removed by it; it may come back */

/* "<topic>-<partition>", split at the last dash. False: this is no partition's directory, or one that was renamed. */
bool bn_partdir_parse(const char *name, char topic[BN_PARTDIR_TOPIC], int32_t *partition);
bool bn_partdir_is(const char *name, const char *suffix);
/* "<topic>-<partition>.<32 hex><suffix>", the topic cut so that the whole fits. */
void bn_partdir_renamed(char out[BN_PARTDIR_MAX + 1], const char *topic, int32_t partition, const uint8_t random[16],
                        const char *suffix);

#endif
