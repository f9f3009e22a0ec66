/* buf.c: reference counts, and blocks of memory that carry one. A block and its bytes are one allocation. */
#include "common/base/buf.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

void bn_shared_ref(struct bn_shared *s) {
    /* Relaxed: whoever adds a reference holds one already. */
    int before = atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    BN_ASSERT(before > 0);
}

void bn_shared_unref(struct bn_shared *s) {
    if (!s) return;
    /* Release our writes to the last holder; acquire those of the others before the release function. */
    int before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
    BN_ASSERT(before > 0);
    if (before == 1) s->release(s);
}

static void release_buf(struct bn_shared *s) { bn_alloc_free(BN_CONTAINER_OF(s, struct bn_buf, shared)); }

struct bn_buf *bn_buf_new(size_t capacity) {
    BN_ASSERT(capacity < SIZE_MAX - sizeof(struct bn_buf));
    struct bn_buf *b = bn_alloc(sizeof *b + capacity);
    bn_shared_init(&b->shared, release_buf);
    b->capacity = capacity;
    b->len = 0;
    b->data = (uint8_t *)(b + 1);
    return b;
}
