/* group_print.h: what a group puts out, as text. */
#ifndef GROUP_PRINT_H
#define GROUP_PRINT_H

#include "broker/group/group.h"
#include "common/base/str.h"

void group_print_out(struct bn_str *text, const struct bn_group *g, const struct bn_group_out *o);
void group_print_members(struct bn_str *text, const struct bn_group *g);

#endif
