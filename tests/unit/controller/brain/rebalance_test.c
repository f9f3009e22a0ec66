/* rebalance_test.c: goal: the limit is a share, and is exceeded only above it; nothing moves while a reassignment is
 * under way, or when it is switched off. When it turns is in tests/script/controller_rebalance.txt. */
#include "controller/brain/rebalance.h"
#include "tests/unit/controller/brain/bench.h"

static int32_t wishes(struct bench *b, int32_t percentage, int64_t after_ms) {
    struct bn_event e = {.kind = BN_EVENT_TICK};
    b->model->settings.imbalance_percentage = percentage;
    b->model->settings.rebalance_interval_ms = 1000;
    b->now_ms += after_ms;
    bench_feed(b, &e);
    int32_t led = 0;
    bench_drain(b);
    for (int32_t i = 0; i < 2; i++) led += bench_partition(b, "t", i)->state.leader == 1;
    return led;
}

/* Both prefer 1; the second is led by 2. */
static void misplace(struct bench *b) {
    bench_init(b, 2);
    bench_create(b, "t", "0:1,2 1:1,2");
    bench_partition(b, "t", 1)->state.leader = 2;
}

START_TEST(limits) {
    struct bench b;
    misplace(&b);
    ck_assert_int_eq(wishes(&b, 0, 1000000), 1); /* switched off */
    b.model->settings.auto_rebalance = true;
    bn_rebalance_start(b.model);
    ck_assert_int_eq(wishes(&b, 0, 4999), 1); /* too early */
    ck_assert_int_eq(wishes(&b, 50, 1), 1);   /* half is not more than half */
    ck_assert_int_eq(wishes(&b, 49, 999), 1); /* too early again */
    ck_assert_int_eq(wishes(&b, 49, 1), 2);
    bench_fini(&b);
}
END_TEST

START_TEST(not_during_a_reassignment) {
    struct bench b;
    misplace(&b);
    b.model->settings.auto_rebalance = true;
    bn_rebalance_start(b.model);
    bn_ids_set(&bench_partition(&b, "t", 0)->adding, (struct bn_fact_ids){(int32_t[]){2}, 1});
    ck_assert_int_eq(wishes(&b, 0, 5000), 1);
    bn_ids_set(&bench_partition(&b, "t", 0)->adding, (struct bn_fact_ids){NULL, 0});
    ck_assert_int_eq(wishes(&b, 0, 1000), 2);
    bench_fini(&b);
}
END_TEST

Suite *rebalance_suite(void);
Suite *rebalance_suite(void) {
    Suite *s = suite_create("rebalance");
    TCase *c = tcase_create("rebalance");
    tcase_add_test(c, limits);
    tcase_add_test(c, not_during_a_reassignment);
    suite_add_tcase(s, c);
    return s;
}
