/* groups_view.h: what is shown of groups, between those who collect it and those who print it. */
#ifndef BN_GROUPS_VIEW_H
#define BN_GROUPS_VIEW_H

#include "tools/groups.h"

struct bn_groups_view_row { /* a partition of a group */
    struct bn_slice topic;
    int32_t partition;
    const struct bn_groupask_member *member; /* NULL: of nobody now */
    int64_t offset, end;                     /* committed, and where the log ends; -1 = none, or not known */
};

struct bn_groups_view_group {
    struct bn_groupask_group group;
    struct bn_groups_view_row *rows; /* by member, name and number */
    size_t row_count;
};

/* How far the group is behind; -1 when that can't be said. */
int64_t bn_groups_view_lag(const struct bn_groups_view_row *row);
/* Kafka's lines. Groups that there are not, and those without members, are told of; the first set g->failed. */
void bn_groups_view_text(struct bn_groups *g, const struct bn_groups_view_group *all, size_t count);
void bn_groups_view_json(struct bn_groups *g, const struct bn_groups_view_group *all, size_t count);

#endif
