/* describe_producers.c: DescribeProducers 0 (KIP-664): the producer ids that a replica's log remembers. Whoever has the
 * replica answers, leader or not. */
#include "broker/api/api.h"
#include "broker/api/scatter.h"
#include "broker/api/topic_name.h"
#include "broker/replica/survey.h"
#include "common/base/alloc.h"

struct producers_part {
    struct bn_scatter_part scatter; /* first: scatter.h */
    int16_t error;
    int count;
    struct bn_log_producer *list; /* owned until it is told */
    struct kmsg_describe_producers_response_partition *answer;
};

struct producers {
    struct bn_scatter scatter;
    struct kmsg_describe_producers_response response;
};

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct producers_part *p = BN_CONTAINER_OF(part, struct producers_part, scatter);
    p->error = partition ? bn_survey_producers(partition, &p->list, &p->count) : KE_NOT_LEADER_OR_FOLLOWER;
    bn_scatter_done(part);
}

/* The answer is sized by what our own logs remember, not by the request. */
static bool fill(struct bn_request *r, struct producers_part *p) {
    p->answer->error_code = p->error;
    if (p->error != KE_NONE || p->count == 0) return true;
    r->arena.budget_bytes += (size_t)p->count * sizeof *p->answer->active_producers.v + 64;
    p->answer->active_producers.v = bn_arena_array(&r->arena, (size_t)p->count, sizeof *p->answer->active_producers.v);
    if (!p->answer->active_producers.v) return false;
    p->answer->active_producers.n = p->count;
    for (int i = 0; i < p->count; i++) {
        const struct bn_log_producer *from = &p->list[i];
        p->answer->active_producers.v[i] = (struct kmsg_describe_producers_response_active_producer){
            .producer_id = from->id,
            .producer_epoch = from->epoch,
            .last_sequence = from->last_sequence,
            .last_timestamp = from->last_timestamp,
            .coordinator_epoch = from->coordinator_epoch,
            .current_txn_start_offset = from->txn_start_offset,
        };
    }
    return true;
}

static void gather(struct bn_scatter *s) {
    struct producers *d = BN_CONTAINER_OF(s, struct producers, scatter);
    struct producers_part *parts = s->parts;
    bool filled = true;
    for (int i = 0; i < s->count; i++) {
        filled = filled && fill(s->request, &parts[i]);
        bn_alloc_free(parts[i].list);
    }
    if (filled)
        bn_request_reply(s->request, &d->response);
    else
        bn_request_close(s->request, "no memory is left for the answer");
}

static void prepare_part(struct producers_part *p, const struct bn_image_topic *topic, int32_t partition) {
    *p->answer = kmsg_describe_producers_response_partition_default;
    p->answer->partition_index = p->scatter.partition = partition;
    if (topic) p->scatter.topic_id = topic->id;
    if (!topic || !bn_image_partition(topic, partition)) p->error = KE_UNKNOWN_TOPIC_OR_PARTITION;
    if (!topic) /* Kafka says it of topics only */
        p->answer->error_message = BN_SLICE_LIT("This server does not host this topic-partition.");
    p->scatter.skip = p->error != KE_NONE;
}

static bool prepare(struct bn_request *r, struct producers *d) {
    const struct kmsg_describe_producers_request *q = r->message;
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    for (int32_t i = 0; i < q->topics.n; i++) d->scatter.count += q->topics.v[i].partition_indexes.n;
    struct producers_part *parts = bn_arena_array(&r->arena, (size_t)d->scatter.count, sizeof *parts);
    d->scatter.parts = parts;
    d->response.topics.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *d->response.topics.v);
    if (!parts || !d->response.topics.v) return false;
    d->response.topics.n = q->topics.n;
    for (int32_t i = 0; i < q->topics.n; i++) {
        const struct kmsg_describe_producers_request_topic *t = &q->topics.v[i];
        struct kmsg_describe_producers_response_topic *out = &d->response.topics.v[i];
        out->name = t->name;
        const char *why = NULL;
        if (!bn_topic_name_good(t->name)) {
            char text[400];
            bn_topic_name_explain(t->name, text, sizeof text);
            why = bn_arena_copy(&r->arena, bn_slice_str(text));
            if (!why) return false;
        }
        out->partitions.n = t->partition_indexes.n;
        out->partitions.v = bn_arena_array(&r->arena, (size_t)out->partitions.n, sizeof *out->partitions.v);
        if (!out->partitions.v) return false;
        for (int32_t k = 0; k < out->partitions.n; k++, parts++) {
            parts->answer = &out->partitions.v[k];
            prepare_part(parts, bn_image_topic(image, t->name), t->partition_indexes.v[k]);
            if (why) {
                parts->error = KE_INVALID_TOPIC_EXCEPTION;
                parts->answer->error_message = bn_slice_str(why);
            }
        }
    }
    return true;
}

void bn_api_describe_producers(struct bn_request *r) {
    struct producers *d = bn_arena_alloc(&r->arena, sizeof *d);
    if (d) {
        d->response = kmsg_describe_producers_response_default;
        d->scatter = (struct bn_scatter){
            .request = r, .part_size = sizeof(struct producers_part), .run = run, .gather = gather};
        if (prepare(r, d) && bn_scatter_run(&d->scatter)) return;
    }
    bn_request_close(r, "a DescribeProducers names more partitions than its size allows");
}
