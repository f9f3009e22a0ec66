/* partition_test.c: which role a decision gives a replica, and what an epoch means to it.
 */
#include "tests/unit/broker/replica/world.h"

#include "proto/kafka/errors.h"
#include "tests/unit/unit.h"

Suite *partition_suite(void);

static const struct world_state alone = {WORLD_BROKER, 0, 0, {WORLD_BROKER}, {WORLD_BROKER}, 1, 1};

/* Epochs: older requests are fenced, newer ones not known yet; a follower refuses; an older decision changes nothing.
 */
START_TEST(test_epochs) {
    struct world w;
    struct bn_partition_read r;
    struct world_state state = alone;
    world_start(&w);
    state.leader_epoch = 5;
    world_decide(&w, state);
    world_await_open(&w);
    ck_assert_int_eq(world_read(&w, 0, 4, &r), KE_FENCED_LEADER_EPOCH);
    ck_assert_int_eq(world_read(&w, 0, 6, &r), KE_UNKNOWN_LEADER_EPOCH);
    ck_assert_int_eq(world_read(&w, 0, 5, &r), KE_NONE);
    state.leader_epoch = 6;
    state.leader = 2;
    state.replicas[1] = 2;
    state.replica_count = 2;
    world_decide(&w, state);
    ck_assert_int_eq(world_append(&w, 1, 1, 1000, NULL), KE_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(r.leader_id, 2);
    world_stop(&w);
}
END_TEST

static void look_epoch(struct world *w, void *arg) {
    struct bn_partition *p = bn_roster_find(w->roster, &world_id, 0);
    ck_assert_ptr_nonnull(p);
    struct bn_partition_offsets q = {.timestamp = -2, .current_leader_epoch = 1, .replica_id = -1};
    bn_partition_offsets(p, &q);
    *(int *)arg = q.error;
}

/* The same leader in a new epoch goes on leading, in the new one. */
START_TEST(test_new_epoch_is_taken_up) {
    struct world w;
    struct world_state state = alone;
    int error = -1;
    world_start(&w);
    world_decide(&w, state);
    ck_assert_int_eq(world_append(&w, 1, -1, 1000, NULL), KE_NONE);
    state.leader_epoch = 1;
    world_decide(&w, state);
    world_on_shard(&w, look_epoch, &error);
    ck_assert_int_eq(error, KE_NONE);
    ck_assert_int_eq(world_append(&w, 1, -1, 1000, NULL), KE_NONE);
    world_stop(&w);
}
END_TEST

Suite *partition_suite(void) {
    Suite *s = suite_create("partition");
    TCase *t = tcase_create("partition");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_epochs);
    tcase_add_test(t, test_new_epoch_is_taken_up);
    suite_add_tcase(s, t);
    return s;
}
