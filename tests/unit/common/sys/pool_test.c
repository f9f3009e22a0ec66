/* pool_test.c: jobs of one key run one after the other and in order whatever else runs, their dones arrive in
 * order on the owner's thread, and nothing is lost when the pool is freed early. */
#include "common/sys/pool.h"

#include <stdatomic.h>

#include "common/base/alloc.h"
#include "common/sys/shard.h"
#include "tests/unit/unit.h"

enum { KEYS = 8, PER_KEY = 500 };

struct step {
    struct bn_job job;
    int key, number;
};

static struct bn_shard *owner;
static _Atomic int inside[KEYS + 1], ran[KEYS + 1], total_ran;
static int done[KEYS + 1], total_done; /* the owner's */

static void step_run(struct bn_job *job) {
    struct step *s = BN_CONTAINER_OF(job, struct step, job);
    if (s->key) {
        ck_assert_int_eq(atomic_fetch_add(&inside[s->key], 1), 0);
        ck_assert_int_eq(ran[s->key], s->number);
        ran[s->key]++;
        atomic_fetch_sub(&inside[s->key], 1);
    }
    total_ran++;
    if (!job->reply_to) bn_alloc_free(s);
}

static void step_done(struct bn_job *job) {
    struct step *s = BN_CONTAINER_OF(job, struct step, job);
    BN_ON_SHARD(owner);
    if (s->key) ck_assert_int_eq(done[s->key]++, s->number);
    total_done++;
    bn_alloc_free(s);
    if (total_done == (KEYS + 1) * PER_KEY) bn_loop_stop(owner->loop);
}

static void submit_all(struct bn_pool *p, struct bn_mailbox *reply_to) {
    for (int n = 0; n < PER_KEY; n++) {
        for (int k = 0; k <= KEYS; k++) {
            struct step *s = bn_alloc_zero(1, sizeof *s);
            s->key = k;
            s->number = n;
            s->job = (struct bn_job){.run = step_run, .done = step_done, .reply_to = reply_to, .key = (uint64_t)k};
            bn_pool_submit(p, &s->job);
        }
    }
}

START_TEST(test_order_per_key_and_dones) {
    owner = bn_shard_new(0);
    struct bn_pool *p = bn_pool_new(4);
    submit_all(p, owner->mailbox);
    bn_shard_run_here(owner);
    ck_assert_int_eq(total_ran, (KEYS + 1) * PER_KEY);
    for (int k = 1; k <= KEYS; k++) ck_assert_int_eq(done[k], PER_KEY);
    bn_pool_free(p);
    bn_shard_stop(owner);
    bn_shard_free(owner);
}
END_TEST

START_TEST(test_free_runs_everything) {
    struct bn_pool *p = bn_pool_new(3);
    submit_all(p, NULL);
    bn_pool_free(p);
    ck_assert_int_eq(total_ran, (KEYS + 1) * PER_KEY);
}
END_TEST

Suite *pool_suite(void);
Suite *pool_suite(void) {
    Suite *s = suite_create("pool");
    TCase *t = tcase_create("pool");
    tcase_add_test(t, test_order_per_key_and_dones);
    tcase_add_test(t, test_free_runs_everything);
    suite_add_tcase(s, t);
    return s;
}
