/* model_topic.c: the memory of topics. A topic is found by name from the moment its creation is decided, by id from the
 * moment the id is in ZooKeeper. Holds keep a forgotten topic's memory until the flights that point to it have landed.
 * Decides nothing. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/config.h"
#include "controller/brain/model_inside.h"

struct bn_model_topic *bn_model_topic(const struct bn_model *m, const char *name) {
    return bn_map_get(&m->topics, bn_slice_str(name));
}

struct bn_model_topic *bn_model_topic_by_id(const struct bn_model *m, const struct bn_uuid *id) {
    return bn_map_get(&m->topics_by_id, bn_slice_of(id->bytes, sizeof id->bytes));
}

struct bn_model_topic *bn_model_topic_make(struct bn_model *m, const char *name) {
    struct bn_model_topic *t = bn_alloc_zero(1, sizeof *t);
    t->name = bn_alloc_strdup(name);
    t->kind = BN_MODEL_CREATING;
    t->holds = 1; /* the map's */
    t->delta_at = -1;
    bn_list_init(&t->dirty);
    void *old = bn_map_put(&m->topics, bn_slice_str(t->name), t);
    BN_ASSERT(!old);
    return t;
}

void bn_model_topic_index_id(struct bn_model *m, struct bn_model_topic *t) {
    if (bn_uuid_is_zero(&t->id)) return;
    t->id_stands = true;
    bn_map_put(&m->topics_by_id, bn_slice_of(t->id.bytes, sizeof t->id.bytes), t);
}

void bn_model_topic_hold(struct bn_model_topic *t) { t->holds++; }

void bn_model_topic_release(struct bn_model_topic *t) {
    if (--t->holds > 0) return;
    for (int32_t i = 0; i < t->partition_count; i++) bn_model_partition_free(t->partitions[i]);
    bn_alloc_free(t->partitions);
    if (t->config_new) bn_config_free(t->config_new);
    bn_alloc_free(t->name);
    bn_alloc_free(t);
}

void bn_model_topic_forget(struct bn_model *m, struct bn_model_topic *t) {
    bn_map_remove(&m->topics, bn_slice_str(t->name));
    if (bn_model_topic_by_id(m, &t->id) == t)
        bn_map_remove(&m->topics_by_id, bn_slice_of(t->id.bytes, sizeof t->id.bytes));
    t->kind = BN_MODEL_GONE;
    bn_list_remove(&t->dirty);
    for (int32_t i = 0; i < t->partition_count; i++) {
        struct bn_model_partition *p = t->partitions[i];
        bn_list_remove(&p->dirty);
        bn_list_remove(&p->changed);
        if (p->must_bump) m->bump_count--;
        p->must_bump = false;
    }
    bn_model_topic_release(t);
}

void bn_model_topic_dirty(struct bn_model *m, struct bn_model_topic *t) {
    if (bn_list_empty(&t->dirty)) bn_list_push_back(&m->dirty_topics, &t->dirty);
}
