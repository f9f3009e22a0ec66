/* group_list.h: the names of all groups, read once at the beginning of a reign. */
#ifndef BN_GROUP_LIST_H
#define BN_GROUP_LIST_H

#include "controller/controller_int.h"

struct bn_group_list;
/* After the model has had ACTIVATED: reads the children of /consumers and tells them (BN_EVENT_GROUPS). */
struct bn_group_list *bn_group_list_start(struct bn_controller *c);
void bn_group_list_stop(struct bn_group_list *l); /* NULL is fine; frees itself when the answer has come */

#endif
