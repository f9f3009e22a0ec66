/* group_node.h: the znodes of a group as facts: /consumers/<group> and the parts below it. */
#ifndef BN_GROUP_NODE_H
#define BN_GROUP_NODE_H

#include "common/base/arena.h"
#include "controller/brain/fact.h"

/* Null or empty data: BN_NOTFOUND. BN_BAD, told in one line: somebody spoiled it. BN_FULL: over the arena's budget.
 * name is borrowed; all else is in the arena. */
int bn_group_node_read(struct bn_slice data, const char *name, struct bn_arena *a, struct bn_fact_group *out);
/* Members of a part; errors likewise. */
int bn_group_node_read_part(struct bn_slice data, const char *name, struct bn_arena *a,
                            const struct bn_fact_group_member **members, int32_t *count);
/* What stands for a group whose znode, at this data version, cannot be read: Empty, at a generation above all that it
 * can have used (docs/ZNODES.md). */
struct bn_fact_group bn_group_node_lost(const char *name, int32_t version);

#endif
