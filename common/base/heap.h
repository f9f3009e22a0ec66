/* heap.h: a binary min-heap of intrusive nodes ordered by a 64-bit key (a deadline). */
#ifndef BN_HEAP_H
#define BN_HEAP_H

#include "common/base/base.h"

#define BN_HEAP_NOWHERE UINT32_MAX

struct bn_heap_node {
    uint64_t key;
    uint32_t index; /* BN_HEAP_NOWHERE when in no heap */
};

struct bn_heap {
    struct bn_heap_node **nodes;
    uint32_t count, capacity;
};

void bn_heap_init(struct bn_heap *h);
void bn_heap_fini(struct bn_heap *h); /* the nodes are the caller's */
static inline void bn_heap_node_init(struct bn_heap_node *n) { *n = (struct bn_heap_node){0, BN_HEAP_NOWHERE}; }
void bn_heap_insert(struct bn_heap *h, struct bn_heap_node *n, uint64_t key); /* n is in no heap */
void bn_heap_remove(struct bn_heap *h, struct bn_heap_node *n);               /* safe when in none */
static inline struct bn_heap_node *bn_heap_min(const struct bn_heap *h) { return h->count ? h->nodes[0] : NULL; }

#endif
