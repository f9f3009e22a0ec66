/* brain_group.h: groups in transcripts and in the random test: events from words, copies, what stands in the world. */
#ifndef BRAIN_GROUP_H
#define BRAIN_GROUP_H

#include "common/base/str.h"
#include "tests/script/brain_world.h"

/* GROUP_WRITE of "NAME:GENERATION:RESERVED[:MEMBERS[xBYTES]]", "reserve:NAME:RESERVED" and "remove:NAME". */
void brain_group_write(struct brain_world *w, char **words, int count, struct bn_event_group_write *out);
void brain_group_print(struct bn_str *s, const struct bn_fact_group *g);
/* The path of an op on a group; NULL: it is of something else. */
char *brain_group_path(struct brain_world *w, const struct bn_output_op *op);
void brain_group_read(struct brain_world *w, const char *name, struct bn_event_read_result *out);
void brain_group_list(struct brain_world *w, struct bn_event_groups *out);

#endif
