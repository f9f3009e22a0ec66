/* compact_plan_test.c: goal: what is dirty, what may be touched, and which segments become one, case by case. */
#include "broker/log/compact_plan.h"

#include "tests/unit/unit.h"

/* Four segments of 10 offsets; the last is the active one. */
static const struct bn_compact_plan_segment four[] = {
    {0, 10, 100, 1000, 1100}, {10, 20, 200, 1200, 1300}, {20, 30, 300, 1400, 1500}, {30, 40, 400, 1600, 1700}};

START_TEST(test_range) {
    static const struct {
        int64_t cleaned_to, start, stable, now_ms, lag_min, lag_max;
        uint32_t count;
        int64_t dirty_from, upto, clean, dirty;
        bool overdue;
    } cases[] = {
        {-1, 0, 40, 2000, 0, INT64_MAX, 3, 0, 30, 0, 600, false},    /* all but the active one */
        {10, 0, 40, 2000, 0, INT64_MAX, 3, 10, 30, 100, 500, false}, /* the first is clean */
        {15, 0, 40, 2000, 0, INT64_MAX, 3, 15, 30, 100, 500, false}, /* half of one counts as dirty */
        {30, 0, 40, 2000, 0, INT64_MAX, 0, 30, 30, 600, 0, false},   /* nothing is dirty */
        {10, 0, 29, 2000, 0, INT64_MAX, 2, 10, 20, 100, 200, false}, /* the watermark */
        {0, 0, 9, 2000, 0, INT64_MAX, 0, 0, 0, 0, 0, false},
        {0, 12, 40, 2000, 0, INT64_MAX, 3, 12, 30, 100, 500, false}, /* records were deleted */
        {99, 0, 40, 2000, 0, INT64_MAX, 3, 0, 30, 0, 600, false},    /* a checkpoint of another log */
        {0, 0, 40, 2000, 600, INT64_MAX, 2, 0, 20, 0, 300, false},   /* 1500 is too young */
        {0, 0, 40, 2000, 0, 999, 3, 0, 30, 0, 600, true},
        {10, 0, 40, 2000, 0, 999, 3, 10, 30, 100, 500, false}, /* the old one is clean */
        {30, 0, 40, 9000, 0, 1, 0, 30, 30, 600, 0, false},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        const struct bn_compact_plan_limits l = {cases[i].cleaned_to, cases[i].start,   cases[i].stable,
                                                 cases[i].now_ms,     cases[i].lag_min, cases[i].lag_max};
        struct bn_compact_plan p;
        bn_compact_plan_make(four, 4, &l, &p);
        ck_assert_msg(p.count == cases[i].count && p.dirty_from == cases[i].dirty_from && p.upto == cases[i].upto,
                      "case %zu: %u %" PRId64 " %" PRId64, i, p.count, p.dirty_from, p.upto);
        ck_assert_msg(p.clean_bytes == cases[i].clean && p.dirty_bytes == cases[i].dirty, "case %zu", i);
        ck_assert_int_eq(p.overdue, cases[i].overdue);
    }
}
END_TEST

START_TEST(test_groups) {
    static const struct {
        struct bn_compact_plan_room room;
        uint32_t group;
    } cases[] = {
        {{1000, 1 << 20, 0}, 4}, {{999, 1 << 20, 0}, 3}, {{300, 1 << 20, 0}, 2},
        {{299, 1 << 20, 0}, 1},  {{1, 1 << 20, 0}, 1},   {{1000, 12 * 9, 0}, 2},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++)
        ck_assert_uint_eq(bn_compact_plan_group(four, 4, &cases[i].room), cases[i].group);
    const struct bn_compact_plan_segment wide[] = {
        {5, 10, 1, -1, -1}, {10, INT64_C(6) + INT32_MAX, 1, -1, -1}, {INT64_C(6) + INT32_MAX, INT64_MAX, 1, -1, -1}};
    const struct bn_compact_plan_room room = {1000, 1 << 20, 0};
    ck_assert_uint_eq(bn_compact_plan_group(wide, 3, &room), 2);
}
END_TEST

Suite *compact_plan_suite(void);
Suite *compact_plan_suite(void) {
    Suite *s = suite_create("compact_plan");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_range);
    tcase_add_test(t, test_groups);
    suite_add_tcase(s, t);
    return s;
}
