/* clock_test.c: the monotonic time never goes back and is the one that loops count in; the wall time is today's. */
#include "common/sys/clock.h"

#include <time.h>

#include "common/sys/loop.h"
#include "tests/unit/unit.h"

START_TEST(test_times) {
    const struct bn_clock *c = bn_clock_real();
    uint64_t before = bn_clock_mono_ms(c);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = bn_clock_mono_ms(c);
        ck_assert_uint_ge(now, before);
        before = now;
    }
    struct bn_loop *l = bn_loop_new();
    /* The loop's may be a coarse clock's: a few milliseconds behind. */
    ck_assert_uint_le(bn_loop_now_ms(l), bn_clock_mono_ms(c));
    ck_assert_uint_ge(bn_loop_now_ms(l) + 100, before);
    bn_loop_free(l);
    int64_t seconds = bn_clock_wall_ms(c) / 1000;
    ck_assert_int_le(seconds, (int64_t)time(NULL) + 1);
    ck_assert_int_ge(seconds, (int64_t)time(NULL) - 1);
}
END_TEST

Suite *clock_suite(void);
Suite *clock_suite(void) {
    Suite *s = suite_create("clock");
    TCase *t = tcase_create("clock");
    tcase_add_test(t, test_times);
    suite_add_tcase(s, t);
    return s;
}
