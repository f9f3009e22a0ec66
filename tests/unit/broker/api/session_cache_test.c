/* session_cache_test.c: how many sessions there may be, whom a new one pushes out, and what their ids say.
 */
#include "tests/unit/broker/api/fake_partition.h"

#include "tests/unit/unit.h"

Suite *session_cache_suite(void);

enum { MINUTE_MS = 60000 };

struct row { /* a session that is there, or one that is to be made */
    bool follower;
    int64_t size;
    int age_min, idle_min;
};

struct trial {
    struct row there[3];
    int count;
    struct row fresh;
    int expect; /* which goes; -1: the new one gets no room */
};

/* Kafka's rules: idle for more than two minutes; else of the old ones, and for followers of the consumers', the least.
 */
static const struct trial trials[] = {
    {{{false, 5, 1, 1}, {false, 5, 9, 3}, {true, 1, 1, 0}}, 3, {false, 1, 0, 0}, 1},
    {{{true, 5, 9, 3}, {false, 5, 1, 1}, {true, 1, 1, 0}}, 3, {false, 1, 0, 0}, 0},
    {{{false, 5, 1, 1}, {false, 5, 1, 0}, {true, 1, 1, 0}}, 3, {false, 100, 0, 0}, -1},
    {{{false, 5, 1, 1}, {false, 4, 1, 0}, {true, 1, 1, 0}}, 3, {true, 1, 0, 0}, 1},
    {{{true, 5, 1, 1}, {true, 4, 1, 0}, {true, 1, 1, 0}}, 3, {true, 100, 0, 0}, -1},
    {{{true, 5, 9, 1}, {true, 4, 9, 0}, {true, 3, 1, 0}}, 3, {true, 6, 0, 0}, 1},
    {{{true, 5, 9, 1}, {true, 4, 9, 0}, {true, 3, 9, 0}}, 3, {true, 2, 0, 0}, -1},
    {{{true, 5, 9, 1}, {true, 4, 9, 0}, {true, 3, 9, 0}}, 3, {false, 900, 0, 0}, -1},
    {{{false, 5, 9, 1}, {false, 4, 9, 0}, {true, 3, 9, 0}}, 3, {false, 5, 0, 0}, 1},
    {{{false, 5, 9, 1}, {false, 4, 9, 0}, {true, 3, 9, 0}}, 3, {false, 3, 0, 0}, -1},
};

static void do_trial(struct fake_world *w, void *arg) {
    const struct trial *t = arg;
    struct bn_session_cache *c = w->sessions[0];
    int32_t ids[3];
    uint64_t now_ms = bn_loop_now_ms(w->shard->loop);
    for (int i = 0; i < t->count; i++) {
        struct bn_session_cache_entry *s = bn_session_cache_open(c, t->there[i].follower, true, t->there[i].size);
        ck_assert_ptr_nonnull(s);
        ids[i] = s->id;
    }
    for (int idle = 9; idle >= 0; idle--) { /* in the order of use */
        for (int i = 0; i < t->count; i++) {
            if (t->there[i].idle_min == idle) ck_assert(bn_session_cache_touch(bn_session_cache_find(c, ids[i]), 0));
        }
    }
    for (int i = 0; i < t->count; i++) {
        struct bn_session_cache_entry *s = bn_session_cache_find(c, ids[i]);
        s->created_ms = now_ms - (uint64_t)t->there[i].age_min * MINUTE_MS;
        s->used_ms = now_ms - (uint64_t)t->there[i].idle_min * MINUTE_MS;
    }
    struct bn_session_cache_entry *fresh = bn_session_cache_open(c, t->fresh.follower, true, t->fresh.size);
    ck_assert_int_eq(fresh != NULL, t->expect >= 0);
    for (int i = 0; i < t->count; i++) ck_assert_int_eq(bn_session_cache_find(c, ids[i]) == NULL, i == t->expect);
    ck_assert_int_eq(bn_session_cache_count(c), 3);
}

START_TEST(test_eviction) {
    struct fake_world w;
    struct trial t = trials[_i];
    fake_world_init_sessions(&w, 1, 3, 3, 3);
    fake_world_run_on(&w, 0, do_trial, &t);
    fake_world_fini(&w);
}
END_TEST

static void do_ids(struct fake_world *w, void *arg) {
    int shard = *(int *)arg;
    for (int i = 0; i < 100; i++) {
        struct bn_session_cache_entry *s = bn_session_cache_open(w->sessions[shard], false, true, 1);
        ck_assert_ptr_nonnull(s);
        ck_assert_int_gt(s->id, 0);
        ck_assert_int_eq(s->epoch, 1);
        ck_assert_int_eq(bn_session_cache_home(s->id, 3), shard);
        ck_assert_ptr_eq(bn_session_cache_find(w->sessions[shard], s->id), s);
    }
    ck_assert_int_eq(bn_session_cache_count(w->sessions[shard]), 100);
    ck_assert_int_eq(bn_session_cache_partitions(w->sessions[shard]), 100);
}

/* An id is positive, and says where home is. */
START_TEST(test_ids) {
    struct fake_world w;
    fake_world_init_sessions(&w, 3, 300, 3, 3);
    for (int i = 0; i < 3; i++) fake_world_run_on(&w, i, do_ids, &i);
    fake_world_fini(&w);
}
END_TEST

/* The shares of all shards are the whole. */
START_TEST(test_shares) {
    for (int shards = 1; shards <= 7; shards++) {
        int sum = 0;
        for (int i = 0; i < shards; i++) sum += bn_session_cache_share(1000, i, shards);
        ck_assert_int_eq(sum, 1000);
    }
}
END_TEST

Suite *session_cache_suite(void) {
    Suite *s = suite_create("session_cache");
    TCase *t = tcase_create("session_cache");
    tcase_add_loop_test(t, test_eviction, 0, (int)BN_ARRAY_LEN(trials));
    tcase_add_test(t, test_ids);
    tcase_add_test(t, test_shares);
    suite_add_tcase(s, t);
    return s;
}
