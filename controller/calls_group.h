/* calls_group.h: the RPC messages of groups, to and from the brain's facts. Only calls.c includes this. */
#ifndef BN_CALLS_GROUP_H
#define BN_CALLS_GROUP_H

#include "controller/brain/event.h"
#include "controller/group_read.h"
#include "proto/rpc/cluster.pb-c.h"

/* All but the token. Borrows from in and from the arena, which has no budget. False: a group that can have no znode. */
bool bn_calls_group_event(const Bn__GroupWriteRequest *in, struct bn_arena *a, struct bn_event_group_write *out);
void bn_calls_group_answer(const struct bn_group_read *r, ProtobufCClosure closure, void *data);

#endif
