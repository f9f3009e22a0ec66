/* conf_time_test.c: milliseconds go before minutes before hours, even when hours are set explicitly, and
 * DescribeConfigs shows the chain. */
#include "common/conf/conf.h"
#include "tests/unit/unit.h"

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

START_TEST(test_described) {
    struct bn_conf *c = bn_conf_new();
    struct bn_conf_described d;
    set(c, BN_CONF_LOG_RETENTION_MINUTES, "3");
    bn_conf_describe(c, BN_CONF_LOG_RETENTION_MS, &d);
    ck_assert_ptr_null(d.value);
    ck_assert_int_eq(d.type, 5);
    ck_assert_int_eq(d.synonym_count, 2);
    ck_assert_str_eq(d.synonyms[0].name, "log.retention.minutes");
    ck_assert_int_eq(d.synonyms[0].source, BN_CONF_FROM_FILE);
    ck_assert_str_eq(d.synonyms[1].name, "log.retention.hours");
    ck_assert_int_eq(d.synonyms[1].source, BN_CONF_FROM_DEFAULT);
    bn_conf_describe(c, BN_CONF_BROKER_ID, &d);
    ck_assert(d.read_only);
    ck_assert_int_eq(d.synonym_count, 1);
    bn_conf_free(c);
}
END_TEST

Suite *conf_time_suite(void);
Suite *conf_time_suite(void) {
    Suite *s = suite_create("conf_time");
    TCase *t = tcase_create("conf_time");
    tcase_add_test(t, test_units);
    tcase_add_test(t, test_described);
    suite_add_tcase(s, t);
    return s;
}
