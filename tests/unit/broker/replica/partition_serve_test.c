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
    world_await_open(&w);
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

/* What a follower is told that may not fetch, and that what is refused is not progress (3-replication 3.3, 3.8). */
START_TEST(test_followers_errors) {
    static const struct {
        int32_t id;
        int64_t broker_epoch, offset;
        int32_t current_epoch;
        int16_t expected;
    } cases[] = {
        {2, 12, 3, 5, KE_NONE},
        {2, 12, 3, -1, KE_NONE},
        {2, 12, 3, 4, KE_FENCED_LEADER_EPOCH},
        {2, 12, 3, 6, KE_UNKNOWN_LEADER_EPOCH},
        {3, 13, 3, 5, KE_UNKNOWN_LEADER_EPOCH},    /* no replica, but under the right epoch */
        {3, 13, 3, -1, KE_NOT_LEADER_OR_FOLLOWER}, /* no replica */
        {2, 11, 3, 5, KE_NOT_LEADER_OR_FOLLOWER},  /* an earlier life */
        {2, 12, 4, 5, KE_OFFSET_OUT_OF_RANGE},
        {2, 12, -1, 5, KE_OFFSET_OUT_OF_RANGE},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct world w;
        struct world_state state = with_follower;
        struct bn_partition_read r;
        state.leader_epoch = 5;
        world_start(&w);
        world_register(&w, 2, 12);
        world_register(&w, 3, 13);
        world_decide(&w, state);
        world_await_open(&w);
        ck_assert_int_eq(world_append(&w, 3, 1, 1000, NULL), KE_NONE);
        int16_t error = world_fetch(&w, cases[i].id, cases[i].broker_epoch, cases[i].offset, cases[i].current_epoch,
                                    &r);
        ck_assert_msg(error == cases[i].expected, "case %zu: %d", i, error);
        ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NONE);
        ck_assert_int_eq(r.high_watermark, cases[i].expected == KE_NONE ? 3 : 0);
        world_stop(&w);
    }
}
END_TEST

static void do_fetch(struct world *w, void *arg) {
    struct bn_partition_read *r = arg;
    bn_chain_init(&r->records);
    bn_partition_read(bn_roster_find(w->roster, &world_id, 0), r);
    bn_chain_fini(&r->records);
}

/* Neither a parked fetch that is read again nor one whose log parts from this one is progress. */
START_TEST(test_what_is_no_progress) {
    static const struct {
        int64_t offset;
        int32_t last_epoch;
        bool progress;
        int64_t watermark, diverging_end;
        int16_t error;
    } cases[] = {
        {3, 5, true, 3, -1, KE_NONE},  {3, 5, false, 0, -1, KE_NONE},
        {3, 4, true, 0, 0, KE_NONE}, /* of epochs before, nothing is here */
        {4, 5, true, 0, 3, KE_NONE},   {3, 6, true, 0, -1, KE_OFFSET_OUT_OF_RANGE}, /* an epoch that nobody led */
        {3, -1, true, 3, -1, KE_NONE},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct world w;
        struct world_state state = with_follower;
        state.leader_epoch = 5;
        world_start(&w);
        world_register(&w, 2, 12);
        world_decide(&w, state);
        world_await_open(&w);
        ck_assert_int_eq(world_append(&w, 3, 1, 1000, NULL), KE_NONE);
        struct bn_partition_read r = {.offset = cases[i].offset,
                                      .max_bytes = 1000,
                                      .current_leader_epoch = 5,
                                      .replica_id = 2,
                                      .replica_epoch = 12,
                                      .last_fetched_epoch = cases[i].last_epoch,
                                      .progress = cases[i].progress};
        world_on_shard(&w, do_fetch, &r);
        ck_assert_msg(r.error == cases[i].error, "case %zu: %d", i, r.error);
        ck_assert_msg(r.diverging_end == cases[i].diverging_end, "case %zu: %" PRId64, i, r.diverging_end);
        ck_assert_int_eq(world_read(&w, 0, -1, &r), KE_NONE);
        ck_assert_msg(r.high_watermark == cases[i].watermark, "case %zu: %" PRId64, i, r.high_watermark);
        world_stop(&w);
    }
}
END_TEST

/* A new leader that does not know yet how far the one before had committed tells consumers no end (KIP-207), but
 * followers its own, and anybody what is certain. */
START_TEST(test_no_end_before_it_is_known) {
    static const struct {
        int64_t timestamp;
        int32_t replica_id;
        int16_t error;
        int64_t offset;
    } cases[] = {
        {-1, -1, KE_OFFSET_NOT_AVAILABLE, -1}, {-1, 2, KE_NONE, 3}, {-2, -1, KE_NONE, 0},
        {0, -1, KE_OFFSET_NOT_AVAILABLE, -1},  {0, 2, KE_NONE, 0},  {-3, -1, KE_OFFSET_NOT_AVAILABLE, -1},
    };
    struct world w;
    struct world_state state = with_follower;
    world_start(&w);
    world_register(&w, 2, 12);
    world_decide(&w, state);
    ck_assert_int_eq(world_append(&w, 3, 1, 1000, NULL), KE_NONE);
    state.leader_epoch = 1;
    world_decide(&w, state);
    struct bn_partition_offsets q;
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        q = (struct bn_partition_offsets){
            .timestamp = cases[i].timestamp, .current_leader_epoch = -1, .replica_id = cases[i].replica_id};
        world_on_shard(&w, do_offsets, &q);
        ck_assert_msg(q.error == cases[i].error, "case %zu: error %d", i, q.error);
        ck_assert_msg(q.found.offset == cases[i].offset, "case %zu: offset %" PRId64, i, q.found.offset);
    }
    ck_assert_int_eq(world_fetch(&w, 2, 12, 3, 1, NULL), KE_NONE);
    q = (struct bn_partition_offsets){.timestamp = -1, .current_leader_epoch = -1, .replica_id = -1};
    world_on_shard(&w, do_offsets, &q);
    ck_assert_int_eq(q.error, KE_NONE);
    ck_assert_int_eq(q.found.offset, 3);
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
    tcase_add_test(t, test_followers_errors);
    tcase_add_test(t, test_what_is_no_progress);
    tcase_add_test(t, test_no_end_before_it_is_known);
    suite_add_tcase(s, t);
    return s;
}
