/* partition_trim_test.c: goal: DeleteRecords raises the start at once, answers when live followers have followed, and
 * is refused where it must be. */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/replica/world.h"
#include "tests/unit/unit.h"

Suite *partition_trim_suite(void);

static const struct world_state alone = {WORLD_BROKER, 0, 0, {WORLD_BROKER}, {WORLD_BROKER}, 1, 1};
static const struct world_state with_follower = {WORLD_BROKER, 0, 0, {WORLD_BROKER, 2}, {WORLD_BROKER, 2}, 2, 2};

struct trimming {
    struct bn_partition_trim trim;
    int answers;
};

static void on_done(struct bn_partition_trim *t) { BN_CONTAINER_OF(t, struct trimming, trim)->answers++; }

static void do_trim(struct world *w, void *arg) {
    struct trimming *t = arg;
    t->trim.done = on_done;
    bn_partition_trim(bn_roster_find(w->roster, &world_id, 0), &t->trim);
}

static void do_fetch(struct world *w, void *arg) { bn_partition_read(bn_roster_find(w->roster, &world_id, 0), arg); }

static void fetch(struct world *w, int64_t offset, int64_t log_start) {
    struct bn_partition_read r = {.offset = offset,
                                  .max_bytes = 1 << 20,
                                  .current_leader_epoch = 0,
                                  .replica_id = 2,
                                  .replica_epoch = 70,
                                  .replica_log_start = log_start,
                                  .last_fetched_epoch = -1,
                                  .progress = true,
                                  .whole_first = true};
    bn_chain_init(&r.records);
    world_on_shard(w, do_fetch, &r);
    bn_chain_fini(&r.records);
    ck_assert_int_eq(r.error, KE_NONE);
}

START_TEST(test_alone) {
    static const struct {
        int64_t offset;
        int16_t error;
        int64_t low;
    } cases[] = {{2, KE_NONE, 2},
                 {-1, KE_NONE, 5},
                 {5, KE_NONE, 5},
                 {6, KE_OFFSET_OUT_OF_RANGE, -1},
                 {-2, KE_OFFSET_OUT_OF_RANGE, -1}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct world w;
        struct trimming t = {.trim = {.offset = cases[i].offset, .timeout_ms = 1000}};
        world_start(&w);
        world_decide(&w, alone);
        ck_assert_int_eq(world_append(&w, 5, 1, 1000, NULL), KE_NONE);
        world_on_shard(&w, do_trim, &t);
        ck_assert_int_eq(t.answers, 1);
        ck_assert_int_eq(t.trim.error, cases[i].error);
        ck_assert_int_eq(t.trim.low_watermark, cases[i].low);
        world_stop(&w);
    }
}
END_TEST

/* A registered follower is waited for until it tells a start as high. */
START_TEST(test_waits_for_followers) {
    struct world w;
    struct bn_partition_read r;
    struct trimming t = {.trim = {.offset = 3, .timeout_ms = 60000}};
    world_start(&w);
    world_register(&w, 2, 70);
    world_decide(&w, with_follower);
    world_await_open(&w);
    ck_assert_int_eq(world_append(&w, 5, 1, 1000, NULL), KE_NONE);
    fetch(&w, 5, 0);
    world_on_shard(&w, do_trim, &t);
    ck_assert_int_eq(t.answers, 0);
    ck_assert_int_eq(world_read(&w, 2, -1, &r), KE_OFFSET_OUT_OF_RANGE);
    fetch(&w, 5, 2);
    ck_assert_int_eq(t.answers, 0);
    fetch(&w, 5, 3);
    ck_assert_int_eq(t.answers, 1);
    ck_assert_int_eq(t.trim.error, KE_NONE);
    ck_assert_int_eq(t.trim.low_watermark, 3);
    world_stop(&w);
}
END_TEST

/* One that is gone is not; and losing leadership answers whoever waits. */
START_TEST(test_dead_followers_and_lost_leadership) {
    struct world w;
    struct trimming dead = {.trim = {.offset = 1, .timeout_ms = 60000}};
    struct trimming lost = {.trim = {.offset = 3, .timeout_ms = 60000}};
    world_start(&w);
    world_register(&w, 2, 70);
    world_decide(&w, with_follower);
    world_await_open(&w);
    ck_assert_int_eq(world_append(&w, 5, 1, 1000, NULL), KE_NONE);
    fetch(&w, 5, 0);
    world_on_shard(&w, do_trim, &dead);
    ck_assert_int_eq(dead.answers, 0);
    world_register(&w, 2, -1);
    ck_assert_int_eq(dead.answers, 1);
    ck_assert_int_eq(dead.trim.error, KE_NONE);
    world_register(&w, 2, 71);
    world_on_shard(&w, do_trim, &lost);
    struct world_state other = with_follower;
    other.leader = 2;
    other.leader_epoch = other.partition_epoch = 1;
    world_decide(&w, other);
    ck_assert_int_eq(lost.answers, 1);
    ck_assert_int_eq(lost.trim.error, KE_NOT_LEADER_OR_FOLLOWER);
    world_stop(&w);
}
END_TEST

Suite *partition_trim_suite(void) {
    Suite *s = suite_create("partition_trim");
    TCase *t = tcase_create("partition_trim");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_alone);
    tcase_add_test(t, test_waits_for_followers);
    tcase_add_test(t, test_dead_followers_and_lost_leadership);
    suite_add_tcase(s, t);
    return s;
}
