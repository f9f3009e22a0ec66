/* resetplan.h: the CSV files that say to where a group's offsets are reset: `topic,partition,offset` a line when there
 * is one group, `group,topic,partition,offset` otherwise. */
#ifndef BN_RESETPLAN_H
#define BN_RESETPLAN_H

#include "tools/groupask.h"

struct bn_resetplan_row {
    struct bn_slice group;
    struct bn_groupask_place place;
};

struct bn_resetplan {
    struct bn_resetplan_row *rows; /* in the order of the file */
    size_t count;
};

/* Reads the text. only: the one group that is reset, and that lines without a group are about; null when there are more
 * of them. Rows live in the arena and borrow from it and from only. False after telling stderr, with the line's number.
 */
bool bn_resetplan_read(struct bn_slice text, struct bn_slice only, struct bn_arena *arena, const char *program,
                       struct bn_resetplan *out);
/* A line of such a file on stdout; without the group when that is null. */
void bn_resetplan_print(struct bn_slice group, const struct bn_groupask_place *place);

#endif
