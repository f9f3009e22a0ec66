/* partition_serve_test.c: what is read of a partition, and who hears that there is more.
 */
#include "tests/unit/broker/replica/world.h"

#include "proto/kafka/errors.h"
#include "tests/unit/unit.h"

Suite *partition_serve_suite(void);

static const struct world_state alone = {WORLD_BROKER, 0, 0, {WORLD_BROKER}, {WORLD_BROKER}, 1, 1};
static const struct world_state with_follower = {WORLD_BROKER, 0, 0, {WORLD_BROKER, 2}, {WORLD_BROKER, 2}, 2, 2};

/* With an in-sync follower that has not fetched, nothing is committed: acks=all times out, consumers see nothing,
 * acks=1 is fine. */
START_TEST(test_uncommitted_is_invisible) {
    struct world w;
    struct bn_partition_read r;
    world_start(&w);
    world_decide(&w, with_follower);
    ck_assert_int_eq(world_append(&w, 1, -1, 20, NULL), KE_REQUEST_TIMED_OUT);
    ck_assert_int_eq(world_append(&w, 1, 1, 1000, NULL), KE_NONE);
    ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NONE);
    ck_assert_int_eq(r.high_watermark, 0);
    ck_assert_uint_eq(r.bytes, 0);
    /* The follower leaves the ISR by the controller's decision: what was appended is committed. */
    struct world_state shrunk = with_follower;
    shrunk.partition_epoch = 1;
    shrunk.isr_count = 1;
    world_decide(&w, shrunk);
    ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NONE);
    ck_assert_int_eq(r.high_watermark, 2);
    world_stop(&w);
}
END_TEST

struct hearing {
    struct bn_partition_interest interest;
    int told, woken;
};

static void on_moved(struct bn_partition_interest *i, bool wake) {
    struct hearing *h = BN_CONTAINER_OF(i, struct hearing, interest);
    h->told++;
    if (wake) h->woken++;
}

static void do_hear(struct world *w, void *arg) {
    struct hearing *h = arg;
    h->interest.moved = on_moved;
    bn_partition_interest_add(bn_roster_find(w->roster, &world_id, 0), &h->interest);
}

static void do_forget(struct world *w, void *arg) {
    struct hearing *h = arg;
    (void)w;
    bn_partition_interest_drop(&h->interest);
}

/* A consumer's interest is told at once when there is something already, and then by each commit, until it is dropped;
 * a stop tells it once more, after which it is not registered. */
START_TEST(test_interest) {
    struct world w;
    struct hearing at_start = {.interest.seen = 0}, at_end = {.interest.seen = 1};
    world_start(&w);
    world_decide(&w, alone);
    ck_assert_int_eq(world_append(&w, 1, 1, 1000, NULL), KE_NONE);
    world_on_shard(&w, do_hear, &at_start);
    world_on_shard(&w, do_hear, &at_end);
    ck_assert_int_eq(at_start.woken, 1);
    ck_assert_int_eq(at_end.told, 0);
    ck_assert_int_eq(world_append(&w, 1, 1, 1000, NULL), KE_NONE);
    ck_assert_int_eq(at_start.woken, 2);
    ck_assert_int_eq(at_end.woken, 1);
    world_on_shard(&w, do_forget, &at_end);
    ck_assert_int_eq(world_append(&w, 1, 1, 1000, NULL), KE_NONE);
    ck_assert_int_eq(at_end.told, 1);
    world_stop(&w);
    ck_assert_int_eq(at_start.woken, 4);
    ck_assert(bn_list_empty(&at_start.interest.link));
}
END_TEST

static void do_offsets(struct world *w, void *arg) {
    bn_partition_offsets(bn_roster_find(w->roster, &world_id, 0), arg);
}

START_TEST(test_offsets) {
    static const struct {
        int64_t timestamp, offset;
    } cases[] = {{-1, 4}, {-2, 0}, {-4, 0}, {-5, -1}, {-3, 0}, {0, 0}, {INT64_MAX, -1}};
    struct world w;
    world_start(&w);
    world_decide(&w, alone);
    ck_assert_int_eq(world_append(&w, 4, 1, 1000, NULL), KE_NONE);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_partition_offsets q = {.timestamp = cases[i].timestamp, .current_leader_epoch = -1, .replica_id = -1};
        world_on_shard(&w, do_offsets, &q);
        ck_assert_int_eq(q.error, KE_NONE);
        ck_assert_msg(q.found.offset == cases[i].offset, "timestamp %" PRId64 " gave offset %" PRId64,
                      cases[i].timestamp, q.found.offset);
    }
    world_stop(&w);
}
END_TEST

Suite *partition_serve_suite(void) {
    Suite *s = suite_create("partition_serve");
    TCase *t = tcase_create("partition_serve");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_uncommitted_is_invisible);
    tcase_add_test(t, test_interest);
    tcase_add_test(t, test_offsets);
    suite_add_tcase(s, t);
    return s;
}
