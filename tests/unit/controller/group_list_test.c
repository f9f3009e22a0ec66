/* group_list_test.c: a new controller knows the groups that stand in ZooKeeper, and takes no stranger's znode for one;
 * its reign may end before the list has come. */
#include "controller/group_list.h"

#include "controller/brain/model_inside.h"
#include "tests/unit/controller/world_topic.h"

static struct world w;

static void made(void *arg, int status) { *(int *)arg = status; }
static void make(const char *path) {
    int status = 99;
    bn_zk_make_path(w.brokers[0].zk, path, made, &status);
    WORLD_UNTIL(&w, status != 99);
    ck_assert_int_eq(status, 0);
}

START_TEST(lists) {
    world_with_broker(&w);
    make("/consumers/one");
    make("/consumers/a%2Fb");
    make("/consumers/old group/offsets");
    make("/consumers/%zz");
    ck_assert_uint_eq(w.controllers[0].controller->model->groups.count, 0);
    world_start_controller(&w, 1);
    world_stop_controller(&w, 0);
    struct bn_controller *c = w.controllers[1].controller;
    WORLD_UNTIL(&w, bn_controller_is_active(c) && c->model->groups_listed);
    ck_assert_uint_eq(c->model->groups.count, 2);
    ck_assert_ptr_nonnull(bn_map_get(&c->model->groups, BN_SLICE_LIT("a/b")));
    world_close(&w);
}
END_TEST

START_TEST(a_short_reign) {
    world_open(&w);
    world_start_controller(&w, 0);
    struct bn_controller *c = w.controllers[0].controller;
    WORLD_UNTIL(&w, c->group_list);
    if (_i) bn_fake_expire(w.controllers[0].zk);
    world_close(&w);
}
END_TEST

Suite *group_list_suite(void);
Suite *group_list_suite(void) {
    Suite *s = suite_create("group_list");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, lists);
    tcase_add_loop_test(t, a_short_reign, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
