/* setup_test.c: everything that must stand is made once, whatever gets lost on the way; a second run changes nothing.
 */
#include "controller/setup.h"

#include "common/base/alloc.h"
#include "common/zk/znode_path.h"
#include "tests/unit/controller/zk_bench.h"

static struct {
    bool came;
    int status;
    char id[64];
} end;

static void done(void *arg, int status, const char *cluster_id, const char *why) {
    ck_assert(!end.came);
    end.came = true;
    end.status = status;
    ck_assert_ptr_nonnull(why);
    snprintf(end.id, sizeof end.id, "%s", cluster_id ? cluster_id : "");
}

static void run(struct zk_bench *b) {
    memset(&end, 0, sizeof end);
    bn_setup_start(b->zk, bn_env_real(), done, NULL);
    ck_assert(!end.came);
    ZK_BENCH_UNTIL(b, end.came);
}

START_TEST(makes_everything_once) {
    struct zk_bench b;
    zk_bench_open(&b);
    if (_i == 1) bn_fake_lose_next_answer(b.zk);
    if (_i == 2) bn_fake_lose_next_request(b.zk);
    run(&b);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(strlen(end.id), 22);
    for (const char *const *p = bn_znode_path_top_level; *p; p++) ck_assert_msg(zk_bench_has(&b, *p), "%s", *p);
    ck_assert(zk_bench_has(&b, BN_ZNODE_ADMITTED));
    struct bn_slice data;
    ck_assert_int_eq(bn_fake_peek(b.server, "/feature", &data, NULL), 0);
    ck_assert(bn_slice_eq_str(data, "{\"features\":{},\"version\":2,\"status\":1}"));
    ck_assert_int_eq(bn_fake_peek(b.server, "/latest_producer_id_block", &data, NULL), 0);
    ck_assert_uint_eq(data.len, 0);
    char first[64];
    snprintf(first, sizeof first, "%s", end.id);
    int64_t zxid = bn_fake_zxid(b.server);
    run(&b);
    ck_assert_str_eq(end.id, first);
    ck_assert_int_eq(bn_fake_zxid(b.server), zxid); /* not one write */
    zk_bench_close(&b);
}
END_TEST

START_TEST(a_broken_cluster_id_is_told) {
    struct zk_bench b;
    zk_bench_open(&b);
    zk_bench_put(&b, "/cluster/id", "nonsense");
    run(&b);
    ck_assert_int_eq(end.status, BN_BAD);
    zk_bench_close(&b);
}
END_TEST

START_TEST(cancelled_at_any_time) {
    struct zk_bench b;
    zk_bench_open(&b);
    memset(&end, 0, sizeof end);
    struct bn_setup *s = bn_setup_start(b.zk, bn_env_real(), done, NULL);
    for (int i = 0; i < _i; i++) bn_fake_step(b.server);
    if (!end.came) bn_setup_cancel(s);
    bool was = end.came;
    zk_bench_close(&b);
    ck_assert_int_eq(end.came, was);
}
END_TEST

Suite *setup_suite(void);
Suite *setup_suite(void) {
    Suite *s = suite_create("setup");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, makes_everything_once, 0, 3);
    tcase_add_test(t, a_broken_cluster_id_is_told);
    tcase_add_loop_test(t, cancelled_at_any_time, 0, 100);
    suite_add_tcase(s, t);
    return s;
}
