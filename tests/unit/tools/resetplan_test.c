/* resetplan_test.c: plans of resets that people write by hand or export, right and wrong. */
#include "tools/resetplan.h"

#include "tests/unit/unit.h"

Suite *resetplan_suite(void);

static const struct {
    const char *text, *only; /* only NULL: several groups */
    int count;               /* -1: refused */
    const char *group, *topic;
    int32_t partition;
    int64_t offset; /* of the last row */
} plans[] = {
    {"one,0,4\none,1,0\n", "g", 2, "g", "one", 1, 0},
    {"one,0,4", "g", 1, "g", "one", 0, 4},
    {"h,one,0,4\n", "g", 1, "h", "one", 0, 4},
    {"h,one,0,4\r\n\r\n", NULL, 1, "h", "one", 0, 4},
    {"\"a,b\",one,3,-1\n", NULL, 1, "a,b", "one", 3, -1},
    {"\"a\"\"b\",\"one\",\"3\",\"9223372036854775807\"\n", NULL, 1, "a\"b", "one", 3, INT64_MAX},
    {"", "g", 0, NULL, NULL, 0, 0},
    {"\n\n", NULL, 0, NULL, NULL, 0, 0},
    {"one,0,4\n", NULL, -1, NULL, NULL, 0, 0},
    {"one,0\n", "g", -1, NULL, NULL, 0, 0},
    {"a,b,c,d,e\n", "g", -1, NULL, NULL, 0, 0},
    {"one,x,4\n", "g", -1, NULL, NULL, 0, 0},
    {"one,-1,4\n", "g", -1, NULL, NULL, 0, 0},
    {"one,4294967296,4\n", "g", -1, NULL, NULL, 0, 0},
    {"one,0,9223372036854775808\n", "g", -1, NULL, NULL, 0, 0},
    {"one,0,\n", "g", -1, NULL, NULL, 0, 0},
    {",0,4\n", "g", -1, NULL, NULL, 0, 0},
    {"\"one,0,4\n", "g", -1, NULL, NULL, 0, 0},
    {"one,0,4,\n", "g", -1, NULL, NULL, 0, 0},
};

START_TEST(plan) {
    struct bn_arena arena;
    struct bn_resetplan p;
    bn_arena_init(&arena, 1 << 20);
    bool ok = bn_resetplan_read(bn_slice_str(plans[_i].text), bn_slice_str(plans[_i].only), &arena, "test", &p);
    ck_assert_int_eq(ok, plans[_i].count >= 0);
    if (ok) ck_assert_uint_eq(p.count, (size_t)plans[_i].count);
    if (ok && p.count > 0) {
        const struct bn_resetplan_row *last = &p.rows[p.count - 1];
        ck_assert(bn_slice_eq_str(last->group, plans[_i].group));
        ck_assert(bn_slice_eq_str(last->place.topic, plans[_i].topic));
        ck_assert_int_eq(last->place.partition, plans[_i].partition);
        ck_assert_int_eq(last->place.offset, plans[_i].offset);
    }
    bn_arena_fini(&arena);
}
END_TEST

Suite *resetplan_suite(void) {
    Suite *s = suite_create("tools/resetplan");
    TCase *t = tcase_create("plans");
    tcase_add_loop_test(t, plan, 0, (int)BN_ARRAY_LEN(plans));
    suite_add_tcase(s, t);
    return s;
}
