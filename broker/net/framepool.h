/* framepool.h: the memory that received frames live in: reused per shard, and counted against a budget.
 *
 * A first-touched page costs as much as everything else a produce request does, so blocks are kept and handed out
 * again. One pool belongs to one shard; a block may be dropped by any thread and then finds its way home by mailbox. */
#ifndef BN_FRAMEPOOL_H
#define BN_FRAMEPOOL_H

#include "common/base/buf.h"
#include "common/sys/shard.h"

struct bn_framepool;

/* home may be NULL in a test (then everything stays on one thread). budget_bytes: what may be out at once before
 * bn_framepool_over says so. keep_bytes: how much is kept for reuse. room(arg) is called on the shard whenever a
 * block came home. */
struct bn_framepool *bn_framepool_new(struct bn_shard *home, size_t budget_bytes, size_t keep_bytes,
                                      void (*room)(void *arg), void *arg);
/* Frees what is kept, and the pool itself as soon as the last block came home. room is not called any more. */
void bn_framepool_free(struct bn_framepool *p);
/* A block of at least `size` bytes, len 0; gives one reference. Never refuses: ask bn_framepool_over before. */
struct bn_buf *bn_framepool_take(struct bn_framepool *p, size_t size);
/* Would `more` bytes exceed the budget? */
bool bn_framepool_over(const struct bn_framepool *p, size_t more);
size_t bn_framepool_used_bytes(const struct bn_framepool *p); /* handed out */
size_t bn_framepool_kept_bytes(const struct bn_framepool *p); /* waiting for reuse */
/* Gives back to the system what was not needed since the last call. */
void bn_framepool_trim(struct bn_framepool *p);

#endif
