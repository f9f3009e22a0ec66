/* groups.h: the way of a group's request to its coordinator: one part for each group, run on the shard that leads its
 * partition of __consumer_offsets. */
#ifndef BN_GROUPS_H
#define BN_GROUPS_H

#include "broker/api/scatter.h"
#include "common/base/map.h"

/* Aims a part at the group's partition. KE_NONE, or why it can't go, then it is to be skipped:
 * NOT_COORDINATOR (there is no such topic yet), INVALID_GROUP_ID (its name can't be a znode's). */
int16_t bn_groups_aim(struct bn_request *r, struct bn_scatter_part *part, struct bn_slice group);
/* In run(): the coordinator of the shard that this part runs on; NULL: the broker stops (NOT_COORDINATOR). */
struct bn_coordinator *bn_groups_coordinator(const struct bn_scatter_part *part);
/* A copy for an answer: what the coordinator lends is gone when its done() returns. Null stays null. The arena is the
 * request's only where a request has one part: parts on several shards would share it. Its budget grows with what is
 * kept, which is sized by what the coordinator knows. */
struct bn_slice bn_groups_keep(struct bn_arena *arena, struct bn_slice s);
/* Which groups a request has named so far: each is answered once, since answers are larger than names. Borrows names.
 */
struct bn_groups_named {
    struct bn_map names;
};
void bn_groups_named_init(struct bn_groups_named *n);
bool bn_groups_named_before(struct bn_groups_named *n, struct bn_slice group); /* and from now on it was */
void bn_groups_named_fini(struct bn_groups_named *n);
/* A null or missing member id and the like. */
static inline struct bn_slice bn_groups_text(struct bn_slice s) { return bn_slice_is_null(s) ? BN_SLICE_LIT("") : s; }

#endif
