/* channel_test.c: hellos that lie, come twice, too early or from an older life; streams that end. */
#include "controller/channel.h"
#include "tests/unit/controller/scripted.h"

static struct world w;
static void setup(void) { world_with_broker(&w); }
static void teardown(void) { world_close(&w); }

START_TEST(an_older_incarnation_is_refused) {
    struct scripted s;
    scripted_dial(&w, 0, &s);
    scripted_hello(&s, 1, w.brokers[0].epoch - 1, w.brokers[0].incarnation - 1);
    WORLD_UNTIL(&w, s.hello != -1);
    ck_assert_int_eq(s.hello, 77);
    ck_assert_int_eq(s.deltas, 0);
    for (int i = 0; i < 20; i++) world_turn(&w);
    ck_assert(world_is_serving(&w, 0)); /* the living one is not disturbed */
    scripted_close(&w, &s);
}
END_TEST

START_TEST(one_hello_for_each_connection) {
    struct scripted s;
    scripted_dial(&w, 0, &s);
    scripted_hello(&s, -4, 1, 1);
    WORLD_UNTIL(&w, s.hello != -1);
    ck_assert_int_eq(s.hello, 42);
    s.hello = -1;
    scripted_hello(&s, 1, w.brokers[0].epoch - 1, w.brokers[0].incarnation - 1);
    WORLD_UNTIL(&w, s.hello == 77);
    s.hello = -1;
    scripted_hello(&s, 1, w.brokers[0].epoch, w.brokers[0].incarnation);
    WORLD_UNTIL(&w, s.hello == 42);
    scripted_close(&w, &s);
}
END_TEST

START_TEST(a_newer_stream_ends_the_older) {
    struct scripted s;
    scripted_dial(&w, 0, &s);
    scripted_hello(&s, 1, w.brokers[0].epoch, w.brokers[0].incarnation);
    WORLD_UNTIL(&w, s.hello == 0 && s.deltas > 0);
    /* The agent finds its connection closed, dials again and ends this one. */
    WORLD_UNTIL(&w, s.down);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    ck_assert_int_eq(w.brokers[0].registrations, 1);
}
END_TEST

START_TEST(a_hello_waits_for_its_registration) {
    struct scripted s;
    scripted_dial(&w, 0, &s);
    scripted_hello(&s, 5, 1000, 3);
    for (int i = 0; i < 30; i++) world_turn(&w);
    ck_assert_int_eq(s.hello, -1);
    scripted_close(&w, &s); /* and nobody minds that it goes */
    ck_assert_int_eq(world_make_topic(&w, 0, "t", 1), 0);
}
END_TEST

START_TEST(a_standby_says_so) {
    struct scripted s;
    world_start_controller(&w, 1);
    for (int i = 0; i < 30; i++) world_turn(&w);
    scripted_dial(&w, 1, &s);
    scripted_hello(&s, 1, w.brokers[0].epoch, w.brokers[0].incarnation);
    WORLD_UNTIL(&w, s.hello != -1);
    ck_assert_int_eq(s.hello, 41);
    scripted_close(&w, &s);
}
END_TEST

START_TEST(resigning_ends_every_connection) {
    struct scripted s;
    scripted_dial(&w, 0, &s); /* says nothing */
    bn_fake_expire(w.controllers[0].zk);
    WORLD_UNTIL(&w, s.down);
    WORLD_UNTIL(&w, world_is_serving(&w, 0) && w.brokers[0].image->controller_epoch == 2);
}
END_TEST

Suite *channel_suite(void);
Suite *channel_suite(void) {
    Suite *s = suite_create("channel");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_older_incarnation_is_refused);
    tcase_add_test(t, one_hello_for_each_connection);
    tcase_add_test(t, a_newer_stream_ends_the_older);
    tcase_add_test(t, a_hello_waits_for_its_registration);
    tcase_add_test(t, a_standby_says_so);
    tcase_add_test(t, resigning_ends_every_connection);
    suite_add_tcase(s, t);
    return s;
}
