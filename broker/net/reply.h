/* reply.h: answers leave a connection in the order of its requests (5-protocol 5.1), whatever order they become ready
 * in. Pure. */
#ifndef BN_REPLY_H
#define BN_REPLY_H

#include "common/base/chain.h"

struct bn_reply_slot {
    struct bn_chain chain; /* an answer that waits for an earlier one */
    bool done;
};

/* Tickets [first, first + count) are open; ticket numbers wrap. Zeroed memory is an empty ring. */
struct bn_reply_ring {
    struct bn_reply_slot *slots; /* ticket & (capacity - 1) */
    uint32_t first, count, capacity;
    size_t waiting_bytes; /* of the answers in slots */
};

void bn_reply_fini(struct bn_reply_ring *r);
/* Fixes the place of the next request. */
uint32_t bn_reply_open(struct bn_reply_ring *r);
/* The ticket's answer (taken, left empty; NULL or empty = there is none). Moves every answer whose turn has come to
 * the end of out. */
void bn_reply_put(struct bn_reply_ring *r, uint32_t ticket, struct bn_chain *answer, struct bn_chain *out);

#endif
