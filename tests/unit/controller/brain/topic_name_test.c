/* topic_name_test.c: Kafka's rules for topic names, and its words when they are broken. */
#include "common/base/slice.h"
#include "controller/brain/topic_name.h"
#include "tests/unit/unit.h"

START_TEST(names) {
    static const struct {
        const char *name, *why; /* NULL = valid */
    } CASES[] = {
        {"orders", NULL},
        {"a.b_c-D9", NULL},
        {"...", NULL},
        {"", "the empty string is not allowed"},
        {".", "'.' is not allowed"},
        {"..", "'..' is not allowed"},
        {"a b", "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"},
        {"caf\xc3\xa9",
         "'caf\xc3\xa9' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"},
        {"a/b", "'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"},
    };
    char why[600];
    for (size_t i = 0; i < BN_ARRAY_LEN(CASES); i++) {
        ck_assert_int_eq(bn_topic_name_check(CASES[i].name, why, sizeof why), CASES[i].why == NULL);
        ck_assert_str_eq(why, CASES[i].why ? CASES[i].why : "");
    }
}
END_TEST

START_TEST(length) {
    char name[252], why[600];
    memset(name, 'x', sizeof name);
    name[BN_TOPIC_NAME_MAX] = '\0';
    ck_assert(bn_topic_name_check(name, why, sizeof why));
    name[BN_TOPIC_NAME_MAX] = 'x';
    name[BN_TOPIC_NAME_MAX + 1] = '\0';
    ck_assert(!bn_topic_name_check(name, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "is longer than the max allowed length 249"));
}
END_TEST

START_TEST(collisions) {
    ck_assert(bn_topic_name_collides("a.b", "a_b"));
    ck_assert(bn_topic_name_collides("a_b.c", "a.b_c"));
    ck_assert(!bn_topic_name_collides("a.b", "a.bc"));
    ck_assert(!bn_topic_name_collides("a-b", "a_b"));
    ck_assert(bn_topic_name_may_collide("a.b"));
    ck_assert(!bn_topic_name_may_collide("ab"));
}
END_TEST

Suite *topic_name_suite(void);
Suite *topic_name_suite(void) {
    Suite *s = suite_create("topic_name");
    TCase *c = tcase_create("topic_name");
    tcase_add_test(c, names);
    tcase_add_test(c, length);
    tcase_add_test(c, collisions);
    suite_add_tcase(s, c);
    return s;
}
