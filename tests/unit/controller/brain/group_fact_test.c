/* group_fact_test.c: copies are deep; a large group is cut so that every part has room, and nothing is left out. */
#include "controller/brain/group_fact.h"

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

static struct bn_fact_group_member members[40];
static uint8_t *data;

static struct bn_fact_group make(int32_t count, size_t bytes) {
    data = bn_alloc_zero(1, bytes + 1);
    for (int32_t i = 0; i < count; i++)
        members[i] = (struct bn_fact_group_member){.member_id = BN_SLICE_LIT("m"),
                                                   .instance_id = BN_SLICE_NULL,
                                                   .metadata = bn_slice_of(data, bytes),
                                                   .assignment = bn_slice_of(data, bytes)};
    return (struct bn_fact_group){.name = "g", .members = members, .member_count = count};
}

START_TEST(copies_are_deep) {
    struct bn_arena a;
    struct bn_fact_group g = make(2, 10);
    struct bn_fact_group_part part = {3, 4};
    char name[] = "name", leader[] = "leader";
    g.name = name;
    g.leader = bn_slice_str(leader);
    g.parts = &part;
    g.part_count = 1;
    bn_arena_init(&a, SIZE_MAX / 2);
    struct bn_fact_group copy = bn_group_fact_copy(&a, &g);
    memset(name, 'x', 4);
    memset(leader, 'x', 6);
    memset(data, 'x', 10);
    part.number = 9;
    ck_assert_str_eq(copy.name, "name");
    ck_assert(bn_slice_eq_str(copy.leader, "leader") && copy.parts[0].number == 4);
    ck_assert_int_eq(copy.members[1].metadata.ptr[9], 0);
    ck_assert(bn_slice_is_null(copy.members[0].instance_id) && bn_slice_eq_str(copy.members[0].member_id, "m"));
    bn_arena_fini(&a);
    bn_alloc_free(data);
}
END_TEST

START_TEST(parts_have_room) {
    static const size_t sizes[] = {0, 1, 1000, 30000, 65536, 65537, 200000, 300000};
    for (size_t n = 0; n < BN_ARRAY_LEN(sizes); n++) {
        struct bn_fact_group g = make(16, sizes[n]);
        ck_assert(bn_group_fact_fits(&g));
        int32_t at = 0, parts = 0;
        while (at < g.member_count) {
            struct bn_fact_group part = g;
            part.members += at;
            part.member_count = bn_group_fact_cut(&g, at);
            ck_assert_int_gt(part.member_count, 0);
            ck_assert(part.member_count == 1 || bn_group_fact_bytes(&part) < BN_GROUP_FACT_NODE_MAX + 1024);
            at += part.member_count;
            parts++;
        }
        ck_assert_int_eq(at, 16);
        ck_assert_int_le(parts, 62);
        bn_alloc_free(data);
    }
}
END_TEST

START_TEST(too_large) {
    struct bn_fact_group g = make(1, 340000);
    ck_assert(!bn_group_fact_fits(&g));
    bn_alloc_free(data);
    g = make(40, 200000);
    ck_assert(!bn_group_fact_fits(&g));
    bn_alloc_free(data);
}
END_TEST

Suite *group_fact_suite(void);
Suite *group_fact_suite(void) {
    Suite *s = suite_create("group_fact");
    TCase *c = tcase_create("all");
    tcase_add_test(c, copies_are_deep);
    tcase_add_test(c, parts_have_room);
    tcase_add_test(c, too_large);
    suite_add_tcase(s, c);
    return s;
}
