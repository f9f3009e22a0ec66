/* Goal: every code has its name, a sentence and Kafka's word on retrying; what is no code counts as unknown. */
#include "proto/kafka/errors.h"
#include "tests/unit/proto/kafka/suites.h"

START_TEST(rows) {
    ck_assert_str_eq(bn_errors_name(KE_NONE), "NONE");
    ck_assert_str_eq(bn_errors_name(-1), "UNKNOWN_SERVER_ERROR");
    ck_assert_str_eq(bn_errors_name(6), "NOT_LEADER_OR_FOLLOWER");
    ck_assert_str_eq(bn_errors_name(127), "VOTER_NOT_FOUND");
    ck_assert_int_eq(KE_UNKNOWN_TOPIC_ID, 100);
    for (int code = -1; code < 128; code++) {
        ck_assert_msg(strlen(bn_errors_text(code)) > 10 || code == 0, "%d", code);
        for (int other = -1; other < code; other++) ck_assert_str_ne(bn_errors_text(code), bn_errors_text(other));
    }
}
END_TEST

START_TEST(unknown_codes) {
    const int codes[] = {-2, 128, INT16_MIN, INT16_MAX, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < BN_ARRAY_LEN(codes); i++) {
        ck_assert_str_eq(bn_errors_name(codes[i]), "UNKNOWN_SERVER_ERROR");
        ck_assert(!bn_errors_retriable(codes[i]));
    }
}
END_TEST

START_TEST(retriable) {
    ck_assert(bn_errors_retriable(KE_NOT_LEADER_OR_FOLLOWER));
    ck_assert(bn_errors_retriable(KE_REQUEST_TIMED_OUT));
    ck_assert(bn_errors_retriable(KE_COORDINATOR_LOAD_IN_PROGRESS));
    ck_assert(!bn_errors_retriable(KE_NONE));
    ck_assert(!bn_errors_retriable(KE_MESSAGE_TOO_LARGE));
    ck_assert(!bn_errors_retriable(KE_REBALANCE_IN_PROGRESS));
}
END_TEST

Suite *errors_suite(void) {
    Suite *s = suite_create("errors");
    TCase *t = tcase_create("errors");
    tcase_add_test(t, rows);
    tcase_add_test(t, unknown_codes);
    tcase_add_test(t, retriable);
    suite_add_tcase(s, t);
    return s;
}
