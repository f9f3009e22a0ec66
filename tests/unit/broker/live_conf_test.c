/* live_conf_test.c: goal: what is set at run time goes before the file, one broker's before all brokers', and what is
 * not valid or takes a restart counts for nothing. */
#include "broker/live_conf.h"

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

struct one {
    struct bn_conf *conf;
    struct bn_settings settings;
    struct bn_image *image;
    struct bn_live_conf *live;
};

static void start(struct one *o, struct bn_image_config *all, struct bn_image_config *mine) {
    struct bn_conf_report report;
    struct bn_err e = BN_ERR_NONE;
    bn_conf_report_init(&report);
    o->conf = bn_conf_new();
    bn_conf_read(o->conf, "test",
                 bn_slice_str("listeners=PLAINTEXT://127.0.0.1:0\nmessage.max.bytes=1000\nlog.segment.bytes=1000\n"
                              "min.insync.replicas=2\n"),
                 &report);
    bn_conf_report_fini(&report);
    ck_assert_int_eq(bn_settings_init(&o->settings, o->conf, 1, &e), 0);
    o->image = bn_image_empty();
    if (all) bn_map_put(&o->image->configs, BN_SLICE_LIT("brokers/<default>"), all);
    if (mine) bn_map_put(&o->image->configs, BN_SLICE_LIT("brokers/7"), mine);
    o->live = bn_live_conf_new(&o->settings, o->image, 7);
}

static void end(struct one *o) {
    bn_map_remove(&o->image->configs, BN_SLICE_LIT("brokers/<default>"));
    bn_map_remove(&o->image->configs, BN_SLICE_LIT("brokers/7"));
    bn_image_unref(o->image);
    bn_live_conf_unref(o->live);
    bn_settings_fini(&o->settings);
    bn_conf_free(o->conf);
}

START_TEST(test_precedence) {
    static char *all_keys[] = {"message.max.bytes", "log.segment.bytes", "no.such.key"};
    static char *all_values[] = {"2000", "2000", "x"};
    static char *my_keys[] = {"log.segment.bytes"}, *my_values[] = {"3000"};
    struct bn_image_config all = {.name = (char *)"<default>", .keys = all_keys, .values = all_values, .count = 3};
    struct bn_image_config mine = {.name = (char *)"7", .keys = my_keys, .values = my_values, .count = 1};
    struct one o;
    start(&o, &all, &mine);
    ck_assert_int_eq(bn_conf_i64(o.live->conf, BN_CONF_MESSAGE_MAX_BYTES), 2000);
    ck_assert_int_eq(bn_conf_source(o.live->conf, BN_CONF_MESSAGE_MAX_BYTES), BN_CONF_FROM_CLUSTER);
    ck_assert_int_eq(bn_conf_i64(o.live->conf, BN_CONF_LOG_SEGMENT_BYTES), 3000);
    ck_assert_int_eq(bn_conf_source(o.live->conf, BN_CONF_LOG_SEGMENT_BYTES), BN_CONF_FROM_BROKER);
    ck_assert_int_eq(bn_conf_i64(o.live->conf, BN_CONF_MIN_INSYNC_REPLICAS), 2);
    /* The file's own stays as it was. */
    ck_assert_int_eq(bn_conf_i64(o.conf, BN_CONF_MESSAGE_MAX_BYTES), 1000);
    struct bn_log_config config;
    int32_t min_insync;
    bn_settings_topic(o.live->conf, o.image, "t", &config, &min_insync);
    ck_assert_int_eq(config.max_message_bytes, 2000);
    ck_assert_int_eq(config.segment_bytes, 3000);
    bn_live_conf_tell(o.image, 7);
    end(&o);
}
END_TEST

START_TEST(test_left_out) {
    static char *keys[] = {"message.max.bytes", "broker.id", "log.retention.ms", "max.connections.per.ip",
                           "max.connections.per.ip.overrides"};
    static char *values[] = {"many", "9", "0", "0", "127.0.0.1:3,::1:4"};
    struct bn_image_config all = {.name = (char *)"<default>", .keys = keys, .values = values, .count = 5};
    struct one o;
    start(&o, &all, NULL);
    ck_assert_int_eq(bn_conf_i64(o.live->conf, BN_CONF_MESSAGE_MAX_BYTES), 1000);
    ck_assert_int_eq(bn_conf_i64(o.live->conf, BN_CONF_BROKER_ID), -1);
    ck_assert(bn_conf_is_null(o.live->conf, BN_CONF_LOG_RETENTION_MS));
    ck_assert_int_eq(bn_conf_i64(o.live->conf, BN_CONF_MAX_CONNECTIONS_PER_IP), 0); /* with its exceptions it is fine */
    ck_assert_int_eq(o.live->exception_count, 2);
    ck_assert_str_eq(o.live->exceptions[1].host, "::1");
    ck_assert_uint_eq(o.live->exceptions[1].max, 4);
    end(&o);
}
END_TEST

START_TEST(test_differs) {
    static char *keys[] = {"message.max.bytes"}, *values[] = {"2000"};
    struct bn_image_config all = {.keys = keys, .values = values, .count = 1}, other = all;
    struct bn_image *a = bn_image_empty(), *b = bn_image_empty();
    ck_assert(!bn_live_conf_differs(NULL, a, 7));
    bn_map_put(&a->configs, BN_SLICE_LIT("brokers/<default>"), &all);
    ck_assert(bn_live_conf_differs(NULL, a, 7));
    ck_assert(bn_live_conf_differs(a, b, 7));
    bn_map_put(&b->configs, BN_SLICE_LIT("brokers/<default>"), &all);
    ck_assert(!bn_live_conf_differs(a, b, 7));
    bn_map_put(&b->configs, BN_SLICE_LIT("brokers/8"), &other); /* another broker's */
    ck_assert(!bn_live_conf_differs(a, b, 7));
    bn_map_remove(&a->configs, BN_SLICE_LIT("brokers/<default>"));
    bn_map_remove(&b->configs, BN_SLICE_LIT("brokers/<default>"));
    bn_map_remove(&b->configs, BN_SLICE_LIT("brokers/8"));
    bn_image_unref(a);
    bn_image_unref(b);
}
END_TEST

Suite *live_conf_suite(void);
Suite *live_conf_suite(void) {
    Suite *s = suite_create("live_conf");
    TCase *t = tcase_create("live_conf");
    tcase_add_test(t, test_precedence);
    tcase_add_test(t, test_left_out);
    tcase_add_test(t, test_differs);
    suite_add_tcase(s, t);
    return s;
}
