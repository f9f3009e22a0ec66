/* plan.h: the shape of the generated tables; only the codec's own files and kmsg_tables.c include it.
 *
 * A desc is a message or a struct nested in one. For every version it has a plan: the fields present, in wire order,
 * as ops that need no further question about versions. Equal plans are shared. The generator computes the smallest
 * wire size of each plan, which is never 0 for an element of an array: decode.c divides by it. */
#ifndef BN_PLAN_H
#define BN_PLAN_H

#include "proto/kafka/codec.h"

enum bn_plan_kind {
    BN_PLAN_BOOL,
    BN_PLAN_INT8,
    BN_PLAN_INT16,
    BN_PLAN_UINT16,
    BN_PLAN_INT32,
    BN_PLAN_INT64,
    BN_PLAN_FLOAT64,
    BN_PLAN_UUID, /* up to here: the size on the wire is that in memory */
    BN_PLAN_STRING,
    BN_PLAN_BYTES,
    BN_PLAN_RECORDS,
    BN_PLAN_STRUCT,     /* inline */
    BN_PLAN_STRUCT_PTR, /* nullable: a pointer into the arena */
    BN_PLAN_ARRAY,      /* of element kind up to BN_PLAN_BYTES, or of BN_PLAN_STRUCT */
};

enum {
    BN_PLAN_FLEX = 1,      /* compact lengths */
    BN_PLAN_NULLABLE = 2,  /* in this version */
    BN_PLAN_IGNORABLE = 4, /* may be dropped by a version that lacks it */
};

struct bn_plan_op {
    uint8_t kind, element; /* enum bn_plan_kind; element: of ARRAY */
    uint8_t flags, tag;
    uint16_t offset;           /* in the struct */
    uint16_t size;             /* in memory, of one element, of the struct pointed to, or of the field */
    uint16_t min_size;         /* on the wire, of one element */
    uint16_t field;            /* index of the name in desc->fields */
    const struct bn_plan *sub; /* STRUCT, STRUCT_PTR, ARRAY of STRUCT */
};

struct bn_plan {
    const struct bn_codec_desc *desc;
    const struct bn_plan_op *ops;    /* fields in wire order */
    const struct bn_plan_op *tagged; /* fields of the tag section, tags ascending */
    const struct bn_plan_op *absent; /* fields this version lacks and that are not ignorable */
    uint8_t op_count, tag_count, absent_count;
    bool flexible;       /* a tag section ends the struct */
    bool sparse;         /* some field is absent or tagged: defaults must be laid down before decoding */
    uint16_t min_size;   /* on the wire */
    uint16_t fixed_size; /* on the wire, when every value has the same size; else 0 */
};

struct bn_codec_desc {
    const char *name; /* "ProduceRequest", "ProduceRequest.topic" */
    int16_t key, min_version, max_version, flexible_version; /* 32767: none is flexible */
    uint32_t size;
    const void *defaults;       /* one struct */
    const char *const *fields;  /* names */
    const struct bn_plan *whole; /* every field of every version, as old-style ops: for walks that ignore versions */
    const struct bn_plan *const *plans; /* [version - min_version]; NULL where the struct is absent */
};

/* By API key, NULL where unknown; KAPI_KEYS entries each. */
extern const struct bn_codec_desc *const bn_plan_requests[];
extern const struct bn_codec_desc *const bn_plan_responses[];

/* The plan of a version that is in range (asserted). */
const struct bn_plan *bn_plan_of(const struct bn_codec_desc *d, int version);
/* Sizes in memory and on the wire of kinds up to UUID. */
static inline size_t bn_plan_scalar_size(int kind) {
    static const uint8_t sizes[] = {1, 1, 2, 2, 4, 8, 8, 16};
    return sizes[kind];
}
/* Whether one field has its default; base and defaults are the enclosing structs. */
bool bn_plan_is_default(const struct bn_plan_op *op, const uint8_t *base, const uint8_t *defaults);

/* The codec's other files; codec.h says what each does. */
int bn_decode_message(const struct bn_plan *p, struct bn_slice in, struct bn_arena *arena, void *out,
                      struct bn_err *e) BN_MUST_CHECK;
bool bn_encode_message(const struct bn_plan *p, void *in, struct bn_chain *out);
bool bn_walk_equal(const struct bn_plan *p, const uint8_t *a, const uint8_t *b);
struct bn_walk_dice {
    struct bn_arena *arena;
    uint32_t (*next)(void *);
    void *arg;
};
bool bn_walk_random(const struct bn_walk_dice *dice, const struct bn_plan *p, uint8_t *out) BN_MUST_CHECK;
void bn_walk_dump(const struct bn_plan *p, const uint8_t *in, struct bn_str *out);

#endif
