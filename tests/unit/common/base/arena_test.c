/* arena_test.c: every allocation is zeroed, aligned and its own; the budget is exact; resets forget. */
#include "common/base/arena.h"

#include <string.h>

#include "tests/unit/unit.h"

static bool all_are(const uint8_t *p, size_t len, uint8_t value) {
    for (size_t i = 0; i < len; i++) {
        if (p[i] != value) return false;
    }
    return true;
}

START_TEST(test_allocations_do_not_overlap) {
    struct bn_arena a;
    uint32_t seed = 5;
    bn_arena_init(&a, 10 << 20);
    for (int round = 0; round < 3; round++) {
        static uint8_t *ptr[2000];
        static size_t len[2000];
        for (int i = 0; i < 2000; i++) {
            seed = seed * 1664525 + 1013904223;
            len[i] = (seed >> 16) % (i % 100 == 99 ? 100000 : 200);
            ptr[i] = bn_arena_alloc(&a, len[i]);
            ck_assert_ptr_nonnull(ptr[i]);
            ck_assert_uint_eq((uintptr_t)ptr[i] % 16, 0);
            ck_assert(all_are(ptr[i], len[i], 0));
            memset(ptr[i], i % 255 + 1, len[i]);
        }
        for (int i = 0; i < 2000; i++) {
            ck_assert(all_are(ptr[i], len[i], (uint8_t)(i % 255 + 1)));
        }
        bn_arena_reset(&a);
        ck_assert_uint_eq(a.used_bytes, 0);
    }
    bn_arena_fini(&a);
}
END_TEST

START_TEST(test_budget) {
    struct bn_arena a;
    bn_arena_init(&a, 100);
    ck_assert_ptr_nonnull(bn_arena_alloc(&a, 33)); /* counts 48 */
    ck_assert_uint_eq(a.used_bytes, 48);
    ck_assert_ptr_null(bn_arena_alloc(&a, 65));
    ck_assert_ptr_nonnull(bn_arena_array(&a, 3, 16));
    ck_assert_ptr_null(bn_arena_alloc(&a, 1));
    ck_assert_ptr_null(bn_arena_alloc(&a, 0));
    bn_arena_reset(&a);
    ck_assert_ptr_nonnull(bn_arena_alloc(&a, 96));
    bn_arena_fini(&a);
    bn_arena_init(&a, SIZE_MAX);
    ck_assert_ptr_null(bn_arena_array(&a, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(bn_arena_alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(bn_arena_alloc(&a, SIZE_MAX - 15));
    bn_arena_fini(&a);
    bn_arena_init(&a, 0);
    ck_assert_ptr_null(bn_arena_alloc(&a, 1));
    bn_arena_fini(&a);
}
END_TEST

START_TEST(test_text) {
    struct bn_arena a;
    bn_arena_init(&a, 64);
    ck_assert_str_eq(bn_arena_copy(&a, bn_slice_of("abcdef", 3)), "abc");
    ck_assert_str_eq(bn_arena_copy(&a, BN_SLICE_NULL), "");
    ck_assert_str_eq(bn_arena_printf(&a, "%d", 42), "42");
    ck_assert_ptr_null(bn_arena_printf(&a, "%40d", 42));
    bn_arena_fini(&a);
}
END_TEST

Suite *arena_suite(void);
Suite *arena_suite(void) {
    Suite *s = suite_create("arena");
    TCase *t = tcase_create("arena");
    tcase_add_test(t, test_allocations_do_not_overlap);
    tcase_add_test(t, test_budget);
    tcase_add_test(t, test_text);
    suite_add_tcase(s, t);
    return s;
}
