/* compact_map.c: open addressing over XXH3_128. A key is known by its hash alone: of 2^32 keys two have the same one
 * with a probability of 2^-65, and since the seed is drawn for each cleaning, nobody can look for such keys beforehand
 * (Kafka uses MD5 without one). The memory is bounded by the caller; pages that are never touched cost nothing. */
#include "broker/log/compact_map.h"

#include "common/base/alloc.h"
#include "common/base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct bn_compact_map_slot {
    uint64_t low, high;
    int64_t next; /* the offset + 1; 0 = free */
};
_Static_assert(sizeof(struct bn_compact_map_slot) == BN_COMPACT_MAP_SLOT, "memory is counted in slots");

void bn_compact_map_init(struct bn_compact_map *m, size_t bytes, uint64_t keys, double load, uint64_t seed) {
    BN_ASSERT(load > 0 && load <= 1);
    size_t most = bytes / BN_COMPACT_MAP_SLOT;
    if (most < 2) most = 2;
    /* Twice as many slots as keys: short probes. */
    size_t capacity = keys < most / 2 ? (size_t)keys * 2 + 2 : most;
    size_t limit = (size_t)((double)capacity * load);
    *m = (struct bn_compact_map){
        .slots = bn_alloc_zero(capacity, sizeof *m->slots),
        .capacity = capacity,
        .limit = limit < 1           ? 1
                 : limit >= capacity ? capacity - 1
                                     : limit, /* a free slot ends every probe */
        .seed = seed,
    };
}

void bn_compact_map_fini(struct bn_compact_map *m) {
    bn_alloc_free(m->slots);
    *m = (struct bn_compact_map){0};
}

/* The key's slot, or the free one where it belongs. */
static struct bn_compact_map_slot *find(const struct bn_compact_map *m, struct bn_slice key, XXH128_hash_t *hash) {
    *hash = XXH3_128bits_withSeed(key.ptr, key.len, m->seed);
    size_t at = (size_t)(((unsigned __int128)hash->high64 * m->capacity) >> 64);
    for (;;) {
        struct bn_compact_map_slot *s = &m->slots[at];
        if (s->next == 0 || (s->low == hash->low64 && s->high == hash->high64)) return s;
        at = at + 1 == m->capacity ? 0 : at + 1;
    }
}

bool bn_compact_map_put(struct bn_compact_map *m, struct bn_slice key, int64_t offset) {
    XXH128_hash_t hash;
    struct bn_compact_map_slot *s = find(m, key, &hash);
    if (s->next == 0) {
        if (m->count == m->limit) return false;
        m->count++;
        s->low = hash.low64;
        s->high = hash.high64;
    }
    s->next = offset + 1;
    return true;
}

int64_t bn_compact_map_get(const struct bn_compact_map *m, struct bn_slice key) {
    XXH128_hash_t hash;
    if (m->capacity == 0) return -1;
    return find(m, key, &hash)->next - 1;
}
