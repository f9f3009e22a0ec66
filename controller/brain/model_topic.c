/* model_topic.c: the memory of topics, partitions and their states. A topic is found by name from the moment its creation
 * is decided, by id from the moment the id is in ZooKeeper. Holds keep a forgotten topic's memory until the flights that
 * point to it have landed. Decides nothing. */
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
    bn_map_put(&m->topics_by_id, bn_slice_of(t->id.bytes, sizeof t->id.bytes), t);
}

static void free_partition(struct bn_model_partition *p) {
    bn_list_remove(&p->dirty);
    bn_list_remove(&p->changed);
    bn_ids_free(&p->replicas);
    bn_ids_free(&p->adding);
    bn_ids_free(&p->removing);
    bn_model_state_free(&p->state);
    bn_model_state_free(&p->planned);
    bn_alloc_free(p->confirmed);
    bn_alloc_free(p);
}

void bn_model_topic_hold(struct bn_model_topic *t) { t->holds++; }

void bn_model_topic_release(struct bn_model_topic *t) {
    if (--t->holds > 0) return;
    for (int32_t i = 0; i < t->partition_count; i++) free_partition(t->partitions[i]);
    bn_alloc_free(t->partitions);
    if (t->config_new) bn_config_free(t->config_new);
    bn_alloc_free(t->name);
    bn_alloc_free(t);
}

void bn_model_topic_forget(struct bn_model *m, struct bn_model_topic *t) {
    bn_map_remove(&m->topics, bn_slice_str(t->name));
    if (bn_model_topic_by_id(m, &t->id) == t) bn_map_remove(&m->topics_by_id, bn_slice_of(t->id.bytes, sizeof t->id.bytes));
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

static int32_t partition_place(const struct bn_model_topic *t, int32_t index) {
    int32_t low = 0, high = t->partition_count;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (t->partitions[mid]->index < index)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct bn_model_partition *bn_model_partition(const struct bn_model_topic *t, int32_t index) {
    int32_t at = partition_place(t, index);
    return at < t->partition_count && t->partitions[at]->index == index ? t->partitions[at] : NULL;
}

struct bn_model_partition *bn_model_partition_make(struct bn_model_topic *t, const struct bn_fact_partition *fact) {
    BN_ASSERT(!bn_model_partition(t, fact->index));
    int32_t at = partition_place(t, fact->index);
    if ((t->partition_count & (t->partition_count - 1)) == 0) { /* the capacity is the next power of two */
        size_t capacity = t->partition_count ? (size_t)t->partition_count * 2 : 1;
        t->partitions = bn_alloc_resize(t->partitions, capacity * sizeof *t->partitions);
    }
    memmove(t->partitions + at + 1, t->partitions + at, (size_t)(t->partition_count - at) * sizeof *t->partitions);
    t->partition_count++;
    struct bn_model_partition *p = t->partitions[at] = bn_alloc_zero(1, sizeof *p);
    p->topic = t;
    p->index = fact->index;
    p->kind = BN_MODEL_NEW;
    bn_list_init(&p->dirty);
    bn_list_init(&p->changed);
    bn_list_init(&p->proposals);
    bn_ids_set(&p->replicas, fact->replicas);
    bn_ids_set(&p->adding, fact->adding);
    bn_ids_set(&p->removing, fact->removing);
    if (fact->has_state) bn_model_partition_commit(p, &fact->state);
    return p;
}

void bn_model_partition_dirty(struct bn_model *m, struct bn_model_partition *p) {
    if (p->topic->kind != BN_MODEL_LIVE || !bn_list_empty(&p->dirty)) return;
    bn_list_push_back(&m->dirty, &p->dirty);
}

void bn_model_partition_changed(struct bn_model *m, struct bn_model_partition *p) {
    if (p->topic->kind != BN_MODEL_LIVE || !bn_list_empty(&p->changed)) return;
    bn_list_push_back(&m->changed, &p->changed);
}

void bn_model_topic_dirty(struct bn_model *m, struct bn_model_topic *t) {
    if (bn_list_empty(&t->dirty)) bn_list_push_back(&m->dirty_topics, &t->dirty);
}

struct bn_fact_state bn_model_state_fact(const struct bn_model_state *s) {
    return (struct bn_fact_state){.version = s->version,
                                  .leader = s->leader,
                                  .leader_epoch = s->leader_epoch,
                                  .controller_epoch = s->controller_epoch,
                                  .isr = bn_ids_fact(&s->isr),
                                  .recovering = s->recovering,
                                  .elr = bn_ids_fact(&s->elr)};
}

void bn_model_state_set(struct bn_model_state *s, const struct bn_fact_state *fact) {
    s->version = fact->version;
    s->leader = fact->leader;
    s->leader_epoch = fact->leader_epoch;
    s->controller_epoch = fact->controller_epoch;
    s->recovering = fact->recovering;
    bn_ids_set(&s->isr, fact->isr);
    bn_ids_set(&s->elr, fact->elr);
}

void bn_model_state_free(struct bn_model_state *s) {
    bn_ids_free(&s->isr);
    bn_ids_free(&s->elr);
}

bool bn_model_state_eq(const struct bn_model_state *s, const struct bn_fact_state *fact) {
    return s->version == fact->version && s->leader == fact->leader && s->leader_epoch == fact->leader_epoch &&
           s->controller_epoch == fact->controller_epoch && s->recovering == fact->recovering &&
           bn_ids_eq(bn_ids_fact(&s->isr), fact->isr) && bn_ids_eq(bn_ids_fact(&s->elr), fact->elr);
}

struct bn_fact_partition bn_model_partition_fact(const struct bn_model_partition *p) {
    struct bn_fact_partition f = {.index = p->index,
                                  .replicas = bn_ids_fact(&p->replicas),
                                  .adding = bn_ids_fact(&p->adding),
                                  .removing = bn_ids_fact(&p->removing),
                                  .has_state = p->has_state};
    if (p->has_state) f.state = bn_model_state_fact(&p->state);
    return f;
}

void bn_model_partition_commit(struct bn_model_partition *p, const struct bn_fact_state *fact) {
    if (p->has_state && p->state.leader >= 0) p->topic->led_count--;
    bn_model_state_set(&p->state, fact);
    p->has_state = p->node_exists = true;
    if (p->state.leader >= 0) p->topic->led_count++;
}
