/* cleaning_test.c: goal: a dirty log of the shard is found and cleaned while it is led, a partition that goes away in
 * the midst waits for its cleaning's end, and one that is gone is not cleaned. */
#include "broker/replica/cleaning.h"

#include <sched.h>

#include "broker/replica/partition_int.h"
#include "proto/kafka/errors.h"
#include "tests/unit/broker/replica/world.h"
#include "tests/unit/unit.h"

Suite *cleaning_suite(void);

static const struct world_state alone = {1, 0, 0, {1}, {1}, 1, 1};

struct run {
    struct bn_cleaning cleaning;
    struct bn_cleaning_candidate which;
    sem_t done;
    int status;
};

static void do_look(struct world *w, void *arg) { bn_cleaning_look(w->roster, &((struct run *)arg)->which); }

static void run_done(struct bn_cleaning *c, int status) {
    struct run *r = BN_CONTAINER_OF(c, struct run, cleaning);
    r->status = status;
    sem_post(&r->done);
}

static void do_start(struct world *w, void *arg) {
    struct run *r = arg;
    r->cleaning.done = run_done;
    r->cleaning.log = (struct bn_log_compaction){.pool = w->pool, .map_bytes = 1 << 16, .map_load = 0.9};
    bn_cleaning_start(w->roster, &r->which, &r->cleaning);
}

static void begin(struct world *w, struct run *r) {
    world_start(w);
    w->compact = true;
    sem_init(&r->done, 0, 0);
    world_decide(w, alone);
    world_await_open(w);
    for (int i = 0; i < 100; i++) ck_assert_int_eq(world_append(w, 3, 1, 1000, NULL), KE_NONE);
    /* Until the flushes that the rolls began have ended. */
    uint64_t until_ms = bn_clock_mono_ms(bn_clock_real()) + 20000;
    do {
        sched_yield();
        world_on_shard(w, do_look, r);
    } while (!r->which.found && bn_clock_mono_ms(bn_clock_real()) < until_ms);
    ck_assert(r->which.found && r->which.partition == 0 && bn_uuid_eq(&r->which.topic_id, &world_id));
    ck_assert(r->which.ratio > 0.9);
}

static void await(struct run *r) {
    while (sem_wait(&r->done) != 0) continue;
    sem_destroy(&r->done);
}

static void do_cleaned(struct world *w, void *arg) {
    *(int64_t *)arg = bn_log_cleaned_to(bn_roster_find(w->roster, &world_id, 0)->log);
}

START_TEST(test_cleaned) {
    struct world w;
    struct run r;
    int64_t cleaned;
    begin(&w, &r);
    world_on_shard(&w, do_start, &r);
    ck_assert_int_eq(world_append(&w, 3, 1, 1000, NULL), KE_NONE);
    await(&r);
    ck_assert_int_eq(r.status, BN_OK);
    ck_assert(r.cleaning.log.advanced && r.cleaning.log.bytes_after < r.cleaning.log.bytes_before);
    world_on_shard(&w, do_cleaned, &cleaned);
    ck_assert_int_gt(cleaned, 0);
    ck_assert_int_eq(world_append(&w, 3, 1, 1000, NULL), KE_NONE);
    world_stop(&w);
}
END_TEST

START_TEST(test_goes_away) {
    struct world w;
    struct run r;
    begin(&w, &r);
    world_on_shard(&w, do_start, &r);
    world_remove(&w, true, false);
    await(&r);
    ck_assert(r.status == BN_STALE || r.status == BN_OK);
    world_on_shard(&w, do_look, &r);
    ck_assert(!r.which.found);
    sem_init(&r.done, 0, 0);
    r.which = (struct bn_cleaning_candidate){true, 1, world_id, 0};
    world_on_shard(&w, do_start, &r);
    await(&r);
    ck_assert_int_eq(r.status, BN_NOTFOUND);
    world_stop(&w);
}
END_TEST

START_TEST(test_nobody) {
    struct bn_cleaning_candidate c = {.found = true};
    bn_cleaning_look(NULL, &c);
    ck_assert(!c.found);
}
END_TEST

Suite *cleaning_suite(void) {
    Suite *s = suite_create("cleaning");
    TCase *t = tcase_create("cleaning");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_cleaned);
    tcase_add_test(t, test_goes_away);
    tcase_add_test(t, test_nobody);
    suite_add_tcase(s, t);
    return s;
}
