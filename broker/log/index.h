/* index.h: the sparse index files of a segment: a run of fixed-size entries in ascending order. Private to broker/log.
 */
#ifndef BN_INDEX_H
#define BN_INDEX_H

#include "common/sys/disk.h"

/* Where a partition's files are; lives in the log, shared by all its segments. */
struct bn_index_place {
    const struct bn_disk *disk;
    const char *dir;
    const char *suffix; /* behind every name: ".cleaned" while a segment is made in the background; NULL = none */
};

enum bn_index_kind {
    BN_INDEX_OFFSET, /* relative offset u32, position u32 */
    BN_INDEX_TIME,   /* timestamp i64, relative offset u32 */
};
enum { BN_INDEX_ENTRY_MAX = 12, BN_INDEX_PENDING_MAX = 128 };
static inline uint32_t bn_index_entry_size(enum bn_index_kind kind) { return kind == BN_INDEX_TIME ? 12 : 8; }

/* Which field a search compares. */
enum bn_index_key { BN_INDEX_BY_OFFSET, BN_INDEX_BY_POSITION, BN_INDEX_BY_TIME };

struct bn_index {
    const struct bn_index_place *place;
    int64_t base_offset;
    struct bn_file *file; /* NULL while closed: opened by whoever needs it */
    uint8_t *pending;     /* entries behind `written` that the file has not got yet; NULL when there never were any */
    uint32_t count, written;
    enum bn_index_kind kind : 8;
    bool loaded; /* count is known */
};

void bn_index_init(struct bn_index *x, const struct bn_index_place *place, int64_t base_offset,
                   enum bn_index_kind kind);
void bn_index_fini(struct bn_index *x); /* drops what is pending */
/* Finds the count. An absent file is empty; a torn last entry and a zero-filled tail do not count. */
int bn_index_load(struct bn_index *x) BN_MUST_CHECK;
/* Appends; BN_IO when the pending entries had to be written and could not be. */
int bn_index_add(struct bn_index *x, const uint8_t *entry) BN_MUST_CHECK;
int bn_index_get(struct bn_index *x, uint32_t i, uint8_t *entry) BN_MUST_CHECK;
/* The last entry whose key is <= target: its number in *i, or -1. Fills entry when there is one. */
int bn_index_floor(struct bn_index *x, enum bn_index_key key, int64_t target, int64_t *i, uint8_t *entry) BN_MUST_CHECK;
/* Writes what is pending and makes the file exactly as long as its entries. */
int bn_index_write(struct bn_index *x) BN_MUST_CHECK;
/* Keeps the first count entries in memory only: the file is cut to `written` entries by whoever syncs it. */
int bn_index_forget(struct bn_index *x, uint32_t count) BN_MUST_CHECK;
/* Keeps the first count entries (0 empties the file). */
int bn_index_cut(struct bn_index *x, uint32_t count) BN_MUST_CHECK;
/* bn_index_write and bn_index_close_file: an idle partition keeps nothing open. */
int bn_index_rest(struct bn_index *x) BN_MUST_CHECK;
/* The open file (made if absent), borrowed: to sync it. */
int bn_index_file(struct bn_index *x, struct bn_file **out) BN_MUST_CHECK;
/* "<dir>/<base as 20 digits><suffix>" into new memory; behind it the place's own suffix. */
char *bn_index_path(const struct bn_index_place *place, int64_t base_offset, const char *suffix);

/* The offset index. */
void bn_index_put_position(uint8_t entry[8], int64_t base_offset, int64_t offset, int64_t position);
static inline int64_t bn_index_relative(enum bn_index_kind kind, const uint8_t *entry) {
    const uint8_t *p = kind == BN_INDEX_TIME ? entry + 8 : entry;
    return (int64_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}
int64_t bn_index_position(const uint8_t entry[8]);

#endif
