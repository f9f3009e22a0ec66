/* offset_for_leader_epoch.c: OffsetForLeaderEpoch 2-4 (KIP-101, KIP-279, KIP-320): where an epoch ends here. A follower
 * learns from it to where its log is this one's, a consumer whether records it has read were taken back.
 *
 * Only the leader answers. An epoch it knows nothing of is no error: epoch and offset are -1 then. */
#include "broker/api/api.h"
#include "broker/api/scatter.h"

struct epoch_part {
    struct bn_scatter_part scatter; /* first: scatter.h */
    struct bn_partition_epoch_end query;
    struct kmsg_offset_for_leader_epoch_response_partition *answer;
};

struct epochs {
    struct bn_scatter scatter;
    struct kmsg_offset_for_leader_epoch_response response;
};

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct epoch_part *p = BN_CONTAINER_OF(part, struct epoch_part, scatter);
    if (partition)
        bn_partition_epoch_end(partition, &p->query);
    else
        p->query.error = KE_NOT_LEADER_OR_FOLLOWER;
    bn_scatter_done(part);
}

static void gather(struct bn_scatter *s) {
    struct epochs *e = BN_CONTAINER_OF(s, struct epochs, scatter);
    struct epoch_part *parts = s->parts;
    for (int i = 0; i < s->count; i++) {
        struct epoch_part *p = &parts[i];
        p->answer->error_code = p->query.error;
        if (p->query.error != KE_NONE) continue;
        p->answer->leader_epoch = p->query.found_epoch;
        p->answer->end_offset = p->query.end_offset;
    }
    bn_request_reply(s->request, &e->response);
}

static void prepare_part(struct epoch_part *p, const struct bn_image_topic *topic,
                         const struct kmsg_offset_for_leader_epoch_request_partition *in) {
    p->answer->partition = in->partition;
    p->scatter.partition = in->partition;
    p->query.current_leader_epoch = in->current_leader_epoch;
    p->query.epoch = in->leader_epoch;
    if (topic) p->scatter.topic_id = topic->id;
    if (!topic || !bn_image_partition(topic, in->partition)) p->query.error = KE_UNKNOWN_TOPIC_OR_PARTITION;
    p->scatter.skip = p->query.error != KE_NONE;
}

static bool prepare(struct bn_request *r, struct epochs *e) {
    const struct kmsg_offset_for_leader_epoch_request *q = r->message;
    for (int32_t i = 0; i < q->topics.n; i++) e->scatter.count += q->topics.v[i].partitions.n;
    struct epoch_part *parts = e->scatter.parts = bn_arena_array(&r->arena, (size_t)e->scatter.count, sizeof *parts);
    e->response.topics.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *e->response.topics.v);
    if (!parts || !e->response.topics.v) return false;
    e->response.topics.n = q->topics.n;
    struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    for (int32_t i = 0; i < q->topics.n; i++) {
        const struct kmsg_offset_for_leader_epoch_request_topic *t = &q->topics.v[i];
        struct kmsg_offset_for_leader_epoch_response_topic *out = &e->response.topics.v[i];
        const struct bn_image_topic *topic = bn_image_topic(image, t->topic);
        out->topic = t->topic;
        out->partitions.n = t->partitions.n;
        out->partitions.v = bn_arena_array(&r->arena, (size_t)t->partitions.n, sizeof *out->partitions.v);
        if (!out->partitions.v) return false;
        for (int32_t k = 0; k < t->partitions.n; k++, parts++) {
            parts->answer = &out->partitions.v[k];
            bn_codec_defaults(&kmsg_offset_for_leader_epoch_response_partition_desc, parts->answer);
            prepare_part(parts, topic, &t->partitions.v[k]);
        }
    }
    return true;
}

void bn_api_offset_for_leader_epoch(struct bn_request *r) {
    struct epochs *e = bn_arena_alloc(&r->arena, sizeof *e);
    if (e) {
        bn_codec_defaults(&kmsg_offset_for_leader_epoch_response_desc, &e->response);
        e->scatter = (struct bn_scatter){
            .request = r, .part_size = sizeof(struct epoch_part), .run = run, .gather = gather};
        if (prepare(r, e) && bn_scatter_run(&e->scatter)) return;
    }
    bn_request_close(r, "an OffsetForLeaderEpoch names more partitions than its size allows");
}
