/* uplink_test.c: the connection follows /controller: another reign of the same process, another process, none for a
 * while, one that no Barnabas controller wrote. */
#include "tests/unit/broker/cluster/cluster_world.h"

static struct world w;
static void setup(void) {
    world_open(&w);
    world_start_controller(&w, 0);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
}
static void teardown(void) { world_close(&w); }

START_TEST(follows_a_new_reign) {
    ck_assert_int_eq(w.brokers[0].image->controller_epoch, 1);
    bn_fake_expire(w.controllers[0].zk);
    WORLD_UNTIL(&w, world_is_serving(&w, 0) && w.brokers[0].image->controller_epoch == 2);
    ck_assert_int_eq(w.brokers[0].registrations, 1);
}
END_TEST

START_TEST(follows_another_process) {
    world_start_controller(&w, 1);
    for (int i = 0; i < 20; i++) world_turn(&w);
    ck_assert(!bn_controller_is_active(w.controllers[1].controller));
    world_stop_controller(&w, 0);
    WORLD_UNTIL(&w, world_is_serving(&w, 0) && w.brokers[0].image->controller_epoch == 2);
    ck_assert_int_eq(w.brokers[0].image->controller_id, 101);
}
END_TEST

START_TEST(waits_for_one) {
    world_stop_controller(&w, 0);
    WORLD_UNTIL(&w, !bn_agent_connected(w.brokers[0].agent));
    for (int i = 0; i < 50; i++) world_turn(&w);
    world_start_controller(&w, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0) && w.brokers[0].image->controller_epoch == 2);
}
END_TEST

static void created(void *arg, int status, const char *path) { *(int *)arg = status; }
static void removed(void *arg, int status) { *(int *)arg = status; }

START_TEST(what_is_not_ours_is_not_dialled) {
    static const char *const data[] = {"{\"version\":1,\"brokerid\":1,\"timestamp\":\"1\"}", "nonsense", ""};
    world_stop_controller(&w, 0);
    int status = 99;
    struct bn_zk *zk = w.brokers[0].zk;
    zk->ops->create(zk, "/controller", bn_slice_str(data[_i]), 0, created, &status);
    WORLD_UNTIL(&w, status != 99);
    for (int i = 0; i < 50; i++) world_turn(&w);
    ck_assert(!bn_agent_connected(w.brokers[0].agent));
    status = 99;
    zk->ops->remove(zk, "/controller", -1, removed, &status);
    WORLD_UNTIL(&w, status != 99);
    world_start_controller(&w, 0);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
}
END_TEST

Suite *uplink_suite(void);
Suite *uplink_suite(void) {
    Suite *s = suite_create("uplink");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, follows_a_new_reign);
    tcase_add_test(t, follows_another_process);
    tcase_add_test(t, waits_for_one);
    tcase_add_loop_test(t, what_is_not_ours_is_not_dialled, 0, 3);
    suite_add_tcase(s, t);
    return s;
}
