/* model_topic_test.c: topics are found by name and id, and live as long as somebody holds them. */
#include "tests/unit/controller/brain/bench.h"

START_TEST(holds) {
    struct bn_model_settings settings = {.random_seed = 1};
    struct bn_model *m = bn_model_new(&settings);
    struct bn_model_topic *t = bn_model_topic_make(m, "t");
    ck_assert_ptr_eq(bn_model_topic(m, "t"), t);
    bn_model_draw_id(m, &t->id);
    ck_assert_ptr_null(bn_model_topic_by_id(m, &t->id));
    bn_model_topic_index_id(m, t);
    ck_assert_ptr_eq(bn_model_topic_by_id(m, &t->id), t);
    bn_model_topic_hold(t);
    bn_model_topic_forget(m, t);
    ck_assert_int_eq((int)t->kind, BN_MODEL_GONE);
    ck_assert_ptr_null(bn_model_topic(m, "t"));
    ck_assert_ptr_null(bn_model_topic_by_id(m, &t->id));
    struct bn_model_topic *again = bn_model_topic_make(m, "t");
    ck_assert_ptr_ne(again, t);
    bn_model_topic_release(t);
    bn_model_free(m);
}
END_TEST

Suite *model_topic_suite(void);
Suite *model_topic_suite(void) {
    Suite *s = suite_create("model_topic");
    TCase *c = tcase_create("model_topic");
    tcase_add_test(c, holds);
    suite_add_tcase(s, c);
    return s;
}
