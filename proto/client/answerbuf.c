/* answerbuf.c: received bytes, cut into frames in place.
 *
 * Bytes go into a shared block; whole frames are given out from it, and whoever wants to keep one takes a reference. A
 * block that nobody else holds is used again; when the frame at its end doesn't fit, what is there of it moves to a new
 * block. That one is as large as the frames that came lately, or twice what is there of this one: so an honest large
 * frame is copied about once, and a peer that announces 100 MB and sends ten bytes costs one chunk. */
#include "proto/client/answerbuf.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/base/check.h"

enum { LENGTH = 4, FRAME_MIN = 4 /* a correlation id */, CHUNK_MIN = 64 << 10, CHUNK_MAX = 2 << 20 };

void bn_answerbuf_init(struct bn_answerbuf *a, size_t frame_max_bytes) {
    *a = (struct bn_answerbuf){.chunk = CHUNK_MIN, .frame_max_bytes = frame_max_bytes};
}

void bn_answerbuf_fini(struct bn_answerbuf *a) {
    bn_buf_unref(a->buf);
    a->buf = NULL;
    a->start = a->end = 0;
}

/* Bytes of the frame at the front with its length; as much as is known of it. */
static size_t front_size(const struct bn_answerbuf *a) {
    if (a->end - a->start < LENGTH) return LENGTH;
    return LENGTH + (size_t)bn_get_u32(a->buf->data + a->start);
}

static bool has_room(const struct bn_answerbuf *a) {
    if (!a->buf || a->end == a->buf->capacity) return false;
    if (a->start == 0) return true; /* moving would gain nothing before it is full */
    if (a->start == a->end) return a->buf->capacity - a->end >= CHUNK_MIN / 4;
    return a->start + front_size(a) <= a->buf->capacity;
}

static void move_to_new_block(struct bn_answerbuf *a) {
    size_t have = a->end - a->start;
    size_t grown = have ? bn_min_size(front_size(a), have * 2) : 0;
    struct bn_buf *b = bn_buf_new(bn_max_size(a->chunk, grown));
    if (have) memcpy(b->data, a->buf->data + a->start, have);
    bn_buf_unref(a->buf);
    a->buf = b;
    a->start = 0;
    a->end = have;
}

uint8_t *bn_answerbuf_room(struct bn_answerbuf *a, size_t *len) {
    bool ours = a->buf && atomic_load_explicit(&a->buf->shared.refs, memory_order_acquire) == 1;
    if (a->start == a->end && ours) a->start = a->end = 0;
    if (!has_room(a)) move_to_new_block(a);
    *len = a->buf->capacity - a->end;
    BN_ASSERT(*len > 0);
    return a->buf->data + a->end;
}

void bn_answerbuf_wrote(struct bn_answerbuf *a, size_t len) {
    BN_ASSERT(len <= a->buf->capacity - a->end);
    a->end += len;
}

int bn_answerbuf_next(struct bn_answerbuf *a, struct bn_slice *frame) {
    size_t have = a->end - a->start;
    if (have < LENGTH) return 0;
    size_t size = front_size(a) - LENGTH;
    *frame = (struct bn_slice){NULL, size};
    if (size < FRAME_MIN || size > a->frame_max_bytes) return BN_BAD;
    if (size > have - LENGTH) return 0;
    *frame = bn_slice_of(a->buf->data + a->start + LENGTH, size);
    a->start += LENGTH + size;
    size_t lately = bn_max_size(size + LENGTH, a->chunk - a->chunk / 8);
    a->chunk = bn_min_size(bn_max_size(lately, CHUNK_MIN), CHUNK_MAX);
    return 1;
}
