/* compact_map.h: the newest offset of each key of a log's dirty part (4-storage 4.12). Private to broker/log. */
#ifndef BN_COMPACT_MAP_H
#define BN_COMPACT_MAP_H

#include "common/base/base.h"
#include "common/base/slice.h"

enum { BN_COMPACT_MAP_SLOT = 24 }; /* bytes a key takes: 16 of its hash, 8 of the offset, as in Kafka */

struct bn_compact_map {
    struct bn_compact_map_slot *slots;
    size_t capacity, limit, count; /* limit: keys that it takes */
    uint64_t seed;
};

/* bytes: what the table may take; keys: more will never be put; load: how full it may get, (0, 1]. There is room for
 * one key at least. seed: random, so that nobody can prepare two keys of one hash. */
void bn_compact_map_init(struct bn_compact_map *m, size_t bytes, uint64_t keys, double load, uint64_t seed);
void bn_compact_map_fini(struct bn_compact_map *m);
/* The key's newest offset is this one; offsets come in ascending order. False: it is a new key, and the table is full.
 */
bool bn_compact_map_put(struct bn_compact_map *m, struct bn_slice key, int64_t offset) BN_MUST_CHECK;
int64_t bn_compact_map_get(const struct bn_compact_map *m, struct bn_slice key); /* -1 when it is not there */

#endif
