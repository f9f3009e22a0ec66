/* describe_configs.c: DescribeConfigs 1-4: a topic's configuration (overrides over this broker's own over defaults)
 * and this broker's, row by row, with synonyms by precedence (KIP-226), types and documentation (KIP-569). Other
 * brokers describe themselves: a client that asks the wrong one made a mistake, and is told so as Kafka tells it. */
#include "broker/api/api.h"
#include "broker/api/topic_name.h"
#include "common/conf/conf.h"
#include "common/conf/topic_conf.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4 };

/* An answer is sized by the rows and by how many resources are named; this much in all. */
static const size_t BUDGET_PER_RESOURCE = 128 << 10, BUDGET_MAX_BYTES = (size_t)256 << 20;

static bool wanted(const struct kmsg_describe_configs_request_resource *asked, const char *name) {
    if (asked->configuration_keys.n <= 0) return true;
    for (int32_t i = 0; i < asked->configuration_keys.n; i++) {
        if (bn_slice_eq_str(asked->configuration_keys.v[i], name)) return true;
    }
    return false;
}

/* A copy in the arena: what was described dies before the answer. Null stays null. */
static bool keep(struct bn_request *r, const char *text, struct bn_slice *out) {
    *out = BN_SLICE_NULL;
    if (!text) return true;
    char *copy = bn_arena_copy(&r->arena, bn_slice_str(text));
    if (copy) *out = bn_slice_str(copy);
    return copy != NULL;
}

static bool add_synonyms(struct bn_request *r, const struct bn_conf_described *d,
                         struct kmsg_describe_configs_response_config *out) {
    out->synonyms.v = bn_arena_array(&r->arena, (size_t)d->synonym_count, sizeof *out->synonyms.v);
    if (!out->synonyms.v) return false;
    out->synonyms.n = d->synonym_count;
    for (int i = 0; i < d->synonym_count; i++) {
        out->synonyms.v[i].name = bn_slice_str(d->synonyms[i].name);
        out->synonyms.v[i].source = (int8_t)d->synonyms[i].source;
        if (!keep(r, d->sensitive ? NULL : d->synonyms[i].value, &out->synonyms.v[i].value)) return false;
    }
    return true;
}

static bool add_config(struct bn_request *r, const struct bn_conf_described *d,
                       struct kmsg_describe_configs_response_result *result) {
    const struct kmsg_describe_configs_request *q = r->message;
    struct kmsg_describe_configs_response_config *out = &result->configs.v[result->configs.n++];
    *out = kmsg_describe_configs_response_config_default;
    out->name = bn_slice_str(d->name);
    out->read_only = d->read_only;
    out->config_source = (int8_t)d->source;
    out->is_sensitive = d->sensitive;
    out->config_type = (int8_t)d->type;
    if (q->include_documentation) out->documentation = bn_slice_str(d->doc);
    if (!keep(r, d->sensitive ? NULL : d->value, &out->value)) return false;
    return !q->include_synonyms || add_synonyms(r, d, out);
}

static bool refuse(struct bn_request *r, struct kmsg_describe_configs_response_result *result, int16_t error,
                   const char *text) {
    result->error_code = error;
    return keep(r, text, &result->error_message);
}

static bool describe_topic(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                           struct kmsg_describe_configs_response_result *result) {
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    const struct bn_image_topic *topic = bn_image_topic(image, asked->resource_name);
    if (!topic) {
        bool good = bn_topic_name_good(asked->resource_name);
        /* For a topic that there is not, Kafka's message is empty, which its tools print as it is. */
        return good ? refuse(r, result, KE_UNKNOWN_TOPIC_OR_PARTITION, "")
                    : refuse(r, result, KE_INVALID_TOPIC_EXCEPTION, bn_errors_text(KE_INVALID_TOPIC_EXCEPTION));
    }
    const struct bn_image_config *set = bn_image_config(image, "topics", asked->resource_name);
    int count = set ? set->count : 0;
    struct bn_topic_conf_pair *pairs = bn_arena_array(&r->arena, (size_t)count, sizeof *pairs);
    result->configs.v = bn_arena_array(&r->arena, BN_TOPIC_CONF_COUNT, sizeof *result->configs.v);
    if (!pairs || !result->configs.v) return false;
    for (int i = 0; i < count; i++) {
        pairs[i] = (struct bn_topic_conf_pair){bn_slice_str(set->keys[i]), bn_slice_str(set->values[i])};
    }
    struct bn_topic_conf conf;
    bn_topic_conf_resolve(&conf, r->deps->conf, pairs, (size_t)count);
    bool fits = true;
    for (int key = 0; key < BN_TOPIC_CONF_COUNT && fits; key++) {
        if (!wanted(asked, bn_topic_conf_row((enum bn_topic_conf_key)key)->name)) continue;
        struct bn_conf_described d;
        bn_topic_conf_describe(&conf, r->deps->conf, (enum bn_topic_conf_key)key, &d);
        fits = add_config(r, &d, result);
    }
    bn_topic_conf_fini(&conf);
    return fits;
}

static bool describe_broker(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                            struct kmsg_describe_configs_response_result *result) {
    int64_t id = -1;
    char text[160];
    if (asked->resource_name.len == 0) return true; /* the cluster-wide defaults: none are set */
    if (!bn_slice_to_i64(asked->resource_name, &id)) {
        (void)snprintf(text, sizeof text, "Broker id must be an integer, but it is: %.*s",
                       (int)bn_min_size(asked->resource_name.len, 64), (const char *)asked->resource_name.ptr);
        return refuse(r, result, KE_INVALID_REQUEST, text);
    }
    if (id != r->deps->broker_id) {
        (void)snprintf(text, sizeof text, "Unexpected broker id, expected %d or empty string, but received %" PRId64,
                       r->deps->broker_id, id);
        return refuse(r, result, KE_INVALID_REQUEST, text);
    }
    result->configs.v = bn_arena_array(&r->arena, BN_CONF_COUNT, sizeof *result->configs.v);
    if (!result->configs.v) return false;
    for (int key = 0; key < BN_CONF_COUNT; key++) {
        if (!wanted(asked, bn_conf_row((enum bn_conf_key)key)->name)) continue;
        struct bn_conf_described d;
        bn_conf_describe(r->deps->conf, (enum bn_conf_key)key, &d);
        if (!add_config(r, &d, result)) return false;
    }
    return true;
}

static bool describe(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                     struct kmsg_describe_configs_response_result *result) {
    *result = kmsg_describe_configs_response_result_default;
    result->resource_type = asked->resource_type;
    result->resource_name = asked->resource_name;
    if (asked->resource_type == RESOURCE_TOPIC) return describe_topic(r, asked, result);
    if (asked->resource_type == RESOURCE_BROKER) return describe_broker(r, asked, result);
    return refuse(r, result, KE_INVALID_REQUEST, "Only topics and brokers have a configuration here.");
}

void bn_api_describe_configs(struct bn_request *r) {
    const struct kmsg_describe_configs_request *q = r->message;
    struct kmsg_describe_configs_response response = kmsg_describe_configs_response_default;
    size_t count = (size_t)bn_max_i64(q->resources.n, 0);
    response.results.v = bn_arena_array(&r->arena, count, sizeof *response.results.v);
    bool fits = response.results.v != NULL;
    r->arena.budget_bytes += bn_min_size(count * BUDGET_PER_RESOURCE, BUDGET_MAX_BYTES);
    for (size_t i = 0; i < count && fits; i++) {
        fits = describe(r, &q->resources.v[i], &response.results.v[response.results.n++]);
    }
    if (fits) bn_request_reply(r, &response);
    else bn_request_close(r, "a DescribeConfigs names more resources than are answered at once");
}
