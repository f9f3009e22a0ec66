/* offsets.h: what one group has committed: an offset for each topic and partition. Pure; owns copies of names and
 * metadata. A commit counts once the record is below the high watermark; the one that stands later in the log wins. */
#ifndef BN_OFFSETS_H
#define BN_OFFSETS_H

#include "broker/group/grecord.h"
#include "common/base/map.h"

struct bn_offsets_entry {
    struct bn_slice topic;
    int32_t partition;
    struct bn_grecord_offset committed; /* metadata is owned */
    int64_t log_offset;                 /* of its record in __consumer_offsets */
};

struct bn_offsets {
    struct bn_map entries; /* struct bn_offsets_entry */
};

void bn_offsets_init(struct bn_offsets *o);
void bn_offsets_fini(struct bn_offsets *o);
/* Unless a record later in the log is there already. */
void bn_offsets_put(struct bn_offsets *o, struct bn_slice topic, int32_t partition, const struct bn_grecord_offset *c,
                    int64_t log_offset);
const struct bn_offsets_entry *bn_offsets_get(const struct bn_offsets *o, struct bn_slice topic, int32_t partition);
bool bn_offsets_remove(struct bn_offsets *o, struct bn_slice topic, int32_t partition);
size_t bn_offsets_count(const struct bn_offsets *o);
/* In no order: start with *at = 0; NULL at the end. Do not change it meanwhile. */
const struct bn_offsets_entry *bn_offsets_next(const struct bn_offsets *o, size_t *at);

/* Which partition of __consumer_offsets a group belongs to: Java's hash of the name (6-groups 6.1). */
int32_t bn_offsets_partition_of(struct bn_slice group, int32_t partition_count);

#endif
