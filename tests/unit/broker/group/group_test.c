/* group_test.c: goal: a group's life seen from outside: it forms, goes on, empties, is resumed, is stopped. */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/party.h"
#include "tests/unit/unit.h"

Suite *group_suite(void);

START_TEST(test_two_members_form_a_group) {
    static struct party p;
    char a[64], b[64];
    party_begin(&p, 3000);
    uint64_t ja = party_come(&p, a);
    ck_assert_int_eq(bn_group_state(p.group), BN_GROUP_PREPARING);
    party_pass(&p, 1000);
    uint64_t jb = party_come(&p, b);
    party_pass(&p, 2500); /* a newcomer prolongs the first round */
    ck_assert(!p.answers[ja].there);
    party_pass(&p, 3000);
    ck_assert(p.answers[ja].there && p.answers[jb].there);
    ck_assert_int_eq(p.answers[ja].generation, 1);
    ck_assert_str_eq(p.answers[jb].leader, a);
    ck_assert(p.answers[ja].with_members && !p.answers[jb].with_members);
    ck_assert_int_eq(p.answers[ja].size, 2);
    uint64_t sb = party_sync(&p, b, 1, false);
    ck_assert(!p.answers[sb].there);
    uint64_t sa = party_sync(&p, a, 1, true);
    ck_assert_str_eq(p.answers[sb].assignment + 4, b);
    ck_assert_str_eq(p.answers[sa].assignment + 4, a);
    ck_assert_int_eq(bn_group_state(p.group), BN_GROUP_STABLE);
    ck_assert_int_eq(party_heartbeat(&p, a, 1), KE_NONE);
    ck_assert_int_eq(party_heartbeat(&p, a, 2), KE_ILLEGAL_GENERATION);
    ck_assert_int_eq(party_heartbeat(&p, "nobody", 1), KE_UNKNOWN_MEMBER_ID);
    party_end(&p);
}
END_TEST

/* One member goes without a word: the other hears of it by its heartbeat, and is alone after it has joined again. */
START_TEST(test_a_silent_member_is_dropped) {
    static struct party p;
    char a[64], b[64];
    party_begin(&p, 0);
    party_come(&p, a);
    uint64_t jb = party_come(&p, b);
    uint64_t ja = party_join(&p, (struct party_join){.id = a, .protocols = {"range"}, .version = 9});
    ck_assert(p.answers[ja].there && p.answers[jb].there);
    int32_t generation = p.answers[ja].generation;
    party_sync(&p, a, generation, true);
    party_sync(&p, b, generation, false);
    for (int i = 0; i < 4; i++) {
        party_pass(&p, 3000);
        int16_t error = party_heartbeat(&p, a, generation);
        ck_assert_int_eq(error, i < 3 ? KE_NONE : KE_REBALANCE_IN_PROGRESS);
    }
    ck_assert_int_eq(bn_group_size(p.group), 1);
    ja = party_join(&p, (struct party_join){.id = a, .protocols = {"range"}, .version = 9});
    ck_assert_int_eq(p.answers[ja].generation, generation + 1);
    party_end(&p);
}
END_TEST

START_TEST(test_empties_and_is_stored) {
    static struct party p;
    char a[64];
    party_begin(&p, 0);
    uint64_t ja = party_come(&p, a);
    party_sync(&p, a, p.answers[ja].generation, true);
    int stores = p.stores;
    ck_assert_int_eq(party_leave(&p, a), KE_NONE);
    ck_assert_int_eq(bn_group_state(p.group), BN_GROUP_EMPTY);
    ck_assert_int_eq(p.stores, stores + 1);
    ck_assert_int_eq(bn_group_generation(p.group), 2);
    ck_assert_int_eq(party_leave(&p, a), KE_UNKNOWN_MEMBER_ID);
    party_end(&p);
}
END_TEST

/* What a member of a resumed group subscribes to, the other one being a sound subscriber of "a" and "bc". */
static bool is_read(struct bn_slice subscription, const char *topic) {
    static struct party p;
    struct bn_group_resume_member members[2] = {{.id = BN_SLICE_LIT("a"), .session_ms = 10000, .rebalance_ms = 60000},
                                                {.id = BN_SLICE_LIT("b"), .session_ms = 10000, .rebalance_ms = 60000}};
    struct bn_group_resume r = {7,       20, BN_SLICE_LIT("consumer"), BN_SLICE_LIT("range"), BN_SLICE_LIT("a"), 0,
                                members, 2};
    members[0].metadata = BN_SLICE_LIT("\0\1\0\0\0\2\0\1a\0\2bc\xff\xff\xff\xff");
    members[1].metadata = subscription;
    party_begin(&p, 0);
    bn_group_resume(p.group, p.now_ms, &r);
    bool out = bn_group_subscribes(p.group, bn_slice_str(topic));
    party_end(&p);
    return out;
}

START_TEST(test_subscriptions) {
    static const uint8_t sound[] = {0, 0, 0, 0, 0, 1, 0, 1, 'z'};
    struct bn_slice whole = bn_slice_of(sound, sizeof sound);
    ck_assert(is_read(whole, "a") && is_read(whole, "bc") && is_read(whole, "z"));
    ck_assert(!is_read(whole, "b") && !is_read(whole, "") && !is_read(whole, "zz"));
    for (size_t len = 0; len < sizeof sound; len++) /* what is cut short may mean any topic */
        ck_assert(is_read(bn_slice_of(sound, len), "y"));
    ck_assert(is_read(BN_SLICE_LIT("\0\1\x7f\xff\xff\xff\0\1z"), "y"));
    ck_assert(is_read(BN_SLICE_LIT("\0\1\xff\xff\xff\xff\0\1z"), "y"));
}
END_TEST

/* Whoever takes over goes on in the same generation, and never uses one that may have been used. */
START_TEST(test_resume) {
    static struct party p;
    struct bn_group_resume_member members[2] = {
        {BN_SLICE_LIT("a"), BN_SLICE_NULL, BN_SLICE_LIT("c"), BN_SLICE_LIT("/h"), 10000, 60000, BN_SLICE_LIT("m-range"),
         BN_SLICE_LIT("for a")},
        {BN_SLICE_LIT("b"), BN_SLICE_LIT("i"), BN_SLICE_LIT("c"), BN_SLICE_LIT("/h"), 10000, 60000,
         BN_SLICE_LIT("m-range"), BN_SLICE_LIT("for b")}};
    struct bn_group_resume r = {7,       20, BN_SLICE_LIT("consumer"), BN_SLICE_LIT("range"), BN_SLICE_LIT("a"), 0,
                                members, 2};
    party_begin(&p, 0);
    bn_group_resume(p.group, p.now_ms, &r);
    ck_assert_int_eq(bn_group_state(p.group), BN_GROUP_STABLE);
    ck_assert_int_eq(party_heartbeat(&p, "a", 7), KE_NONE);
    uint64_t again = party_sync(&p, "b", 7, false);
    ck_assert_str_eq(p.answers[again].assignment, "for b");
    ck_assert_int_eq(party_leave(&p, "b"), KE_NONE);
    uint64_t ja = party_join(&p, (struct party_join){.id = "a", .protocols = {"range"}, .version = 9});
    ck_assert_int_eq(p.answers[ja].generation, 21);
    party_end(&p);
}
END_TEST

START_TEST(test_commits) {
    static struct party p;
    char a[64];
    struct bn_slice nobody = BN_SLICE_LIT("");
    party_begin(&p, 0);
    ck_assert_int_eq(bn_group_may_commit(p.group, 0, -1, nobody, BN_SLICE_NULL), KE_NONE);
    uint64_t ja = party_come(&p, a);
    int32_t generation = p.answers[ja].generation;
    ck_assert_int_eq(bn_group_may_commit(p.group, p.now_ms, generation, bn_slice_str(a), BN_SLICE_NULL),
                     KE_REBALANCE_IN_PROGRESS);
    party_sync(&p, a, generation, true);
    ck_assert_int_eq(bn_group_may_commit(p.group, p.now_ms, generation, bn_slice_str(a), BN_SLICE_NULL), KE_NONE);
    ck_assert_int_eq(bn_group_may_commit(p.group, p.now_ms, generation + 1, bn_slice_str(a), BN_SLICE_NULL),
                     KE_ILLEGAL_GENERATION);
    ck_assert_int_eq(bn_group_may_commit(p.group, p.now_ms, -1, nobody, BN_SLICE_NULL), KE_UNKNOWN_MEMBER_ID);
    ck_assert_int_eq(bn_group_may_commit(p.group, p.now_ms, 1, BN_SLICE_LIT("x"), BN_SLICE_NULL), KE_UNKNOWN_MEMBER_ID);
    party_end(&p);
}
END_TEST

Suite *group_suite(void) {
    Suite *s = suite_create("group");
    TCase *t = tcase_create("group");
    tcase_add_test(t, test_two_members_form_a_group);
    tcase_add_test(t, test_a_silent_member_is_dropped);
    tcase_add_test(t, test_empties_and_is_stored);
    tcase_add_test(t, test_subscriptions);
    tcase_add_test(t, test_resume);
    tcase_add_test(t, test_commits);
    suite_add_tcase(s, t);
    return s;
}
