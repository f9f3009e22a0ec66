/* settings.c: turns configuration keys into what the broker's rooms take: listeners and the addresses clients are
 * told, directories, thread counts, and the settings of a topic's log. The rows and their checks are common/conf's. */
#include "broker/settings.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/conf/topic_conf.h"
#include "proto/kafka/compress.h"

/* The name under which others are likely to find this machine, as Java's getCanonicalHostName has it. */
static void own_name(char *out, size_t size) {
    char name[256] = "localhost";
    (void)gethostname(name, sizeof name - 1);
    struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *best = name;
    if (getaddrinfo(name, NULL, &hints, &found) == 0 && found && found->ai_canonname) best = found->ai_canonname;
    (void)snprintf(out, size, "%s", best);
    if (found) freeaddrinfo(found);
}

static int read_listeners(struct bn_settings *s, struct bn_err *e) {
    const char *map = bn_conf_str(s->conf, BN_CONF_LISTENER_SECURITY_PROTOCOL_MAP);
    const char *list = bn_conf_str(s->conf, BN_CONF_LISTENERS),
               *told = bn_conf_str(s->conf, BN_CONF_ADVERTISED_LISTENERS);
    s->listener_count = bn_endpoint_parse(list, map, false, s->listeners, e);
    if (s->listener_count < 0) return bn_err_wrap(e, "listeners");
    s->advertised_count = bn_endpoint_parse(told ? told : list, map, true, s->advertised, e);
    if (s->advertised_count < 0) {
        (void)bn_err_wrap(e, told ? "advertised.listeners" : "listeners, which are advertised as they are");
        return e ? e->code : BN_BAD;
    }
    for (int i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].protocol == BN_ENDPOINT_PLAINTEXT) continue;
        return bn_err_set(e, BN_BAD, "listeners: %s speaks %s, and PLAINTEXT is all there is; map it to PLAINTEXT in "
                          "listener.security.protocol.map, or remove it", s->listeners[i].name,
                          bn_endpoint_protocol_name(s->listeners[i].protocol));
    }
    for (int i = 0; i < s->advertised_count; i++) {
        struct bn_endpoint *a = &s->advertised[i];
        if (!a->host[0]) own_name(a->host, sizeof a->host);
    }
    const char *inter = bn_conf_str(s->conf, BN_CONF_INTER_BROKER_LISTENER_NAME);
    if (!inter) inter = bn_conf_str(s->conf, BN_CONF_SECURITY_INTER_BROKER_PROTOCOL);
    const struct bn_endpoint *found = bn_endpoint_find(s->listeners, s->listener_count, inter);
    if (!found) return bn_err_set(e, BN_BAD, "listeners: the brokers' own listener %s is not among them", inter);
    (void)snprintf(s->inter_broker, sizeof s->inter_broker, "%s", found->name);
    return 0;
}

static void read_log_dirs(struct bn_settings *s) {
    struct bn_slice rest = bn_slice_str(bn_conf_log_dirs(s->conf)), item;
    while (bn_conf_value_next_item(&rest, &item)) {
        if (item.len == 0) continue;
        s->log_dirs = bn_alloc_resize(s->log_dirs, ((size_t)s->log_dir_count + 1) * sizeof *s->log_dirs);
        s->log_dirs[s->log_dir_count++] = bn_alloc_strndup(item.ptr, item.len);
    }
}

/* "10.0.0.1:100,::1:5": the number stands behind the last colon. */
int bn_settings_read_exceptions(const struct bn_conf *conf, struct bn_listener_exception **out, int *count,
                                struct bn_err *e) {
    struct bn_slice rest = bn_slice_str(bn_conf_str(conf, BN_CONF_MAX_CONNECTIONS_PER_IP_OVERRIDES)), item;
    *out = NULL;
    *count = 0;
    while (bn_conf_value_next_item(&rest, &item)) {
        if (item.len == 0) continue;
        size_t colon = item.len;
        while (colon > 0 && item.ptr[colon - 1] != ':') colon--;
        int64_t max = 0;
        bool good = colon > 1 && bn_slice_to_i64(bn_slice_of(item.ptr + colon, item.len - colon), &max) && max >= 0 &&
                    max <= INT32_MAX;
        if (!good) {
            return bn_err_set(e, BN_BAD, "max.connections.per.ip.overrides: '%.*s' is not address:number",
                              BN_SLICE_FMT(item));
        }
        *out = bn_alloc_resize(*out, ((size_t)*count + 1) * sizeof **out);
        (*out)[(*count)++] =
            (struct bn_listener_exception){bn_alloc_strndup(item.ptr, colon - 1), (uint32_t)max};
    }
    return 0;
}

void bn_settings_free_exceptions(struct bn_listener_exception *exceptions, int count) {
    for (int i = 0; i < count; i++) bn_alloc_free((char *)(uintptr_t)exceptions[i].host);
    bn_alloc_free(exceptions);
}

int bn_settings_init(struct bn_settings *s, const struct bn_conf *conf, int cores, struct bn_err *e) {
    *s = (struct bn_settings){.conf = conf};
    int64_t shards = bn_conf_i64(conf, BN_CONF_BARNABAS_SHARDS);
    /* Waking a thread costs more than a small request: one core stays free for everything else. */
    int64_t most = bn_max_i64(cores - 1, 1);
    s->shard_count = (int)(shards > 0 ? shards : bn_min_i64(bn_conf_i64(conf, BN_CONF_NUM_NETWORK_THREADS), most));
    s->cleaner_threads = (int)bn_min_i64(bn_conf_i64(conf, BN_CONF_LOG_CLEANER_THREADS), 64);
    s->io_threads = (int)bn_conf_i64(conf, BN_CONF_NUM_IO_THREADS);
    int64_t high_watermark_ms = bn_conf_i64(conf, BN_CONF_REPLICA_HIGH_WATERMARK_CHECKPOINT_INTERVAL_MS);
    int64_t recovery_ms = bn_conf_i64(conf, BN_CONF_LOG_FLUSH_OFFSET_CHECKPOINT_INTERVAL_MS);
    s->checkpoint_ms = (uint64_t)bn_max_i64(bn_min_i64(high_watermark_ms, recovery_ms), 100);
    read_log_dirs(s);
    int rc = bn_settings_read_exceptions(conf, &s->exceptions, &s->exception_count, e);
    return rc ? rc : read_listeners(s, e);
}

void bn_settings_fini(struct bn_settings *s) {
    for (int i = 0; i < s->log_dir_count; i++) bn_alloc_free(s->log_dirs[i]);
    bn_alloc_free(s->log_dirs);
    bn_settings_free_exceptions(s->exceptions, s->exception_count);
    *s = (struct bn_settings){0};
}

static void set_compression(const struct bn_topic_conf *t, struct bn_log_config *out) {
    switch (t->compression_type) {
    case BN_TOPIC_CONF_UNCOMPRESSED: out->compression = BN_CODEC_NONE; break;
    case BN_TOPIC_CONF_SNAPPY: out->compression = BN_CODEC_SNAPPY; break;
    case BN_TOPIC_CONF_GZIP:
        out->compression = BN_CODEC_GZIP;
        out->compression_level = (int)t->compression_gzip_level;
        break;
    case BN_TOPIC_CONF_LZ4:
        out->compression = BN_CODEC_LZ4;
        out->compression_level = (int)t->compression_lz4_level;
        break;
    case BN_TOPIC_CONF_ZSTD:
        out->compression = BN_CODEC_ZSTD;
        out->compression_level = (int)t->compression_zstd_level;
        break;
    default: out->compression = -1; break;
    }
}

/* The older key holds where the newer one was left alone (KIP-937). */
static int64_t timestamp_bound(const struct bn_topic_conf *t, int64_t newer) {
    return newer == INT64_MAX ? t->message_timestamp_difference_max_ms : newer;
}

static void to_log_config(const struct bn_conf *conf, const struct bn_topic_conf *t, struct bn_log_config *out) {
    bn_log_config_defaults(out);
    out->segment_bytes = t->segment_bytes;
    out->segment_ms = t->segment_ms;
    out->segment_jitter_ms = t->segment_jitter_ms;
    out->segment_index_bytes = t->segment_index_bytes;
    out->index_interval_bytes = t->index_interval_bytes;
    out->max_message_bytes = t->max_message_bytes;
    out->retention_ms = t->retention_ms;
    out->retention_bytes = t->retention_bytes;
    out->file_delete_delay_ms = t->file_delete_delay_ms;
    out->flush_messages = t->flush_messages;
    out->flush_ms = t->flush_ms;
    out->timestamp_before_max_ms = timestamp_bound(t, t->message_timestamp_before_max_ms);
    out->timestamp_after_max_ms = timestamp_bound(t, t->message_timestamp_after_max_ms);
    out->producer_id_expiration_ms = bn_conf_i64(conf, BN_CONF_PRODUCER_ID_EXPIRATION_MS);
    out->delete_retention_ms = t->delete_retention_ms;
    out->compaction_lag_min_ms = t->min_compaction_lag_ms;
    out->compaction_lag_max_ms = t->max_compaction_lag_ms;
    out->dirty_ratio_min = t->min_cleanable_dirty_ratio;
    out->log_append_time = t->message_timestamp_type == BN_TOPIC_CONF_LOG_APPEND_TIME;
    out->compact = (t->cleanup_policy & BN_TOPIC_CONF_COMPACT) != 0;
    out->delete = (t->cleanup_policy & BN_TOPIC_CONF_DELETE) != 0;
    out->preallocate = t->preallocate;
    set_compression(t, out);
}

void bn_settings_topic(const struct bn_conf *conf, const struct bn_image *image, const char *topic,
                       struct bn_log_config *out, int32_t *min_insync) {
    const struct bn_image_config *set = bn_image_config(image, "topics", bn_slice_str(topic));
    size_t count = set ? (size_t)set->count : 0;
    struct bn_topic_conf_pair *pairs = count ? bn_alloc(count * sizeof *pairs) : NULL;
    for (size_t i = 0; i < count; i++) {
        pairs[i] = (struct bn_topic_conf_pair){bn_slice_str(set->keys[i]), bn_slice_str(set->values[i])};
    }
    struct bn_topic_conf t;
    bn_topic_conf_resolve(&t, conf, pairs, count); /* bad overrides were told when they were set */
    bn_alloc_free(pairs);
    to_log_config(conf, &t, out);
    *min_insync = (int32_t)t.min_insync_replicas;
    bn_topic_conf_fini(&t);
}
