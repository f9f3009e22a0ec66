/* closest.c: sends a consumer to the replica in its own rack (replica.selector.class), so that records cross the racks'
 * borders once, with replication. It owns nothing. A replica that is not sure to have the offset is never chosen: the
 * consumer would be told that it is out of range there, and ask here again. */
#include "broker/replica/closest.h"

static bool in_rack(const struct bn_image *image, int32_t id, const struct bn_closest_consumer *c) {
    const struct bn_image_broker *b = bn_image_broker(image, id);
    return b && b->rack && bn_slice_eq(bn_slice_str(b->rack), c->rack);
}

static bool may_serve(const struct bn_isr_follower *f, const struct bn_image *image,
                      const struct bn_closest_consumer *c) {
    if (!f->member || f->end < 0 || f->end < c->offset || f->log_start > c->offset) return false;
    return in_rack(image, f->id, c) && bn_image_endpoint(bn_image_broker(image, f->id), c->listener);
}

static bool is_better(const struct bn_isr_follower *a, const struct bn_isr_follower *b) {
    if (a->end != b->end) return a->end > b->end;
    if (a->caught_up_ms != b->caught_up_ms) return a->caught_up_ms > b->caught_up_ms;
    return a->id > b->id;
}

int32_t bn_closest_choose(const struct bn_isr *s, const struct bn_image *image, const struct bn_closest_consumer *c) {
    if (c->rack.len == 0 || in_rack(image, s->self, c)) return -1;
    const struct bn_isr_follower *best = NULL;
    for (int i = 0; i < s->follower_count; i++) {
        const struct bn_isr_follower *f = &s->followers[i];
        if (may_serve(f, image, c) && (!best || is_better(f, best))) best = f;
    }
    return best ? best->id : -1;
}
