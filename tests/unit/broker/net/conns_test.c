/* conns_test.c: goal: the connections of a shard share its memory without blocking one another, and idle ones go. */
#include "broker/net/conns.h"

#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "tests/unit/broker/net/world.h"
#include "tests/unit/unit.h"

Suite *conns_suite(void);

enum { FRAME = 100000 };

static uint8_t *make_frame(char first) {
    uint8_t *p = bn_alloc_zero(1, FRAME + 4);
    bn_put_u32(p, FRAME);
    p[4] = (uint8_t)first;
    return p;
}

/* Twelve half frames and a budget for one: each gets its turn, and the budget is exceeded by one of them at most. */
START_TEST(test_budget_is_shared) {
    enum { PEERS = 12 };
    struct world w;
    world_start(&w, (struct bn_conns_config){.budget_bytes = 150000});
    uint8_t *frame = make_frame('e');
    int fds[PEERS];
    for (int i = 0; i < PEERS; i++) {
        fds[i] = world_connect(&w);
        world_send(fds[i], frame, FRAME / 2);
        ck_assert_uint_le(world_used_bytes(&w), 150000 + 2 * FRAME);
    }
    for (int i = PEERS - 1; i >= 0; i--) world_send(fds[i], frame + FRAME / 2, FRAME + 4 - FRAME / 2);
    for (int i = 0; i < PEERS; i++) ck_assert_uint_eq(world_expect(fds[i], NULL), FRAME);
    ck_assert_uint_le(world_used_bytes(&w), 65536);
    for (int i = 0; i < PEERS; i++) close(fds[i]);
    bn_alloc_free(frame);
    world_stop(&w);
}
END_TEST

/* Requests at work hold their memory: others wait until it is given back, however many they are. */
START_TEST(test_work_holds_memory) {
    enum { PEERS = 8 };
    struct world w;
    world_start(&w, (struct bn_conns_config){.budget_bytes = 300000, .in_flight_max = 2});
    uint8_t *park = make_frame('p');
    int fds[PEERS];
    for (int i = 0; i < PEERS; i++) {
        fds[i] = world_connect(&w);
        world_send(fds[i], park, FRAME + 4);
        ck_assert_uint_le(world_used_bytes(&w), 300000 + 2 * FRAME);
    }
    ck_assert_uint_lt(w.frames, PEERS);
    while (w.frames < PEERS) {
        uint32_t before = w.frames;
        world_on_shard(&w, world_release, NULL);
        world_wait(&w.frames, before + 1);
    }
    world_on_shard(&w, world_release, NULL);
    for (int i = 0; i < PEERS; i++) {
        world_expect(fds[i], "parked");
        close(fds[i]);
    }
    bn_alloc_free(park);
    world_stop(&w);
}
END_TEST

/* Whoever stops in the middle of a frame while others starve is closed; the others go on. */
START_TEST(test_stalled_is_closed) {
    struct world w;
    world_start(&w, (struct bn_conns_config){.budget_bytes = 150000, .stall_ms = 50, .sweep_ms = 10});
    uint8_t *frame = make_frame('e');
    int a = world_connect(&w), b = world_connect(&w), c = world_connect(&w);
    world_send(a, frame, FRAME - 10);
    world_send(b, frame, FRAME - 10);
    world_send(c, frame, FRAME + 4);
    ck_assert_uint_eq(world_expect(c, NULL), FRAME);
    world_expect_close(a);
    close(a);
    close(b);
    close(c);
    bn_alloc_free(frame);
    world_stop(&w);
}
END_TEST

/* An idle connection is closed; one with a request at work is not. */
START_TEST(test_idle_is_closed) {
    struct world w;
    world_start(&w, (struct bn_conns_config){.idle_ms = 30, .sweep_ms = 10});
    int busy = world_connect(&w), idle = world_connect(&w);
    world_send_frame(busy, "park");
    world_send_frame(idle, "echo");
    world_expect(idle, "echo");
    world_expect_close(idle);
    world_wait(&w.closed, 1);
    ck_assert_uint_eq(w.closed, 1);
    world_send_frame(busy, "release");
    world_expect(busy, "parked");
    world_expect(busy, "release");
    world_expect_close(busy);
    close(busy);
    close(idle);
    world_stop(&w);
}
END_TEST

static void count(struct world *w, void *arg) { *(uint32_t *)arg = bn_conns_count(w->set); }

START_TEST(test_counts_and_refuses_after_close) {
    struct world w;
    uint32_t n = 0;
    world_start(&w, (struct bn_conns_config){0});
    int a = world_connect(&w), b = world_connect(&w);
    world_on_shard(&w, count, &n);
    ck_assert_uint_eq(n, 2);
    close(a);
    world_wait(&w.gone, 1);
    world_on_shard(&w, count, &n);
    ck_assert_uint_eq(n, 1);
    world_stop(&w);
    world_expect_close(b);
    close(b);
}
END_TEST

Suite *conns_suite(void) {
    Suite *s = suite_create("conns");
    TCase *t = tcase_create("conns");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_budget_is_shared);
    tcase_add_test(t, test_work_holds_memory);
    tcase_add_test(t, test_stalled_is_closed);
    tcase_add_test(t, test_idle_is_closed);
    tcase_add_test(t, test_counts_and_refuses_after_close);
    suite_add_tcase(s, t);
    return s;
}
