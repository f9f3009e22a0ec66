/* admin.c: CreateTopics, DeleteTopics, CreatePartitions and ElectLeaders between Kafka's wire format and the brain's
 * events; changes of configs are admin_config.c's. Owns nothing but the arena of each request.
 *
 * Defaults are those of the broker that was asked: they come along with the request. A string with a NUL inside, which
 * no C string can hold, gets '?' in its place and so is no legal name any more. */
#include "controller/admin_int.h"

#include "common/base/check.h"
#include "common/base/map.h"
#include "common/conf/topic_conf.h"
#include "proto/kafka/codec.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"

enum { CREATE_TOPICS = 19, DELETE_TOPICS = 20, CREATE_PARTITIONS = 37, ELECT_LEADERS = 43 };
enum { CONFIGS_BYTES_MIN = 512 }; /* of one topic, on the wire */

void *bn_admin_take(struct bn_admin *a, int32_t count, size_t size) {
    return bn_arena_array(&a->arena, (size_t)(count > 0 ? count : 0) + 1, size);
}

const char *bn_admin_copy(struct bn_admin *a, struct bn_slice s) {
    if (bn_slice_is_null(s)) return NULL;
    char *text = bn_arena_copy(&a->arena, s);
    for (size_t i = 0; text && i < s.len; i++) {
        if (text[i] == '\0') text[i] = '?';
    }
    return text;
}

/* ---- the asked broker's defaults ---- */

static const char *default_of(const Bn__AdminRequest *in, const char *name) {
    for (size_t i = 0; i < in->n_broker_defaults; i++) {
        if (strcmp(in->broker_defaults[i]->name, name) == 0) return in->broker_defaults[i]->value;
    }
    return NULL;
}

static int32_t default_number(const Bn__AdminRequest *in, const char *name, int32_t otherwise, int32_t max) {
    const char *text = default_of(in, name);
    int64_t value;
    if (!text || !bn_slice_to_i64(bn_slice_str(text), &value) || value < 1 || value > max) return otherwise;
    return (int32_t)value;
}

static bool default_bool(const Bn__AdminRequest *in, const char *name, bool otherwise) {
    const char *text = default_of(in, name);
    return text ? strcmp(text, "true") == 0 : otherwise;
}

/* ---- CreateTopics ---- */

static bool take_configs(struct bn_admin *a, const struct kmsg_create_topics_request_topic *in,
                         struct bn_event_create_topic *out) {
    struct bn_fact_pair *pairs = bn_admin_take(a, in->configs.n, sizeof *pairs);
    struct bn_topic_conf_pair *checked = bn_admin_take(a, in->configs.n, sizeof *checked);
    if (!pairs || !checked) return false;
    out->configs = pairs;
    out->config_count = in->configs.n;
    for (int32_t i = 0; i < in->configs.n; i++) {
        checked[i] = (struct bn_topic_conf_pair){in->configs.v[i].name, in->configs.v[i].value};
        pairs[i] = (struct bn_fact_pair){bn_admin_copy(a, in->configs.v[i].name),
                                         bn_admin_copy(a, in->configs.v[i].value)};
        if (!pairs[i].name) return false;
        if (pairs[i].value || out->config_error) continue;
        out->config_error = KE_INVALID_CONFIG;
        out->config_message = bn_arena_printf(&a->arena, "Null value not supported for topic configs: %.900s",
                                              pairs[i].name);
    }
    struct bn_err e = BN_ERR_NONE;
    if (!out->config_error && bn_topic_conf_validate(checked, (size_t)in->configs.n, &e) != BN_OK) {
        out->config_error = KE_INVALID_CONFIG;
        out->config_message = bn_admin_copy(a, bn_slice_str(e.text));
    }
    return true;
}

static bool take_assignments(struct bn_admin *a, const struct kmsg_create_topics_request_topic *in,
                             struct bn_event_create_topic *out) {
    struct bn_event_assignment *to = bn_admin_take(a, in->assignments.n, sizeof *to);
    if (!to) return false;
    for (int32_t i = 0; i < in->assignments.n; i++) {
        const struct kmsg_create_topics_request_assignment *from = &in->assignments.v[i];
        to[i] = (struct bn_event_assignment){from->partition_index, {from->broker_ids.v, from->broker_ids.n}};
    }
    out->assignments = to;
    out->assignment_count = in->assignments.n;
    return true;
}

static bool take_create_topics(struct bn_admin *a, const Bn__AdminRequest *in) {
    const struct kmsg_create_topics_request *r = a->request;
    struct bn_event_create_topic *topics = bn_admin_take(a, r->topics.n, sizeof *topics);
    if (!topics) return false;
    for (int32_t i = 0; i < r->topics.n; i++) {
        const struct kmsg_create_topics_request_topic *from = &r->topics.v[i];
        topics[i] = (struct bn_event_create_topic){.name = bn_admin_copy(a, from->name),
                                                   .num_partitions = from->num_partitions,
                                                   .replication_factor = from->replication_factor};
        if (!topics[i].name || !take_assignments(a, from, &topics[i]) || !take_configs(a, from, &topics[i]))
            return false;
    }
    a->event = (struct bn_event){.kind = BN_EVENT_CREATE_TOPICS};
    a->event.u.create_topics = (struct bn_event_create_topics){
        .timeout_ms = r->timeout_ms,
        .validate_only = r->validate_only,
        .num_partitions = default_number(in, "num.partitions", 1, INT32_MAX),
        .default_replication_factor = (int16_t)default_number(in, "default.replication.factor", 1, INT16_MAX),
        .topics = topics,
        .topic_count = r->topics.n,
    };
    return true;
}

static const struct kmsg_create_topics_request_topic *asked(const struct kmsg_create_topics_request *r, int32_t at) {
    return at < r->topics.n ? &r->topics.v[at] : NULL;
}

/* All configs of the new topic, as Kafka tells them. */
static void tell_configs(struct bn_admin *a, const struct bn_conf *conf,
                         const struct kmsg_create_topics_request_topic *in,
                         struct kmsg_create_topics_response_topic *out) {
    struct kmsg_create_topics_response_config *rows = bn_admin_take(a, BN_TOPIC_CONF_COUNT, sizeof *rows);
    struct bn_topic_conf_pair *pairs = bn_admin_take(a, in->configs.n, sizeof *pairs);
    if (!rows || !pairs) return;
    for (int32_t i = 0; i < in->configs.n; i++) {
        pairs[i] = (struct bn_topic_conf_pair){in->configs.v[i].name, in->configs.v[i].value};
    }
    struct bn_topic_conf t;
    bn_topic_conf_resolve(&t, conf, pairs, (size_t)in->configs.n);
    for (int k = 0; k < BN_TOPIC_CONF_COUNT; k++) {
        struct bn_conf_described d;
        bn_topic_conf_describe(&t, conf, (enum bn_topic_conf_key)k, &d);
        rows[k] = (struct kmsg_create_topics_response_config){
            .name = bn_slice_str(d.name),
            .value = bn_slice_str(d.value ? bn_admin_copy(a, bn_slice_str(d.value)) : NULL),
            .read_only = d.read_only,
            .config_source = (int8_t)d.source,
            .is_sensitive = d.sensitive,
        };
    }
    bn_topic_conf_fini(&t);
    out->configs.v = rows;
    out->configs.n = BN_TOPIC_CONF_COUNT;
}

static void encode_create_topics(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out) {
    struct kmsg_create_topics_response m = kmsg_create_topics_response_default;
    m.topics.v = bn_admin_take(a, r->topic_count, sizeof *m.topics.v);
    BN_ASSERT(m.topics.v);
    m.topics.n = r->topic_count;
    for (int32_t i = 0; i < r->topic_count; i++) {
        const struct bn_output_topic_result *from = &r->topics[i];
        struct kmsg_create_topics_response_topic *to = &m.topics.v[i];
        *to = kmsg_create_topics_response_topic_default;
        to->name = bn_slice_str(from->name);
        to->topic_id = from->id;
        to->error_code = from->error;
        to->error_message = bn_admin_text(a, from->message);
        to->configs.n = -1;
        if (from->error) continue;
        to->num_partitions = from->num_partitions;
        to->replication_factor = from->replication_factor;
        const struct kmsg_create_topics_request_topic *in = asked(a->request, i);
        if (a->version >= 5) to->configs.n = 0;
        if (a->version >= 5 && in && a->telling < BN_ADMIN_NO_CONFIGS) tell_configs(a, a->conf, in, to);
    }
    bn_codec_encode(&kmsg_create_topics_response_desc, a->version, &m, out);
}

/* ---- DeleteTopics ---- */

static bool take_delete_topics(struct bn_admin *a, const Bn__AdminRequest *in) {
    const struct kmsg_delete_topics_request *r = a->request;
    int32_t n = a->version >= 6 ? r->topics.n : r->topic_names.n;
    struct bn_event_delete_topic *topics = bn_admin_take(a, n, sizeof *topics);
    if (!topics) return false;
    for (int32_t i = 0; i < n; i++) {
        struct bn_slice name = a->version >= 6 ? r->topics.v[i].name : r->topic_names.v[i];
        topics[i].name = bn_admin_copy(a, name);
        if (!topics[i].name && !bn_slice_is_null(name)) return false;
        if (a->version >= 6) topics[i].id = r->topics.v[i].topic_id;
    }
    a->event = (struct bn_event){.kind = BN_EVENT_DELETE_TOPICS};
    a->event.u.delete_topics = (struct bn_event_delete_topics){
        .timeout_ms = r->timeout_ms,
        .api_version = (int16_t)a->version,
        .delete_topic_enable = default_bool(in, "delete.topic.enable", true),
        .topics = topics,
        .topic_count = n,
    };
    return true;
}

static void encode_delete_topics(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out) {
    struct kmsg_delete_topics_response m = kmsg_delete_topics_response_default;
    m.responses.v = bn_admin_take(a, r->topic_count, sizeof *m.responses.v);
    BN_ASSERT(m.responses.v);
    m.responses.n = r->topic_count;
    for (int32_t i = 0; i < r->topic_count; i++) {
        const struct bn_output_topic_result *from = &r->topics[i];
        m.responses.v[i] = (struct kmsg_delete_topics_response_response){
            .name = bn_slice_str(from->name || a->version >= 6 ? from->name : ""),
            .topic_id = from->id,
            .error_code = from->error,
            .error_message = bn_admin_text(a, from->message),
        };
    }
    bn_codec_encode(&kmsg_delete_topics_response_desc, a->version, &m, out);
}

/* ---- CreatePartitions ---- */

static bool take_create_partitions(struct bn_admin *a) {
    const struct kmsg_create_partitions_request *r = a->request;
    struct bn_event_add_partitions *topics = bn_admin_take(a, r->topics.n, sizeof *topics);
    if (!topics) return false;
    for (int32_t i = 0; i < r->topics.n; i++) {
        const struct kmsg_create_partitions_request_topic *from = &r->topics.v[i];
        struct bn_fact_ids *ids = bn_admin_take(a, from->assignments.n, sizeof *ids);
        topics[i] = (struct bn_event_add_partitions){.name = bn_admin_copy(a, from->name),
                                                     .count = from->count,
                                                     .has_assignments = from->assignments.n >= 0,
                                                     .assignments = ids,
                                                     .assignment_count = from->assignments.n > 0 ? from->assignments.n
                                                                                                 : 0};
        if (!topics[i].name || !ids) return false;
        for (int32_t n = 0; n < from->assignments.n; n++) {
            ids[n] = (struct bn_fact_ids){from->assignments.v[n].broker_ids.v, from->assignments.v[n].broker_ids.n};
        }
    }
    a->event = (struct bn_event){.kind = BN_EVENT_CREATE_PARTITIONS};
    a->event.u.create_partitions = (struct bn_event_create_partitions){
        .timeout_ms = r->timeout_ms, .validate_only = r->validate_only, .topics = topics, .topic_count = r->topics.n};
    return true;
}

static void encode_create_partitions(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out) {
    struct kmsg_create_partitions_response m = kmsg_create_partitions_response_default;
    m.results.v = bn_admin_take(a, r->topic_count, sizeof *m.results.v);
    BN_ASSERT(m.results.v);
    struct bn_map told;
    bn_map_init(&told);
    for (int32_t i = 0; i < r->topic_count; i++) {
        if (bn_map_put(&told, bn_slice_str(r->topics[i].name), &told)) continue; /* asked for twice: told once */
        m.results.v[m.results.n++] = (struct kmsg_create_partitions_response_result){
            bn_slice_str(r->topics[i].name), r->topics[i].error, bn_admin_text(a, r->topics[i].message)};
    }
    bn_map_fini(&told);
    bn_codec_encode(&kmsg_create_partitions_response_desc, a->version, &m, out);
}

/* ---- ElectLeaders ---- */

static bool take_elect_leaders(struct bn_admin *a) {
    const struct kmsg_elect_leaders_request *r = a->request;
    int32_t count = 0, at = 0;
    for (int32_t i = 0; i < r->topic_partitions.n; i++) count += r->topic_partitions.v[i].partitions.n;
    struct bn_event_elect *list = bn_admin_take(a, count, sizeof *list);
    if (!list) return false;
    for (int32_t i = 0; i < r->topic_partitions.n; i++) {
        const char *topic = bn_admin_copy(a, r->topic_partitions.v[i].topic);
        if (!topic) return false;
        for (int32_t n = 0; n < r->topic_partitions.v[i].partitions.n; n++)
            list[at++] = (struct bn_event_elect){topic, r->topic_partitions.v[i].partitions.v[n]};
    }
    a->event = (struct bn_event){.kind = BN_EVENT_ELECT_LEADERS};
    a->event.u.elect_leaders = (struct bn_event_elect_leaders){.timeout_ms = r->timeout_ms,
                                                               .unclean = r->election_type == 1,
                                                               .all = r->topic_partitions.n < 0,
                                                               .partitions = list,
                                                               .partition_count = count};
    return r->election_type == 0 || r->election_type == 1;
}

/* A topic's results stand together, as they were asked for. */
static void encode_elect_leaders(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out) {
    struct kmsg_elect_leaders_response m = kmsg_elect_leaders_response_default;
    struct kmsg_elect_leaders_response_replica_election_result *topics = bn_admin_take(a, r->topic_count,
                                                                                       sizeof *topics);
    struct kmsg_elect_leaders_response_partition_result *rows = bn_admin_take(a, r->topic_count, sizeof *rows);
    BN_ASSERT(topics && rows);
    m.replica_election_results.v = topics;
    m.replica_election_results.n = 0;
    for (int32_t i = 0; i < r->topic_count; i++) {
        const struct bn_output_topic_result *from = &r->topics[i];
        bool same = i > 0 && strcmp(r->topics[i - 1].name, from->name) == 0;
        if (!same) {
            int32_t at = m.replica_election_results.n++;
            topics[at] = kmsg_elect_leaders_response_replica_election_result_default;
            topics[at].topic = bn_slice_str(from->name);
            topics[at].partition_result.v = &rows[i];
            topics[at].partition_result.n = 0;
        }
        topics[m.replica_election_results.n - 1].partition_result.n++;
        rows[i] = (struct kmsg_elect_leaders_response_partition_result){from->partition, from->error,
                                                                        bn_admin_text(a, from->message)};
    }
    bn_codec_encode(&kmsg_elect_leaders_response_desc, a->version, &m, out);
}

/* ---- the door ---- */

int16_t bn_admin_decode(struct bn_admin *a, const struct bn_controller *c, const Bn__AdminRequest *in) {
    a->api_key = in->api_key;
    a->version = in->api_version;
    a->conf = c->config.conf;
    bool known = a->api_key == CREATE_TOPICS || a->api_key == DELETE_TOPICS || a->api_key == CREATE_PARTITIONS ||
                 a->api_key == ELECT_LEADERS || bn_admin_config_is(a);
    const struct bn_codec_desc *desc = known ? bn_codec_request(a->api_key) : NULL;
    if (!desc || a->version < bn_codec_min_version(desc) || a->version > bn_codec_max_version(desc)) {
        return KE_UNSUPPORTED_VERSION;
    }
    a->request = bn_arena_alloc(&a->arena, bn_codec_struct_size(desc));
    struct bn_slice body = bn_slice_of(in->body.data, in->body.len);
    struct bn_err e = BN_ERR_NONE;
    if (!a->request || bn_codec_decode(desc, a->version, body, &a->arena, a->request, &e) != BN_OK)
        return KE_INVALID_REQUEST;
    bool ok = false;
    if (a->api_key == CREATE_TOPICS) ok = take_create_topics(a, in);
    if (a->api_key == DELETE_TOPICS) ok = take_delete_topics(a, in);
    if (a->api_key == CREATE_PARTITIONS) ok = take_create_partitions(a);
    if (bn_admin_config_is(a)) ok = bn_admin_config_take(a, in);
    if (a->api_key == ELECT_LEADERS) ok = take_elect_leaders(a);
    return ok ? KE_NONE : KE_INVALID_REQUEST;
}

static void encode(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out) {
    if (a->api_key == CREATE_TOPICS)
        encode_create_topics(a, r, out);
    else if (a->api_key == DELETE_TOPICS)
        encode_delete_topics(a, r, out);
    else if (bn_admin_config_is(a))
        bn_admin_config_encode(a, r, out);
    else if (a->api_key == ELECT_LEADERS)
        encode_elect_leaders(a, r, out);
    else
        encode_create_partitions(a, r, out);
}

void bn_admin_encode(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out) {
    a->arena.budget_bytes = SIZE_MAX / 2; /* what follows is of our making */
    bool many = r->topic_count > BN_ADMIN_ANSWER_MAX / CONFIGS_BYTES_MIN;
    for (a->telling = many ? BN_ADMIN_NO_CONFIGS : BN_ADMIN_ALL;; a->telling++) {
        encode(a, r, out);
        if (out->size_bytes <= BN_ADMIN_ANSWER_MAX || a->telling == BN_ADMIN_CODES) return;
        bn_chain_fini(out);
        bn_chain_init(out);
    }
}

void bn_admin_fini(struct bn_admin *a) { bn_arena_fini(&a->arena); }
