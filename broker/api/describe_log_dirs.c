/* describe_log_dirs.c: DescribeLogDirs 0-4 (KIP-113, KIP-827): the log directories of the asked broker, the replicas in
 * each, and how much room is left. Every shard tells of its own replicas; what is asked for and is not here is left
 * out, as Kafka does. */
#include "broker/api/api.h"
#include "broker/api/scatter.h"
#include "broker/replica/survey.h"

struct dirs_part {
    struct bn_scatter_part scatter; /* first: scatter.h */
    struct bn_slice topic;
    struct bn_survey_size size;
};

struct dirs {
    struct bn_scatter scatter;
    struct kmsg_describe_log_dirs_response response;
};

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct dirs_part *p = BN_CONTAINER_OF(part, struct dirs_part, scatter);
    if (partition) bn_survey_size(partition, &p->size);
    bn_scatter_done(part);
}

/* ---- the answer ---- */

static bool begins_topic(const struct dirs_part *p, const struct dirs_part *last) {
    return !last || !bn_slice_eq(p->topic, last->topic);
}

/* The parts of one topic lie side by side, so a directory's topics are its runs. */
static bool fill_topics(struct bn_scatter *s, int dir, struct kmsg_describe_log_dirs_response_result *out) {
    const struct dirs_part *parts = s->parts, *last = NULL;
    int32_t topics = 0, partitions = 0;
    for (int i = 0; i < s->count; i++) {
        if (parts[i].size.dir_index != dir) continue;
        topics += begins_topic(&parts[i], last);
        partitions++;
        last = &parts[i];
    }
    struct bn_arena *arena = &s->request->arena;
    struct kmsg_describe_log_dirs_response_partition *next = bn_arena_array(arena, (size_t)partitions, sizeof *next);
    out->topics.v = bn_arena_array(arena, (size_t)topics, sizeof *out->topics.v);
    if (!next || !out->topics.v) return false;
    last = NULL;
    struct kmsg_describe_log_dirs_response_topic *topic = NULL;
    for (int i = 0; i < s->count; i++) {
        const struct dirs_part *p = &parts[i];
        if (p->size.dir_index != dir) continue;
        if (begins_topic(p, last)) {
            topic = &out->topics.v[out->topics.n++];
            topic->name = p->topic;
            topic->partitions.v = next;
            topic->partitions.n = 0;
        }
        topic->partitions.n++;
        *next++ = (struct kmsg_describe_log_dirs_response_partition){
            .partition_index = p->scatter.partition, .partition_size = p->size.size_bytes, .offset_lag = p->size.lag};
        last = p;
    }
    return true;
}

static bool fill_dir(struct bn_scatter *s, int dir, struct kmsg_describe_log_dirs_response_result *out) {
    const struct bn_api_deps *deps = s->request->deps;
    *out = kmsg_describe_log_dirs_response_result_default;
    const char *path = bn_logdirs_path(deps->logdirs, dir);
    out->log_dir = bn_slice_str(path);
    if (!bn_logdirs_online(deps->logdirs, dir)) {
        out->error_code = KE_KAFKA_STORAGE_ERROR;
        return true;
    }
    int64_t total = -1, usable = -1;
    if (deps->env->disk->space(deps->env->disk, path, &total, &usable, NULL) == 0 &&
        s->request->header.api_version >= 4) {
        out->total_bytes = total;
        out->usable_bytes = usable;
    }
    return fill_topics(s, dir, out);
}

static void gather(struct bn_scatter *s) {
    struct dirs *d = BN_CONTAINER_OF(s, struct dirs, scatter);
    struct bn_request *r = s->request;
    int count = bn_logdirs_count(r->deps->logdirs);
    d->response.results.v = bn_arena_array(&r->arena, (size_t)count, sizeof *d->response.results.v);
    bool filled = d->response.results.v != NULL;
    for (int i = 0; filled && i < count; i++) filled = fill_dir(s, i, &d->response.results.v[d->response.results.n++]);
    if (filled)
        bn_request_reply(r, &d->response);
    else
        bn_request_close(r, "a DescribeLogDirs names more partitions than its size allows");
}

/* ---- what is asked ---- */

static void take_part(struct dirs *d, const struct bn_image_topic *t, struct bn_slice name, int32_t partition) {
    struct dirs_part *p = (struct dirs_part *)d->scatter.parts + d->scatter.count++;
    p->topic = name;
    p->size.dir_index = -1;
    p->scatter.partition = partition;
    p->scatter.skip = !t || !bn_image_partition(t, partition);
    if (t) p->scatter.topic_id = t->id;
}

static bool prepare_all(struct bn_request *r, struct dirs *d, const struct bn_image *image) {
    struct bn_map_entry *e;
    size_t count = 0, at = 0;
    while ((e = bn_map_next(&image->by_name, &at)) != NULL)
        count += (size_t)((struct bn_image_topic *)e->value)->partition_count;
    r->arena.budget_bytes = SIZE_MAX; /* what follows is sized by our own image */
    d->scatter.parts = bn_arena_array(&r->arena, count, sizeof(struct dirs_part));
    if (!d->scatter.parts) return false;
    for (at = 0; (e = bn_map_next(&image->by_name, &at)) != NULL;) {
        const struct bn_image_topic *t = e->value;
        for (int32_t i = 0; i < t->partition_count; i++) {
            if (bn_image_has_replica(&t->partitions[i], r->deps->broker_id)) take_part(d, t, bn_slice_str(t->name), i);
        }
    }
    return true;
}

static bool prepare_asked(struct bn_request *r, struct dirs *d, const struct bn_image *image) {
    const struct kmsg_describe_log_dirs_request *q = r->message;
    size_t count = 0;
    for (int32_t i = 0; i < q->topics.n; i++) count += (size_t)q->topics.v[i].partitions.n;
    d->scatter.parts = bn_arena_array(&r->arena, count, sizeof(struct dirs_part));
    if (!d->scatter.parts) return false;
    for (int32_t i = 0; i < q->topics.n; i++) {
        const struct kmsg_describe_log_dirs_request_topic *t = &q->topics.v[i];
        const struct bn_image_topic *known = bn_image_topic(image, t->topic);
        for (int32_t k = 0; k < t->partitions.n; k++) take_part(d, known, t->topic, t->partitions.v[k]);
    }
    return true;
}

void bn_api_describe_log_dirs(struct bn_request *r) {
    const struct kmsg_describe_log_dirs_request *q = r->message;
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    struct dirs *d = bn_arena_alloc(&r->arena, sizeof *d);
    if (d) {
        d->response = kmsg_describe_log_dirs_response_default;
        d->scatter = (struct bn_scatter){
            .request = r, .part_size = sizeof(struct dirs_part), .run = run, .gather = gather};
        bool prepared = q->topics.n < 0 ? prepare_all(r, d, image) : prepare_asked(r, d, image);
        if (prepared && bn_scatter_run(&d->scatter)) return;
    }
    bn_request_close(r, "a DescribeLogDirs names more partitions than its size allows");
}
