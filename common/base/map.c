/* map.c: open addressing with linear probing over XXH3.
 *
 * Invariants: capacity is 0 or a power of two; at most three quarters are used, so that a probe always meets
 * a free entry; an entry lies behind no free one on its probe path (removal moves followers back, there are
 * no tombstones). Keys are borrowed. The hash is not seeded: a table whose keys come from peers must bound
 * their number itself, as all of ours do. */
#include "common/base/map.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

enum { CAPACITY_MIN = 4 };

void bn_map_init(struct bn_map *m) { *m = (struct bn_map){0}; }

void bn_map_fini(struct bn_map *m) {
    bn_alloc_free(m->entries);
    *m = (struct bn_map){0};
}

static uint64_t hash_of(struct bn_slice key) {
    uint64_t h = XXH3_64bits(key.ptr, key.len);
    return h ? h : 1;
}

/* The entry of the key, or the free one where it belongs. The table is not empty. */
static size_t find(const struct bn_map *m, struct bn_slice key, uint64_t hash) {
    size_t mask = m->capacity - 1;
    size_t at = (size_t)hash & mask;
    while (m->entries[at].hash) {
        if (m->entries[at].hash == hash && bn_slice_eq(m->entries[at].key, key)) break;
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(struct bn_map *m) {
    struct bn_map old = *m;
    m->capacity = old.capacity ? old.capacity * 2 : CAPACITY_MIN;
    m->entries = bn_alloc_zero(m->capacity, sizeof *m->entries);
    for (size_t i = 0; i < old.capacity; i++) {
        const struct bn_map_entry *e = &old.entries[i];
        if (e->hash) m->entries[find(m, e->key, e->hash)] = *e;
    }
    bn_alloc_free(old.entries);
}

void *bn_map_get(const struct bn_map *m, struct bn_slice key) {
    if (m->count == 0) return NULL;
    return m->entries[find(m, key, hash_of(key))].value;
}

void *bn_map_put(struct bn_map *m, struct bn_slice key, void *value) {
    BN_ASSERT(value != NULL);
    if (m->count >= m->capacity / 4 * 3) grow(m);
    uint64_t hash = hash_of(key);
    struct bn_map_entry *e = &m->entries[find(m, key, hash)];
    void *before = e->value;
    if (!e->hash) m->count++;
    *e = (struct bn_map_entry){key, hash, value};
    return before;
}

void *bn_map_remove(struct bn_map *m, struct bn_slice key) {
    if (m->count == 0) return NULL;
    size_t mask = m->capacity - 1;
    size_t hole = find(m, key, hash_of(key));
    void *value = m->entries[hole].value;
    if (!m->entries[hole].hash) return NULL;
    /* Close the gap: an entry further on moves into it unless its own place lies between the two. */
    for (size_t at = (hole + 1) & mask; m->entries[at].hash; at = (at + 1) & mask) {
        size_t home = (size_t)m->entries[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        m->entries[hole] = m->entries[at];
        hole = at;
    }
    m->entries[hole] = (struct bn_map_entry){0};
    m->count--;
    return value;
}

struct bn_map_entry *bn_map_next(const struct bn_map *m, size_t *at) {
    while (*at < m->capacity) {
        struct bn_map_entry *e = &m->entries[(*at)++];
        if (e->hash) return e;
    }
    return NULL;
}
