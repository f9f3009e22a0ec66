/* decode.c: wire bytes to structs: the only place in the program where a peer's bytes become lengths and counts.
 *
 * Every rule against hostile input is here:
 *   - a comparison is `n > left`, never `next + n > end`;
 *   - a count is at most the bytes left divided by the smallest element, before any memory is taken;
 *   - memory comes from the arena, whose budget may refuse (BN_FULL);
 *   - null where the version does not allow it is an error, and so is any negative length but -1;
 *   - tags ascend strictly, each consumes exactly its size, unknown ones are skipped;
 *   - nothing may be left behind the message.
 * Recursion is as deep as the schema nests, which schemac.py limits. Strings and records are slices of the input and
 * not NUL-terminated. A path to the field at fault is put together while an error travels up, so that it costs nothing
 * otherwise. */
#include <stdarg.h>

#include "common/base/check.h"
#include "proto/kafka/plan.h"

enum { PATH_SIZE = 256, WHY_SIZE = 128 };

struct reader {
    const uint8_t *start, *next, *end; /* end is drawn in while a tag is read */
    struct bn_arena *arena;
    char *path; /* the part known so far: grows to the left in path_text */
    char path_text[PATH_SIZE], why[WHY_SIZE];
};

static size_t left(const struct reader *r) {
    return (size_t)(r->end - r->next);
}

static int fail(struct reader *r, int code, const char *fmt, ...) BN_PRINTF(3, 4);
static int fail(struct reader *r, int code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(r->why, sizeof r->why, fmt, args);
    va_end(args);
    return code;
}

static int fail_short(struct reader *r, size_t need) {
    return fail(r, BN_BAD, "needs %zu bytes of %zu left", need, left(r));
}

/* Puts one step in front of the path. A path that is too long loses its outermost steps. */
static void prefix_path(struct reader *r, const char *step) {
    size_t n = strlen(step);
    if (n > (size_t)(r->path - r->path_text)) return;
    r->path -= n;
    memcpy(r->path, step, n);
}

static int at_field(struct reader *r, int rc, const struct bn_plan *p, const struct bn_plan_op *op) {
    char step[64];
    char follows = *r->path;
    snprintf(step, sizeof step, "%s%s", p->desc->fields[op->field], follows && follows != '[' ? "." : "");
    prefix_path(r, step);
    return rc;
}

static int at_index(struct reader *r, int rc, int32_t i) {
    char step[24];
    snprintf(step, sizeof step, "[%" PRId32 "]%s", i, *r->path ? "." : "");
    prefix_path(r, step);
    return rc;
}

static int read_uvarint(struct reader *r, uint32_t *out) {
    if (r->next < r->end && *r->next < 0x80) {
        *out = *r->next++;
        return 0;
    }
    struct bn_cursor c = {r->next, r->next, r->end, false};
    *out = bn_cursor_uvarint(&c);
    if (c.bad) return fail(r, BN_BAD, "a varint is cut short or over 32 bits");
    r->next = c.next;
    return 0;
}

/* A length or count with its null: *out is -1 for null, else 0 or more. width: bytes of the old form. */
static int read_length(struct reader *r, const struct bn_plan_op *op, size_t width, int64_t *out) {
    if (op->flags & BN_PLAN_FLEX) {
        uint32_t n;
        int rc = read_uvarint(r, &n);
        if (rc) return rc;
        *out = (int64_t)n - 1;
    } else {
        if (width > left(r)) return fail_short(r, width);
        *out = width == 2 ? (int16_t)bn_get_u16(r->next) : (int32_t)bn_get_u32(r->next);
        r->next += width;
    }
    if (*out >= 0) return 0;
    if (*out < -1) return fail(r, BN_BAD, "length %" PRId64 " is negative", *out);
    return op->flags & BN_PLAN_NULLABLE ? 0 : fail(r, BN_BAD, "null is not allowed");
}

static int read_slice(struct reader *r, const struct bn_plan_op *op, int kind, struct bn_slice *out) {
    int64_t n;
    int rc = read_length(r, op, kind == BN_PLAN_STRING ? 2 : 4, &n);
    if (rc) return rc;
    if (n < 0) {
        *out = BN_SLICE_NULL;
        return 0;
    }
    if ((uint64_t)n > left(r)) return fail(r, BN_BAD, "length %" PRId64 " exceeds %zu left", n, left(r));
    if (kind == BN_PLAN_STRING && n > BN_CODEC_STRING_MAX) return fail(r, BN_BAD, "length %" PRId64 " of a string", n);
    *out = bn_slice_of(r->next, (size_t)n);
    r->next += n;
    return 0;
}

static int read_struct(struct reader *r, const struct bn_plan *p, uint8_t *out);

static int read_struct_ptr(struct reader *r, const struct bn_plan_op *op, uint8_t *out) {
    if (left(r) < 1) return fail_short(r, 1);
    uint8_t *p = NULL;
    if ((int8_t)*r->next++ >= 0) {
        p = bn_arena_alloc(r->arena, op->size);
        if (!p) return fail(r, BN_FULL, "the message is over its budget of memory");
    }
    memcpy(out, &p, sizeof p);
    return p ? read_struct(r, op->sub, p) : 0;
}

static inline int read_scalar(struct reader *r, int kind, uint8_t *out) {
    size_t size = bn_plan_scalar_size(kind);
    if (size > left(r)) return fail_short(r, size);
    const uint8_t *at = r->next;
    r->next += size;
    switch (kind) {
    case BN_PLAN_BOOL: *out = *at != 0; break;
    case BN_PLAN_INT8: *out = *at; break;
    case BN_PLAN_INT16:
    case BN_PLAN_UINT16: memcpy(out, &(uint16_t){bn_get_u16(at)}, 2); break;
    case BN_PLAN_INT32: memcpy(out, &(uint32_t){bn_get_u32(at)}, 4); break;
    case BN_PLAN_INT64:
    case BN_PLAN_FLOAT64: memcpy(out, &(uint64_t){bn_get_u64(at)}, 8); break;
    default: memcpy(out, at, 16); break;
    }
    return 0;
}

static int read_elements(struct reader *r, const struct bn_plan_op *op, struct kmsg_array a) {
    uint8_t *at = a.v;
    int rc = 0;
    if (op->element == BN_PLAN_STRUCT) {
        for (int32_t i = 0; i < a.n; i++, at += op->size) {
            rc = read_struct(r, op->sub, at);
            if (rc) return at_index(r, rc, i);
        }
    } else if (op->element >= BN_PLAN_STRING) {
        for (int32_t i = 0; i < a.n; i++, at += sizeof(struct bn_slice)) {
            /* null is never allowed in an element; the flag is the array's */
            struct bn_plan_op element = {.flags = op->flags & BN_PLAN_FLEX};
            struct bn_slice s;
            rc = read_slice(r, &element, op->element, &s);
            if (rc) return at_index(r, rc, i);
            memcpy(at, &s, sizeof s);
        }
    } else {
        size_t size = bn_plan_scalar_size(op->element);
        for (int32_t i = 0; i < a.n && !rc; i++, at += size) rc = read_scalar(r, op->element, at);
    }
    return rc;
}

static int read_array(struct reader *r, const struct bn_plan_op *op, uint8_t *out) {
    int64_t n;
    int rc = read_length(r, op, 4, &n);
    if (rc) return rc;
    if (n > 0 && (uint64_t)n > left(r) / op->min_size) {
        return fail(r, BN_BAD, "count %" PRId64 " of %u bytes or more each exceeds %zu left", n, op->min_size, left(r));
    }
    struct kmsg_array a = {NULL, (int32_t)n};
    if (n > 0) {
        a.v = bn_arena_array(r->arena, (size_t)n, op->size);
        if (!a.v) return fail(r, BN_FULL, "count %" PRId64 ": the message is over its budget of memory", n);
    }
    memcpy(out, &a, sizeof a);
    return n > 0 ? read_elements(r, op, a) : 0;
}

static int read_blob(struct reader *r, const struct bn_plan_op *op, uint8_t *out) {
    struct kmsg_records records = {BN_SLICE_NULL, NULL};
    int rc = read_slice(r, op, op->kind, &records.slice);
    if (rc) return rc;
    if (op->kind == BN_PLAN_RECORDS) memcpy(out, &records, sizeof records);
    else memcpy(out, &records.slice, sizeof records.slice);
    return 0;
}

static inline int read_field(struct reader *r, const struct bn_plan_op *op, uint8_t *out) {
    switch (op->kind) {
    case BN_PLAN_STRING:
    case BN_PLAN_BYTES:
    case BN_PLAN_RECORDS: return read_blob(r, op, out);
    case BN_PLAN_STRUCT: return read_struct(r, op->sub, out);
    case BN_PLAN_STRUCT_PTR: return read_struct_ptr(r, op, out);
    case BN_PLAN_ARRAY: return read_array(r, op, out);
    default: return read_scalar(r, op->kind, out);
    }
}

static int read_tag(struct reader *r, const struct bn_plan *p, const struct bn_plan_op *op, size_t size, uint8_t *out) {
    const uint8_t *end = r->end;
    r->end = r->next + size;
    int rc = read_field(r, op, out + op->offset);
    if (!rc && r->next != r->end) rc = fail(r, BN_BAD, "%zu bytes left over in tag %u", left(r), op->tag);
    if (rc) return at_field(r, rc, p, op);
    r->end = end;
    return 0;
}

static int read_tags(struct reader *r, const struct bn_plan *p, uint8_t *out) {
    uint32_t count, tag, size;
    int rc = read_uvarint(r, &count);
    if (rc || count == 0) return rc;
    int64_t last = -1;
    const struct bn_plan_op *op = p->tagged, *end = p->tagged + p->tag_count;
    for (uint32_t i = 0; i < count; i++, last = tag) {
        if ((rc = read_uvarint(r, &tag)) != 0 || (rc = read_uvarint(r, &size)) != 0) return rc;
        if (tag <= last) return fail(r, BN_BAD, "tag %" PRIu32 " follows tag %" PRId64, tag, last);
        if (size > left(r)) {
            return fail(r, BN_BAD, "tag %" PRIu32 ": length %" PRIu32 " exceeds %zu left", tag, size, left(r));
        }
        while (op != end && op->tag < tag) op++;
        if (op != end && op->tag == tag) rc = read_tag(r, p, op, size, out);
        else r->next += size;
        if (rc) return rc;
    }
    return 0;
}

static int read_struct(struct reader *r, const struct bn_plan *p, uint8_t *out) {
    if (p->sparse) memcpy(out, p->desc->defaults, p->desc->size);
    for (const struct bn_plan_op *op = p->ops, *end = op + p->op_count; op != end; op++) {
        int rc = read_field(r, op, out + op->offset);
        if (rc) return at_field(r, rc, p, op);
    }
    return p->flexible ? read_tags(r, p, out) : 0;
}

int bn_decode_message(const struct bn_plan *p, struct bn_slice in, struct bn_arena *arena, void *out,
                      struct bn_err *e) {
    static const uint8_t nothing[1];
    if (in.len > INT32_MAX) return bn_err_set(e, BN_BAD, "%zu bytes", in.len);
    const uint8_t *start = in.ptr ? in.ptr : nothing;
    struct reader r = {.start = start, .next = start, .end = start + (in.ptr ? in.len : 0), .arena = arena};
    r.path_text[PATH_SIZE - 1] = '\0';
    r.path = r.path_text + PATH_SIZE - 1;
    int rc = read_struct(&r, p, out);
    if (!rc) return 0;
    return bn_err_set(e, rc, "%s%s%s at byte %zu", r.path, *r.path ? ": " : "", r.why, (size_t)(r.next - r.start));
}
