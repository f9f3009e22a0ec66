/* arena.h: bump allocation with a byte budget. What a peer can size comes from here, and may be refused.
 * Everything lives until reset or fini; nobody frees one field. Not thread-safe. */
#ifndef BN_ARENA_H
#define BN_ARENA_H

#include "common/base/base.h"
#include "common/base/slice.h"

struct bn_arena_block;

struct bn_arena {
    struct bn_arena_block *head; /* newest block; blocks are linked */
    uint8_t *next, *end;         /* free room in the newest block */
    size_t used_bytes;           /* handed out since the last reset */
    size_t budget_bytes;         /* never exceeded */
};

void bn_arena_init(struct bn_arena *a, size_t budget_bytes); /* allocates nothing yet */
void bn_arena_fini(struct bn_arena *a);
/* Forgets everything, keeping one ordinary block for reuse. */
void bn_arena_reset(struct bn_arena *a);
/* Zeroed, aligned to 16. NULL when the budget would be exceeded, or count * size overflows. */
void *bn_arena_alloc(struct bn_arena *a, size_t size) BN_MUST_CHECK;
void *bn_arena_array(struct bn_arena *a, size_t count, size_t size) BN_MUST_CHECK;
/* A copy with a NUL behind it; NULL when refused. */
char *bn_arena_copy(struct bn_arena *a, struct bn_slice s) BN_MUST_CHECK;
char *bn_arena_printf(struct bn_arena *a, const char *fmt, ...) BN_PRINTF(2, 3);

#endif
