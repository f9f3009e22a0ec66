/* pause_test.c: goal: after a pause of the process, what a client sends to a leader waits until it is known who leads;
 * then it is refused, or taken. The pause is mostly made by telling the shard that it was last seen long ago. */
#include "broker/replica/pause.h"

#include <time.h>

#include "broker/replica/partition_int.h"
#include "proto/kafka/errors.h"
#include "tests/unit/broker/replica/world.h"
#include "tests/unit/unit.h"

Suite *pause_suite(void);

static const struct world_state led = {WORLD_BROKER, 0, 0, {WORLD_BROKER, 2}, {WORLD_BROKER, 2}, 2, 2};
static const struct world_state alone = {WORLD_BROKER, 0, 0, {WORLD_BROKER}, {WORLD_BROKER}, 1, 1};

static void do_pause(struct world *w, void *arg) {
    struct bn_pause *s = bn_roster_find(w->roster, &world_id, 0)->pause;
    uint64_t now_ms = bn_loop_now_ms(s->loop);
    s->max_ms = 1000;
    s->seen_ms = now_ms > *(uint64_t *)arg ? now_ms - *(uint64_t *)arg : 0;
}

static void begin(struct world *w, struct world_state state, uint64_t paused_ms) {
    world_start(w);
    world_decide(w, state);
    world_await_open(w);
    world_on_shard(w, do_pause, &paused_ms);
}

/* Another one leads meanwhile: the producer is sent there, and nothing was looked at. */
START_TEST(test_deposed_meanwhile) {
    struct world w;
    struct world_append a = {.producer_id = 7, .sequence = 4000};
    struct world_state other = led;
    begin(&w, led, 1500);
    world_append_start(&w, 1, -1, 60000, &a);
    ck_assert(!world_append_is_done(&a));
    other.leader = 2;
    other.leader_epoch = 1;
    world_decide(&w, other);
    ck_assert_int_eq(world_append_end(&a), KE_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(a.append.leader_id, 2);
    world_stop(&w);
}
END_TEST

/* Nothing happened meanwhile: it goes on by itself. */
START_TEST(test_nothing_happened) {
    struct world w;
    begin(&w, led, 1500);
    ck_assert_int_eq(world_append(&w, 1, 1, 60000, NULL), KE_NONE);
    world_stop(&w);
}
END_TEST

/* A client's own time may be over before. */
START_TEST(test_time_over) {
    struct world w;
    begin(&w, led, 1500);
    ck_assert_int_eq(world_append(&w, 1, 1, 1, NULL), KE_REQUEST_TIMED_OUT);
    world_stop(&w);
}
END_TEST

/* Neither a short pause nor one of a partition that nobody else can lead holds anything. */
START_TEST(test_no_pause) {
    struct world w;
    struct world_append a = {.producer_id = -1};
    begin(&w, led, 900);
    world_append_start(&w, 1, 1, 60000, &a);
    ck_assert(world_append_is_done(&a));
    ck_assert_int_eq(world_append_end(&a), KE_NONE);
    world_stop(&w);
    begin(&w, alone, 1500);
    world_append_start(&w, 1, -1, 60000, &a);
    ck_assert(world_append_is_done(&a));
    ck_assert_int_eq(world_append_end(&a), KE_NONE);
    world_stop(&w);
}
END_TEST

static void never(void *arg) { ck_abort_msg("%p: over", arg); }

static void stopped_in_a_turn(struct bn_timer *t) {
    struct bn_pause s;
    bn_pause_init(&s, t->loop, 20, never, NULL);
    ck_assert(!bn_pause_holds(&s));
    ck_assert_int_eq(nanosleep(&(struct timespec){.tv_nsec = 40000000}, NULL), 0);
    ck_assert(bn_pause_holds(&s));
    bn_pause_fini(&s);
}

/* Who is stopped in the midst of a turn, and goes on with it, does not believe the turn's own time. */
START_TEST(test_in_the_midst_of_a_turn) {
    struct bn_loop *loop = bn_loop_new();
    struct bn_timer timer;
    bn_timer_init(&timer, loop, stopped_in_a_turn);
    bn_timer_start(&timer, 0);
    while (bn_timer_running(&timer)) bn_loop_turn(loop, 100);
    bn_loop_free(loop);
}
END_TEST

Suite *pause_suite(void) {
    Suite *s = suite_create("pause");
    TCase *t = tcase_create("pause");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_deposed_meanwhile);
    tcase_add_test(t, test_nothing_happened);
    tcase_add_test(t, test_time_over);
    tcase_add_test(t, test_no_pause);
    tcase_add_test(t, test_in_the_midst_of_a_turn);
    suite_add_tcase(s, t);
    return s;
}
