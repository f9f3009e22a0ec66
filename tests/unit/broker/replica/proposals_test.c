/* proposals_test.c: goal: what is proposed reaches the controller once, together with its versions, and is said again
 * under the same version until something is known; answers find partitions that are still there.
 */
#include "broker/replica/proposals.h"

#include <sched.h>

#include "broker/replica/partition_int.h"
#include "proto/kafka/errors.h"
#include "tests/unit/broker/replica/world.h"
#include "tests/unit/unit.h"

Suite *proposals_suite(void);

static const struct world_state alone_of_two = {WORLD_BROKER, 3, 7, {WORLD_BROKER, 2}, {WORLD_BROKER}, 2, 1};
static const struct world_state both = {WORLD_BROKER, 3, 8, {WORLD_BROKER, 2}, {WORLD_BROKER, 2}, 2, 2};

static void look_count(struct world *w, void *arg) { *(int *)arg = w->alter_count; }

static void await_said(struct world *w, int count) {
    uint64_t deadline_ms = bn_clock_mono_ms(bn_clock_real()) + 20000;
    for (int said = 0; said < count; world_on_shard(w, look_count, &said)) {
        ck_assert_msg(bn_clock_mono_ms(bn_clock_real()) < deadline_ms, "%d of %d said in 20 s", said, count);
        sched_yield();
    }
}

/* This broker leads epoch 3, version 7, alone; broker 2 has caught up, and the first proposal is under way. */
static void begin(struct world *w) {
    world_start(w);
    world_register(w, WORLD_BROKER, 11);
    world_register(w, 2, 12);
    world_decide(w, alone_of_two);
    world_await_open(w);
    ck_assert_int_eq(world_append(w, 5, 1, 1000, NULL), KE_NONE);
    ck_assert_int_eq(world_fetch(w, 2, 12, 5, 3, NULL), KE_NONE);
    await_said(w, 1);
}

static void check_words(const struct world *w) {
    ck_assert_uint_eq(w->altering->n_items, 1);
    const Bn__AlterPartitionItem *item = w->altering->items[0];
    ck_assert_int_eq(item->partition, 0);
    ck_assert_int_eq(item->leader_epoch, 3);
    ck_assert_int_eq(item->partition_epoch, 7);
    ck_assert_uint_eq(item->n_isr, 2);
    ck_assert_int_eq(item->isr[0], WORLD_BROKER);
    ck_assert_int_eq(item->isr[1], 2);
    ck_assert_uint_eq(item->n_isr_broker_epochs, 2);
    ck_assert_int_eq(item->isr_broker_epochs[0], 11);
    ck_assert_int_eq(item->isr_broker_epochs[1], 12);
}

struct seen {
    int member_count, change;
    int32_t version;
};

static void do_see(struct world *w, void *arg) {
    const struct bn_partition *p = bn_roster_find(w->roster, &world_id, 0);
    *(struct seen *)arg = (struct seen){p->isr.member_count, p->isr.change, p->isr.partition_epoch};
}

static struct seen see(struct world *w) {
    struct seen s;
    world_on_shard(w, do_see, &s);
    return s;
}

/* The answer may come before its delta, which then changes nothing. */
START_TEST(test_answer_before_delta) {
    struct world w;
    begin(&w);
    check_words(&w);
    ck_assert_int_eq(see(&w).change, BN_ISR_EXPANDING);
    world_answer(&w, KE_NONE, both);
    struct seen s = see(&w);
    ck_assert_int_eq(s.member_count, 2);
    ck_assert_int_eq(s.version, 8);
    ck_assert_int_eq(s.change, BN_ISR_SETTLED);
    world_decide(&w, both);
    ck_assert_int_eq(see(&w).version, 8);
    ck_assert_int_eq(w.alter_count, 1);
    world_stop(&w);
}
END_TEST

/* The delta may come first; then the answer is about nothing that stands. */
START_TEST(test_delta_before_answer) {
    struct world w;
    begin(&w);
    world_decide(&w, both);
    ck_assert_int_eq(see(&w).member_count, 2);
    world_answer(&w, KE_INELIGIBLE_REPLICA, alone_of_two);
    ck_assert_int_eq(see(&w).member_count, 2);
    ck_assert_int_eq(see(&w).version, 8);
    world_stop(&w);
}
END_TEST

/* No answer, a controller that is none, an answer without a word on it: the same is said again. */
START_TEST(test_said_again) {
    static const struct world_state nothing = {.partition_epoch = 0};
    static const int answers[] = {-1, KE_NOT_CONTROLLER, KE_REQUEST_TIMED_OUT};
    struct world w;
    begin(&w);
    for (int i = 0; i < (int)BN_ARRAY_LEN(answers); i++) {
        world_answer(&w, answers[i], nothing);
        ck_assert_int_eq(see(&w).change, BN_ISR_EXPANDING);
        await_said(&w, 2 + i);
        check_words(&w);
    }
    world_answer(&w, KE_NONE, both);
    ck_assert_int_eq(see(&w).member_count, 2);
    world_stop(&w);
}
END_TEST

/* A refusal ends it, and a moment later it is tried anew without anybody fetching. */
START_TEST(test_refused) {
    struct world w;
    begin(&w);
    world_answer(&w, KE_INELIGIBLE_REPLICA, alone_of_two);
    ck_assert_int_eq(see(&w).change, BN_ISR_SETTLED);
    await_said(&w, 2);
    check_words(&w);
    world_stop(&w);
}
END_TEST

/* An answer of a controller that was deposed since says nothing. */
START_TEST(test_deposed_controller) {
    struct world w;
    begin(&w);
    w.image->controller_epoch = 2; /* nobody else looks */
    world_answer(&w, KE_INELIGIBLE_REPLICA, alone_of_two);
    ck_assert_int_eq(see(&w).change, BN_ISR_EXPANDING);
    w.image->controller_epoch = 1;
    world_stop(&w);
}
END_TEST

/* The partition may be gone when the answer comes; the whole shard too (world_stop answers after it). */
START_TEST(test_gone) {
    struct world w;
    begin(&w);
    world_remove(&w, true, false);
    world_answer(&w, KE_NONE, both);
    world_stop(&w);
    begin(&w);
    world_stop(&w);
}
END_TEST

/* It no longer leads: nothing is said again, and the answer means nothing. */
START_TEST(test_deposed_leader) {
    struct world w;
    struct world_state other = {2, 4, 8, {WORLD_BROKER, 2}, {2}, 2, 1};
    begin(&w);
    world_decide(&w, other);
    world_answer(&w, -1, other);
    struct seen s = see(&w);
    ck_assert_int_eq(s.change, BN_ISR_SETTLED);
    ck_assert_int_eq(s.version, 8);
    ck_assert_int_eq(w.alter_count, 1);
    world_stop(&w);
}
END_TEST

static void do_check(struct world *w, void *arg) {
    const struct bn_partition *p = bn_roster_find(w->roster, &world_id, 0);
    (void)arg;
    p->isr.followers[0].caught_up_ms -= 30001;
    bn_proposals_check(p->proposals);
}

/* The periodic look finds who lags; the watermark moves when that is committed. */
START_TEST(test_lagging) {
    struct world w;
    struct world_state shrunk = both;
    struct bn_partition_read r;
    world_start(&w);
    world_register(&w, WORLD_BROKER, 11);
    world_decide(&w, both);
    world_await_open(&w);
    ck_assert_int_eq(world_append(&w, 5, 1, 1000, NULL), KE_NONE);
    world_on_shard(&w, do_check, NULL);
    await_said(&w, 1);
    ck_assert_uint_eq(w.altering->items[0]->n_isr, 1);
    ck_assert_int_eq(w.altering->items[0]->isr[0], WORLD_BROKER);
    ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NONE);
    ck_assert_int_eq(r.high_watermark, 0);
    shrunk.partition_epoch = 9;
    shrunk.isr_count = 1;
    world_answer(&w, KE_NONE, shrunk);
    ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NONE);
    ck_assert_int_eq(r.high_watermark, 5);
    world_stop(&w);
}
END_TEST

/* Somebody fetched before his registration was heard of here: he joins when it is, without another fetch. */
START_TEST(test_registered_later) {
    struct world w;
    world_start(&w);
    world_register(&w, WORLD_BROKER, 11);
    world_decide(&w, alone_of_two);
    world_await_open(&w);
    ck_assert_int_eq(world_append(&w, 5, 1, 1000, NULL), KE_NONE);
    ck_assert_int_eq(world_fetch(&w, 2, 12, 5, 3, NULL), KE_NONE);
    ck_assert_int_eq(see(&w).change, BN_ISR_SETTLED);
    world_register(&w, 2, 12);
    await_said(&w, 1);
    check_words(&w);
    world_stop(&w);
}
END_TEST

Suite *proposals_suite(void) {
    Suite *s = suite_create("proposals");
    TCase *t = tcase_create("proposals");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_answer_before_delta);
    tcase_add_test(t, test_delta_before_answer);
    tcase_add_test(t, test_said_again);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_deposed_controller);
    tcase_add_test(t, test_gone);
    tcase_add_test(t, test_deposed_leader);
    tcase_add_test(t, test_lagging);
    tcase_add_test(t, test_registered_later);
    suite_add_tcase(s, t);
    return s;
}
