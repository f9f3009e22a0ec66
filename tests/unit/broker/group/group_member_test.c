/* group_member_test.c: goal: the protocol that most members want of those that all can. */
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

Suite *group_member_suite(void) {
    Suite *s = suite_create("group_member");
    TCase *t = tcase_create("group_member");
    tcase_add_test(t, test_votes);
    suite_add_tcase(s, t);
    return s;
}
