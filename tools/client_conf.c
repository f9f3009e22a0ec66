/* client_conf.c: Java client properties for librdkafka. Most names are the same; the table holds those that are not.
 */
#include "tools/client_conf.h"

#include "common/base/alloc.h"

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

bool bn_client_conf_set(rd_kafka_conf_t *conf, const char *program, const char *name, const char *value) {
    char scaled[32], why[256];
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

bool bn_client_conf_load(rd_kafka_conf_t *conf, const char *program, const char *path) {
    FILE *file = fopen(path, "re");
    if (!file) {
        fprintf(stderr, "%s: cannot read %s\n", program, path);
        return false;
    }
    char line[4096];
    bool ok = true;
    while (ok && fgets(line, sizeof line, file)) {
        char *at = line + strspn(line, " \t");
        at[strcspn(at, "\r\n")] = '\0';
        if (*at && *at != '#' && *at != '!') ok = bn_client_conf_set_pair(conf, program, at);
    }
    fclose(file);
    return ok;
}
