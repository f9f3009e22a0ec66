/* murmur2_test.c: the values that Kafka's Java client gives, for every length of the tail. */
#include "common/base/murmur2.h"

#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *key;
    int32_t hash;
} cases[] = {
    {"", 275646681},
    {"21", -973932308},
    {"abc", 479470107},
    {"foobar", -790332482},
    {"a-little-bit-long-string", -985981536},
    {"a-little-bit-longer-string", -1486304829},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
};

START_TEST(test_as_java) {
    uint32_t hash = bn_murmur2(cases[_i].key, strlen(cases[_i].key));
    ck_assert_int_eq((int32_t)hash, cases[_i].hash);
}
END_TEST

Suite *murmur2_suite(void);
Suite *murmur2_suite(void) {
    Suite *s = suite_create("murmur2");
    TCase *t = tcase_create("murmur2");
    tcase_add_loop_test(t, test_as_java, 0, BN_ARRAY_LEN(cases));
    suite_add_tcase(s, t);
    return s;
}
