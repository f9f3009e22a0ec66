/* client_conf.c: Java client properties for librdkafka. Most names are the same; the table holds those that are not.
 */
#include "tools/client_conf.h"

#include "common/base/alloc.h"
#include "common/base/slice.h"
#include "tools/admin.h"

static const struct {
    const char *java, *ours; /* ours NULL: no counterpart, nothing to do */
    int64_t divide;          /* the value's unit differs by this factor; 0 = as it is */
} renamed[] = {
    {"max.request.size", "message.max.bytes", 0},
    {"buffer.memory", "queue.buffering.max.kbytes", 1024},
    {"max.block.ms", NULL, 0},
    {"key.serializer", NULL, 0},
    {"value.serializer", NULL, 0},
    {"key.deserializer", NULL, 0},
    {"value.deserializer", NULL, 0},
    {"partitioner.class", NULL, 0},
    {"max.partition.fetch.bytes", "fetch.message.max.bytes", 0},
    {"fetch.max.wait.ms", "fetch.wait.max.ms", 0},
    {"send.buffer.bytes", "socket.send.buffer.bytes", 0},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes", 0},
    {"exclude.internal.topics", NULL, 0},
    {"max.poll.records", NULL, 0},
    {"interceptor.classes", NULL, 0},
    {"metric.reporters", NULL, 0},
    {"default.api.timeout.ms", NULL, 0},
    {"group.initial.rebalance.delay.ms", NULL, 0},
};

/* Values that Java says otherwise. */
static const struct {
    const char *name, *java, *ours;
} reworded[] = {
    {"auto.offset.reset", "none", "error"},
    {"partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor", "range"},
    {"partition.assignment.strategy", "org.apache.kafka.clients.consumer.RoundRobinAssignor", "roundrobin"},
    {"partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
     "cooperative-sticky"},
};

bool bn_client_conf_set(rd_kafka_conf_t *conf, const char *program, const char *name, const char *value) {
    char scaled[32], why[256];
    for (size_t i = 0; i < BN_ARRAY_LEN(reworded); i++) {
        if (strcmp(reworded[i].name, name) == 0 && strcmp(reworded[i].java, value) == 0) value = reworded[i].ours;
    }
    for (size_t i = 0; i < BN_ARRAY_LEN(renamed); i++) {
        if (strcmp(renamed[i].java, name) != 0) continue;
        if (!renamed[i].ours) return true;
        name = renamed[i].ours;
        if (renamed[i].divide) {
            snprintf(scaled, sizeof scaled, "%" PRId64, bn_max_i64(1, strtoll(value, NULL, 10) / renamed[i].divide));
            value = scaled;
        }
        break;
    }
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK) return true;
    fprintf(stderr, "%s: property %s=%s: %s\n", program, name, value, why);
    return false;
}

bool bn_client_conf_set_pair(rd_kafka_conf_t *conf, const char *program, const char *pair) {
    const char *equals = strchr(pair, '=');
    if (!equals) {
        fprintf(stderr, "%s: '%s' is no property: write name=value\n", program, pair);
        return false;
    }
    char *name = bn_alloc_strndup(pair, (size_t)(equals - pair));
    bool ok = bn_client_conf_set(conf, program, name, equals + 1);
    bn_alloc_free(name);
    return ok;
}

bool bn_client_conf_read(struct bn_props *out, const char *program, const char *path) {
    struct bn_err e = BN_ERR_NONE;
    *out = (struct bn_props){NULL, 0};
    char *text = bn_admin_read_file(program, path);
    if (!text) return false;
    int rc = bn_props_parse(bn_slice_str(text), out, &e);
    bn_alloc_free(text);
    if (rc != BN_OK) fprintf(stderr, "%s: %s: %s\n", program, path, e.text);
    return rc == BN_OK;
}

bool bn_client_conf_load(rd_kafka_conf_t *conf, const char *program, const char *path) {
    struct bn_props props;
    bool ok = bn_client_conf_read(&props, program, path);
    for (size_t i = 0; ok && i < props.count; i++)
        ok = bn_client_conf_set(conf, program, props.list[i].key, props.list[i].value);
    bn_props_fini(&props);
    return ok;
}

bool bn_client_conf_given(const char *name, const struct bn_options *o, const char *pairs, const char *file) {
    const char *value;
    size_t len = strlen(name);
    for (int at = 0; (value = bn_options_next(o, pairs, &at)) != NULL;) {
        if (strncmp(value, name, len) == 0 && value[len] == '=') return true;
    }
    for (int i = 0; i < o->rest_count; i++) { /* --producer-props takes several words */
        if (strncmp(o->rest[i], name, len) == 0 && o->rest[i][len] == '=') return true;
    }
    const char *path = bn_options_get(o, file);
    struct bn_props props;
    if (!path) return false;
    bool given = bn_client_conf_read(&props, o->program, path) && bn_props_get(&props, name);
    bn_props_fini(&props);
    return given;
}

bool bn_client_conf_idempotent(rd_kafka_conf_t *conf, const struct bn_options *o, const char *pairs, const char *file) {
    static const char *const excluding[] = {"enable.idempotence", "retries", "max.in.flight.requests.per.connection"};
    char acks[16] = "", retries[16] = ""; /* acks stay empty when nothing of a topic was set */
    size_t acks_len = sizeof acks, retries_len = sizeof retries;
    for (size_t i = 0; i < BN_ARRAY_LEN(excluding); i++) {
        if (bn_client_conf_given(excluding[i], o, pairs, file)) return true;
    }
    (void)rd_kafka_conf_get(conf, "acks", acks, &acks_len);
    (void)rd_kafka_conf_get(conf, "retries", retries, &retries_len);
    if ((acks[0] && strcmp(acks, "-1") != 0 && strcmp(acks, "all") != 0) || strcmp(retries, "0") == 0) return true;
    return bn_client_conf_set(conf, o->program, "enable.idempotence", "true");
}
