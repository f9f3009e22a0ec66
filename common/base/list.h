/* list.h: a doubly linked list through the members themselves. A node in no list points to itself. */
#ifndef BN_LIST_H
#define BN_LIST_H

#include "common/base/base.h"

struct bn_list {
    struct bn_list *next, *prev;
};

static inline void bn_list_init(struct bn_list *l) { l->next = l->prev = l; }
static inline bool bn_list_empty(const struct bn_list *l) { return l->next == l; }
static inline void bn_list_insert_before(struct bn_list *at, struct bn_list *n) {
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}
static inline void bn_list_push_back(struct bn_list *l, struct bn_list *n) { bn_list_insert_before(l, n); }
static inline void bn_list_push_front(struct bn_list *l, struct bn_list *n) {
    bn_list_insert_before(l->next, n);
}
static inline void bn_list_remove(struct bn_list *n) { /* safe on a node in no list */
    n->prev->next = n->next;
    n->next->prev = n->prev;
    bn_list_init(n);
}
static inline struct bn_list *bn_list_pop_front(struct bn_list *l) { /* NULL when empty */
    if (bn_list_empty(l)) return NULL;
    struct bn_list *n = l->next;
    bn_list_remove(n);
    return n;
}
/* The body may remove `it`. */
#define BN_LIST_FOR(it, l)                                                                         \
    for (struct bn_list *it = (l)->next, *it##_next = it->next; it != (l);                         \
         it = it##_next, it##_next = it->next)

#endif
