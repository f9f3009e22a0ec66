/* init_producer_id_test.c: goal: an id and epoch 0 for idempotence; transactions are refused in words; errors come
 * through. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_cases) {
    static const struct {
        int version;
        struct bn_slice transactional_id;
        int64_t id;
        int16_t epoch, source_error, error;
    } cases[] = {
        {0, {NULL, 0}, -1, -1, 0, KE_NONE},
        {5, {NULL, 0}, -1, -1, 0, KE_NONE},
        {5, {NULL, 0}, -1, -1, KE_COORDINATOR_LOAD_IN_PROGRESS, KE_COORDINATOR_LOAD_IN_PROGRESS},
        {5, {NULL, 0}, 7, -1, 0, KE_INVALID_REQUEST},
        {5, {NULL, 0}, -1, 3, 0, KE_INVALID_REQUEST},
        {5, {NULL, 0}, 7, 3, 0, KE_NONE},
        {5, {(const uint8_t *)"tx", 2}, -1, -1, 0, KE_UNSUPPORTED_VERSION},
        {0, {(const uint8_t *)"tx", 2}, -1, -1, 0, KE_UNSUPPORTED_VERSION},
        {5, {(const uint8_t *)"", 0}, -1, -1, 0, KE_INVALID_REQUEST},
    };
    struct fake f;
    fake_init(&f);
    int64_t expected = f.next_id;
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct kmsg_init_producer_id_request q = {.transactional_id = cases[i].transactional_id,
                                                  .transaction_timeout_ms = 60000,
                                                  .producer_id = cases[i].id,
                                                  .producer_epoch = cases[i].epoch};
        struct kmsg_init_producer_id_response got;
        f.id_error = cases[i].source_error;
        fake_ask(&f, KAPI_INIT_PRODUCER_ID, cases[i].version, &q, &got);
        ck_assert_msg(got.error_code == cases[i].error, "case %zu: %d", i, got.error_code);
        ck_assert_int_eq(got.producer_id, got.error_code ? -1 : expected);
        ck_assert_int_eq(got.producer_epoch, got.error_code ? -1 : 0);
        if (!got.error_code) expected++;
    }
    fake_fini(&f);
}
END_TEST

Suite *init_producer_id_suite(void);
Suite *init_producer_id_suite(void) {
    Suite *s = suite_create("init_producer_id");
    TCase *t = tcase_create("init_producer_id");
    tcase_add_test(t, test_cases);
    suite_add_tcase(s, t);
    return s;
}
