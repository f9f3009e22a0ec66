/* zk_call_test.c: the chroot as a prefix, and which op of a multi failed. */
#include "common/zk/zk_call.h"

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

START_TEST(test_chroot) {
    static const char *const cases[][4] = {
        /* connect, hosts, chroot, its "/x" */
        {"h:1", "h:1", "", "/x"},
        {"h:1/", "h:1", "", "/x"},
        {"h:1,[::1]:2/kafka/a/", "h:1,[::1]:2", "/kafka/a", "/kafka/a/x"},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_zk_core core = {0};
        char *hosts;
        struct bn_zk_config config = {.connect = cases[i][0]};
        ck_assert_int_eq(bn_zk_call_core_init(&core, &config, &hosts, NULL), BN_OK);
        ck_assert_str_eq(hosts, cases[i][1]);
        ck_assert_str_eq(core.chroot, cases[i][2]);
        struct bn_zk_call *c = bn_zk_call_new(BN_ZK_CALL_GET, core.chroot, "/x");
        ck_assert_str_eq(c->path, cases[i][3]);
        ck_assert_str_eq(bn_zk_call_strip(&core, c->path), "/x");
        bn_zk_call_free(c);
        c = bn_zk_call_new(BN_ZK_CALL_GET, core.chroot, "/");
        ck_assert_str_eq(bn_zk_call_strip(&core, c->path), "/");
        bn_zk_call_free(c);
        bn_alloc_free(hosts);
        bn_zk_call_core_fini(&core);
    }
}
END_TEST

START_TEST(test_settle) {
    static const struct {
        int given[3], whole, told[3];
    } cases[] = {
        {{0, 0, 0}, 0, {0, 0, 0}},
        {{0, BN_STALE, BN_IO}, BN_STALE, {BN_IO, BN_STALE, BN_IO}},
        {{BN_IO, BN_IO, BN_EXISTS}, BN_EXISTS, {BN_IO, BN_IO, BN_EXISTS}},
        {{0, BN_IO, BN_IO}, BN_IO, {BN_IO, BN_IO, BN_IO}},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_zk_op_result results[3] = {{0}};
        struct bn_zk_call c = {.op_count = 3, .results = results};
        for (int k = 0; k < 3; k++) results[k].status = cases[i].given[k];
        bn_zk_call_settle_multi(&c);
        ck_assert_int_eq(c.status, cases[i].whole);
        for (int k = 0; k < 3; k++) ck_assert_int_eq(results[k].status, cases[i].told[k]);
    }
}
END_TEST

Suite *zk_call_suite(void);
Suite *zk_call_suite(void) {
    Suite *s = suite_create("zk_call");
    TCase *tc = tcase_create("calls");
    tcase_add_test(tc, test_chroot);
    tcase_add_test(tc, test_settle);
    suite_add_tcase(s, tc);
    return s;
}
