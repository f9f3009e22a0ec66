/* map_test.c: the table against a plain array as its model: random puts, gets and removals must agree, in
 * tables small enough that probe paths wrap around and removal has followers to move. */
#include "common/base/map.h"

#include "tests/unit/unit.h"

enum { KEYS = 600 };

static uint64_t rng(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

START_TEST(test_against_model) {
    uint64_t seed = 0x9e3779b97f4a7c15u + (uint64_t)_i;
    uint64_t keys[KEYS];
    void *model[KEYS] = {0};
    size_t limit = _i < 8 ? 6 : KEYS, count = 0;
    for (size_t i = 0; i < KEYS; i++) keys[i] = i * 7919;
    struct bn_map m;
    bn_map_init(&m);
    for (int step = 0; step < 4000; step++) {
        size_t i = (size_t)(rng(&seed) % limit);
        struct bn_slice key = bn_map_key_u64(&keys[i]);
        uint64_t what = rng(&seed) % 3;
        if (what == 0) {
            void *value = &keys[rng(&seed) % KEYS];
            ck_assert_ptr_eq(bn_map_put(&m, key, value), model[i]);
            if (!model[i]) count++;
            model[i] = value;
        } else if (what == 1) {
            ck_assert_ptr_eq(bn_map_remove(&m, key), model[i]);
            if (model[i]) count--;
            model[i] = NULL;
        } else {
            ck_assert_ptr_eq(bn_map_get(&m, key), model[i]);
        }
        ck_assert_uint_eq(m.count, count);
    }
    size_t at = 0, seen = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m, &at));) {
        uint64_t k;
        memcpy(&k, e->key.ptr, sizeof k);
        ck_assert_ptr_eq(e->value, model[k / 7919]);
        seen++;
    }
    ck_assert_uint_eq(seen, count);
    bn_map_fini(&m);
}
END_TEST

START_TEST(test_empty_and_null_keys) {
    struct bn_map m;
    bn_map_init(&m);
    int v, w;
    ck_assert_ptr_null(bn_map_get(&m, BN_SLICE_LIT("a")));
    ck_assert_ptr_null(bn_map_remove(&m, BN_SLICE_LIT("a")));
    ck_assert_ptr_null(bn_map_put(&m, BN_SLICE_LIT(""), &v));
    ck_assert_ptr_eq(bn_map_get(&m, BN_SLICE_NULL), &v);
    ck_assert_ptr_null(bn_map_put(&m, BN_SLICE_LIT("ab"), &w));
    ck_assert_ptr_null(bn_map_get(&m, BN_SLICE_LIT("a")));
    bn_map_fini(&m);
    ck_assert_uint_eq(m.count, 0);
}
END_TEST

Suite *map_suite(void);
Suite *map_suite(void) {
    Suite *s = suite_create("map");
    TCase *t = tcase_create("map");
    tcase_add_loop_test(t, test_against_model, 0, 16);
    tcase_add_test(t, test_empty_and_null_keys);
    suite_add_tcase(s, t);
    return s;
}
