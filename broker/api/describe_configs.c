/* describe_configs.c: DescribeConfigs 0-4: a topic's configuration (overrides over this broker's own over defaults)
 * and this broker's, row by row, with synonyms by precedence (KIP-226), types and documentation (KIP-569). Other
 * brokers describe themselves: a client that asks the wrong one made a mistake, and is told so as Kafka tells it. */
#include "broker/api/api.h"
#include "broker/api/topic_name.h"
#include "common/base/trace.h"
#include "common/conf/conf.h"
#include "common/conf/topic_conf.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4, RESOURCE_LOGGER = 8, RESOURCE_CLIENT_METRICS = 16 };

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
    out->documentation = q->include_documentation ? bn_slice_str(d->doc) : BN_SLICE_NULL;
    if (!keep(r, d->sensitive ? NULL : d->value, &out->value)) return false;
    return !q->include_synonyms || add_synonyms(r, d, out);
}

static bool refuse(struct bn_request *r, struct kmsg_describe_configs_response_result *result, int16_t error,
                   const char *text) {
    result->error_code = error;
    return keep(r, text, &result->error_message);
}

static const struct bn_conf *conf_now(const struct bn_request *r) {
    return r->deps->conf_now ? r->deps->conf_now(r->deps->arg, r->shard) : r->deps->conf;
}

static bool describe_topic(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                           struct kmsg_describe_configs_response_result *result) {
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    const struct bn_image_topic *topic = bn_image_topic(image, asked->resource_name);
    if (!topic) {
        /* For a topic that there is not, Kafka's message is empty, which its tools print as it is. */
        if (bn_topic_name_good(asked->resource_name)) return refuse(r, result, KE_UNKNOWN_TOPIC_OR_PARTITION, "");
        char why[700];
        bn_topic_name_explain(asked->resource_name, why, sizeof why);
        return refuse(r, result, KE_INVALID_TOPIC_EXCEPTION, why);
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
    bn_topic_conf_resolve(&conf, conf_now(r), pairs, (size_t)count);
    bool fits = true;
    for (int key = 0; key < BN_TOPIC_CONF_COUNT && fits; key++) {
        if (!wanted(asked, bn_topic_conf_row((enum bn_topic_conf_key)key)->name)) continue;
        struct bn_conf_described d;
        bn_topic_conf_describe(&conf, conf_now(r), (enum bn_topic_conf_key)key, &d);
        fits = add_config(r, &d, result);
    }
    bn_topic_conf_fini(&conf);
    return fits;
}

/* ---- brokers ---- */

static const struct bn_image_config *set_for(const struct bn_request *r, const char *name) {
    return bn_image_config(r->deps->image(r->deps->arg, r->shard), "brokers", bn_slice_str(name));
}

static const char *value_of(const struct bn_image_config *set, const char *name) {
    for (int i = 0; set && i < set->count; i++) {
        if (strcmp(set->keys[i], name) == 0) return set->values[i];
    }
    return NULL;
}

/* A key that is set at run time and has no row here. As Kafka: what nobody knows might be a secret. */
static void describe_other(const char *name, const char *own, const char *all, struct bn_conf_described *out) {
    bool listeners = strncmp(name, "listener.name.", 14) == 0;
    *out = (struct bn_conf_described){.name = name, .read_only = true, .sensitive = !listeners};
    out->type = listeners ? BN_CONF_STRING : BN_CONF_UNKNOWN;
    out->value = own ? own : all;
    out->source = own ? BN_CONF_FROM_BROKER : BN_CONF_FROM_CLUSTER;
    if (own) out->synonyms[out->synonym_count++] = (struct bn_conf_synonym){name, own, BN_CONF_FROM_BROKER};
    if (all) out->synonyms[out->synonym_count++] = (struct bn_conf_synonym){name, all, BN_CONF_FROM_CLUSTER};
}

/* More are not set by requests, and not shown when a person has set them. */
enum { OTHERS_MAX = 1000, OTHER_BYTES = 512 };

static bool add_others(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                       const struct bn_image_config *own, const struct bn_image_config *all,
                       struct kmsg_describe_configs_response_result *result) {
    const struct bn_image_config *sets[] = {own, all};
    for (int s = 0; s < 2; s++) {
        for (int i = 0; sets[s] && i < sets[s]->count && i < OTHERS_MAX; i++) {
            const char *name = sets[s]->keys[i], *mine = value_of(own, name);
            if (bn_conf_find(bn_slice_str(name)) >= 0 || !wanted(asked, name) || (s == 1 && mine)) continue;
            struct bn_conf_described d;
            describe_other(name, mine, value_of(all, name), &d);
            if (!add_config(r, &d, result)) return false;
        }
    }
    return true;
}

/* What is set for all brokers, and nothing that lies behind it. */
static bool describe_defaults(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                              struct kmsg_describe_configs_response_result *result) {
    const struct bn_image_config *all = set_for(r, "<default>");
    int count = all ? (int)bn_min_i64(all->count, OTHERS_MAX) : 0;
    if (r->arena.budget_bytes < BUDGET_MAX_BYTES) r->arena.budget_bytes += (size_t)count * OTHER_BYTES;
    result->configs.v = bn_arena_array(&r->arena, (size_t)count, sizeof *result->configs.v);
    if (!result->configs.v) return false;
    for (int i = 0; i < count; i++) {
        int key = bn_conf_find(bn_slice_str(all->keys[i]));
        if (key < 0 || !wanted(asked, all->keys[i])) continue;
        struct bn_conf_described d;
        bn_conf_describe(conf_now(r), (enum bn_conf_key)key, &d);
        d.value = all->values[i];
        d.source = BN_CONF_FROM_CLUSTER;
        d.synonym_count = 1;
        d.synonyms[0] = (struct bn_conf_synonym){d.name, d.value, BN_CONF_FROM_CLUSTER};
        if (!add_config(r, &d, result)) return false;
    }
    return add_others(r, asked, NULL, all, result);
}

static bool describe_broker(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                            struct kmsg_describe_configs_response_result *result) {
    if (asked->resource_name.len == 0) return describe_defaults(r, asked, result);
    char id[16];
    (void)snprintf(id, sizeof id, "%" PRId32, r->deps->broker_id);
    const struct bn_image_config *own = set_for(r, id), *all = set_for(r, "<default>");
    size_t others = (size_t)bn_min_i64(own ? own->count : 0, OTHERS_MAX) +
                    (size_t)bn_min_i64(all ? all->count : 0, OTHERS_MAX);
    size_t most = BN_CONF_COUNT + others;
    if (r->arena.budget_bytes < BUDGET_MAX_BYTES) r->arena.budget_bytes += others * OTHER_BYTES;
    result->configs.v = bn_arena_array(&r->arena, most, sizeof *result->configs.v);
    if (!result->configs.v) return false;
    for (int key = 0; key < BN_CONF_COUNT; key++) {
        if (!wanted(asked, bn_conf_row((enum bn_conf_key)key)->name)) continue;
        struct bn_conf_described d;
        bn_conf_describe(conf_now(r), (enum bn_conf_key)key, &d);
        bool exists = bn_conf_row((enum bn_conf_key)key)->mode != BN_CONF_RUNTIME || d.synonym_count > 0;
        if (exists && !add_config(r, &d, result)) return false;
    }
    return add_others(r, asked, own, all, result);
}

/* The one logger there is: the trace, by the name of log4j's topmost (KIP-412). */
static bool describe_logger(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                            struct kmsg_describe_configs_response_result *result) {
    result->configs.v = bn_arena_array(&r->arena, 1, sizeof *result->configs.v);
    if (!result->configs.v) return false;
    if (!wanted(asked, "root")) return true;
    struct bn_conf_described d = {.name = "root",
                                  .value = bn_trace_level_name(bn_trace_level()),
                                  .doc = "",
                                  .type = BN_CONF_UNKNOWN,
                                  .source = BN_CONF_FROM_LOGGER};
    if (!add_config(r, &d, result)) return false;
    result->configs.v[0].documentation = BN_SLICE_LIT(""); /* as Kafka's, asked for or not */
    return true;
}

/* Other brokers describe themselves. */
static bool names_us(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                     struct kmsg_describe_configs_response_result *result, bool *fits) {
    int64_t id = -1;
    char text[160];
    struct bn_slice name = bn_slice_of(asked->resource_name.ptr, bn_min_size(asked->resource_name.len, 64));
    bool logger = asked->resource_type == RESOURCE_LOGGER;
    if (asked->resource_name.len == 0 && !logger) return true;
    if (!bn_slice_to_i64(asked->resource_name, &id)) {
        (void)snprintf(text, sizeof text, "Broker id must be an integer, but it is: %.*s", BN_SLICE_FMT(name));
    } else if (id != r->deps->broker_id) {
        (void)snprintf(text, sizeof text, "Unexpected broker id, expected %d%s but received %.*s", r->deps->broker_id,
                       logger ? "" : " or empty string,", BN_SLICE_FMT(name));
    } else {
        return true;
    }
    *fits = refuse(r, result, KE_INVALID_REQUEST, text);
    return false;
}

/* What a person has set in ZooKeeper may be longer than an answer can carry. */
static bool can_be_told(const struct kmsg_describe_configs_response_result *result) {
    for (int32_t i = 0; i < result->configs.n; i++) {
        const struct kmsg_describe_configs_response_config *c = &result->configs.v[i];
        if (c->name.len > BN_CODEC_STRING_MAX || c->value.len > BN_CODEC_STRING_MAX) return false;
        for (int32_t k = 0; k < c->synonyms.n; k++)
            if (c->synonyms.v[k].value.len > BN_CODEC_STRING_MAX) return false;
    }
    return true;
}

static bool describe(struct bn_request *r, const struct kmsg_describe_configs_request_resource *asked,
                     struct kmsg_describe_configs_response_result *result) {
    bool fits = true;
    *result = kmsg_describe_configs_response_result_default;
    result->resource_type = asked->resource_type;
    result->resource_name = asked->resource_name;
    switch (asked->resource_type) {
    case RESOURCE_TOPIC:
        return describe_topic(r, asked, result);
    case RESOURCE_BROKER:
        return names_us(r, asked, result, &fits) ? describe_broker(r, asked, result) : fits;
    case RESOURCE_LOGGER:
        return names_us(r, asked, result, &fits) ? describe_logger(r, asked, result) : fits;
    case RESOURCE_CLIENT_METRICS:
        return refuse(r, result, KE_INVALID_REQUEST, "Config type client-metrics is only supported on KRaft clusters");
    default:
        return refuse(r, result, KE_INVALID_REQUEST, bn_errors_text(KE_INVALID_REQUEST));
    }
}

void bn_api_describe_configs(struct bn_request *r) {
    const struct kmsg_describe_configs_request *q = r->message;
    struct kmsg_describe_configs_response response = kmsg_describe_configs_response_default;
    size_t count = (size_t)bn_max_i64(q->resources.n, 0);
    response.results.v = bn_arena_array(&r->arena, count, sizeof *response.results.v);
    bool fits = response.results.v != NULL;
    r->arena.budget_bytes += bn_min_size(count * BUDGET_PER_RESOURCE, BUDGET_MAX_BYTES);
    for (size_t i = 0; i < count && fits; i++) {
        struct kmsg_describe_configs_response_result *result = &response.results.v[response.results.n++];
        fits = describe(r, &q->resources.v[i], result);
        if (!fits || can_be_told(result)) continue;
        result->configs.n = 0;
        fits = refuse(r, result, KE_UNKNOWN_SERVER_ERROR, bn_errors_text(KE_UNKNOWN_SERVER_ERROR)); /* as Kafka */
    }
    if (fits)
        bn_request_reply(r, &response);
    else
        bn_request_close(r, "a DescribeConfigs names more resources than are answered at once");
}
