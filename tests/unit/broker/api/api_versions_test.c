/* api_versions_test.c: goal: every version of ApiVersions tells exactly the rows of api.def; a bad software name is
 * refused. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_tells_the_rows) {
    struct fake f;
    fake_init(&f);
    int count = 0;
    const struct bn_api_row *rows = bn_api_rows(&count);
    for (int version = 0; version <= 4; version++) {
        struct kmsg_api_versions_request q = kmsg_api_versions_request_default;
        struct kmsg_api_versions_response got;
        if (version >= 3) {
            q.client_software_name = BN_SLICE_LIT("apache-kafka-java");
            q.client_software_version = BN_SLICE_LIT("3.9.0");
        }
        fake_ask(&f, KAPI_API_VERSIONS, version, &q, &got);
        ck_assert_int_eq(got.error_code, KE_NONE);
        ck_assert_int_eq(got.api_keys.n, count);
        for (int i = 0; i < count; i++) {
            ck_assert_int_eq(got.api_keys.v[i].api_key, rows[i].key);
            ck_assert_int_eq(got.api_keys.v[i].min_version, rows[i].min_version);
            ck_assert_int_eq(got.api_keys.v[i].max_version, rows[i].max_version);
        }
        ck_assert_int_eq(got.supported_features.n, 0);
        ck_assert_int_eq((int)got.finalized_features_epoch, -1);
    }
    fake_fini(&f);
}
END_TEST

START_TEST(test_software_names) {
    static const struct {
        struct bn_slice name, version;
        int16_t error;
    } cases[] = {
        {BN_SLICE_LIT("librdkafka"), BN_SLICE_LIT("2.0.2"), KE_NONE},
        {BN_SLICE_LIT("a"), BN_SLICE_LIT("1"), KE_NONE},
        {BN_SLICE_LIT("franz-go.x"), BN_SLICE_LIT("v1.2-rc.3"), KE_NONE},
        {BN_SLICE_LIT(""), BN_SLICE_LIT("1"), KE_INVALID_REQUEST},
        {BN_SLICE_LIT("a"), BN_SLICE_LIT(""), KE_INVALID_REQUEST},
        {BN_SLICE_LIT("-a"), BN_SLICE_LIT("1"), KE_INVALID_REQUEST},
        {BN_SLICE_LIT("a."), BN_SLICE_LIT("1"), KE_INVALID_REQUEST},
        {BN_SLICE_LIT("a b"), BN_SLICE_LIT("1"), KE_INVALID_REQUEST},
        {BN_SLICE_LIT("a"), BN_SLICE_LIT("1\n"), KE_INVALID_REQUEST},
    };
    struct fake f;
    fake_init(&f);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct kmsg_api_versions_request q = {.client_software_name = cases[i].name,
                                              .client_software_version = cases[i].version};
        struct kmsg_api_versions_response got;
        fake_ask(&f, KAPI_API_VERSIONS, 3, &q, &got);
        ck_assert_msg(got.error_code == cases[i].error, "case %zu: %d", i, got.error_code);
        if (cases[i].error) ck_assert_int_eq(got.api_keys.n, 0);
    }
    fake_fini(&f);
}
END_TEST

Suite *api_versions_suite(void);
Suite *api_versions_suite(void) {
    Suite *s = suite_create("api_versions");
    TCase *t = tcase_create("api_versions");
    tcase_add_test(t, test_tells_the_rows);
    tcase_add_test(t, test_software_names);
    suite_add_tcase(s, t);
    return s;
}
