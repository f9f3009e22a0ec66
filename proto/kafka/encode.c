/* encode.c: structs to wire bytes, in two walks: the first measures (and asserts that the value can be expressed in
 * this version), the second writes into one reservation of exactly that size without testing bounds again. A message
 * whose records come as chains is written into a block of its own, of which the pieces between records become shared
 * parts.
 *
 * Invariant: both walks visit the same fields in the same order; the end of the second is asserted. What a caller hands
 * over is our own data, so a value that cannot be expressed is our bug. */
#include "common/base/check.h"
#include "proto/kafka/plan.h"

struct sizer {
    size_t chained_bytes; /* records that are moved, not written */
    bool has_chain;
};

struct writer {
    uint8_t *next;
    struct bn_buf *block; /* NULL unless records come as chains */
    uint8_t *unsent;      /* start of what is written and not yet a part of out */
    struct bn_chain *out;
};

static size_t length_size(const struct bn_plan_op *op, size_t n, size_t width) {
    return op->flags & BN_PLAN_FLEX ? bn_uvarint_size((uint32_t)n + 1) : width;
}

static size_t null_size(const struct bn_plan_op *op, size_t width) {
    BN_ASSERT(op->flags & BN_PLAN_NULLABLE);
    return op->flags & BN_PLAN_FLEX ? 1 : width;
}

static size_t size_slice(const struct bn_plan_op *op, int kind, struct bn_slice s) {
    size_t width = kind == BN_PLAN_STRING ? 2 : 4;
    if (bn_slice_is_null(s)) return null_size(op, width);
    BN_ASSERT(s.len <= (kind == BN_PLAN_STRING ? BN_CODEC_STRING_MAX : INT32_MAX));
    return length_size(op, s.len, width) + s.len;
}

static size_t size_records(struct sizer *z, const struct bn_plan_op *op, const uint8_t *in) {
    struct kmsg_records r;
    memcpy(&r, in, sizeof r);
    if (!r.chain) return size_slice(op, BN_PLAN_RECORDS, r.slice);
    BN_ASSERT(r.chain->size_bytes <= INT32_MAX);
    z->has_chain = true;
    z->chained_bytes += r.chain->size_bytes;
    return length_size(op, r.chain->size_bytes, 4);
}

static size_t size_struct(struct sizer *z, const struct bn_plan *p, const uint8_t *in);

static size_t size_array(struct sizer *z, const struct bn_plan_op *op, const uint8_t *in) {
    struct kmsg_array a;
    memcpy(&a, in, sizeof a);
    if (a.n < 0) return null_size(op, 4);
    BN_ASSERT(a.n == 0 || a.v);
    size_t count = (size_t)a.n, size = length_size(op, count, 4);
    const uint8_t *at = a.v;
    if (op->element < BN_PLAN_STRING) return size + count * bn_plan_scalar_size(op->element);
    if (op->element == BN_PLAN_STRUCT) {
        if (op->sub->fixed_size && !op->sub->absent_count) return size + count * op->sub->fixed_size;
        for (size_t i = 0; i < count; i++) size += size_struct(z, op->sub, at + i * op->size);
        return size;
    }
    struct bn_plan_op element = {.flags = op->flags & BN_PLAN_FLEX};
    for (size_t i = 0; i < count; i++) {
        struct bn_slice s;
        memcpy(&s, at + i * sizeof s, sizeof s);
        size += size_slice(&element, op->element, s);
    }
    return size;
}

static size_t size_field(struct sizer *z, const struct bn_plan_op *op, const uint8_t *in) {
    switch (op->kind) {
    case BN_PLAN_STRING:
    case BN_PLAN_BYTES: {
        struct bn_slice s;
        memcpy(&s, in, sizeof s);
        return size_slice(op, op->kind, s);
    }
    case BN_PLAN_RECORDS: return size_records(z, op, in);
    case BN_PLAN_STRUCT: return size_struct(z, op->sub, in);
    case BN_PLAN_STRUCT_PTR: {
        const uint8_t *p;
        memcpy(&p, in, sizeof p);
        return p ? 1 + size_struct(z, op->sub, p) : 1;
    }
    case BN_PLAN_ARRAY: return size_array(z, op, in);
    default: return bn_plan_scalar_size(op->kind);
    }
}

static size_t size_tags(struct sizer *z, const struct bn_plan *p, const uint8_t *in) {
    size_t size = 0;
    uint32_t count = 0;
    for (int i = 0; i < p->tag_count; i++) {
        const struct bn_plan_op *op = &p->tagged[i];
        if (bn_plan_is_default(op, in, p->desc->defaults)) continue;
        size_t value = size_field(z, op, in + op->offset);
        size += bn_uvarint_size(op->tag) + bn_uvarint_size((uint32_t)value) + value;
        count++;
    }
    return size + bn_uvarint_size(count);
}

static size_t size_struct(struct sizer *z, const struct bn_plan *p, const uint8_t *in) {
    for (int i = 0; i < p->absent_count; i++) {
        /* A value this version cannot carry would be lost. */
        BN_ASSERT(bn_plan_is_default(&p->absent[i], in, p->desc->defaults));
    }
    if (p->fixed_size) return p->fixed_size;
    size_t size = 0;
    for (const struct bn_plan_op *op = p->ops, *end = op + p->op_count; op != end; op++) {
        size += size_field(z, op, in + op->offset);
    }
    return p->flexible ? size + size_tags(z, p, in) : size;
}

static void write_uvarint(struct writer *w, uint32_t v) {
    if (v < 0x80) *w->next++ = (uint8_t)v;
    else w->next += bn_put_uvarint(w->next, v);
}

/* n: -1 for null. */
static void write_length(struct writer *w, const struct bn_plan_op *op, int64_t n, size_t width) {
    if (op->flags & BN_PLAN_FLEX) {
        write_uvarint(w, (uint32_t)(n + 1));
        return;
    }
    if (width == 2) bn_put_u16(w->next, (uint16_t)n);
    else bn_put_u32(w->next, (uint32_t)n);
    w->next += width;
}

static void write_slice(struct writer *w, const struct bn_plan_op *op, int kind, struct bn_slice s) {
    write_length(w, op, bn_slice_is_null(s) ? -1 : (int64_t)s.len, kind == BN_PLAN_STRING ? 2 : 4);
    if (s.len) memcpy(w->next, s.ptr, s.len);
    w->next += s.len;
}

/* Makes a part of what was written since the last one. */
static void flush(struct writer *w) {
    bn_chain_append_buf(w->out, w->block, w->unsent, (size_t)(w->next - w->unsent));
    w->unsent = w->next;
}

static void write_records(struct writer *w, const struct bn_plan_op *op, const uint8_t *in) {
    struct kmsg_records r;
    memcpy(&r, in, sizeof r);
    if (!r.chain) {
        write_slice(w, op, BN_PLAN_RECORDS, r.slice);
        return;
    }
    write_length(w, op, (int64_t)r.chain->size_bytes, 4);
    if (!r.chain->size_bytes) return;
    flush(w);
    bn_chain_splice(w->out, r.chain);
}

static inline void write_scalar(struct writer *w, int kind, const uint8_t *in) {
    uint16_t v2;
    uint32_t v4;
    uint64_t v8;
    switch (kind) {
    case BN_PLAN_BOOL: *w->next = *in != 0; break;
    case BN_PLAN_INT8: *w->next = *in; break;
    case BN_PLAN_INT16:
    case BN_PLAN_UINT16: memcpy(&v2, in, 2), bn_put_u16(w->next, v2); break;
    case BN_PLAN_INT32: memcpy(&v4, in, 4), bn_put_u32(w->next, v4); break;
    case BN_PLAN_INT64:
    case BN_PLAN_FLOAT64: memcpy(&v8, in, 8), bn_put_u64(w->next, v8); break;
    default: memcpy(w->next, in, 16); break;
    }
    w->next += bn_plan_scalar_size(kind);
}

static void write_struct(struct writer *w, const struct bn_plan *p, const uint8_t *in);

static void write_array(struct writer *w, const struct bn_plan_op *op, const uint8_t *in) {
    struct kmsg_array a;
    memcpy(&a, in, sizeof a);
    write_length(w, op, a.n < 0 ? -1 : a.n, 4);
    if (a.n <= 0) return;
    size_t count = (size_t)a.n;
    const uint8_t *at = a.v;
    if (op->element == BN_PLAN_STRUCT) {
        for (size_t i = 0; i < count; i++) write_struct(w, op->sub, at + i * op->size);
    } else if (op->element >= BN_PLAN_STRING) {
        for (size_t i = 0; i < count; i++) {
            struct bn_slice s;
            memcpy(&s, at + i * sizeof s, sizeof s);
            write_slice(w, op, op->element, s);
        }
    } else {
        size_t size = bn_plan_scalar_size(op->element);
        for (size_t i = 0; i < count; i++) write_scalar(w, op->element, at + i * size);
    }
}

static inline void write_field(struct writer *w, const struct bn_plan_op *op, const uint8_t *in) {
    switch (op->kind) {
    case BN_PLAN_STRING:
    case BN_PLAN_BYTES: {
        struct bn_slice s;
        memcpy(&s, in, sizeof s);
        write_slice(w, op, op->kind, s);
        break;
    }
    case BN_PLAN_RECORDS: write_records(w, op, in); break;
    case BN_PLAN_STRUCT: write_struct(w, op->sub, in); break;
    case BN_PLAN_STRUCT_PTR: {
        const uint8_t *p;
        memcpy(&p, in, sizeof p);
        *w->next++ = p ? 1 : 0xff;
        if (p) write_struct(w, op->sub, p);
        break;
    }
    case BN_PLAN_ARRAY: write_array(w, op, in); break;
    default: write_scalar(w, op->kind, in); break;
    }
}

static void write_tags(struct writer *w, const struct bn_plan *p, const uint8_t *in) {
    uint64_t sent = 0; /* bit i: tagged[i] is not its default */
    BN_ASSERT(p->tag_count <= 64);
    for (int i = 0; i < p->tag_count; i++) {
        if (!bn_plan_is_default(&p->tagged[i], in, p->desc->defaults)) sent |= (uint64_t)1 << i;
    }
    write_uvarint(w, (uint32_t)__builtin_popcountll(sent));
    for (; sent; sent &= sent - 1) {
        const struct bn_plan_op *op = &p->tagged[__builtin_ctzll(sent)];
        struct sizer z = {0};
        write_uvarint(w, op->tag);
        write_uvarint(w, (uint32_t)size_field(&z, op, in + op->offset));
        write_field(w, op, in + op->offset);
    }
}

static void write_struct(struct writer *w, const struct bn_plan *p, const uint8_t *in) {
    for (const struct bn_plan_op *op = p->ops, *end = op + p->op_count; op != end; op++) {
        write_field(w, op, in + op->offset);
    }
    if (p->flexible) write_tags(w, p, in);
}

bool bn_encode_message(const struct bn_plan *p, void *in, struct bn_chain *out) {
    struct sizer z = {0};
    size_t size = size_struct(&z, p, in);
    if (size > BN_CODEC_MESSAGE_MAX || z.chained_bytes > BN_CODEC_MESSAGE_MAX - size) return false;
    struct writer w = {.out = out};
    if (z.has_chain) w.block = bn_buf_new(size);
    uint8_t *start = z.has_chain ? w.block->data : bn_chain_reserve(out, size);
    w.next = w.unsent = start;
    write_struct(&w, p, in);
    BN_ASSERT(w.next == start + size);
    if (!z.has_chain) return true;
    w.block->len = size;
    flush(&w);
    bn_buf_unref(w.block);
    return true;
}
