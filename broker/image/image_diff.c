/* image_diff.c: what changed for one broker between two images. Pure; owns nothing. Topics that both images share are
 * the same object, so an unchanged topic costs one comparison.
 *
 * A replica that is no longer here was deleted only if the delta names its topic by id among the removed ones: that is
 * the evidence (safety §3: absence is not deletion). Anything else is merely gone. */
#include "broker/image/image.h"

static bool same_ids(const int32_t *a, int a_count, const int32_t *b, int b_count) {
    return a_count == b_count && (a_count == 0 || memcmp(a, b, (size_t)a_count * sizeof *a) == 0);
}

static bool same(const struct bn_image_partition *a, const struct bn_image_partition *b) {
    return a->leader == b->leader && a->leader_epoch == b->leader_epoch && a->partition_epoch == b->partition_epoch &&
           a->is_new == b->is_new && same_ids(a->replicas, a->replica_count, b->replicas, b->replica_count) &&
           same_ids(a->isr, a->isr_count, b->isr, b->isr_count);
}

static bool is_removed(const Bn__ImageDelta *delta, const struct bn_image_topic *t) {
    for (size_t i = 0; delta && i < delta->n_removed_topics; i++) {
        const Bn__RemovedTopic *r = delta->removed_topics[i];
        if (r->id.len == 16 && memcmp(r->id.data, t->id.bytes, 16) == 0) return true;
    }
    return false;
}

struct visit {
    int32_t broker;
    bn_image_change_fn fn;
    void *arg;
};

static void tell_gone(const struct visit *v, struct bn_image_topic *before, const struct bn_image_topic *after,
                      bool removed) {
    for (int32_t i = 0; i < before->partition_count; i++) {
        const struct bn_image_partition *p = &before->partitions[i];
        const struct bn_image_partition *still = after ? bn_image_partition(after, i) : NULL;
        if (!bn_image_has_replica(p, v->broker) || (still && bn_image_has_replica(still, v->broker))) continue;
        struct bn_image_change c = {before, p, removed ? BN_IMAGE_DELETED : BN_IMAGE_GONE};
        v->fn(v->arg, &c);
    }
}

static void tell_served(const struct visit *v, const struct bn_image_topic *before, struct bn_image_topic *after) {
    for (int32_t i = 0; i < after->partition_count; i++) {
        const struct bn_image_partition *p = &after->partitions[i];
        if (!bn_image_has_replica(p, v->broker)) continue;
        const struct bn_image_partition *was = before ? bn_image_partition(before, i) : NULL;
        if (was && bn_image_has_replica(was, v->broker) && same(was, p)) continue;
        struct bn_image_change c = {after, p, BN_IMAGE_SERVE};
        v->fn(v->arg, &c);
    }
}

void bn_image_diff(const struct bn_image *old, const struct bn_image *now, const Bn__ImageDelta *delta, int32_t broker,
                   bn_image_change_fn fn, void *arg) {
    const struct visit v = {broker, fn, arg};
    struct bn_map_entry *m;
    /* What goes comes first: a directory's name is free before a new topic of that name wants it. */
    for (size_t at = 0; old && (m = bn_map_next(&old->by_id, &at));) {
        struct bn_image_topic *before = m->value;
        const struct bn_image_topic *after = bn_image_topic_by_id(now, &before->id);
        if (before != after) tell_gone(&v, before, after, !after && is_removed(delta, before));
    }
    for (size_t at = 0; (m = bn_map_next(&now->by_id, &at));) {
        struct bn_image_topic *after = m->value;
        const struct bn_image_topic *before = old ? bn_image_topic_by_id(old, &after->id) : NULL;
        if (before != after) tell_served(&v, before, after);
    }
}
