/* timeindex_test.c: timestamps ascend, and a search starts where nothing before is new enough. */
#include "broker/log/timeindex.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

START_TEST(test_all) {
    struct world w;
    world_init(&w);
    struct bn_index_place place = {.disk = w.disk, .dir = "/data"};
    struct bn_index x;
    int64_t t, o;
    bn_index_init(&x, &place, 50, BN_INDEX_TIME);
    ck_assert_int_eq(bn_timeindex_last(&x, &t, &o), 0);
    ck_assert(t == -1 && o == 50);
    ck_assert_int_eq(bn_timeindex_add(&x, 1000, 60), 0);
    ck_assert_int_eq(bn_timeindex_add(&x, 1000, 65), 0); /* not newer: not added */
    ck_assert_int_eq(bn_timeindex_add(&x, 900, 70), 0);
    ck_assert_int_eq(bn_timeindex_add(&x, 2000, 80), 0);
    ck_assert_uint_eq(x.count, 2);
    ck_assert_int_eq(bn_timeindex_last(&x, &t, &o), 0);
    ck_assert(t == 2000 && o == 80);
    static const int64_t starts[][2] = {{INT64_MIN, 50}, {0, 50},    {1000, 50},     {1001, 60},
                                        {2000, 60},      {2001, 80}, {INT64_MAX, 80}};
    for (size_t i = 0; i < BN_ARRAY_LEN(starts); i++) {
        ck_assert_int_eq(bn_timeindex_start(&x, starts[i][0], &o), 0);
        ck_assert_int_eq(o, starts[i][1]);
    }
    bn_index_fini(&x);
    world_fini(&w);
}
END_TEST

Suite *timeindex_suite(void);
Suite *timeindex_suite(void) {
    Suite *s = suite_create("timeindex");
    TCase *t = tcase_create("timeindex");
    tcase_add_test(t, test_all);
    suite_add_tcase(s, t);
    return s;
}
