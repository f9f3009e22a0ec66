/* arena.c: bump allocation within a byte budget.
 *
 * Blocks form a list from the newest to the oldest; allocation looks at the newest only. Ordinary blocks
 * double from 4 KiB to 64 KiB, a larger request gets a block of its own size. Invariants: used_bytes <=
 * budget_bytes; every pointer handed out is a multiple of 16; next <= end. The budget counts what was handed
 * out (rounded up to 16), not the blocks, so that the same input is always refused at the same point. */
#include "common/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

enum { ALIGN = 16, BLOCK_MIN = 4096, BLOCK_MAX = 65536 };

struct bn_arena_block {
    struct bn_arena_block *older;
    size_t size; /* bytes behind this header */
};

_Static_assert(sizeof(struct bn_arena_block) % ALIGN == 0, "a block's bytes start aligned");

void bn_arena_init(struct bn_arena *a, size_t budget_bytes) {
    *a = (struct bn_arena){.budget_bytes = budget_bytes};
}

void bn_arena_fini(struct bn_arena *a) {
    while (a->head) {
        struct bn_arena_block *older = a->head->older;
        bn_alloc_free(a->head);
        a->head = older;
    }
    a->next = a->end = NULL;
    a->used_bytes = 0;
}

void bn_arena_reset(struct bn_arena *a) {
    struct bn_arena_block *keep = NULL;
    while (a->head) {
        struct bn_arena_block *b = a->head;
        a->head = b->older;
        if (!keep && b->size <= BLOCK_MAX) keep = b;
        else bn_alloc_free(b);
    }
    a->head = keep;
    a->next = a->end = NULL;
    a->used_bytes = 0;
    if (!keep) return;
    keep->older = NULL;
    a->next = (uint8_t *)(keep + 1);
    a->end = a->next + keep->size;
}

static void add_block(struct bn_arena *a, size_t need) {
    size_t size = a->head ? bn_min_size(a->head->size * 2, BLOCK_MAX) : BLOCK_MIN;
    size = bn_max_size(size, need);
    struct bn_arena_block *b = bn_alloc(sizeof *b + size);
    b->older = a->head;
    b->size = size;
    a->head = b;
    a->next = (uint8_t *)(b + 1);
    a->end = a->next + size;
}

void *bn_arena_alloc(struct bn_arena *a, size_t size) {
    if (size > SIZE_MAX - ALIGN) return NULL;
    size_t need = size ? (size + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
    if (need > a->budget_bytes - a->used_bytes) return NULL;
    if (need > (size_t)(a->end - a->next)) add_block(a, need);
    void *p = a->next;
    a->next += need;
    a->used_bytes += need;
    BN_ASSERT(a->used_bytes <= a->budget_bytes);
    memset(p, 0, need);
    return p;
}

void *bn_arena_array(struct bn_arena *a, size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) return NULL;
    return bn_arena_alloc(a, total);
}

char *bn_arena_copy(struct bn_arena *a, struct bn_slice s) {
    if (s.len == SIZE_MAX) return NULL;
    char *p = bn_arena_alloc(a, s.len + 1);
    if (p && s.len) memcpy(p, s.ptr, s.len);
    return p;
}

char *bn_arena_printf(struct bn_arena *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    BN_ASSERT(n >= 0);
    char *p = bn_arena_alloc(a, (size_t)n + 1);
    if (!p) return NULL;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}
