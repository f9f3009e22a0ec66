/* describe_topic_partitions.c: DescribeTopicPartitions 0 (KIP-966): topics in the order of their names, page by page.
 *
 * A page holds at most as many partitions as the client says and max.request.partition.size.limit allows; the cursor of
 * its answer is where the next one begins. No topics named = all. The replicas that may be elected without being in
 * sync (ELR) are the controller's business and not told here: both lists are empty, as they are with Kafka while
 * eligible.leader.replicas.enable is off. Null would be truer, but Kafka 3.9's client dies of it. */
#include <stdlib.h>

#include "broker/api/api.h"
#include "broker/api/operations.h"
#include "broker/api/topic_name.h"
#include "common/conf/conf.h"

struct page {
    struct bn_request *r;
    const struct bn_image *image;
    struct kmsg_describe_topic_partitions_response response;
    int32_t left; /* partitions that still fit */
    bool full;
};

/* ---- one topic ---- */

static bool reachable(const struct page *a, int32_t broker) {
    const struct bn_image_broker *b = bn_image_broker(a->image, broker);
    return b && bn_image_endpoint(b, a->r->listener);
}

static bool fill_partition(struct page *a, const struct bn_image_partition *p,
                           struct kmsg_describe_topic_partitions_response_partition *out) {
    *out = kmsg_describe_topic_partitions_response_partition_default;
    out->partition_index = p->index;
    out->leader_id = reachable(a, p->leader) ? p->leader : -1;
    out->leader_epoch = p->leader_epoch;
    out->replica_nodes.v = p->replicas; /* the image outlives the encoding */
    out->replica_nodes.n = p->replica_count;
    out->isr_nodes.v = p->isr;
    out->isr_nodes.n = p->isr_count;
    out->eligible_leader_replicas.n = out->last_known_elr.n = 0;
    out->offline_replicas.v = bn_arena_array(&a->r->arena, (size_t)p->replica_count, sizeof(int32_t));
    if (!out->offline_replicas.v) return false;
    for (int i = 0; i < p->replica_count; i++) {
        if (!reachable(a, p->replicas[i])) out->offline_replicas.v[out->offline_replicas.n++] = p->replicas[i];
    }
    return true;
}

static bool stop_at(struct page *a, struct bn_slice name, int32_t partition) {
    a->full = true;
    a->response.next_cursor = bn_arena_alloc(&a->r->arena, sizeof *a->response.next_cursor);
    if (!a->response.next_cursor) return false;
    *a->response.next_cursor = (struct kmsg_describe_topic_partitions_response_next_cursor){name, partition};
    return true;
}

static struct kmsg_describe_topic_partitions_response_topic *next_topic(struct page *a, struct bn_slice name) {
    struct kmsg_describe_topic_partitions_response_topic *out = &a->response.topics.v[a->response.topics.n++];
    *out = kmsg_describe_topic_partitions_response_topic_default;
    out->name = name;
    out->is_internal = bn_topic_name_internal(name);
    return out;
}

static bool add_topic(struct page *a, const struct bn_image_topic *t, int32_t first) {
    struct kmsg_describe_topic_partitions_response_topic *out = next_topic(a, bn_slice_str(t->name));
    out->topic_id = t->id;
    out->topic_authorized_operations = BN_OPERATIONS_TOPIC;
    int32_t end = t->partition_count - first <= a->left ? t->partition_count : first + a->left;
    size_t count = end > first ? (size_t)(end - first) : 0;
    out->partitions.v = bn_arena_array(&a->r->arena, count, sizeof *out->partitions.v);
    if (!out->partitions.v) return false;
    for (int32_t i = first; i < end; i++) {
        if (!fill_partition(a, &t->partitions[i], &out->partitions.v[out->partitions.n++])) return false;
    }
    a->left -= (int32_t)count;
    return end >= t->partition_count || stop_at(a, out->name, end);
}

/* ---- a page ---- */

static int by_name(const void *a, const void *b) {
    return bn_slice_cmp(*(const struct bn_slice *)a, *(const struct bn_slice *)b);
}

/* The names asked for, or all there are, in order and each once. */
static struct bn_slice *names_of(struct page *a, size_t *count) {
    const struct kmsg_describe_topic_partitions_request *q = a->r->message;
    size_t n = q->topics.n > 0 ? (size_t)q->topics.n : a->image->by_name.count, kept = 0, at = 0;
    struct bn_slice *names = bn_arena_array(&a->r->arena, n, sizeof *names);
    if (!names) return NULL;
    struct bn_map_entry *e;
    if (q->topics.n > 0) {
        for (size_t i = 0; i < n; i++) names[i] = q->topics.v[i].name;
    } else {
        for (size_t i = 0; (e = bn_map_next(&a->image->by_name, &at)) != NULL; i++)
            names[i] = bn_slice_str(((const struct bn_image_topic *)e->value)->name);
    }
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !bn_slice_eq(names[kept - 1], names[i])) names[kept++] = names[i];
    }
    *count = kept;
    return names;
}

static bool fill(struct page *a) {
    const struct kmsg_describe_topic_partitions_request *q = a->r->message;
    size_t count = 0;
    struct bn_slice *names = names_of(a, &count);
    if (!names) return false;
    a->response.topics.v = bn_arena_array(&a->r->arena, count, sizeof *a->response.topics.v);
    if (!a->response.topics.v) return false;
    for (size_t i = 0; i < count && !a->full; i++) {
        int order = q->cursor ? bn_slice_cmp(names[i], q->cursor->topic_name) : 1;
        if (order < 0) continue;
        const struct bn_image_topic *t = bn_image_topic(a->image, names[i]);
        bool added = true;
        if (a->left == 0)
            added = stop_at(a, names[i], 0);
        else if (t)
            added = add_topic(a, t, order == 0 ? q->cursor->partition_index : 0);
        else
            next_topic(a, names[i])->error_code = bn_topic_name_good(names[i]) ? KE_UNKNOWN_TOPIC_OR_PARTITION
                                                                               : KE_INVALID_TOPIC_EXCEPTION;
        if (!added) return false;
    }
    return true;
}

/* A cursor that points nowhere: there is no other place for an error than each topic. */
static bool refuse(struct page *a) {
    const struct kmsg_describe_topic_partitions_request *q = a->r->message;
    a->response.topics.v = bn_arena_array(&a->r->arena, (size_t)q->topics.n, sizeof *a->response.topics.v);
    if (!a->response.topics.v) return false;
    for (int32_t i = 0; i < q->topics.n; i++) next_topic(a, q->topics.v[i].name)->error_code = KE_INVALID_REQUEST;
    return true;
}

void bn_api_describe_topic_partitions(struct bn_request *r) {
    const struct kmsg_describe_topic_partitions_request *q = r->message;
    struct page a = {.r = r, .image = r->deps->image(r->deps->arg, r->shard)};
    a.response = kmsg_describe_topic_partitions_response_default;
    int32_t limit = r->deps->conf ? bn_conf_int(r->deps->conf, BN_CONF_MAX_REQUEST_PARTITION_SIZE_LIMIT) : 2000;
    a.left = q->response_partition_limit < limit ? q->response_partition_limit : limit;
    if (a.left < 1) a.left = 1;
    r->arena.budget_bytes = SIZE_MAX; /* sized by the request's names, our own image and the limit */
    bool good = !q->cursor || q->cursor->partition_index >= 0;
    if (good ? fill(&a) : refuse(&a))
        bn_request_reply(r, &a.response);
    else
        bn_request_close(r, "no memory is left for the answer");
}
