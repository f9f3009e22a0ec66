/* produce.c: Produce 0-11. Each partition's batches go, as they lie in the received frame, to the shard that owns the
 * partition; when every partition has answered (acks=all: the high watermark has passed), the answer goes out. Nothing
 * here works per record.
 */
#include "broker/api/api.h"
#include "broker/api/scatter.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/batch.h"

struct produce_part {
    struct bn_scatter_part scatter; /* first: scatter.h */
    struct bn_partition_append append;
    struct kmsg_produce_response_partition *answer;
};

struct produce {
    struct bn_scatter scatter;
    struct kmsg_produce_response response;
};

static bool is_internal(struct bn_slice topic) {
    return bn_slice_eq_str(topic, "__consumer_offsets") || bn_slice_eq_str(topic, "__transaction_state");
}

/* zstd came with Produce 7 (KIP-110): older requests must not carry it. */
static bool codec_too_new(const struct bn_request *r, struct bn_slice records) {
    struct bn_batch batch;
    return r->header.api_version < 7 && bn_batch_peek(records, &batch) == BN_OK &&
           bn_batch_codec(&batch) == BN_CODEC_ZSTD;
}

/* What can be told without the partition; KE_NONE = ask it. */
static int16_t check(const struct bn_request *r, const struct kmsg_produce_request *q, struct bn_slice name,
                     const struct bn_image_topic *topic, const struct kmsg_produce_request_partition *p) {
    if (q->acks < -1 || q->acks > 1) return KE_INVALID_REQUIRED_ACKS;
    if (is_internal(name) && !bn_slice_eq_str(r->header.client_id, "__admin_client")) return KE_INVALID_TOPIC_EXCEPTION;
    if (!topic || !bn_image_partition(topic, p->index)) return KE_UNKNOWN_TOPIC_OR_PARTITION;
    if (codec_too_new(r, p->records.slice)) return KE_UNSUPPORTED_COMPRESSION_TYPE;
    return KE_NONE;
}

static void append_done(struct bn_partition_append *a) {
    bn_scatter_done(&BN_CONTAINER_OF(a, struct produce_part, append)->scatter);
}

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct produce_part *p = BN_CONTAINER_OF(part, struct produce_part, scatter);
    if (partition) {
        bn_partition_append(partition, &p->append);
        return;
    }
    p->append.log.error = KE_NOT_LEADER_OR_FOLLOWER;
    bn_scatter_done(part);
}

/* KIP-951: whoever asked the wrong broker is told the right one. */
static void tell_leader(const struct bn_request *r, struct produce_part *p) {
    struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    struct bn_image_topic *topic = bn_image_topic_by_id(image, &p->scatter.topic_id);
    const struct bn_image_partition *state = topic ? bn_image_partition(topic, p->scatter.partition) : NULL;
    if (!state || r->header.api_version < 10) return;
    p->answer->current_leader.leader_id = state->leader;
    p->answer->current_leader.leader_epoch = state->leader_epoch;
}

/* KIP-467: the client can tell its caller which records were wrong, and send the others again. */
static void tell_bad_records(struct bn_request *r, struct produce_part *p) {
    const struct bn_log_append *log = &p->append.log;
    if (log->bad_count == 0 || r->header.api_version < 8) return;
    p->answer->record_errors.v = bn_arena_array(&r->arena, (size_t)log->bad_count, sizeof *p->answer->record_errors.v);
    if (!p->answer->record_errors.v) return;
    for (int32_t i = 0; i < log->bad_count; i++) {
        const char *text = bn_arena_copy(&r->arena, bn_slice_str(log->bad[i].message));
        if (!text) return;
        p->answer->record_errors.v[i].batch_index = log->bad[i].index;
        p->answer->record_errors.v[i].batch_index_error_message = bn_slice_str(text);
        p->answer->record_errors.n = i + 1;
    }
}

static void fill(struct bn_request *r, struct produce_part *p) {
    const struct bn_log_append *log = &p->append.log;
    p->answer->error_code = log->error;
    if (log->error == KE_NONE) {
        p->answer->base_offset = log->base_offset;
        p->answer->log_append_time_ms = log->append_time_ms;
        p->answer->log_start_offset = p->append.log_start_offset;
        return;
    }
    p->answer->base_offset = p->answer->log_append_time_ms = p->answer->log_start_offset = -1;
    if (log->message[0] && r->header.api_version >= 8) p->answer->error_message = bn_slice_str(log->message);
    if (log->error == KE_KAFKA_STORAGE_ERROR && r->header.api_version < 4)
        p->answer->error_code = KE_NOT_LEADER_OR_FOLLOWER;
    if (log->error == KE_NOT_LEADER_OR_FOLLOWER) tell_leader(r, p);
    tell_bad_records(r, p);
    bn_alloc_free(p->append.log.bad);
}

static void gather(struct bn_scatter *s) {
    struct produce *produce = BN_CONTAINER_OF(s, struct produce, scatter);
    struct bn_request *r = s->request;
    const struct kmsg_produce_request *q = r->message;
    struct produce_part *parts = s->parts;
    bool failed = false;
    for (int i = 0; i < s->count; i++) {
        fill(r, &parts[i]);
        failed = failed || parts[i].append.log.error != KE_NONE;
    }
    if (q->acks == 0 && failed)
        bn_request_close(r, "a Produce with acks=0 failed: closing is the only way to tell");
    else if (q->acks == 0)
        bn_request_done(r);
    else
        bn_request_reply(r, &produce->response);
}

static void prepare_part(struct bn_request *r, struct produce_part *p, const struct kmsg_produce_request_topic *t,
                         const struct kmsg_produce_request_partition *in, int64_t now_ms) {
    const struct kmsg_produce_request *q = r->message;
    struct bn_image_topic *topic = bn_image_topic(r->deps->image(r->deps->arg, r->shard), t->name);
    p->answer->index = in->index;
    p->scatter.partition = in->index;
    if (topic) p->scatter.topic_id = topic->id;
    p->append.log.error = check(r, q, t->name, topic, in);
    p->scatter.skip = p->append.log.error != KE_NONE;
    /* The frame is this request's alone, and the log patches offsets where the bytes lie. */
    p->append.log.bytes = (uint8_t *)(uintptr_t)in->records.slice.ptr;
    p->append.log.len = in->records.slice.len;
    p->append.log.legacy = r->header.api_version < 3;
    p->append.log.now_ms = now_ms;
    p->append.acks = q->acks;
    p->append.timeout_ms = q->timeout_ms;
    p->append.done = append_done;
}

/* Lays out the answer and one part per partition; false when the arena refuses. */
static bool prepare(struct bn_request *r, struct produce *produce) {
    const struct kmsg_produce_request *q = r->message;
    struct bn_scatter *s = &produce->scatter;
    for (int32_t i = 0; i < q->topic_data.n; i++) s->count += q->topic_data.v[i].partition_data.n;
    struct produce_part *parts = s->parts = bn_arena_array(&r->arena, (size_t)s->count, sizeof *parts);
    produce->response.responses.v = bn_arena_array(&r->arena, (size_t)q->topic_data.n,
                                                   sizeof *produce->response.responses.v);
    if (!parts || !produce->response.responses.v) return false;
    produce->response.responses.n = q->topic_data.n;
    int64_t now_ms = bn_clock_wall_ms(r->deps->env->clock);
    for (int32_t i = 0; i < q->topic_data.n; i++) {
        const struct kmsg_produce_request_topic *t = &q->topic_data.v[i];
        struct kmsg_produce_response_topic *out = &produce->response.responses.v[i];
        out->name = t->name;
        out->partition_responses.n = t->partition_data.n;
        out->partition_responses.v = bn_arena_array(&r->arena, (size_t)t->partition_data.n,
                                                    sizeof *out->partition_responses.v);
        if (!out->partition_responses.v) return false;
        for (int32_t k = 0; k < t->partition_data.n; k++, parts++) {
            parts->answer = &out->partition_responses.v[k];
            bn_codec_defaults(&kmsg_produce_response_partition_desc, parts->answer);
            prepare_part(r, parts, t, &t->partition_data.v[k], now_ms);
        }
    }
    return true;
}

void bn_api_produce(struct bn_request *r) {
    struct produce *produce = bn_arena_alloc(&r->arena, sizeof *produce);
    if (produce) {
        bn_codec_defaults(&kmsg_produce_response_desc, &produce->response);
        produce->scatter = (struct bn_scatter){
            .request = r, .part_size = sizeof(struct produce_part), .run = run, .gather = gather};
        if (prepare(r, produce) && bn_scatter_run(&produce->scatter)) return;
    }
    bn_request_close(r, "a Produce names more partitions than its size allows");
}
