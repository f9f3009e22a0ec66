/* group_node_test.c: a group's znode as a fact; one that cannot be read stands for generations above all others. And
 * what the brain believes a znode takes is never less than it does. */
#include "controller/group_node.h"

#include "controller/brain/group_fact.h"
#include "controller/effect_int.h"
#include "proto/kafka/codec.h"
#include "tests/unit/unit.h"

START_TEST(reads) {
    struct bn_arena a;
    struct bn_fact_group g;
    const struct bn_fact_group_member *members;
    int32_t count;
    bn_arena_init(&a, 1 << 20);
    ck_assert_int_eq(bn_group_node_read(BN_SLICE_NULL, "g", &a, &g), BN_NOTFOUND);
    ck_assert_int_eq(bn_group_node_read(BN_SLICE_LIT(""), "g", &a, &g), BN_NOTFOUND);
    ck_assert_int_eq(bn_group_node_read(BN_SLICE_LIT("{"), "g", &a, &g), BN_BAD);
    ck_assert_int_eq(bn_group_node_read_part(BN_SLICE_LIT("{"), "g", &a, &members, &count), BN_BAD);
    ck_assert_int_eq(bn_group_node_read(BN_SLICE_LIT("{\"version\":1,\"generation\":3,\"reserved\":16,\"members_in\":["
                                                     "\"members-3-1\"]}"),
                                        "g", &a, &g),
                     0);
    ck_assert(g.generation == 3 && g.reserved == 16 && g.part_count == 1 && g.parts[0].number == 1);
    ck_assert_str_eq(g.name, "g");
    ck_assert_int_eq(bn_group_node_read_part(
                         BN_SLICE_LIT("{\"version\":1,\"members\":[{\"member_id\":\"m\",\"session_timeout_ms\":1,"
                                      "\"rebalance_timeout_ms\":2,\"metadata\":\"AAEC\"}]}"),
                         "g", &a, &members, &count),
                     0);
    ck_assert(count == 1 && members[0].metadata.len == 3 && bn_slice_is_null(members[0].instance_id));
    bn_arena_fini(&a);
    bn_arena_init(&a, 64);
    ck_assert_int_eq(bn_group_node_read_part(
                         BN_SLICE_LIT("{\"version\":1,\"members\":[{\"member_id\":\"m\",\"session_timeout_ms\":1,"
                                      "\"rebalance_timeout_ms\":2}]}"),
                         "g", &a, &members, &count),
                     BN_FULL);
    bn_arena_fini(&a);
}
END_TEST

/* What a person wrote there that no coordinator can use or tell stands for a group that is lost. */
START_TEST(refuses) {
    static char name[BN_CODEC_STRING_MAX + 2];
    static const char HEAD[] = "{\"version\":1,\"generation\":3,\"reserved\":";
    memset(name, 'n', sizeof name - 1);
    for (int i = 0; i < 6; i++) {
        const char *n = name + (i % 2); /* one byte too long, or as long as can be */
        struct bn_arena a;
        struct bn_fact_group g;
        bn_arena_init(&a, 1 << 20);
        const char *text = i < 2   ? bn_arena_printf(&a, "%s%d}", HEAD, INT32_MAX - 1000000 + (i == 0))
                           : i < 4 ? bn_arena_printf(&a, "%s16,\"protocol\":\"%s\"}", HEAD, n)
                                   : bn_arena_printf(&a,
                                                     "%s16,\"members\":[{\"member_id\":\"%s\","
                                                     "\"session_timeout_ms\":1,\"rebalance_timeout_ms\":2}]}",
                                                     HEAD, n);
        ck_assert_int_eq(bn_group_node_read(bn_slice_str(text), "g", &a, &g), i % 2 ? BN_OK : BN_BAD);
        bn_arena_fini(&a);
    }
}
END_TEST

/* A coordinator reserves 16 generations beyond the next with a write; every write is a version. */
START_TEST(lost_generations_are_never_used_again) {
    int32_t reserved = 1000000;
    for (int32_t version = 0; version < 100000; version++) {
        struct bn_fact_group g = bn_group_node_lost("g", version);
        ck_assert_int_gt(g.generation, reserved);
        ck_assert_int_eq(g.reserved, g.generation);
        reserved = version % 3 ? reserved + 17 : g.reserved; /* spoiled again, and again */
    }
    ck_assert_int_gt(bn_group_node_lost("g", INT32_MAX).generation, 1000000000);
}
END_TEST

START_TEST(estimates_are_bounds) {
    static uint8_t bytes[70000];
    static const char *const fills[] = {"\xff", "a", "%", "\0", "\x7f"};
    for (size_t f = 0; f < BN_ARRAY_LEN(fills); f++) {
        memset(bytes, fills[f][0], sizeof bytes);
        if (f == 3) memcpy(bytes, "\0\0\0\0\0\1\0\1t\0\0\3\xe8", 13); /* an assignment with a thousand partitions */
        for (size_t len = 0; len <= sizeof bytes; len = len * 3 + 1) {
            struct bn_slice s = bn_slice_of(bytes, len), t = bn_slice_of(bytes, len / 8);
            struct bn_fact_group_member m = {t, t, t, t, s, s, INT32_MAX, INT32_MAX};
            struct bn_fact_group g = {.name = "g",
                                      .generation = INT32_MAX,
                                      .reserved = INT32_MAX,
                                      .protocol_type = BN_SLICE_LIT("consumer"),
                                      .protocol = t,
                                      .leader = t,
                                      .timestamp_ms = INT64_MAX,
                                      .members = &m,
                                      .member_count = 1};
            struct bn_output_op op = {.kind = BN_OUTPUT_OP_SET_GROUP, .version = 3, .u.group = g};
            struct bn_zk_op out;
            struct bn_arena a;
            bn_arena_init(&a, SIZE_MAX / 2);
            bn_effect_op(&op, &a, &out);
            ck_assert_str_eq(out.path, "/consumers/g");
            ck_assert_int_eq(out.version, 3);
            ck_assert_uint_le(out.data.len, bn_group_fact_bytes(&g));
            bn_arena_fini(&a);
        }
    }
}
END_TEST

Suite *group_node_suite(void);
Suite *group_node_suite(void) {
    Suite *s = suite_create("group_node");
    TCase *t = tcase_create("all");
    tcase_add_test(t, reads);
    tcase_add_test(t, refuses);
    tcase_add_test(t, lost_generations_are_never_used_again);
    tcase_add_test(t, estimates_are_bounds);
    suite_add_tcase(s, t);
    return s;
}
