/* partition_lead_test.c: what a leader appends, when it is answered, and how the high watermark moves.
 */
#include "tests/unit/broker/replica/world.h"

#include "proto/kafka/errors.h"
#include "tests/unit/unit.h"

Suite *partition_lead_suite(void);

static const struct world_state alone = {WORLD_BROKER, 0, 0, {WORLD_BROKER}, {WORLD_BROKER}, 1, 1};
static const struct world_state with_follower = {WORLD_BROKER, 0, 0, {WORLD_BROKER, 2}, {WORLD_BROKER, 2}, 2, 2};

/* Alone in the ISR, the leader commits what it appends, at once, whatever the acks. */
START_TEST(test_alone_commits_at_once) {
    struct world w;
    struct bn_partition_append a;
    struct bn_partition_read r;
    world_start(&w);
    world_decide(&w, alone);
    ck_assert_int_eq(world_append(&w, 3, 1, 1000, &a), KE_NONE); /* also while the log is still being opened */
    ck_assert_int_eq(a.log.base_offset, 0);
    ck_assert_int_eq(world_append(&w, 2, -1, 1000, &a), KE_NONE);
    ck_assert_int_eq(a.log.base_offset, 3);
    ck_assert_int_eq(a.log.last_offset, 4);
    ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NONE);
    ck_assert_int_eq(r.high_watermark, 5);
    ck_assert_uint_gt(r.bytes, 0);
    ck_assert_int_eq(world_read(&w, 5, 0, &r), KE_NONE);
    ck_assert_uint_eq(r.bytes, 0);
    ck_assert_int_eq(world_read(&w, 6, 0, &r), KE_OFFSET_OUT_OF_RANGE);
    world_stop(&w);
}
END_TEST

/* min.insync.replicas refuses acks=all before anything is written, and holds the watermark back for acks=1
 * (3-replication 3.2, 3.5). */
START_TEST(test_min_insync) {
    struct world w;
    struct bn_partition_append a;
    struct bn_partition_read r;
    world_start(&w);
    w.min_insync = 2;
    struct world_state state = with_follower;
    state.isr_count = 1;
    world_decide(&w, state);
    world_await_open(&w);
    ck_assert_int_eq(world_append(&w, 1, -1, 1000, NULL), KE_NOT_ENOUGH_REPLICAS);
    ck_assert_int_eq(world_append(&w, 1, 1, 1000, &a), KE_NONE);
    ck_assert_int_eq(a.log.base_offset, 0);
    ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NONE);
    ck_assert_int_eq(r.high_watermark, 0);
    world_stop(&w);
}
END_TEST

/* It is at most the replication factor: 2 with one replica is 1. */
START_TEST(test_min_insync_is_at_most_the_replication_factor) {
    struct world w;
    world_start(&w);
    w.min_insync = 2;
    world_decide(&w, alone);
    ck_assert_int_eq(world_append(&w, 1, -1, 1000, NULL), KE_NONE);
    world_stop(&w);
}
END_TEST

Suite *partition_lead_suite(void) {
    Suite *s = suite_create("partition_lead");
    TCase *t = tcase_create("partition_lead");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_alone_commits_at_once);
    tcase_add_test(t, test_min_insync);
    tcase_add_test(t, test_min_insync_is_at_most_the_replication_factor);
    suite_add_tcase(s, t);
    return s;
}
