/* fetch_answer_test.c: what each version tells of a partition, and the bounds of any fetch.
 */
#include "broker/api/fetch_answer.h"

#include "common/conf/conf.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

Suite *fetch_answer_suite(void);

START_TEST(test_fill) {
    static const struct {
        int version, error, told;
        bool leader, divergence;
    } cases[] = {
        {4, KE_KAFKA_STORAGE_ERROR, KE_NOT_LEADER_OR_FOLLOWER, false, false},
        {5, KE_KAFKA_STORAGE_ERROR, KE_NOT_LEADER_OR_FOLLOWER, false, false},
        {6, KE_KAFKA_STORAGE_ERROR, KE_KAFKA_STORAGE_ERROR, false, false},
        {11, KE_NONE, KE_NONE, false, false},
        {12, KE_NONE, KE_NONE, false, true},
        {15, KE_FENCED_LEADER_EPOCH, KE_FENCED_LEADER_EPOCH, false, true},
        {16, KE_FENCED_LEADER_EPOCH, KE_FENCED_LEADER_EPOCH, true, true},
        {17, KE_NOT_LEADER_OR_FOLLOWER, KE_NOT_LEADER_OR_FOLLOWER, true, true},
        {17, KE_UNKNOWN_LEADER_EPOCH, KE_UNKNOWN_LEADER_EPOCH, false, true},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fake f;
        fake_init(&f);
        struct bn_image_topic *t = fake_topic(&f, "t", 7, 3, 2);
        struct kmsg_fetch_request q = kmsg_fetch_request_default;
        struct bn_request r = {.deps = &f.deps, .listener = "INTERNAL", .message = &q};
        struct kmsg_fetch_response response = kmsg_fetch_response_default;
        struct kmsg_fetch_response_partition out;
        struct bn_partition_read read = {.error = (int16_t)cases[i].error,
                                         .high_watermark = 8,
                                         .leader_id = -1,
                                         .leader_epoch = -1,
                                         .preferred = 2,
                                         .diverging_epoch = 3,
                                         .diverging_end = 4};
        bn_arena_init(&r.arena, 1 << 16);
        r.header.api_version = (int16_t)cases[i].version;
        q.isolation_level = (int8_t)(i % 2);
        bn_fetch_answer_fill(&r, &response, &t->id, 1, &read, &out);
        ck_assert_int_eq(out.partition_index, 1);
        ck_assert_int_eq(out.error_code, cases[i].told);
        ck_assert_int_eq(out.high_watermark, 8);
        ck_assert_int_eq(out.aborted_transactions.n, i % 2 ? 0 : -1);
        ck_assert_int_eq(out.preferred_read_replica, cases[i].version >= 11 ? 2 : -1);
        ck_assert_int_eq(out.diverging_epoch.end_offset, cases[i].divergence ? 4 : -1);
        ck_assert_int_eq(out.current_leader.leader_id, cases[i].leader ? 2 : -1);
        ck_assert_int_eq(response.node_endpoints.n, cases[i].leader);
        if (cases[i].leader) ck_assert(bn_slice_eq_str(response.node_endpoints.v[0].host, "10.0.0.2"));
        bn_arena_fini(&r.arena);
        fake_fini(&f);
    }
}
END_TEST

START_TEST(test_bounds) {
    struct bn_api_deps deps = {0};
    struct kmsg_fetch_request q = kmsg_fetch_request_default;
    struct bn_request r = {.deps = &deps, .message = &q};
    q.max_wait_ms = -5;
    ck_assert_uint_eq(bn_fetch_answer_wait_ms(&r), 0);
    q.max_wait_ms = INT32_MAX;
    ck_assert_uint_eq(bn_fetch_answer_wait_ms(&r), 300000);
    q.max_bytes = 7;
    ck_assert_int_eq(bn_fetch_answer_max_bytes(&r), 7);
    q.replica_id = 3;
    q.replica_state.replica_id = 4;
    r.header.api_version = 14;
    ck_assert_int_eq(bn_fetch_answer_replica(&r), 3);
    r.header.api_version = 15;
    ck_assert_int_eq(bn_fetch_answer_replica(&r), 4);
}
END_TEST

/* A follower is heard of often enough for the shortest session that a group may have. */
START_TEST(test_followers_wait_less) {
    static const struct {
        const char *session_ms;
        int32_t asked_ms, waits_ms;
    } cases[] = {{"6000", 500, 500}, {"6000", 5000, 1500}, {"1000", 500, 250}, {"0", 500, 100}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_conf *conf = bn_conf_new();
        struct bn_api_deps deps = {.conf = conf};
        struct kmsg_fetch_request q = kmsg_fetch_request_default;
        struct bn_request r = {.deps = &deps, .message = &q};
        struct bn_err e = BN_ERR_NONE;
        ck_assert_int_eq(
            bn_conf_set(conf, BN_CONF_FROM_FILE, BN_CONF_GROUP_MIN_SESSION_TIMEOUT_MS, cases[i].session_ms, &e), BN_OK);
        q.max_wait_ms = cases[i].asked_ms;
        q.replica_id = 3;
        ck_assert_uint_eq(bn_fetch_answer_wait_ms(&r), (uint64_t)cases[i].waits_ms);
        q.replica_id = -1;
        ck_assert_uint_eq(bn_fetch_answer_wait_ms(&r), (uint64_t)cases[i].asked_ms);
        bn_conf_free(conf);
    }
}
END_TEST

Suite *fetch_answer_suite(void) {
    Suite *s = suite_create("fetch_answer");
    TCase *t = tcase_create("fetch_answer");
    tcase_add_test(t, test_fill);
    tcase_add_test(t, test_bounds);
    tcase_add_test(t, test_followers_wait_less);
    suite_add_tcase(s, t);
    return s;
}
