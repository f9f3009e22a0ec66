/* controller_test.c: the life of the shell as a whole: elections, resignations at any moment, ports in use, brokers
 * that died together with the controller before. */
#include "controller/controller.h"

#include <sys/resource.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/sys/sock.h"
#include "common/zk/znode.h"
#include "tests/unit/controller/world_topic.h"

static struct world w;
static void setup(void) { world_open(&w); }
static void teardown(void) { world_close(&w); }

START_TEST(elected_and_described) {
    world_start_controller(&w, 0);
    WORLD_UNTIL(&w, bn_controller_is_active(w.controllers[0].controller));
    ck_assert_int_eq(bn_controller_epoch(w.controllers[0].controller), 1);
    struct bn_slice data;
    struct bn_arena arena;
    struct bn_znode_controller z;
    ck_assert_int_eq(bn_fake_peek(w.server, "/controller", &data, NULL), 0);
    bn_arena_init(&arena, 1 << 16);
    ck_assert_int_eq(bn_znode_controller_decode(data, &arena, &z, NULL), 0);
    ck_assert_int_eq(z.brokerid, 100);
    ck_assert_str_eq(z.host, "127.0.0.1");
    ck_assert_int_eq(z.port, bn_controller_port(w.controllers[0].controller));
    ck_assert_int_eq(z.life_port, bn_controller_life_port(w.controllers[0].controller));
    bn_arena_fini(&arena);
    world_stop_controller(&w, 0);
    ck_assert_int_eq(bn_fake_peek(w.server, "/controller", NULL, NULL), BN_NOTFOUND);
    ck_assert_int_eq(bn_fake_peek(w.server, "/controller_epoch", &data, NULL), 0);
    ck_assert(bn_slice_eq_str(data, "1"));
}
END_TEST

START_TEST(one_reigns_at_a_time) {
    world_start_controller(&w, 0);
    world_start_controller(&w, 1);
    for (int round = 0; round < 6; round++) {
        struct bn_controller *a = w.controllers[0].controller, *b = w.controllers[1].controller;
        WORLD_UNTIL(&w, bn_controller_is_active(a) || bn_controller_is_active(b));
        for (int i = 0; i < 30; i++) {
            world_turn(&w);
            ck_assert(!(bn_controller_is_active(a) && bn_controller_is_active(b)));
        }
        int active = bn_controller_is_active(a) ? 0 : 1;
        bn_fake_expire(w.controllers[active].zk);
        for (int i = 0; i < 5; i++) world_turn(&w);
    }
}
END_TEST

START_TEST(stops_at_any_time) {
    world_start_controller(&w, 0);
    world_start_broker(&w, 0, 1);
    for (int i = 0; i < _i; i++) bn_loop_turn(w.shard->loop, 0);
    world_stop_controller(&w, 0);
}
END_TEST

START_TEST(expires_at_any_time) {
    world_start_controller(&w, 0);
    world_start_broker(&w, 0, 1);
    for (int i = 0; i < _i; i++) bn_loop_turn(w.shard->loop, 0);
    bn_fake_expire(w.controllers[0].zk);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    ck_assert_int_eq(world_make_topic(&w, 0, "t", 2), 0);
}
END_TEST

START_TEST(loses_the_connection_at_any_time) {
    world_start_controller(&w, 0);
    world_start_broker(&w, 0, 1);
    for (int i = 0; i < _i / 2; i++) bn_loop_turn(w.shard->loop, 0);
    bn_fake_disconnect(w.controllers[0].zk, _i % 2);
    for (int i = 0; i < 10; i++) world_turn(&w);
    bn_fake_reconnect(w.controllers[0].zk);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    ck_assert_int_eq(world_make_topic(&w, 0, "t", 2), 0);
}
END_TEST

START_TEST(a_port_in_use) {
    struct bn_err e = BN_ERR_NONE;
    int fd = bn_sock_listen("", 0, 1, &e);
    struct bn_controller_config c = {
        .env = bn_env_real(), .shard = w.shard, .zk_connect = "x:1", .host = "127.0.0.1", .port = bn_sock_port(fd)};
    struct bn_controller *out = NULL;
    ck_assert_int_eq(bn_controller_start(&c, &out, &e), BN_IO);
    ck_assert_ptr_null(out);
    ck_assert(e.text[0]);
    close(fd);
    c.port = 0;
    c.zk_connect = ":::";
    ck_assert_int_eq(bn_controller_start(&c, &out, &e), BN_BAD);
}
END_TEST

static void on_multi(void *arg, int status, const struct bn_zk_op_result *r, int count) { *(int *)arg = status; }
static void ignore_state(void *arg, enum bn_zk_state state) { (void)arg, (void)state; }
static void on_end(void *arg, int status) { *(int *)arg = status; }

/* It rests in between, and whoever came meanwhile is served then. */
START_TEST(out_of_descriptors) {
    enum { WAIT_MS = 10, SPAN_MS = 250 };
    struct rlimit was, none;
    world_start_controller(&w, 0);
    WORLD_UNTIL(&w, bn_controller_is_active(w.controllers[0].controller));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
    int fd = bn_sock_connect("127.0.0.1", bn_controller_port(w.controllers[0].controller), NULL);
    ck_assert_int_ge(fd, 0);
    none = was;
    none.rlim_cur = 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    int turns = 0;
    for (uint64_t began = bn_loop_now_ms(w.shard->loop); bn_loop_now_ms(w.shard->loop) < began + SPAN_MS; turns++)
        bn_loop_turn(w.shard->loop, WAIT_MS);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
    ck_assert_int_lt(turns, 10 * SPAN_MS / WAIT_MS); /* tens of thousands where it spins */
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
    close(fd);
    world_stop_controller(&w, 0);
}
END_TEST

START_TEST(a_broker_that_died_with_the_controller) {
    /* Its session still lives, its process does not. */
    struct bn_zk *dead;
    struct bn_zk_config z = {"fake:1", 1000, ignore_state, NULL};
    struct bn_err e = BN_ERR_NONE;
    struct bn_life *life = bn_life_open("127.0.0.1", 0, &e);
    struct bn_znode_incarnation inc = {
        .boot_id = *bn_life_boot_id(life),
        .host = "127.0.0.1",
        .port = bn_life_port(life),
        .machine_boot_id = "m",
        .machine = "the world's"}; /* nobody could arm its port: this is what is believed */
    struct bn_str data;
    bn_life_close(life);
    bn_str_init(&data);
    bn_znode_incarnation_encode(&data, &inc);
    world_start_controller(&w, 0);
    WORLD_UNTIL(&w, bn_controller_is_active(w.controllers[0].controller));
    world_stop_controller(&w, 0);
    ck_assert_int_eq(bn_fake_open(w.server, &z, &dead, NULL), 0);
    int status = 99;
    struct bn_zk_op ops[] = {
        {.kind = BN_ZK_OP_CREATE, .path = "/barnabas/incarnation/4"},
        {.kind = BN_ZK_OP_SET, .path = "/barnabas/incarnation/4", .data = bn_str_slice(&data), .version = 0},
        {.kind = BN_ZK_OP_CREATE,
         .path = "/brokers/ids/4",
         .flags = BN_ZK_EPHEMERAL,
         .data = BN_SLICE_LIT("{\"endpoints\":[\"PLAINTEXT://"
                              "h:1\"],\"jmx_port\":-1,\"port\":1,\"host\":\"h\",\"version\":5,\"timestamp\":\"1\"}")}};
    dead->ops->multi(dead, ops, 3, on_multi, &status);
    WORLD_UNTIL(&w, status == 0);
    world_start_controller(&w, 1);
    WORLD_UNTIL(&w, bn_fake_peek(w.server, "/brokers/ids/4", NULL, NULL) == BN_NOTFOUND);
    status = 99;
    dead->ops->close(dead, on_end, &status);
    WORLD_UNTIL(&w, status != 99);
    bn_str_fini(&data);
}
END_TEST

Suite *controller_suite(void);
Suite *controller_suite(void) {
    Suite *s = suite_create("controller");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, elected_and_described);
    tcase_add_test(t, one_reigns_at_a_time);
    tcase_add_loop_test(t, stops_at_any_time, 0, 40);
    tcase_add_loop_test(t, expires_at_any_time, 0, 40);
    tcase_add_loop_test(t, loses_the_connection_at_any_time, 0, 40);
    tcase_add_test(t, a_port_in_use);
    tcase_add_test(t, out_of_descriptors);
    tcase_add_test(t, a_broker_that_died_with_the_controller);
    suite_add_tcase(s, t);
    return s;
}
