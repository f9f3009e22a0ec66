/* list_partition_reassignments.c: ListPartitionReassignments 0 (KIP-455): the partitions whose replicas are being
 * moved, as the controller has told this broker: what stands in the topics' znodes, whoever began it. As with Kafka,
 * what is asked for and is not being moved, or is not there, is left out. */
#include "broker/api/api.h"

static bool is_moving(const struct bn_image_partition *p) {
    return p && (p->adding_count > 0 || p->removing_count > 0);
}

/* Those of `asked`, or all. False: the arena's budget is used up. */
static bool add_topic(struct bn_request *r, const struct bn_image_topic *t,
                      const struct kmsg_list_partition_reassignments_request_topic *asked,
                      struct kmsg_list_partition_reassignments_response *response) {
    struct kmsg_list_partition_reassignments_response_topic *out = &response->topics.v[response->topics.n];
    int32_t count = asked ? asked->partition_indexes.n : t->partition_count, moving = 0;
    for (int32_t i = 0; i < count; i++)
        moving += is_moving(bn_image_partition(t, asked ? asked->partition_indexes.v[i] : i));
    if (moving == 0) return true;
    *out = kmsg_list_partition_reassignments_response_topic_default;
    out->name = bn_slice_str(t->name);
    out->partitions.v = bn_arena_array(&r->arena, (size_t)moving, sizeof *out->partitions.v);
    if (!out->partitions.v) return false;
    for (int32_t i = 0; i < count; i++) {
        const struct bn_image_partition *p = bn_image_partition(t, asked ? asked->partition_indexes.v[i] : i);
        if (!is_moving(p)) continue;
        out->partitions.v[out->partitions.n++] = (struct kmsg_list_partition_reassignments_response_partition){
            .partition_index = p->index,
            .replicas = {p->replicas, p->replica_count},
            .adding_replicas = {p->adding, p->adding_count},
            .removing_replicas = {p->removing, p->removing_count}};
    }
    response->topics.n++;
    return true;
}

static bool add_all(struct bn_request *r, const struct bn_image *image,
                    struct kmsg_list_partition_reassignments_response *response) {
    struct bn_map_entry *e;
    size_t at = 0;
    bool fits = true;
    r->arena.budget_bytes = SIZE_MAX; /* what follows is sized by our own image */
    response->topics.v = bn_arena_array(&r->arena, image->by_name.count, sizeof *response->topics.v);
    if (!response->topics.v) return false;
    while (fits && (e = bn_map_next(&image->by_name, &at)) != NULL) fits = add_topic(r, e->value, NULL, response);
    return fits;
}

static bool add_asked(struct bn_request *r, const struct bn_image *image,
                      struct kmsg_list_partition_reassignments_response *response) {
    const struct kmsg_list_partition_reassignments_request *q = r->message;
    bool fits = true;
    response->topics.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *response->topics.v);
    if (!response->topics.v) return false;
    for (int32_t i = 0; fits && i < q->topics.n; i++) {
        const struct bn_image_topic *t = bn_image_topic(image, q->topics.v[i].name);
        if (t) fits = add_topic(r, t, &q->topics.v[i], response);
    }
    return fits;
}

void bn_api_list_partition_reassignments(struct bn_request *r) {
    const struct kmsg_list_partition_reassignments_request *q = r->message;
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    struct kmsg_list_partition_reassignments_response response = kmsg_list_partition_reassignments_response_default;
    if (q->topics.n < 0 ? add_all(r, image, &response) : add_asked(r, image, &response))
        bn_request_reply(r, &response);
    else
        bn_request_close(r, "a ListPartitionReassignments names more partitions than its size allows");
}
