/* settings_test.c: goal: keys become what the rooms take, with Kafka's rules; what can't be served is refused with a
 * remedy. */
#include "broker/settings.h"

#include "common/base/alloc.h"
#include "proto/kafka/compress.h"
#include "tests/unit/unit.h"

static struct bn_conf *conf_of(const char *text) {
    struct bn_conf_report report;
    bn_conf_report_init(&report);
    struct bn_conf *conf = bn_conf_new();
    bn_conf_read(conf, "test", bn_slice_str(text), &report);
    ck_assert_msg(report.error_count == 0, "%s", report.errors.ptr);
    bn_conf_report_fini(&report);
    return conf;
}

START_TEST(test_threads) {
    static const struct {
        const char *text;
        int cores, shards;
    } cases[] = {
        {"", 1, 1},
        {"", 2, 1},
        {"", 3, 2},
        {"", 64, 3},
        {"num.network.threads=8\n", 64, 8},
        {"barnabas.shards=5\n", 1, 5},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_conf *conf = conf_of(cases[i].text);
        struct bn_settings s;
        struct bn_err e = BN_ERR_NONE;
        ck_assert_int_eq(bn_settings_init(&s, conf, cases[i].cores, &e), 0);
        ck_assert_msg(s.shard_count == cases[i].shards, "case %zu: %d", i, s.shard_count);
        bn_settings_fini(&s);
        bn_conf_free(conf);
    }
}
END_TEST

START_TEST(test_listeners) {
    struct bn_conf *conf = conf_of("listeners=PLAINTEXT://127.0.0.1:9092,INTERNAL://[::1]:9093\n"
                                   "advertised.listeners=INTERNAL://in.example:9093,PLAINTEXT://out.example:19092\n"
                                   "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT\n"
                                   "inter.broker.listener.name=INTERNAL\nlog.dirs= /a , /b\n"
                                   "max.connections.per.ip.overrides=10.0.0.1:5,::1:7\n"
                                   "replica.high.watermark.checkpoint.interval.ms=7000\n");
    struct bn_settings s;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_msg(bn_settings_init(&s, conf, 4, &e) == 0, "%s", e.text);
    ck_assert_int_eq(s.listener_count, 2);
    ck_assert_str_eq(s.listeners[1].host, "::1");
    ck_assert_int_eq(s.advertised_count, 2);
    ck_assert_str_eq(s.advertised[0].host, "in.example");
    ck_assert_str_eq(s.inter_broker, "INTERNAL");
    ck_assert_int_eq(s.log_dir_count, 2);
    ck_assert_str_eq(s.log_dirs[1], "/b");
    ck_assert_int_eq(s.exception_count, 2);
    ck_assert_str_eq(s.exceptions[1].host, "::1");
    ck_assert_uint_eq(s.exceptions[1].max, 7);
    ck_assert_uint_eq(s.checkpoint_ms, 7000);
    bn_settings_fini(&s);
    bn_conf_free(conf);
}
END_TEST

/* No host to listen on: every address; what clients are told is then this machine's name. */
START_TEST(test_default_listener) {
    struct bn_conf *conf = conf_of("");
    struct bn_settings s;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_settings_init(&s, conf, 4, &e), 0);
    ck_assert_str_eq(s.listeners[0].host, "");
    ck_assert_int_eq(s.advertised[0].port, 9092);
    ck_assert_uint_gt(strlen(s.advertised[0].host), 0);
    bn_settings_fini(&s);
    bn_conf_free(conf);
}
END_TEST

START_TEST(test_refusals) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"listeners=PLAINTEXT://0.0.0.0:9092\n", "0.0.0.0"},
        {"listeners=SSL://127.0.0.1:9093\n", "SSL"},
        {"listeners=PLAINTEXT://127.0.0.1:9092\nmax.connections.per.ip.overrides=1.2.3.4\n", "1.2.3.4"},
        {"listeners=PLAINTEXT://127.0.0.1:9092\nmax.connections.per.ip.overrides=1.2.3.4:-1\n", "overrides"},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_conf *conf = conf_of(cases[i].text);
        struct bn_settings s;
        struct bn_err e = BN_ERR_NONE;
        ck_assert_int_eq(bn_settings_init(&s, conf, 4, &e), BN_BAD);
        ck_assert_msg(strstr(e.text, cases[i].says), "case %zu: %s", i, e.text);
        bn_settings_fini(&s);
        bn_conf_free(conf);
    }
}
END_TEST

START_TEST(test_topic) {
    static char *keys[] = {"cleanup.policy", "compression.type", "compression.zstd.level", "min.insync.replicas",
                           "message.timestamp.type", "message.timestamp.difference.max.ms", "flush.messages"};
    static char *values[] = {"compact,delete", "zstd", "7", "2", "LogAppendTime", "60000", "1"};
    struct bn_image_config set = {.keys = keys, .values = values, .count = 7};
    struct bn_conf *conf = conf_of("log.retention.hours=1\nmessage.max.bytes=2000\n");
    struct bn_settings s;
    struct bn_err e = BN_ERR_NONE;
    struct bn_image *image = bn_image_empty();
    bn_map_put(&image->configs, BN_SLICE_LIT("topics/orders"), &set);
    ck_assert_int_eq(bn_settings_init(&s, conf, 4, &e), 0);
    struct bn_log_config out;
    int32_t min_insync = 0;
    bn_settings_topic(conf, image, "orders", &out, &min_insync);
    ck_assert(out.compact && out.delete && out.log_append_time);
    ck_assert_int_eq(out.compression, BN_CODEC_ZSTD);
    ck_assert_int_eq(out.compression_level, 7);
    ck_assert_int_eq(out.timestamp_before_max_ms, 60000);
    ck_assert_int_eq(out.flush_messages, 1);
    ck_assert_int_eq(out.retention_ms, 3600000);
    ck_assert_int_eq(out.max_message_bytes, 2000);
    ck_assert_int_eq(min_insync, 2);
    bn_settings_topic(conf, image, "other", &out, &min_insync);
    ck_assert(!out.compact && out.delete);
    ck_assert_int_eq(out.compression, -1);
    ck_assert_int_eq(out.timestamp_before_max_ms, INT64_MAX);
    ck_assert_int_eq(min_insync, 1);
    bn_map_remove(&image->configs, BN_SLICE_LIT("topics/orders"));
    bn_image_unref(image);
    bn_settings_fini(&s);
    bn_conf_free(conf);
}
END_TEST

Suite *settings_suite(void);
Suite *settings_suite(void) {
    Suite *s = suite_create("settings");
    TCase *t = tcase_create("settings");
    tcase_add_test(t, test_threads);
    tcase_add_test(t, test_listeners);
    tcase_add_test(t, test_default_listener);
    tcase_add_test(t, test_refusals);
    tcase_add_test(t, test_topic);
    suite_add_tcase(s, t);
    return s;
}
