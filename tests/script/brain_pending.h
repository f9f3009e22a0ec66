/* brain_pending.h: what the brain has asked of ZooKeeper and a test has not answered yet, oldest first. */
#ifndef BRAIN_PENDING_H
#define BRAIN_PENDING_H

#include "tests/script/brain_world.h"

struct brain_pending_item {   /* deep copies, in the world's arena */
    enum bn_output_kind kind; /* MULTI, PURGE, READ */
    uint64_t id;
    const char *topic;
    struct bn_output_op *ops;
    int32_t op_count;
    struct bn_output_read_item *items;
    int32_t item_count;
};

struct brain_pending {
    struct brain_pending_item *items;
    int32_t count, capacity;
};

void brain_pending_add(struct brain_pending *p, struct brain_world *w,
                       const struct bn_output *o); /* others are ignored */
void brain_pending_drop(struct brain_pending *p);
/* The oldest ends, and e tells the brain: applied or not, its answer lost or not (a read is always answered). False
 * when there is none. */
bool brain_pending_finish(struct brain_pending *p, struct brain_world *w, bool apply, bool lose, struct bn_event *e);

#endif
