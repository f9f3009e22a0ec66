/* register_test.c: registrations that are lost, stolen, in the way, or written with an answer that never came; and what
 * stands in the znodes. */
#include "common/base/alloc.h"
#include "common/zk/znode.h"
#include "tests/unit/broker/cluster/script.h"

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

/* ---- with a scripted controller ---- */

static struct script s;
static void script_setup(void) {
    world_open(&w);
    script_open(&s, &w);
    script_make_cluster_id(&s);
    script_appear(&s);
}
static void script_teardown(void) {
    script_close(&s);
    world_close(&w);
}

static void greeted(void) {
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
}

/* What a broker that said hello must have written. */
static void check_znodes(int32_t incarnation) {
    struct bn_arena arena;
    struct bn_slice data;
    struct bn_zk_stat broker, stat;
    struct bn_znode_broker b;
    struct bn_znode_incarnation z;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, 1 << 16);
    ck_assert_int_eq(bn_fake_peek(w.server, "/brokers/ids/1", &data, &broker), 0);
    ck_assert_msg(bn_znode_broker_decode(data, &arena, &b, &e) == 0, "%s", e.text);
    ck_assert_int_eq(broker.version, 1); /* created without data, then set, like Kafka's */
    ck_assert_int_eq(broker.ephemeral_owner, w.brokers[0].zk->ops->session_id(w.brokers[0].zk));
    ck_assert_int_eq(broker.czxid, w.brokers[0].epoch);
    ck_assert_int_eq(b.endpoint_count, 1);
    ck_assert_str_eq(b.endpoints[0].listener, "PLAINTEXT");
    ck_assert_str_eq(b.endpoints[0].host, "localhost");
    ck_assert_int_eq(b.endpoints[0].port, 9093);
    ck_assert_str_eq(b.rack, "r1");
    ck_assert_int_eq(b.jmx_port, -1);
    char *text = bn_alloc_strndup(data.ptr, data.len);
    static const char *const parts[] = {"\"listener_security_protocol_map\":{\"PLAINTEXT\":\"PLAINTEXT\"}",
                                        "\"endpoints\":[\"PLAINTEXT://localhost:9093\"]",
                                        "\"version\":",
                                        "\"host\":\"localhost\"",
                                        "\"port\":9093",
                                        "\"timestamp\":\""};
    for (size_t i = 0; i < BN_ARRAY_LEN(parts); i++) ck_assert_msg(strstr(text, parts[i]), "%s", text);
    bn_alloc_free(text);

    ck_assert_int_eq(bn_fake_peek(w.server, "/barnabas/incarnation/1", &data, &stat), 0);
    ck_assert_msg(bn_znode_incarnation_decode(data, &arena, &z, &e) == 0, "%s", e.text);
    ck_assert_int_eq(stat.version, incarnation);
    ck_assert_int_eq(stat.mzxid, broker.czxid); /* one transaction */
    ck_assert_int_eq(stat.ephemeral_owner, 0);
    ck_assert_int_eq(w.brokers[0].incarnation, incarnation);
    ck_assert_str_eq(z.host, s.hello_life_host);
    ck_assert_int_eq(z.port, s.hello_life_port);
    ck_assert_mem_eq(z.boot_id.bytes, bn_life_boot_id(bn_agent_life(w.brokers[0].agent))->bytes, 16);
    ck_assert_int_eq(s.hello_incarnation, incarnation);
    ck_assert_int_eq(s.hello_epoch, w.brokers[0].epoch);
    bn_arena_fini(&arena);
}

static bool said_hello_as(int32_t incarnation) {
    return bn_agent_connected(w.brokers[0].agent) && s.hello_incarnation == incarnation;
}

START_TEST(both_znodes_are_written) {
    greeted();
    check_znodes(1);
    bn_fake_expire(w.brokers[0].zk);
    WORLD_UNTIL(&w, said_hello_as(2));
    check_znodes(2);
    ck_assert_int_eq(script_remove(&s, "/brokers/ids/1"), 0);
    WORLD_UNTIL(&w, said_hello_as(3));
    check_znodes(3);
    world_stop_broker(&w, 0);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, said_hello_as(4));
    check_znodes(4);
}
END_TEST

START_TEST(a_lost_answer_of_a_later_registration) {
    greeted();
    if (_i == 0)
        bn_fake_lose_next_answer(w.brokers[0].zk);
    else
        bn_fake_lose_next_request(w.brokers[0].zk);
    ck_assert_int_eq(script_remove(&s, "/brokers/ids/1"), 0);
    WORLD_UNTIL(&w, said_hello_as(2));
    check_znodes(2);
    ck_assert_int_eq(w.brokers[0].registrations, 2);
}
END_TEST

START_TEST(a_missing_directory_is_waited_for) {
    static const char *const paths[] = {"/brokers/ids", "/barnabas/incarnation"};
    ck_assert_int_eq(script_remove(&s, paths[_i]), 0);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, w.brokers[0].id == 1);
    for (int i = 0; i < 50; i++) world_turn(&w);
    ck_assert_int_eq(w.brokers[0].registrations, 0);
    ck_assert_int_eq(script_create(&s, paths[_i], NULL, 0), 0);
    WORLD_UNTIL(&w, said_hello_as(1));
    check_znodes(1);
}
END_TEST

static const char foreign[] = "{\"version\":5,\"host\":\"elsewhere\",\"port\":1234,\"jmx_port\":-1,\"timestamp\":\"1\","
                              "\"endpoints\":[\"PLAINTEXT://elsewhere:1234\"],\"listener_security_protocol_map\":"
                              "{\"PLAINTEXT\":\"PLAINTEXT\"},\"features\":{}}";

/* Whoever holds the znode is named, also when nobody can read what it says; /controller being away changes nothing. */
START_TEST(a_live_holder_is_named) {
    ck_assert_int_eq(script_create(&s, "/brokers/ids/1", _i == 0 ? foreign : "nonsense", BN_ZK_EPHEMERAL), 0);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, w.brokers[0].id == 1);
    uint64_t began = bn_loop_now_ms(w.shard->loop);
    script_vanish(&s);
    WORLD_UNTIL(&w, w.brokers[0].fatal[0]);
    ck_assert_uint_ge(bn_loop_now_ms(w.shard->loop) - began, 1900); /* one and a half sessions, and half a second */
    ck_assert_msg(strstr(w.brokers[0].fatal, "/brokers/ids/1"), "%s", w.brokers[0].fatal);
    ck_assert_msg(strstr(w.brokers[0].fatal, _i == 0 ? "elsewhere:1234" : "unknown"), "%s", w.brokers[0].fatal);
    ck_assert_int_eq(w.brokers[0].registrations, 0);
    ck_assert_int_eq(bn_fake_peek(w.server, "/barnabas/incarnation/1", NULL, NULL), BN_NOTFOUND);
}
END_TEST

START_TEST(a_holder_that_goes_is_waited_for) {
    ck_assert_int_eq(script_create(&s, "/brokers/ids/1", foreign, BN_ZK_EPHEMERAL), 0);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, w.brokers[0].id == 1);
    uint64_t began = bn_loop_now_ms(w.shard->loop);
    WORLD_UNTIL(&w, bn_loop_now_ms(w.shard->loop) - began > 1500);
    /* Another one in its place, before anybody looks: a new time begins. */
    bn_fake_disconnect(w.brokers[0].zk, true);
    ck_assert_int_eq(script_remove(&s, "/brokers/ids/1"), 0);
    ck_assert_int_eq(script_create(&s, "/brokers/ids/1", foreign, BN_ZK_EPHEMERAL), 0);
    bn_fake_reconnect(w.brokers[0].zk);
    WORLD_UNTIL(&w, bn_loop_now_ms(w.shard->loop) - began > 2800);
    ck_assert_int_eq(w.brokers[0].fatal[0], 0);
    ck_assert_int_eq(script_remove(&s, "/brokers/ids/1"), 0);
    WORLD_UNTIL(&w, said_hello_as(1));
    check_znodes(1);
}
END_TEST

/* A session ends, or a connection breaks, after any number of ZooKeeper's events: a registration always follows. */
START_TEST(trouble_at_any_turn) {
    int turns = _i / 3;
    world_start_broker(&w, 0, 1);
    for (int i = 0; i < turns; i++) bn_loop_turn(w.shard->loop, 0);
    if (_i % 3 == 0) {
        bn_fake_expire(w.brokers[0].zk);
    } else {
        bn_fake_disconnect(w.brokers[0].zk, _i % 3 == 1);
        for (int i = 0; i < 5; i++) world_turn(&w);
        bn_fake_reconnect(w.brokers[0].zk);
    }
    for (int i = 0; i < turns; i++) bn_loop_turn(w.shard->loop, 0);
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent) && s.hello_epoch == w.brokers[0].epoch);
    for (int i = 0; i < 10; i++) world_turn(&w);
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
    check_znodes((int32_t)w.brokers[0].incarnation);
    ck_assert_int_le(w.brokers[0].incarnation, 2);
    script_send_image(&s, 0);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
}
END_TEST

Suite *register_suite(void);
Suite *register_suite(void) {
    Suite *suite = suite_create("register");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, expiry_registers_anew);
    tcase_add_test(t, a_deleted_znode_is_noticed);
    tcase_add_loop_test(t, lost_answers_are_settled_by_looking, 0, 2);
    tcase_add_test(t, a_second_broker_with_the_id_is_refused);
    tcase_add_test(t, waits_for_a_dead_predecessor);
    tcase_add_test(t, a_short_disconnection_changes_nothing);
    suite_add_tcase(suite, t);
    t = tcase_create("scripted");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, script_setup, script_teardown);
    tcase_add_test(t, both_znodes_are_written);
    tcase_add_loop_test(t, a_lost_answer_of_a_later_registration, 0, 2);
    tcase_add_loop_test(t, a_missing_directory_is_waited_for, 0, 2);
    tcase_add_loop_test(t, a_live_holder_is_named, 0, 2);
    tcase_add_test(t, a_holder_that_goes_is_waited_for);
    tcase_add_loop_test(t, trouble_at_any_turn, 0, 60);
    suite_add_tcase(suite, t);
    return suite;
}
