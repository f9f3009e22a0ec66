/* group_fact.h: a group's rebalance state as a fact: copies, and how much room it takes in znodes. Pure. */
#ifndef BN_GROUP_FACT_H
#define BN_GROUP_FACT_H

#include "common/base/arena.h"
#include "controller/brain/fact.h"

enum {
    BN_GROUP_FACT_NODE_MAX = 512 << 10, /* estimated bytes of one znode; a larger group has its members in parts */
    BN_GROUP_FACT_MEMBER_MAX = 900000,  /* of one member: more does not fit any znode */
    BN_GROUP_FACT_GROUP_MAX = 15 << 20, /* of a group: makes not more than 62 parts */
    BN_GROUP_FACT_SHOWN_MAX = 64 << 10, /* clients' bytes up to here may stand in a znode twice: for people, too */
};

/* A deep copy; the arena is without a budget. */
struct bn_fact_group bn_group_fact_copy(struct bn_arena *a, const struct bn_fact_group *in);
/* Bounds from above, in bytes of JSON. */
size_t bn_group_fact_member_bytes(const struct bn_fact_group_member *m);
size_t bn_group_fact_bytes(const struct bn_fact_group *g); /* with all members */
size_t bn_group_fact_head_bytes(const struct bn_fact_group *g);
bool bn_group_fact_fits(const struct bn_fact_group *g); /* some znodes can hold it */
/* How many members, from `first` on, go to one part. At least one. */
int32_t bn_group_fact_cut(const struct bn_fact_group *g, int32_t first);

#endif
