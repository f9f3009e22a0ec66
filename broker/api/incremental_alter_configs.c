/* incremental_alter_configs.c: IncrementalAlterConfigs 0-1 (KIP-339). What is set for topics and brokers is decided by
 * the active controller; a request about loggers (KIP-412) alone is this broker's own: it has one, `root`, whose level
 * is that of the trace until the process ends. Texts are Kafka's. */
#include <stdarg.h>
#include <stdio.h>

#include "broker/api/api.h"
#include "broker/api/relay.h"
#include "common/base/trace.h"

enum { WAIT_MS = 30000, LOGGER = 8, SET = 0, DELETE = 1, APPEND = 2 };

static struct kmsg_incremental_alter_configs_response_response *answers(struct bn_request *r) {
    const struct kmsg_incremental_alter_configs_request *q = r->message;
    struct kmsg_incremental_alter_configs_response_response *v = bn_relay_rows(r, q->resources.n, sizeof *v);
    for (int32_t i = 0; v && i < q->resources.n; i++) {
        v[i] = kmsg_incremental_alter_configs_response_response_default;
        v[i].resource_type = q->resources.v[i].resource_type;
        v[i].resource_name = q->resources.v[i].resource_name;
        v[i].error_message = BN_SLICE_NULL;
    }
    return v;
}

static void reply(struct bn_request *r, struct kmsg_incremental_alter_configs_response_response *v) {
    const struct kmsg_incremental_alter_configs_request *q = r->message;
    struct kmsg_incremental_alter_configs_response response = kmsg_incremental_alter_configs_response_default;
    response.responses.v = v;
    response.responses.n = q->resources.n;
    bn_request_reply(r, &response);
}

static void refuse(struct bn_request *r, int16_t error) {
    const struct kmsg_incremental_alter_configs_request *q = r->message;
    struct kmsg_incremental_alter_configs_response_response *v = answers(r);
    for (int32_t i = 0; v && i < q->resources.n; i++) {
        v[i].error_code = error;
        v[i].error_message = bn_relay_text(error);
    }
    if (v) reply(r, v);
}

/* ---- loggers ---- */

static bool to_level(struct bn_slice name, enum bn_trace_level *out) {
    static const struct {
        const char *name;
        enum bn_trace_level level;
    } LEVELS[] = {{"TRACE", BN_TRACE_DEBUG}, {"DEBUG", BN_TRACE_DEBUG}, {"INFO", BN_TRACE_INFO},
                  {"WARN", BN_TRACE_WARN},   {"ERROR", BN_TRACE_ERROR}, {"FATAL", BN_TRACE_FATAL}};
    for (size_t i = 0; i < BN_ARRAY_LEN(LEVELS); i++) {
        if (!bn_slice_eq_str(name, LEVELS[i].name)) continue;
        *out = LEVELS[i].level;
        return true;
    }
    return false;
}

static int16_t BN_PRINTF(4, 5) say(struct bn_request *r, struct kmsg_incremental_alter_configs_response_response *to,
                                   int16_t error, const char *fmt, ...) {
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *copy = bn_arena_copy(&r->arena, bn_slice_str(text));
    to->error_code = error;
    to->error_message = bn_slice_str(copy);
    return error;
}

static int16_t check(struct bn_request *r, const struct kmsg_incremental_alter_configs_request_config *c,
                     struct kmsg_incremental_alter_configs_response_response *to) {
    enum bn_trace_level ignored;
    bool root = bn_slice_eq_str(c->name, "root");
    struct bn_slice name = bn_slice_of(c->name.ptr, bn_min_size(c->name.len, 100));
    struct bn_slice level = bn_slice_of(c->value.ptr, bn_min_size(c->value.len, 100));
    if (c->config_operation == SET && bn_slice_is_null(c->value))
        return say(r, to, KE_INVALID_REQUEST, "Null value not supported for : %.*s", BN_SLICE_FMT(name));
    if (c->config_operation < SET || c->config_operation > DELETE)
        return say(r, to, KE_INVALID_REQUEST, "%s operation is not allowed for the BROKER_LOGGER resource",
                   c->config_operation == APPEND ? "APPEND" : "SUBTRACT");
    if (!root) return say(r, to, KE_INVALID_CONFIG, "Logger %.*s does not exist!", BN_SLICE_FMT(name));
    if (c->config_operation == DELETE)
        return say(r, to, KE_INVALID_REQUEST, "Removing the log level of the root logger is not allowed");
    if (to_level(c->value, &ignored)) return KE_NONE;
    return say(r, to, KE_INVALID_CONFIG,
               "Cannot set the log level of %.*s to %.*s as it is not a supported log level. Valid log levels are "
               "DEBUG, ERROR, FATAL, INFO, TRACE, WARN",
               BN_SLICE_FMT(name), BN_SLICE_FMT(level));
}

static void alter_logger(struct bn_request *r, const struct kmsg_incremental_alter_configs_request_resource *asked,
                         struct kmsg_incremental_alter_configs_response_response *to) {
    const struct kmsg_incremental_alter_configs_request *q = r->message;
    struct bn_slice name = bn_slice_of(asked->resource_name.ptr, bn_min_size(asked->resource_name.len, 80));
    int64_t id;
    if (!bn_slice_to_i64(name, &id)) {
        (void)say(r, to, KE_INVALID_REQUEST, "Node id must be an integer, but it is: %.*s", BN_SLICE_FMT(name));
        return;
    }
    if (id != r->deps->broker_id) {
        (void)say(r, to, KE_INVALID_REQUEST, "Unexpected node id. Expected %d, but received %" PRId64,
                  r->deps->broker_id, id);
        return;
    }
    for (int32_t i = 0; i < asked->configs.n; i++)
        if (check(r, &asked->configs.v[i], to)) return;
    for (int32_t i = 0; i < asked->configs.n && !q->validate_only; i++) {
        enum bn_trace_level level = BN_TRACE_INFO;
        (void)to_level(asked->configs.v[i].value, &level);
        bn_trace_set_level(level);
    }
}

void bn_api_incremental_alter_configs(struct bn_request *r) {
    const struct kmsg_incremental_alter_configs_request *q = r->message;
    bool loggers = q->resources.n > 0;
    for (int32_t i = 0; i < q->resources.n; i++) loggers = loggers && q->resources.v[i].resource_type == LOGGER;
    if (!loggers) {
        bn_relay_admin(r, WAIT_MS, refuse);
        return;
    }
    struct kmsg_incremental_alter_configs_response_response *v = answers(r);
    for (int32_t i = 0; v && i < q->resources.n; i++) alter_logger(r, &q->resources.v[i], &v[i]);
    if (v) reply(r, v);
}
