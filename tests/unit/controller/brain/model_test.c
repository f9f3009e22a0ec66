/* model_test.c: brokers in order, randomness that can be replayed, counts. */
#include "tests/unit/controller/brain/bench.h"

START_TEST(brokers_are_sorted) {
    struct bn_model_settings settings = {.random_seed = 1};
    struct bn_model *m = bn_model_new(&settings);
    static const int32_t IDS[] = {5, 1, 9, 3, 1, 5};
    for (size_t i = 0; i < BN_ARRAY_LEN(IDS); i++) ck_assert_int_eq(bn_model_broker_make(m, IDS[i])->id, IDS[i]);
    ck_assert_int_eq(m->broker_count, 4);
    for (int32_t i = 1; i < 4; i++) ck_assert_int_lt(m->brokers[i - 1]->id, m->brokers[i]->id);
    ck_assert_ptr_null(bn_model_broker(m, 4));
    bn_model_free(m);
    bn_model_free(NULL);
}
END_TEST

START_TEST(the_same_seed_draws_the_same) {
    struct bn_model_settings settings = {.random_seed = 42};
    struct bn_model *a = bn_model_new(&settings), *b = bn_model_new(&settings);
    int buckets[7] = {0};
    for (int i = 0; i < 7000; i++) {
        int32_t x = bn_model_random_below(a, 7);
        ck_assert_int_eq(x, bn_model_random_below(b, 7));
        buckets[x]++;
    }
    for (int i = 0; i < 7; i++) ck_assert_int_gt(buckets[i], 800);
    struct bn_uuid id, other;
    bn_model_draw_id(a, &id);
    bn_model_draw_id(a, &other);
    ck_assert(!bn_uuid_eq(&id, &other));
    bn_model_free(a);
    bn_model_free(b);
}
END_TEST

START_TEST(cheap_counts) {
    struct bench b;
    struct bn_model_counts counts;
    bench_init(&b, 2);
    bench_create(&b, "t", "0:1,2 1:2,1 2:7");
    bn_model_count(b.model, &counts);
    ck_assert_int_eq(counts.brokers, 2);
    ck_assert_int_eq(counts.topics, 1);
    ck_assert_int_eq(counts.partitions, 3);
    ck_assert_int_eq(counts.offline_partitions, 1);
    ck_assert_int_eq(counts.preferred_imbalance, 0);
    brain_world_unregister(&b.zk, 2);
    bench_brokers(&b);
    bn_model_count(b.model, &counts);
    ck_assert_int_eq(counts.brokers, 1);
    ck_assert_int_eq(counts.preferred_imbalance, 1);
    ck_assert_int_eq(counts.multis_in_flight, 0);
    bench_fini(&b);
}
END_TEST

Suite *model_suite(void);
Suite *model_suite(void) {
    Suite *s = suite_create("model");
    TCase *c = tcase_create("model");
    tcase_add_test(c, brokers_are_sorted);
    tcase_add_test(c, the_same_seed_draws_the_same);
    tcase_add_test(c, cheap_counts);
    suite_add_tcase(s, c);
    return s;
}
