/* znode_config_test.c: overrides come sorted, and a notice's path is always fit for a znode. */
#include "common/base/alloc.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "tests/unit/unit.h"

START_TEST(test_sorted) {
    struct bn_arena a;
    struct bn_znode_config c;
    bn_arena_init(&a, 1u << 20);
    struct bn_slice text = BN_SLICE_LIT("{\"version\":1,\"config\":{\"z\":\"1\",\"a\":\"\",\"m\":-5,\"b\":false}}");
    ck_assert_int_eq(bn_znode_config_decode(text, &a, &c, NULL), BN_OK);
    static const char *const want[][2] = {{"a", ""}, {"b", "false"}, {"m", "-5"}, {"z", "1"}};
    ck_assert_int_eq(c.count, BN_ARRAY_LEN(want));
    for (int32_t i = 0; i < c.count; i++) {
        ck_assert_str_eq(c.entries[i].key, want[i][0]);
        ck_assert_str_eq(c.entries[i].value, want[i][1]);
    }
    bn_arena_fini(&a);
}
END_TEST

START_TEST(test_change_to_path) {
    struct bn_arena a;
    struct bn_znode_config_change c;
    struct bn_znode_path p;
    bn_arena_init(&a, 1u << 20);
    struct bn_slice text = BN_SLICE_LIT("{\"entity_type\":\"clients\",\"entity_name\":\"<default>\",\"version\":1}");
    ck_assert_int_eq(bn_znode_config_change_decode(text, &a, &c, NULL), BN_OK);
    ck_assert_str_eq(bn_znode_path_config_entity(&p, bn_slice_str(c.entity_path)), "/config/clients/<default>");
    bn_arena_fini(&a);
}
END_TEST

Suite *znode_config_suite(void);
Suite *znode_config_suite(void) {
    Suite *s = suite_create("znode_config");
    TCase *tc = tcase_create("configs");
    tcase_add_test(tc, test_sorted);
    tcase_add_test(tc, test_change_to_path);
    suite_add_tcase(s, tc);
    return s;
}
