/* register_test.c: registrations that are lost, stolen, in the way, or written with an answer that never came. */
#include "tests/unit/broker/cluster/cluster_world.h"

static struct world w;
static void setup(void) {
    world_open(&w);
    world_start_controller(&w, 0);
}
static void teardown(void) { world_close(&w); }

START_TEST(expiry_registers_anew) {
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    int64_t epoch = w.brokers[0].epoch;
    bn_fake_expire(w.brokers[0].zk);
    WORLD_UNTIL(&w,
                w.brokers[0].registrations == 2 && world_is_serving(&w, 0) && w.brokers[0].image->for_incarnation == 2);
    ck_assert_int_gt(w.brokers[0].epoch, epoch);
}
END_TEST

static void removed(void *arg, int status) { *(int *)arg = status; }

START_TEST(a_deleted_znode_is_noticed) {
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    int status = 99;
    struct bn_zk *other = w.controllers[0].zk;
    other->ops->remove(other, "/brokers/ids/1", -1, removed, &status);
    WORLD_UNTIL(&w, status != 99 && w.brokers[0].registrations == 2 && world_is_serving(&w, 0));
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(w.brokers[0].incarnation, 2);
}
END_TEST

START_TEST(lost_answers_are_settled_by_looking) {
    world_start_broker(&w, 0, 1);
    /* The n-th write of this client is the registration's multi; all that come are lost once. */
    if (_i == 0)
        bn_fake_lose_next_answer(w.brokers[0].zk);
    else
        bn_fake_lose_next_request(w.brokers[0].zk);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    ck_assert_int_eq(w.brokers[0].incarnation, 1);
    ck_assert_int_eq(w.brokers[0].registrations, 1);
}
END_TEST

START_TEST(a_second_broker_with_the_id_is_refused) {
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    world_start_broker(&w, 1, 1);
    WORLD_UNTIL(&w, w.brokers[1].fatal[0]);
    ck_assert_ptr_nonnull(strstr(w.brokers[1].fatal, "another broker with id 1 is registered (localhost:9093)"));
    ck_assert_int_eq(w.brokers[0].registrations, 1);
    ck_assert(world_is_serving(&w, 0));
}
END_TEST

START_TEST(waits_for_a_dead_predecessor) {
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    world_start_broker(&w, 1, 1);
    for (int i = 0; i < 50; i++) world_turn(&w);
    ck_assert_int_eq(w.brokers[1].registrations, 0);
    world_stop_broker(&w, 0);
    WORLD_UNTIL(&w, world_is_serving(&w, 1));
    ck_assert_int_eq(w.brokers[1].incarnation, 2);
    ck_assert_int_eq(w.brokers[1].fatal[0], 0);
}
END_TEST

START_TEST(a_short_disconnection_changes_nothing) {
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    bn_fake_disconnect(w.brokers[0].zk, true);
    for (int i = 0; i < 20; i++) world_turn(&w);
    bn_fake_reconnect(w.brokers[0].zk);
    for (int i = 0; i < 20; i++) world_turn(&w);
    ck_assert_int_eq(w.brokers[0].registrations, 1);
    ck_assert(world_is_serving(&w, 0));
}
END_TEST

Suite *register_suite(void);
Suite *register_suite(void) {
    Suite *s = suite_create("register");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, expiry_registers_anew);
    tcase_add_test(t, a_deleted_znode_is_noticed);
    tcase_add_loop_test(t, lost_answers_are_settled_by_looking, 0, 2);
    tcase_add_test(t, a_second_broker_with_the_id_is_refused);
    tcase_add_test(t, waits_for_a_dead_predecessor);
    tcase_add_test(t, a_short_disconnection_changes_nothing);
    suite_add_tcase(s, t);
    return s;
}
