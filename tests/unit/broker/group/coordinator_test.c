/* coordinator_test.c: goal: a request finds its group, or is told why not; who waits is told when the seat is lost. */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/office.h"
#include "tests/unit/unit.h"

Suite *coordinator_suite(void);

START_TEST(test_not_here) {
    struct office o;
    struct office_join j;
    struct office_commitment c;
    office_open(&o);
    office_join(&o, &j, "g", "");
    ck_assert_int_eq(j.join.error, KE_NOT_COORDINATOR);
    office_offset(&o, &c, "g", 5);
    ck_assert_int_eq(c.item.error, KE_NOT_COORDINATOR);
    office_close(&o);
}
END_TEST

START_TEST(test_a_group_forms) {
    struct office o;
    struct office_join j;
    struct office_sync s;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    office_join(&o, &j, "g", "");
    office_turn(&o);
    ck_assert_int_eq(j.answers, 1);
    ck_assert_int_eq(j.join.error, KE_NONE);
    ck_assert_int_eq(j.generation, 1);
    office_sync(&o, &s, "g", &j);
    office_turn(&o);
    ck_assert_int_eq(s.answers, 1);
    ck_assert_str_eq(s.got, "all of it");
    office_join(&o, &j, "g", "stranger");
    ck_assert_int_eq(j.join.error, KE_UNKNOWN_MEMBER_ID);
    office_close(&o);
}
END_TEST

START_TEST(test_losing_the_seat) {
    struct office o;
    struct office_join j;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    o.deaf = true; /* the block of generations is never recorded */
    office_join(&o, &j, "g", "");
    office_turn(&o);
    ck_assert_int_eq(j.answers, 0);
    office_lead(&o, -1);
    ck_assert_int_eq(j.answers, 1);
    ck_assert_int_eq(j.join.error, KE_NOT_COORDINATOR);
    o.waiting(o.waiting_arg, NULL);
    office_close(&o);
}
END_TEST

static bool is_joined(struct office *o, void *arg) { return ((struct office_join *)arg)->answers > 0; }

/* A follower died: the leader stays, under the next epoch. Who waits goes on waiting, and what the controller refused
 * under the former epoch is said again. After a gap others may have coordinated. */
START_TEST(test_keeping_the_seat) {
    struct office o;
    struct office_join j, late;
    Bn__GroupWriteReply old = BN__GROUP_WRITE_REPLY__INIT;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    o.deaf = true;
    office_join(&o, &j, "g", "");
    office_turn(&o);
    office_lead(&o, 5);
    ck_assert_int_eq(j.answers, 0);
    o.deaf = false;
    old.error = KE_NOT_COORDINATOR;
    o.waiting(o.waiting_arg, &old);
    office_until(&o, is_joined, &j);
    ck_assert_int_eq(j.join.error, KE_NONE);
    o.deaf = true;
    o.waiting = NULL;
    office_join(&o, &late, "h", "");
    office_turn(&o);
    office_lead(&o, 7);
    ck_assert_int_eq(late.answers, 1);
    ck_assert_int_eq(late.join.error, KE_NOT_COORDINATOR);
    o.waiting(o.waiting_arg, NULL);
    office_close(&o);
}
END_TEST

/* A coordinator whose followers have gone may have been deposed: after half a session its members are to look for
 * another one, whatever it believes itself. A member's session is 10 s. */
START_TEST(test_a_deposed_one_keeps_nobody) {
    struct office o;
    struct office_join j, stranger;
    struct office_sync s;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    office_join(&o, &j, "g", "");
    office_turn(&o);
    stranger = j;
    snprintf(stranger.member_id, sizeof stranger.member_id, "stranger");
    o.roster.partition.heard_ms = INT64_MIN;
    office_sync(&o, &s, "g", &j); /* this one is stored, which proves enough */
    office_turn(&o);
    ck_assert_int_eq(s.sync.error, KE_NONE);
    ck_assert_int_eq(office_heartbeat(&o, "g", &j, -1), KE_NONE);
    ck_assert_int_eq(office_heartbeat(&o, "g", &j, 5000), KE_NONE);
    ck_assert_int_eq(office_heartbeat(&o, "g", &j, 5001), KE_NOT_COORDINATOR);
    ck_assert_int_eq(office_heartbeat(&o, "g", &stranger, 3000), KE_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(office_heartbeat(&o, "g", &stranger, 3001), KE_NOT_COORDINATOR);
    ck_assert_int_eq(office_heartbeat(&o, "h", &j, 3000), KE_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(office_heartbeat(&o, "h", &j, 3001), KE_NOT_COORDINATOR);
    ck_assert_int_eq(office_heartbeat(&o, "g", &j, 5001), KE_NOT_COORDINATOR);
    office_sync(&o, &s, "g", &j);
    ck_assert_int_eq(s.answers, 1);
    ck_assert_int_eq(s.sync.error, KE_NOT_COORDINATOR);
    ck_assert_int_eq(office_heartbeat(&o, "g", &j, 0), KE_NONE); /* and it was the coordinator after all */
    office_sync(&o, &s, "g", &j);
    ck_assert_int_eq(s.sync.error, KE_NONE);
    ck_assert_str_eq(s.got, "all of it");
    office_close(&o);
}
END_TEST

/* The same while it loads: else whoever finds it would be told to wait for as long as it is cut off. */
START_TEST(test_a_deposed_one_loads_for_nobody) {
    struct office o;
    struct office_join j;
    office_open(&o);
    o.roster.partition.epoch_start = 1; /* and the watermark will never come there */
    office_lead(&o, 4);
    office_join(&o, &j, "g", "");
    ck_assert_int_eq(j.join.error, KE_COORDINATOR_LOAD_IN_PROGRESS);
    ck_assert_int_eq(office_heartbeat(&o, "g", &j, 3000), KE_NONE);
    ck_assert_int_eq(office_heartbeat(&o, "g", &j, 3001), KE_NOT_COORDINATOR);
    office_join(&o, &j, "g", "");
    ck_assert_int_eq(j.join.error, KE_NOT_COORDINATOR);
    office_close(&o);
}
END_TEST

Suite *coordinator_suite(void) {
    Suite *s = suite_create("coordinator");
    TCase *t = tcase_create("coordinator");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_not_here);
    tcase_add_test(t, test_a_group_forms);
    tcase_add_test(t, test_losing_the_seat);
    tcase_add_test(t, test_keeping_the_seat);
    tcase_add_test(t, test_a_deposed_one_keeps_nobody);
    tcase_add_test(t, test_a_deposed_one_loads_for_nobody);
    suite_add_tcase(s, t);
    return s;
}
