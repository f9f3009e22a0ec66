/* offset_delete.c: OffsetDelete 0 (KIP-496): a group forgets what it has committed for some partitions. */
#include "broker/api/api.h"
#include "broker/api/groups.h"

struct deletion {
    struct bn_scatter scatter;
    struct bn_scatter_part part;
    struct bn_coordinator_commit commit;
    int16_t error; /* the group's */
    struct kmsg_offset_delete_response response;
};

static void deleted(struct bn_coordinator_commit *of) {
    bn_scatter_done(&BN_CONTAINER_OF(of, struct deletion, commit)->part);
}

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct deletion *d = BN_CONTAINER_OF(part, struct deletion, part);
    const struct kmsg_offset_delete_request *q = part->scatter->request->message;
    struct bn_coordinator *c = bn_groups_coordinator(part);
    const struct bn_group *g = NULL;
    (void)partition;
    d->error = c ? bn_coordinator_group(c, part->partition, q->group_id, &g) : KE_NOT_COORDINATOR;
    if (d->error == KE_NONE && !g) d->error = KE_GROUP_ID_NOT_FOUND;
    bool fits = g && (bn_group_state(g) == BN_GROUP_EMPTY || bn_slice_eq_str(bn_group_protocol_type(g), "consumer"));
    if (d->error == KE_NONE && !fits) d->error = KE_NON_EMPTY_GROUP;
    if (d->error == KE_NONE && d->commit.count > 0)
        bn_coordinator_delete(c, part->partition, q->group_id, &d->commit);
    else
        bn_scatter_done(part);
}

static void gather(struct bn_scatter *s) {
    struct deletion *d = BN_CONTAINER_OF(s, struct deletion, scatter);
    const struct bn_coordinator_commit_item *item = d->commit.items;
    d->response.error_code = d->error;
    if (d->error != KE_NONE) d->response.topics.n = 0;
    for (int32_t i = 0; i < d->response.topics.n; i++) {
        for (int32_t k = 0; k < d->response.topics.v[i].partitions.n; k++)
            d->response.topics.v[i].partitions.v[k].error_code = (item++)->error;
    }
    bn_request_reply(s->request, &d->response);
}

static bool prepare(struct bn_request *r, struct deletion *d) {
    const struct kmsg_offset_delete_request *q = r->message;
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    struct bn_coordinator_commit *m = &d->commit;
    for (int32_t i = 0; i < q->topics.n; i++) m->count += q->topics.v[i].partitions.n;
    m->items = bn_arena_array(&r->arena, (size_t)m->count + 1, sizeof *m->items);
    d->response.topics.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *d->response.topics.v);
    if (!m->items || !d->response.topics.v) return false;
    d->response.topics.n = q->topics.n;
    m->removes = true;
    m->done = deleted;
    struct bn_coordinator_commit_item *item = m->items;
    for (int32_t i = 0; i < q->topics.n; i++) {
        const struct kmsg_offset_delete_request_topic *t = &q->topics.v[i];
        struct kmsg_offset_delete_response_topic *out = &d->response.topics.v[i];
        const struct bn_image_topic *known = bn_image_topic(image, t->name);
        out->name = t->name;
        out->partitions.v = bn_arena_array(&r->arena, (size_t)t->partitions.n, sizeof *out->partitions.v);
        if (!out->partitions.v) return false;
        out->partitions.n = t->partitions.n;
        for (int32_t k = 0; k < t->partitions.n; k++, item++) {
            int32_t index = out->partitions.v[k].partition_index = t->partitions.v[k].partition_index;
            bool there = known && bn_image_partition(known, index);
            *item = (struct bn_coordinator_commit_item){
                .topic = t->name, .partition = index, .error = there ? KE_NONE : KE_UNKNOWN_TOPIC_OR_PARTITION};
        }
    }
    return true;
}

void bn_api_offset_delete(struct bn_request *r) {
    const struct kmsg_offset_delete_request *q = r->message;
    struct deletion *d = bn_arena_alloc(&r->arena, sizeof *d);
    if (d) d->response = kmsg_offset_delete_response_default;
    if (d && prepare(r, d)) {
        d->scatter = (struct bn_scatter){
            .request = r, .parts = &d->part, .part_size = sizeof d->part, .count = 1, .run = run, .gather = gather};
        d->error = q->group_id.len == 0 ? KE_INVALID_GROUP_ID : bn_groups_aim(r, &d->part, q->group_id);
        d->part.skip = d->error != KE_NONE;
        if (bn_scatter_run(&d->scatter)) return;
    }
    bn_request_close(r, "an OffsetDelete names more partitions than its size allows");
}
