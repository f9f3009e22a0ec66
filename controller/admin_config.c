/* admin_config.c: AlterConfigs and IncrementalAlterConfigs between Kafka's wire format and the brain's event. What the
 * request itself tells is judged here, in the order and the words of Kafka's ConfigAdminManager; what depends on the
 * overrides that are set now is config_rules.c's. Both requests become one event: AlterConfigs replaces all that is
 * set by what it sets. */
#include "common/base/check.h"
#include "common/base/map.h"
#include "controller/admin_int.h"
#include "proto/kafka/codec.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"

enum { ALTER_CONFIGS = 33, INCREMENTAL_ALTER_CONFIGS = 44 };
enum { TOPIC = 2, BROKER = 4, LOGGER = 8, CLIENT_METRICS = 16 };

bool bn_admin_config_is(const struct bn_admin *a) {
    return a->api_key == ALTER_CONFIGS || a->api_key == INCREMENTAL_ALTER_CONFIGS;
}

static void refuse(struct bn_event_alter_config *to, int16_t error, const char *message) {
    if (to->error) return;
    to->error = error;
    to->message = message;
}

/* ---- what both requests have ---- */

struct source { /* one resource of either */
    int8_t type;
    struct bn_slice name;
    int32_t config_count;
};

static struct source source_at(const struct bn_admin *a, int32_t at) {
    if (a->api_key == ALTER_CONFIGS) {
        const struct kmsg_alter_configs_request *r = a->request;
        return (struct source){r->resources.v[at].resource_type, r->resources.v[at].resource_name,
                               r->resources.v[at].configs.n};
    }
    const struct kmsg_incremental_alter_configs_request *r = a->request;
    return (struct source){r->resources.v[at].resource_type, r->resources.v[at].resource_name,
                           r->resources.v[at].configs.n};
}

static int32_t source_count(const struct bn_admin *a) {
    int32_t n = a->api_key == ALTER_CONFIGS
                    ? ((const struct kmsg_alter_configs_request *)a->request)->resources.n
                    : ((const struct kmsg_incremental_alter_configs_request *)a->request)->resources.n;
    return n > 0 ? n : 0;
}

/* One config as an operation; its kind is -1 when there is no such operation. */
static int config_at(const struct bn_admin *a, int32_t at, int32_t i, struct bn_slice *name, struct bn_slice *value) {
    if (a->api_key == ALTER_CONFIGS) {
        const struct kmsg_alter_configs_request *r = a->request;
        *name = r->resources.v[at].configs.v[i].name;
        *value = r->resources.v[at].configs.v[i].value;
        return BN_EVENT_CONFIG_SET;
    }
    const struct kmsg_incremental_alter_configs_request *r = a->request;
    *name = r->resources.v[at].configs.v[i].name;
    *value = r->resources.v[at].configs.v[i].value;
    int kind = r->resources.v[at].configs.v[i].config_operation;
    return kind >= BN_EVENT_CONFIG_SET && kind <= BN_EVENT_CONFIG_SUBTRACT ? kind : -1;
}

/* ---- judging ---- */

static const char *null_values(struct bn_admin *a, const struct bn_event_alter_config *c) {
    const char *names = NULL;
    for (int32_t i = 0; i < c->op_count; i++) {
        if (c->ops[i].value || c->ops[i].kind == BN_EVENT_CONFIG_DELETE) continue;
        names = bn_arena_printf(&a->arena, "%.600s%s%.300s", names ? names : "", names ? ", " : "", c->ops[i].name);
        if (!names) return "";
    }
    return names;
}

static void check_ops(struct bn_admin *a, struct bn_event_alter_config *to) {
    struct bn_map seen;
    bool twice = false, strange = false;
    bn_map_init(&seen);
    for (int32_t i = 0; i < to->op_count; i++) {
        twice = bn_map_put(&seen, bn_slice_str(to->ops[i].name), to) || twice;
        strange = strange || (int)to->ops[i].kind < 0;
    }
    bn_map_fini(&seen);
    const char *nulls = null_values(a, to);
    if (twice) refuse(to, KE_INVALID_REQUEST, "Error due to duplicate config keys");
    if (nulls) refuse(to, KE_INVALID_REQUEST, bn_arena_printf(&a->arena, "Null value not supported for : %s", nulls));
    if (strange) refuse(to, KE_UNKNOWN_SERVER_ERROR, NULL); /* Kafka stumbles over it */
}

/* An integer as Java reads one. */
static bool to_id(struct bn_slice s, int64_t *out) {
    if (s.len > 1 && s.ptr[0] == '+' && s.ptr[1] != '-') s = bn_slice_of(s.ptr + 1, s.len - 1);
    return bn_slice_to_i64(s, out) && *out >= INT32_MIN && *out <= INT32_MAX;
}

static void name_broker(struct bn_admin *a, struct bn_slice name, int32_t asked, struct bn_event_alter_config *to) {
    int64_t id = -1;
    to->type = "brokers";
    to->name = "<default>";
    if (name.len == 0) return;
    if (!to_id(name, &id)) {
        refuse(to, KE_INVALID_REQUEST,
               bn_arena_printf(&a->arena, "Node id must be an integer, but it is: %.80s", to->told_name));
    } else if (id != asked) {
        refuse(to, KE_INVALID_REQUEST,
               bn_arena_printf(&a->arena, "Unexpected broker id, expected %" PRId32 ", but received %.80s", asked,
                               to->told_name));
    }
    to->name = bn_arena_printf(&a->arena, "%" PRId64, id);
}

static void name_entity(struct bn_admin *a, const struct source *from, int32_t asked,
                        struct bn_event_alter_config *to) {
    to->type = "topics";
    to->name = to->told_name;
    switch (from->type) {
    case TOPIC:
        if (from->name.len == 0) refuse(to, KE_INVALID_REQUEST, "Default topic resources are not allowed.");
        return;
    case BROKER:
        name_broker(a, from->name, asked, to);
        return;
    case LOGGER: /* IncrementalAlterConfigs of loggers alone is the asked broker's own to answer */
        if (a->api_key != INCREMENTAL_ALTER_CONFIGS) break;
        refuse(to, KE_INVALID_REQUEST, "The loggers of a broker are changed by a request of their own.");
        return;
    case CLIENT_METRICS:
        refuse(to, KE_INVALID_REQUEST,
               "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS");
        return;
    default:
        break;
    }
    refuse(to, KE_INVALID_REQUEST, bn_arena_printf(&a->arena, "Unknown resource type %d", from->type));
}

/* ---- the event ---- */

static bool take_ops(struct bn_admin *a, int32_t at, int32_t count, struct bn_event_alter_config *to) {
    struct bn_event_config_op *ops = bn_admin_take(a, count, sizeof *ops);
    to->ops = ops;
    for (int32_t i = 0; ops && i < count; i++, to->op_count++) {
        struct bn_slice name, value;
        int kind = config_at(a, at, i, &name, &value);
        ops[i].kind = (__typeof__(ops[i].kind))kind;
        ops[i].name = bn_admin_copy(a, name);
        ops[i].value = bn_admin_copy(a, value);
        if (!ops[i].name || (!bn_slice_is_null(value) && !ops[i].value)) return false;
    }
    return ops != NULL;
}

/* Each resource that is named more than once is refused, every time. */
static bool refuse_repeated(struct bn_admin *a, struct bn_event_alter_config *to, int32_t count) {
    struct bn_map seen;
    bool fits = true;
    bn_map_init(&seen);
    for (int32_t i = 0; i < count && fits; i++) {
        const char *key = bn_arena_printf(&a->arena, "%d/%s", source_at(a, i).type, to[i].told_name);
        fits = key != NULL;
        struct bn_event_alter_config *before = fits ? bn_map_put(&seen, bn_slice_str(key), &to[i]) : NULL;
        if (!before) continue;
        refuse(before, KE_INVALID_REQUEST, "Each resource must appear at most once.");
        refuse(&to[i], KE_INVALID_REQUEST, "Each resource must appear at most once.");
    }
    bn_map_fini(&seen);
    return fits;
}

bool bn_admin_config_take(struct bn_admin *a, const Bn__AdminRequest *in) {
    int32_t count = source_count(a);
    struct bn_event_alter_config *to = bn_admin_take(a, count, sizeof *to);
    if (!to) return false;
    memset(to, 0, (size_t)count * sizeof *to);
    for (int32_t i = 0; i < count; i++) {
        struct source from = source_at(a, i);
        to[i].told_name = bn_admin_copy(a, from.name);
        to[i].replace = a->api_key == ALTER_CONFIGS;
        if (!to[i].told_name || !take_ops(a, i, from.config_count > 0 ? from.config_count : 0, &to[i])) return false;
    }
    if (!refuse_repeated(a, to, count)) return false;
    for (int32_t i = 0; i < count; i++) {
        struct source from = source_at(a, i);
        check_ops(a, &to[i]);
        name_entity(a, &from, in->broker_id, &to[i]);
        if (!to[i].name) return false;
    }
    a->event = (struct bn_event){.kind = BN_EVENT_ALTER_CONFIGS};
    a->event.u.alter_configs.entities = to;
    a->event.u.alter_configs.entity_count = count;
    a->event.u.alter_configs.validate_only =
        a->api_key == ALTER_CONFIGS
            ? ((const struct kmsg_alter_configs_request *)a->request)->validate_only
            : ((const struct kmsg_incremental_alter_configs_request *)a->request)->validate_only;
    return true;
}

static void encode_alter(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out) {
    struct kmsg_alter_configs_response m = kmsg_alter_configs_response_default;
    m.responses.v = bn_admin_take(a, r->topic_count, sizeof *m.responses.v);
    BN_ASSERT(m.responses.v);
    m.responses.n = r->topic_count;
    for (int32_t i = 0; i < r->topic_count; i++) {
        struct source from = source_at(a, i);
        m.responses.v[i] = (struct kmsg_alter_configs_response_response){
            r->topics[i].error, bn_admin_text(a, r->topics[i].message), from.type, from.name};
    }
    bn_codec_encode(&kmsg_alter_configs_response_desc, a->version, &m, out);
}

static void encode_incremental(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out) {
    struct kmsg_incremental_alter_configs_response m = kmsg_incremental_alter_configs_response_default;
    m.responses.v = bn_admin_take(a, r->topic_count, sizeof *m.responses.v);
    BN_ASSERT(m.responses.v);
    m.responses.n = r->topic_count;
    for (int32_t i = 0; i < r->topic_count; i++) {
        struct source from = source_at(a, i);
        m.responses.v[i] = (struct kmsg_incremental_alter_configs_response_response){
            r->topics[i].error, bn_admin_text(a, r->topics[i].message), from.type, from.name};
    }
    bn_codec_encode(&kmsg_incremental_alter_configs_response_desc, a->version, &m, out);
}

void bn_admin_config_encode(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out) {
    BN_ASSERT(r->topic_count <= source_count(a));
    if (a->api_key == ALTER_CONFIGS)
        encode_alter(a, r, out);
    else
        encode_incremental(a, r, out);
}
