/* compact_map_test.c: goal: the map remembers the last offset of each key, takes no more keys than it may, and costs no
 * more memory than it was given. */
#include "broker/log/compact_map.h"

#include <stdio.h>

#include "tests/unit/unit.h"

static struct bn_slice key_of(char *room, size_t size, int n) {
    return bn_slice_of(room, (size_t)snprintf(room, size, "key-%d", n));
}

START_TEST(test_last_offset) {
    struct bn_compact_map m;
    char room[32];
    bn_compact_map_init(&m, 1 << 20, 1000, 0.9, 7);
    for (int64_t o = 0; o < 5000; o++) ck_assert(bn_compact_map_put(&m, key_of(room, sizeof room, (int)(o % 1000)), o));
    ck_assert_uint_eq(m.count, 1000);
    for (int n = 0; n < 1000; n++) ck_assert_int_eq(bn_compact_map_get(&m, key_of(room, sizeof room, n)), 4000 + n);
    ck_assert_int_eq(bn_compact_map_get(&m, key_of(room, sizeof room, 1000)), -1);
    ck_assert(bn_compact_map_put(&m, bn_slice_of("", 0), 0)); /* an empty key is a key */
    ck_assert_int_eq(bn_compact_map_get(&m, bn_slice_of("", 0)), 0);
    bn_compact_map_fini(&m);
}
END_TEST

START_TEST(test_bounds) {
    static const struct {
        size_t bytes;
        uint64_t keys;
        double load;
        size_t limit;
    } cases[] = {
        {0, 100, 0.9, 1}, {48, 100, 1, 1},       {240, 1000000, 0.5, 5},
        {240, 1, 0.9, 3}, {2400, 1000, 0.9, 90}, {1 << 20, 0, 0.01, 1},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_compact_map m;
        char room[32];
        bn_compact_map_init(&m, cases[i].bytes, cases[i].keys, cases[i].load, i);
        ck_assert_uint_eq(m.limit, cases[i].limit);
        for (size_t n = 0; n < m.limit; n++) ck_assert(bn_compact_map_put(&m, key_of(room, sizeof room, (int)n), 1));
        ck_assert(!bn_compact_map_put(&m, key_of(room, sizeof room, -1), 2));
        ck_assert(bn_compact_map_put(&m, key_of(room, sizeof room, 0), 3)); /* a known one always */
        ck_assert_int_eq(bn_compact_map_get(&m, key_of(room, sizeof room, 0)), 3);
        ck_assert_int_eq(bn_compact_map_get(&m, key_of(room, sizeof room, -1)), -1);
        bn_compact_map_fini(&m);
    }
}
END_TEST

Suite *compact_map_suite(void);
Suite *compact_map_suite(void) {
    Suite *s = suite_create("compact_map");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_last_offset);
    tcase_add_test(t, test_bounds);
    suite_add_tcase(s, t);
    return s;
}
