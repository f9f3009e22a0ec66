/* offsets.c: a group's committed offsets in memory, and where a group's records live. */
#include "broker/group/offsets.h"

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/javahash.h"

struct slot { /* the map's key is its bytes: partition, then topic */
    struct bn_offsets_entry entry;
    uint8_t *key;
    size_t key_len;
    uint8_t *metadata;
};

static uint8_t *make_key(struct bn_slice topic, int32_t partition, size_t *len) {
    *len = 4 + topic.len;
    uint8_t *key = bn_alloc(*len);
    bn_put_u32(key, (uint32_t)partition);
    if (topic.len) memcpy(key + 4, topic.ptr, topic.len);
    return key;
}

static void free_slot(struct slot *s) {
    if (!s) return;
    bn_alloc_free(s->key);
    bn_alloc_free(s->metadata);
    bn_alloc_free(s);
}

void bn_offsets_init(struct bn_offsets *o) { bn_map_init(&o->entries); }

void bn_offsets_fini(struct bn_offsets *o) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&o->entries, &at)) != NULL;) free_slot(e->value);
    bn_map_fini(&o->entries);
}

void bn_offsets_put(struct bn_offsets *o, struct bn_slice topic, int32_t partition, const struct bn_grecord_offset *c,
                    int64_t log_offset) {
    size_t len;
    uint8_t *key = make_key(topic, partition, &len);
    struct slot *s = bn_map_get(&o->entries, bn_slice_of(key, len));
    if (s) {
        bn_alloc_free(key);
        if (s->entry.log_offset > log_offset) return;
    } else {
        s = bn_alloc_zero(1, sizeof *s);
        s->key = key;
        s->key_len = len;
        s->entry.topic = bn_slice_of(key + 4, len - 4);
        s->entry.partition = partition;
        bn_map_put(&o->entries, bn_slice_of(key, len), s);
    }
    bn_alloc_free(s->metadata);
    s->metadata = (uint8_t *)bn_alloc_strndup(c->metadata.ptr ? c->metadata.ptr : (const uint8_t *)"", c->metadata.len);
    s->entry.committed = *c;
    s->entry.committed.metadata = bn_slice_of(s->metadata, c->metadata.len);
    s->entry.log_offset = log_offset;
}

const struct bn_offsets_entry *bn_offsets_get(const struct bn_offsets *o, struct bn_slice topic, int32_t partition) {
    size_t len;
    uint8_t *key = make_key(topic, partition, &len);
    const struct slot *s = bn_map_get(&o->entries, bn_slice_of(key, len));
    bn_alloc_free(key);
    return s ? &s->entry : NULL;
}

bool bn_offsets_remove(struct bn_offsets *o, struct bn_slice topic, int32_t partition) {
    size_t len;
    uint8_t *key = make_key(topic, partition, &len);
    struct slot *s = bn_map_remove(&o->entries, bn_slice_of(key, len));
    bn_alloc_free(key);
    free_slot(s);
    return s != NULL;
}

size_t bn_offsets_count(const struct bn_offsets *o) { return o->entries.count; }

const struct bn_offsets_entry *bn_offsets_next(const struct bn_offsets *o, size_t *at) {
    struct bn_map_entry *e = bn_map_next(&o->entries, at);
    return e ? &((struct slot *)e->value)->entry : NULL;
}

/* ---- where a group lives ---- */

int32_t bn_offsets_partition_of(struct bn_slice group, int32_t partition_count) {
    return bn_javahash_partition(bn_javahash(group), partition_count);
}
