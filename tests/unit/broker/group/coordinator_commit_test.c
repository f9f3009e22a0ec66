/* coordinator_commit_test.c: goal: a commit counts when it is below the watermark, and is refused for what is wrong. */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/office.h"
#include "tests/unit/unit.h"

Suite *coordinator_commit_suite(void);

static int64_t committed(struct office *o, const char *group) {
    const struct bn_offsets *offsets = NULL;
    ck_assert_int_eq(bn_coordinator_offsets(o->coordinator, 0, bn_slice_str(group), &offsets), KE_NONE);
    const struct bn_offsets_entry *e = offsets ? bn_offsets_get(offsets, BN_SLICE_LIT("t"), 0) : NULL;
    return e ? e->committed.offset : -1;
}

struct asking {
    const char *group;
    int64_t offset;
};

static bool is_committed(struct office *o, void *arg) {
    const struct asking *a = arg;
    return committed(o, a->group) == a->offset;
}

START_TEST(test_waits_for_the_watermark) {
    struct office o;
    struct office_commitment c;
    struct asking nothing = {"g", -1}, five = {"g", 5};
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    o.roster.partition.hold = true;
    office_offset(&o, &c, "g", 5);
    ck_assert_int_eq(c.answers, 0);
    office_until(&o, is_committed, &nothing);
    office_commit(&o);
    ck_assert_int_eq(c.answers, 1);
    ck_assert_int_eq(c.item.error, KE_NONE);
    office_until(&o, is_committed, &five);
    office_close(&o);
}
END_TEST

START_TEST(test_errors_of_the_log) {
    static const struct {
        int16_t log, client;
    } cases[] = {{KE_NOT_ENOUGH_REPLICAS, KE_COORDINATOR_NOT_AVAILABLE},
                 {KE_REQUEST_TIMED_OUT, KE_COORDINATOR_NOT_AVAILABLE},
                 {KE_NOT_LEADER_OR_FOLLOWER, KE_NOT_COORDINATOR},
                 {KE_MESSAGE_TOO_LARGE, KE_INVALID_COMMIT_OFFSET_SIZE}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct office o;
        struct office_commitment c;
        struct asking nothing = {"g", -1};
        office_open(&o);
        office_lead(&o, 4);
        office_await_loaded(&o);
        o.roster.partition.error = cases[i].log;
        office_offset(&o, &c, "g", 5);
        ck_assert_int_eq(c.item.error, cases[i].client);
        office_until(&o, is_committed, &nothing);
        office_close(&o);
    }
}
END_TEST

START_TEST(test_refusals) {
    struct office o;
    struct office_commitment c;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    struct office_commitment late = {.item = {.topic = BN_SLICE_LIT("t"), .metadata = BN_SLICE_LIT("m")}};
    (void)late;
    office_offset(&o, &c, "g", 5);
    ck_assert_int_eq(c.item.error, KE_NONE);
    struct office_join j;
    office_join(&o, &j, "g", "");
    office_turn(&o);
    office_offset(&o, &c, "g", 6); /* nobody's, while the group has members */
    ck_assert_int_eq(c.item.error, KE_UNKNOWN_MEMBER_ID);
    office_close(&o);
}
END_TEST

Suite *coordinator_commit_suite(void) {
    Suite *s = suite_create("coordinator_commit");
    TCase *t = tcase_create("coordinator_commit");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_waits_for_the_watermark);
    tcase_add_test(t, test_errors_of_the_log);
    tcase_add_test(t, test_refusals);
    suite_add_tcase(s, t);
    return s;
}
