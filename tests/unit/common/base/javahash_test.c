/* javahash_test.c: the goal: the same numbers as Java's. */
#include "common/base/javahash.h"
#include "tests/unit/unit.h"

/* Values of Java's "...".hashCode(). */
START_TEST(test_hashes) {
    static const struct {
        const char *text;
        int64_t hash;
    } cases[] = {{"", 0},
                 {"a", 97},
                 {"group", 98629247},
                 {"console-consumer-12345", 158455506},
                 {"polygenelubricants", INT32_MIN},
                 {"gr\xc3\xbc\xc3\x9f", 3186062},
                 {"\xf0\x9f\x98\x80", 1772899}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        int64_t positive = cases[i].hash == INT32_MIN ? 0 : cases[i].hash < 0 ? -cases[i].hash : cases[i].hash;
        int32_t hash = bn_javahash(bn_slice_str(cases[i].text));
        ck_assert_int_eq(hash, cases[i].hash);
        ck_assert_int_eq(bn_javahash_partition(hash, 50), positive % 50);
        ck_assert_int_eq(bn_javahash_partition(hash, 1), 0);
    }
}
END_TEST

/* What is not UTF-8 is read as Java reads it, and never beyond the end. */
START_TEST(test_broken) {
    ck_assert_int_eq(bn_javahash(bn_slice_of("\xff", 1)), 0xfffd);
    ck_assert_int_eq(bn_javahash(bn_slice_of("\xc3", 1)), 0xfffd);
    ck_assert_int_eq(bn_javahash(bn_slice_of("\xf0\x9f", 2)), bn_javahash(bn_slice_of("\xf0\x9f", 2)));
}
END_TEST

Suite *javahash_suite(void);
Suite *javahash_suite(void) {
    Suite *s = suite_create("javahash");
    TCase *t = tcase_create("javahash");
    tcase_add_test(t, test_hashes);
    tcase_add_test(t, test_broken);
    suite_add_tcase(s, t);
    return s;
}
