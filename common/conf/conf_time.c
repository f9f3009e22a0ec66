/* conf_time.c: keys of which several say one thing. The finer unit goes before the coarser one wherever each is
 * set, and keys fall back on others. Also how DescribeConfigs shows such keys with their synonyms. */
#include "common/conf/conf.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

static const enum bn_conf_key groups[][3] = {
    {BN_CONF_LOG_RETENTION_MS, BN_CONF_LOG_RETENTION_MINUTES, BN_CONF_LOG_RETENTION_HOURS},
    {BN_CONF_LOG_ROLL_MS, BN_CONF_LOG_ROLL_HOURS, BN_CONF_COUNT},
    {BN_CONF_LOG_ROLL_JITTER_MS, BN_CONF_LOG_ROLL_JITTER_HOURS, BN_CONF_COUNT},
    {BN_CONF_LOG_FLUSH_INTERVAL_MS, BN_CONF_LOG_FLUSH_SCHEDULER_INTERVAL_MS, BN_CONF_COUNT},
};

int64_t bn_conf_retention_ms(const struct bn_conf *c) {
    int64_t ms = bn_conf_i64(c, BN_CONF_LOG_RETENTION_HOURS) * HOUR_MS;
    if (!bn_conf_is_null(c, BN_CONF_LOG_RETENTION_MINUTES)) {
        ms = bn_conf_i64(c, BN_CONF_LOG_RETENTION_MINUTES) * MINUTE_MS;
    }
    ms = bn_conf_i64_or(c, BN_CONF_LOG_RETENTION_MS, ms);
    return ms < 0 ? -1 : ms;
}

int64_t bn_conf_roll_ms(const struct bn_conf *c) {
    return bn_conf_i64_or(c, BN_CONF_LOG_ROLL_MS, bn_conf_i64(c, BN_CONF_LOG_ROLL_HOURS) * HOUR_MS);
}

int64_t bn_conf_roll_jitter_ms(const struct bn_conf *c) {
    return bn_conf_i64_or(c, BN_CONF_LOG_ROLL_JITTER_MS, bn_conf_i64(c, BN_CONF_LOG_ROLL_JITTER_HOURS) * HOUR_MS);
}

int64_t bn_conf_flush_ms(const struct bn_conf *c) {
    int64_t scheduler = bn_conf_i64(c, BN_CONF_LOG_FLUSH_SCHEDULER_INTERVAL_MS);
    return bn_conf_i64_or(c, BN_CONF_LOG_FLUSH_INTERVAL_MS, scheduler);
}

int bn_conf_zk_connection_timeout_ms(const struct bn_conf *c) {
    int64_t session = bn_conf_i64(c, BN_CONF_ZOOKEEPER_SESSION_TIMEOUT_MS);
    return (int)bn_conf_i64_or(c, BN_CONF_ZOOKEEPER_CONNECTION_TIMEOUT_MS, session);
}

int bn_conf_controller_id(const struct bn_conf *c) {
    return (int)bn_conf_i64_or(c, BN_CONF_CONTROLLER_ID, bn_conf_i64(c, BN_CONF_BROKER_ID));
}

const char *bn_conf_log_dirs(const struct bn_conf *c) {
    const char *dirs = bn_conf_str(c, BN_CONF_LOG_DIRS);
    return dirs ? dirs : bn_conf_str(c, BN_CONF_LOG_DIR);
}

void bn_conf_describe(const struct bn_conf *c, enum bn_conf_key key, struct bn_conf_described *out) {
    const struct bn_conf_row *row = bn_conf_row(key);
    *out = (struct bn_conf_described){
        .name = row->name,
        .value = row->type == BN_CONF_PASSWORD ? NULL : bn_conf_str(c, key),
        .doc = row->doc,
        .type = row->type,
        .source = bn_conf_source(c, key),
        .read_only = row->mode == BN_CONF_STATIC,
        .sensitive = row->type == BN_CONF_PASSWORD,
    };
    /* The first of a group shows the others' values behind its own. */
    for (size_t g = 0; g < BN_ARRAY_LEN(groups); g++) {
        if (groups[g][0] != key) continue;
        for (int i = 0; i < 3 && groups[g][i] != BN_CONF_COUNT; i++) bn_conf_add_synonyms(c, groups[g][i], out);
        return;
    }
    bn_conf_add_synonyms(c, key, out);
}
