/* znode.c: the znodes of brokers, controllers and the cluster as a whole, and the table of all rows. The other pairs
 * are in znode_topic.c and znode_config.c. Order of keys and spacing are those that Kafka 3.9's own encoders print. */
#include "common/zk/znode.h"

#include <stdio.h>

#include "common/zk/znode_json.h"

#define REQUIRED BN_ZNODE_JSON_REQUIRED
#define ENDPOINTS_MAX 64
#define CLUSTER_ID_MAX 64

/* ---- /brokers/ids/<id> ---- */

static const struct bn_znode_endpoint *first_plaintext(const struct bn_znode_broker *b) {
    for (int32_t i = 0; i < b->endpoint_count; i++)
        if (strcmp(b->endpoints[i].protocol, "PLAINTEXT") == 0) return &b->endpoints[i];
    return NULL;
}

static void add_endpoint(struct bn_str *out, const struct bn_znode_endpoint *ep) {
    struct bn_str text;
    bn_str_init(&text);
    bool v6 = strchr(ep->host, ':') != NULL;
    bn_str_addf(&text, "%s://%s%s%s:%d", ep->listener, v6 ? "[" : "", ep->host, v6 ? "]" : "", (int)ep->port);
    bn_znode_json_add_text(out, text.ptr);
    bn_str_fini(&text);
}

static void add_levels(struct bn_str *out, const struct bn_znode_level *levels, int32_t count, bool range) {
    bn_str_add(out, "{");
    for (int32_t i = 0; i < count; i++) {
        if (i) bn_str_add(out, ",");
        bn_znode_json_add_text(out, levels[i].name);
        if (range) bn_str_addf(out, ":{\"min_version\":%d,\"max_version\":%d}", levels[i].min, levels[i].max);
        else bn_str_addf(out, ":{\"max_version_level\":%d}", levels[i].max);
    }
    bn_str_add(out, "}");
}

void bn_znode_broker_encode(struct bn_str *out, const struct bn_znode_broker *in) {
    const struct bn_znode_endpoint *plain = first_plaintext(in);
    bn_str_add(out, "{\"features\":");
    add_levels(out, in->features, in->feature_count, true);
    bn_str_add(out, ",\"listener_security_protocol_map\":{");
    for (int32_t i = 0; i < in->endpoint_count; i++) {
        if (i) bn_str_add(out, ",");
        bn_znode_json_add_text(out, in->endpoints[i].listener);
        bn_str_add(out, ":");
        bn_znode_json_add_text(out, in->endpoints[i].protocol);
    }
    bn_str_add(out, "},\"endpoints\":[");
    for (int32_t i = 0; i < in->endpoint_count; i++) {
        if (i) bn_str_add(out, ",");
        add_endpoint(out, &in->endpoints[i]);
    }
    bn_str_add(out, "]");
    if (in->rack) {
        bn_str_add(out, ",\"rack\":");
        bn_znode_json_add_text(out, in->rack);
    }
    bn_str_addf(out, ",\"jmx_port\":%d,\"port\":%d,\"host\":", (int)in->jmx_port, plain ? (int)plain->port : -1);
    bn_znode_json_add_text(out, plain ? plain->host : NULL);
    bn_str_addf(out, ",\"version\":5,\"timestamp\":\"%" PRId64 "\"}", in->timestamp_ms);
}

static bool host_ok(struct bn_slice host) {
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] <= 0x20 || strchr("[]/\"", host.ptr[i])) return false;
    return true;
}

/* "LISTENER://host:port", "LISTENER://[v6]:port". */
static void read_endpoint(struct bn_znode_json *j, const char *text, json_t *map, struct bn_znode_endpoint *ep) {
    const char *host = strstr(text, "://"), *colon = strrchr(text, ':');
    int64_t port = -1;
    bool ok = host && host != text && colon > host + 2 && bn_slice_to_i64(bn_slice_str(colon + 1), &port);
    ok = ok && port >= 0 && port <= 65535;
    if (ok) {
        host += 3;
        size_t len = (size_t)(colon - host);
        bool brackets = len >= 2 && host[0] == '[' && host[len - 1] == ']';
        struct bn_slice name = brackets ? bn_slice_of(host + 1, len - 2) : bn_slice_of(host, len);
        ok = host_ok(name);
        ep->listener = bn_arena_copy(j->arena, bn_slice_of(text, (size_t)(host - 3 - text)));
        ep->host = bn_arena_copy(j->arena, name);
        ep->port = (int32_t)port;
    }
    if (!ok) {
        bn_znode_json_bad(j, "endpoints: \"%.100s\" is not LISTENER://host:port", text);
        return;
    }
    if (!ep->listener || !ep->host) {
        j->status = bn_err_set(j->e, BN_FULL, "endpoints: too large for its memory budget");
        return;
    }
    json_t *protocol = map ? json_object_get(map, ep->listener) : NULL;
    ep->protocol = json_is_string(protocol) ? bn_znode_json_copy(j, json_string_value(protocol)) : ep->listener;
}

static void read_endpoints(struct bn_znode_json *j, struct bn_znode_broker *out) {
    int32_t count, unused;
    json_t *map = bn_znode_json_object(j, NULL, "listener_security_protocol_map", false, &unused);
    json_t *list = bn_znode_json_array(j, NULL, "endpoints", true, &count);
    if (count > ENDPOINTS_MAX) bn_znode_json_bad(j, "endpoints: %d are too many", (int)count);
    out->endpoints = bn_znode_json_make(j, count, sizeof *out->endpoints);
    for (int32_t i = 0; i < count && j->status == BN_OK; i++) {
        json_t *v = json_array_get(list, (size_t)i);
        if (!json_is_string(v)) bn_znode_json_bad(j, "endpoints[%d]: not a string", (int)i);
        else read_endpoint(j, json_string_value(v), map, &out->endpoints[i]);
        for (int32_t k = 0; k < i && j->status == BN_OK; k++)
            if (strcmp(out->endpoints[k].listener, out->endpoints[i].listener) == 0)
                bn_znode_json_bad(j, "endpoints[%d]: listener %.40s stands there twice", (int)i,
                                  out->endpoints[i].listener);
        out->endpoint_count = i + 1;
    }
}

/* Version 1 had host and port only. */
static void endpoint_of_v1(struct bn_znode_json *j, struct bn_znode_broker *out) {
    if (!out->host || out->port < 0) bn_znode_json_bad(j, "host, port: missing");
    else if (!host_ok(bn_slice_str(out->host)) || out->port > 65535) bn_znode_json_bad(j, "host, port: not an address");
    out->endpoints = bn_znode_json_make(j, 1, sizeof *out->endpoints);
    if (!out->endpoints) return;
    out->endpoints[0] = (struct bn_znode_endpoint){"PLAINTEXT", out->host, out->port, "PLAINTEXT"};
    out->endpoint_count = 1;
}

static struct bn_znode_level *read_levels(struct bn_znode_json *j, const char *min_key, const char *max_key,
                                          int32_t *count) {
    const char *name;
    json_t *v, *object = bn_znode_json_object(j, NULL, "features", false, count);
    struct bn_znode_level *levels = bn_znode_json_make(j, *count, sizeof *levels);
    if (!levels) {
        *count = 0;
        return NULL;
    }
    struct bn_znode_level *level = levels;
    json_object_foreach(object, name, v) {
        if (!json_is_object(v)) bn_znode_json_bad(j, "features.%.50s: not an object", name);
        if (j->status != BN_OK) break;
        level->name = bn_znode_json_copy(j, name);
        if (min_key) level->min = (int16_t)bn_znode_json_int(j, v, min_key, 0, INT16_MAX, REQUIRED);
        level->max = (int16_t)bn_znode_json_int(j, v, max_key, 0, INT16_MAX, REQUIRED);
        level++;
    }
    return levels;
}

int bn_znode_broker_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_broker *out, struct bn_err *e) {
    struct bn_znode_json j;
    *out = (struct bn_znode_broker){0};
    bn_znode_json_open(&j, "broker", data, a, e);
    out->version = bn_znode_json_i32(&j, NULL, "version", 1, REQUIRED);
    out->host = bn_znode_json_text(&j, NULL, "host", false);
    out->port = bn_znode_json_i32(&j, NULL, "port", -1, -1);
    out->jmx_port = bn_znode_json_i32(&j, NULL, "jmx_port", -1, REQUIRED);
    out->timestamp_ms = bn_znode_json_digits(&j, NULL, "timestamp", -1, -1);
    out->rack = bn_znode_json_text(&j, NULL, "rack", false);
    if (out->version == 1) endpoint_of_v1(&j, out);
    else read_endpoints(&j, out);
    out->features = read_levels(&j, "min_version", "max_version", &out->feature_count);
    return bn_znode_json_close(&j);
}

/* ---- /controller, /controller_epoch ---- */

static void add_machine(struct bn_str *out, const char *machine) {
    if (!machine || !machine[0]) return;
    bn_str_add(out, ",\"machine\":");
    bn_znode_json_add_text(out, machine);
}

void bn_znode_controller_encode(struct bn_str *out, const struct bn_znode_controller *in) {
    bn_str_addf(out, "{\"version\":2,\"brokerid\":%d,\"timestamp\":\"%" PRId64 "\",\"kraftControllerEpoch\":%d",
                (int)in->brokerid, in->timestamp_ms, (int)in->kraft_epoch);
    if (in->host) {
        bn_str_add(out, ",\"host\":");
        bn_znode_json_add_text(out, in->host);
        bn_str_addf(out, ",\"port\":%d,\"life_port\":%d", (int)in->port, (int)in->life_port);
    }
    add_machine(out, in->machine);
    bn_str_add(out, "}");
}

int bn_znode_controller_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_controller *out,
                               struct bn_err *e) {
    struct bn_znode_json j;
    bn_znode_json_open(&j, "controller", data, a, e);
    out->brokerid = bn_znode_json_i32(&j, NULL, "brokerid", 0, REQUIRED);
    out->timestamp_ms = bn_znode_json_digits(&j, NULL, "timestamp", -1, -1);
    out->kraft_epoch = bn_znode_json_i32(&j, NULL, "kraftControllerEpoch", -1, -1);
    out->host = bn_znode_json_text(&j, NULL, "host", false);
    out->port = (int32_t)bn_znode_json_int(&j, NULL, "port", -1, 65535, -1);
    out->life_port = (int32_t)bn_znode_json_int(&j, NULL, "life_port", -1, 65535, -1);
    out->machine = bn_znode_json_text(&j, NULL, "machine", false);
    return bn_znode_json_close(&j);
}

static int read_number(const char *what, struct bn_slice data, int64_t min, int64_t max, int64_t *out,
                       struct bn_err *e) {
    if (bn_slice_to_i64(data, out) && *out >= min && *out <= max) return BN_OK;
    return bn_err_set(e, BN_BAD, "%s: \"%.*s\" is not a number in range", what, (int)bn_min_size(data.len, 40),
                      data.ptr ? (const char *)data.ptr : "");
}

void bn_znode_controller_epoch_encode(struct bn_str *out, const struct bn_znode_controller_epoch *in) {
    bn_str_addf(out, "%d", (int)in->epoch);
}

int bn_znode_controller_epoch_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_controller_epoch *out,
                                     struct bn_err *e) {
    (void)a;
    int64_t value = 0;
    int r = read_number("controller_epoch", data, 0, INT32_MAX, &value, e);
    out->epoch = (int32_t)value;
    return r;
}

void bn_znode_admitted_encode(struct bn_str *out, const struct bn_znode_admitted *in) {
    bn_str_addf(out, "%" PRId64, in->incarnation);
}

int bn_znode_admitted_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_admitted *out,
                             struct bn_err *e) {
    (void)a;
    return read_number("admitted incarnation", data, 0, INT64_MAX, &out->incarnation, e);
}

void bn_znode_consumer_offset_encode(struct bn_str *out, const struct bn_znode_consumer_offset *in) {
    bn_str_addf(out, "%" PRId64, in->offset);
}

int bn_znode_consumer_offset_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_consumer_offset *out,
                                    struct bn_err *e) {
    (void)a;
    return read_number("offset", data, -1, INT64_MAX, &out->offset, e);
}

/* ---- The cluster ---- */

void bn_znode_cluster_id_encode(struct bn_str *out, const struct bn_znode_cluster_id *in) {
    bn_str_add(out, "{\"version\":\"1\",\"id\":");
    bn_znode_json_add_text(out, in->id);
    bn_str_add(out, "}");
}

int bn_znode_cluster_id_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_cluster_id *out,
                               struct bn_err *e) {
    struct bn_znode_json j;
    bn_znode_json_open(&j, "cluster id", data, a, e);
    out->id = bn_znode_json_text(&j, NULL, "id", true);
    if (out->id && (!*out->id || strlen(out->id) > CLUSTER_ID_MAX)) bn_znode_json_bad(&j, "id: not a cluster id");
    return bn_znode_json_close(&j);
}

void bn_znode_feature_encode(struct bn_str *out, const struct bn_znode_feature *in) {
    bn_str_add(out, "{\"features\":");
    add_levels(out, in->features, in->count, false);
    bn_str_addf(out, ",\"version\":2,\"status\":%d}", (int)in->status);
}

int bn_znode_feature_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_feature *out, struct bn_err *e) {
    struct bn_znode_json j;
    *out = (struct bn_znode_feature){0};
    bn_znode_json_open(&j, "feature", data, a, e);
    int32_t version = bn_znode_json_i32(&j, NULL, "version", 1, REQUIRED);
    out->status = (int32_t)bn_znode_json_int(&j, NULL, "status", 0, 1, REQUIRED);
    out->features = read_levels(&j, version == 1 ? "min_version_level" : NULL, "max_version_level", &out->count);
    return bn_znode_json_close(&j);
}

void bn_znode_producer_ids_encode(struct bn_str *out, const struct bn_znode_producer_ids *in) {
    bn_str_addf(out, "{\"version\":1,\"broker\":%d,\"block_start\":\"%" PRId64 "\",\"block_end\":\"%" PRId64 "\"}",
                (int)in->broker, in->first, in->last);
}

int bn_znode_producer_ids_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_producer_ids *out,
                                 struct bn_err *e) {
    *out = (struct bn_znode_producer_ids){.broker = -1, .first = -1, .last = -1};
    if (data.len == 0) return BN_OK; /* as made at the start: no block yet */
    struct bn_znode_json j;
    bn_znode_json_open(&j, "producer id block", data, a, e);
    out->broker = bn_znode_json_i32(&j, NULL, "broker", -1, REQUIRED);
    out->first = bn_znode_json_digits(&j, NULL, "block_start", 0, REQUIRED);
    out->last = bn_znode_json_digits(&j, NULL, "block_end", 0, REQUIRED);
    if (out->last < out->first) bn_znode_json_bad(&j, "block_end: before block_start");
    return bn_znode_json_close(&j);
}

void bn_znode_incarnation_encode(struct bn_str *out, const struct bn_znode_incarnation *in) {
    char id[BN_UUID_TEXT_LEN + 1];
    bn_uuid_format(&in->boot_id, id);
    bn_str_addf(out, "{\"version\":1,\"boot_id\":\"%s\",\"host\":", id);
    bn_znode_json_add_text(out, in->host);
    bn_str_addf(out, ",\"port\":%d,\"machine_boot_id\":", (int)in->port);
    bn_znode_json_add_text(out, in->machine_boot_id);
    add_machine(out, in->machine);
    bn_str_addf(out, ",\"timestamp\":\"%" PRId64 "\"}", in->timestamp_ms);
}

int bn_znode_incarnation_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_incarnation *out,
                                struct bn_err *e) {
    struct bn_znode_json j;
    bn_znode_json_open(&j, "incarnation", data, a, e);
    if (!bn_znode_json_uuid(&j, NULL, "boot_id", &out->boot_id)) bn_znode_json_bad(&j, "boot_id: missing");
    out->host = bn_znode_json_text(&j, NULL, "host", true);
    out->port = (int32_t)bn_znode_json_int(&j, NULL, "port", 1, 65535, REQUIRED);
    out->machine_boot_id = bn_znode_json_text(&j, NULL, "machine_boot_id", true);
    out->machine = bn_znode_json_text(&j, NULL, "machine", false);
    out->timestamp_ms = bn_znode_json_digits(&j, NULL, "timestamp", -1, -1);
    return bn_znode_json_close(&j);
}

/* ---- The table ---- */

#define WRAP(name, path, kind, writers, watchers, text) \
    static void name##_encode(struct bn_str *out, const void *in) { bn_znode_##name##_encode(out, in); } \
    static int name##_decode(struct bn_slice data, struct bn_arena *a, void *out, struct bn_err *e) { \
        return bn_znode_##name##_decode(data, a, out, e); \
    }
#define ZNODE_JSON WRAP
#define ZNODE_TEXT WRAP
#include "common/zk/znode.def"

const struct bn_znode_row bn_znode_rows[] = {
#define ZNODE_DIR(name, path, kind, writers, watchers, text) \
    {#name, path, kind, "", writers, watchers, text, 0, NULL, NULL},
#define ROW(name, path, kind, format, writers, watchers, text) \
    {#name, path, kind, format, writers, watchers, text, sizeof(struct bn_znode_##name), name##_encode, name##_decode},
#define ZNODE_JSON(name, path, kind, writers, watchers, text) ROW(name, path, kind, "JSON", writers, watchers, text)
#define ZNODE_TEXT(name, path, kind, writers, watchers, text) ROW(name, path, kind, "text", writers, watchers, text)
#include "common/zk/znode.def"
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL},
};
