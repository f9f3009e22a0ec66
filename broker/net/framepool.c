/* framepool.c: owns the free blocks of one shard, by size class (powers of two from 512 bytes to 4 MiB; what is
 * larger is not kept).
 *
 * Invariants: used_bytes is the sum of what was asked for in the blocks that are out; kept_bytes the capacity of
 * those that wait. Only the home shard touches the pool: a block dropped elsewhere posts itself home. */
#include "broker/net/framepool.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

enum { CLASS_MIN_BYTES = 512, CLASS_COUNT = 14 };

struct block {
    struct bn_buf buf; /* first: what users see */
    struct bn_framepool *pool;
    size_t charged_bytes;
    int class_index; /* CLASS_COUNT: never kept */
    struct block *next;
    struct bn_msg msg;
};

struct size_class {
    struct block *free;
    size_t count, count_min; /* count_min: the smallest count since the last trim: blocks nobody needed */
};

struct bn_framepool {
    struct bn_shard *home;
    size_t budget_bytes, keep_bytes, used_bytes, kept_bytes, out_count;
    struct size_class classes[CLASS_COUNT];
    void (*room)(void *arg);
    void *arg;
    bool closing;
};

static size_t class_bytes(int index) { return (size_t)CLASS_MIN_BYTES << index; }

static int class_of(size_t size) {
    int index = 0;
    while (index < CLASS_COUNT && class_bytes(index) < size) index++;
    return index;
}

struct bn_framepool *bn_framepool_new(struct bn_shard *home, size_t budget_bytes, size_t keep_bytes,
                                      void (*room)(void *arg), void *arg) {
    struct bn_framepool *p = bn_alloc_zero(1, sizeof *p);
    p->home = home;
    p->budget_bytes = budget_bytes;
    p->keep_bytes = keep_bytes;
    p->room = room;
    p->arg = arg;
    return p;
}

static void drop_one(struct bn_framepool *p, int index) {
    struct size_class *c = &p->classes[index];
    struct block *b = c->free;
    c->free = b->next;
    c->count--;
    p->kept_bytes -= b->buf.capacity;
    bn_alloc_free(b);
}

void bn_framepool_free(struct bn_framepool *p) {
    if (!p) return;
    for (int i = 0; i < CLASS_COUNT; i++) {
        while (p->classes[i].free) drop_one(p, i);
    }
    p->closing = true;
    if (p->out_count == 0) bn_alloc_free(p);
}

static void come_home(struct block *b) {
    struct bn_framepool *p = b->pool;
    BN_ASSERT(p->used_bytes >= b->charged_bytes);
    p->used_bytes -= b->charged_bytes;
    p->out_count--;
    if (b->class_index < CLASS_COUNT && !p->closing && p->kept_bytes + b->buf.capacity <= p->keep_bytes) {
        struct size_class *c = &p->classes[b->class_index];
        b->next = c->free;
        c->free = b;
        c->count++;
        p->kept_bytes += b->buf.capacity;
    } else {
        bn_alloc_free(b);
    }
    if (!p->closing && p->room) p->room(p->arg);
    else if (p->closing && p->out_count == 0) bn_alloc_free(p);
}

static void come_home_by_mail(struct bn_msg *m) { come_home(BN_CONTAINER_OF(m, struct block, msg)); }

static void release_block(struct bn_shared *s) {
    struct block *b = BN_CONTAINER_OF(s, struct block, buf.shared);
    struct bn_shard *home = b->pool->home;
    if (!home || bn_shard_current() == home) {
        come_home(b);
        return;
    }
    b->msg.run = come_home_by_mail;
    bn_shard_post(home, &b->msg);
}

struct bn_buf *bn_framepool_take(struct bn_framepool *p, size_t size) {
    BN_ASSERT(!p->closing);
    int index = class_of(size);
    struct block *b = index < CLASS_COUNT ? p->classes[index].free : NULL;
    if (b) {
        struct size_class *c = &p->classes[index];
        c->free = b->next;
        if (--c->count < c->count_min) c->count_min = c->count;
        p->kept_bytes -= b->buf.capacity;
    } else {
        size_t capacity = index < CLASS_COUNT ? class_bytes(index) : size;
        BN_ASSERT(capacity < SIZE_MAX - sizeof *b);
        b = bn_alloc(sizeof *b + capacity);
        b->buf.capacity = capacity;
        b->buf.data = (uint8_t *)(b + 1);
        b->pool = p;
        b->class_index = index;
    }
    bn_shared_init(&b->buf.shared, release_block);
    b->buf.len = 0;
    b->charged_bytes = size;
    p->used_bytes += size;
    p->out_count++;
    return &b->buf;
}

bool bn_framepool_over(const struct bn_framepool *p, size_t more) {
    return p->used_bytes > p->budget_bytes || more > p->budget_bytes - p->used_bytes;
}

size_t bn_framepool_used_bytes(const struct bn_framepool *p) { return p->used_bytes; }
size_t bn_framepool_kept_bytes(const struct bn_framepool *p) { return p->kept_bytes; }

void bn_framepool_trim(struct bn_framepool *p) {
    for (int i = 0; i < CLASS_COUNT; i++) {
        struct size_class *c = &p->classes[i];
        for (size_t n = c->count_min; n > 0; n--) drop_one(p, i);
        c->count_min = c->count;
    }
}
