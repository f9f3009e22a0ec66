/* model_partition.c: the memory of partitions: ascending by index within their topic, which owns them. Decides nothing.
 */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/model_inside.h"

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

void bn_model_partition_free(struct bn_model_partition *p) {
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
