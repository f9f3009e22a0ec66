/* places.h: partitions that a JSON file names, as Kafka's tools take them:
 * {"partitions":[{"topic":"t","partition":0,"offset":5}],"version":1}. */
#ifndef BN_PLACES_H
#define BN_PLACES_H

#include "common/base/base.h"

struct bn_places_one {
    char *topic;
    int32_t partition, leader; /* leader: -1 until somebody looks it up */
    int64_t offset;
    int16_t error; /* of what was done with it; Kafka's code */
};

struct bn_places {
    struct bn_places_one *list;
    size_t count;
};

void bn_places_add(struct bn_places *p, const char *topic, int32_t partition, int64_t offset);
/* offsets: each needs one. empty is what to say of a file without partitions. False after telling stderr in Kafka's
 * words; fini in any case. */
bool bn_places_read(struct bn_places *p, const char *program, const char *path, bool offsets, const char *empty);
void bn_places_fini(struct bn_places *p);

#endif
