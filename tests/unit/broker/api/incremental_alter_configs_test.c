/* incremental_alter_configs_test.c: goal: topics and brokers go to the controller, loggers alone stay here, and what
 * cannot be done is refused in Kafka's words. */
#include "common/base/trace.h"
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_forwards) {
    struct fake f;
    fake_init(&f);
    for (int version = 0; version <= 1; version++) {
        struct kmsg_incremental_alter_configs_request_resource resources[2] = {
            {.resource_type = 2, .resource_name = BN_SLICE_LIT("a")},
            {.resource_type = 8, .resource_name = BN_SLICE_LIT("1")}};
        struct kmsg_incremental_alter_configs_request q = {.validate_only = true};
        struct kmsg_incremental_alter_configs_response got;
        q.resources.v = resources;
        q.resources.n = 2;
        fake_send(&f, KAPI_INCREMENTAL_ALTER_CONFIGS, version, &q);
        ck_assert_int_eq(f.forwards[version].api_key, KAPI_INCREMENTAL_ALTER_CONFIGS);
        fake_answer(&f, version, KE_REQUEST_TIMED_OUT, BN_SLICE_NULL);
        fake_take(&f, KAPI_INCREMENTAL_ALTER_CONFIGS, version, &got);
        ck_assert_int_eq(got.responses.n, 2);
        ck_assert(bn_slice_eq_str(got.responses.v[0].resource_name, "a"));
        ck_assert_int_eq(got.responses.v[1].resource_type, 8);
        ck_assert_int_eq(got.responses.v[1].error_code, KE_REQUEST_TIMED_OUT);
    }
    fake_fini(&f);
}
END_TEST

static const struct {
    const char *broker, *name;
    int8_t operation;
    const char *value;
    int16_t error;
    const char *message;
} LOGGERS[] = {
    {"1", "root", 0, "DEBUG", 0, NULL},
    {"1", "root", 0, "WARN", 0, NULL},
    {"1", "root", 0, "LOUD", 40,
     "Cannot set the log level of root to LOUD as it is not a supported log level. Valid log levels are DEBUG, ERROR, "
     "FATAL, INFO, TRACE, WARN"},
    {"1", "root", 0, NULL, 42, "Null value not supported for : root"},
    {"1", "no.such", 0, "INFO", 40, "Logger no.such does not exist!"},
    {"1", "root", 1, NULL, 42, "Removing the log level of the root logger is not allowed"},
    {"1", "root", 2, "INFO", 42, "APPEND operation is not allowed for the BROKER_LOGGER resource"},
    {"1", "root", 3, "INFO", 42, "SUBTRACT operation is not allowed for the BROKER_LOGGER resource"},
    {"abc", "root", 0, "INFO", 42, "Node id must be an integer, but it is: abc"},
    {"", "root", 0, "INFO", 42, "Node id must be an integer, but it is: "},
    {"77", "root", 0, "INFO", 42, "Unexpected node id. Expected 1, but received 77"},
};

START_TEST(test_loggers) {
    struct fake f;
    fake_init(&f);
    struct kmsg_incremental_alter_configs_request_config config = {.name = bn_slice_str(LOGGERS[_i].name),
                                                                   .config_operation = LOGGERS[_i].operation,
                                                                   .value = bn_slice_str(LOGGERS[_i].value)};
    struct kmsg_incremental_alter_configs_request_resource resource = {
        .resource_type = 8, .resource_name = bn_slice_str(LOGGERS[_i].broker), .configs = {&config, 1}};
    struct kmsg_incremental_alter_configs_request q = {.resources = {&resource, 1}};
    struct kmsg_incremental_alter_configs_response got;
    fake_ask(&f, KAPI_INCREMENTAL_ALTER_CONFIGS, 1, &q, &got);
    ck_assert_int_eq(f.forward_count, 0);
    ck_assert_int_eq(got.responses.v[0].error_code, LOGGERS[_i].error);
    if (LOGGERS[_i].message) {
        ck_assert(bn_slice_eq_str(got.responses.v[0].error_message, LOGGERS[_i].message));
    } else {
        ck_assert(bn_slice_is_null(got.responses.v[0].error_message));
        ck_assert_int_eq(bn_trace_on(BN_TRACE_DEBUG), strcmp(LOGGERS[_i].value, "DEBUG") == 0);
        ck_assert(bn_trace_on(BN_TRACE_WARN));
    }
    fake_fini(&f);
    bn_trace_set_level(BN_TRACE_INFO);
}
END_TEST

Suite *incremental_alter_configs_suite(void);
Suite *incremental_alter_configs_suite(void) {
    Suite *s = suite_create("incremental_alter_configs");
    TCase *t = tcase_create("incremental_alter_configs");
    tcase_add_test(t, test_forwards);
    tcase_add_loop_test(t, test_loggers, 0, (int)BN_ARRAY_LEN(LOGGERS));
    suite_add_tcase(s, t);
    return s;
}
