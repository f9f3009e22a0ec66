/* reply.c: owns a ring of answers that became ready out of order.
 *
 * Invariants: the first slot is never done (it would have left); slots outside [first, first + count) hold empty
 * chains; waiting_bytes is the sum over the slots. How many may be open is the connection's to bound. */
#include "broker/net/reply.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

enum { CAPACITY_MIN = 2 };

void bn_reply_fini(struct bn_reply_ring *r) {
    for (uint32_t i = 0; i < r->count; i++) bn_chain_fini(&r->slots[(r->first + i) & (r->capacity - 1)].chain);
    bn_alloc_free(r->slots);
    *r = (struct bn_reply_ring){0};
}

static void grow(struct bn_reply_ring *r) {
    uint32_t capacity = r->capacity ? r->capacity * 2 : CAPACITY_MIN;
    struct bn_reply_slot *slots = bn_alloc_zero(capacity, sizeof *slots);
    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t ticket = r->first + i;
        slots[ticket & (capacity - 1)] = r->slots[ticket & (r->capacity - 1)];
    }
    bn_alloc_free(r->slots);
    r->slots = slots;
    r->capacity = capacity;
}

uint32_t bn_reply_open(struct bn_reply_ring *r) {
    if (r->count == r->capacity) grow(r);
    uint32_t ticket = r->first + r->count++;
    struct bn_reply_slot *slot = &r->slots[ticket & (r->capacity - 1)];
    bn_chain_init(&slot->chain);
    slot->done = false;
    return ticket;
}

void bn_reply_put(struct bn_reply_ring *r, uint32_t ticket, struct bn_chain *answer, struct bn_chain *out) {
    BN_ASSERT(ticket - r->first < r->count);
    struct bn_reply_slot *slot = &r->slots[ticket & (r->capacity - 1)];
    BN_ASSERT(!slot->done);
    slot->done = true;
    if (answer) {
        struct bn_chain *to = ticket == r->first ? out : &slot->chain;
        if (to != out) r->waiting_bytes += answer->size_bytes;
        bn_chain_splice(to, answer);
    }
    while (r->count > 0) {
        slot = &r->slots[r->first & (r->capacity - 1)];
        if (!slot->done) return;
        r->waiting_bytes -= slot->chain.size_bytes;
        bn_chain_splice(out, &slot->chain);
        bn_chain_fini(&slot->chain);
        r->first++;
        r->count--;
    }
}
