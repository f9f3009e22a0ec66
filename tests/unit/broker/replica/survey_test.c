/* survey_test.c: goal: sizes grow with what is appended, and an idempotent producer is told as it stands. */
#include "broker/replica/survey.h"

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "tests/unit/broker/replica/world.h"
#include "tests/unit/unit.h"

Suite *survey_suite(void);

static const struct world_state alone = {1, 0, 0, {1}, {1}, 1, 1};

static void do_size(struct world *w, void *arg) { bn_survey_size(bn_roster_find(w->roster, &world_id, 0), arg); }

START_TEST(test_size) {
    struct world w;
    struct bn_survey_size before, after;
    world_start(&w);
    world_decide(&w, alone);
    world_await_open(&w);
    world_on_shard(&w, do_size, &before);
    ck_assert_int_eq(before.dir_index, 0);
    ck_assert_int_eq(before.size_bytes, 0);
    ck_assert_int_eq(world_append(&w, 3, 1, 1000, NULL), KE_NONE);
    world_on_shard(&w, do_size, &after);
    ck_assert_int_gt(after.size_bytes, 61);
    ck_assert_int_eq(after.lag, 0);
    world_stop(&w);
}
END_TEST

struct known {
    int16_t error;
    int count;
};

static void do_producers(struct world *w, void *arg) {
    struct known *k = arg;
    struct bn_log_producer *list = NULL;
    k->error = bn_survey_producers(bn_roster_find(w->roster, &world_id, 0), &list, &k->count);
    bn_alloc_free(list);
}

START_TEST(test_nobody_is_known) {
    struct world w;
    struct known k = {-1, -1};
    world_start(&w);
    world_decide(&w, alone);
    world_await_open(&w);
    ck_assert_int_eq(world_append(&w, 3, 1, 1000, NULL), KE_NONE);
    world_on_shard(&w, do_producers, &k);
    ck_assert_int_eq(k.error, KE_NONE);
    ck_assert_int_eq(k.count, 0);
    world_stop(&w);
}
END_TEST

Suite *survey_suite(void) {
    Suite *s = suite_create("survey");
    TCase *t = tcase_create("survey");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_size);
    tcase_add_test(t, test_nobody_is_known);
    suite_add_tcase(s, t);
    return s;
}
