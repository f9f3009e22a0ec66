/* delete_records.c: DeleteRecords 0-2 (KIP-107): raises the start of partitions' logs at their leaders, and answers
 * when every live replica has followed, or the request's time is up. */
#include "broker/api/api.h"
#include "broker/api/scatter.h"
#include "broker/api/topic_name.h"

struct trim_part {
    struct bn_scatter_part scatter; /* first: scatter.h */
    struct bn_partition_trim trim;
    struct kmsg_delete_records_response_partition *answer;
};

struct trims {
    struct bn_scatter scatter;
    struct kmsg_delete_records_response response;
};

static void trimmed(struct bn_partition_trim *t) {
    bn_scatter_done(&BN_CONTAINER_OF(t, struct trim_part, trim)->scatter);
}

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct trim_part *p = BN_CONTAINER_OF(part, struct trim_part, scatter);
    if (partition) {
        bn_partition_trim(partition, &p->trim);
        return;
    }
    p->trim.error = KE_NOT_LEADER_OR_FOLLOWER;
    bn_scatter_done(part);
}

static void gather(struct bn_scatter *s) {
    struct trims *d = BN_CONTAINER_OF(s, struct trims, scatter);
    const struct trim_part *parts = s->parts;
    for (int i = 0; i < s->count; i++) {
        parts[i].answer->error_code = parts[i].trim.error;
        parts[i].answer->low_watermark = parts[i].trim.low_watermark;
    }
    bn_request_reply(s->request, &d->response);
}

static void prepare_part(struct trim_part *p, struct bn_slice name, const struct bn_image_topic *topic,
                         const struct kmsg_delete_records_request_partition *in, int32_t timeout_ms) {
    p->answer->partition_index = p->scatter.partition = in->partition_index;
    p->trim = (struct bn_partition_trim){
        .offset = in->offset, .timeout_ms = timeout_ms, .low_watermark = -1, .done = trimmed};
    if (topic) p->scatter.topic_id = topic->id;
    if (!topic || !bn_image_partition(topic, in->partition_index))
        p->trim.error = KE_UNKNOWN_TOPIC_OR_PARTITION;
    else if (bn_topic_name_internal(name))
        p->trim.error = KE_INVALID_TOPIC_EXCEPTION;
    p->scatter.skip = p->trim.error != KE_NONE;
}

static bool prepare(struct bn_request *r, struct trims *d) {
    const struct kmsg_delete_records_request *q = r->message;
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    for (int32_t i = 0; i < q->topics.n; i++) d->scatter.count += q->topics.v[i].partitions.n;
    struct trim_part *parts = bn_arena_array(&r->arena, (size_t)d->scatter.count, sizeof *parts);
    d->scatter.parts = parts;
    d->response.topics.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *d->response.topics.v);
    if (!parts || !d->response.topics.v) return false;
    d->response.topics.n = q->topics.n;
    for (int32_t i = 0; i < q->topics.n; i++) {
        const struct kmsg_delete_records_request_topic *t = &q->topics.v[i];
        struct kmsg_delete_records_response_topic *out = &d->response.topics.v[i];
        out->name = t->name;
        out->partitions.n = t->partitions.n;
        out->partitions.v = bn_arena_array(&r->arena, (size_t)t->partitions.n, sizeof *out->partitions.v);
        if (!out->partitions.v) return false;
        for (int32_t k = 0; k < t->partitions.n; k++, parts++) {
            parts->answer = &out->partitions.v[k];
            prepare_part(parts, t->name, bn_image_topic(image, t->name), &t->partitions.v[k], q->timeout_ms);
        }
    }
    return true;
}

void bn_api_delete_records(struct bn_request *r) {
    struct trims *d = bn_arena_alloc(&r->arena, sizeof *d);
    if (d) {
        d->response = kmsg_delete_records_response_default;
        d->scatter = (struct bn_scatter){
            .request = r, .part_size = sizeof(struct trim_part), .run = run, .gather = gather};
        if (prepare(r, d) && bn_scatter_run(&d->scatter)) return;
    }
    bn_request_close(r, "a DeleteRecords names more partitions than its size allows");
}
