/* metadata.c: Metadata 0-12 (5-protocol 5.4), answered from the image of the calling shard.
 *
 * Every topic of the image is told at most once, however often it is asked for, so that the answer is sized by the
 * cluster and by the request, never by their product. Brokers and leaders are told as the listener reaches them that
 * the client came in by. The answering broker names itself controller, because it takes admin requests and forwards
 * them.
 *
 * Topics to be created are sent to the controller in one CreateTopics; a topic that is on its way is not sent again.
 * Until it is there it is told as LEADER_NOT_AVAILABLE, as the broker that is Kafka's controller tells it (each broker
 * is, for clients): whoever reads that asks again, and not every client does of an unknown topic. */
#include "broker/api/creation.h"
#include "broker/api/operations.h"
#include "broker/api/topic_name.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "proto/kafka/kapi.h"

struct answer {
    struct bn_request *r;
    const struct bn_image *image;
    struct kmsg_metadata_response response;
    struct bn_map seen;   /* topics that were told, by name */
    struct bn_map create; /* names to be created */
};

static bool reachable(const struct answer *a, int32_t broker) {
    const struct bn_image_broker *b = bn_image_broker(a->image, broker);
    return b && bn_image_endpoint(b, a->r->listener);
}

/* Of ids, those that can (or can't) be reached; NULL only when the arena refuses. */
static int32_t *pick(struct answer *a, const int32_t *ids, int count, bool can, int32_t *n) {
    int32_t *out = bn_arena_array(&a->r->arena, (size_t)count, sizeof *out);
    *n = 0;
    for (int i = 0; out && i < count; i++) {
        if (reachable(a, ids[i]) == can) out[(*n)++] = ids[i];
    }
    return out;
}

static int16_t leader_error(const struct answer *a, int32_t leader) {
    if (leader >= 0 && reachable(a, leader)) return KE_NONE;
    bool alive = leader >= 0 && bn_image_broker(a->image, leader);
    return alive && a->r->header.api_version >= 6 ? KE_LISTENER_NOT_FOUND : KE_LEADER_NOT_AVAILABLE;
}

/* Version 0 hides replicas that can't be reached, and calls that an error. */
static bool hide_unreachable(struct answer *a, const struct bn_image_partition *p,
                             struct kmsg_metadata_response_partition *out) {
    out->replica_nodes.v = pick(a, p->replicas, p->replica_count, true, &out->replica_nodes.n);
    out->isr_nodes.v = pick(a, p->isr, p->isr_count, true, &out->isr_nodes.n);
    if (!out->replica_nodes.v || !out->isr_nodes.v) return false;
    bool hidden = out->replica_nodes.n < p->replica_count || out->isr_nodes.n < p->isr_count;
    if (out->error_code == KE_NONE && hidden) out->error_code = KE_REPLICA_NOT_AVAILABLE;
    return true;
}

static bool fill_partition(struct answer *a, const struct bn_image_partition *p, int32_t index,
                           struct kmsg_metadata_response_partition *out) {
    *out = kmsg_metadata_response_partition_default;
    out->partition_index = index;
    out->error_code = leader_error(a, p->leader);
    out->leader_id = out->error_code ? -1 : p->leader;
    out->leader_epoch = p->leader_epoch;
    if (a->r->header.api_version == 0) return hide_unreachable(a, p, out);
    out->replica_nodes.v = p->replicas; /* the image outlives the encoding */
    out->replica_nodes.n = p->replica_count;
    out->isr_nodes.v = p->isr;
    out->isr_nodes.n = p->isr_count;
    out->offline_replicas.v = pick(a, p->replicas, p->replica_count, false, &out->offline_replicas.n);
    return out->offline_replicas.v != NULL;
}

static struct kmsg_metadata_response_topic *next_topic(struct answer *a) {
    struct kmsg_metadata_response_topic *out = &a->response.topics.v[a->response.topics.n++];
    *out = kmsg_metadata_response_topic_default;
    return out;
}

static bool add_topic(struct answer *a, const struct bn_image_topic *t) {
    const struct kmsg_metadata_request *q = a->r->message;
    struct kmsg_metadata_response_topic *out = next_topic(a);
    out->name = bn_slice_str(t->name);
    out->topic_id = t->id;
    out->is_internal = bn_topic_name_internal(out->name);
    if (q->include_topic_authorized_operations) out->topic_authorized_operations = BN_OPERATIONS_TOPIC;
    out->partitions.v = bn_arena_array(&a->r->arena, (size_t)t->partition_count, sizeof *out->partitions.v);
    if (!out->partitions.v) return false;
    out->partitions.n = t->partition_count;
    for (int32_t i = 0; i < t->partition_count; i++) {
        if (!fill_partition(a, &t->partitions[i], i, &out->partitions.v[i])) return false;
    }
    return true;
}

static void add_error(struct answer *a, struct bn_slice name, const struct bn_uuid *id, int16_t error) {
    struct kmsg_metadata_response_topic *out = next_topic(a);
    bool may_be_null = a->r->header.api_version >= 12;
    out->name = bn_slice_is_null(name) && !may_be_null ? BN_SLICE_LIT("") : name;
    out->is_internal = bn_topic_name_internal(name);
    out->error_code = error;
    if (id) out->topic_id = *id;
}

/* KIP-487's and the older flag's way: the name is created unless that is forbidden or on its way. Gives what is told.
 */
static int16_t want_topic(struct answer *a, struct bn_slice name) {
    const struct kmsg_metadata_request *q = a->r->message;
    if (!a->r->deps->auto_create_topics || !q->allow_auto_topic_creation || bn_topic_name_internal(name))
        return KE_UNKNOWN_TOPIC_OR_PARTITION;
    if (bn_creation_may(a->r, name, a->create.count)) bn_map_put(&a->create, name, a);
    return KE_LEADER_NOT_AVAILABLE;
}

static bool add_asked(struct answer *a, const struct kmsg_metadata_request_topic *asked) {
    bool by_id = !bn_uuid_is_zero(&asked->topic_id);
    if (a->r->header.api_version < 12 && (by_id || bn_slice_is_null(asked->name))) {
        add_error(a, asked->name, by_id ? &asked->topic_id : NULL, KE_INVALID_REQUEST);
        return true;
    }
    const struct bn_image_topic *t = by_id ? bn_image_topic_by_id(a->image, &asked->topic_id)
                                           : bn_image_topic(a->image, asked->name);
    if (t) {
        if (bn_map_put(&a->seen, bn_slice_str(t->name), a)) return true;
        return add_topic(a, t);
    }
    if (by_id) {
        add_error(a, BN_SLICE_NULL, &asked->topic_id, KE_UNKNOWN_TOPIC_ID);
    } else if (!bn_topic_name_good(asked->name)) {
        add_error(a, asked->name, NULL, KE_INVALID_TOPIC_EXCEPTION);
    } else {
        add_error(a, asked->name, NULL, want_topic(a, asked->name));
    }
    return true;
}

static bool add_topics(struct answer *a) {
    const struct kmsg_metadata_request *q = a->r->message;
    bool all = a->r->header.api_version == 0 ? q->topics.n == 0 : q->topics.n < 0;
    size_t count = all ? a->image->by_name.count : (size_t)bn_max_i64(q->topics.n, 0);
    if (all) a->r->arena.budget_bytes += count * sizeof *a->response.topics.v + 64;
    a->response.topics.v = bn_arena_array(&a->r->arena, count, sizeof *a->response.topics.v);
    if (!a->response.topics.v) return false;
    a->r->arena.budget_bytes = SIZE_MAX; /* what follows is sized by our own image, each topic once */
    if (all) {
        size_t at = 0;
        for (struct bn_map_entry *e; (e = bn_map_next(&a->image->by_name, &at)) != NULL;) {
            if (!add_topic(a, e->value)) return false;
        }
        return true;
    }
    for (int32_t i = 0; i < q->topics.n; i++) {
        if (!add_asked(a, &q->topics.v[i])) return false;
    }
    return true;
}

static bool add_brokers(struct answer *a) {
    a->response.brokers.v = bn_arena_array(&a->r->arena, (size_t)a->image->broker_count, sizeof *a->response.brokers.v);
    if (!a->response.brokers.v) return false;
    for (int i = 0; i < a->image->broker_count; i++) {
        const struct bn_image_broker *b = a->image->brokers[i];
        const struct bn_image_endpoint *at = bn_image_endpoint(b, a->r->listener);
        if (!at) continue;
        a->response.brokers.v[a->response.brokers.n++] = (struct kmsg_metadata_response_broker){
            .node_id = b->id, .host = bn_slice_str(at->host), .port = at->port, .rack = bn_slice_str(b->rack)};
    }
    return true;
}

static void create_wanted(struct answer *a) {
    size_t count = a->create.count, at = 0;
    if (count == 0) return;
    struct kmsg_create_topics_request_topic *topics = bn_alloc_zero(count, sizeof *topics);
    int32_t n = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&a->create, &at)) != NULL;) {
        topics[n] = kmsg_create_topics_request_topic_default;
        topics[n].name = e->key;
        topics[n].num_partitions = -1;
        topics[n++].replication_factor = -1;
    }
    bn_creation_start(a->r, topics, n);
    bn_alloc_free(topics);
}

void bn_api_metadata(struct bn_request *r) {
    const struct kmsg_metadata_request *q = r->message;
    struct answer a = {.r = r, .image = r->deps->image(r->deps->arg, r->shard)};
    bn_map_init(&a.seen);
    bn_map_init(&a.create);
    a.response = kmsg_metadata_response_default;
    a.response.cluster_id = bn_slice_str(a.image->cluster_id);
    a.response.controller_id = r->deps->broker_id;
    if (q->include_cluster_authorized_operations) a.response.cluster_authorized_operations = BN_OPERATIONS_CLUSTER;
    bool built = add_topics(&a) && add_brokers(&a);
    create_wanted(&a);
    bn_map_fini(&a.seen);
    bn_map_fini(&a.create);
    if (built)
        bn_request_reply(r, &a.response);
    else
        bn_request_close(r, "a Metadata names more topics than its size allows");
}
