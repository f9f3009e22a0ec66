/* shard_test.c: a token goes round a ring of shards by their mailboxes, each time on the right thread; stopping
 * loses no message. */
#include "common/sys/shard.h"

#include <signal.h>
#include <stdatomic.h>

#include "tests/unit/unit.h"

enum { SHARDS = 3, LAPS = 1000 };

struct token {
    struct bn_msg msg;
    int hops;
};

static struct bn_shard *ring[SHARDS], *home;
static int visits[SHARDS]; /* each written by its shard only */

static void token_home(struct bn_msg *m) {
    (void)m;
    BN_ON_SHARD(home);
    bn_loop_stop(home->loop);
}

static void token_run(struct bn_msg *m) {
    struct token *t = BN_CONTAINER_OF(m, struct token, msg);
    int at = t->hops % SHARDS;
    BN_ON_SHARD(ring[at]);
    visits[at]++;
    if (++t->hops == SHARDS * LAPS) {
        m->run = token_home;
        bn_shard_post(home, m);
        return;
    }
    bn_shard_post(ring[t->hops % SHARDS], m);
}

START_TEST(test_ring) {
    struct token t = {.msg.run = token_run};
    home = bn_shard_new(99);
    ck_assert_ptr_null(bn_shard_current());
    for (int i = 0; i < SHARDS; i++) {
        ring[i] = bn_shard_new(i);
        ck_assert_int_eq(ring[i]->index, i);
        bn_shard_start(ring[i]);
    }
    bn_shard_post(ring[0], &t.msg);
    bn_shard_run_here(home);
    ck_assert_ptr_null(bn_shard_current());
    for (int i = 0; i < SHARDS; i++) bn_shard_stop(ring[i]);
    bn_shard_stop(home);
    for (int i = 0; i < SHARDS; i++) {
        ck_assert_int_eq(visits[i], LAPS);
        bn_shard_free(ring[i]);
    }
    bn_shard_free(home);
}
END_TEST

static int late;

static void late_run(struct bn_msg *m) {
    (void)m;
    BN_ON_SHARD(home);
    late++;
}

START_TEST(test_stop_empties_the_mailbox) {
    struct bn_msg m[4];
    home = bn_shard_new(0);
    for (int i = 0; i < 4; i++) m[i].run = late_run;
    bn_shard_post(home, &m[0]); /* before there is a thread */
    bn_shard_start(home);
    bn_shard_post(home, &m[1]);
    bn_shard_stop(home);
    ck_assert_int_eq(late, 2);
    bn_shard_post(home, &m[2]); /* another shard that is not stopped yet */
    bn_shard_stop(home);
    ck_assert_int_eq(late, 3);
    bn_shard_post(home, &m[3]);
    bn_shard_free(home);
    ck_assert_int_eq(late, 4);
}
END_TEST

START_TEST(test_wrong_thread_aborts) {
    home = bn_shard_new(0);
    BN_ON_SHARD(home);
}
END_TEST

Suite *shard_suite(void);
Suite *shard_suite(void) {
    Suite *s = suite_create("shard");
    TCase *t = tcase_create("shard");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, test_ring);
    tcase_add_test(t, test_stop_empties_the_mailbox);
    tcase_add_test_raise_signal(t, test_wrong_thread_aborts, SIGABRT);
    suite_add_tcase(s, t);
    return s;
}
