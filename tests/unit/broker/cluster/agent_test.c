/* agent_test.c: an agent with a whole controller: start in two steps, the stream, what ends it, and stop in the middle
 * of things. */
#include "tests/unit/broker/cluster/cluster_world.h"

static struct world w;
static void setup(void) { world_open(&w); }
static void teardown(void) { world_close(&w); }

START_TEST(comes_up) {
    world_start_broker(&w, 0, 1); /* the broker first: it waits */
    for (int i = 0; i < 20; i++) world_turn(&w);
    ck_assert_int_eq(w.brokers[0].id, -1);
    world_start_controller(&w, 0);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    struct world_broker *b = &w.brokers[0];
    ck_assert_int_eq(b->id, 1);
    ck_assert_int_eq(b->incarnation, 1);
    ck_assert_str_eq(b->image->cluster_id, b->cluster_id);
    ck_assert_int_eq(b->image->controller_id, 100);
    const struct bn_image_broker *me = bn_image_broker(b->image, 1);
    ck_assert_ptr_nonnull(me);
    ck_assert_int_eq(me->epoch, b->epoch);
    ck_assert_str_eq(me->rack, "r1");
    ck_assert_int_eq(bn_image_endpoint(me, "PLAINTEXT")->port, 9093);
    ck_assert_int_eq(bn_agent_incarnation(b->agent), 1);
}
END_TEST

START_TEST(two_brokers_see_each_other) {
    world_start_controller(&w, 0);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    world_start_broker(&w, 1, 2);
    WORLD_UNTIL(&w, world_is_serving(&w, 1) && bn_image_broker(w.brokers[0].image, 2));
    world_stop_broker(&w, 1);
    WORLD_UNTIL(&w, !bn_image_broker(w.brokers[0].image, 2));
}
END_TEST

START_TEST(an_id_is_allotted) {
    world_start_controller(&w, 0);
    world_start_broker(&w, 0, -1);
    world_start_broker(&w, 1, -1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0) && world_is_serving(&w, 1));
    ck_assert_int_ge(w.brokers[0].id, 1001);
    ck_assert_int_le(w.brokers[0].id, 1002);
    ck_assert_int_ne(w.brokers[0].id, w.brokers[1].id);
}
END_TEST

START_TEST(stops_with_steps_under_way) {
    world_start_controller(&w, 0);
    world_start_broker(&w, 0, 1);
    w.brokers[0].hold_steps = true;
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    ck_assert_int_ge(w.brokers[0].held_count, 1);
    world_stop_broker(&w, 0);
}
END_TEST

START_TEST(stops_at_any_time) {
    world_start_controller(&w, 0);
    world_start_broker(&w, 0, 1);
    for (int i = 0; i < _i; i++) bn_loop_turn(w.shard->loop, 0);
    world_stop_broker(&w, 0);
}
END_TEST

Suite *agent_suite(void);
Suite *agent_suite(void) {
    Suite *s = suite_create("agent");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, comes_up);
    tcase_add_test(t, two_brokers_see_each_other);
    tcase_add_test(t, an_id_is_allotted);
    tcase_add_test(t, stops_with_steps_under_way);
    tcase_add_loop_test(t, stops_at_any_time, 0, 25);
    suite_add_tcase(s, t);
    return s;
}
