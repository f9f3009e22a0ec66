/* group_sync_test.c: goal: nobody has an assignment that is not stored; errors of sync; a failed store begins anew. */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/party.h"
#include "tests/unit/unit.h"

Suite *group_sync_suite(void);

START_TEST(test_waits_for_the_store) {
    static struct party p;
    char a[64];
    party_begin(&p, 0);
    uint64_t j = party_come(&p, a);
    p.lazy = true;
    uint64_t s = party_sync(&p, a, p.answers[j].generation, true);
    party_pass(&p, 600000);
    ck_assert(!p.answers[s].there);
    ck_assert_int_eq(bn_group_state(p.group), BN_GROUP_COMPLETING);
    party_stored(&p, KE_NONE);
    ck_assert_int_eq(p.answers[s].error, KE_NONE);
    ck_assert_str_eq(p.answers[s].assignment + 4, a);
    party_end(&p);
}
END_TEST

START_TEST(test_failed_store) {
    static struct party p;
    char a[64];
    party_begin(&p, 0);
    uint64_t j = party_come(&p, a);
    p.lazy = true;
    uint64_t s = party_sync(&p, a, p.answers[j].generation, true);
    party_stored(&p, KE_COORDINATOR_NOT_AVAILABLE);
    ck_assert_int_eq(p.answers[s].error, KE_COORDINATOR_NOT_AVAILABLE);
    ck_assert_int_eq(bn_group_state(p.group), BN_GROUP_PREPARING);
    party_end(&p);
}
END_TEST

START_TEST(test_errors) {
    static struct party p;
    char a[64];
    party_begin(&p, 0);
    uint64_t j = party_come(&p, a);
    int32_t generation = p.answers[j].generation;
    ck_assert_int_eq(p.answers[party_sync(&p, "x", generation, false)].error, KE_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(p.answers[party_sync(&p, a, generation + 1, false)].error, KE_ILLEGAL_GENERATION);
    struct bn_group_sync other = {.token = p.next_token++,
                                  .generation = generation,
                                  .member_id = bn_slice_str(a),
                                  .protocol = BN_SLICE_LIT("other")};
    bn_group_sync(p.group, p.now_ms, &other, &p.outs);
    party_take(&p);
    ck_assert_int_eq(p.answers[other.token].error, KE_INCONSISTENT_GROUP_PROTOCOL);
    party_end(&p);
}
END_TEST

/* A member that was told of the generation and never comes for its assignment goes after the rebalance timeout. */
START_TEST(test_late_for_sync) {
    static struct party p;
    char a[64], b[64];
    party_begin(&p, 0);
    party_come(&p, a);
    party_come(&p, b);
    uint64_t ja = party_join(&p, (struct party_join){.id = a, .protocols = {"range"}, .version = 9});
    int32_t generation = p.answers[ja].generation;
    party_sync(&p, a, generation, true);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(bn_group_size(p.group), 2);
        (void)party_heartbeat(&p, a, generation);
        (void)party_heartbeat(&p, b, generation);
        party_pass(&p, 3000);
    }
    ck_assert_int_eq(bn_group_size(p.group), 1);
    party_end(&p);
}
END_TEST

Suite *group_sync_suite(void) {
    Suite *s = suite_create("group_sync");
    TCase *t = tcase_create("group_sync");
    tcase_add_test(t, test_waits_for_the_store);
    tcase_add_test(t, test_failed_store);
    tcase_add_test(t, test_errors);
    tcase_add_test(t, test_late_for_sync);
    suite_add_tcase(s, t);
    return s;
}
