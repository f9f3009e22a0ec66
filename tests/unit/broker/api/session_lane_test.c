/* session_lane_test.c: one lane by itself: what a visit looks at and gives, what is owed, what home is told and how
 * often.
 */
#include "broker/api/session_lane.h"

#include "tests/unit/broker/api/fake_partition.h"
#include "tests/unit/unit.h"

Suite *session_lane_suite(void);

static int told_quiet, told_wake;

static void on_news(struct bn_session_cache *cache, int32_t session_id, int lane, bool wake) {
    ck_assert_int_eq(session_id, 77);
    ck_assert_int_eq(lane, 0);
    *(wake ? &told_wake : &told_quiet) += 1;
}

struct lane_world {
    struct fake_world w;
    struct bn_session_lane *lane;
    struct bn_session_lane_visit v;
    struct bn_session_lane_change changes[4];
};

static void do_new(struct fake_world *w, void *arg) {
    struct lane_world *l = arg;
    struct bn_session_lane_config config = {.deps = &w->fake.deps,
                                            .shard = w->shard,
                                            .home = w->shard,
                                            .lanes = bn_session_cache_lanes(w->sessions[0]),
                                            .session_id = 77,
                                            .follower = true,
                                            .news = on_news};
    l->lane = bn_session_lane_new(&config);
}

static void do_visit(struct fake_world *w, void *arg) {
    struct lane_world *l = arg;
    bn_session_lane_drop(l->v.results);
    l->v.results = NULL;
    l->v.bytes = 0;
    l->v.urgent = false;
    bn_session_lane_visit(l->lane, &l->v);
}

static int visit(struct lane_world *l, int changes, bool confirmed) {
    for (int i = 0; i < changes; i++) {
        l->changes[i].key.partition = i;
        memset(l->changes[i].key.topic_id.bytes, 7, 16);
        l->changes[i].max_bytes = 1 << 20;
        l->changes[i].next = i + 1 < changes ? &l->changes[i + 1] : NULL;
        l->changes[i].last_fetched_epoch = l->changes[i].current_leader_epoch = -1;
    }
    l->v.changes = changes > 0 ? l->changes : NULL;
    l->v.confirmed = confirmed;
    l->v.by_id = true;
    l->v.replica_id = 2;
    l->v.max_bytes = 1 << 20;
    fake_world_run_on(&l->w, 0, do_visit, l);
    return l->v.results ? l->v.results->count : 0;
}

static void setup(struct lane_world *l) {
    *l = (struct lane_world){0};
    told_quiet = told_wake = 0;
    fake_world_init_sessions(&l->w, 1, 10, 4, 4);
    fake_world_run_on(&l->w, 0, do_new, l);
}

static void teardown(struct lane_world *l) {
    bn_session_lane_drop(l->v.results);
    fake_world_fini(&l->w); /* frees the lane: it is in the list of its shard's */
}

/* Given again until confirmed, then never. */
START_TEST(test_owed) {
    struct lane_world l;
    setup(&l);
    ck_assert_int_eq(visit(&l, 4, false), 4);
    ck_assert(l.v.dirty);
    ck_assert_int_eq(l.v.slot_count, 4);
    ck_assert_int_eq(visit(&l, 0, false), 4);
    ck_assert_int_eq(visit(&l, 0, true), 0);
    ck_assert(!l.v.dirty);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(l.w.roster.partitions[i].reads, 3);
    ck_assert_int_eq(visit(&l, 0, true), 0);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(l.w.roster.partitions[i].reads, 3);
    teardown(&l);
}
END_TEST

/* Home hears once of the first thing new, and once of the first thing worth waking for; after a visit, again. */
START_TEST(test_told_once) {
    struct lane_world l;
    setup(&l);
    for (int i = 0; i < 4; i++) l.w.roster.partitions[i].high_watermark = 0;
    for (int round = 1; round <= 2; round++) {
        visit(&l, 4, true);
        visit(&l, 0, true);
        ck_assert(!l.v.dirty);
        for (int i = 0; i < 4; i++) fake_world_commit(&l.w, i, round);
        fake_world_settle(&l.w);
        ck_assert_int_eq(told_quiet, round);
        ck_assert_int_eq(told_wake, round - 1);
        for (int i = 0; i < 4; i++) fake_world_grow(&l.w, i, round);
        for (int i = 0; i < 4; i++) l.changes[i].offset = round;
        fake_world_settle(&l.w);
        ck_assert_int_eq(told_quiet, round);
        ck_assert_int_eq(told_wake, round);
    }
    teardown(&l);
}
END_TEST

/* A wish is registered once, and gone with what is forgotten. */
START_TEST(test_wishes) {
    struct lane_world l;
    setup(&l);
    visit(&l, 3, true);
    visit(&l, 3, true);
    struct bn_list *wishes = &l.w.roster.partitions[1].interests;
    ck_assert(!bn_list_empty(wishes) && wishes->next == wishes->prev);
    ck_assert(bn_list_empty(&l.w.roster.partitions[3].interests));
    for (int i = 0; i < 3; i++) l.changes[i].forget = true;
    visit(&l, 3, true);
    ck_assert(bn_list_empty(wishes));
    ck_assert_int_eq(l.v.slot_count, 0);
    teardown(&l);
}
END_TEST

/* Who is sent to a closer replica hears of it at once, and each time until it has gone there (KIP-392). */
START_TEST(test_sent_to_a_closer_replica) {
    struct lane_world l;
    setup(&l);
    l.w.roster.partitions[1].closer = 3;
    l.v.rack = BN_SLICE_LIT("b");
    for (int round = 0; round < 2; round++) {
        int told = visit(&l, round == 0 ? 3 : 0, true);
        ck_assert_int_eq(told, round == 0 ? 3 : 1);
        ck_assert(l.v.urgent);
        const struct bn_session_lane_result *last = &l.v.results->items[round == 0 ? 1 : 0];
        ck_assert_int_eq(last->key.partition, 1);
        ck_assert_int_eq(last->read.preferred, 3);
        ck_assert(last->news);
    }
    teardown(&l);
}
END_TEST

Suite *session_lane_suite(void) {
    Suite *s = suite_create("session_lane");
    TCase *t = tcase_create("session_lane");
    tcase_add_test(t, test_owed);
    tcase_add_test(t, test_told_once);
    tcase_add_test(t, test_wishes);
    tcase_add_test(t, test_sent_to_a_closer_replica);
    suite_add_tcase(s, t);
    return s;
}
