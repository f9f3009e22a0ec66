/* partition_lead_test.c: what a leader appends, when it is answered, and how the high watermark moves.
 */
#include "tests/unit/broker/replica/world.h"

#include "broker/replica/partition_int.h"
#include "proto/kafka/batch.h"
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

static const struct world_state trio = {WORLD_BROKER, 4, 0, {WORLD_BROKER, 2, 3}, {WORLD_BROKER, 2, 3}, 3, 3};

static int64_t watermark(struct world *w) {
    struct bn_partition_read r;
    ck_assert_int_eq(world_read(w, 0, -1, &r), KE_NONE);
    return r.high_watermark;
}

static void begin(struct world *w, struct world_state state) {
    world_start(w);
    for (int32_t id = 1; id <= 3; id++) world_register(w, id, 10 + id);
    world_decide(w, state);
    world_await_open(w);
}

/* acks=all is answered when every in-sync follower has asked for what comes next, and not before. */
START_TEST(test_followers_commit) {
    struct world w;
    struct world_append a = {.producer_id = -1}, b = a;
    struct bn_partition_read r;
    begin(&w, trio);
    world_append_start(&w, 3, -1, 60000, &a);
    world_append_start(&w, 2, -1, 60000, &b);
    ck_assert_int_eq(world_fetch(&w, 2, 12, 0, 4, &r), KE_NONE);
    ck_assert_uint_gt(r.bytes, 0);
    ck_assert_int_eq(world_fetch(&w, 2, 12, 5, 4, NULL), KE_NONE);
    ck_assert_int_eq(world_fetch(&w, 3, 13, 0, 4, NULL), KE_NONE);
    ck_assert(!world_append_is_done(&a));
    ck_assert_int_eq(world_fetch(&w, 3, 13, 3, 4, &r), KE_NONE);
    ck_assert_int_eq(r.high_watermark, 3); /* the answer knows already what the fetch brought about */
    ck_assert_int_eq(world_append_end(&a), KE_NONE);
    ck_assert_int_eq(a.append.log.base_offset, 0);
    ck_assert(!world_append_is_done(&b));
    ck_assert_int_eq(world_fetch(&w, 3, 13, 5, 4, NULL), KE_NONE);
    ck_assert_int_eq(world_append_end(&b), KE_NONE);
    ck_assert_int_eq(watermark(&w), 5);
    ck_assert_int_eq(world_fetch(&w, 3, 13, 2, 4, NULL), KE_NONE); /* it truncated: nothing is taken back */
    ck_assert_int_eq(watermark(&w), 5);
    world_stop(&w);
}
END_TEST

/* Somebody outside the ISR is not waited for; once proposed he is; the min.insync check counts only who is committed.
 */
START_TEST(test_joining) {
    struct world w;
    struct world_state state = trio;
    struct world_append a = {.producer_id = -1};
    state.isr_count = 2;
    world_start(&w);
    w.min_insync = 3;
    for (int32_t id = 1; id <= 3; id++) world_register(&w, id, 10 + id);
    world_decide(&w, state);
    world_await_open(&w);
    ck_assert_int_eq(world_append(&w, 4, 1, 1000, NULL), KE_NONE);
    ck_assert_int_eq(world_fetch(&w, 2, 12, 4, 4, NULL), KE_NONE);
    ck_assert_int_eq(world_fetch(&w, 3, 13, 4, 4, NULL), KE_NONE);
    ck_assert_int_eq(world_append(&w, 1, -1, 1000, NULL), KE_NOT_ENOUGH_REPLICAS);
    ck_assert_int_eq(watermark(&w), 0);
    state.isr_count = 3;
    state.partition_epoch = 1;
    world_answer(&w, KE_NONE, state);
    ck_assert_int_eq(watermark(&w), 4);
    world_append_start(&w, 1, -1, 60000, &a);
    ck_assert_int_eq(world_fetch(&w, 2, 12, 5, 4, NULL), KE_NONE);
    ck_assert(!world_append_is_done(&a));
    ck_assert_int_eq(world_fetch(&w, 3, 13, 5, 4, NULL), KE_NONE);
    ck_assert_int_eq(world_append_end(&a), KE_NONE);
    world_stop(&w);
}
END_TEST

/* What is parked ends with the leader's reign: somebody else leads, or may have led between. Where it goes on under the
 * very next epoch, the produce goes on waiting. The new epoch knows of nobody. */
START_TEST(test_new_epoch) {
    static const struct {
        int32_t leader, epoch;
        bool goes_on;
    } cases[] = {{WORLD_BROKER, 5, true}, {WORLD_BROKER, 6, false}, {2, 5, false}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct world w;
        struct world_state state = trio;
        struct world_append a = {.producer_id = -1};
        int32_t epoch = cases[i].epoch;
        begin(&w, trio);
        ck_assert_int_eq(world_append(&w, 2, 1, 1000, NULL), KE_NONE);
        ck_assert_int_eq(world_fetch(&w, 2, 12, 2, 4, NULL), KE_NONE);
        ck_assert_int_eq(world_fetch(&w, 3, 13, 2, 4, NULL), KE_NONE);
        ck_assert_int_eq(watermark(&w), 2);
        world_append_start(&w, 2, -1, 60000, &a);
        ck_assert_int_eq(world_fetch(&w, 2, 12, 4, 4, NULL), KE_NONE);
        state.leader_epoch = epoch;
        state.partition_epoch = 1;
        state.leader = cases[i].leader;
        world_decide(&w, state);
        ck_assert_int_eq(world_append_is_done(&a), !cases[i].goes_on);
        if (cases[i].leader == WORLD_BROKER) {
            ck_assert_int_eq(world_fetch(&w, 3, 13, 4, epoch, NULL), KE_NONE);
            ck_assert_int_eq(watermark(&w), 2);
            ck_assert_int_eq(world_append_is_done(&a), !cases[i].goes_on);
            ck_assert_int_eq(world_fetch(&w, 2, 12, 4, epoch, NULL), KE_NONE);
            ck_assert_int_eq(watermark(&w), 4);
        }
        ck_assert_int_eq(world_append_end(&a), cases[i].goes_on ? KE_NONE : KE_NOT_LEADER_OR_FOLLOWER);
        ck_assert_int_eq(a.append.leader_id, cases[i].leader);
        ck_assert_int_eq(a.append.leader_epoch, epoch);
        world_stop(&w);
    }
}
END_TEST

/* Below min.insync.replicas what is parked waits for its time to be over, and is answered if the ISR grows before. */
START_TEST(test_isr_falls_below_min) {
    struct world w;
    struct world_state state = trio;
    struct world_append a = {.producer_id = -1}, b = a;
    world_start(&w);
    w.min_insync = 2;
    world_decide(&w, state);
    world_await_open(&w);
    world_append_start(&w, 1, -1, 60000, &a);
    state.partition_epoch = 1;
    state.isr_count = 1;
    world_decide(&w, state);
    ck_assert(!world_append_is_done(&a));
    world_append_start(&w, 1, 1, 60000, &b);
    ck_assert_int_eq(world_append_end(&b), KE_NONE);
    ck_assert_int_eq(watermark(&w), 0);
    ck_assert_int_eq(world_fetch(&w, 2, 12, 2, 4, NULL), KE_NONE);
    ck_assert_int_eq(watermark(&w), 0);
    state.partition_epoch = 2;
    state.isr_count = 2;
    world_decide(&w, state);
    ck_assert_int_eq(world_append_end(&a), KE_NONE);
    ck_assert_int_eq(watermark(&w), 2);
    world_stop(&w);
}
END_TEST

/* A duplicate is answered, with the offsets of the original, when that is committed (safety §3). */
START_TEST(test_duplicate_waits) {
    struct world w;
    struct world_append a = {.producer_id = 7, .sequence = 0}, b = a;
    begin(&w, trio);
    world_append_start(&w, 3, -1, 60000, &a);
    ck_assert_int_eq(world_append(&w, 1, 1, 1000, NULL), KE_NONE);
    world_append_start(&w, 3, -1, 60000, &b);
    ck_assert(!world_append_is_done(&a) && !world_append_is_done(&b));
    ck_assert_int_eq(world_fetch(&w, 2, 12, 3, 4, NULL), KE_NONE);
    ck_assert_int_eq(world_fetch(&w, 3, 13, 3, 4, NULL), KE_NONE);
    ck_assert_int_eq(world_append_end(&a), KE_NONE);
    ck_assert_int_eq(world_append_end(&b), KE_NONE);
    ck_assert(b.append.log.duplicate);
    ck_assert_int_eq(b.append.log.base_offset, 0);
    ck_assert_int_eq(b.append.log.last_offset, 2);
    world_stop(&w);
}
END_TEST

/* What this broker took in as a follower counts when it leads: the producer's retry is a duplicate, and waits until the
 * followers of the new epoch have it. */
struct replicated {
    struct bn_str bytes;
    int status;
};

static void do_replicate(struct world *w, void *arg) {
    struct replicated *r = arg;
    struct bn_log_replica in = {.bytes = (const uint8_t *)r->bytes.ptr, .len = r->bytes.len, .fetch_offset = 0};
    r->status = bn_log_append_replica(bn_roster_find(w->roster, &world_id, 0)->log, &in);
}

START_TEST(test_duplicate_after_failover) {
    struct world w;
    struct world_state state = trio;
    struct world_append a = {.producer_id = 7, .sequence = 0};
    struct replicated r;
    struct bn_batch_builder builder;
    bn_batch_builder_init(&builder);
    bn_str_init(&r.bytes);
    builder.producer_id = 7;
    builder.producer_epoch = 0;
    builder.base_sequence = 0;
    builder.leader_epoch = 3;
    for (int i = 0; i < 3; i++)
        bn_batch_builder_add(&builder, i, 1000, BN_SLICE_NULL, BN_SLICE_LIT("value"), 0, BN_SLICE_NULL);
    ck_assert_int_eq(bn_batch_builder_finish(&builder, BN_CODEC_NONE, 0, &r.bytes), BN_OK);
    bn_batch_builder_fini(&builder);
    state.leader = 2;
    state.leader_epoch = 3;
    begin(&w, state);
    world_on_shard(&w, do_replicate, &r);
    ck_assert_int_eq(r.status, BN_OK);
    world_decide(&w, trio);
    world_append_start(&w, 3, -1, 60000, &a);
    ck_assert_int_eq(world_fetch(&w, 2, 12, 3, 4, NULL), KE_NONE);
    ck_assert(!world_append_is_done(&a));
    ck_assert_int_eq(world_fetch(&w, 3, 13, 3, 4, NULL), KE_NONE);
    ck_assert_int_eq(world_append_end(&a), KE_NONE);
    ck_assert(a.append.log.duplicate);
    ck_assert_int_eq(a.append.log.last_offset, 2);
    ck_assert_int_eq(watermark(&w), 3);
    a.sequence = 3; /* the next one is none */
    world_append_start(&w, 1, 1, 1000, &a);
    ck_assert_int_eq(world_append_end(&a), KE_NONE);
    ck_assert_int_eq(a.append.log.base_offset, 3);
    bn_str_fini(&r.bytes);
    world_stop(&w);
}
END_TEST

struct vouching { /* a follower's session with partition 0 */
    struct bn_partition_interest interest;
    _Atomic int64_t at_ms;
    int64_t heard_ms; /* out: all together */
};

static void on_moved(struct bn_partition_interest *i, bool wake) {
    (void)i;
    (void)wake;
}

static void do_vouch(struct world *w, void *arg) {
    struct vouching *v = arg;
    struct bn_partition *p = bn_roster_find(w->roster, &world_id, 0);
    v->interest.moved = on_moved;
    v->interest.follower = true;
    v->interest.heard_ms = &v->at_ms;
    if (v->interest.replica_id > 0) bn_partition_interest_add(p, &v->interest);
    v->heard_ms = bn_partition_heard_ms(p);
}

static void do_withdraw(struct world *w, void *arg) {
    struct vouching *v = arg;
    bn_partition_interest_drop(&v->interest);
    v->heard_ms = bn_partition_heard_ms(bn_roster_find(w->roster, &world_id, 0));
}

/* Each that could be elected vouches by its own session, under the epoch of now; who is not in the ISR does not count,
 * and alone nobody has to. */
START_TEST(test_heard_of_all) {
    struct world w;
    const int64_t later_ms = INT64_MAX / 2;
    struct vouching nobody = {0}, two = {.interest = {.replica_id = 2, .leader_epoch = 4}, .at_ms = later_ms + 2};
    struct vouching three = {.interest = {.replica_id = 3, .leader_epoch = 3}, .at_ms = later_ms + 1};
    struct vouching again = {.interest = {.replica_id = 3, .leader_epoch = 4}, .at_ms = later_ms};
    world_start(&w);
    for (int32_t id = 1; id <= 3; id++) world_register(&w, id, 10 + id);
    world_decide(&w, trio);
    world_on_shard(&w, do_vouch, &nobody); /* also while its log is still being opened */
    ck_assert_int_gt(nobody.heard_ms, 0);
    world_await_open(&w);
    world_on_shard(&w, do_vouch, &nobody);
    int64_t elected_ms = nobody.heard_ms;
    ck_assert_int_gt(elected_ms, 0);
    world_on_shard(&w, do_vouch, &two);
    ck_assert_int_eq(two.heard_ms, elected_ms);
    world_on_shard(&w, do_vouch, &three); /* under an epoch that is over */
    ck_assert_int_eq(three.heard_ms, elected_ms);
    world_on_shard(&w, do_vouch, &again);
    ck_assert_int_eq(again.heard_ms, later_ms);
    world_on_shard(&w, do_withdraw, &again); /* forgotten */
    ck_assert_int_eq(again.heard_ms, elected_ms);
    struct world_state state = trio;
    state.partition_epoch = 1;
    state.isr_count = 2; /* without 3 */
    world_decide(&w, state);
    world_on_shard(&w, do_vouch, &nobody);
    ck_assert_int_eq(nobody.heard_ms, later_ms + 2);
    state.partition_epoch = 2;
    state.isr_count = 1;
    world_decide(&w, state);
    world_on_shard(&w, do_vouch, &nobody);
    ck_assert_int_eq(nobody.heard_ms, INT64_MAX);
    state.leader = 2;
    state.leader_epoch = 5;
    state.isr[0] = 2;
    world_decide(&w, state);
    world_on_shard(&w, do_vouch, &nobody);
    ck_assert_int_eq(nobody.heard_ms, INT64_MIN);
    world_on_shard(&w, do_withdraw, &two);
    world_on_shard(&w, do_withdraw, &three);
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
    tcase_add_test(t, test_followers_commit);
    tcase_add_test(t, test_joining);
    tcase_add_test(t, test_new_epoch);
    tcase_add_test(t, test_isr_falls_below_min);
    tcase_add_test(t, test_duplicate_waits);
    tcase_add_test(t, test_duplicate_after_failover);
    tcase_add_test(t, test_heard_of_all);
    suite_add_tcase(s, t);
    return s;
}
