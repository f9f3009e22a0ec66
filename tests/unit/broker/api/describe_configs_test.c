/* describe_configs_test.c: goal: a topic's rows with their sources and synonyms, this broker's rows, and a plain
 * refusal of anything else. */
#include "common/base/check.h"
#include "common/conf/conf.h"
#include "common/conf/topic_conf.h"
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

static struct bn_conf *make_conf(void) {
    struct bn_conf_report report;
    bn_conf_report_init(&report);
    struct bn_conf *conf = bn_conf_new();
    bn_conf_read(conf, "test", BN_SLICE_LIT("zookeeper.connect=z:2181\nlog.retention.hours=2\n"), &report);
    ck_assert_msg(report.error_count == 0, "%s", report.errors.ptr);
    bn_conf_report_fini(&report);
    return conf;
}

static void ask(struct fake *f, int version, int8_t type, const char *name, const char *key,
                struct kmsg_describe_configs_response *got) {
    struct bn_slice keys[1] = {bn_slice_str(key)};
    struct kmsg_describe_configs_request_resource resource = {.resource_type = type,
                                                              .resource_name = bn_slice_str(name)};
    struct kmsg_describe_configs_request q = kmsg_describe_configs_request_default;
    resource.configuration_keys.v = keys;
    resource.configuration_keys.n = key ? 1 : -1;
    q.resources.v = &resource;
    q.resources.n = 1;
    q.include_synonyms = version >= 1;
    q.include_documentation = version >= 3;
    fake_ask(f, KAPI_DESCRIBE_CONFIGS, version, &q, got);
    ck_assert_int_eq(got->results.n, 1);
    ck_assert_int_eq(got->results.v[0].resource_type, type);
    ck_assert(bn_slice_eq_str(got->results.v[0].resource_name, name));
}

static const struct kmsg_describe_configs_response_config *find(const struct kmsg_describe_configs_response *got,
                                                                const char *name) {
    for (int i = 0; i < got->results.v[0].configs.n; i++) {
        if (bn_slice_eq_str(got->results.v[0].configs.v[i].name, name)) return &got->results.v[0].configs.v[i];
    }
    ck_abort_msg("no row %s", name);
    return NULL;
}

/* What a person has set in ZooKeeper, and no answer can carry, is no end of the broker. */
START_TEST(test_too_long) {
    static char value[BN_CODEC_STRING_MAX + 2];
    static char *keys[] = {"leader.replication.throttled.replicas"}, *values[] = {value};
    struct bn_image_config set = {.keys = keys, .values = values, .count = 1};
    struct fake f;
    fake_init(&f);
    struct bn_conf *conf = make_conf();
    f.deps.conf = conf;
    fake_topic(&f, "orders", 1, 1, 1);
    bn_map_put(&f.image.configs, BN_SLICE_LIT("topics/orders"), &set);
    for (size_t at = 0; at + 4 < sizeof value; at += 4) memcpy(value + at, "0:1,", 4);
    memcpy(value + sizeof value - 5, "0:12", 4);
    struct kmsg_describe_configs_response got;
    ask(&f, 4, 2, "orders", NULL, &got);
    ck_assert_int_eq(got.results.v[0].error_code, KE_UNKNOWN_SERVER_ERROR);
    ck_assert_int_eq(got.results.v[0].configs.n, 0);
    ask(&f, 4, 2, "orders", "segment.bytes", &got);
    ck_assert_int_eq(got.results.v[0].error_code, KE_NONE);
    bn_conf_free(conf);
    fake_fini(&f);
}
END_TEST

START_TEST(test_topic) {
    static char *keys[] = {"max.message.bytes", "no.such.key"}, *values[] = {"1000", "x"};
    struct bn_image_config set = {.keys = keys, .values = values, .count = 2};
    struct fake f;
    fake_init(&f);
    struct bn_conf *conf = make_conf();
    f.deps.conf = conf;
    fake_topic(&f, "orders", 1, 1, 1);
    bn_map_put(&f.image.configs, BN_SLICE_LIT("topics/orders"), &set);
    for (int version = 0; version <= 4; version++) {
        struct kmsg_describe_configs_response got;
        ask(&f, version, 2, "orders", NULL, &got);
        ck_assert_int_eq(got.results.v[0].error_code, KE_NONE);
        ck_assert_int_eq(got.results.v[0].configs.n, BN_TOPIC_CONF_COUNT);
        const struct kmsg_describe_configs_response_config *c = find(&got, "max.message.bytes");
        ck_assert(bn_slice_eq_str(c->value, "1000"));
        ck_assert(!c->read_only && !c->is_default);
        if (version == 0) continue; /* sources and synonyms are not told */
        ck_assert_int_eq(c->config_source, BN_CONF_FROM_TOPIC);
        ck_assert_int_ge(c->synonyms.n, 2);
        ck_assert(bn_slice_eq_str(c->synonyms.v[0].value, "1000"));
        ck_assert(bn_slice_eq_str(c->synonyms.v[1].name, "message.max.bytes"));
        c = find(&got, "retention.ms"); /* the broker says hours: a default, as with Kafka */
        ck_assert(bn_slice_eq_str(c->value, "7200000"));
        ck_assert_int_eq(c->config_source, BN_CONF_FROM_DEFAULT);
        c = find(&got, "segment.bytes");
        ck_assert_int_eq(c->config_source, BN_CONF_FROM_DEFAULT);
        if (version >= 3) ck_assert_int_eq(c->config_type, BN_CONF_INT);
        if (version >= 3) ck_assert_uint_gt(c->documentation.len, 10);
        ask(&f, version, 2, "orders", "segment.bytes", &got);
        ck_assert_int_eq(got.results.v[0].configs.n, 1);
    }
    bn_conf_free(conf);
    fake_fini(&f);
}
END_TEST

START_TEST(test_broker) {
    struct fake f;
    fake_init(&f);
    struct bn_conf *conf = make_conf();
    f.deps.conf = conf;
    struct kmsg_describe_configs_response got;
    ask(&f, 4, 4, "1", NULL, &got);
    int at_run_time_only = 0;
    for (int key = 0; key < BN_CONF_COUNT; key++)
        at_run_time_only += bn_conf_row((enum bn_conf_key)key)->mode == BN_CONF_RUNTIME;
    ck_assert_int_eq(got.results.v[0].configs.n, BN_CONF_COUNT - at_run_time_only);
    ck_assert(bn_slice_eq_str(find(&got, "zookeeper.connect")->value, "z:2181"));
    ck_assert(find(&got, "zookeeper.connect")->read_only);
    ask(&f, 4, 4, "", NULL, &got);
    ck_assert_int_eq(got.results.v[0].error_code, KE_NONE);
    ck_assert_int_eq(got.results.v[0].configs.n, 0);
    bn_conf_free(conf);
    fake_fini(&f);
}
END_TEST

/* What is set at run time, as the shard has it in force; here at both sources, with a key that nobody knows. */
static struct bn_conf *in_force;
static const struct bn_conf *conf_now(void *arg, struct bn_shard *shard) {
    (void)arg;
    (void)shard;
    return in_force;
}

START_TEST(test_at_run_time) {
    static char *all_keys[] = {"log.retention.ms", "no.such.key"}, *all_values[] = {"200000", "secret"};
    static char *my_keys[] = {"leader.replication.throttled.rate", "log.retention.ms"}, *my_values[] = {"7", "100000"};
    struct bn_image_config all = {.keys = all_keys, .values = all_values, .count = 2};
    struct bn_image_config mine = {.keys = my_keys, .values = my_values, .count = 2};
    struct fake f;
    fake_init(&f);
    struct bn_conf *conf = make_conf();
    struct bn_err e = BN_ERR_NONE;
    in_force = bn_conf_copy(conf);
    ck_assert_int_eq(bn_conf_set(in_force, BN_CONF_FROM_CLUSTER, BN_CONF_LOG_RETENTION_MS, "200000", &e), 0);
    ck_assert_int_eq(bn_conf_set(in_force, BN_CONF_FROM_BROKER, BN_CONF_LOG_RETENTION_MS, "100000", &e), 0);
    ck_assert_int_eq(bn_conf_set(in_force, BN_CONF_FROM_BROKER, BN_CONF_LEADER_REPLICATION_THROTTLED_RATE, "7", &e), 0);
    f.deps.conf = conf;
    f.deps.conf_now = conf_now;
    fake_topic(&f, "orders", 1, 1, 1);
    bn_map_put(&f.image.configs, BN_SLICE_LIT("brokers/<default>"), &all);
    bn_map_put(&f.image.configs, BN_SLICE_LIT("brokers/1"), &mine);
    struct kmsg_describe_configs_response got;
    ask(&f, 4, 4, "1", NULL, &got);
    const struct kmsg_describe_configs_response_config *c = find(&got, "log.retention.ms");
    ck_assert(bn_slice_eq_str(c->value, "100000"));
    ck_assert_int_eq(c->config_source, BN_CONF_FROM_BROKER);
    ck_assert_int_eq(c->synonyms.v[1].source, BN_CONF_FROM_CLUSTER);
    ck_assert(bn_slice_eq_str(c->synonyms.v[1].value, "200000"));
    c = find(&got, "leader.replication.throttled.rate");
    ck_assert_int_eq(c->synonyms.n, 1);
    c = find(&got, "no.such.key"); /* it might be a secret */
    ck_assert(c->is_sensitive && bn_slice_is_null(c->value) && bn_slice_is_null(c->synonyms.v[0].value));
    ck_assert_int_eq(c->config_source, BN_CONF_FROM_CLUSTER);
    ask(&f, 4, 4, "", NULL, &got);
    ck_assert_int_eq(got.results.v[0].configs.n, 2);
    c = find(&got, "log.retention.ms");
    ck_assert(bn_slice_eq_str(c->value, "200000"));
    ck_assert_int_eq(c->synonyms.n, 1);
    ask(&f, 4, 2, "orders", "retention.ms", &got);
    c = find(&got, "retention.ms");
    ck_assert(bn_slice_eq_str(c->value, "100000"));
    ck_assert_int_eq(c->config_source, BN_CONF_FROM_BROKER);
    ask(&f, 4, 8, "1", NULL, &got);
    c = find(&got, "root");
    ck_assert(bn_slice_eq_str(c->value, "INFO"));
    ck_assert_int_eq(c->config_source, BN_CONF_FROM_LOGGER);
    ck_assert(!bn_slice_is_null(c->documentation) && c->documentation.len == 0);
    bn_conf_free(in_force);
    bn_conf_free(conf);
    fake_fini(&f);
}
END_TEST

START_TEST(test_refusals) {
    static const struct {
        int8_t type;
        const char *name;
        int16_t error;
        const char *says;
    } cases[] = {
        {2, "absent", KE_UNKNOWN_TOPIC_OR_PARTITION, ""},
        {2, "a/b", KE_INVALID_TOPIC_EXCEPTION,
         "Topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and "
         "'-'"},
        {2, "..", KE_INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '..' is not allowed"},
        {4, "2", KE_INVALID_REQUEST, "Unexpected broker id, expected 1 or empty string, but received 2"},
        {4, "one", KE_INVALID_REQUEST, "Broker id must be an integer, but it is: one"},
        {8, "2", KE_INVALID_REQUEST, "Unexpected broker id, expected 1 but received 2"},
        {8, "", KE_INVALID_REQUEST, "Broker id must be an integer, but it is: "},
        {16, "x", KE_INVALID_REQUEST, "Config type client-metrics is only supported on KRaft clusters"},
        {99, "x", KE_INVALID_REQUEST, ""},
    };
    struct fake f;
    fake_init(&f);
    struct bn_conf *conf = make_conf();
    f.deps.conf = conf;
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct kmsg_describe_configs_response got;
        ask(&f, 2, cases[i].type, cases[i].name, NULL, &got);
        ck_assert_msg(got.results.v[0].error_code == cases[i].error, "case %zu: %d", i, got.results.v[0].error_code);
        ck_assert_int_eq(got.results.v[0].configs.n, 0);
        if (cases[i].says[0]) ck_assert(bn_slice_eq_str(got.results.v[0].error_message, cases[i].says));
        if (cases[i].error == KE_UNKNOWN_TOPIC_OR_PARTITION) {
            ck_assert(!bn_slice_is_null(got.results.v[0].error_message) && got.results.v[0].error_message.len == 0);
        }
    }
    bn_conf_free(conf);
    fake_fini(&f);
}
END_TEST

Suite *describe_configs_suite(void);
Suite *describe_configs_suite(void) {
    Suite *s = suite_create("describe_configs");
    TCase *t = tcase_create("describe_configs");
    tcase_add_test(t, test_too_long);
    tcase_add_test(t, test_topic);
    tcase_add_test(t, test_broker);
    tcase_add_test(t, test_at_run_time);
    tcase_add_test(t, test_refusals);
    suite_add_tcase(s, t);
    return s;
}
