/* zk_attempt_test.c: when an attempt to connect is given up, by a clock of the test's own. That it helps a real client
 * is zk_test.c's. */
#include "common/zk/zk_attempt.h"

#include "tests/unit/unit.h"

/* Goal: each row is one look in a row of them; what was waited for and given up is as the header says. */
START_TEST(test_looks) {
    static const struct {
        enum bn_zk_phase phase;
        uint64_t socket, now;
        int wait, waits;
        bool gives_up;
    } looks[] = {
        {BN_ZK_PHASE_CONNECTING, 7, 1000, 6000, 1000, false},
        {BN_ZK_PHASE_CONNECTING, 7, 1999, 6000, 1, false},
        {BN_ZK_PHASE_GREETING, 7, 1999, 6000, 500, false}, /* a phase has its whole time */
        {BN_ZK_PHASE_GREETING, 7, 2498, 6000, 1, false},
        {BN_ZK_PHASE_GREETING, 7, 2499, 6000, 6000, true},
        {BN_ZK_PHASE_IDLE, 0, 2499, 300, 250, false},
        {BN_ZK_PHASE_IDLE, 0, 2499, 16, 16, false}, /* never longer than the library's own */
        {BN_ZK_PHASE_CONNECTING, 8, 2749, 6000, 1000, false},
        {BN_ZK_PHASE_CONNECTING, 8, 3749, 6000, 6000, true}, /* TCP's time does not grow */
        {BN_ZK_PHASE_CONNECTING, 9, 3750, 6000, 1000, false},
        {BN_ZK_PHASE_CONNECTING, 9, 4749, 6000, 1, false},
        {BN_ZK_PHASE_CONNECTING, 10, 4750, 6000, 1000, false}, /* refused and tried again between two looks */
        {BN_ZK_PHASE_GREETING, 10, 4751, 300, 300, false},
        {BN_ZK_PHASE_GREETING, 10, 5750, 300, 1, false}, /* the server's time does */
        {BN_ZK_PHASE_GREETING, 10, 9000, 300, 300, true},
        {BN_ZK_PHASE_GREETING, 11, 9000, 6000, 2000, false},
        {BN_ZK_PHASE_UP, 11, 9100, 6000, 6000, false},
        {BN_ZK_PHASE_UP, 11, 99100, 6000, 6000, false},
        {BN_ZK_PHASE_GREETING, 12, 99200, 6000, 500, false}, /* and begins anew after a connection */
    };
    struct bn_zk_attempt a = {0};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        int wait = looks[i].wait;
        bool gives_up = bn_zk_attempt_look(&a, looks[i].phase, looks[i].socket, looks[i].now, &wait);
        ck_assert_msg(gives_up == looks[i].gives_up, "look %zu gave %sup", i, gives_up ? "" : "nothing ");
        ck_assert_msg(wait == looks[i].waits, "look %zu waits %d ms, not %d", i, wait, looks[i].waits);
    }
}
END_TEST

/* Goal: a server that never answers is asked ever more rarely, and the count does not run over. */
START_TEST(test_doubling) {
    struct bn_zk_attempt a = {0};
    uint64_t now = 0, before = 0;
    for (uint64_t socket = 1; socket < 200; socket++) {
        int wait = 1 << 30;
        ck_assert(!bn_zk_attempt_look(&a, BN_ZK_PHASE_GREETING, socket, now, &wait));
        ck_assert_uint_ge((uint64_t)wait, before);
        ck_assert_int_le(wait, 32000);
        before = (uint64_t)wait;
        now += before;
        ck_assert(bn_zk_attempt_look(&a, BN_ZK_PHASE_GREETING, socket, now, &wait));
    }
    ck_assert_uint_eq(before, 32000);
}
END_TEST

Suite *zk_attempt_suite(void);
Suite *zk_attempt_suite(void) {
    Suite *s = suite_create("zk_attempt");
    TCase *tc = tcase_create("deadlines");
    tcase_add_test(tc, test_looks);
    tcase_add_test(tc, test_doubling);
    suite_add_tcase(s, tc);
    return s;
}
