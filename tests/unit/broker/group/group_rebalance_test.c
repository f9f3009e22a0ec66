/* group_rebalance_test.c: goal: a round waits for the slow, not for ever, and never for a generation that is not
 * reserved. */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/party.h"
#include "tests/unit/unit.h"

Suite *group_rebalance_suite(void);

/* The join is parked until the block of generations is recorded; time that passes meanwhile costs nobody. */
START_TEST(test_waits_for_the_block) {
    static struct party p;
    party_begin(&p, 0);
    p.lazy = true;
    uint64_t j = party_join(&p, (struct party_join){.protocols = {"range"}});
    ck_assert_int_eq(p.reserves, 1);
    ck_assert(!p.answers[j].there);
    party_pass(&p, 10 * 60 * 1000);
    ck_assert(!p.answers[j].there);
    party_reserved(&p, KE_NONE);
    ck_assert_int_eq(p.answers[j].generation, 1);
    ck_assert_int_eq(p.reserves, 1);
    party_end(&p);
}
END_TEST

START_TEST(test_blocks_are_renewed) {
    static struct party p;
    char a[64];
    party_begin(&p, 0);
    uint64_t j = party_come(&p, a);
    for (int32_t i = 1; i < 100; i++) { /* rounds that are never stored */
        ck_assert_int_eq(p.answers[j].generation, i);
        ck_assert_int_le(i, bn_group_reserved_up_to(p.group));
        j = party_join(&p, (struct party_join){.id = a, .protocols = {"range"}, .extra = i % 2 ? "x" : "y"});
    }
    ck_assert_int_ge(p.reserves, 6);
    ck_assert_int_le(p.reserves, 8);
    party_end(&p);
}
END_TEST

/* Who does not join in its rebalance timeout is left behind, though it goes on heartbeating. */
START_TEST(test_slow_member_is_left_behind) {
    static struct party p;
    char a[64], b[64];
    party_begin(&p, 0);
    party_come(&p, a);
    party_come(&p, b);
    uint64_t ja = party_join(&p, (struct party_join){.id = a, .protocols = {"range"}, .version = 9});
    int32_t generation = p.answers[ja].generation;
    party_sync(&p, a, generation, true);
    party_sync(&p, b, generation, false);
    ja = party_join(&p, (struct party_join){.id = a, .protocols = {"range"}, .extra = "+", .version = 9});
    for (int i = 0; i < 20; i++) {
        ck_assert(!p.answers[ja].there);
        ck_assert_int_eq(party_heartbeat(&p, b, generation), KE_REBALANCE_IN_PROGRESS);
        party_pass(&p, 3000);
    }
    ck_assert_int_eq(p.answers[ja].generation, generation + 1);
    ck_assert_int_eq(bn_group_size(p.group), 1);
    ck_assert_int_eq(party_heartbeat(&p, b, generation), KE_UNKNOWN_MEMBER_ID);
    party_end(&p);
}
END_TEST

/* A static member that does not come back in time stays a member until its session ends. */
START_TEST(test_static_members_stay) {
    static struct party p;
    char a[64];
    party_begin(&p, 1000);
    struct party_join is = {.instance = "i", .protocols = {"range"}, .version = 9};
    uint64_t ji = party_join(&p, is);
    party_come(&p, a);
    party_pass(&p, 3000);
    int32_t generation = p.answers[ji].generation;
    party_sync(&p, p.answers[ji].member_id, generation, true);
    party_sync(&p, a, generation, false);
    ck_assert_int_eq(party_leave(&p, a), KE_NONE);
    ck_assert_int_eq(bn_group_size(p.group), 1);
    ck_assert_int_eq(bn_group_state(p.group), BN_GROUP_PREPARING);
    party_pass(&p, 9000);
    ck_assert_int_eq(bn_group_size(p.group), 1);
    party_pass(&p, 2000);
    ck_assert_int_eq(bn_group_size(p.group), 0);
    party_end(&p);
}
END_TEST

/* A static member that went may come back at once, under another id. Nobody is told of a generation before that is
 * stored: a successor that still knows the former id would fence it. */
START_TEST(test_static_member_goes_and_comes) {
    static struct party p;
    struct party_join is = {.instance = "i", .protocols = {"range"}, .version = 9};
    char id[64];
    party_begin(&p, 0);
    uint64_t first = party_join(&p, is);
    party_sync(&p, p.answers[first].member_id, p.answers[first].generation, true);
    snprintf(id, sizeof id, "%s", p.answers[first].member_id);
    p.lazy = true;
    ck_assert_int_eq(party_leave(&p, id), KE_NONE);
    uint64_t again = party_join(&p, is);
    party_pass(&p, 1000);
    ck_assert(!p.answers[again].there);
    while (p.store) party_stored(&p, KE_NONE);
    ck_assert(p.answers[again].there);
    ck_assert_int_eq(p.answers[again].error, KE_NONE);
    ck_assert_str_ne(p.answers[again].member_id, id);
    party_end(&p);
}
END_TEST

Suite *group_rebalance_suite(void) {
    Suite *s = suite_create("group_rebalance");
    TCase *t = tcase_create("group_rebalance");
    tcase_add_test(t, test_waits_for_the_block);
    tcase_add_test(t, test_blocks_are_renewed);
    tcase_add_test(t, test_slow_member_is_left_behind);
    tcase_add_test(t, test_static_members_stay);
    tcase_add_test(t, test_static_member_goes_and_comes);
    suite_add_tcase(s, t);
    return s;
}
