/* armory_test.c: a broker that is a registration with a life port of this test, and an active controller that is
 * another one: when both die at once, the standby, which has armed both, fences the broker as soon as it is active. A
 * broker whose port it could not arm before is left to its session. */
#include <unistd.h>

#include "common/sys/sock.h"
#include "common/zk/znode.h"
#include "tests/unit/broker/cluster/cluster_world.h"

static struct world w;
static struct bn_zk *zk; /* of the dead */
static struct bn_life *life[2];

static void ignore_state(void *arg, enum bn_zk_state state) { (void)arg, (void)state; }
static void on_multi(void *arg, int status, const struct bn_zk_op_result *r, int count) { *(int *)arg = status; }
static void on_end(void *arg, int status) { *(int *)arg = status; }

static void multi(struct bn_zk_op *ops, int count) {
    int status = 99;
    zk->ops->multi(zk, ops, count, on_multi, &status);
    WORLD_UNTIL(&w, status != 99);
    ck_assert_int_eq(status, 0);
}

static void create_parents(void) {
    static const char *const paths[] = {"/brokers", "/brokers/ids", "/barnabas", "/barnabas/incarnation"};
    struct bn_zk_op ops[BN_ARRAY_LEN(paths)];
    for (size_t i = 0; i < BN_ARRAY_LEN(paths); i++)
        ops[i] = (struct bn_zk_op){.kind = BN_ZK_OP_CREATE, .path = paths[i]};
    multi(ops, BN_ARRAY_LEN(paths));
}

static void register_broker(void) {
    struct bn_znode_endpoint endpoint = {"PLAINTEXT", "h", 9092, "PLAINTEXT"};
    struct bn_znode_broker broker = {.jmx_port = -1, .endpoints = &endpoint, .endpoint_count = 1};
    struct bn_znode_incarnation incarnation = {.boot_id = *bn_life_boot_id(life[1]),
                                               .host = "127.0.0.1",
                                               .port = bn_life_port(life[1]),
                                               .machine_boot_id = "m"};
    struct bn_str data[2];
    bn_str_init(&data[0]);
    bn_str_init(&data[1]);
    bn_znode_broker_encode(&data[0], &broker);
    bn_znode_incarnation_encode(&data[1], &incarnation);
    struct bn_zk_op ops[] = {
        {.kind = BN_ZK_OP_CREATE, .path = "/barnabas/incarnation/9", .data = bn_str_slice(&data[1])},
        {.kind = BN_ZK_OP_CREATE, .path = "/brokers/ids/9", .data = bn_str_slice(&data[0]), .flags = BN_ZK_EPHEMERAL}};
    multi(ops, 2);
    bn_str_fini(&data[0]);
    bn_str_fini(&data[1]);
}

static void register_controller(void) {
    struct bn_znode_controller c = {.brokerid = 55,
                                    .kraft_epoch = -1,
                                    .host = "127.0.0.1",
                                    .port = bn_life_port(life[0]), /* as good as any that is closed with it */
                                    .life_port = bn_life_port(life[0])};
    struct bn_str data;
    bn_str_init(&data);
    bn_znode_controller_encode(&data, &c);
    struct bn_zk_op ops[] = {
        {.kind = BN_ZK_OP_CREATE, .path = "/controller", .data = bn_str_slice(&data), .flags = BN_ZK_EPHEMERAL},
        {.kind = BN_ZK_OP_CREATE, .path = "/controller_epoch", .data = BN_SLICE_LIT("4")}};
    multi(ops, 2);
    bn_str_fini(&data);
}

static void setup(void) {
    struct bn_zk_config z = {"fake:1", 1000, ignore_state, NULL};
    struct bn_err e = BN_ERR_NONE;
    world_open(&w);
    ck_assert_int_eq(bn_fake_open(w.server, &z, &zk, NULL), 0);
    for (int i = 0; i < 2; i++) life[i] = bn_life_open("127.0.0.1", 0, &e);
    create_parents();
    register_controller();
}

static void teardown(void) {
    int status = 99;
    zk->ops->close(zk, on_end, &status);
    WORLD_UNTIL(&w, status != 99);
    world_close(&w);
}

static void turns(int n) {
    while (n-- > 0) world_turn(&w);
}

static bool is_there(void) { return bn_fake_peek(w.server, "/brokers/ids/9", NULL, NULL) == 0; }

START_TEST(both_die) {
    if (_i == 0) register_broker();
    world_start_controller(&w, 0);
    turns(50);
    if (_i == 1) register_broker(); /* while it stands by */
    turns(100);
    bn_life_close(life[1]);
    bn_life_close(life[0]);
    WORLD_UNTIL(&w, bn_controller_is_active(w.controllers[0].controller));
    WORLD_UNTIL(&w, !is_there());
}
END_TEST

START_TEST(never_armed) {
    register_broker();
    bn_life_close(life[1]);
    world_start_controller(&w, 0);
    turns(100);
    bn_life_close(life[0]);
    WORLD_UNTIL(&w, bn_controller_is_active(w.controllers[0].controller));
    turns(300);
    ck_assert(is_there());
}
END_TEST

Suite *armory_suite(void);
Suite *armory_suite(void) {
    Suite *s = suite_create("armory");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, both_die, 0, 2);
    tcase_add_test(t, never_armed);
    suite_add_tcase(s, t);
    return s;
}
