/* find_coordinator_test.c: goal: every version says "not available" in its own shape, and refuses key types it does
 * not know. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_versions) {
    struct fake f;
    fake_init(&f);
    for (int version = 0; version <= 6; version++) {
        struct kmsg_find_coordinator_request q = kmsg_find_coordinator_request_default;
        struct bn_slice keys[2] = {BN_SLICE_LIT("a group"), BN_SLICE_LIT("another")};
        struct kmsg_find_coordinator_response got;
        if (version < 4) {
            q.key = keys[0];
        } else {
            q.coordinator_keys.v = keys;
            q.coordinator_keys.n = 2;
        }
        fake_ask(&f, KAPI_FIND_COORDINATOR, version, &q, &got);
        if (version < 4) {
            ck_assert_int_eq(got.error_code, KE_COORDINATOR_NOT_AVAILABLE);
            ck_assert_int_eq(got.node_id, -1);
            ck_assert_uint_eq(got.host.len, 0);
            continue;
        }
        ck_assert_int_eq(got.coordinators.n, 2);
        for (int i = 0; i < 2; i++) {
            ck_assert(bn_slice_eq(got.coordinators.v[i].key, keys[i]));
            ck_assert_int_eq(got.coordinators.v[i].error_code, KE_COORDINATOR_NOT_AVAILABLE);
            ck_assert_int_eq(got.coordinators.v[i].node_id, -1);
        }
    }
    fake_fini(&f);
}
END_TEST

START_TEST(test_key_types) {
    static const struct {
        int version;
        int8_t type;
        int16_t error;
    } cases[] = {{3, 1, KE_COORDINATOR_NOT_AVAILABLE},
                 {3, 2, KE_INVALID_REQUEST},
                 {6, 2, KE_COORDINATOR_NOT_AVAILABLE},
                 {6, 3, KE_INVALID_REQUEST},
                 {1, -1, KE_INVALID_REQUEST}};
    struct fake f;
    fake_init(&f);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_slice key = BN_SLICE_LIT("key");
        struct kmsg_find_coordinator_request q = kmsg_find_coordinator_request_default;
        q.key_type = cases[i].type;
        struct kmsg_find_coordinator_response got;
        if (cases[i].version < 4) {
            q.key = key;
        } else {
            q.coordinator_keys.v = &key;
            q.coordinator_keys.n = 1;
        }
        fake_ask(&f, KAPI_FIND_COORDINATOR, cases[i].version, &q, &got);
        int16_t error = cases[i].version < 4 ? got.error_code : got.coordinators.v[0].error_code;
        ck_assert_msg(error == cases[i].error, "case %zu: %d", i, error);
    }
    fake_fini(&f);
}
END_TEST

/* A group that nobody will ever coordinate is told so, rather than to ask again. */
START_TEST(test_bad_name) {
    static uint8_t name[300];
    struct fake f;
    struct kmsg_find_coordinator_request q = kmsg_find_coordinator_request_default;
    struct kmsg_find_coordinator_response got;
    memset(name, 'g', sizeof name);
    fake_init(&f);
    q.key = bn_slice_of(name, sizeof name);
    fake_ask(&f, KAPI_FIND_COORDINATOR, 2, &q, &got);
    ck_assert_int_eq(got.error_code, KE_INVALID_GROUP_ID);
    fake_fini(&f);
}
END_TEST

Suite *find_coordinator_suite(void);
Suite *find_coordinator_suite(void) {
    Suite *s = suite_create("find_coordinator");
    TCase *t = tcase_create("find_coordinator");
    tcase_add_test(t, test_versions);
    tcase_add_test(t, test_key_types);
    tcase_add_test(t, test_bad_name);
    suite_add_tcase(s, t);
    return s;
}
