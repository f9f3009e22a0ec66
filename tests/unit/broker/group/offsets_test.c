/* offsets_test.c: goal: the later record wins, whatever the order of the answers; groups belong where Kafka puts them.
 */
#include "broker/group/offsets.h"

#include "tests/unit/unit.h"

Suite *offsets_suite(void);

START_TEST(test_later_wins) {
    struct bn_offsets o;
    struct bn_slice t = BN_SLICE_LIT("t");
    struct bn_grecord_offset five = {5, 1, BN_SLICE_LIT("five"), 0, -1}, six = {6, 1, BN_SLICE_LIT("six"), 0, -1};
    bn_offsets_init(&o);
    ck_assert_ptr_null(bn_offsets_get(&o, t, 0));
    bn_offsets_put(&o, t, 0, &six, 101);
    bn_offsets_put(&o, t, 0, &five, 100);
    bn_offsets_put(&o, t, 1, &five, 102);
    ck_assert_int_eq(bn_offsets_get(&o, t, 0)->committed.offset, 6);
    ck_assert(bn_slice_eq_str(bn_offsets_get(&o, t, 0)->committed.metadata, "six"));
    ck_assert_int_eq(bn_offsets_get(&o, t, 1)->committed.offset, 5);
    ck_assert_uint_eq(bn_offsets_count(&o), 2);
    ck_assert(bn_offsets_remove(&o, t, 0));
    ck_assert(!bn_offsets_remove(&o, t, 0));
    size_t at = 0;
    const struct bn_offsets_entry *e = bn_offsets_next(&o, &at);
    ck_assert_int_eq(e->partition, 1);
    ck_assert_ptr_null(bn_offsets_next(&o, &at));
    bn_offsets_fini(&o);
}
END_TEST

/* Values of Java's "...".hashCode(). */
START_TEST(test_partitions) {
    static const struct {
        const char *group;
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
        ck_assert_int_eq(bn_offsets_partition_of(bn_slice_str(cases[i].group), 50), positive % 50);
        ck_assert_int_eq(bn_offsets_partition_of(bn_slice_str(cases[i].group), 1), 0);
    }
}
END_TEST

Suite *offsets_suite(void) {
    Suite *s = suite_create("offsets");
    TCase *t = tcase_create("offsets");
    tcase_add_test(t, test_later_wins);
    tcase_add_test(t, test_partitions);
    suite_add_tcase(s, t);
    return s;
}
