/* group_member_test.c: goal: the protocol that most members want of those that all can, whoever comes, goes or changes.
 */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/party.h"
#include "tests/unit/unit.h"

Suite *group_member_suite(void);

START_TEST(test_votes) {
    static const struct {
        const char *wants[3][3];
        const char *chosen;
    } cases[] = {
        {{{"a"}, {"a"}, {"a"}}, "a"},
        {{{"a", "b"}, {"b", "a"}, {"b", "a"}}, "b"},
        {{{"a", "b"}, {"b"}, {"b", "a"}}, "b"},
        {{{"c", "b"}, {"b", "a"}, {"a", "b"}}, "b"},
        {{{"a", "b"}, {"a", "b"}, {"b", "a"}}, "a"},
        {{{"b", "a", "b"}, {"a", "a"}, {"c", "a"}}, "a"}, /* twice is once */
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        static struct party p;
        uint64_t tokens[3];
        party_begin(&p, 1000);
        for (int k = 0; k < 3; k++) {
            struct party_join j = {0};
            for (int n = 0; n < 3; n++) j.protocols[n] = cases[i].wants[k][n];
            tokens[k] = party_join(&p, j);
        }
        party_pass(&p, 5000);
        for (int k = 0; k < 3; k++) {
            ck_assert_int_eq(p.answers[tokens[k]].error, KE_NONE);
            ck_assert_str_eq(p.answers[tokens[k]].protocol, cases[i].chosen);
        }
        party_end(&p);
    }
}
END_TEST

/* What is common to all follows those who are there. */
START_TEST(test_common_protocols_follow_the_members) {
    static struct party p;
    char first[64], second[64];
    party_begin(&p, 0);
    uint64_t a = party_join(&p, (struct party_join){.protocols = {"x", "y"}});
    snprintf(first, sizeof first, "%s", p.answers[a].member_id);
    party_sync(&p, first, 1, true);
    uint64_t b = party_join(&p, (struct party_join){.protocols = {"y", "y"}});
    a = party_join(&p, (struct party_join){.id = first, .protocols = {"x", "y"}});
    ck_assert_str_eq(p.answers[a].protocol, "y");
    snprintf(second, sizeof second, "%s", p.answers[b].member_id);
    uint64_t c = party_join(&p, (struct party_join){.protocols = {"x"}});
    ck_assert_int_eq(p.answers[c].error, KE_INCONSISTENT_GROUP_PROTOCOL);
    party_leave(&p, second);
    c = party_join(&p, (struct party_join){.protocols = {"z", "x"}});
    ck_assert(!p.answers[c].there);                                                /* waits for the round */
    a = party_join(&p, (struct party_join){.id = first, .protocols = {"z", "x"}}); /* says something else now */
    ck_assert_str_eq(p.answers[a].protocol, "z");
    ck_assert_str_eq(p.answers[c].protocol, "z");
    c = party_join(&p, (struct party_join){.protocols = {"y"}});
    ck_assert_int_eq(p.answers[c].error, KE_INCONSISTENT_GROUP_PROTOCOL);
    party_end(&p);
}
END_TEST

Suite *group_member_suite(void) {
    Suite *s = suite_create("group_member");
    TCase *t = tcase_create("group_member");
    tcase_add_test(t, test_votes);
    tcase_add_test(t, test_common_protocols_follow_the_members);
    suite_add_tcase(s, t);
    return s;
}
