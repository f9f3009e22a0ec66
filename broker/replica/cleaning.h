/* cleaning.h: compacting the logs of one shard's partitions: which one is the dirtiest, and one cleaning of it. Every
 * replica cleans by itself, whatever its role. On the roster's shard. */
#ifndef BN_CLEANING_H
#define BN_CLEANING_H

#include "broker/replica/roster.h"

struct bn_cleaning_candidate {
    bool found;
    double ratio; /* of dirty bytes */
    struct bn_uuid topic_id;
    int32_t partition;
};
/* The dirtiest log that is to be cleaned by its topic's rules. r may be NULL: none. */
void bn_cleaning_look(struct bn_roster *r, struct bn_cleaning_candidate *out);

/* One cleaning; the caller owns it until done(), on this shard. */
struct bn_cleaning {
    /* in: the sizes, rates and the pool; the rest is filled here */
    struct bn_log_compaction log;
    void (*done)(struct bn_cleaning *c, int status); /* as bn_log_compact; BN_NOTFOUND: it is no longer here */
    /* the cleaning's own */
    struct bn_partition *partition;
};
void bn_cleaning_start(struct bn_roster *r, const struct bn_cleaning_candidate *which, struct bn_cleaning *c);

#endif
