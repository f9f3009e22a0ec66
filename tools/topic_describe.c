/* topic_describe.c: `--describe`, line for line as Kafka 3.9's tool prints it (9-tools 9.1), with all its filters.
 */
#include "common/base/alloc.h"
#include "common/base/uuid.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/command.h"
#include "tools/pattern.h"
#include "tools/topic.h"

enum { API_METADATA = 3, API_DESCRIBE_CONFIGS = 32, RESOURCE_TOPIC = 2, SOURCE_TOPIC = 1, SOURCE_DEFAULT = 5 };

struct filter {
    bool under_replicated, unavailable, under_min_isr, at_min_isr, overrides;
};

static bool only_partitions(const struct filter *f) {
    return f->under_replicated || f->unavailable || f->under_min_isr || f->at_min_isr;
}

static const struct kmsg_describe_configs_response_result *configs_of(struct bn_session *s, struct bn_slice topic) {
    struct kmsg_describe_configs_request_resource resource = kmsg_describe_configs_request_resource_default;
    struct kmsg_describe_configs_request q = kmsg_describe_configs_request_default;
    resource.resource_type = RESOURCE_TOPIC;
    resource.resource_name = topic;
    resource.configuration_keys.n = -1;
    q.resources.v = &resource;
    q.resources.n = 1;
    struct kmsg_describe_configs_response *r = bn_session_call(s, API_DESCRIBE_CONFIGS, &q);
    return r && r->results.n == 1 ? &r->results.v[0] : NULL;
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

static void print_partition(struct bn_slice topic, const struct kmsg_metadata_response_partition *p) {
    printf("\tTopic: %.*s\tPartition: %d\tLeader: ", BN_SLICE_FMT(topic), p->partition_index);
    if (p->leader_id < 0)
        printf("none");
    else
        printf("%d", p->leader_id);
    print_ids("Replicas", p->replica_nodes.v, p->replica_nodes.n);
    print_ids("Isr", p->isr_nodes.v, p->isr_nodes.n);
    puts("\tElr: N/A\tLastKnownElr: N/A");
}

static bool wanted(const struct filter *f, const struct kmsg_metadata_response_partition *p, int64_t min_isr) {
    if (!only_partitions(f)) return true;
    return (f->under_replicated && p->isr_nodes.n < p->replica_nodes.n) || (f->unavailable && p->leader_id < 0) ||
           (f->under_min_isr && p->isr_nodes.n < min_isr) || (f->at_min_isr && p->isr_nodes.n == min_isr);
}

static int by_index(const void *a, const void *b) {
    const struct kmsg_metadata_response_partition *x = a, *y = b;
    return (x->partition_index > y->partition_index) - (x->partition_index < y->partition_index);
}

static int by_name(const void *a, const void *b) {
    const struct kmsg_metadata_response_topic *x = a, *y = b;
    return bn_slice_cmp(x->name, y->name);
}

static void describe(struct bn_session *s, const struct filter *f, struct kmsg_metadata_response_topic *t) {
    const struct kmsg_describe_configs_response_result *configs = configs_of(s, t->name);
    if (f->overrides) {
        if (has_overrides(configs)) print_head(t, configs);
        return;
    }
    if (!only_partitions(f)) print_head(t, configs);
    qsort(t->partitions.v, (size_t)t->partitions.n, sizeof *t->partitions.v, by_index);
    for (int32_t i = 0; i < t->partitions.n; i++) {
        if (wanted(f, &t->partitions.v[i], min_insync(configs))) print_partition(t->name, &t->partitions.v[i]);
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

static int not_found(const struct bn_topic_task *task) {
    const char *id = bn_options_get(task->options, "topic-id");
    if (bn_options_has(task->options, "if-exists") || (!task->topic && !id)) return BN_COMMAND_OK;
    fprintf(stderr, "%s%s '%s' does not exist as expected\n", task->error_prefix, id ? "TopicId" : "Topic",
            id ? id : task->topic);
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
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    q.topics.n = -1;
    q.allow_auto_topic_creation = false;
    struct kmsg_metadata_response *all = bn_session_call(s, API_METADATA, &q);
    if (!all) return BN_COMMAND_FAILED;
    qsort(all->topics.v, (size_t)all->topics.n, sizeof *all->topics.v, by_name);
    int found = 0;
    for (int32_t i = 0; i < all->topics.n; i++) {
        struct kmsg_metadata_response_topic *t = &all->topics.v[i];
        if (bn_options_has(task->options, "exclude-internal") && t->is_internal) continue;
        if (bn_uuid_is_zero(&id) ? !bn_pattern_matches(task->topic, t->name) : !bn_uuid_eq(&t->topic_id, &id)) continue;
        found++;
        describe(s, &f, t);
    }
    return found > 0 ? BN_COMMAND_OK : not_found(task);
}
