/* env_test.c: the real world is complete, and its randomness is not constant. */
#include "common/sys/env.h"

#include <string.h>

#include "tests/unit/unit.h"

START_TEST(test_real) {
    const struct bn_env *e = bn_env_real();
    ck_assert_ptr_eq(e, bn_env_real());
    ck_assert_ptr_eq(e->disk, bn_disk_real());
    ck_assert_ptr_eq(e->clock, bn_clock_real());
    uint8_t a[500], b[500], zero[500] = {0};
    e->random(a, sizeof a);
    e->random(b, sizeof b);
    ck_assert_mem_ne(a, b, sizeof a);
    ck_assert_mem_ne(a + 400, zero, 100); /* filled to the end */
    e->random(a, 0);
}
END_TEST

Suite *env_suite(void);
Suite *env_suite(void) {
    Suite *s = suite_create("env");
    TCase *t = tcase_create("env");
    tcase_add_test(t, test_real);
    suite_add_tcase(s, t);
    return s;
}
