/* offset_commit.c: OffsetCommit 1-9: a group's offsets, kept like any acks=all record. What is wrong with one partition
 * does not keep the others from it. */
#include "broker/api/api.h"
#include "broker/api/groups.h"

struct commit {
    struct bn_scatter scatter;
    struct bn_scatter_part part;
    struct bn_coordinator_commit commit;
    struct kmsg_offset_commit_response response;
};

static void committed(struct bn_coordinator_commit *of) { /* the coordinator's shard */
    bn_scatter_done(&BN_CONTAINER_OF(of, struct commit, commit)->part);
}

static void refuse(struct bn_coordinator_commit *m, int16_t error) {
    for (int32_t i = 0; i < m->count; i++)
        if (m->items[i].error == KE_NONE) m->items[i].error = error;
}

static bool any_good(const struct bn_coordinator_commit *m) {
    for (int32_t i = 0; i < m->count; i++)
        if (m->items[i].error == KE_NONE) return true;
    return false;
}

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct commit *c = BN_CONTAINER_OF(part, struct commit, part);
    const struct kmsg_offset_commit_request *q = part->scatter->request->message;
    struct bn_coordinator *of = bn_groups_coordinator(part);
    (void)partition;
    if (of) {
        bn_coordinator_commit(of, part->partition, q->group_id, &c->commit);
        return;
    }
    refuse(&c->commit, KE_NOT_COORDINATOR);
    bn_scatter_done(part);
}

static void gather(struct bn_scatter *s) {
    struct commit *c = BN_CONTAINER_OF(s, struct commit, scatter);
    const struct bn_coordinator_commit_item *item = c->commit.items;
    for (int32_t i = 0; i < c->response.topics.n; i++) {
        for (int32_t k = 0; k < c->response.topics.v[i].partitions.n; k++)
            c->response.topics.v[i].partitions.v[k].error_code = (item++)->error;
    }
    bn_request_reply(s->request, &c->response);
}

static void prepare_item(const struct bn_request *r, struct bn_coordinator_commit_item *item, struct bn_slice name,
                         const struct kmsg_offset_commit_request_partition *in) {
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    const struct bn_image_topic *t = bn_image_topic(image, name);
    *item = (struct bn_coordinator_commit_item){
        .topic = name,
        .metadata = bn_groups_text(in->committed_metadata),
        .partition = in->partition_index,
        .leader_epoch = r->header.api_version >= 6 ? in->committed_leader_epoch : -1,
        .offset = in->committed_offset,
        .commit_ms = r->header.api_version == 1 ? in->commit_timestamp : -1,
        .error = t && bn_image_partition(t, in->partition_index) ? KE_NONE : KE_UNKNOWN_TOPIC_OR_PARTITION,
    };
}

static bool prepare(struct bn_request *r, struct commit *c) {
    const struct kmsg_offset_commit_request *q = r->message;
    struct bn_coordinator_commit *m = &c->commit;
    for (int32_t i = 0; i < q->topics.n; i++) m->count += q->topics.v[i].partitions.n;
    m->items = bn_arena_array(&r->arena, (size_t)m->count, sizeof *m->items);
    c->response.topics.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *c->response.topics.v);
    if (!m->items || !c->response.topics.v) return false;
    c->response.topics.n = q->topics.n;
    struct bn_coordinator_commit_item *item = m->items;
    for (int32_t i = 0; i < q->topics.n; i++) {
        const struct kmsg_offset_commit_request_topic *t = &q->topics.v[i];
        struct kmsg_offset_commit_response_topic *out = &c->response.topics.v[i];
        out->name = t->name;
        out->partitions.v = bn_arena_array(&r->arena, (size_t)t->partitions.n, sizeof *out->partitions.v);
        if (!out->partitions.v) return false;
        out->partitions.n = t->partitions.n;
        for (int32_t k = 0; k < t->partitions.n; k++) {
            out->partitions.v[k].partition_index = t->partitions.v[k].partition_index;
            prepare_item(r, item++, t->name, &t->partitions.v[k]);
        }
    }
    m->generation = q->generation_id_or_member_epoch;
    m->member_id = q->member_id;
    m->instance_id = r->header.api_version >= 7 ? q->group_instance_id : BN_SLICE_NULL;
    m->retention_ms = r->header.api_version >= 2 && r->header.api_version <= 4 ? q->retention_time_ms : -1;
    m->done = committed;
    return true;
}

void bn_api_offset_commit(struct bn_request *r) {
    const struct kmsg_offset_commit_request *q = r->message;
    struct commit *c = bn_arena_alloc(&r->arena, sizeof *c);
    if (c) c->response = kmsg_offset_commit_response_default;
    if (c && prepare(r, c)) {
        c->scatter = (struct bn_scatter){
            .request = r, .parts = &c->part, .part_size = sizeof c->part, .count = 1, .run = run, .gather = gather};
        int16_t error = bn_groups_aim(r, &c->part, q->group_id);
        c->part.skip = error != KE_NONE || !any_good(&c->commit); /* makes no group, as Kafka's */
        if (error != KE_NONE) refuse(&c->commit, error);
        if (bn_scatter_run(&c->scatter)) return;
    }
    bn_request_close(r, "an OffsetCommit names more partitions than its size allows");
}
