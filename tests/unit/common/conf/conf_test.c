/* conf_test.c: the rows make sense, every error of a file is told with its line, and the value in force follows
 * the precedence of its sources. */
#include "common/conf/conf.h"

#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

START_TEST(test_rows) {
    struct bn_conf *c = bn_conf_new(); /* asserts that every default is valid */
    for (int k = 0; k < BN_CONF_COUNT; k++) {
        const struct bn_conf_row *row = bn_conf_row((enum bn_conf_key)k);
        ck_assert_int_eq(bn_conf_find(bn_slice_str(row->name)), k); /* also: no name twice */
        ck_assert_msg(row->doc[strlen(row->doc) - 1] == '.', "%s: its sentence has no end", row->name);
        ck_assert_msg(!row->effect || row->effect[strlen(row->effect) - 1] == '.', "%s: effect", row->name);
        struct bn_conf_described d;
        bn_conf_describe(c, (enum bn_conf_key)k, &d);
        ck_assert_int_eq(d.source, BN_CONF_FROM_DEFAULT);
    }
    ck_assert_int_eq(bn_conf_find(BN_SLICE_LIT("no.such.key")), -1);
    ck_assert_int_eq(bn_conf_i64(c, BN_CONF_LOG_SEGMENT_BYTES), 1073741824);
    ck_assert(bn_conf_bool(c, BN_CONF_AUTO_CREATE_TOPICS_ENABLE));
    ck_assert(bn_conf_is_null(c, BN_CONF_LOG_DIRS));
    ck_assert_ptr_null(bn_conf_str(c, BN_CONF_LOG_DIRS));
    ck_assert_int_eq(bn_conf_i64_or(c, BN_CONF_LOG_RETENTION_MS, 5), 5);
    ck_assert_double_eq(bn_conf_f64(c, BN_CONF_LOG_CLEANER_MIN_CLEANABLE_RATIO), 0.5);
    bn_conf_free(c);
}
END_TEST

START_TEST(test_everything_wrong_is_told_at_once) {
    static const char text[] = "# comment\n"
                               "broker.id=x\n"
                               "num.partitions=0\n"
                               "log.segment.byts=1\n"
                               "something.of.my.own=1\n"
                               "zookeeper.connect=localhost:2181\n"
                               "ssl.keystore.location=/k\n"
                               "listener.name.client.ssl.keystore.location=/k2\n"
                               "log.local.retention.ms=5\n"
                               "log.cleaner.enable=true\n"
                               "delete.topic.enable=maybe\n"
                               "delete.topic.enable=false\n";
    struct bn_conf *c = bn_conf_new();
    struct bn_conf_report r;
    bn_conf_report_init(&r);
    bn_conf_read(c, "s.properties", bn_slice_str(text), &r);
    bn_conf_override(c, "nonsense", &r);
    bn_conf_override(c, "log.index.interval.bytes=-3", &r);
    ck_assert_str_eq(r.errors.ptr,
                     "s.properties:2: Invalid value x for configuration broker.id: Not a number of type INT\n"
                     "s.properties:3: Invalid value 0 for configuration num.partitions: Value must be at least 1\n"
                     "--override: nonsense is not key=value\n"
                     "--override: Invalid value -3 for configuration log.index.interval.bytes: "
                     "Value must be at least 0\n");
    ck_assert_int_eq(r.error_count, 4);
    ck_assert_str_eq(r.warnings.ptr,
                     "s.properties:4: unknown key log.segment.byts (did you mean log.segment.bytes?)\n"
                     "s.properties:5: unknown key something.of.my.own\n"
                     "s.properties:11: delete.topic.enable is set again further down; that one counts\n");
    ck_assert_int_eq(r.warning_count, 3);
    ck_assert_str_eq(r.notes.ptr,
                     "s.properties:7: ssl.keystore.location has no effect: "
                     "Connections are not encrypted in this version.\n"
                     "s.properties:9: log.local.retention.ms has no effect: "
                     "There is no tiered storage in this version.\n");
    ck_assert_str_eq(bn_conf_other(c, "listener.name.client.ssl.keystore.location"), "/k2");
    ck_assert_ptr_null(bn_conf_other(c, "listener.name.client"));
    ck_assert(!bn_conf_bool(c, BN_CONF_DELETE_TOPIC_ENABLE));
    ck_assert_int_eq(bn_conf_i64(c, BN_CONF_BROKER_ID), -1);
    bn_conf_report_fini(&r);
    bn_conf_free(c);
}
END_TEST

START_TEST(test_precedence) {
    struct bn_conf *c = bn_conf_new();
    struct bn_err e = BN_ERR_NONE;
    enum bn_conf_key k = BN_CONF_MIN_INSYNC_REPLICAS;
    static const enum bn_conf_source sources[] = {BN_CONF_FROM_FILE, BN_CONF_FROM_CLUSTER, BN_CONF_FROM_BROKER};
    char text[2] = "2";
    ck_assert(!bn_conf_is_set(c, k));
    for (int i = 0; i < 3; i++, text[0]++) {
        ck_assert_int_eq(bn_conf_set(c, sources[i], k, text, &e), 0);
        ck_assert_int_eq(bn_conf_source(c, k), sources[i]);
        ck_assert_int_eq(bn_conf_i64(c, k), 2 + i);
    }
    ck_assert_int_eq(bn_conf_set(c, BN_CONF_FROM_BROKER, k, "0", &e), BN_BAD);
    ck_assert_int_eq(bn_conf_i64(c, k), 4); /* nothing has changed */
    struct bn_conf *copy = bn_conf_copy(c);
    struct bn_conf_described d;
    bn_conf_describe(copy, k, &d);
    ck_assert_str_eq(d.value, "4");
    ck_assert_int_eq(d.synonym_count, 4);
    static const int want_source[] = {2, 3, 4, 5};
    static const char *const want[] = {"4", "3", "2", "1"};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(d.synonyms[i].source, want_source[i]);
        ck_assert_str_eq(d.synonyms[i].value, want[i]);
    }
    ck_assert(!d.read_only);
    ck_assert_int_eq(bn_conf_set(c, BN_CONF_FROM_BROKER, k, NULL, &e), 0);
    ck_assert_int_eq(bn_conf_i64(c, k), 3);
    ck_assert_int_eq(bn_conf_i64(copy, k), 4);
    bn_conf_free(c);
    bn_conf_free(copy);
}
END_TEST

START_TEST(test_choices) {
    struct bn_conf *c = bn_conf_new();
    ck_assert_int_eq(bn_conf_choice(c, BN_CONF_COMPRESSION_TYPE), 5);
    ck_assert_uint_eq(bn_conf_flags(c, BN_CONF_LOG_CLEANUP_POLICY), 2);
    bn_conf_free(c);
}
END_TEST

START_TEST(test_load) {
    char *dir = unit_tmp_dir();
    char path[512];
    snprintf(path, sizeof path, "%s/s.properties", dir);
    struct bn_conf_report r;
    bn_conf_report_init(&r);
    ck_assert_ptr_null(bn_conf_load(bn_disk_real(), path, NULL, 0, &r));
    ck_assert_int_eq(r.error_count, 1);
    ck_assert_ptr_nonnull(strstr(r.errors.ptr, "No such file"));
    static const char text[] = "zookeeper.connect=z:1/chroot\nbroker.id=3\n";
    ck_assert_int_eq(bn_disk_write_atomic(bn_disk_real(), path, text, strlen(text), NULL), 0);
    bn_conf_report_fini(&r);
    bn_conf_report_init(&r);
    const char *overrides[] = {"broker.id=4", "listeners=PLAINTEXT://127.0.0.1:0"};
    struct bn_conf *c = bn_conf_load(bn_disk_real(), path, overrides, 2, &r);
    ck_assert_msg(c != NULL, "%s", r.errors.ptr);
    ck_assert_int_eq(r.warning_count, 0);
    ck_assert_int_eq(bn_conf_int(c, BN_CONF_BROKER_ID), 4);
    ck_assert_str_eq(bn_conf_str(c, BN_CONF_ZOOKEEPER_CONNECT), "z:1/chroot");
    bn_conf_report_fini(&r);
    bn_conf_free(c);
    unit_tmp_remove(dir);
}
END_TEST

/* Milliseconds go before minutes before hours, even when hours are set explicitly. */
static void set(struct bn_conf *c, enum bn_conf_key key, const char *text) {
    ck_assert_int_eq(bn_conf_set(c, BN_CONF_FROM_FILE, key, text, NULL), 0);
}

START_TEST(test_units) {
    struct bn_conf *c = bn_conf_new();
    ck_assert_int_eq(bn_conf_retention_ms(c), 604800000);
    ck_assert_int_eq(bn_conf_roll_ms(c), 604800000);
    ck_assert_int_eq(bn_conf_roll_jitter_ms(c), 0);
    ck_assert_int_eq(bn_conf_flush_ms(c), INT64_MAX);
    ck_assert_int_eq(bn_conf_zk_connection_timeout_ms(c), 18000);
    ck_assert_int_eq(bn_conf_controller_id(c), -1);
    ck_assert_str_eq(bn_conf_log_dirs(c), "/tmp/kafka-logs");
    set(c, BN_CONF_LOG_RETENTION_HOURS, "2147483647");
    ck_assert_int_eq(bn_conf_retention_ms(c), 2147483647LL * 3600000);
    set(c, BN_CONF_LOG_RETENTION_MINUTES, "3");
    ck_assert_int_eq(bn_conf_retention_ms(c), 180000);
    set(c, BN_CONF_LOG_RETENTION_MS, "5");
    set(c, BN_CONF_LOG_RETENTION_HOURS, "1");
    ck_assert_int_eq(bn_conf_retention_ms(c), 5);
    set(c, BN_CONF_LOG_RETENTION_MS, "-1");
    ck_assert_int_eq(bn_conf_retention_ms(c), -1);
    set(c, BN_CONF_LOG_ROLL_HOURS, "2");
    set(c, BN_CONF_LOG_ROLL_JITTER_HOURS, "1");
    ck_assert_int_eq(bn_conf_roll_ms(c), 7200000);
    ck_assert_int_eq(bn_conf_roll_jitter_ms(c), 3600000);
    set(c, BN_CONF_LOG_FLUSH_SCHEDULER_INTERVAL_MS, "9");
    ck_assert_int_eq(bn_conf_flush_ms(c), 9);
    set(c, BN_CONF_BROKER_ID, "4");
    ck_assert_int_eq(bn_conf_controller_id(c), 4);
    set(c, BN_CONF_CONTROLLER_ID, "5");
    ck_assert_int_eq(bn_conf_controller_id(c), 5);
    set(c, BN_CONF_LOG_DIRS, "/a,/b");
    ck_assert_str_eq(bn_conf_log_dirs(c), "/a,/b");
    bn_conf_free(c);
}
END_TEST

START_TEST(test_synonyms_are_described) {
    struct bn_conf *c = bn_conf_new();
    struct bn_conf_described d;
    set(c, BN_CONF_LOG_RETENTION_MINUTES, "3");
    bn_conf_describe(c, BN_CONF_LOG_RETENTION_MS, &d);
    ck_assert_ptr_null(d.value);
    ck_assert_int_eq(d.type, 5);
    ck_assert_int_eq(d.synonym_count, 0); /* Kafka shows none unless the key itself is set */
    set(c, BN_CONF_LOG_RETENTION_MS, "180000");
    bn_conf_describe(c, BN_CONF_LOG_RETENTION_MS, &d);
    ck_assert_str_eq(d.value, "180000");
    ck_assert_int_eq(d.synonym_count, 3);
    ck_assert_str_eq(d.synonyms[0].name, "log.retention.ms");
    ck_assert_str_eq(d.synonyms[1].name, "log.retention.minutes");
    ck_assert_int_eq(d.synonyms[1].source, BN_CONF_FROM_FILE);
    ck_assert_str_eq(d.synonyms[2].name, "log.retention.hours");
    ck_assert_int_eq(d.synonyms[2].source, BN_CONF_FROM_DEFAULT);
    bn_conf_describe(c, BN_CONF_BROKER_ID, &d);
    ck_assert(d.read_only);
    ck_assert_int_eq(d.synonym_count, 1);
    bn_conf_free(c);
}
END_TEST

/* The files that are shipped must be good. */
START_TEST(test_shipped_files) {
    static const char *const names[] = {"server.properties", "controller.properties"};
    char path[512];
    const char *root = getenv("srcdir");
    snprintf(path, sizeof path, "%s/config/%s", root ? root : "..", names[_i]);
    struct bn_conf_report r;
    bn_conf_report_init(&r);
    struct bn_conf *c = bn_conf_load(bn_disk_real(), path, NULL, 0, &r);
    ck_assert_msg(c != NULL, "%s", r.errors.ptr);
    ck_assert_str_eq(r.warnings.ptr, "");
    bn_conf_report_fini(&r);
    bn_conf_free(c);
}
END_TEST

Suite *conf_suite(void);
Suite *conf_suite(void) {
    Suite *s = suite_create("conf");
    TCase *t = tcase_create("conf");
    tcase_add_test(t, test_rows);
    tcase_add_test(t, test_everything_wrong_is_told_at_once);
    tcase_add_test(t, test_precedence);
    tcase_add_test(t, test_choices);
    tcase_add_test(t, test_load);
    tcase_add_test(t, test_units);
    tcase_add_test(t, test_synonyms_are_described);
    tcase_add_loop_test(t, test_shipped_files, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
