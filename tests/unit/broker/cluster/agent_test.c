/* agent_test.c: an agent with a whole controller: start in two steps, and stop in the middle of things; and with a
 * scripted one: refused hellos, every stream that must not be applied, steps under way. */
#include "tests/unit/broker/cluster/script.h"

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

/* ---- with a scripted controller ---- */

static struct script s;
static void script_setup(void) {
    world_open(&w);
    script_open(&s, &w);
}
static void script_teardown(void) {
    script_close(&s);
    world_close(&w);
}

/* A broker that has said hello, and was taken. */
static void greeted(void) {
    script_make_cluster_id(&s);
    script_appear(&s);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
}

START_TEST(each_thing_may_come_late) {
    world_start_broker(&w, 0, 1);
    for (int i = 0; i < 20; i++) world_turn(&w);
    script_appear(&s);
    WORLD_UNTIL(&w, s.peer_count == 1);
    uint64_t began = bn_loop_now_ms(w.shard->loop);
    WORLD_UNTIL(&w, bn_loop_now_ms(w.shard->loop) - began > 250); /* it has asked for the cluster's id in vain */
    ck_assert_int_eq(w.brokers[0].id, -1);
    script_make_cluster_id(&s);
    WORLD_UNTIL(&w, s.rules[SCRIPT_HELLO].calls == 1);
    ck_assert_int_eq(w.brokers[0].id, 1);
    ck_assert_int_eq(s.hello_incarnation, 1);
    ck_assert_int_eq(s.hello_epoch, w.brokers[0].epoch);
    ck_assert_str_eq(s.hello_life_host, "127.0.0.1");
    ck_assert_int_eq(s.hello_life_port, bn_life_port(bn_agent_life(w.brokers[0].agent)));
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
    script_send_image(&s, 0);
    WORLD_UNTIL(&w, world_is_serving(&w, 0) && s.applied == 1);
    ck_assert_int_eq(s.peer_count, 1);
}
END_TEST

START_TEST(an_id_is_asked_for_until_it_comes) {
    s.rules[SCRIPT_ID] = (struct script_rule){.mode = _i, .error = 41, .times = 2};
    script_make_cluster_id(&s);
    script_appear(&s);
    world_start_broker(&w, 0, -1);
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
    ck_assert_int_eq(w.brokers[0].id, 1001);
    ck_assert_int_eq(s.reserved_max, 1000);
    ck_assert_int_eq(s.rules[SCRIPT_ID].calls, 3);
}
END_TEST

START_TEST(a_refused_hello_is_said_again) {
    static const struct script_rule rules[] = {{.mode = SCRIPT_REFUSE, .error = 41, .times = 3},
                                               {.mode = SCRIPT_REFUSE, .error = 77, .times = 3},
                                               {.mode = SCRIPT_REFUSE, .error = 42, .times = 3},
                                               {.mode = SCRIPT_FAIL, .times = 3},
                                               {.mode = SCRIPT_DROP, .times = 3}};
    s.rules[SCRIPT_HELLO] = rules[_i];
    greeted();
    ck_assert_int_eq(s.rules[SCRIPT_HELLO].calls, 4);
    ck_assert_int_eq(s.peer_count, 4); /* each time on a connection of its own */
    ck_assert_int_eq(w.brokers[0].registrations, 1);
    script_send_image(&s, 0);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
}
END_TEST

START_TEST(an_image_comes_in_pieces) {
    greeted();
    for (int32_t i = 0; i < 3; i++) {
        Bn__ImageDelta d;
        Bn__Broker b = BN__BROKER__INIT, *list[] = {&b};
        script_delta(&s, &d, 10, i == 0, i < 2);
        b.id = 20 + i;
        d.brokers = list;
        d.n_brokers = 1;
        script_send(&s, &d);
        WORLD_UNTIL(&w, s.applied == i + 1);
        ck_assert_int_eq(w.brokers[0].images, i == 2);
    }
    for (int64_t sequence = 11; sequence < 14; sequence++) {
        Bn__ImageDelta d;
        script_delta(&s, &d, sequence, false, false);
        script_send(&s, &d);
    }
    WORLD_UNTIL(&w, s.applied == 6);
    ck_assert_int_eq(w.brokers[0].images, 4);
    ck_assert_int_eq(w.brokers[0].image->broker_count, 3);
    ck_assert_int_eq(w.brokers[0].image->sequence, 13);
    /* The connection ends between the pieces of another: what was whole stays, and the next begins anew. */
    Bn__ImageDelta d;
    script_delta(&s, &d, 30, true, true);
    script_send(&s, &d);
    WORLD_UNTIL(&w, s.applied == 7);
    script_hang_up(&s);
    WORLD_UNTIL(&w, s.peer_count == 2 && bn_agent_connected(w.brokers[0].agent));
    ck_assert_int_eq(w.brokers[0].image->sequence, 13);
    script_send_image(&s, 31);
    WORLD_UNTIL(&w, w.brokers[0].image->sequence == 31);
    ck_assert_int_eq(w.brokers[0].image->broker_count, 0);
    ck_assert_int_eq(s.refused, 0);
}
END_TEST

static const struct bad {
    const char *name;
    bool first; /* as the first delta of a connection; else after an image (5, 10) */
    int32_t epoch;
    int64_t sequence, incarnation;
    bool reset;
} bad_streams[] = {
    {"does not begin with a reset", true, 5, 1, 1, false},
    {"another incarnation", true, 5, 1, 2, true},
    {"no incarnation", true, 5, 1, 0, true},
    {"a gap", false, 5, 12, 1, false},
    {"twice the same", false, 5, 10, 1, false},
    {"backwards", false, 5, 9, 1, false},
    {"an older controller's reset", false, 4, 11, 1, true},
    {"an older controller's delta", false, 4, 11, 1, false},
    {"a newer controller's delta", false, 6, 11, 1, false},
    {"another incarnation's reset", false, 5, 11, 7, true},
};

START_TEST(a_bad_stream_is_closed_and_begun_anew) {
    const struct bad *b = &bad_streams[_i];
    Bn__ImageDelta d;
    greeted();
    if (!b->first) {
        script_send_image(&s, 10);
        WORLD_UNTIL(&w, s.applied == 1);
    }
    int images = w.brokers[0].images;
    script_delta(&s, &d, b->sequence, b->reset, false);
    d.controller_epoch = b->epoch;
    d.for_incarnation = b->incarnation;
    script_send(&s, &d);
    WORLD_UNTIL(&w, s.refused == 1 && s.peer_count == 2 && bn_agent_connected(w.brokers[0].agent));
    ck_assert_msg(!s.peers[0].rpc && w.brokers[0].images == images, "%s", b->name);
    script_send_image(&s, 40);
    WORLD_UNTIL(&w, w.brokers[0].image && w.brokers[0].image->sequence == 40);
    ck_assert_int_eq(s.refused, 1);
    ck_assert_int_eq(w.brokers[0].registrations, 1);
}
END_TEST

START_TEST(metadata_before_the_hellos_answer) {
    s.rules[SCRIPT_HELLO] = (struct script_rule){.mode = SCRIPT_HOLD, .times = 1};
    script_make_cluster_id(&s);
    script_appear(&s);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, s.held_count == 1);
    script_send_image(&s, 1);
    WORLD_UNTIL(&w, s.refused == 1 && bn_agent_connected(w.brokers[0].agent));
    ck_assert_int_eq(w.brokers[0].images, 0);
}
END_TEST

/* A controller that takes our hello and then says nonsense, again and again, is not dialled in a tight loop. */
START_TEST(refusing_goes_slower_and_slower) {
    int answered = 0;
    greeted();
    uint64_t began = bn_loop_now_ms(w.shard->loop);
    while (bn_loop_now_ms(w.shard->loop) - began < 400) {
        if (s.rules[SCRIPT_HELLO].calls > answered && bn_agent_connected(w.brokers[0].agent) && script_peer(&s)) {
            Bn__ImageDelta d;
            answered = s.rules[SCRIPT_HELLO].calls;
            script_delta(&s, &d, 1, false, false);
            script_send(&s, &d);
        }
        world_turn(&w);
    }
    ck_assert_int_ge(s.peer_count, 4);
    ck_assert_int_le(s.peer_count, 20);
}
END_TEST

START_TEST(steps_are_answered_when_they_are_applied) {
    struct world_broker *b = &w.brokers[0];
    greeted();
    b->hold_steps = true;
    script_send_image(&s, 1);
    for (int64_t sequence = 2; sequence < 5; sequence++) {
        Bn__ImageDelta d;
        script_delta(&s, &d, sequence, false, false);
        script_send(&s, &d);
    }
    WORLD_UNTIL(&w, b->held_count == 4); /* handed over without waiting for the one before */
    ck_assert_int_eq(s.applied, 0);
    bn_agent_applied(b->held[0]);
    WORLD_UNTIL(&w, s.applied == 1);
    ck_assert_int_eq(s.applied_sequence, 1);
    script_hang_up(&s); /* the others are answered into nothing, the last one after the next stream has begun */
    bn_agent_applied(b->held[1]);
    WORLD_UNTIL(&w, s.peer_count == 2 && bn_agent_connected(b->agent));
    bn_agent_applied(b->held[2]);
    b->hold_steps = false;
    ck_assert_int_eq(s.refused, 3);
    script_send_image(&s, 9);
    WORLD_UNTIL(&w, s.applied == 2);
    bn_agent_applied(b->held[3]);
    b->held_count = 0;
    for (int i = 0; i < 20; i++) world_turn(&w);
    ck_assert_int_eq(s.applied, 2);
    ck_assert_int_eq(s.applied_sequence, 9);
}
END_TEST

static void no_answer(void *arg, int16_t error, struct bn_slice body) {
    (void)body;
    *(int *)arg = error;
}

/* Stops in every state that lasts: what is under way in it must end, and be freed. */
START_TEST(stops_at_every_stage) {
    static int error;
    enum {
        NO_ZOOKEEPER,
        NO_CONTROLLER,
        NO_ID,
        NO_CLUSTER_ID,
        IN_THE_WAY,
        LOST_WRITE,
        HELLO,
        PIECES,
        QUESTION,
        DIALLING
    };
    error = 0;
    if (_i == NO_ID) s.rules[SCRIPT_ID].mode = SCRIPT_HOLD;
    if (_i == HELLO) s.rules[SCRIPT_HELLO].mode = SCRIPT_HOLD;
    if (_i == QUESTION) s.rules[SCRIPT_ADMIN].mode = SCRIPT_HOLD;
    if (_i == IN_THE_WAY) ck_assert_int_eq(script_create(&s, "/brokers/ids/1", "{}", BN_ZK_EPHEMERAL), 0);
    if (_i != NO_CLUSTER_ID) script_make_cluster_id(&s);
    if (_i != NO_CONTROLLER) script_appear(&s);
    if (_i == DIALLING) s.hang_up = true;
    world_start_broker(&w, 0, _i == NO_ID ? -1 : 1);
    if (_i == NO_ZOOKEEPER) bn_fake_disconnect(w.brokers[0].zk, false);
    if (_i == LOST_WRITE) {
        WORLD_UNTIL(&w, w.brokers[0].id == 1);
        bn_fake_disconnect(w.brokers[0].zk, true);
    } else if (_i == PIECES) {
        Bn__ImageDelta d;
        WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
        script_delta(&s, &d, 1, true, true);
        script_send(&s, &d);
        WORLD_UNTIL(&w, s.applied == 1);
    } else if (_i == QUESTION) {
        WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
        bn_forward_admin(w.brokers[0].agent, w.shard, 19, 7, BN_SLICE_LIT("x"), BN_SLICE_NULL, false, 60000, no_answer,
                         &error);
        WORLD_UNTIL(&w, s.held_count == 1);
        /* Asked, but not yet arrived when the agent stops. */
        bn_forward_admin(w.brokers[0].agent, w.shard, 19, 7, BN_SLICE_LIT("x"), BN_SLICE_NULL, false, 60000, no_answer,
                         &error);
    } else {
        for (int i = 0; i < 60; i++) world_turn(&w);
    }
    world_stop_broker(&w, 0);
    if (_i == QUESTION) WORLD_UNTIL(&w, error == 7);
    ck_assert_int_eq(bn_fake_peek(w.server, "/brokers/ids/1", NULL, NULL), _i == IN_THE_WAY ? 0 : BN_NOTFOUND);
}
END_TEST

START_TEST(stops_at_any_turn) {
    script_make_cluster_id(&s);
    script_appear(&s);
    world_start_broker(&w, 0, -1);
    for (int i = 0; i < _i; i++) bn_loop_turn(w.shard->loop, 0);
    world_stop_broker(&w, 0);
}
END_TEST

Suite *agent_suite(void);
Suite *agent_suite(void) {
    Suite *suite = suite_create("agent");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, comes_up);
    tcase_add_test(t, two_brokers_see_each_other);
    tcase_add_test(t, an_id_is_allotted);
    tcase_add_test(t, stops_with_steps_under_way);
    tcase_add_loop_test(t, stops_at_any_time, 0, 25);
    suite_add_tcase(suite, t);
    t = tcase_create("scripted");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, script_setup, script_teardown);
    tcase_add_test(t, each_thing_may_come_late);
    tcase_add_loop_test(t, an_id_is_asked_for_until_it_comes, SCRIPT_REFUSE, SCRIPT_FAIL + 1);
    tcase_add_loop_test(t, a_refused_hello_is_said_again, 0, 5);
    tcase_add_test(t, an_image_comes_in_pieces);
    tcase_add_loop_test(t, a_bad_stream_is_closed_and_begun_anew, 0, (int)BN_ARRAY_LEN(bad_streams));
    tcase_add_test(t, metadata_before_the_hellos_answer);
    tcase_add_test(t, refusing_goes_slower_and_slower);
    tcase_add_test(t, steps_are_answered_when_they_are_applied);
    tcase_add_loop_test(t, stops_at_every_stage, 0, 10);
    tcase_add_loop_test(t, stops_at_any_turn, 0, 40);
    suite_add_tcase(suite, t);
    return suite;
}
