/* plan.c: the little that all walks over plans share: finding one, and telling whether a field has its default. The
 * tables themselves are generated (kmsg_tables.c) and const. */
#include "proto/kafka/plan.h"

#include "common/base/check.h"

const struct bn_plan *bn_plan_of(const struct bn_codec_desc *d, int version) {
    BN_ASSERT(version >= d->min_version && version <= d->max_version);
    const struct bn_plan *p = d->plans[version - d->min_version];
    BN_ASSERT(p);
    return p;
}

static bool struct_is_default(const struct bn_plan *whole, const uint8_t *base, const uint8_t *defaults) {
    for (int i = 0; i < whole->op_count; i++) {
        if (!bn_plan_is_default(&whole->ops[i], base, defaults)) return false;
    }
    return true;
}

bool bn_plan_is_default(const struct bn_plan_op *op, const uint8_t *base, const uint8_t *defaults) {
    const uint8_t *have = base + op->offset, *want = defaults + op->offset;
    switch (op->kind) {
    case BN_PLAN_STRING:
    case BN_PLAN_BYTES: {
        struct bn_slice a, b;
        memcpy(&a, have, sizeof a);
        memcpy(&b, want, sizeof b);
        return a.len == 0 && bn_slice_is_null(a) == bn_slice_is_null(b);
    }
    case BN_PLAN_RECORDS: {
        struct kmsg_records r;
        memcpy(&r, have, sizeof r);
        return r.slice.len == 0 && (!r.chain || r.chain->size_bytes == 0);
    }
    case BN_PLAN_STRUCT: /* equal bytes are the common case; padding may make unequal ones equal */
        return memcmp(have, want, op->size) == 0 || struct_is_default(op->sub->desc->whole, have, want);
    case BN_PLAN_STRUCT_PTR: {
        void *p;
        memcpy(&p, have, sizeof p);
        return !p;
    }
    case BN_PLAN_ARRAY: {
        struct kmsg_array a, b;
        memcpy(&a, have, sizeof a);
        memcpy(&b, want, sizeof b);
        return a.n == b.n;
    }
    default: return memcmp(have, want, bn_plan_scalar_size(op->kind)) == 0;
    }
}
