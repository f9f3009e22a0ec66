/* groupask_test.c: assignments come from whoever leads a group: they are read as far as they are sound, or not at all.
 */
#include "tools/groupask.h"

#include "tests/unit/unit.h"

Suite *groupask_suite(void);

/* Version 1: topic "b" with 1 and 0, topic "a" with 7; no user data. */
static const uint8_t sound[] = {0, 1, 0, 0, 0, 2,   0, 1, 'b', 0, 0, 0, 2, 0, 0,    0,    1,    0,
                                0, 0, 0, 0, 1, 'a', 0, 0, 0,   1, 0, 0, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF};

START_TEST(places_are_sorted) {
    struct bn_arena arena;
    struct bn_groupask_place *places;
    bn_arena_init(&arena, 1 << 16);
    ck_assert_uint_eq(bn_groupask_assignment(&arena, bn_slice_of(sound, sizeof sound), &places), 3);
    ck_assert(bn_slice_eq_str(places[0].topic, "a"));
    ck_assert_int_eq(places[0].partition, 7);
    ck_assert(bn_slice_eq_str(places[1].topic, "b"));
    ck_assert_int_eq(places[1].partition, 0);
    ck_assert_int_eq(places[2].partition, 1);
    bn_arena_fini(&arena);
}
END_TEST

/* Cut anywhere before its last partition, it is none. */
START_TEST(cut_short) {
    struct bn_arena arena;
    struct bn_groupask_place *places;
    bn_arena_init(&arena, 1 << 16);
    for (size_t len = 0; len < sizeof sound - 4; len++)
        ck_assert_uint_eq(bn_groupask_assignment(&arena, bn_slice_of(sound, len), &places), 0);
    bn_arena_fini(&arena);
}
END_TEST

static const uint8_t hostile[][20] = {
    {0, 1, 0x7F, 0xFF, 0xFF, 0xFF},                              /* two milliards of topics */
    {0, 1, 0, 0, 0, 1, 0, 1, 'a', 0x7F, 0xFF, 0xFF, 0xFF},       /* ... of partitions */
    {0, 1, 0, 0, 0, 1, 0x7F, 0xFF, 'a', 0, 0, 0, 1, 0, 0, 0, 1}, /* a long name */
    {0, 1, 0, 0, 0, 1, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0, 0, 1},      /* no name */
    {0, 1, 0xFF, 0xFF, 0xFF, 0xFF},                              /* a negative count */
};

START_TEST(counts_are_not_believed) {
    struct bn_arena arena;
    struct bn_groupask_place *places;
    bn_arena_init(&arena, 1 << 16);
    ck_assert_uint_eq(bn_groupask_assignment(&arena, bn_slice_of(hostile[_i], sizeof hostile[_i]), &places), 0);
    bn_arena_fini(&arena);
}
END_TEST

Suite *groupask_suite(void) {
    Suite *s = suite_create("tools/groupask");
    TCase *t = tcase_create("assignments");
    tcase_add_test(t, places_are_sorted);
    tcase_add_test(t, cut_short);
    tcase_add_loop_test(t, counts_are_not_believed, 0, (int)BN_ARRAY_LEN(hostile));
    suite_add_tcase(s, t);
    return s;
}
