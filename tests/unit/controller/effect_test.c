/* effect_test.c: the brain's writes against a ZooKeeper that loses answers, breaks connections and has been taken by
 * another controller: what was decided is done once, or not at all. */
#include "common/zk/znode_path.h"
#include "tests/unit/controller/world_topic.h"

static struct world w;
static void setup(void) { world_with_broker(&w); }
static void teardown(void) { world_close(&w); }

START_TEST(lost_on_the_way) {
    struct world_answer a;
    world_ask_topic(&w, 0, "t", 3, &a);
    struct bn_zk *zk = w.controllers[0].zk;
    /* At some step in the middle of it; the steps are many enough to hit each of its multis. */
    for (int i = 0; i < _i / 2; i++) bn_loop_turn(w.shard->loop, 0);
    if (_i % 2)
        bn_fake_lose_next_answer(zk);
    else
        bn_fake_lose_next_request(zk);
    WORLD_UNTIL(&w, a.came);
    ck_assert_msg(a.error == 0, "error %d", a.error);
    WORLD_UNTIL(&w, world_topic(&w, 0, "t") && world_topic(&w, 0, "t")->partition_count == 3);
    ck_assert_int_eq(world_topic(&w, 0, "t")->partitions[2].leader_epoch, 0);
    ck_assert_int_eq(world_make_topic(&w, 0, "after", 1), 0);
}
END_TEST

START_TEST(disconnected_for_a_while) {
    struct world_answer a;
    world_ask_topic(&w, 0, "t", 3, &a);
    for (int i = 0; i < 3; i++) bn_loop_turn(w.shard->loop, 0);
    bn_fake_disconnect(w.controllers[0].zk, _i);
    for (int i = 0; i < 20; i++) world_turn(&w);
    bn_fake_reconnect(w.controllers[0].zk);
    WORLD_UNTIL(&w, a.came);
    ck_assert_int_eq(a.error, 0);
}
END_TEST

START_TEST(a_deposed_controller_writes_nothing) {
    /* Somebody else moves the epoch, as a newer controller would, and this one does not know it yet. */
    ck_assert_int_eq(world_set(&w, BN_ZNODE_CONTROLLER_EPOCH, "7"), 0);
    struct world_answer a;
    world_ask_topic(&w, 0, "t", 3, &a);
    WORLD_UNTIL(&w, bn_controller_epoch(w.controllers[0].controller) == 0);
    ck_assert_int_eq(bn_fake_peek(w.server, "/brokers/topics/t", NULL, NULL), BN_NOTFOUND);
    /* It resigns, is elected anew, and the request that waited is done then. */
    WORLD_UNTIL(&w, a.came);
    ck_assert_int_eq(a.error, 0);
    ck_assert_int_eq(bn_controller_epoch(w.controllers[0].controller), 8);
}
END_TEST

Suite *effect_suite(void);
Suite *effect_suite(void) {
    Suite *s = suite_create("effect");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, lost_on_the_way, 0, 24);
    tcase_add_loop_test(t, disconnected_for_a_while, 0, 2);
    tcase_add_test(t, a_deposed_controller_writes_nothing);
    suite_add_tcase(s, t);
    return s;
}
