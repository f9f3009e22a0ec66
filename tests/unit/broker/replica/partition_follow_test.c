/* partition_follow_test.c: a follower takes what its leader sends only where it stands, cuts its log where the two
 * part, and neither leads nor goes while it is being cut.
 */
#include "tests/unit/broker/replica/follow.h"

#include "proto/kafka/errors.h"
#include "tests/unit/unit.h"

Suite *partition_follow_suite(void);

static const struct bn_partition_fetched nothing = {
    .asked = {.offset = -1, .leader_epoch = -1}, .diverging_epoch = -1, .diverging_end = -1};
static const struct follow_state following = {.leader = FOLLOW_LEADER, .leader_epoch = 5};

static void begin(struct world *w) {
    world_start(w);
    follow_decide(w, following);
}

/* Feeds one batch at the end of the log. */
static int feed_batch(struct world *w, int count, int32_t epoch, int64_t leaders_watermark) {
    struct bn_str bytes;
    bn_str_init(&bytes);
    follow_batch(&bytes, follow_end(w, 0), count, epoch);
    struct bn_partition_fetched f = nothing;
    f.records = bn_str_slice(&bytes);
    f.high_watermark = leaders_watermark;
    int rc = follow_feed(w, f);
    bn_str_fini(&bytes);
    return rc;
}

static struct {
    int64_t start, end, watermark;
    enum bn_partition_role role;
    bool cutting;
    struct bn_partition_position position;
    bool stands;
} seen;

static void look(struct world *w, void *arg) {
    (void)arg;
    struct bn_partition *p = follow_partition(w, 0);
    seen.start = bn_log_start_offset(p->log);
    seen.end = bn_log_end_offset(p->log);
    seen.watermark = p->high_watermark;
    seen.role = p->role;
    seen.cutting = p->cutting;
    seen.stands = bn_partition_position(p, &seen.position);
}

static int told, wakes;

static void on_moved(struct bn_partition_interest *i, bool wake) {
    (void)i;
    told++;
    wakes += wake;
}

static void add_interest(struct world *w, void *arg) {
    told = wakes = 0;
    bn_partition_interest_add(follow_partition(w, 0), arg);
}

static void drop_interest(struct world *w, void *arg) {
    (void)w;
    bn_partition_interest_drop(arg);
}

/* Records, then the watermark as far as it is here, then the log start as far as it is committed; whoever waits for the
 * watermark is told. */
START_TEST(test_takes_answers) {
    struct world w;
    struct bn_partition_interest i = {.moved = on_moved};
    begin(&w);
    bn_list_init(&i.link);
    world_on_shard(&w, add_interest, &i);
    ck_assert_int_eq(feed_batch(&w, 10, 3, 4), BN_OK);
    ck_assert_int_eq(told, 1 + 1); /* and at once: it is not served here */
    world_on_shard(&w, look, NULL);
    ck_assert(seen.stands);
    ck_assert_int_eq(seen.position.offset, 10);
    ck_assert_int_eq(seen.position.last_epoch, 3);
    ck_assert_int_eq(seen.position.leader_epoch, 5);
    ck_assert_int_eq(seen.watermark, 4);
    struct bn_partition_fetched f = nothing;
    f.high_watermark = 100;
    ck_assert_int_eq(follow_feed(&w, f), BN_OK);
    world_on_shard(&w, look, NULL);
    ck_assert_int_eq(seen.watermark, 10);
    f.high_watermark = 7, f.log_start = 100;
    ck_assert_int_eq(follow_feed(&w, f), BN_OK);
    world_on_shard(&w, look, NULL);
    ck_assert_int_eq(seen.watermark, 7);
    ck_assert_int_eq(seen.start, 7);
    f.high_watermark = -5, f.log_start = -5;
    ck_assert_int_eq(follow_feed(&w, f), BN_OK);
    world_on_shard(&w, look, NULL);
    ck_assert_int_eq(seen.watermark, 7); /* not below the start */
    ck_assert_int_eq(told, 1 + 4);       /* the start has moved, too */
    world_on_shard(&w, drop_interest, &i);
    world_stop(&w);
}
END_TEST

static struct bn_partition_read reading;

static void read_here(struct world *w, void *arg) {
    (void)arg;
    bn_chain_init(&reading.records);
    bn_partition_read(follow_partition(w, 0), &reading);
    bn_chain_fini(&reading.records);
}

/* Consumers that know of followers are served below the watermark known here (KIP-392); a rack is none of its business.
 */
START_TEST(test_serves_consumers) {
    static const struct {
        int64_t offset;
        int32_t current_epoch, replica_id;
        bool any_replica;
        int16_t error;
        bool records;
    } cases[] = {
        {0, 5, -1, true, KE_NONE, true},
        {0, -1, -1, true, KE_NONE, true},
        {4, 5, -1, true, KE_NONE, false},  /* the leader has more committed, for all that is known here */
        {10, 5, -1, true, KE_NONE, false}, /* the end */
        {11, 5, -1, true, KE_OFFSET_OUT_OF_RANGE, false},
        {-1, 5, -1, true, KE_OFFSET_OUT_OF_RANGE, false},
        {0, 4, -1, true, KE_FENCED_LEADER_EPOCH, false},
        {0, 6, -1, true, KE_UNKNOWN_LEADER_EPOCH, false},
        {0, 5, -1, false, KE_NOT_LEADER_OR_FOLLOWER, false},
        {0, 5, 3, false, KE_NOT_LEADER_OR_FOLLOWER, false},
        {0, 5, 3, true, KE_NOT_LEADER_OR_FOLLOWER, false}, /* followers follow leaders */
    };
    struct world w;
    begin(&w);
    ck_assert_int_eq(feed_batch(&w, 4, 5, 4), BN_OK);
    ck_assert_int_eq(feed_batch(&w, 6, 5, 4), BN_OK);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        reading = (struct bn_partition_read){.offset = cases[i].offset,
                                             .max_bytes = 1000,
                                             .current_leader_epoch = cases[i].current_epoch,
                                             .replica_id = cases[i].replica_id,
                                             .replica_epoch = -1,
                                             .last_fetched_epoch = -1,
                                             .any_replica = cases[i].any_replica,
                                             .rack = BN_SLICE_LIT("b"),
                                             .listener = "PLAINTEXT"};
        world_on_shard(&w, read_here, NULL);
        ck_assert_msg(reading.error == cases[i].error, "case %zu: %d", i, reading.error);
        ck_assert_msg((reading.bytes > 0) == cases[i].records, "case %zu: %zu bytes", i, reading.bytes);
        ck_assert_int_eq(reading.preferred, -1);
        if (cases[i].error == KE_NONE) ck_assert_int_eq(reading.high_watermark, 4);
    }
    world_stop(&w);
}
END_TEST

static struct bn_partition_offsets asking;

static void ask_here(struct world *w, void *arg) {
    (void)arg;
    bn_partition_offsets(follow_partition(w, 0), &asking);
}

/* Offsets are a leader's to tell; a debugger is told this replica's own. */
START_TEST(test_offsets_of_a_follower) {
    static const struct {
        int32_t replica_id;
        int64_t timestamp, offset;
        int16_t error;
    } cases[] = {
        {-1, -1, -1, KE_NOT_LEADER_OR_FOLLOWER},
        {3, -1, -1, KE_NOT_LEADER_OR_FOLLOWER},
        {-2, -1, 10, KE_NONE},
        {-2, -2, 0, KE_NONE},
        {-2, 0, 0, KE_NONE},
    };
    struct world w;
    begin(&w);
    ck_assert_int_eq(feed_batch(&w, 10, 5, 4), BN_OK);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        asking = (struct bn_partition_offsets){
            .timestamp = cases[i].timestamp, .current_leader_epoch = 5, .replica_id = cases[i].replica_id};
        world_on_shard(&w, ask_here, NULL);
        ck_assert_msg(asking.error == cases[i].error, "case %zu: %d", i, asking.error);
        ck_assert_msg(asking.found.offset == cases[i].offset, "case %zu: %" PRId64, i, asking.found.offset);
    }
    world_stop(&w);
}
END_TEST

/* A consumer waits here for the watermark that comes with the leader's answers; one that must ask the leader is told at
 * once. */
START_TEST(test_consumers_wait) {
    struct world w;
    struct bn_partition_interest i = {.moved = on_moved, .any_replica = true, .seen = 4}, older = i;
    begin(&w);
    ck_assert_int_eq(feed_batch(&w, 10, 5, 4), BN_OK);
    bn_list_init(&i.link);
    bn_list_init(&older.link);
    world_on_shard(&w, add_interest, &i);
    ck_assert_int_eq(wakes, 0);
    ck_assert_int_eq(feed_batch(&w, 1, 5, 4), BN_OK);
    ck_assert_int_eq(wakes, 0);
    ck_assert_int_eq(feed_batch(&w, 1, 5, 11), BN_OK);
    ck_assert_int_eq(wakes, 1);
    world_on_shard(&w, drop_interest, &i);
    world_on_shard(&w, add_interest, &i); /* seen less than there is */
    ck_assert_int_eq(wakes, 1);
    world_on_shard(&w, drop_interest, &i);
    older.any_replica = false;
    older.seen = 100;
    world_on_shard(&w, add_interest, &older);
    ck_assert_int_eq(wakes, 1);
    world_on_shard(&w, drop_interest, &older);
    world_stop(&w);
}
END_TEST

/* What answers another question than would be asked now changes nothing. */
START_TEST(test_stale_answers) {
    struct world w;
    struct bn_str bytes;
    begin(&w);
    ck_assert_int_eq(feed_batch(&w, 4, 5, 4), BN_OK);
    bn_str_init(&bytes);
    follow_batch(&bytes, 4, 2, 5);
    struct bn_partition_fetched f = nothing;
    f.records = bn_str_slice(&bytes);
    f.asked.offset = 3;
    ck_assert_int_eq(follow_feed(&w, f), BN_STALE);
    f.asked.offset = 4;
    f.asked.leader_epoch = 4;
    ck_assert_int_eq(follow_feed(&w, f), BN_STALE);
    f.asked.leader_epoch = 5;
    follow_decide(&w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 6});
    ck_assert_int_eq(follow_feed(&w, f), BN_STALE);
    f.asked.leader_epoch = 7;
    follow_decide(&w, (struct follow_state){.leader = WORLD_BROKER, .leader_epoch = 7});
    ck_assert_int_eq(follow_feed(&w, f), BN_STALE);
    ck_assert_int_eq(follow_end(&w, 0), 4);
    bn_str_fini(&bytes);
    world_stop(&w);
}
END_TEST

/* Bytes that no leader sends are not taken, and hurt nobody. */
START_TEST(test_corrupt_answers) {
    struct world w;
    begin(&w);
    ck_assert_int_eq(feed_batch(&w, 4, 5, 4), BN_OK);
    for (int i = 0; i < 7; i++) {
        struct bn_str bytes;
        bn_str_init(&bytes);
        follow_batch(&bytes, i == 1 ? 3 : 4, 3, i == 2 ? 4 : 5);
        if (i == 0) bytes.ptr[bytes.len - 1] ^= 1;      /* checksum */
        if (i == 3) bytes.len -= 1;                     /* cut off */
        if (i == 4) memset(bytes.ptr + 8, 0xff, 4);     /* length -1 */
        if (i == 5) memset(bytes.ptr, 0xff, bytes.len); /* nonsense */
        if (i == 6) follow_batch(&bytes, 5, 1, 5);      /* offsets go back */
        struct bn_partition_fetched f = nothing;
        f.records = bn_str_slice(&bytes);
        f.high_watermark = 1000;
        ck_assert_msg(follow_feed(&w, f) == BN_BAD, "case %d", i);
        ck_assert_int_eq(follow_end(&w, 0), 4);
        bn_str_fini(&bytes);
    }
    world_on_shard(&w, look, NULL);
    ck_assert_int_eq(seen.watermark, 4);
    ck_assert_int_eq(seen.role, BN_PARTITION_FOLLOWER);
    world_stop(&w);
}
END_TEST

/* 3-replication 3.7. Here: epoch 1 from 0, 2 from 10, 4 from 20, end 30; log start 5, high watermark 12. */
static const struct {
    int32_t epoch;
    int64_t end, want;
} diverging[] = {
    {4, 25, 25},  /* same epoch, the leader's is shorter */
    {4, 40, 30},  /* not below our end: nothing to drop */
    {2, 15, 15},  /* we have that epoch, longer */
    {2, 50, 20},  /* we have it shorter: to where it ends here */
    {3, 25, 20},  /* we don't have it: to the end of the largest below, and ask again */
    {1, 3, 5},    /* never below the log's start */
    {0, 9, 9},    /* below all that is known here */
    {-1, 22, 22}, /* the leader knows none */
    {-1, 99, 30}, /* ... and there is nothing to drop */
    {2, -1, 12},  /* no end is told: to the high watermark */
    {7, 18, 18},
};

START_TEST(test_diverging) {
    struct world w;
    begin(&w);
    ck_assert_int_eq(feed_batch(&w, 10, 1, 10), BN_OK);
    ck_assert_int_eq(feed_batch(&w, 5, 2, 12), BN_OK);
    ck_assert_int_eq(feed_batch(&w, 5, 2, 12), BN_OK);
    for (int i = 0; i < 10; i++) ck_assert_int_eq(feed_batch(&w, 1, 4, 12), BN_OK);
    struct bn_partition_fetched f = nothing;
    f.high_watermark = 12, f.log_start = 5;
    ck_assert_int_eq(follow_feed(&w, f), BN_OK);
    follow_decide(&w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 6});
    f.diverging_epoch = diverging[_i].epoch;
    f.diverging_end = diverging[_i].end;
    int rc = follow_feed(&w, f);
    int64_t want = diverging[_i].want;
    ck_assert_int_eq(rc, want == 30 ? BN_AGAIN : BN_OK);
    follow_await_cut(&w);
    world_on_shard(&w, look, NULL);
    /* A batch goes whole. */
    int64_t whole = want < 10 ? 5 : want < 15 ? 10 : want < 20 ? 15 : want;
    ck_assert_int_eq(seen.end, whole);
    ck_assert_int_eq(seen.start, 5);
    ck_assert_int_eq(seen.watermark, bn_min_i64(12, whole));
    ck_assert(seen.stands);
    ck_assert_int_eq(seen.position.last_epoch, whole <= 5 ? -1 : whole <= 10 ? 1 : whole <= 20 ? 2 : 4);
    world_stop(&w);
}
END_TEST

/* Goal: a leader that takes back what it has sent under its own epoch is obeyed, but is no progress: else both would
 * send and drop the same batches as fast as they can. Another leader's word counts again. */
START_TEST(test_leader_contradicts_itself) {
    struct world w;
    begin(&w);
    ck_assert_int_eq(feed_batch(&w, 4, 1, 4), BN_OK);
    struct bn_partition_fetched f = nothing;
    f.diverging_epoch = 1, f.diverging_end = 4;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(feed_batch(&w, 2, 2, 4), BN_OK);
        ck_assert_int_eq(follow_feed(&w, f), BN_AGAIN);
        follow_await_cut(&w);
        ck_assert_int_eq(follow_end(&w, 0), i == 0 ? 4 : 0);
        f.diverging_end = 0;
    }
    ck_assert_int_eq(feed_batch(&w, 4, 1, 4), BN_OK);
    follow_decide(&w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 6});
    ck_assert_int_eq(follow_feed(&w, f), BN_OK);
    follow_await_cut(&w);
    ck_assert_int_eq(follow_end(&w, 0), 0);
    world_stop(&w);
}
END_TEST

/* An epoch that began here without a batch, as a leader, is not claimed: the leader is asked with the last batch's. */
START_TEST(test_epoch_without_batch) {
    struct world w;
    begin(&w);
    ck_assert_int_eq(feed_batch(&w, 4, 5, 4), BN_OK);
    follow_decide(&w, (struct follow_state){.leader = WORLD_BROKER, .leader_epoch = 6});
    follow_decide(&w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 7});
    world_on_shard(&w, look, NULL);
    ck_assert(seen.stands);
    ck_assert_int_eq(seen.position.last_epoch, 5);
    ck_assert_int_eq(seen.position.offset, 4);
    world_stop(&w);
}
END_TEST

/* ---- while a truncation is under way ---- */

struct cut {
    int64_t offset;
    bool all;
};

static void cut(struct world *w, void *arg) {
    const struct cut *c = arg;
    bn_partition_cut(follow_partition(w, 0), c->offset, c->all);
}

static void begin_cut(struct world *w, int64_t offset) {
    begin(w);
    for (int i = 0; i < 10; i++) ck_assert_int_eq(feed_batch(w, 1, 5, 2), BN_OK);
    follow_hold_pool(w);
    world_on_shard(w, cut, &(struct cut){offset, false});
    world_on_shard(w, look, NULL);
    ck_assert(seen.cutting);
    ck_assert(!seen.stands);
}

/* Nothing is applied; a second cut waits for the first; then it goes on from there. */
START_TEST(test_one_cut_at_a_time) {
    struct world w;
    begin_cut(&w, 8);
    ck_assert_int_eq(follow_feed(&w, nothing), BN_STALE);
    world_on_shard(&w, cut, &(struct cut){6, false});
    world_on_shard(&w, look, NULL);
    ck_assert_int_eq(seen.end, 8);
    follow_release_pool(&w);
    follow_await_end(&w, 0, 6);
    follow_await_cut(&w);
    ck_assert_int_eq(feed_batch(&w, 1, 5, 2), BN_OK);
    world_stop(&w);
}
END_TEST

/* A cut that waits is void under a later leader. */
START_TEST(test_cut_of_an_older_leader) {
    struct world w;
    begin_cut(&w, 8);
    world_on_shard(&w, cut, &(struct cut){0, true});
    follow_decide(&w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 6});
    follow_release_pool(&w);
    follow_await_cut(&w);
    ck_assert_int_eq(follow_end(&w, 0), 8);
    world_stop(&w);
}
END_TEST

static void release(struct world *w, void *arg) {
    (void)arg;
    follow_release_pool(w);
}

/* Who becomes leader leads when the cut is on disk; what clients send meanwhile waits for that. */
START_TEST(test_lead_after_cut) {
    struct world w;
    struct bn_partition_append a;
    begin_cut(&w, 8);
    follow_decide(&w, (struct follow_state){.leader = WORLD_BROKER, .leader_epoch = 6});
    world_on_shard(&w, look, NULL);
    ck_assert_int_eq(seen.role, BN_PARTITION_LOADING);
    ck_assert_int_eq(world_append(&w, 1, 1, 0, NULL), KE_REQUEST_TIMED_OUT); /* waited, in vain */
    world_on_shard(&w, release, NULL);
    ck_assert_int_eq(world_append(&w, 1, 1, 10000, &a), KE_NONE);
    ck_assert_int_eq(a.log.base_offset, 8);
    world_on_shard(&w, look, NULL);
    ck_assert_int_eq(seen.role, BN_PARTITION_LEADER);
    world_stop(&w);
}
END_TEST

/* To lead and to follow again, all within one cut. */
START_TEST(test_roles_within_a_cut) {
    struct world w;
    begin_cut(&w, 8);
    follow_decide(&w, (struct follow_state){.leader = WORLD_BROKER, .leader_epoch = 6});
    follow_decide(&w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 7});
    world_on_shard(&w, look, NULL);
    ck_assert_int_eq(seen.role, BN_PARTITION_FOLLOWER);
    follow_release_pool(&w);
    follow_await_cut(&w);
    ck_assert_int_eq(feed_batch(&w, 1, 7, 2), BN_OK);
    ck_assert_int_eq(follow_end(&w, 0), 9);
    world_stop(&w);
}
END_TEST

/* A partition that goes waits for its cut: removed, or because the broker stops. */
START_TEST(test_going_waits_for_cut) {
    struct world w;
    begin_cut(&w, 8);
    if (_i == 0) world_remove(&w, true, false);
    follow_release_pool(&w);
    if (_i == 0) world_await_entry(&w, "t-0.", "-delete");
    world_stop(&w);
    ck_assert(w.stopped_clean);
}
END_TEST

/* The leader's log begins above our end: all goes, and the log begins there. */
START_TEST(test_begin_anew) {
    struct world w;
    begin(&w);
    ck_assert_int_eq(feed_batch(&w, 4, 5, 4), BN_OK);
    world_on_shard(&w, cut, &(struct cut){50, true});
    follow_await_cut(&w);
    world_on_shard(&w, look, NULL);
    ck_assert_int_eq(seen.start, 50);
    ck_assert_int_eq(seen.end, 50);
    ck_assert_int_eq(seen.watermark, 50);
    ck_assert_int_eq(seen.position.last_epoch, -1);
    ck_assert_int_eq(feed_batch(&w, 4, 5, 54), BN_OK);
    ck_assert_int_eq(follow_end(&w, 0), 54);
    world_stop(&w);
}
END_TEST

Suite *partition_follow_suite(void) {
    Suite *s = suite_create("partition_follow");
    TCase *t = tcase_create("partition_follow");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_takes_answers);
    tcase_add_test(t, test_serves_consumers);
    tcase_add_test(t, test_consumers_wait);
    tcase_add_test(t, test_offsets_of_a_follower);
    tcase_add_test(t, test_stale_answers);
    tcase_add_test(t, test_corrupt_answers);
    tcase_add_loop_test(t, test_diverging, 0, (int)BN_ARRAY_LEN(diverging));
    tcase_add_test(t, test_leader_contradicts_itself);
    tcase_add_test(t, test_epoch_without_batch);
    suite_add_tcase(s, t);
    t = tcase_create("partition_follow_cut");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_one_cut_at_a_time);
    tcase_add_test(t, test_cut_of_an_older_leader);
    tcase_add_test(t, test_lead_after_cut);
    tcase_add_test(t, test_roles_within_a_cut);
    tcase_add_loop_test(t, test_going_waits_for_cut, 0, 2);
    tcase_add_test(t, test_begin_anew);
    suite_add_tcase(s, t);
    return s;
}
