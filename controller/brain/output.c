/* output.c: the list of a step's outputs. Owns the items and the arena behind them; decides nothing. */
#include "controller/brain/output.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

enum bn_output_verb bn_output_verb(enum bn_output_op_kind kind) {
    switch (kind) {
    case BN_OUTPUT_OP_CREATE_CONFIG:
    case BN_OUTPUT_OP_TELL_CONFIG:
    case BN_OUTPUT_OP_CREATE_TOPIC:
    case BN_OUTPUT_OP_CREATE_PARTITIONS:
    case BN_OUTPUT_OP_CREATE_PARTITION:
    case BN_OUTPUT_OP_CREATE_STATE:
    case BN_OUTPUT_OP_CREATE_MARKER:
    case BN_OUTPUT_OP_CREATE_ADMITTED:
    case BN_OUTPUT_OP_MAKE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP_PART:
        return BN_OUTPUT_CREATE;
    case BN_OUTPUT_OP_SET_CONFIG:
    case BN_OUTPUT_OP_SET_TOPIC:
    case BN_OUTPUT_OP_SET_PARTITIONS:
    case BN_OUTPUT_OP_SET_STATE:
    case BN_OUTPUT_OP_SET_PRODUCER_IDS:
    case BN_OUTPUT_OP_SET_SEQID:
    case BN_OUTPUT_OP_SET_ADMITTED:
    case BN_OUTPUT_OP_SET_GROUP:
    case BN_OUTPUT_OP_CLEAR_GROUP:
        return BN_OUTPUT_SET;
    case BN_OUTPUT_OP_CHECK_INCARNATION:
        return BN_OUTPUT_CHECK;
    default:
        return BN_OUTPUT_DELETE;
    }
}

void bn_output_init(struct bn_output_list *l) {
    *l = (struct bn_output_list){.items = NULL};
    bn_arena_init(&l->arena, SIZE_MAX); /* we size it ourselves: requests were bounded before they came here */
}

void bn_output_fini(struct bn_output_list *l) {
    bn_arena_fini(&l->arena);
    bn_alloc_free(l->items);
}

void bn_output_clear(struct bn_output_list *l) {
    bn_arena_reset(&l->arena);
    l->count = 0;
}

struct bn_output *bn_output_add(struct bn_output_list *l, enum bn_output_kind kind) {
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? l->capacity * 2 : 16;
        l->items = bn_alloc_resize(l->items, (size_t)l->capacity * sizeof *l->items);
    }
    struct bn_output *o = &l->items[l->count++];
    *o = (struct bn_output){.kind = kind};
    return o;
}

void bn_output_note(struct bn_output_list *l, int level, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    char *copy = bn_arena_copy(&l->arena, bn_slice_str(text));
    BN_ASSERT(copy);
    struct bn_output *o = bn_output_add(l, BN_OUTPUT_NOTE);
    o->u.note.level = (__typeof__(o->u.note.level))level;
    o->u.note.text = copy;
}
