/* admin_config_test.c: goal: what a request itself tells is judged as Kafka judges it, resource by resource. Every
 * version and random bytes are admin_test.c's. */
#include "common/base/alloc.h"
#include "controller/admin_int.h"
#include "proto/kafka/codec.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/unit.h"

enum { ALTER = 33, INCREMENTAL = 44, ASKED = 3 };

static struct bn_controller controller;

/* Gives the request's bytes, which live as long as a does. */
static uint8_t *decode(struct bn_admin *a, int key, int version, const struct bn_codec_desc *d, void *m) {
    struct bn_chain chain;
    bn_chain_init(&chain);
    bn_codec_encode(d, version, m, &chain);
    uint8_t *bytes = bn_alloc(chain.size_bytes);
    ck_assert_int_eq(bn_chain_copy_out(&chain, bytes), 0);
    Bn__AdminRequest in = BN__ADMIN_REQUEST__INIT;
    in.api_key = key;
    in.api_version = version;
    in.broker_id = ASKED;
    in.body = (ProtobufCBinaryData){chain.size_bytes, bytes};
    *a = (struct bn_admin){0};
    bn_arena_init(&a->arena, BN_ADMIN_BUDGET);
    ck_assert_int_eq(bn_admin_decode(a, &controller, &in), 0);
    ck_assert_int_eq(a->event.kind, BN_EVENT_ALTER_CONFIGS);
    bn_chain_fini(&chain);
    return bytes;
}

/* one resource with up to two keys; what is told of it */
static const struct {
    int8_t type;
    const char *name, *key, *value, *key2, *value2;
    int8_t operation;
    int16_t error;
    const char *message, *entity;
} CASES[] = {
    {2, "t", "a", "1", NULL, NULL, 0, 0, NULL, "topics/t"},
    {4, "", "a", "1", NULL, NULL, 0, 0, NULL, "brokers/<default>"},
    {4, "3", "a", "1", NULL, NULL, 0, 0, NULL, "brokers/3"},
    {4, "+03", "a", "1", NULL, NULL, 0, 0, NULL, "brokers/3"},
    {4, "4", "a", "1", NULL, NULL, 0, 42, "Unexpected broker id, expected 3, but received 4", NULL},
    {4, "abc", "a", "1", NULL, NULL, 0, 42, "Node id must be an integer, but it is: abc", NULL},
    {2, "", "a", "1", NULL, NULL, 0, 42, "Default topic resources are not allowed.", NULL},
    {2, "t", "a", NULL, NULL, NULL, 0, 42, "Null value not supported for : a", NULL},
    {2, "t", "a", NULL, "b", NULL, 0, 42, "Null value not supported for : a, b", NULL},
    {2, "t", "a", NULL, NULL, NULL, 1, 0, NULL, "topics/t"},
    {2, "t", "a", "1", "a", "2", 0, 42, "Error due to duplicate config keys", NULL},
    {2, "t", "a", "1", NULL, NULL, 9, -1, NULL, NULL},
    {0, "t", "a", "1", NULL, NULL, 0, 42, "Unknown resource type 0", NULL},
    {8, "3", "root", "INFO", NULL, NULL, 0, 42, "The loggers of a broker are changed by a request of their own.", NULL},
    {16, "t", "a", "1", NULL, NULL, 0, 42,
     "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS", NULL},
};

START_TEST(judged) {
    struct kmsg_incremental_alter_configs_request_config configs[2] = {
        {bn_slice_str(CASES[_i].key), CASES[_i].operation, bn_slice_str(CASES[_i].value)},
        {bn_slice_str(CASES[_i].key2), CASES[_i].operation, bn_slice_str(CASES[_i].value2)}};
    struct kmsg_incremental_alter_configs_request_resource resource = {
        CASES[_i].type, bn_slice_str(CASES[_i].name), {configs, CASES[_i].key2 ? 2 : 1}};
    struct kmsg_incremental_alter_configs_request m = {{&resource, 1}, true};
    struct bn_admin a;
    uint8_t *bytes = decode(&a, INCREMENTAL, 1, &kmsg_incremental_alter_configs_request_desc, &m);
    const struct bn_event_alter_config *got = &a.event.u.alter_configs.entities[0];
    ck_assert(a.event.u.alter_configs.validate_only);
    ck_assert(!got->replace);
    ck_assert_int_eq(got->error, CASES[_i].error);
    if (CASES[_i].message) ck_assert_str_eq(got->message, CASES[_i].message);
    if (CASES[_i].entity) {
        ck_assert_str_eq(bn_arena_printf(&a.arena, "%s/%s", got->type, got->name), CASES[_i].entity);
        ck_assert_str_eq(got->ops[0].name, "a");
    }
    bn_admin_fini(&a);
    bn_alloc_free(bytes);
}
END_TEST

START_TEST(repeated) { /* in AlterConfigs, which replaces: each resource twice is refused twice, others are not */
    struct kmsg_alter_configs_request_resource resources[3] = {
        {2, BN_SLICE_LIT("t"), {NULL, 0}}, {4, BN_SLICE_LIT("3"), {NULL, 0}}, {2, BN_SLICE_LIT("t"), {NULL, 0}}};
    struct kmsg_alter_configs_request m = {{resources, 3}, false};
    struct bn_admin a;
    uint8_t *bytes = decode(&a, ALTER, 2, &kmsg_alter_configs_request_desc, &m);
    const struct bn_event_alter_configs *got = &a.event.u.alter_configs;
    ck_assert_int_eq(got->entity_count, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert(got->entities[i].replace);
        ck_assert_int_eq(got->entities[i].error, i == 1 ? 0 : KE_INVALID_REQUEST);
        if (i != 1) ck_assert_str_eq(got->entities[i].message, "Each resource must appear at most once.");
    }
    bn_admin_fini(&a);
    bn_alloc_free(bytes);
}
END_TEST

/* What is told of a name as long as names can be fits into an answer. */
START_TEST(long_names) {
    static char name[BN_CODEC_STRING_MAX + 1];
    memset(name, 'n', sizeof name - 1);
    struct kmsg_incremental_alter_configs_request_config configs[2] = {{bn_slice_str(name), 0, BN_SLICE_NULL},
                                                                       {bn_slice_str(name + 1), 0, BN_SLICE_NULL}};
    struct kmsg_incremental_alter_configs_request_resource resource = {2, bn_slice_str(name), {configs, 2}};
    struct kmsg_incremental_alter_configs_request m = {{&resource, 1}, false};
    struct bn_admin a;
    uint8_t *bytes = decode(&a, INCREMENTAL, 1, &kmsg_incremental_alter_configs_request_desc, &m);
    const struct bn_event_alter_config *got = &a.event.u.alter_configs.entities[0];
    ck_assert_int_eq(got->error, KE_INVALID_REQUEST);
    struct bn_output_topic_result result = {.name = name, .error = got->error, .message = got->message};
    struct bn_output_reply reply = {.topics = &result, .topic_count = 1};
    struct bn_chain out;
    bn_chain_init(&out);
    bn_admin_encode(&a, &reply, &out);
    ck_assert_uint_gt(out.size_bytes, sizeof name - 1);
    bn_chain_fini(&out);
    bn_admin_fini(&a);
    bn_alloc_free(bytes);
}
END_TEST

Suite *admin_config_suite(void);
Suite *admin_config_suite(void) {
    Suite *s = suite_create("admin_config");
    TCase *c = tcase_create("admin_config");
    tcase_add_loop_test(c, judged, 0, (int)BN_ARRAY_LEN(CASES));
    tcase_add_test(c, repeated);
    tcase_add_test(c, long_names);
    suite_add_tcase(s, c);
    return s;
}
