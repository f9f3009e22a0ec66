/* relay_test.c: goal: the wait for the controller follows the client's timeout, within bounds, and leaves room for
 * its answer. */
#include "broker/api/relay.h"

#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_timeouts) {
    static const struct {
        int32_t asked;
        uint32_t waits;
    } cases[] = {{0, 1000}, {-1, 1000}, {INT32_MIN, 1000}, {30000, 31000}, {INT32_MAX, 601000}};
    struct fake f;
    fake_init(&f);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct kmsg_create_topics_request q = {.timeout_ms = cases[i].asked};
        fake_send(&f, KAPI_CREATE_TOPICS, 7, &q);
        ck_assert_uint_eq(f.forwards[i].timeout_ms, cases[i].waits);
        fake_answer(&f, (int)i, KE_NONE, BN_SLICE_LIT("x"));
    }
    fake_fini(&f);
}
END_TEST

Suite *relay_suite(void);
Suite *relay_suite(void) {
    Suite *s = suite_create("relay");
    TCase *t = tcase_create("relay");
    tcase_add_test(t, test_timeouts);
    suite_add_tcase(s, t);
    return s;
}
