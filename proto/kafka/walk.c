/* walk.c: what else can be done with a plan: compare two messages, make up a random one, print one. Keeps nothing, and
 * is not for hot paths. */
#include "common/base/check.h"
#include "common/base/str.h"
#include "proto/kafka/plan.h"

enum { DUMP_BYTES_MAX = 64 };

static struct bn_slice slice_at(const uint8_t *at) {
    struct bn_slice s;
    memcpy(&s, at, sizeof s);
    return s;
}

static struct kmsg_array array_at(const uint8_t *at) {
    struct kmsg_array a;
    memcpy(&a, at, sizeof a);
    return a;
}

static const uint8_t *pointer_at(const uint8_t *at) {
    const uint8_t *p;
    memcpy(&p, at, sizeof p);
    return p;
}

/* An element of an array as a field at offset 0, so that one function serves both. */
static struct bn_plan_op element_of(const struct bn_plan_op *op) {
    struct bn_plan_op e = *op;
    e.kind = op->element;
    e.flags = op->flags & BN_PLAN_FLEX;
    return e;
}

static bool equal_field(const struct bn_plan_op *op, const uint8_t *a, const uint8_t *b);

static bool equal_array(const struct bn_plan_op *op, struct kmsg_array a, struct kmsg_array b) {
    if (a.n != b.n) return false;
    struct bn_plan_op e = element_of(op);
    for (int32_t i = 0; i < a.n; i++) {
        size_t at = (size_t)i * op->size;
        if (!equal_field(&e, (const uint8_t *)a.v + at, (const uint8_t *)b.v + at)) return false;
    }
    return true;
}

static bool equal_field(const struct bn_plan_op *op, const uint8_t *a, const uint8_t *b) {
    switch (op->kind) {
    case BN_PLAN_STRING:
    case BN_PLAN_BYTES:
    case BN_PLAN_RECORDS: { /* slice is the first member of records; chains are not looked into */
        struct bn_slice x = slice_at(a), y = slice_at(b);
        return bn_slice_is_null(x) == bn_slice_is_null(y) && bn_slice_eq(x, y);
    }
    case BN_PLAN_STRUCT: return bn_walk_equal(op->sub, a, b);
    case BN_PLAN_STRUCT_PTR: {
        const uint8_t *x = pointer_at(a), *y = pointer_at(b);
        return x && y ? bn_walk_equal(op->sub, x, y) : x == y;
    }
    case BN_PLAN_ARRAY: return equal_array(op, array_at(a), array_at(b));
    default: return memcmp(a, b, bn_plan_scalar_size(op->kind)) == 0;
    }
}

bool bn_walk_equal(const struct bn_plan *p, const uint8_t *a, const uint8_t *b) {
    for (int i = 0; i < p->op_count + p->tag_count; i++) {
        const struct bn_plan_op *op = i < p->op_count ? &p->ops[i] : &p->tagged[i - p->op_count];
        if (!equal_field(op, a + op->offset, b + op->offset)) return false;
    }
    return true;
}

static uint32_t roll(const struct bn_walk_dice *d, uint32_t sides) {
    return d->next(d->arg) % sides;
}

/* Sizes on both sides of a varint's second byte, small ones mostly. */
static uint32_t roll_length(const struct bn_walk_dice *d) {
    uint32_t r = roll(d, 32);
    return r == 0 ? 120 + roll(d, 16) : r == 1 ? 400 : r < 8 ? 0 : roll(d, 12);
}

static void random_scalar(const struct bn_walk_dice *d, int kind, uint8_t *out) {
    size_t size = bn_plan_scalar_size(kind);
    uint32_t how = roll(d, 6);
    for (size_t i = 0; i < size; i++) out[i] = how == 0 ? 0 : how == 1 ? 0xff : (uint8_t)d->next(d->arg);
    if (kind == BN_PLAN_BOOL) out[0] &= 1;
}

static bool random_slice(const struct bn_walk_dice *d, int kind, uint8_t *out) {
    uint32_t n = roll_length(d);
    uint8_t *text = bn_arena_alloc(d->arena, n + 1);
    if (!text) return false;
    for (uint32_t i = 0; i < n; i++) {
        text[i] = (uint8_t)(kind == BN_PLAN_STRING ? 'a' + roll(d, 26) : d->next(d->arg));
    }
    struct bn_slice s = bn_slice_of(text, n);
    memcpy(out, &s, sizeof s);
    return true;
}

static bool random_field(const struct bn_walk_dice *d, const struct bn_plan_op *op, uint8_t *out);

static bool random_array(const struct bn_walk_dice *d, const struct bn_plan_op *op, uint8_t *out) {
    struct bn_plan_op e = element_of(op);
    uint32_t n = e.kind == BN_PLAN_STRUCT ? roll(d, 4) : roll_length(d);
    struct kmsg_array a = {NULL, (int32_t)n};
    if (n) {
        a.v = bn_arena_array(d->arena, n, op->size);
        if (!a.v) return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!random_field(d, &e, (uint8_t *)a.v + i * (size_t)op->size)) return false;
    }
    memcpy(out, &a, sizeof a);
    return true;
}

static bool random_struct_ptr(const struct bn_walk_dice *d, const struct bn_plan_op *op, uint8_t *out) {
    uint8_t *p = bn_arena_alloc(d->arena, op->size);
    if (!p || !bn_walk_random(d, op->sub, p)) return false;
    memcpy(out, &p, sizeof p);
    return true;
}

static bool random_field(const struct bn_walk_dice *d, const struct bn_plan_op *op, uint8_t *out) {
    if ((op->flags & BN_PLAN_NULLABLE) && roll(d, 4) == 0) {
        struct kmsg_array none = {NULL, -1};
        if (op->kind == BN_PLAN_ARRAY) memcpy(out, &none, sizeof none);
        else memset(out, 0, op->kind == BN_PLAN_STRUCT_PTR ? sizeof(void *) : op->size);
        return true;
    }
    switch (op->kind) {
    case BN_PLAN_STRING:
    case BN_PLAN_BYTES:
    case BN_PLAN_RECORDS: return random_slice(d, op->kind, out);
    case BN_PLAN_STRUCT: return bn_walk_random(d, op->sub, out);
    case BN_PLAN_STRUCT_PTR: return random_struct_ptr(d, op, out);
    case BN_PLAN_ARRAY: return random_array(d, op, out);
    default: random_scalar(d, op->kind, out); return true;
    }
}

bool bn_walk_random(const struct bn_walk_dice *d, const struct bn_plan *p, uint8_t *out) {
    memcpy(out, p->desc->defaults, p->desc->size);
    for (int i = 0; i < p->op_count; i++) {
        if (!random_field(d, &p->ops[i], out + p->ops[i].offset)) return false;
    }
    for (int i = 0; i < p->tag_count; i++) { /* half of the tags keep their default and are not sent */
        if (roll(d, 2) && !random_field(d, &p->tagged[i], out + p->tagged[i].offset)) return false;
    }
    return true;
}

static void dump_string(struct bn_slice s, struct bn_str *out) {
    if (bn_slice_is_null(s)) {
        bn_str_add(out, "null");
        return;
    }
    bn_str_add(out, "\"");
    for (size_t i = 0; i < s.len && i < DUMP_BYTES_MAX; i++) {
        uint8_t c = s.ptr[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') bn_str_addf(out, "\\x%02x", c);
        else bn_str_addf(out, "%c", c);
    }
    bn_str_add(out, s.len > DUMP_BYTES_MAX ? "…\"" : "\"");
}

/* Only the length: bytes may be records or credentials, which never go into a trace. */
static void dump_bytes(const struct bn_plan_op *op, const uint8_t *in, struct bn_str *out) {
    struct kmsg_records r = {BN_SLICE_NULL, NULL};
    if (op->kind == BN_PLAN_RECORDS) memcpy(&r, in, sizeof r);
    else r.slice = slice_at(in);
    if (!r.chain && bn_slice_is_null(r.slice)) bn_str_add(out, "null");
    else bn_str_addf(out, "<%zu bytes>", r.chain ? r.chain->size_bytes : r.slice.len);
}

static void dump_scalar(int kind, const uint8_t *in, struct bn_str *out) {
    int16_t i16;
    int32_t i32;
    int64_t i64;
    double f64;
    struct bn_uuid uuid;
    char text[BN_UUID_TEXT_LEN + 1];
    switch (kind) {
    case BN_PLAN_BOOL: bn_str_add(out, *in ? "true" : "false"); break;
    case BN_PLAN_INT8: bn_str_addf(out, "%d", (int8_t)*in); break;
    case BN_PLAN_INT16: memcpy(&i16, in, 2), bn_str_addf(out, "%d", i16); break;
    case BN_PLAN_UINT16: memcpy(&i16, in, 2), bn_str_addf(out, "%d", (uint16_t)i16); break;
    case BN_PLAN_INT32: memcpy(&i32, in, 4), bn_str_addf(out, "%" PRId32, i32); break;
    case BN_PLAN_INT64: memcpy(&i64, in, 8), bn_str_addf(out, "%" PRId64, i64); break;
    case BN_PLAN_FLOAT64: memcpy(&f64, in, 8), bn_str_addf(out, "%g", f64); break;
    case BN_PLAN_UUID:
        memcpy(&uuid, in, sizeof uuid);
        bn_uuid_format(&uuid, text);
        bn_str_add(out, text);
        break;
    default: BN_UNREACHABLE();
    }
}

static void dump_field(const struct bn_plan_op *op, const uint8_t *in, struct bn_str *out);

static void dump_array(const struct bn_plan_op *op, const uint8_t *in, struct bn_str *out) {
    struct kmsg_array a = array_at(in);
    struct bn_plan_op e = element_of(op);
    if (a.n < 0) {
        bn_str_add(out, "null");
        return;
    }
    bn_str_add(out, "[");
    for (int32_t i = 0; i < a.n; i++) {
        if (i) bn_str_add(out, ", ");
        dump_field(&e, (const uint8_t *)a.v + (size_t)i * op->size, out);
    }
    bn_str_add(out, "]");
}

static void dump_field(const struct bn_plan_op *op, const uint8_t *in, struct bn_str *out) {
    switch (op->kind) {
    case BN_PLAN_STRING: dump_string(slice_at(in), out); break;
    case BN_PLAN_BYTES:
    case BN_PLAN_RECORDS: dump_bytes(op, in, out); break;
    case BN_PLAN_STRUCT: bn_walk_dump(op->sub, in, out); break;
    case BN_PLAN_STRUCT_PTR:
        if (pointer_at(in)) bn_walk_dump(op->sub, pointer_at(in), out);
        else bn_str_add(out, "null");
        break;
    case BN_PLAN_ARRAY: dump_array(op, in, out); break;
    default: dump_scalar(op->kind, in, out); break;
    }
}

void bn_walk_dump(const struct bn_plan *p, const uint8_t *in, struct bn_str *out) {
    bn_str_add(out, "{");
    for (int i = 0; i < p->op_count + p->tag_count; i++) {
        const struct bn_plan_op *op = i < p->op_count ? &p->ops[i] : &p->tagged[i - p->op_count];
        bn_str_addf(out, "%s%s=", i ? " " : "", p->desc->fields[op->field]);
        dump_field(op, in + op->offset, out);
    }
    bn_str_add(out, "}");
}
