/* group_cover.h: which events of a group have been played in which of its states. */
#ifndef GROUP_COVER_H
#define GROUP_COVER_H

#include "broker/group/group_int.h"

/* One event, named before it happens to g (times: group_cover_time). */
void group_cover_note(enum bn_group_state state, const char *event);
void group_cover_join(const struct bn_group *g, const struct bn_group_join *j);
void group_cover_sync(const struct bn_group *g, const struct bn_group_sync *s);
/* what: "beat", "leave" or "commit" */
void group_cover_member(const struct bn_group *g, const char *what, int32_t generation, struct bn_slice id,
                        struct bn_slice instance);
void group_cover_time(const struct bn_group *g, int64_t now_ms); /* what a tick would find */
/* True when every pair that can be was seen, and none that can't; else says which. */
bool group_cover_full(void);
/* The table for people. */
void group_cover_print(void);

#endif
