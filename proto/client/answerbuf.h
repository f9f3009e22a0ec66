/* answerbuf.h: received bytes, cut into frames that stay where they were received, so that records in an answer can be
 * kept by a reference instead of a copy. Memory follows the bytes that came, never the length that a peer announces. */
#ifndef BN_ANSWERBUF_H
#define BN_ANSWERBUF_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/slice.h"

struct bn_answerbuf {
    struct bn_buf *buf; /* NULL before the first byte */
    size_t start, end;  /* what is in it and not yet given out */
    size_t chunk;       /* the next block's least size: follows the frames that came */
    size_t frame_max_bytes;
};

void bn_answerbuf_init(struct bn_answerbuf *a, size_t frame_max_bytes); /* allocates nothing yet */
void bn_answerbuf_fini(struct bn_answerbuf *a);
/* Where to receive into, *len bytes (at least one). Frames given out before stay valid only through a reference. */
uint8_t *bn_answerbuf_room(struct bn_answerbuf *a, size_t *len);
void bn_answerbuf_wrote(struct bn_answerbuf *a, size_t len);
/* 1: the next frame without its length, lying in a->buf; 0: none is there whole; BN_BAD: it announces a length that
 * can't be or exceeds frame_max_bytes (*frame then has that length and no bytes). */
int bn_answerbuf_next(struct bn_answerbuf *a, struct bn_slice *frame) BN_MUST_CHECK;

#endif
