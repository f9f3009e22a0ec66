/* timeindex.c: entries (timestamp, relative offset): up to and including the batch that ends at that offset no record
 * is newer. Timestamps ascend strictly. The file itself is index.c's. */
#include "broker/log/timeindex.h"

#include "common/base/bytes.h"
#include "common/base/check.h"

int bn_timeindex_last(struct bn_index *x, int64_t *timestamp_ms, int64_t *offset) {
    int rc = bn_index_load(x);
    if (rc) return rc;
    *timestamp_ms = -1;
    *offset = x->base_offset;
    if (x->count == 0) return 0;
    uint8_t entry[BN_INDEX_ENTRY_MAX];
    rc = bn_index_get(x, x->count - 1, entry);
    if (rc) return rc;
    *timestamp_ms = (int64_t)bn_get_u64(entry);
    *offset = x->base_offset + bn_index_relative(BN_INDEX_TIME, entry);
    return 0;
}

int bn_timeindex_add(struct bn_index *x, int64_t timestamp_ms, int64_t offset) {
    int64_t last, ignored;
    int rc = bn_timeindex_last(x, &last, &ignored);
    if (rc) return rc;
    if (timestamp_ms <= last) return 0;
    uint8_t entry[BN_INDEX_ENTRY_MAX];
    bn_put_u64(entry, (uint64_t)timestamp_ms);
    bn_put_u32(entry + 8, (uint32_t)(offset - x->base_offset));
    return bn_index_add(x, entry);
}

int bn_timeindex_start(struct bn_index *x, int64_t timestamp_ms, int64_t *offset) {
    uint8_t entry[BN_INDEX_ENTRY_MAX];
    int64_t i = -1;
    /* Strictly older: an equal timestamp may stand in the very batch that the entry names. */
    int rc = timestamp_ms == INT64_MIN ? 0 : bn_index_floor(x, BN_INDEX_BY_TIME, timestamp_ms - 1, &i, entry);
    if (rc) return rc;
    *offset = i < 0 ? x->base_offset : x->base_offset + bn_index_relative(BN_INDEX_TIME, entry);
    return 0;
}
