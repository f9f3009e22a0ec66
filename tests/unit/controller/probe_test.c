/* probe_test.c: real life ports on loopback: only an armed one that refuses is a proof. */
#include "controller/probe.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/life.h"
#include "common/sys/sock.h"
#include "tests/unit/unit.h"

static struct bn_loop *loop;
static struct bn_probe *probe;
static struct {
    int count;
    int32_t broker;
    int64_t incarnation;
} gone;

static void on_gone(void *arg, int32_t broker, int64_t incarnation) {
    gone.count++;
    gone.broker = broker;
    gone.incarnation = incarnation;
}

static void setup(void) {
    memset(&gone, 0, sizeof gone);
    loop = bn_loop_new();
    probe = bn_probe_new(loop, on_gone, NULL);
}
static void teardown(void) {
    bn_probe_free(probe);
    bn_loop_turn(loop, 0);
    bn_loop_free(loop);
}

static void turns(int n) {
    while (n-- > 0) bn_loop_turn(loop, 1);
}
#define UNTIL(condition)                                                                                               \
    for (int left_ = 5000; !(condition); turns(1)) ck_assert_msg(left_-- > 0, "never: %s", #condition)

static struct bn_probe_target target(struct bn_life *l, int32_t broker, int64_t incarnation) {
    return (struct bn_probe_target){broker, incarnation, "127.0.0.1", bn_life_port(l), *bn_life_boot_id(l), false};
}

START_TEST(armed_and_refused) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_life *l = bn_life_open("127.0.0.1", 0, &e);
    struct bn_probe_target t = target(l, 4, 9);
    bn_probe_arm(probe, &t);
    UNTIL(bn_probe_is_armed(probe, 4, 9));
    bn_probe_hunt(probe, 4, 9); /* it lives: dialled again and again */
    turns(100);
    ck_assert_int_eq(gone.count, 0);
    bn_life_close(l);
    UNTIL(gone.count);
    ck_assert_int_eq(gone.broker, 4);
    ck_assert_int_eq(gone.incarnation, 9);
    turns(50);
    ck_assert_int_eq(gone.count, 1);
}
END_TEST

START_TEST(not_armed_is_no_proof) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_life *l = bn_life_open("127.0.0.1", 0, &e);
    struct bn_probe_target t = target(l, 4, 9);
    if (_i == 0) bn_life_close(l);        /* refuses at the first dial */
    if (_i == 1) t.boot_id.bytes[3] ^= 1; /* another process answers */
    bn_probe_arm(probe, &t);
    bn_probe_hunt(probe, 4, 9);
    turns(50);
    ck_assert(!bn_probe_is_armed(probe, 4, 9));
    if (_i == 1) bn_life_close(l);
    turns(150);
    ck_assert_int_eq(gone.count, 0);
}
END_TEST

START_TEST(a_port_that_says_nothing_is_no_proof) {
    struct bn_err e = BN_ERR_NONE;
    int fd = bn_sock_listen("127.0.0.1", 0, 8, &e);
    struct bn_probe_target t = {1, 1, "127.0.0.1", bn_sock_port(fd), {{1}}, false};
    bn_probe_arm(probe, &t);
    turns(20);
    int accepted = bn_sock_accept(fd, 0, 0);
    ck_assert_int_eq(send(accepted, "short", 5, MSG_NOSIGNAL), 5);
    close(accepted);
    turns(20);
    ck_assert(!bn_probe_is_armed(probe, 1, 1));
    close(fd);
    bn_probe_hunt(probe, 1, 1);
    turns(50);
    ck_assert_int_eq(gone.count, 0);
}
END_TEST

START_TEST(other_incarnations_are_other_targets) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_life *l = bn_life_open("127.0.0.1", 0, &e);
    struct bn_probe_target t = target(l, 4, 9);
    bn_probe_arm(probe, &t);
    UNTIL(bn_probe_is_armed(probe, 4, 9));
    bn_life_close(l);
    bn_probe_hunt(probe, 4, 8);
    bn_probe_hunt(probe, 5, 9);
    turns(50);
    ck_assert_int_eq(gone.count, 0);
    bn_probe_forget(probe, 4, 9);
    bn_probe_hunt(probe, 4, 9);
    turns(50);
    ck_assert_int_eq(gone.count, 0);
}
END_TEST

START_TEST(reconnecting_ends_the_hunt) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_life *l = bn_life_open("127.0.0.1", 0, &e);
    struct bn_probe_target t = target(l, 4, 9);
    bn_probe_arm(probe, &t);
    UNTIL(bn_probe_is_armed(probe, 4, 9));
    bn_probe_hunt(probe, 4, 9);
    turns(5);
    bn_probe_reconnected(probe, 4, 9);
    bn_life_close(l);
    turns(150);
    ck_assert_int_eq(gone.count, 0);
    bn_probe_hunt(probe, 4, 9); /* but armed it stays */
    UNTIL(gone.count);
}
END_TEST

/* Of our own machine a port that never answered is believed, hunted or not. */
START_TEST(our_own_machine_is_believed) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_life *l = bn_life_open("127.0.0.1", 0, &e);
    struct bn_probe_target t = target(l, 4, 9);
    t.same_machine = true;
    bn_life_close(l);
    bn_probe_arm(probe, &t);
    if (_i) bn_probe_hunt(probe, 4, 9);
    UNTIL(gone.count);
    ck_assert_int_eq(gone.broker, 4);
    turns(50);
    ck_assert_int_eq(gone.count, 1);
}
END_TEST

/* A port that refused at first is armed later; a hunt that was asked for meanwhile begins then. */
START_TEST(armed_late) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_life *l = bn_life_open("127.0.0.1", 0, &e);
    struct bn_probe_target t = target(l, 4, 9);
    int port = bn_life_port(l);
    bn_life_close(l);
    memset(&t.boot_id, 0, sizeof t.boot_id);
    bn_probe_arm(probe, &t);
    bn_probe_hunt(probe, 4, 9);
    turns(20);
    ck_assert(!bn_probe_is_armed(probe, 4, 9));
    l = bn_life_open("127.0.0.1", port, &e);
    ck_assert_ptr_nonnull(l);
    UNTIL(bn_probe_is_armed(probe, 4, 9));
    ck_assert_int_eq(gone.count, 0);
    bn_life_close(l);
    UNTIL(gone.count);
}
END_TEST

static bool is_four(void *arg, int32_t broker, int64_t incarnation) { return broker == 4 && incarnation == 9; }

START_TEST(forgotten_unless) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_life *l = bn_life_open("127.0.0.1", 0, &e);
    for (int32_t broker = 3; broker <= 5; broker++) {
        struct bn_probe_target t = target(l, broker, 9);
        bn_probe_arm(probe, &t);
    }
    UNTIL(bn_probe_is_armed(probe, 3, 9) && bn_probe_is_armed(probe, 4, 9) && bn_probe_is_armed(probe, 5, 9));
    bn_probe_forget_unless(probe, is_four, NULL);
    ck_assert(!bn_probe_is_armed(probe, 3, 9) && bn_probe_is_armed(probe, 4, 9) && !bn_probe_is_armed(probe, 5, 9));
    bn_life_close(l);
}
END_TEST

Suite *probe_suite(void);
Suite *probe_suite(void) {
    Suite *s = suite_create("probe");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, armed_and_refused);
    tcase_add_loop_test(t, not_armed_is_no_proof, 0, 2);
    tcase_add_test(t, a_port_that_says_nothing_is_no_proof);
    tcase_add_test(t, other_incarnations_are_other_targets);
    tcase_add_test(t, reconnecting_ends_the_hunt);
    tcase_add_loop_test(t, our_own_machine_is_believed, 0, 2);
    tcase_add_test(t, armed_late);
    tcase_add_test(t, forgotten_unless);
    suite_add_tcase(s, t);
    return s;
}
