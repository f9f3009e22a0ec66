/* fuzz_znode.c: one fuzz target for what stands in every znode. The first byte of an input picks the row, the rest is
 * the data.
 *
 * The oracle: decoding never reads outside (sanitizers watch) and takes memory in proportion; what it accepts can be
 * encoded, is accepted again, and encodes a second time to the same bytes. */
#include "tests/fuzz/fuzz_znode.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/zk/znode.h"

enum { AMPLIFICATION = 64, ALLOWANCE = 4096, STRUCT_MAX = 512 };

uint64_t fuzz_znode_accepted;

static void check_accepted(const struct bn_znode_row *row, const void *value) {
    struct bn_arena arena;
    struct bn_str first, second;
    uint64_t again[STRUCT_MAX / 8] = {0};
    bn_arena_init(&arena, SIZE_MAX);
    bn_str_init(&first);
    bn_str_init(&second);
    row->encode(&first, value);
    if (first.len <= BN_ZNODE_DATA_MAX) { /* escapes may have made it longer than what may be read */
        BN_ASSERT(row->decode(bn_str_slice(&first), &arena, again, NULL) == BN_OK);
        row->encode(&second, again);
        BN_ASSERT(bn_slice_eq(bn_str_slice(&first), bn_str_slice(&second)));
    }
    bn_str_fini(&first);
    bn_str_fini(&second);
    bn_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct bn_znode_row *coded[64];
    uint64_t value[STRUCT_MAX / 8] = {0};
    size_t count = 0;
    for (const struct bn_znode_row *r = bn_znode_rows; r->name; r++)
        if (r->decode) coded[count++] = r;
    if (size < 2) return 0; /* no data is a case of its own, which is not written back */
    const struct bn_znode_row *row = coded[data[0] % count];
    BN_ASSERT(row->size <= sizeof value);
    size_t len = size - 1;
    uint8_t *exact = bn_alloc(len);
    memcpy(exact, data + 1, len);
    struct bn_arena arena;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, AMPLIFICATION * len + ALLOWANCE);
    int status = row->decode(bn_slice_of(exact, len), &arena, value, &e);
    bn_alloc_free(exact); /* nothing of the value may point there */
    BN_ASSERT(status == BN_OK || status == BN_BAD);
    BN_ASSERT(status == e.code);
    if (status == BN_OK) {
        fuzz_znode_accepted++;
        check_accepted(row, value);
    }
    bn_arena_fini(&arena);
    return 0;
}
