/* conf_check.c: what must be there and which values must fit together, as Kafka checks it when a broker starts.
 * Every violation is reported, at the line where the key was set. */
#include "common/conf/conf.h"
#include "common/conf/endpoint.h"

/* key's value must not be above other's. */
static void check_at_most(const struct bn_conf *c, struct bn_conf_report *r, enum bn_conf_key key,
                          enum bn_conf_key other) {
    int64_t v = bn_conf_i64(c, key), most = bn_conf_i64(c, other);
    if (v <= most) return;
    bn_conf_report_error(c, r, key, "%s (%" PRId64 ") must be at most %s (%" PRId64 ")", bn_conf_row(key)->name, v,
                         bn_conf_row(other)->name, most);
}

static void check_ids(const struct bn_conf *c, struct bn_conf_report *r) {
    int64_t id = bn_conf_i64(c, BN_CONF_BROKER_ID), max = bn_conf_i64(c, BN_CONF_RESERVED_BROKER_MAX_ID);
    bool drawn = bn_conf_bool(c, BN_CONF_BROKER_ID_GENERATION_ENABLE);
    if (id < (drawn ? -1 : 0)) {
        bn_conf_report_error(c, r, BN_CONF_BROKER_ID, "broker.id must be set to 0 or more%s",
                             drawn ? ", or to -1" : " (broker.id.generation.enable is false)");
    }
    if (drawn && id > max) {
        bn_conf_report_error(c, r, BN_CONF_BROKER_ID, "broker.id must be at most reserved.broker.max.id (%" PRId64 ")",
                             max);
    }
}

static void check_listeners(const struct bn_conf *c, struct bn_conf_report *r) {
    struct bn_endpoint own[BN_ENDPOINT_MAX], told[BN_ENDPOINT_MAX];
    struct bn_err e = BN_ERR_NONE;
    const char *map = bn_conf_str(c, BN_CONF_LISTENER_SECURITY_PROTOCOL_MAP);
    const char *advertised = bn_conf_str(c, BN_CONF_ADVERTISED_LISTENERS);
    int count = bn_endpoint_parse(bn_conf_str(c, BN_CONF_LISTENERS), map, false, own, &e);
    if (count <= 0) {
        bn_conf_report_error(c, r, BN_CONF_LISTENERS, "listeners: %s", count ? e.text : "there are none");
        return;
    }
    int told_count = advertised ? bn_endpoint_parse(advertised, map, true, told, &e) : 0;
    if (told_count < 0) {
        bn_conf_report_error(c, r, BN_CONF_ADVERTISED_LISTENERS, "advertised.listeners: %s", e.text);
    }
    for (int i = 0; i < told_count; i++) {
        if (bn_endpoint_find(own, count, told[i].name)) continue;
        bn_conf_report_error(c, r, BN_CONF_ADVERTISED_LISTENERS, "advertised.listeners: %s is not among listeners",
                             told[i].name);
    }
    const char *inter = bn_conf_str(c, BN_CONF_INTER_BROKER_LISTENER_NAME);
    if (inter && bn_conf_is_set(c, BN_CONF_SECURITY_INTER_BROKER_PROTOCOL)) {
        bn_conf_report_error(c, r, BN_CONF_INTER_BROKER_LISTENER_NAME,
                             "only one of inter.broker.listener.name and security.inter.broker.protocol may be set");
    }
    if (!inter) inter = bn_conf_str(c, BN_CONF_SECURITY_INTER_BROKER_PROTOCOL);
    if (!bn_endpoint_find(own, count, inter)) {
        bn_conf_report_error(c, r, BN_CONF_LISTENERS, "listeners: the brokers' own listener %s is not among them",
                             inter);
    }
}

/* Keys that Kafka bounds more narrowly than their type says, because less would stop the broker's work. */
static const struct {
    enum bn_conf_key key;
    int64_t least;
} LEAST[] = {{BN_CONF_LOG_ROLL_MS, 1},
             {BN_CONF_LOG_ROLL_JITTER_MS, 0},
             {BN_CONF_MAX_CONNECTIONS, 1},
             {BN_CONF_MAX_CONNECTION_CREATION_RATE, 1},
             {BN_CONF_LOG_CLEANER_THREADS, 1}};

/* NULL; or the first of them that is below its bound. */
static const char *too_low(const struct bn_conf *c, size_t *at) {
    for (; *at < BN_ARRAY_LEN(LEAST); (*at)++)
        if (bn_conf_i64_or(c, LEAST[*at].key, INT64_MAX) < LEAST[*at].least) return bn_conf_row(LEAST[*at].key)->name;
    return NULL;
}

int bn_conf_check_dynamic(const struct bn_conf *c, struct bn_err *e) {
    size_t at = 0;
    const char *low = too_low(c, &at);
    if (low) {
        return bn_err_set(e, BN_BAD, "requirement failed: %s must be greater than or equal to %" PRId64, low,
                          LEAST[at].least);
    }
    if (bn_conf_i64_or(c, BN_CONF_LOG_RETENTION_MS, -1) == 0) {
        return bn_err_set(e, BN_BAD,
                          "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or "
                          "equal to 1");
    }
    struct bn_slice rest = bn_slice_str(bn_conf_str(c, BN_CONF_MAX_CONNECTIONS_PER_IP_OVERRIDES)), item;
    if (bn_conf_i64(c, BN_CONF_MAX_CONNECTIONS_PER_IP) == 0 && rest.len == 0) {
        return bn_err_set(e, BN_BAD,
                          "requirement failed: max.connections.per.ip can be set to zero only if "
                          "max.connections.per.ip.overrides property is set.");
    }
    while (bn_conf_value_next_item(&rest, &item)) {
        size_t colon = item.len;
        int64_t max;
        while (colon > 0 && item.ptr[colon - 1] != ':') colon--;
        if (item.len == 0) continue;
        if (colon == 0) {
            return bn_err_set(e, BN_BAD, "Error parsing configuration property '%s': begin 0, end -1, length %zu",
                              bn_conf_row(BN_CONF_MAX_CONNECTIONS_PER_IP_OVERRIDES)->name, item.len);
        }
        struct bn_slice number = bn_conf_value_trim(bn_slice_of(item.ptr + colon, item.len - colon));
        if (bn_slice_to_i64(number, &max) && max >= 0 && max <= INT32_MAX) continue;
        return bn_err_set(e, BN_BAD, "For input string: \"%.*s\"", BN_SLICE_FMT(number));
    }
    int64_t dedupe = bn_conf_i64(c, BN_CONF_LOG_CLEANER_DEDUPE_BUFFER_SIZE);
    int64_t threads = bn_max_i64(bn_conf_i64(c, BN_CONF_LOG_CLEANER_THREADS), 1);
    if (dedupe / threads > 1024 * 1024) return BN_OK;
    return bn_err_set(e, BN_BAD,
                      "requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner "
                      "thread.");
}

/* Kafka loads any class; what is here is what Kafka itself brings along. */
static void check_selector(const struct bn_conf *c, struct bn_conf_report *r) {
    const char *name = bn_conf_str(c, BN_CONF_REPLICA_SELECTOR_CLASS);
    if (!name || !*name || bn_conf_is_rack_aware(c)) return;
    if (strcmp(name, "org.apache.kafka.common.replica.LeaderSelector") == 0) return;
    bn_conf_report_error(c, r, BN_CONF_REPLICA_SELECTOR_CLASS,
                         "replica.selector.class: %s is a Java class that can't be loaded here; "
                         "org.apache.kafka.common.replica.RackAwareReplicaSelector is built in, and without a value "
                         "consumers read from leaders",
                         name);
}

void bn_conf_check(const struct bn_conf *c, struct bn_conf_report *r) {
    const char *zk = bn_conf_str(c, BN_CONF_ZOOKEEPER_CONNECT);
    if (!zk || !*zk) bn_conf_report_error(c, r, BN_CONF_ZOOKEEPER_CONNECT, "zookeeper.connect must be set");
    check_ids(c, r);
    check_listeners(c, r);
    check_selector(c, r);
    struct bn_slice rest = bn_slice_str(bn_conf_log_dirs(c)), dir;
    if (!bn_conf_value_next_item(&rest, &dir) || dir.len == 0) {
        bn_conf_report_error(c, r, BN_CONF_LOG_DIRS, "log.dirs must name at least one directory");
    }
    static const enum bn_conf_key retention[] = {BN_CONF_LOG_RETENTION_MS, BN_CONF_LOG_RETENTION_MINUTES,
                                                 BN_CONF_LOG_RETENTION_HOURS};
    for (size_t i = 0; i < BN_ARRAY_LEN(retention); i++) {
        if (bn_conf_i64_or(c, retention[i], -1) != 0) continue;
        bn_conf_report_error(c, r, retention[i], "%s must be unlimited (-1) or, equal or greater than 1",
                             bn_conf_row(retention[i])->name);
    }
    const char *low;
    for (size_t at = 0; (low = too_low(c, &at)) != NULL; at++)
        bn_conf_report_error(c, r, LEAST[at].key, "%s must be greater than or equal to %" PRId64, low, LEAST[at].least);
    check_at_most(c, r, BN_CONF_REPLICA_FETCH_WAIT_MAX_MS, BN_CONF_REPLICA_SOCKET_TIMEOUT_MS);
    check_at_most(c, r, BN_CONF_REPLICA_FETCH_WAIT_MAX_MS, BN_CONF_REPLICA_LAG_TIME_MAX_MS);
    check_at_most(c, r, BN_CONF_GROUP_MIN_SESSION_TIMEOUT_MS, BN_CONF_GROUP_MAX_SESSION_TIMEOUT_MS);
    int64_t queued = bn_conf_i64(c, BN_CONF_QUEUED_MAX_REQUEST_BYTES);
    if (queued > 0 && queued < bn_conf_i64(c, BN_CONF_SOCKET_REQUEST_MAX_BYTES)) {
        bn_conf_report_error(c, r, BN_CONF_QUEUED_MAX_REQUEST_BYTES,
                             "queued.max.request.bytes must be at least socket.request.max.bytes");
    }
    int64_t acks = bn_conf_i64(c, BN_CONF_OFFSETS_COMMIT_REQUIRED_ACKS);
    if (acks < -1 || acks > bn_conf_i64(c, BN_CONF_OFFSETS_TOPIC_REPLICATION_FACTOR)) {
        bn_conf_report_error(c, r, BN_CONF_OFFSETS_COMMIT_REQUIRED_ACKS,
                             "offsets.commit.required.acks must lie between -1 and offsets.topic.replication.factor");
    }
    if (bn_conf_i64(c, BN_CONF_MAX_CONNECTIONS_PER_IP) == 0 &&
        !*bn_conf_str(c, BN_CONF_MAX_CONNECTIONS_PER_IP_OVERRIDES)) {
        bn_conf_report_error(c, r, BN_CONF_MAX_CONNECTIONS_PER_IP,
                             "max.connections.per.ip may be 0 only with max.connections.per.ip.overrides");
    }
}
