/* purge_test.c: a subtree goes, children first, also while answers are lost or somebody adds to it; nothing goes once
 * the epoch has moved. */
#include "controller/effect_int.h"
#include "tests/unit/controller/zk_bench.h"

static struct zk_bench b;
static void setup(void) {
    char path[100];
    zk_bench_open(&b);
    zk_bench_put(&b, "/controller_epoch", "1");
    zk_bench_put(&b, "/brokers/topics/other/partitions/0/state", "x");
    for (int i = 0; i < 150; i++) { /* more than a batch */
        snprintf(path, sizeof path, "/brokers/topics/t/partitions/%d/state", i);
        zk_bench_put(&b, path, "x");
    }
}
static void teardown(void) { zk_bench_close(&b); }

static struct {
    bool came;
    int status;
} end;
static void done(void *arg, int status) {
    ck_assert(!end.came);
    end.came = true;
    end.status = status;
}

static void start(int32_t epoch_version) {
    memset(&end, 0, sizeof end);
    bn_purge_start(b.zk, "/brokers/topics/t", epoch_version, done, NULL);
}

START_TEST(all_goes) {
    start(0);
    if (_i == 1) bn_fake_lose_next_answer(b.zk);
    if (_i == 2) bn_fake_lose_next_request(b.zk);
    ZK_BENCH_UNTIL(&b, end.came);
    ck_assert_int_eq(end.status, 0);
    ck_assert(!zk_bench_has(&b, "/brokers/topics/t"));
    ck_assert(zk_bench_has(&b, "/brokers/topics/other/partitions/0/state"));
    start(0); /* nothing there: fine */
    ZK_BENCH_UNTIL(&b, end.came);
    ck_assert_int_eq(end.status, 0);
}
END_TEST

static void ignore(void *arg, int status, const char *path) { (void)arg; }

START_TEST(somebody_adds) {
    start(0);
    for (int i = 0; i < _i * 40; i++) bn_fake_step(b.server);
    b.zk->ops->create(b.zk, "/brokers/topics/t/late", BN_SLICE_NULL, 0, ignore, NULL);
    b.zk->ops->create(b.zk, "/brokers/topics/t/partitions/3/late", BN_SLICE_NULL, 0, ignore, NULL);
    ZK_BENCH_UNTIL(&b, end.came);
    ck_assert_int_eq(end.status, 0);
    ck_assert(!zk_bench_has(&b, "/brokers/topics/t"));
}
END_TEST

START_TEST(deposed) {
    start(7);
    ZK_BENCH_UNTIL(&b, end.came);
    ck_assert_int_eq(end.status, BN_STALE);
    ck_assert(zk_bench_has(&b, "/brokers/topics/t/partitions/149/state"));
}
END_TEST

Suite *purge_suite(void);
Suite *purge_suite(void) {
    Suite *s = suite_create("purge");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, all_goes, 0, 3);
    tcase_add_loop_test(t, somebody_adds, 0, 10);
    tcase_add_test(t, deposed);
    suite_add_tcase(s, t);
    return s;
}
