/* standby_test.c: an active controller that is a registration with two ports of this test: when both are closed without
 * a word, the standby takes over at once; when it lives on, or was never armed, only ZooKeeper decides. */
#include <unistd.h>

#include "common/sys/sock.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "tests/unit/broker/cluster/cluster_world.h"

static struct world w;
static struct bn_zk *zk; /* the active one's */
static struct bn_life *life;
static int rpc, accepted[64], accepted_count;

static void ignore_state(void *arg, enum bn_zk_state state) { (void)arg, (void)state; }
static void on_multi(void *arg, int status, const struct bn_zk_op_result *r, int count) { *(int *)arg = status; }
static void on_end(void *arg, int status) { *(int *)arg = status; }

static void setup(void) {
    struct bn_zk_config z = {"fake:1", 1000, ignore_state, NULL};
    struct bn_err e = BN_ERR_NONE;
    world_open(&w);
    accepted_count = 0;
    ck_assert_int_eq(bn_fake_open(w.server, &z, &zk, NULL), 0);
    life = bn_life_open("127.0.0.1", 0, &e);
    rpc = bn_sock_listen("127.0.0.1", 0, 64, &e);
    struct bn_znode_controller c = {.brokerid = 55,
                                    .kraft_epoch = -1,
                                    .host = "127.0.0.1",
                                    .port = bn_sock_port(rpc),
                                    .life_port = bn_life_port(life)};
    struct bn_str data;
    bn_str_init(&data);
    bn_znode_controller_encode(&data, &c);
    int status = 99;
    struct bn_zk_op ops[] = {
        {.kind = BN_ZK_OP_CREATE, .path = "/controller", .data = bn_str_slice(&data), .flags = BN_ZK_EPHEMERAL},
        {.kind = BN_ZK_OP_CREATE, .path = "/controller_epoch", .data = BN_SLICE_LIT("4")}};
    zk->ops->multi(zk, ops, 2, on_multi, &status);
    WORLD_UNTIL(&w, status == 0);
    bn_str_fini(&data);
    world_start_controller(&w, 0);
}

static void teardown(void) {
    int status = 99;
    zk->ops->close(zk, on_end, &status);
    WORLD_UNTIL(&w, status != 99);
    for (int i = 0; i < accepted_count; i++) close(accepted[i]);
    world_close(&w);
}

static void turns(int n) {
    while (n-- > 0) {
        world_turn(&w);
        int fd = rpc >= 0 && accepted_count < 64 ? bn_sock_accept(rpc, 0, 0) : -1;
        if (fd >= 0) accepted[accepted_count++] = fd;
    }
}

static void drop_connections(void) {
    for (int i = 0; i < accepted_count; i++) close(accepted[i]);
    accepted_count = 0;
}

START_TEST(a_dead_process_is_replaced_at_once) {
    turns(100);
    ck_assert_int_eq(accepted_count, 1); /* it is followed */
    ck_assert(!bn_controller_is_active(w.controllers[0].controller));
    bn_life_close(life);
    close(rpc);
    rpc = -1;
    drop_connections();
    WORLD_UNTIL(&w, bn_controller_is_active(w.controllers[0].controller));
    ck_assert_int_eq(bn_controller_epoch(w.controllers[0].controller), 5);
}
END_TEST

START_TEST(one_that_lives_is_left) {
    turns(100);
    drop_connections(); /* the stream ends, the life port answers */
    turns(150);
    ck_assert(!bn_controller_is_active(w.controllers[0].controller));
    close(rpc);
    bn_life_close(life);
    rpc = -1;
}
END_TEST

START_TEST(its_session_ends) {
    turns(100);
    bn_fake_expire(zk);
    WORLD_UNTIL(&w, bn_controller_is_active(w.controllers[0].controller));
    close(rpc);
    bn_life_close(life);
    rpc = -1;
}
END_TEST

Suite *standby_suite(void);
Suite *standby_suite(void) {
    Suite *s = suite_create("standby");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_dead_process_is_replaced_at_once);
    tcase_add_test(t, one_that_lives_is_left);
    tcase_add_test(t, its_session_ends);
    suite_add_tcase(s, t);
    return s;
}
