/* chain.c: an output chain of memory and file parts.
 *
 * Invariants: size_bytes is the sum of len over the live parts; no live part is empty; each part holds one
 * reference on its holder, and the chain one more on tail, into which nobody else writes. Small writes that
 * follow one another in one block are one part, so that a response of many fields is one iovec. */
#include "common/base/chain.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/err.h"

enum { BLOCK_MIN = 512, BLOCK_MAX = 65536 };

void bn_chain_init(struct bn_chain *c) { *c = (struct bn_chain){0}; }

void bn_chain_fini(struct bn_chain *c) {
    for (uint32_t i = 0; i < c->count; i++) bn_shared_unref(c->parts[c->first + i].holder);
    bn_alloc_free(c->parts);
    bn_buf_unref(c->tail);
    *c = (struct bn_chain){0};
}

/* Room for n more parts behind the live ones. */
static void make_room(struct bn_chain *c, uint32_t n) {
    if (n <= c->capacity - c->first - c->count) return;
    if (c->first >= c->capacity / 2 && n <= c->capacity - c->count) {
        memmove(c->parts, c->parts + c->first, c->count * sizeof *c->parts);
        c->first = 0;
        return;
    }
    uint32_t capacity = c->capacity ? c->capacity : 4;
    while (capacity - c->count < n) {
        BN_ASSERT(capacity <= UINT32_MAX / 2);
        capacity *= 2;
    }
    struct bn_part *parts = bn_alloc(capacity * sizeof *parts);
    if (c->count) memcpy(parts, c->parts + c->first, c->count * sizeof *parts);
    bn_alloc_free(c->parts);
    c->parts = parts;
    c->first = 0;
    c->capacity = capacity;
}

/* The part takes the caller's reference on its holder. */
static void push(struct bn_chain *c, struct bn_part part) {
    make_room(c, 1);
    c->parts[c->first + c->count++] = part;
    c->size_bytes += part.len;
}

static void new_tail(struct bn_chain *c, size_t len) {
    /* Everything in the block has been sent: write into it again. */
    if (c->tail && atomic_load_explicit(&c->tail->shared.refs, memory_order_acquire) == 1) {
        c->tail->len = 0;
        if (len <= c->tail->capacity) return;
    }
    size_t size = c->tail ? bn_min_size(c->tail->capacity * 2, BLOCK_MAX) : BLOCK_MIN;
    bn_buf_unref(c->tail);
    c->tail = bn_buf_new(bn_max_size(size, len));
}

uint8_t *bn_chain_reserve(struct bn_chain *c, size_t len) {
    if (!c->tail || len > c->tail->capacity - c->tail->len) new_tail(c, len);
    uint8_t *p = c->tail->data + c->tail->len;
    if (len == 0) return p;
    c->tail->len += len;
    struct bn_part *last = c->count ? &c->parts[c->first + c->count - 1] : NULL;
    if (last && last->kind == BN_PART_MEM && last->ptr + last->len == p && last->holder == &c->tail->shared) {
        last->len += len;
        c->size_bytes += len;
        return p;
    }
    bn_buf_ref(c->tail);
    push(c, (struct bn_part){.kind = BN_PART_MEM, .ptr = p, .len = len, .holder = &c->tail->shared, .fd = -1});
    return p;
}

void bn_chain_append(struct bn_chain *c, const void *ptr, size_t len) {
    if (len) memcpy(bn_chain_reserve(c, len), ptr, len);
}

void bn_chain_append_buf(struct bn_chain *c, struct bn_buf *b, const uint8_t *ptr, size_t len) {
    if (len == 0) return;
    BN_ASSERT(ptr >= b->data && ptr + len <= b->data + b->capacity);
    bn_buf_ref(b);
    push(c, (struct bn_part){.kind = BN_PART_BUF, .ptr = ptr, .len = len, .holder = &b->shared, .fd = -1});
}

void bn_chain_append_file(struct bn_chain *c, struct bn_fd *f, int64_t offset, size_t len) {
    if (len == 0) return;
    BN_ASSERT(offset >= 0);
    bn_shared_ref(&f->shared);
    push(c, (struct bn_part){.kind = BN_PART_FILE, .offset = offset, .len = len, .holder = &f->shared, .fd = f->fd});
}

void bn_chain_splice(struct bn_chain *dst, struct bn_chain *src) {
    BN_ASSERT(dst != src);
    if (src->count) {
        make_room(dst, src->count);
        memcpy(dst->parts + dst->first + dst->count, src->parts + src->first, src->count * sizeof *src->parts);
        dst->count += src->count;
        dst->size_bytes += src->size_bytes;
    }
    /* The block with more room serves the small writes to come. */
    size_t dst_room = dst->tail ? dst->tail->capacity - dst->tail->len : 0;
    size_t src_room = src->tail ? src->tail->capacity - src->tail->len : 0;
    if (src_room > dst_room) {
        struct bn_buf *b = dst->tail;
        dst->tail = src->tail;
        src->tail = b;
    }
    src->count = 0; /* the parts' references have moved */
    bn_chain_fini(src);
}

void bn_chain_consume(struct bn_chain *c, size_t len) {
    BN_ASSERT(len <= c->size_bytes);
    c->size_bytes -= len;
    while (len > 0) {
        struct bn_part *p = &c->parts[c->first];
        if (len < p->len) {
            p->len -= len;
            if (p->kind == BN_PART_FILE)
                p->offset += (int64_t)len;
            else
                p->ptr += len;
            return;
        }
        len -= p->len;
        c->first++;
        c->count--;
        bn_shared_unref(p->holder);
    }
    if (c->count == 0) c->first = 0;
}

int bn_chain_copy_part(const struct bn_part *p, size_t len, uint8_t *out) {
    BN_ASSERT(len <= p->len);
    if (p->kind != BN_PART_FILE) {
        memcpy(out, p->ptr, len);
        return 0;
    }
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(p->fd, out + done, len - done, p->offset + (int64_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return BN_IO;
        done += (size_t)n;
    }
    return 0;
}

int bn_chain_copy_out(const struct bn_chain *c, uint8_t *out) {
    for (uint32_t i = 0; i < c->count; i++) {
        const struct bn_part *p = &c->parts[c->first + i];
        int rc = bn_chain_copy_part(p, p->len, out);
        if (rc) return rc;
        out += p->len;
    }
    return 0;
}
