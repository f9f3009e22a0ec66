/* config.c: describe and change the configs of topics and brokers (9-tools 9.5): DescribeConfigs and
 * IncrementalAlterConfigs (KIP-339), so that nobody's concurrent change of another key is lost.
 */
#include "tools/config.h"

#include <stdio.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/command.h"
#include "tools/jsonout.h"

enum { API_DESCRIBE_CONFIGS = 32, API_INCREMENTAL_ALTER_CONFIGS = 44, OPERATION_SET = 0, OPERATION_DELETE = 1 };
enum { SOURCE_TOPIC = 1, SOURCE_BROKER = 2, SOURCE_DEFAULT_BROKER = 3 };

static const char *const sources[] = {
    "UNKNOWN",
    "DYNAMIC_TOPIC_CONFIG",
    "DYNAMIC_BROKER_CONFIG",
    "DYNAMIC_DEFAULT_BROKER_CONFIG",
    "STATIC_BROKER_CONFIG",
    "DEFAULT_CONFIG",
    "DYNAMIC_BROKER_LOGGER_CONFIG",
};

static const char *source_name(int8_t source) {
    return source > 0 && (size_t)source < BN_ARRAY_LEN(sources) ? sources[source] : sources[0];
}

const char *bn_config_kind_name(enum bn_config_kind kind) {
    return kind == BN_CONFIG_TOPIC ? "topic" : kind == BN_CONFIG_BROKER ? "broker" : "broker-logger";
}

void bn_config_fini(struct bn_config_task *t) {
    bn_alloc_free(t->set);
    bn_alloc_free(t->drop);
}

/* Says what failed; the exit code. */
static int fail(const struct bn_config_task *t, struct bn_session *s, const char *name, int code,
                struct bn_slice message) {
    char exception[BN_ADMIN_EXCEPTION_MAX];
    message = bn_admin_message(message, code);
    fflush(stdout);
    if (t->kafka)
        fprintf(stderr, "%s\n%s: %.*s\n", t->failed, bn_admin_exception(code, exception), BN_SLICE_FMT(message));
    else
        fprintf(stderr, "%s: %s \"%s\": %.*s (%s)\n", t->options->program, bn_config_kind_name(t->kind), name,
                BN_SLICE_FMT(message), bn_errors_name(code));
    if (code == KE_UNKNOWN_TOPIC_OR_PARTITION && s) bn_admin_suggest_topic(s, bn_slice_str(name));
    return BN_COMMAND_FAILED;
}

/* A broker is asked about itself: only it knows what its file says. */
static void *ask(const struct bn_config_task *t, struct bn_session *s, const char *name, int api, void *request) {
    int64_t id = BN_SESSION_ANY;
    if (t->kind != BN_CONFIG_TOPIC && *name && !bn_slice_to_i64(bn_slice_str(name), &id)) return NULL;
    return bn_session_call_broker(s, (int32_t)id, api, request);
}

/* The configs of one entity; NULL after telling. */
static const struct kmsg_describe_configs_response_result *read_configs(const struct bn_config_task *t,
                                                                        struct bn_session *s, const char *name) {
    struct kmsg_describe_configs_request_resource resource = kmsg_describe_configs_request_resource_default;
    struct kmsg_describe_configs_request q = kmsg_describe_configs_request_default;
    resource.resource_type = (int8_t)t->kind;
    resource.resource_name = bn_slice_str(name);
    resource.configuration_keys.n = -1;
    q.resources.v = &resource;
    q.resources.n = 1;
    q.include_synonyms = true;
    struct kmsg_describe_configs_response *r = ask(t, s, name, API_DESCRIBE_CONFIGS, &q);
    if (!r || r->results.n != 1) return NULL;
    if (r->results.v[0].error_code == KE_NONE) return &r->results.v[0];
    (void)fail(t, s, name, r->results.v[0].error_code, r->results.v[0].error_message);
    return NULL;
}

/* Was it set for this very entity? */
static bool is_own(const struct bn_config_task *t, const char *name, int8_t source) {
    if (t->kind == BN_CONFIG_LOGGER) return true;
    return source == (t->kind == BN_CONFIG_TOPIC ? SOURCE_TOPIC : *name ? SOURCE_BROKER : SOURCE_DEFAULT_BROKER);
}

static const char *or_null(struct bn_slice s) { return s.ptr ? "" : "null"; }

static void print_config(const struct kmsg_describe_configs_response_config *c) {
    printf("  %.*s=%.*s%s sensitive=%s synonyms={", BN_SLICE_FMT(c->name), BN_SLICE_FMT(c->value), or_null(c->value),
           c->is_sensitive ? "true" : "false");
    for (int32_t i = 0; i < c->synonyms.n; i++) {
        const struct kmsg_describe_configs_response_synonym *y = &c->synonyms.v[i];
        printf("%s%s:%.*s=%.*s%s", i ? ", " : "", source_name(y->source), BN_SLICE_FMT(y->name), BN_SLICE_FMT(y->value),
               or_null(y->value));
    }
    puts("}");
}

static void json_config(struct bn_jsonout *j, const struct kmsg_describe_configs_response_config *c) {
    bn_jsonout_object(j, NULL);
    bn_jsonout_text(j, "name", c->name);
    bn_jsonout_text(j, "value", c->value);
    bn_jsonout_text(j, "source", bn_slice_str(source_name(c->config_source)));
    bn_jsonout_bool(j, "sensitive", c->is_sensitive);
    bn_jsonout_bool(j, "readOnly", c->read_only);
    bn_jsonout_array(j, "synonyms");
    for (int32_t i = 0; i < c->synonyms.n; i++) {
        bn_jsonout_object(j, NULL);
        bn_jsonout_text(j, "source", bn_slice_str(source_name(c->synonyms.v[i].source)));
        bn_jsonout_text(j, "name", c->synonyms.v[i].name);
        bn_jsonout_text(j, "value", c->synonyms.v[i].value);
        bn_jsonout_end(j);
    }
    bn_jsonout_end(j);
    bn_jsonout_end(j);
}

static void print_head(const struct bn_config_task *t, const char *name) {
    const char *kind = bn_config_kind_name(t->kind);
    if (t->zookeeper)
        printf(*name ? "Configs for %s%s '%s' are " : "Configs for default %s%s are ", kind,
               t->kind == BN_CONFIG_TOPIC ? "" : "s", name);
    else if (*name)
        printf("%s configs for %s %s are:\n", t->all ? "All" : "Dynamic", kind, name);
    else
        printf("Default configs for %ss in the cluster are:\n", kind);
    fflush(stdout); /* before what may follow on stderr */
}

static int by_name(const void *a, const void *b) {
    const struct kmsg_describe_configs_response_config *x = a, *y = b;
    return bn_slice_cmp(x->name, y->name);
}

static int describe_one(const struct bn_config_task *t, struct bn_session *s, const char *name, struct bn_jsonout *j) {
    if (!j) print_head(t, name);
    const struct kmsg_describe_configs_response_result *r = read_configs(t, s, name);
    if (!r) return BN_COMMAND_FAILED;
    if (j) {
        bn_jsonout_object(j, NULL);
        bn_jsonout_text(j, "type", bn_slice_str(bn_config_kind_name(t->kind)));
        bn_jsonout_text(j, "name", *name ? bn_slice_str(name) : BN_SLICE_NULL);
        bn_jsonout_array(j, "configs");
    }
    if (r->configs.n > 0) qsort(r->configs.v, (size_t)r->configs.n, sizeof *r->configs.v, by_name);
    bool more = false;
    for (int32_t i = 0; i < r->configs.n; i++) {
        const struct kmsg_describe_configs_response_config *c = &r->configs.v[i];
        if (!t->all && !is_own(t, name, c->config_source)) continue;
        if (j)
            json_config(j, c);
        else if (t->zookeeper)
            printf("%s%.*s=%.*s", more ? "," : "", BN_SLICE_FMT(c->name), BN_SLICE_FMT(c->value));
        else
            print_config(c);
        more = true;
    }
    if (j) bn_jsonout_end(j), bn_jsonout_end(j);
    if (t->zookeeper && !j) putchar('\n');
    return BN_COMMAND_OK;
}

static int by_topic(const void *a, const void *b) {
    const struct kmsg_metadata_response_topic *x = a, *y = b;
    return bn_slice_cmp(x->name, y->name);
}

static int describe_every(const struct bn_config_task *t, struct bn_session *s, struct bn_jsonout *j) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all) return BN_COMMAND_FAILED;
    int rc = BN_COMMAND_OK;
    struct bn_arena *arena = bn_session_arena(s);
    if (t->kind == BN_CONFIG_TOPIC) {
        if (all->topics.n > 0) qsort(all->topics.v, (size_t)all->topics.n, sizeof *all->topics.v, by_topic);
        for (int32_t i = 0; i < all->topics.n && rc == BN_COMMAND_OK; i++) {
            const char *name = bn_arena_copy(arena, all->topics.v[i].name);
            rc = name ? describe_one(t, s, name, j) : BN_COMMAND_FAILED;
        }
        return rc;
    }
    for (int32_t i = 0; i < all->brokers.n && rc == BN_COMMAND_OK; i++) {
        const char *name = bn_arena_printf(arena, "%d", all->brokers.v[i].node_id);
        rc = name ? describe_one(t, s, name, j) : BN_COMMAND_FAILED;
    }
    return rc == BN_COMMAND_OK ? describe_one(t, s, "", j) : rc;
}

int bn_config_describe(const struct bn_config_task *t, struct bn_session *s) {
    struct bn_jsonout j;
    if (t->json) {
        bn_jsonout_init(&j);
        bn_jsonout_array(&j, "entities");
    }
    struct bn_jsonout *out = t->json ? &j : NULL;
    int rc = t->name ? describe_one(t, s, t->name, out) : describe_every(t, s, out);
    if (!t->json) return rc;
    if (rc == BN_COMMAND_OK)
        bn_jsonout_print(&j);
    else
        bn_str_fini(&j.text);
    return rc;
}

/* ---- change ---- */

/* Kafka's tool refuses to delete what is not set; the list is what is not. False after telling. */
static bool all_are_set(const struct bn_config_task *t, struct bn_session *s) {
    if (t->drop_count == 0) return true;
    const struct kmsg_describe_configs_response_result *r = read_configs(t, s, t->name);
    if (!r) return false;
    bool ok = true;
    for (size_t k = 0; k < t->drop_count; k++) {
        bool found = false;
        for (int32_t i = 0; i < r->configs.n && !found; i++)
            found = bn_slice_eq(r->configs.v[i].name, t->drop[k]) && is_own(t, t->name, r->configs.v[i].config_source);
        if (found) continue;
        if (ok && !t->kafka) fprintf(stderr, "%s: not set, so not deleted: ", t->options->program);
        fprintf(stderr, "%s%.*s", !ok ? "," : t->kafka ? "Invalid config(s): " : "", BN_SLICE_FMT(t->drop[k]));
        ok = false;
    }
    if (!ok) fputc('\n', stderr);
    return ok;
}

static void tell_done(const struct bn_config_task *t) {
    const char *kind = bn_config_kind_name(t->kind);
    if (t->zookeeper && *t->name)
        printf("Completed updating config for entity: %s '%s'.\n", kind, t->name);
    else if (*t->name)
        printf("Completed updating config for %s %s.\n", kind, t->name);
    else
        printf("Completed updating default config for %ss in the cluster.\n", kind);
}

int bn_config_alter(const struct bn_config_task *t, struct bn_session *s) {
    if (!all_are_set(t, s)) return BN_COMMAND_FAILED;
    struct kmsg_incremental_alter_configs_request q = kmsg_incremental_alter_configs_request_default;
    struct kmsg_incremental_alter_configs_request_resource resource =
        kmsg_incremental_alter_configs_request_resource_default;
    resource.resource_type = (int8_t)t->kind;
    resource.resource_name = bn_slice_str(t->name);
    resource.configs.v = bn_arena_array(bn_session_arena(s), t->set_count + t->drop_count, sizeof *resource.configs.v);
    if (!resource.configs.v) return BN_COMMAND_FAILED;
    for (size_t i = 0; i < t->drop_count; i++) {
        resource.configs.v[resource.configs.n++] = (struct kmsg_incremental_alter_configs_request_config){
            .name = t->drop[i], .config_operation = OPERATION_DELETE, .value = BN_SLICE_LIT("")};
    }
    for (size_t i = 0; i < t->set_count; i++) {
        resource.configs.v[resource.configs.n++] = (struct kmsg_incremental_alter_configs_request_config){
            .name = t->set[i].key, .config_operation = OPERATION_SET, .value = t->set[i].value};
    }
    q.resources.v = &resource;
    q.resources.n = 1;
    struct kmsg_incremental_alter_configs_response *r = ask(t, s, t->name, API_INCREMENTAL_ALTER_CONFIGS, &q);
    if (!r || r->responses.n != 1) return BN_COMMAND_FAILED;
    if (r->responses.v[0].error_code != KE_NONE)
        return fail(t, s, t->name, r->responses.v[0].error_code, r->responses.v[0].error_message);
    tell_done(t);
    return BN_COMMAND_OK;
}

/* ---- how they are written ---- */

static struct bn_slice trimmed(struct bn_slice s) {
    while (s.len > 0 && *s.ptr <= ' ') s.ptr++, s.len--;
    while (s.len > 0 && s.ptr[s.len - 1] <= ' ') s.len--;
    return s;
}

/* A bracketed value holds commas: "[a,b]" means "a,b". */
static struct bn_slice unbracketed(struct bn_slice s) {
    if (s.len > 0 && *s.ptr == '[') s.ptr++, s.len--;
    if (s.len > 0 && s.ptr[s.len - 1] == ']') s.len--;
    return trimmed(s);
}

bool bn_config_parse_pairs(struct bn_config_task *t, const char *text) {
    while (*text) {
        size_t len = 0;
        bool inside = false;
        for (; text[len] && (inside || text[len] != ','); len++)
            inside = text[len] == '[' || (inside && text[len] != ']');
        struct bn_slice one = bn_slice_of(text, len);
        const uint8_t *equals = memchr(one.ptr, '=', one.len);
        if (!equals) return false;
        size_t key_len = (size_t)(equals - one.ptr);
        struct bn_slice value = trimmed(bn_slice_of(equals + 1, one.len - key_len - 1));
        if (memchr(value.ptr, '=', value.len) && *value.ptr != '[') return false;
        t->set = bn_alloc_resize(t->set, (t->set_count + 1) * sizeof *t->set);
        t->set[t->set_count++] = (struct bn_config_pair){trimmed(bn_slice_of(one.ptr, key_len)), unbracketed(value)};
        text += len + (text[len] == ',');
    }
    return t->set_count > 0;
}
