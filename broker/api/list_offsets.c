/* list_offsets.c: ListOffsets 1-9: by time, and the special times -1 latest, -2 earliest, -3 of the largest timestamp
 * (7+, KIP-734), -4 earliest local (8+), -5 latest tiered (9+). A partition that is asked for twice is refused, as
 * Kafka does: a search by time costs more than the question.
 */
#include <stdlib.h>

#include "broker/api/api.h"
#include "broker/api/scatter.h"

struct offsets_part {
    struct bn_scatter_part scatter; /* first: scatter.h */
    struct bn_partition_offsets query;
    struct kmsg_list_offsets_response_partition *answer;
    struct bn_slice topic;
};

struct offsets {
    struct bn_scatter scatter;
    struct kmsg_list_offsets_response response;
};

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct offsets_part *p = BN_CONTAINER_OF(part, struct offsets_part, scatter);
    if (partition)
        bn_partition_offsets(partition, &p->query);
    else
        p->query.error = KE_NOT_LEADER_OR_FOLLOWER;
    bn_scatter_done(part);
}

static void gather(struct bn_scatter *s) {
    struct offsets *o = BN_CONTAINER_OF(s, struct offsets, scatter);
    struct offsets_part *parts = s->parts;
    for (int i = 0; i < s->count; i++) {
        struct offsets_part *p = &parts[i];
        p->answer->error_code = p->query.error;
        /* Clients before KIP-207 know only this one as a reason to ask again. */
        if (p->query.error == KE_OFFSET_NOT_AVAILABLE && s->request->header.api_version < 5)
            p->answer->error_code = KE_LEADER_NOT_AVAILABLE;
        if (p->query.error != KE_NONE) continue;
        p->answer->offset = p->query.found.offset;
        p->answer->timestamp = p->query.found.timestamp;
        if (s->request->header.api_version >= 4) p->answer->leader_epoch = p->query.found.leader_epoch;
    }
    bn_request_reply(s->request, &o->response);
}

/* Special times came one by one; older versions must not ask for them. */
static bool time_too_new(int64_t timestamp, int version) {
    return timestamp < -5 || (timestamp == -3 && version < 7) || (timestamp == -4 && version < 8) ||
           (timestamp == -5 && version < 9);
}

static void prepare_part(struct bn_request *r, struct offsets_part *p, const struct bn_image_topic *topic,
                         const struct kmsg_list_offsets_request_partition *in) {
    const struct kmsg_list_offsets_request *q = r->message;
    p->answer->partition_index = in->partition_index;
    p->scatter.partition = in->partition_index;
    p->query.timestamp = in->timestamp;
    p->query.current_leader_epoch = in->current_leader_epoch;
    p->query.replica_id = q->replica_id;
    p->query.read_committed = q->isolation_level == 1;
    if (topic) p->scatter.topic_id = topic->id;
    if (!topic || !bn_image_partition(topic, in->partition_index))
        p->query.error = KE_UNKNOWN_TOPIC_OR_PARTITION;
    else if (time_too_new(in->timestamp, r->header.api_version))
        p->query.error = KE_UNSUPPORTED_VERSION;
    p->scatter.skip = p->query.error != KE_NONE;
}

static int by_place(const void *a, const void *b) {
    const struct offsets_part *x = *(struct offsets_part *const *)a, *y = *(struct offsets_part *const *)b;
    return bn_slice_cmp_place(x->topic, x->scatter.partition, y->topic, y->scatter.partition);
}

static bool refuse_repeated(struct bn_request *r, struct offsets_part *parts, int count) {
    struct offsets_part **sorted = bn_arena_array(&r->arena, (size_t)count, sizeof(*sorted));
    if (!sorted) return false;
    for (int i = 0; i < count; i++) sorted[i] = &parts[i];
    if (count) qsort(sorted, (size_t)count, sizeof(*sorted), by_place);
    for (int i = 1; i < count; i++) {
        if (by_place(&sorted[i - 1], &sorted[i]) != 0) continue;
        sorted[i - 1]->query.error = sorted[i]->query.error = KE_INVALID_REQUEST;
        sorted[i - 1]->scatter.skip = sorted[i]->scatter.skip = true;
    }
    return true;
}

static bool prepare(struct bn_request *r, struct offsets *o) {
    const struct kmsg_list_offsets_request *q = r->message;
    for (int32_t i = 0; i < q->topics.n; i++) o->scatter.count += q->topics.v[i].partitions.n;
    struct offsets_part *parts = o->scatter.parts = bn_arena_array(&r->arena, (size_t)o->scatter.count, sizeof *parts);
    o->response.topics.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *o->response.topics.v);
    if (!parts || !o->response.topics.v) return false;
    o->response.topics.n = q->topics.n;
    struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    for (int32_t i = 0; i < q->topics.n; i++) {
        const struct kmsg_list_offsets_request_topic *t = &q->topics.v[i];
        struct kmsg_list_offsets_response_topic *out = &o->response.topics.v[i];
        const struct bn_image_topic *topic = bn_image_topic(image, t->name);
        out->name = t->name;
        out->partitions.n = t->partitions.n;
        out->partitions.v = bn_arena_array(&r->arena, (size_t)t->partitions.n, sizeof *out->partitions.v);
        if (!out->partitions.v) return false;
        for (int32_t k = 0; k < t->partitions.n; k++, parts++) {
            parts->answer = &out->partitions.v[k];
            bn_codec_defaults(&kmsg_list_offsets_response_partition_desc, parts->answer);
            parts->topic = t->name;
            prepare_part(r, parts, topic, &t->partitions.v[k]);
        }
    }
    return refuse_repeated(r, o->scatter.parts, o->scatter.count);
}

void bn_api_list_offsets(struct bn_request *r) {
    struct offsets *o = bn_arena_alloc(&r->arena, sizeof *o);
    if (o) {
        bn_codec_defaults(&kmsg_list_offsets_response_desc, &o->response);
        o->scatter = (struct bn_scatter){
            .request = r, .part_size = sizeof(struct offsets_part), .run = run, .gather = gather};
        if (prepare(r, o) && bn_scatter_run(&o->scatter)) return;
    }
    bn_request_close(r, "a ListOffsets names more partitions than its size allows");
}
