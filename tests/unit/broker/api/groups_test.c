/* groups_test.c: goal: a group's part is aimed at the partition of its name; without the topic nothing can be aimed. */
#include "broker/api/groups.h"

#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *groups_suite(void);

START_TEST(test_aim) {
    struct fake_groups g;
    fake_groups_init(&g);
    struct bn_request r = {.deps = &g.world.fake.deps};
    struct bn_scatter_part part = {0};
    ck_assert_int_eq(bn_groups_aim(&r, &part, BN_SLICE_LIT("a")), KE_NONE);
    ck_assert_int_eq(part.partition, 97 % 3);
    ck_assert_int_eq(part.topic_id.bytes[0], 7);
    char long_name[300];
    memset(long_name, 'g', sizeof long_name);
    ck_assert_int_eq(bn_groups_aim(&r, &part, bn_slice_of(long_name, sizeof long_name)), KE_INVALID_GROUP_ID);
    bn_map_remove(&g.world.fake.image.by_name, BN_SLICE_LIT("__consumer_offsets"));
    ck_assert_int_eq(bn_groups_aim(&r, &part, BN_SLICE_LIT("a")), KE_NOT_COORDINATOR);
    fake_groups_fini(&g);
}
END_TEST

START_TEST(test_keep) {
    struct bn_arena arena;
    bn_arena_init(&arena, 0);
    char text[] = "abc";
    struct bn_slice kept = bn_groups_keep(&arena, bn_slice_str(text));
    text[0] = 'x';
    ck_assert(bn_slice_eq_str(kept, "abc"));
    ck_assert(bn_slice_is_null(bn_groups_keep(&arena, BN_SLICE_NULL)));
    bn_arena_fini(&arena);
}
END_TEST

Suite *groups_suite(void) {
    Suite *s = suite_create("groups");
    TCase *t = tcase_create("groups");
    tcase_add_test(t, test_aim);
    tcase_add_test(t, test_keep);
    suite_add_tcase(s, t);
    return s;
}
