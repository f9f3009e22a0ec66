/* fetcher_test.c: against a scripted leader: records arrive and keep arriving, through errors, lost connections, a
 * leader that starts late or hangs, and names for hosts; and what an image says is acted on at once.
 */
#include "tests/unit/broker/replica/follow.h"

#include <sched.h>

#include "proto/kafka/errors.h"
#include "tests/unit/broker/replica/leader.h"
#include "tests/unit/unit.h"

Suite *fetcher_suite(void);

static void begin(struct world *w, int port, const char *host) {
    world_start(w);
    follow_decide(w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 5, .port = port, .host = host});
}

/* Waits until the leader has seen what is wanted. */
static struct leader_seen await_seen(struct leader *l, bool (*wanted)(const struct leader_seen *)) {
    uint64_t deadline_ms = bn_clock_mono_ms(bn_clock_real()) + 10000;
    for (;;) {
        struct leader_seen seen = leader_look(l);
        if (wanted(&seen)) return seen;
        ck_assert_msg(bn_clock_mono_ms(bn_clock_real()) < deadline_ms, "the leader waited 10 s");
        sched_yield();
    }
}

static bool is_waiting(const struct leader_seen *s) { return s->waiting; }

/* By session or without; as the replica that we are. */
START_TEST(test_follows) {
    struct world w;
    struct leader *l = leader_start(0);
    leader_session(l, _i ? 77 : 0);
    leader_append(l, 3, 4);
    begin(&w, leader_port(l), _i == 2 ? "localhost" : NULL);
    follow_await_end(&w, 0, 3);
    for (int i = 0; i < 20; i++) {
        leader_append(l, 2, 5);
        follow_await_end(&w, 0, 5 + 2 * i);
    }
    struct leader_seen seen = await_seen(l, is_waiting);
    ck_assert_int_eq(seen.connections, 1);
    ck_assert_int_eq(seen.replica_id, WORLD_BROKER);
    ck_assert_int_eq(seen.replica_epoch, 100);
    ck_assert_int_eq(seen.max_wait_ms, 500);
    if (_i) ck_assert_int_eq(seen.full, 1);
    world_stop(&w);
    leader_stop(l);
}
END_TEST

/* Errors of a leader that has not heard that it leads pass in milliseconds. */
START_TEST(test_early_follower) {
    struct world w;
    struct leader *l = leader_start(0);
    leader_session(l, 77);
    leader_append(l, 3, 5);
    leader_fail(l, 4, KE_NOT_LEADER_OR_FOLLOWER);
    uint64_t before_ms = bn_clock_mono_ms(bn_clock_real());
    begin(&w, leader_port(l), NULL);
    follow_await_end(&w, 0, 3);
    ck_assert_uint_lt(bn_clock_mono_ms(bn_clock_real()) - before_ms, 450); /* 2 + 4 + 8 + 16 ms, on a busy machine */
    world_stop(&w);
    leader_stop(l);
}
END_TEST

/* A lost connection, and a port where nobody listens yet: dialled again. */
START_TEST(test_redial) {
    struct world w;
    struct leader *l = leader_start(0);
    int port = leader_port(l);
    leader_append(l, 3, 5);
    begin(&w, port, NULL);
    follow_await_end(&w, 0, 3);
    leader_drop(l);
    leader_append(l, 1, 5);
    follow_await_end(&w, 0, 4);
    leader_stop(l);
    l = leader_start(port); /* with an empty log: the follower stands beyond it */
    leader_append(l, 4, 5);
    leader_append(l, 2, 5);
    follow_await_end(&w, 0, 6);
    world_stop(&w);
    leader_stop(l);
}
END_TEST

/* What an image adds does not wait for the fetch under way to end, and what it takes away is left at once: the leader
 * hangs, so nothing else would end it before its timeout of 30 s. */
START_TEST(test_images_act_at_once) {
    struct world w;
    struct leader *l = leader_start(0);
    leader_session(l, 77);
    leader_hang(l, true);
    begin(&w, leader_port(l), NULL);
    await_seen(l, is_waiting);
    struct follow_state s = {.leader = FOLLOW_LEADER, .leader_epoch = 5, .partitions = 3, .port = leader_port(l)};
    uint64_t before_ms = bn_clock_mono_ms(bn_clock_real());
    follow_decide(&w, s);
    while (leader_look(l).partitions != 3) {
        ck_assert_uint_lt(bn_clock_mono_ms(bn_clock_real()) - before_ms, 8000);
        sched_yield();
    }
    s.leader = WORLD_BROKER, s.leader_epoch = 6;
    before_ms = bn_clock_mono_ms(bn_clock_real());
    follow_decide(&w, s);
    while (leader_look(l).waiting) {
        ck_assert_uint_lt(bn_clock_mono_ms(bn_clock_real()) - before_ms, 8000);
        sched_yield();
    }
    world_stop(&w);
    leader_stop(l);
}
END_TEST

/* The broker registers anew elsewhere. */
START_TEST(test_leader_moves) {
    struct world w;
    struct leader *a = leader_start(0), *b = leader_start(0);
    leader_append(b, 2, 5);
    begin(&w, leader_port(a), NULL);
    await_seen(a, is_waiting);
    follow_decide(&w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 6, .port = leader_port(b)});
    follow_await_end(&w, 0, 2);
    world_stop(&w);
    leader_stop(a);
    leader_stop(b);
}
END_TEST

static bool is_idle(const struct leader_seen *s) { return s->fetches >= 3; }

/* Nothing happens: a fetch per replica.fetch.wait.max.ms, all over one connection. */
START_TEST(test_idle) {
    struct world w;
    struct leader *l = leader_start(0);
    leader_session(l, 77);
    uint64_t before_ms = bn_clock_mono_ms(bn_clock_real());
    begin(&w, leader_port(l), NULL);
    struct leader_seen seen = await_seen(l, is_idle);
    ck_assert_uint_ge(bn_clock_mono_ms(bn_clock_real()) - before_ms, 990);
    ck_assert_int_eq(seen.connections, 1);
    ck_assert_int_eq(seen.partitions, 0);
    world_stop(&w);
    leader_stop(l);
}
END_TEST

Suite *fetcher_suite(void) {
    Suite *s = suite_create("fetcher");
    TCase *t = tcase_create("fetcher");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_follows, 0, 3);
    tcase_add_test(t, test_early_follower);
    tcase_add_test(t, test_redial);
    tcase_add_test(t, test_images_act_at_once);
    tcase_add_test(t, test_leader_moves);
    tcase_add_test(t, test_idle);
    suite_add_tcase(s, t);
    return s;
}
