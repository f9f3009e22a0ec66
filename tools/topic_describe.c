/* topic_describe.c: `--describe`, line for line as Kafka 3.9's tool prints it (9-tools 9.1), with all its filters.
 */
#include "common/base/alloc.h"
#include "common/base/uuid.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/jsonout.h"
#include "tools/pattern.h"
#include "tools/topic.h"

enum {
    API_DESCRIBE_CONFIGS = 32,
    API_LIST_REASSIGNMENTS = 46,
    RESOURCE_TOPIC = 2,
    SOURCE_TOPIC = 1,
    SOURCE_DEFAULT = 5
};

struct filter {
    bool under_replicated, unavailable, under_min_isr, at_min_isr, overrides;
};

/* What describing needs to know besides a topic itself. */
struct view {
    struct filter filter;
    const struct kmsg_metadata_response *all;
    const struct kmsg_list_partition_reassignments_response *moving; /* NULL: the cluster does not tell */
    struct bn_jsonout *json;                                         /* NULL: text */
};

/* What is being moved; a cluster that does not know the API moves nothing. */
static const struct kmsg_list_partition_reassignments_response *find_moving(struct bn_session *s,
                                                                            const struct kmsg_metadata_response *all) {
    struct kmsg_list_partition_reassignments_request q = kmsg_list_partition_reassignments_request_default;
    struct bn_err e = BN_ERR_NONE;
    q.topics.n = -1;
    q.timeout_ms = 30000;
    int32_t controller = all->controller_id >= 0 ? all->controller_id : BN_SESSION_ANY;
    const struct kmsg_list_partition_reassignments_response *r = bn_session_try(s, controller, API_LIST_REASSIGNMENTS,
                                                                                &q, &e);
    return r && r->error_code == KE_NONE ? r : NULL;
}

static const struct kmsg_list_partition_reassignments_response_partition *
moving_of(const struct view *v, struct bn_slice topic, int32_t partition) {
    for (int32_t i = 0; v->moving && i < v->moving->topics.n; i++) {
        const struct kmsg_list_partition_reassignments_response_topic *t = &v->moving->topics.v[i];
        if (!bn_slice_eq(t->name, topic)) continue;
        for (int32_t k = 0; k < t->partitions.n; k++) {
            if (t->partitions.v[k].partition_index == partition) return &t->partitions.v[k];
        }
    }
    return NULL;
}

static bool only_partitions(const struct filter *f) {
    return f->under_replicated || f->unavailable || f->under_min_isr || f->at_min_isr;
}

/* The configs of all of these topics, asked for at once: results come in the order of the topics. NULL after telling.
 */
static const struct kmsg_describe_configs_response *
find_configs(struct bn_session *s, struct kmsg_metadata_response_topic **topics, int32_t count) {
    struct kmsg_describe_configs_request q = kmsg_describe_configs_request_default;
    q.resources.v = bn_arena_array(bn_session_arena(s), (size_t)count, sizeof *q.resources.v);
    if (!q.resources.v) return NULL;
    for (; q.resources.n < count; q.resources.n++) {
        struct kmsg_describe_configs_request_resource *r = &q.resources.v[q.resources.n];
        *r = kmsg_describe_configs_request_resource_default;
        r->resource_type = RESOURCE_TOPIC;
        r->resource_name = topics[q.resources.n]->name;
        r->configuration_keys.n = -1;
    }
    return bn_session_call(s, API_DESCRIBE_CONFIGS, &q);
}

/* A topic's own among them. They are asked for in the order of names, and brokers answer in whatever order. */
static const struct kmsg_describe_configs_response_result *configs_of(const struct kmsg_describe_configs_response *all,
                                                                      int32_t likely, struct bn_slice topic) {
    if (!all) return NULL;
    if (likely < all->results.n && bn_slice_eq(all->results.v[likely].resource_name, topic))
        return &all->results.v[likely];
    for (int32_t i = 0; i < all->results.n; i++) {
        if (bn_slice_eq(all->results.v[i].resource_name, topic)) return &all->results.v[i];
    }
    return NULL;
}

static int64_t min_insync(const struct kmsg_describe_configs_response_result *configs) {
    int64_t value = 1;
    for (int32_t i = 0; configs && i < configs->configs.n; i++) {
        if (bn_slice_eq_str(configs->configs.v[i].name, "min.insync.replicas"))
            (void)bn_slice_to_i64(configs->configs.v[i].value, &value);
    }
    return value;
}

static bool has_overrides(const struct kmsg_describe_configs_response_result *configs) {
    for (int32_t i = 0; configs && i < configs->configs.n; i++) {
        if (configs->configs.v[i].config_source == SOURCE_TOPIC) return true;
    }
    return false;
}

static void print_head(const struct kmsg_metadata_response_topic *t,
                       const struct kmsg_describe_configs_response_result *configs) {
    char id[BN_UUID_TEXT_LEN + 1];
    bn_uuid_format(&t->topic_id, id);
    printf("Topic: %.*s", BN_SLICE_FMT(t->name));
    if (!bn_uuid_is_zero(&t->topic_id)) printf("\tTopicId: %s", id);
    printf("\tPartitionCount: %d\tReplicationFactor: %d\tConfigs: ", t->partitions.n,
           t->partitions.n ? t->partitions.v[0].replica_nodes.n : 0);
    bool more = false;
    for (int32_t i = 0; configs && i < configs->configs.n; i++) {
        const struct kmsg_describe_configs_response_config *c = &configs->configs.v[i];
        if (c->config_source == SOURCE_DEFAULT) continue;
        printf("%s%.*s=%.*s", more ? "," : "", BN_SLICE_FMT(c->name), BN_SLICE_FMT(c->value));
        more = true;
    }
    putchar('\n');
}

static void print_ids(const char *head, const int32_t *ids, int32_t count) {
    printf("\t%s: ", head);
    for (int32_t i = 0; i < count; i++) printf("%s%d", i ? "," : "", ids[i]);
}

static void print_partition(const struct view *v, struct bn_slice topic,
                            const struct kmsg_metadata_response_partition *p) {
    printf("\tTopic: %.*s\tPartition: %d\tLeader: ", BN_SLICE_FMT(topic), p->partition_index);
    if (p->leader_id < 0)
        printf("none");
    else
        printf("%d", p->leader_id);
    print_ids("Replicas", p->replica_nodes.v, p->replica_nodes.n);
    print_ids("Isr", p->isr_nodes.v, p->isr_nodes.n);
    const struct kmsg_list_partition_reassignments_response_partition *m = moving_of(v, topic, p->partition_index);
    if (m) {
        print_ids("Adding Replicas", m->adding_replicas.v, m->adding_replicas.n);
        print_ids("Removing Replicas", m->removing_replicas.v, m->removing_replicas.n);
    }
    puts("\tElr: N/A\tLastKnownElr: N/A");
}

static bool is_live(const struct view *v, int32_t broker) {
    for (int32_t i = 0; i < v->all->brokers.n; i++) {
        if (v->all->brokers.v[i].node_id == broker) return true;
    }
    return false;
}

static bool wanted(const struct view *v, struct bn_slice topic, const struct kmsg_metadata_response_partition *p,
                   int64_t min_isr) {
    const struct filter *f = &v->filter;
    if (!only_partitions(f)) return true;
    const struct kmsg_list_partition_reassignments_response_partition *m = moving_of(v, topic, p->partition_index);
    int32_t replicas = p->replica_nodes.n - (m ? m->adding_replicas.n : 0);
    return (f->under_replicated && p->isr_nodes.n < replicas) || (f->unavailable && !is_live(v, p->leader_id)) ||
           (f->under_min_isr && p->isr_nodes.n < min_isr) || (f->at_min_isr && p->isr_nodes.n == min_isr);
}

/* ---- JSON ---- */

static void json_partition(struct bn_jsonout *j, const struct kmsg_metadata_response_partition *p) {
    bn_jsonout_object(j, NULL);
    bn_jsonout_number(j, "partition", p->partition_index);
    bn_jsonout_number(j, "leader", p->leader_id);
    bn_jsonout_number(j, "leaderEpoch", p->leader_epoch);
    bn_jsonout_ids(j, "replicas", p->replica_nodes.v, p->replica_nodes.n);
    bn_jsonout_ids(j, "isr", p->isr_nodes.v, p->isr_nodes.n);
    bn_jsonout_ids(j, "offline", p->offline_replicas.v, p->offline_replicas.n);
    bn_jsonout_end(j);
}

static void json_head(struct bn_jsonout *j, const struct kmsg_metadata_response_topic *t,
                      const struct kmsg_describe_configs_response_result *configs) {
    char id[BN_UUID_TEXT_LEN + 1];
    bn_uuid_format(&t->topic_id, id);
    bn_jsonout_object(j, NULL);
    bn_jsonout_text(j, "topic", t->name);
    bn_jsonout_text(j, "topicId", bn_uuid_is_zero(&t->topic_id) ? BN_SLICE_NULL : bn_slice_str(id));
    bn_jsonout_bool(j, "internal", t->is_internal);
    bn_jsonout_object(j, "configs");
    for (int32_t i = 0; configs && i < configs->configs.n; i++) {
        const struct kmsg_describe_configs_response_config *c = &configs->configs.v[i];
        if (c->config_source == SOURCE_DEFAULT) continue;
        char *name = bn_alloc_strndup(c->name.ptr, c->name.len);
        bn_jsonout_text(j, name, c->value);
        bn_alloc_free(name);
    }
    bn_jsonout_end(j);
    bn_jsonout_array(j, "partitions");
}

/* One topic of the answer; nothing of it when a filter leaves none of its partitions. */
static void json_topic(const struct view *v, const struct kmsg_metadata_response_topic *t,
                       const struct kmsg_describe_configs_response_result *configs) {
    bool begun = !only_partitions(&v->filter);
    if (begun) json_head(v->json, t, configs);
    for (int32_t i = 0; i < t->partitions.n; i++) {
        if (!wanted(v, t->name, &t->partitions.v[i], min_insync(configs))) continue;
        if (!begun) json_head(v->json, t, configs);
        begun = true;
        json_partition(v->json, &t->partitions.v[i]);
    }
    if (begun) bn_jsonout_end(v->json), bn_jsonout_end(v->json);
}

static int by_index(const void *a, const void *b) {
    const struct kmsg_metadata_response_partition *x = a, *y = b;
    return (x->partition_index > y->partition_index) - (x->partition_index < y->partition_index);
}

static int by_name(const void *a, const void *b) {
    const struct kmsg_metadata_response_topic *x = a, *y = b;
    return bn_slice_cmp(x->name, y->name);
}

static void describe(const struct view *v, struct kmsg_metadata_response_topic *t,
                     const struct kmsg_describe_configs_response_result *configs) {
    if (v->filter.overrides && !has_overrides(configs)) return;
    if (t->partitions.n > 0) qsort(t->partitions.v, (size_t)t->partitions.n, sizeof *t->partitions.v, by_index);
    if (v->json) {
        json_topic(v, t, configs);
        return;
    }
    if (!only_partitions(&v->filter)) print_head(t, configs);
    for (int32_t i = 0; i < t->partitions.n && !v->filter.overrides; i++) {
        if (wanted(v, t->name, &t->partitions.v[i], min_insync(configs)))
            print_partition(v, t->name, &t->partitions.v[i]);
    }
}

/* --topic-id: which id is asked for; true with a zero id when none is. False after telling. */
static bool asked_id(const struct bn_topic_task *task, struct bn_uuid *id) {
    const char *text = bn_options_get(task->options, "topic-id");
    *id = BN_UUID_ZERO;
    if (!text || bn_uuid_parse(bn_slice_str(text), id)) return true;
    fprintf(stderr,
            "%sInput string `%s` decoded as %zu bytes, which is not equal to the expected 16 bytes of a base64-encoded "
            "UUID\n",
            task->error_prefix, text, strlen(text) * 6 / 8);
    return false;
}

static int not_found(const struct bn_topic_task *task, struct bn_session *s) {
    const char *id = bn_options_get(task->options, "topic-id");
    if (bn_options_has(task->options, "if-exists") || (!task->topic && !id)) return BN_COMMAND_OK;
    fprintf(stderr, "%s%s '%s' does not exist as expected\n", task->error_prefix, id ? "TopicId" : "Topic",
            id ? id : task->topic);
    if (!task->kafka && !id) bn_admin_suggest_topic(s, bn_slice_str(task->topic));
    return BN_COMMAND_FAILED;
}

int bn_topic_describe_run(const struct bn_topic_task *task, struct bn_session *s) {
    struct filter f = {
        .under_replicated = bn_options_has(task->options, "under-replicated-partitions"),
        .unavailable = bn_options_has(task->options, "unavailable-partitions"),
        .under_min_isr = bn_options_has(task->options, "under-min-isr-partitions"),
        .at_min_isr = bn_options_has(task->options, "at-min-isr-partitions"),
        .overrides = bn_options_has(task->options, "topics-with-overrides"),
    };
    struct bn_uuid id;
    if (!asked_id(task, &id)) return BN_COMMAND_FAILED;
    bool json = false;
    struct kmsg_metadata_response *all = bn_admin_json(task->options, &json) ? bn_session_metadata(s) : NULL;
    if (!all) return BN_COMMAND_FAILED;
    struct bn_jsonout j;
    struct view v = {f, all, find_moving(s, all), json ? &j : NULL};
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "topics");
    if (all->topics.n > 0) qsort(all->topics.v, (size_t)all->topics.n, sizeof *all->topics.v, by_name);
    int32_t found = 0;
    struct kmsg_metadata_response_topic **topics = bn_alloc_zero((size_t)all->topics.n + 1, sizeof *topics);
    for (int32_t i = 0; i < all->topics.n; i++) {
        struct kmsg_metadata_response_topic *t = &all->topics.v[i];
        if (bn_options_has(task->options, "exclude-internal") && t->is_internal) continue;
        if (bn_uuid_is_zero(&id) ? bn_pattern_matches(task->topic, t->name) : bn_uuid_eq(&t->topic_id, &id))
            topics[found++] = t;
    }
    const struct kmsg_describe_configs_response *configs = found ? find_configs(s, topics, found) : NULL;
    for (int32_t i = 0; i < found; i++) describe(&v, topics[i], configs_of(configs, i, topics[i]->name));
    bn_alloc_free(topics);
    if (json && found > 0)
        bn_jsonout_print(&j);
    else
        bn_str_fini(&j.text);
    return found > 0 ? BN_COMMAND_OK : not_found(task, s);
}
