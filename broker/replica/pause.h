/* pause.h: notices that this process did not run for so long (a stopped process, a suspended machine) that others may
 * have been elected meanwhile. One for each shard, on its thread. */
#ifndef BN_PAUSE_H
#define BN_PAUSE_H

#include "common/sys/loop.h"

struct bn_pause {
    struct bn_loop *loop;
    uint64_t max_ms;         /* what is no pause yet; 0 = nothing ever is */
    void (*over)(void *arg); /* the hold has ended */
    void *arg;
    uint64_t seen_ms; /* when the loop was last seen running */
    bool holding;
    struct bn_timer tick, end;
};

void bn_pause_init(struct bn_pause *s, struct bn_loop *loop, uint64_t max_ms, void (*over)(void *arg), void *arg);
void bn_pause_fini(struct bn_pause *s);
/* True after a pause, until this process has had a moment to hear what happened meanwhile; then over() is called. */
bool bn_pause_holds(struct bn_pause *s);

#endif
