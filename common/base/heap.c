/* heap.c: a binary min-heap in an array. Each node knows its place (index), so that removal needs no search.
 * Invariant: nodes[i]->key >= nodes[(i - 1) / 2]->key and nodes[i]->index == i. */
#include "common/base/heap.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

void bn_heap_init(struct bn_heap *h) { *h = (struct bn_heap){0}; }

void bn_heap_fini(struct bn_heap *h) {
    bn_alloc_free(h->nodes);
    *h = (struct bn_heap){0};
}

static void place(struct bn_heap *h, uint32_t at, struct bn_heap_node *n) {
    h->nodes[at] = n;
    n->index = at;
}

static void sift_up(struct bn_heap *h, uint32_t at, struct bn_heap_node *n) {
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;
        if (h->nodes[parent]->key <= n->key) break;
        place(h, at, h->nodes[parent]);
        at = parent;
    }
    place(h, at, n);
}

static void sift_down(struct bn_heap *h, uint32_t at, struct bn_heap_node *n) {
    for (;;) {
        uint64_t child = (uint64_t)at * 2 + 1;
        if (child >= h->count) break;
        if (child + 1 < h->count && h->nodes[child + 1]->key < h->nodes[child]->key) child++;
        if (h->nodes[child]->key >= n->key) break;
        place(h, at, h->nodes[child]);
        at = (uint32_t)child;
    }
    place(h, at, n);
}

void bn_heap_insert(struct bn_heap *h, struct bn_heap_node *n, uint64_t key) {
    BN_ASSERT(n->index == BN_HEAP_NOWHERE);
    if (h->count == h->capacity) {
        BN_ASSERT(h->capacity <= UINT32_MAX / 4);
        h->capacity = h->capacity ? h->capacity * 2 : 16;
        h->nodes = bn_alloc_resize(h->nodes, h->capacity * sizeof(struct bn_heap_node *));
    }
    n->key = key;
    sift_up(h, h->count++, n);
}

void bn_heap_remove(struct bn_heap *h, struct bn_heap_node *n) {
    if (n->index == BN_HEAP_NOWHERE) return;
    uint32_t at = n->index;
    BN_ASSERT(at < h->count);
    BN_ASSERT(h->nodes[at] == n);
    n->index = BN_HEAP_NOWHERE;
    struct bn_heap_node *last = h->nodes[--h->count];
    if (last == n) return;
    if (at > 0 && h->nodes[(at - 1) / 2]->key > last->key) sift_up(h, at, last);
    else sift_down(h, at, last);
}
