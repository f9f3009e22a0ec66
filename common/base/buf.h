/* buf.h: shared things that die with their last holder: a fixed block of memory (a received frame),
 * an open file. Reference counts are atomic; contents are written by one thread before sharing. */
#ifndef BN_BUF_H
#define BN_BUF_H

#include <stdatomic.h>

#include "common/base/base.h"

/* Anything with a last holder. release runs on the thread that drops the last reference. */
struct bn_shared {
    _Atomic int refs;
    void (*release)(struct bn_shared *);
};

static inline void bn_shared_init(struct bn_shared *s, void (*release)(struct bn_shared *)) {
    atomic_init(&s->refs, 1);
    s->release = release;
}
void bn_shared_ref(struct bn_shared *s);
void bn_shared_unref(struct bn_shared *s); /* NULL is fine */

/* A fixed block of memory. */
struct bn_buf {
    struct bn_shared shared;
    size_t capacity, len;
    uint8_t *data;
};
struct bn_buf *bn_buf_new(size_t capacity); /* gives; len 0 */
static inline void bn_buf_ref(struct bn_buf *b) { bn_shared_ref(&b->shared); }
static inline void bn_buf_unref(struct bn_buf *b) { bn_shared_unref(b ? &b->shared : NULL); }

/* An open file that answers may still be sending from after its segment was deleted. Whoever makes one
 * sets release (closes fd, frees). */
struct bn_fd {
    struct bn_shared shared;
    int fd;
};

#endif
