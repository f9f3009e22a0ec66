/* coordinator_store_test.c: goal: what is not answered is said again until it is; a fenced coordinator says so. */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/office.h"
#include "tests/unit/unit.h"

Suite *coordinator_store_suite(void);

static bool is_synced(struct office *o, void *arg) { return ((struct office_sync *)arg)->answers > 0; }
static bool is_joined(struct office *o, void *arg) { return ((struct office_join *)arg)->answers > 0; }

START_TEST(test_says_it_again) {
    struct office o;
    struct office_join j;
    struct office_sync s;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    o.write_error = KE_NOT_CONTROLLER;
    office_join(&o, &j, "g", "");
    office_turn(&o);
    ck_assert_int_eq(j.answers, 0);
    o.write_error = KE_NONE;
    office_until(&o, is_joined, &j);
    int writes = o.writes;
    o.write_error = KE_NOT_CONTROLLER;
    office_sync(&o, &s, "g", &j);
    office_turn(&o);
    ck_assert_int_eq(s.answers, 0);
    o.write_error = KE_NONE;
    office_until(&o, is_synced, &s);
    ck_assert_int_ge(o.writes, writes + 2);
    ck_assert_str_eq(s.got, "all of it");
    office_close(&o);
}
END_TEST

START_TEST(test_fenced) {
    struct office o;
    struct office_join j;
    struct office_sync s;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    office_join(&o, &j, "g", "");
    office_until(&o, is_joined, &j);
    o.write_error = KE_NOT_COORDINATOR;
    office_sync(&o, &s, "g", &j);
    office_until(&o, is_synced, &s);
    ck_assert_int_eq(s.sync.error, KE_NOT_COORDINATOR);
    office_close(&o);
}
END_TEST

/* A group that can never be written is told so, and its assignment is not said again. */
START_TEST(test_too_large) {
    struct office o;
    struct office_join j;
    struct office_sync s;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    office_join(&o, &j, "g", "");
    office_until(&o, is_joined, &j);
    o.write_error = KE_MESSAGE_TOO_LARGE;
    int writes = o.writes;
    office_sync(&o, &s, "g", &j);
    office_until(&o, is_synced, &s);
    ck_assert_int_eq(s.sync.error, KE_UNKNOWN_SERVER_ERROR);
    for (int i = 0; i < 20; i++) office_turn(&o);
    ck_assert_int_eq(o.writes, writes + 1);
    office_close(&o);
}
END_TEST

/* What is written late, in the midst of a round, is no settled group: its members are asked to join again by whoever
 * takes over. */
START_TEST(test_written_in_a_round) {
    struct office o;
    struct office_join j, late;
    struct office_sync s;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    office_join(&o, &j, "g", "");
    office_until(&o, is_joined, &j);
    o.write_error = KE_NOT_CONTROLLER;
    office_sync(&o, &s, "g", &j);
    office_turn(&o);
    office_join(&o, &late, "g", "");
    office_until(&o, is_synced, &s);
    ck_assert_int_eq(s.sync.error, KE_REBALANCE_IN_PROGRESS);
    o.write_error = KE_NONE;
    int writes = o.writes;
    while (o.writes < writes + 1) office_turn(&o);
    office_lead(&o, 6);
    office_await_loaded(&o);
    ck_assert_int_eq(late.join.error, KE_NOT_COORDINATOR);
    ck_assert_int_eq(office_heartbeat(&o, "g", &j, -1), KE_REBALANCE_IN_PROGRESS);
    office_close(&o);
}
END_TEST

enum { NEIGHBOURS = 5, UNFIT = 2 };
static const char *const NAMES[NEIGHBOURS] = {"a", "b", "unfit", "c", "d"};

struct street { /* groups whose assignments are handed in at the same time */
    struct office_join join[NEIGHBOURS];
    struct office_sync sync[NEIGHBOURS];
};

static bool all_synced(struct office *o, void *arg) {
    int answers = 0;
    for (int i = 0; i < NEIGHBOURS; i++) answers += ((const struct street *)arg)->sync[i].answers;
    return answers == NEIGHBOURS;
}

static void sync_together(struct office *o, struct street *s) {
    for (int i = 0; i < NEIGHBOURS; i++) {
        office_join(o, &s->join[i], NAMES[i], "");
        office_until(o, is_joined, &s->join[i]);
    }
    office_settle(o);
    o->deaf = true;
    for (int i = 0; i < NEIGHBOURS; i++) office_sync(o, &s->sync[i], NAMES[i], &s->join[i]);
    office_turn(o);
}

/* A group that can't be written is told so; those that shared its request are written. */
START_TEST(test_one_unfit) {
    static struct street s;
    struct office o;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    sync_together(&o, &s);
    o.deaf = false;
    o.unfit = NAMES[UNFIT];
    int writes = o.writes;
    o.waiting(o.waiting_arg, NULL); /* all is said once more, now together */
    office_until(&o, all_synced, &s);
    for (int i = 0; i < NEIGHBOURS; i++)
        ck_assert_int_eq(s.sync[i].sync.error, i == UNFIT ? KE_UNKNOWN_SERVER_ERROR : KE_NONE);
    ck_assert_int_eq(o.writes, writes + 1 + NEIGHBOURS);
    office_close(&o);
}
END_TEST

/* However large they are, and whatever it is that is large, groups are said in requests that can be sent. */
START_TEST(test_fits_into_a_frame) {
    static struct street s;
    static uint8_t large[(5 << 20) / 2];
    struct office o;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    memset(large, 'x', sizeof large);
    o.instance_id = bn_slice_of(large, sizeof large);
    sync_together(&o, &s);
    o.deaf = false;
    o.waiting(o.waiting_arg, NULL);
    office_until(&o, all_synced, &s);
    for (int i = 0; i < NEIGHBOURS; i++) ck_assert_int_eq(s.sync[i].sync.error, KE_NONE);
    office_close(&o);
}
END_TEST

Suite *coordinator_store_suite(void) {
    Suite *s = suite_create("coordinator_store");
    TCase *t = tcase_create("coordinator_store");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_says_it_again);
    tcase_add_test(t, test_fenced);
    tcase_add_test(t, test_too_large);
    tcase_add_test(t, test_written_in_a_round);
    tcase_add_test(t, test_one_unfit);
    tcase_add_test(t, test_fits_into_a_frame);
    suite_add_tcase(s, t);
    return s;
}
