/* uplink_test.c: the connection follows /controller: another reign of the same process, another process, none for a
 * while, one that no Barnabas controller wrote; and how soon it is dialled again. */
#include "tests/unit/broker/cluster/script.h"

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

/* ---- with scripted controllers ---- */

static struct script s, other;
static void script_setup(void) {
    world_open(&w);
    script_open(&s, &w);
    script_open(&other, &w);
    script_make_cluster_id(&s);
}
static void script_teardown(void) {
    script_close(&s);
    script_close(&other);
    world_close(&w);
}

START_TEST(redials_slower_and_slower) {
    static const uint64_t pauses[] = {0, 1, 2, 5, 10, 20, 50, 100, 100};
    uint64_t sum = 0;
    int count = (int)BN_ARRAY_LEN(pauses);
    s.hang_up = true;
    script_appear(&s);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, s.peer_count == count);
    for (int i = 1; i < count; i++) {
        uint64_t gap = s.peers[i].came_ms - s.peers[i - 1].came_ms;
        sum += pauses[i];
        ck_assert_msg(gap + 1 >= pauses[i], "%d after only %d ms", i, (int)gap);
    }
    ck_assert_uint_lt(s.peers[count - 1].came_ms - s.peers[0].came_ms, sum + 2000);
    s.hang_up = false;
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
    script_send_image(&s, 1);
    WORLD_UNTIL(&w, s.applied == 1);
    /* A connection that was good begins again without a pause. */
    int before = s.peer_count;
    s.hang_up = true;
    script_hang_up(&s);
    WORLD_UNTIL(&w, s.peer_count == before + 4);
    ck_assert_uint_lt(s.peers[before + 3].came_ms - s.peers[before].came_ms, 100);
}
END_TEST

START_TEST(a_controller_that_does_not_listen_for_a_while) {
    script_appear(&s);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
    script_mute(&s);
    for (int i = 0; i < 50; i++) world_turn(&w);
    ck_assert(!bn_agent_connected(w.brokers[0].agent));
    script_listen(&s);
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
    ck_assert_int_eq(w.brokers[0].registrations, 1);
}
END_TEST

/* The old one still answers; it is left all the same, and so is one that is being dialled or holds our hello. */
START_TEST(moves_to_the_next_controller) {
    if (_i == 1) s.rules[SCRIPT_HELLO].mode = SCRIPT_HOLD;
    if (_i == 2) s.hang_up = true;
    script_appear(&s);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, _i == 0 ? bn_agent_connected(w.brokers[0].agent) : _i == 1 ? s.held_count == 1 : s.peer_count > 3);
    int before = s.peer_count;
    script_vanish(&s);
    for (int i = 0; i < 20; i++) world_turn(&w);
    if (_i == 0) ck_assert(bn_agent_connected(w.brokers[0].agent)); /* nobody else is active: nothing is gained */
    script_appear(&other);
    WORLD_UNTIL(&w, other.rules[SCRIPT_HELLO].calls == 1 && bn_agent_connected(w.brokers[0].agent));
    ck_assert_ptr_null(script_peer(&s));
    if (_i != 2) ck_assert_int_eq(s.peer_count, before);
    ck_assert_int_eq(other.peer_count, 1);
}
END_TEST

START_TEST(another_reign_at_the_same_address) {
    script_appear(&s);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
    bn_fake_disconnect(w.brokers[0].zk, true); /* it changes unseen */
    script_vanish(&s);
    script_appear(&s);
    bn_fake_reconnect(w.brokers[0].zk);
    WORLD_UNTIL(&w, s.rules[SCRIPT_HELLO].calls == 2 && bn_agent_connected(w.brokers[0].agent));
    ck_assert_int_eq(s.peer_count, 2);
    ck_assert_int_eq(w.brokers[0].registrations, 1);
}
END_TEST

Suite *uplink_suite(void);
Suite *uplink_suite(void) {
    Suite *suite = suite_create("uplink");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, follows_a_new_reign);
    tcase_add_test(t, follows_another_process);
    tcase_add_test(t, waits_for_one);
    tcase_add_loop_test(t, what_is_not_ours_is_not_dialled, 0, 3);
    suite_add_tcase(suite, t);
    t = tcase_create("scripted");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, script_setup, script_teardown);
    tcase_add_test(t, redials_slower_and_slower);
    tcase_add_test(t, a_controller_that_does_not_listen_for_a_while);
    tcase_add_loop_test(t, moves_to_the_next_controller, 0, 3);
    tcase_add_test(t, another_reign_at_the_same_address);
    suite_add_tcase(suite, t);
    return suite;
}
