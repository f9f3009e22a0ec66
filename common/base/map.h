/* map.h: a hash table from bytes (or a 64-bit number) to a pointer. Open addressing, XXH3, grows by
 * doubling. Keys are borrowed: they live in the values. Not thread-safe. */
#ifndef BN_MAP_H
#define BN_MAP_H

#include "common/base/base.h"
#include "common/base/slice.h"

struct bn_map_entry {
    struct bn_slice key;
    uint64_t hash; /* 0 = free */
    void *value;
};

struct bn_map {
    struct bn_map_entry *entries;
    size_t count, capacity; /* capacity is 0 or a power of two */
};

void bn_map_init(struct bn_map *m);
void bn_map_fini(struct bn_map *m);
void *bn_map_get(const struct bn_map *m, struct bn_slice key); /* NULL when absent */
/* Sets, returning the value that was there (then its key is replaced too), or NULL. */
void *bn_map_put(struct bn_map *m, struct bn_slice key, void *value);
void *bn_map_remove(struct bn_map *m, struct bn_slice key); /* returns the value that was there, or NULL */
/* Iterates in no particular order: start with *at = 0; NULL at the end. Do not change the map meanwhile. */
struct bn_map_entry *bn_map_next(const struct bn_map *m, size_t *at);

/* Numbers as keys: the key bytes are the number itself, which the value must hold for as long. */
static inline struct bn_slice bn_map_key_u64(const uint64_t *k) { return bn_slice_of(k, sizeof *k); }

#endif
