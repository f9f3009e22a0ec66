/* group_join_test.c: goal: who is let in and as whom: bounds, protocols, ids given out, static members that come back.
 */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/party.h"
#include "tests/unit/unit.h"

Suite *group_join_suite(void);

START_TEST(test_refusals) {
    static const struct {
        struct party_join join;
        int16_t error;
    } cases[] = {
        {{.id = "stranger", .protocols = {"range"}, .version = 9}, KE_UNKNOWN_MEMBER_ID},
        {{.protocols = {"other"}, .version = 9}, KE_INCONSISTENT_GROUP_PROTOCOL},
        {{.protocols = {NULL}, .version = 9}, KE_INCONSISTENT_GROUP_PROTOCOL},
        {{.id = "stranger", .instance = "i", .protocols = {"range"}, .version = 9}, KE_UNKNOWN_MEMBER_ID},
        {{.protocols = {"range"}, .version = 4}, KE_MEMBER_ID_REQUIRED},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        static struct party p;
        char a[64];
        party_begin(&p, 0);
        party_come(&p, a);
        uint64_t token = party_join(&p, cases[i].join);
        ck_assert_int_eq(p.answers[token].error, cases[i].error);
        party_end(&p);
    }
}
END_TEST

START_TEST(test_session_bounds) {
    static struct party p;
    party_begin(&p, 0);
    p.settings.session_min_ms = 10001;
    uint64_t token = party_join(&p, (struct party_join){.protocols = {"range"}});
    ck_assert_int_eq(p.answers[token].error, KE_INVALID_SESSION_TIMEOUT);
    party_end(&p);
}
END_TEST

START_TEST(test_full) {
    static struct party p;
    char a[64];
    party_begin(&p, 0);
    p.settings.max_size = 1;
    party_come(&p, a);
    uint64_t token = party_join(&p, (struct party_join){.protocols = {"range"}});
    ck_assert_int_eq(p.answers[token].error, KE_GROUP_MAX_SIZE_REACHED);
    ck_assert_str_eq(p.answers[token].member_id, "");
    party_end(&p);
}
END_TEST

/* An id that is never used again holds a round up for a session, not for ever. */
START_TEST(test_pending_id_expires) {
    static struct party p;
    char a[64];
    party_begin(&p, 0);
    uint64_t ja = party_come(&p, a);
    party_sync(&p, a, p.answers[ja].generation, true);
    party_join(&p, (struct party_join){.protocols = {"range"}, .version = 9}); /* is given an id, and dies */
    ja = party_join(&p, (struct party_join){.id = a, .protocols = {"range"}, .version = 9});
    ck_assert(!p.answers[ja].there);
    party_pass(&p, 9999);
    ck_assert(!p.answers[ja].there);
    party_pass(&p, 1);
    ck_assert(p.answers[ja].there);
    ck_assert_int_eq(p.answers[ja].error, KE_NONE);
    party_end(&p);
}
END_TEST

/* A follower that says the same again is told the generation that stands; what it says anew begins a round. */
START_TEST(test_followers_join_again) {
    static struct party p;
    char a[64], b[64];
    party_begin(&p, 0);
    party_come(&p, a);
    uint64_t jb = party_come(&p, b);
    uint64_t ja = party_join(&p, (struct party_join){.id = a, .protocols = {"range"}, .version = 9});
    int32_t generation = p.answers[ja].generation;
    party_sync(&p, a, generation, true);
    party_sync(&p, b, generation, false);
    jb = party_join(&p, (struct party_join){.id = b, .protocols = {"range"}, .version = 9});
    ck_assert_int_eq(p.answers[jb].generation, generation);
    ck_assert_int_eq(bn_group_state(p.group), BN_GROUP_STABLE);
    jb = party_join(&p, (struct party_join){.id = b, .protocols = {"range"}, .extra = "!", .version = 9});
    ck_assert(!p.answers[jb].there);
    ck_assert_int_eq(party_heartbeat(&p, a, generation), KE_REBALANCE_IN_PROGRESS);
    party_end(&p);
}
END_TEST

/* KIP-345: the same instance with a new process gets a new id, the old one is fenced, nobody else notices; and not
 * before that is stored. */
START_TEST(test_static_member_comes_back) {
    for (int version = 8; version <= 9; version++) {
        static struct party p;
        struct party_join join = {.instance = "i", .protocols = {"range"}, .version = version};
        party_begin(&p, 0);
        uint64_t first = party_join(&p, join);
        int32_t generation = p.answers[first].generation;
        char old[64];
        snprintf(old, sizeof old, "%s", p.answers[first].member_id);
        party_sync(&p, old, generation, true);
        p.lazy = true;
        uint64_t second = party_join(&p, join);
        ck_assert(!p.answers[second].there);
        party_stored(&p, KE_NONE);
        ck_assert_int_eq(p.answers[second].error, KE_NONE);
        ck_assert_int_eq(p.answers[second].generation, generation);
        ck_assert_str_ne(p.answers[second].member_id, old);
        if (version == 9) {
            ck_assert(p.answers[second].skip_assignment && p.answers[second].with_members);
            ck_assert_str_eq(p.answers[second].leader, p.answers[second].member_id);
        } else {
            ck_assert(!p.answers[second].skip_assignment && !p.answers[second].with_members);
            ck_assert_str_eq(p.answers[second].leader, old);
        }
        ck_assert_int_eq(bn_group_heartbeat(p.group, p.now_ms, generation, bn_slice_str(old), BN_SLICE_LIT("i")),
                         KE_FENCED_INSTANCE_ID);
        ck_assert_int_eq(bn_group_state(p.group), BN_GROUP_STABLE);
        party_end(&p);
    }
}
END_TEST

Suite *group_join_suite(void) {
    Suite *s = suite_create("group_join");
    TCase *t = tcase_create("group_join");
    tcase_add_test(t, test_refusals);
    tcase_add_test(t, test_session_bounds);
    tcase_add_test(t, test_full);
    tcase_add_test(t, test_pending_id_expires);
    tcase_add_test(t, test_followers_join_again);
    tcase_add_test(t, test_static_member_comes_back);
    suite_add_tcase(s, t);
    return s;
}
