/* topic_conf_test.c: overrides over the broker's values over defaults, with Kafka's words for what may not be
 * stored, and deafness to what somebody else stored all the same. */
#include "common/conf/topic_conf.h"

#include <string.h>

#include "tests/unit/unit.h"

static struct bn_topic_conf_pair pair(const char *name, const char *value) {
    return (struct bn_topic_conf_pair){bn_slice_str(name), bn_slice_str(value)};
}

START_TEST(test_rows) {
    struct bn_topic_conf t;
    ck_assert_int_eq(bn_topic_conf_resolve(&t, NULL, NULL, 0), 0); /* asserts that every default is valid */
    ck_assert_int_eq(BN_TOPIC_CONF_COUNT, 36);
    struct bn_conf *broker = bn_conf_new();
    for (int k = 0; k < BN_TOPIC_CONF_COUNT; k++) {
        const struct bn_topic_conf_row *row = bn_topic_conf_row((enum bn_topic_conf_key)k);
        ck_assert_int_eq(bn_topic_conf_find(bn_slice_str(row->name)), k);
        ck_assert(row->doc[strlen(row->doc) - 1] == '.');
        if (row->synonym == BN_TOPIC_CONF_ALONE) continue;
        const struct bn_conf_row *synonym = bn_conf_row((enum bn_conf_key)row->synonym);
        ck_assert_msg(row->type == synonym->type, "%s and %s", row->name, synonym->name);
        if (row->type != BN_CONF_STRING && row->type != BN_CONF_LIST) continue;
        ck_assert_str_eq(row->valid, synonym->valid);
    }
    bn_topic_conf_fini(&t);
    ck_assert_int_eq(bn_topic_conf_resolve(&t, broker, NULL, 0), 0);
    ck_assert_int_eq(t.retention_ms, 604800000);
    ck_assert_int_eq(t.segment_ms, 604800000);
    ck_assert_int_eq(t.segment_bytes, 1073741824);
    ck_assert_int_eq(t.max_message_bytes, 1048588);
    ck_assert_int_eq(t.flush_ms, INT64_MAX);
    ck_assert_uint_eq(t.cleanup_policy, BN_TOPIC_CONF_DELETE);
    ck_assert_int_eq(t.compression_type, BN_TOPIC_CONF_PRODUCER);
    ck_assert_int_eq(t.message_timestamp_type, BN_TOPIC_CONF_CREATE_TIME);
    ck_assert_double_eq(t.min_cleanable_dirty_ratio, 0.5);
    ck_assert(t.message_downconversion_enable && !t.preallocate);
    ck_assert_str_eq(t.leader_replication_throttled_replicas, "");
    bn_topic_conf_fini(&t);
    bn_conf_free(broker);
}
END_TEST

START_TEST(test_layers) {
    struct bn_conf *broker = bn_conf_new();
    struct bn_topic_conf t;
    struct bn_topic_conf_pair pairs[] = {
        pair("cleanup.policy", "compact, delete"), pair("segment.bytes", " 1024 "), pair("nonsense", "1"),
        pair("retention.bytes", "oops"),           pair("segment.bytes", "2048"),
    };
    ck_assert_int_eq(bn_conf_set(broker, BN_CONF_FROM_FILE, BN_CONF_LOG_SEGMENT_BYTES, "4096", NULL), 0);
    ck_assert_int_eq(bn_conf_set(broker, BN_CONF_FROM_FILE, BN_CONF_LOG_RETENTION_HOURS, "2", NULL), 0);
    ck_assert_int_eq(bn_conf_set(broker, BN_CONF_FROM_CLUSTER, BN_CONF_LOG_RETENTION_BYTES, "99", NULL), 0);
    ck_assert_int_eq(
        bn_conf_set(broker, BN_CONF_FROM_FILE, BN_CONF_LOG_MESSAGE_TIMESTAMP_DIFFERENCE_MAX_MS, "77", NULL), 0);
    ck_assert_int_eq(bn_topic_conf_resolve(&t, broker, pairs, BN_ARRAY_LEN(pairs)), 2);
    ck_assert_uint_eq(t.cleanup_policy, BN_TOPIC_CONF_COMPACT | BN_TOPIC_CONF_DELETE);
    ck_assert_int_eq(t.segment_bytes, 2048);
    ck_assert_int_eq(t.retention_ms, 7200000);
    ck_assert_int_eq(t.retention_bytes, 99);
    ck_assert_int_eq(t.message_timestamp_before_max_ms, 77);
    struct bn_conf_described d;
    bn_topic_conf_describe(&t, broker, BN_TOPIC_CONF_SEGMENT_BYTES, &d);
    ck_assert_str_eq(d.value, "2048");
    ck_assert_int_eq(d.source, BN_CONF_FROM_TOPIC);
    ck_assert_int_eq(d.synonym_count, 3);
    ck_assert_str_eq(d.synonyms[1].name, "log.segment.bytes");
    ck_assert_int_eq(d.synonyms[1].source, BN_CONF_FROM_FILE);
    bn_topic_conf_describe(&t, broker, BN_TOPIC_CONF_RETENTION_MS, &d);
    ck_assert_str_eq(d.value, "7200000");
    ck_assert_int_eq(d.source, BN_CONF_FROM_DEFAULT); /* so that a describe does not list it, as with Kafka */
    ck_assert_int_eq(d.synonym_count, 0);
    bn_topic_conf_describe(&t, broker, BN_TOPIC_CONF_RETENTION_BYTES, &d);
    ck_assert_int_eq(d.source, BN_CONF_FROM_CLUSTER);
    bn_topic_conf_describe(&t, broker, BN_TOPIC_CONF_REMOTE_STORAGE_ENABLE, &d);
    ck_assert_int_eq(d.source, BN_CONF_FROM_DEFAULT);
    ck_assert_int_eq(d.synonym_count, 0);
    ck_assert_str_eq(d.value, "false");
    bn_topic_conf_fini(&t);
    bn_conf_free(broker);
}
END_TEST

static const struct {
    const char *name, *value, *error;
} refused[] = {
    {"nope", "1", "Unknown topic config name: nope"},
    {"retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"},
    {"segment.bytes", "13", "Invalid value 13 for configuration segment.bytes: Value must be at least 14"},
    {"min.insync.replicas", "0", "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"},
    {"compression.type", "lzo",
     "Invalid value lzo for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, "
     "gzip, producer"},
    {"preallocate", "x", "Invalid value x for configuration preallocate: Expected value to be either true or false"},
    {"min.compaction.lag.ms", "10",
     "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)"},
};

START_TEST(test_refused) {
    struct bn_topic_conf_pair pairs[] = {pair("max.compaction.lag.ms", "5"),
                                         pair(refused[_i].name, refused[_i].value)};
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_topic_conf_validate(pairs, 2, &e), BN_BAD);
    ck_assert_str_eq(e.text, refused[_i].error);
    ck_assert_int_eq(bn_topic_conf_validate(pairs, 1, &e), 0);
    struct bn_topic_conf_pair null = pair("segment.bytes", NULL);
    ck_assert_int_eq(bn_topic_conf_validate(&null, 1, &e), BN_BAD);
}
END_TEST

Suite *topic_conf_suite(void);
Suite *topic_conf_suite(void) {
    Suite *s = suite_create("topic_conf");
    TCase *t = tcase_create("topic_conf");
    tcase_add_test(t, test_rows);
    tcase_add_test(t, test_layers);
    tcase_add_loop_test(t, test_refused, 0, BN_ARRAY_LEN(refused));
    suite_add_tcase(s, t);
    return s;
}
