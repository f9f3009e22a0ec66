/* model_partition_test.c: partitions stay sorted by index, and leaders are counted. */
#include "tests/unit/controller/brain/bench.h"

#define IDS(...) ((struct bn_fact_ids){(int32_t[]){__VA_ARGS__}, (int32_t)BN_ARRAY_LEN(((int32_t[]){__VA_ARGS__}))})

START_TEST(sorted_and_counted) {
    struct bn_model_settings settings = {.random_seed = 1};
    struct bn_model *m = bn_model_new(&settings);
    struct bn_model_topic *t = bn_model_topic_make(m, "t");
    static const int32_t ORDER[] = {3, 0, 8, 1, 2, 7, 5};
    for (size_t i = 0; i < BN_ARRAY_LEN(ORDER); i++) {
        struct bn_fact_partition fact = {.index = ORDER[i], .replicas = IDS(1, 2)};
        bn_model_partition_make(t, &fact);
    }
    for (int32_t i = 1; i < t->partition_count; i++)
        ck_assert_int_lt(t->partitions[i - 1]->index, t->partitions[i]->index);
    ck_assert_ptr_null(bn_model_partition(t, 4));
    struct bn_model_partition *p = bn_model_partition(t, 5);
    struct bn_fact_state led = {.leader = 1, .isr = IDS(1)}, offline = {.leader = -1, .isr = IDS(1)};
    bn_model_partition_commit(p, &led);
    bn_model_partition_commit(p, &led);
    ck_assert_int_eq(t->led_count, 1);
    bn_model_partition_commit(p, &offline);
    ck_assert_int_eq(t->led_count, 0);
    bn_model_partition_dirty(m, p); /* CREATING: nothing may be done for it yet */
    ck_assert(bn_list_empty(&m->dirty));
    t->kind = BN_MODEL_LIVE;
    bn_model_partition_dirty(m, p);
    bn_model_partition_dirty(m, p);
    ck_assert(!bn_list_empty(&m->dirty));
    bn_model_free(m);
}
END_TEST

Suite *model_partition_suite(void);
Suite *model_partition_suite(void) {
    Suite *s = suite_create("model_partition");
    TCase *c = tcase_create("model_partition");
    tcase_add_test(c, sorted_and_counted);
    suite_add_tcase(s, c);
    return s;
}
