/* admin_test.c: requests of every version become events, replies become answers that decode again, and random bytes do
 * no harm. */
#include "controller/admin.h"

#include "common/base/alloc.h"
#include "common/conf/topic_conf.h"
#include "proto/kafka/codec.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/unit.h"

static struct bn_controller controller;

static uint32_t rng(void *arg) {
    uint64_t *s = arg;
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return (uint32_t)(*s >> 24);
}

static int16_t decode(struct bn_admin *a, int key, int version, const void *body, size_t len) {
    Bn__AdminRequest in = BN__ADMIN_REQUEST__INIT;
    Bn__ConfigEntry e[3] = {BN__CONFIG_ENTRY__INIT, BN__CONFIG_ENTRY__INIT, BN__CONFIG_ENTRY__INIT};
    Bn__ConfigEntry *list[] = {&e[0], &e[1], &e[2]};
    e[0].name = (char *)"num.partitions", e[0].value = (char *)"6";
    e[1].name = (char *)"default.replication.factor", e[1].value = (char *)"99999999"; /* no int16: as if unset */
    e[2].name = (char *)"delete.topic.enable", e[2].value = (char *)"false";
    in.broker_defaults = list;
    in.n_broker_defaults = 3;
    in.api_key = key;
    in.api_version = version;
    in.body = (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)body};
    *a = (struct bn_admin){0};
    bn_arena_init(&a->arena, BN_ADMIN_BUDGET);
    return bn_admin_decode(a, &controller, &in);
}

static const int keys[] = {19, 20, 37, 33, 44, 43};

/* The answer to a request with as many results as topics were asked for. */
static void check_answer(struct bn_admin *a, int key, int version, int32_t count) {
    struct bn_output_topic_result *results = bn_alloc_zero((size_t)count, sizeof *results);
    for (int32_t i = 0; i < count; i++) {
        results[i] = (struct bn_output_topic_result){
            "t", {{5}}, i % 2 ? KE_INVALID_REQUEST : 0, i % 2 ? "why" : NULL, 3, 2, i};
    }
    struct bn_output_reply r = {.topics = results, .topic_count = count};
    struct bn_chain chain;
    bn_chain_init(&chain);
    bn_admin_encode(a, &r, &chain);
    uint8_t *bytes = bn_alloc(chain.size_bytes);
    size_t len = chain.size_bytes;
    ck_assert_int_eq(bn_chain_copy_out(&chain, bytes), 0);
    const struct bn_codec_desc *d = bn_codec_response(key);
    void *m = bn_alloc_zero(1, bn_codec_struct_size(d));
    struct bn_arena arena;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, 64 << 20);
    ck_assert_msg(bn_codec_decode(d, version, bn_slice_of(bytes, len), &arena, m, &e) == 0, "%s", e.text);
    bn_arena_fini(&arena);
    bn_chain_fini(&chain);
    bn_alloc_free(m);
    bn_alloc_free(bytes);
    bn_alloc_free(results);
}

START_TEST(every_version) {
    int key = keys[_i];
    const struct bn_codec_desc *d = bn_codec_request(key);
    uint64_t seed = 0x9e3779b97f4a7c15u;
    for (int version = bn_codec_min_version(d); version <= bn_codec_max_version(d); version++) {
        for (int round = 0; round < 30; round++) {
            struct bn_arena arena;
            struct bn_chain chain;
            void *m = bn_alloc_zero(1, bn_codec_struct_size(d));
            bn_arena_init(&arena, 8 << 20);
            bn_chain_init(&chain);
            ck_assert(bn_codec_random(d, version, &arena, rng, &seed, m));
            bn_codec_encode(d, version, m, &chain);
            uint8_t *bytes = bn_alloc(chain.size_bytes);
            size_t len = chain.size_bytes;
            ck_assert_int_eq(bn_chain_copy_out(&chain, bytes), 0);
            struct bn_admin a;
            int error = decode(&a, key, version, bytes, len);
            bool odd_type = key == 43 && error == KE_INVALID_REQUEST; /* neither preferred nor unclean */
            ck_assert(error == 0 || odd_type);
            int32_t count = key == 19   ? a.event.u.create_topics.topic_count
                            : key == 20 ? a.event.u.delete_topics.topic_count
                            : key == 43 ? a.event.u.elect_leaders.partition_count
                                        : a.event.u.create_partitions.topic_count;
            if (!odd_type) check_answer(&a, key, version, count);
            bn_admin_fini(&a);
            bn_alloc_free(bytes);
            bn_alloc_free(m);
            bn_chain_fini(&chain);
            bn_arena_fini(&arena);
        }
    }
}
END_TEST

START_TEST(random_bytes) {
    uint64_t seed = 77;
    uint8_t bytes[80];
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(rng(&seed) % 3 ? rng(&seed) % 4 : rng(&seed));
        struct bn_admin a;
        int16_t error = decode(&a, keys[round % (int)BN_ARRAY_LEN(keys)], (int)(rng(&seed) % 9), bytes,
                               rng(&seed) % sizeof bytes);
        ck_assert(error == 0 || error == KE_INVALID_REQUEST || error == KE_UNSUPPORTED_VERSION);
        bn_admin_fini(&a);
    }
}
END_TEST

START_TEST(unknown_apis_and_versions) {
    static const int rows[][2] = {{18, 0}, {0, 9}, {-1, 0}, {19, -1}, {19, 8}, {20, 7}, {37, 4}, {43, 3}, {9999, 0}};
    for (size_t i = 0; i < BN_ARRAY_LEN(rows); i++) {
        struct bn_admin a;
        ck_assert_int_eq(decode(&a, rows[i][0], rows[i][1], "", 0), KE_UNSUPPORTED_VERSION);
        bn_admin_fini(&a);
    }
}
END_TEST

START_TEST(defaults_and_checks) {
    struct kmsg_create_topics_request_config configs[2] = {{BN_SLICE_LIT("retention.ms"), BN_SLICE_LIT("x")}};
    struct kmsg_create_topics_request_topic t[2] = {
        {.name = bn_slice_of("a\0b", 3), .num_partitions = -1, .replication_factor = -1},
        {.name = BN_SLICE_LIT("ok"), .num_partitions = 1, .replication_factor = 1, .configs = {configs, 1}}};
    struct kmsg_create_topics_request r = {.topics = {t, 2}, .timeout_ms = 5, .validate_only = true};
    struct bn_chain chain;
    uint8_t bytes[500];
    bn_chain_init(&chain);
    bn_codec_encode(&kmsg_create_topics_request_desc, 4, &r, &chain);
    size_t len = chain.size_bytes;
    ck_assert_int_eq(bn_chain_copy_out(&chain, bytes), 0);
    bn_chain_fini(&chain);
    struct bn_admin a;
    ck_assert_int_eq(decode(&a, 19, 4, bytes, len), 0);
    const struct bn_event_create_topics *e = &a.event.u.create_topics;
    ck_assert_int_eq(e->num_partitions, 6);
    ck_assert_int_eq(e->default_replication_factor, 1);
    ck_assert(e->validate_only);
    ck_assert_str_eq(e->topics[0].name, "a?b"); /* no legal name, and not "a" */
    ck_assert_int_eq(e->topics[1].config_error, KE_INVALID_CONFIG);
    ck_assert_ptr_nonnull(strstr(e->topics[1].config_message, "retention.ms"));
    bn_admin_fini(&a);
    struct kmsg_delete_topics_request d = {.timeout_ms = 1};
    bn_chain_init(&chain);
    bn_codec_encode(&kmsg_delete_topics_request_desc, 6, &d, &chain);
    len = chain.size_bytes;
    ck_assert_int_eq(bn_chain_copy_out(&chain, bytes), 0);
    bn_chain_fini(&chain);
    ck_assert_int_eq(decode(&a, 20, 6, bytes, len), 0);
    ck_assert(!a.event.u.delete_topics.delete_topic_enable);
    bn_admin_fini(&a);
}
END_TEST

/* An answer that no frame could hold tells less: first no configs of new topics, then no texts. */
START_TEST(large_answers) {
    enum { MANY = 5000 };
    static const struct {
        int32_t count, configs;
        int16_t error;
        bool text;
    } cases[] = {{3, BN_TOPIC_CONF_COUNT, 0, false}, {3, -1, 42, true}, {MANY, 0, 0, false}, {MANY, -1, 42, false}};
    static char names[MANY][24], why[1000];
    memset(why, 'w', sizeof why - 1);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct kmsg_create_topics_request_topic *t = bn_alloc_zero(MANY, sizeof *t);
        struct bn_output_topic_result *results = bn_alloc_zero(MANY, sizeof *results);
        for (int32_t k = 0; k < cases[i].count; k++) {
            snprintf(names[k], sizeof names[k], "topic-%d", (int)k);
            t[k] = (struct kmsg_create_topics_request_topic){.name = bn_slice_str(names[k])};
            results[k] = (struct bn_output_topic_result){
                .name = names[k], .error = cases[i].error, .message = cases[i].error ? why : NULL};
        }
        struct kmsg_create_topics_request q = {.topics = {t, cases[i].count}, .timeout_ms = 5};
        struct kmsg_create_topics_response m;
        struct bn_output_reply r = {.topics = results, .topic_count = cases[i].count};
        struct bn_conf *conf = bn_conf_new();
        struct bn_admin a = {.api_key = 19, .version = 7, .conf = conf, .request = &q};
        struct bn_chain chain;
        struct bn_arena arena;
        struct bn_err e = BN_ERR_NONE;
        bn_arena_init(&a.arena, BN_ADMIN_BUDGET);
        bn_arena_init(&arena, SIZE_MAX / 2);
        bn_chain_init(&chain);
        bn_admin_encode(&a, &r, &chain);
        ck_assert_uint_le(chain.size_bytes, BN_ADMIN_ANSWER_MAX);
        uint8_t *bytes = bn_alloc(chain.size_bytes);
        ck_assert_int_eq(bn_chain_copy_out(&chain, bytes), 0);
        struct bn_slice body = bn_slice_of(bytes, chain.size_bytes);
        ck_assert_int_eq(bn_codec_decode(&kmsg_create_topics_response_desc, 7, body, &arena, &m, &e), 0);
        ck_assert_int_eq(m.topics.n, cases[i].count);
        ck_assert_int_eq(m.topics.v[0].configs.n, cases[i].configs);
        ck_assert_int_eq(m.topics.v[2].error_code, cases[i].error);
        ck_assert_int_eq(m.topics.v[2].error_message.len > 0, cases[i].text);
        bn_alloc_free(bytes);
        bn_chain_fini(&chain);
        bn_arena_fini(&arena);
        bn_admin_fini(&a);
        bn_conf_free(conf);
        bn_alloc_free(t);
        bn_alloc_free(results);
    }
}
END_TEST

Suite *admin_suite(void);
Suite *admin_suite(void) {
    Suite *s = suite_create("admin");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, every_version, 0, (int)BN_ARRAY_LEN(keys));
    tcase_add_test(t, random_bytes);
    tcase_add_test(t, unknown_apis_and_versions);
    tcase_add_test(t, defaults_and_checks);
    tcase_add_test(t, large_answers);
    suite_add_tcase(s, t);
    return s;
}
