/* topic_admin.c: the three topic requests. Judges only; topics.c and deletion.c write, request.c waits. Codes, texts
 * and the order of the checks are those of Kafka 3.9 with ZooKeeper (its ZkAdminManager, AdminZkClient, KafkaApis),
 * since tools print them and people search for them. Whether a topic's configs are valid the shell has found out. */
#include "controller/brain/topic_admin.h"

#include "common/base/alloc.h"
#include "controller/brain/deletion.h"
#include "controller/brain/place.h"
#include "controller/brain/topic_name.h"
#include "controller/brain/topics.h"

#define ZNODE_BYTES_MAX 1000000 /* ZooKeeper's jute.maxbuffer, less what surrounds the data */

struct judged { /* a verdict: error 0 = fine */
    int error;
    const char *message;
};

#define FINE ((struct judged){BN_KERR_NONE, NULL})
#define BAD(m, code, ...) ((struct judged){BN_KERR_##code, bn_model_textf(m, __VA_ARGS__)})

/* --- the wanted layout --- */

struct wanted {
    struct bn_fact_partition *partitions;
    int32_t count, replication_factor;
};

static int32_t live_brokers(struct bn_model *m, struct bn_place_broker **out) {
    int32_t count = 0;
    *out = bn_model_scratch(m, (size_t)m->broker_count + 1, sizeof **out);
    for (int32_t i = 0; i < m->broker_count; i++)
        if (m->brokers[i]->registered)
            (*out)[count++] = (struct bn_place_broker){m->brokers[i]->id, m->brokers[i]->rack};
    return count;
}

static struct judged check_size(struct bn_model *m, int64_t partitions, int64_t replication_factor) {
    if (partitions * (16 + 7 * replication_factor) > ZNODE_BYTES_MAX)
        return BAD(m, INVALID_PARTITIONS, "The assignment of %" PRId64 " partitions does not fit into one znode.",
                   partitions);
    return FINE;
}

/* Places w->count partitions from `first` on with w->replication_factor replicas; fixed < 0 = drawn. */
static struct judged place(struct bn_model *m, struct wanted *w, int32_t first, int32_t fixed) {
    struct bn_place_broker *brokers;
    int32_t n = live_brokers(m, &brokers);
    if (w->count <= 0) return BAD(m, INVALID_PARTITIONS, "Number of partitions must be larger than 0.");
    if (w->replication_factor <= 0)
        return BAD(m, INVALID_REPLICATION_FACTOR, "Replication factor must be larger than 0.");
    if (w->replication_factor > n)
        return BAD(m, INVALID_REPLICATION_FACTOR,
                   "Replication factor: %" PRId32 " larger than available brokers: %" PRId32 ".", w->replication_factor,
                   n);
    struct judged size = check_size(m, w->count, w->replication_factor);
    if (size.error) return size;
    int32_t at = 0;
    while (fixed >= 0 && at < n && brokers[at].id < fixed) at++;
    struct bn_place_request r = {.brokers = brokers,
                                 .broker_count = n,
                                 .partition_first = first,
                                 .partition_count = w->count,
                                 .replication_factor = w->replication_factor,
                                 .start = fixed >= 0 ? at % n : bn_model_random_below(m, n)};
    r.shift = fixed >= 0 ? r.start : bn_model_random_below(m, n);
    int32_t *ids = bn_model_scratch(m, (size_t)w->count * (size_t)w->replication_factor, sizeof *ids);
    bn_place_assign(&r, ids);
    w->partitions = bn_model_scratch(m, (size_t)w->count, sizeof *w->partitions);
    for (int32_t i = 0; i < w->count; i++) {
        w->partitions[i].index = first + i;
        w->partitions[i].replicas = (struct bn_fact_ids){ids + (size_t)i * (size_t)w->replication_factor,
                                                         w->replication_factor};
    }
    return FINE;
}

/* --- CreateTopics --- */

/* "1, 2, 2" */
static const char *ids_text(struct bn_model *m, struct bn_fact_ids ids) {
    char text[512] = "";
    size_t len = 0;
    for (int32_t i = 0; i < ids.count && len < sizeof text - 16; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%" PRId32, i ? ", " : "", ids.ids[i]);
    return bn_model_text(m, text);
}

static struct judged assign_by_hand(struct bn_model *m, const struct bn_event_create_topic *in, struct wanted *w) {
    w->count = in->assignment_count;
    w->replication_factor = in->assignments[0].brokers.count;
    struct judged size = check_size(m, w->count, w->replication_factor);
    if (size.error) return size;
    w->partitions = bn_model_scratch(m, (size_t)w->count, sizeof *w->partitions);
    for (int32_t i = 0; i < w->count; i++)
        if (in->assignments[i].brokers.count != w->replication_factor)
            return BAD(m, INVALID_REPLICA_ASSIGNMENT, "All partitions should have the same number of replicas");
    for (int32_t i = 0; i < w->count; i++) {
        const struct bn_event_assignment *a = &in->assignments[i];
        if (!bn_ids_distinct(a->brokers))
            return BAD(m, INVALID_REPLICA_ASSIGNMENT,
                       "Duplicate replica assignment found: HashMap(%" PRId32 " -> ArrayBuffer(%s))", a->index,
                       ids_text(m, a->brokers));
        if (a->brokers.count == 0)
            return BAD(m, INVALID_REPLICA_ASSIGNMENT,
                       "Cannot have replication factor of 0 for partition id %" PRId32 ".", a->index);
        bool fits = a->index >= 0 && a->index < w->count && w->partitions[a->index].replicas.count == 0;
        if (!fits)
            return BAD(m, INVALID_REPLICA_ASSIGNMENT, "partitions should be a consecutive 0-based integer sequence");
        w->partitions[a->index] = (struct bn_fact_partition){.index = a->index, .replicas = a->brokers};
    }
    return FINE;
}

static struct judged check_name(struct bn_model *m, const char *name) {
    char why[BN_TOPIC_NAME_MAX * 2 + 128];
    if (!bn_topic_name_check(name, why, sizeof why)) return BAD(m, INVALID_TOPIC, "Topic name is invalid: %s", why);
    if (!bn_topic_name_may_collide(name)) return FINE;
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = e->value;
        if (bn_topic_name_collides(t->name, name))
            return BAD(m, INVALID_TOPIC, "Topic '%s' collides with existing topics: %s", name, t->name);
    }
    return FINE;
}

/* How often a request has each name: it may have as many as fit into a frame. */
static void count_name(struct bn_map *names, const char *name) {
    uintptr_t before = (uintptr_t)bn_map_get(names, bn_slice_str(name));
    bn_map_put(names, bn_slice_str(name), (void *)(before + 1));
}

static bool is_repeated(const struct bn_map *names, const char *name) {
    return (uintptr_t)bn_map_get(names, bn_slice_str(name)) > 1;
}

static struct judged judge_create(struct bn_model *m, const struct bn_event_create_topics *e,
                                  const struct bn_map *names, const struct bn_event_create_topic *in,
                                  struct wanted *w) {
    if (is_repeated(names, in->name)) return BAD(m, INVALID_REQUEST, "Found multiple entries for this topic.");
    if (bn_model_topic(m, in->name)) return BAD(m, TOPIC_ALREADY_EXISTS, "Topic '%s' already exists.", in->name);
    if (in->config_error == BN_KERR_INVALID_REQUEST) return (struct judged){in->config_error, in->config_message};
    if ((in->num_partitions != -1 || in->replication_factor != -1) && in->assignment_count)
        return BAD(m, INVALID_REQUEST,
                   "Both numPartitions or replicationFactor and replicasAssignments were set. "
                   "Both cannot be used at the same time.");
    struct judged j;
    if (in->assignment_count) {
        j = check_name(m, in->name);
        if (!j.error) j = assign_by_hand(m, in, w);
    } else {
        w->count = in->num_partitions == -1 ? e->num_partitions : in->num_partitions;
        w->replication_factor = in->replication_factor == -1 ? e->default_replication_factor : in->replication_factor;
        j = place(m, w, 0, -1);
        if (!j.error) j = check_name(m, in->name);
    }
    if (j.error) return j;
    if (in->config_error) return (struct judged){in->config_error, in->config_message};
    return FINE;
}

static void create_one(struct bn_model *m, const struct bn_event_create_topics *e, const struct bn_map *names,
                       const struct bn_event_create_topic *in, struct bn_request_item *item) {
    struct wanted w = {.partitions = NULL};
    struct judged j = judge_create(m, e, names, in, &w);
    item->name = bn_alloc_strdup(in->name);
    item->num_partitions = w.count;
    item->replication_factor = (int16_t)w.replication_factor;
    if (j.error || e->validate_only) {
        bn_request_decide(item, j.error, j.message);
        return;
    }
    struct bn_topics_plan plan = {in->name, w.partitions, w.count, {"topics", in->name, in->configs, in->config_count}};
    struct bn_model_topic *t = bn_topics_create(m, &plan);
    item->id = t->id;
    bn_request_attach(item, t, BN_REQUEST_LEADERS);
}

void bn_topic_admin_create_topics(struct bn_model *m, const struct bn_event_create_topics *e) {
    struct bn_request *r = bn_request_new(m, e->token, BN_REQUEST_CREATE_TOPICS, e->timeout_ms, e->topic_count);
    struct bn_map names;
    bn_map_init(&names);
    for (int32_t i = 0; i < e->topic_count; i++) count_name(&names, e->topics[i].name);
    for (int32_t i = 0; i < e->topic_count; i++) create_one(m, e, &names, &e->topics[i], &r->items[i]);
    bn_map_fini(&names);
}

/* --- DeleteTopics --- */

static int refuse_deletion(const struct bn_event_delete_topics *e, const char **message) {
    *message = NULL;
    if (!e->delete_topic_enable) {
        *message = "Topic deletion is disabled.";
        return e->api_version < 3 ? BN_KERR_INVALID_REQUEST : BN_KERR_TOPIC_DELETION_DISABLED;
    }
    for (int32_t i = 0; i < e->topic_count; i++) {
        if (e->topics[i].name && !bn_uuid_is_zero(&e->topics[i].id)) {
            *message = "Topic name and topic ID can not both be specified.";
            return BN_KERR_INVALID_REQUEST;
        }
    }
    return BN_KERR_NONE;
}

static void delete_one(struct bn_model *m, const struct bn_event_delete_topic *in, struct bn_request_item *item) {
    struct bn_model_topic *t = in->name ? bn_model_topic(m, in->name) : bn_model_topic_by_id(m, &in->id);
    if (in->name || t) item->name = bn_alloc_strdup(in->name ? in->name : t->name);
    item->id = t ? t->id : in->id;
    if (!t || t->kind != BN_MODEL_LIVE) {
        bn_request_decide(item, in->name ? BN_KERR_UNKNOWN_TOPIC_OR_PARTITION : BN_KERR_UNKNOWN_TOPIC_ID, NULL);
        return;
    }
    bn_request_attach(item, t, BN_REQUEST_GONE);
    bn_deletion_mark(m, t);
}

void bn_topic_admin_delete_topics(struct bn_model *m, const struct bn_event_delete_topics *e) {
    struct bn_request *r = bn_request_new(m, e->token, BN_REQUEST_DELETE_TOPICS, e->timeout_ms, e->topic_count);
    const char *message;
    int error = refuse_deletion(e, &message);
    for (int32_t i = 0; i < e->topic_count; i++) {
        if (!error) {
            delete_one(m, &e->topics[i], &r->items[i]);
            continue;
        }
        if (e->topics[i].name) r->items[i].name = bn_alloc_strdup(e->topics[i].name);
        r->items[i].id = e->topics[i].id;
        bn_request_decide(&r->items[i], error, message);
    }
}

/* --- CreatePartitions --- */

static struct judged extend_by_hand(struct bn_model *m, const struct bn_request_item *item,
                                    const struct bn_model_topic *t, struct wanted *w) {
    for (int32_t i = 0; i < item->assignment_count; i++)
        for (int32_t at = 0; at < item->assignments[i].count; at++) {
            const struct bn_model_broker *b = bn_model_broker(m, item->assignments[i].ids[at]);
            if (!b || !b->registered)
                return BAD(m, INVALID_REPLICA_ASSIGNMENT, "Unknown broker(s) in replica assignment: %" PRId32 ".",
                           item->assignments[i].ids[at]);
        }
    if (item->assignment_count != w->count)
        return BAD(m, INVALID_REPLICA_ASSIGNMENT,
                   "Increasing the number of partitions by %" PRId32 " but %" PRId32 " assignments provided.", w->count,
                   item->assignment_count);
    w->partitions = bn_model_scratch(m, (size_t)w->count, sizeof *w->partitions);
    for (int32_t i = 0; i < w->count; i++) {
        struct bn_fact_ids ids = bn_ids_fact(&item->assignments[i]);
        int32_t index = t->partition_count + i;
        if (ids.count == 0)
            return BAD(m, INVALID_REPLICA_ASSIGNMENT,
                       "Cannot have replication factor of 0 for partition id %" PRId32 ".", index);
        if (!bn_ids_distinct(ids))
            return BAD(m, INVALID_REPLICA_ASSIGNMENT,
                       "Duplicate brokers not allowed in replica assignment: %s for partition id %" PRId32 ".",
                       ids_text(m, ids), index);
        if (ids.count != w->replication_factor)
            return BAD(m, INVALID_REPLICA_ASSIGNMENT,
                       "Inconsistent replication factor between partitions, partition 0 has %" PRId32
                       " while partitions [%" PRId32 "] have replication factors [%" PRId32 "], respectively.",
                       w->replication_factor, index, ids.count);
        w->partitions[i] = (struct bn_fact_partition){.index = index, .replicas = ids};
    }
    return FINE;
}

static struct judged judge_expand(struct bn_model *m, const struct bn_request_item *item, struct wanted *w) {
    const struct bn_model_topic *t = bn_model_topic(m, item->name);
    if (!t || t->kind == BN_MODEL_CREATING)
        return BAD(m, UNKNOWN_TOPIC_OR_PARTITION, "The topic '%s' does not exist.", item->name);
    if (t->kind != BN_MODEL_LIVE) return BAD(m, INVALID_TOPIC, "The topic is queued for deletion.");
    for (int32_t i = 0; i < t->partition_count; i++)
        if (t->partitions[i]->adding.count || t->partitions[i]->removing.count)
            return BAD(m, REASSIGNMENT_IN_PROGRESS, "A partition reassignment is in progress for the topic '%s'.",
                       t->name);
    const struct bn_model_partition *zero = bn_model_partition(t, 0);
    if (!zero || zero->replicas.count == 0)
        return BAD(m, UNKNOWN_SERVER,
                   "Unexpected existing replica assignment for topic '%s', partition id 0 is missing. Assignment: {}",
                   t->name);
    w->count = item->num_partitions - t->partition_count;
    w->replication_factor = zero->replicas.count;
    if (w->count < 0)
        return BAD(m, INVALID_PARTITIONS,
                   "Topic currently has %" PRId32 " partitions, which is higher than the requested %" PRId32 ".",
                   t->partition_count, item->num_partitions);
    if (w->count == 0)
        return BAD(m, INVALID_PARTITIONS, "Topic already has %" PRId32 " partitions.", t->partition_count);
    struct judged size = check_size(m, item->num_partitions, w->replication_factor);
    if (size.error) return size;
    if (item->has_assignments) return extend_by_hand(m, item, t, w);
    return place(m, w, t->partition_count, zero->replicas.ids[0]);
}

void bn_topic_admin_expand(struct bn_model *m, struct bn_request_item *item) {
    struct wanted w = {.partitions = NULL};
    struct judged j = judge_expand(m, item, &w);
    if (j.error) {
        bn_request_decide(item, j.error, j.message);
        return;
    }
    item->first = item->topic->partition_count;
    item->phase = BN_REQUEST_FLYING;
    bn_topics_expand(m, item->topic, w.partitions, w.count);
}

static void expand_one(struct bn_model *m, const struct bn_event_create_partitions *e, const struct bn_map *names,
                       const struct bn_event_add_partitions *in, struct bn_request_item *item) {
    item->name = bn_alloc_strdup(in->name);
    item->num_partitions = in->count;
    item->has_assignments = in->has_assignments;
    item->assignments = bn_alloc_zero((size_t)in->assignment_count + 1, sizeof *item->assignments);
    item->assignment_count = in->assignment_count;
    for (int32_t i = 0; i < in->assignment_count; i++) bn_ids_set(&item->assignments[i], in->assignments[i]);
    if (is_repeated(names, in->name)) {
        bn_request_decide(item, BN_KERR_INVALID_REQUEST, "Duplicate topic in request.");
        return;
    }
    struct wanted w = {.partitions = NULL};
    struct judged j = judge_expand(m, item, &w);
    if (j.error || e->validate_only)
        bn_request_decide(item, j.error, j.message);
    else
        bn_request_attach(item, bn_model_topic(m, in->name), BN_REQUEST_TURN);
}

void bn_topic_admin_create_partitions(struct bn_model *m, const struct bn_event_create_partitions *e) {
    struct bn_request *r = bn_request_new(m, e->token, BN_REQUEST_CREATE_PARTITIONS, e->timeout_ms, e->topic_count);
    struct bn_map names;
    bn_map_init(&names);
    for (int32_t i = 0; i < e->topic_count; i++) count_name(&names, e->topics[i].name);
    for (int32_t i = 0; i < e->topic_count; i++) expand_one(m, e, &names, &e->topics[i], &r->items[i]);
    bn_map_fini(&names);
}
