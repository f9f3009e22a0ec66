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

START_TEST(test_partitions) {
    ck_assert_int_eq(bn_offsets_partition_of(BN_SLICE_LIT("group"), 50), 98629247 % 50);
    ck_assert_int_eq(bn_offsets_partition_of(BN_SLICE_LIT("polygenelubricants"), 50), 0);
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
