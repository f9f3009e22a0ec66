/* znode_topic_test.c: what the table test does not show of topics: order, search, size, and moves of partitions that
 * are not there. */
#include "common/base/alloc.h"
#include "common/zk/znode.h"
#include "tests/unit/unit.h"

/* Goal: data beyond what ZooKeeper can hold is refused before it is parsed; a large topic within it is read in order.
 * */
START_TEST(test_sizes) {
    struct bn_str text;
    struct bn_arena a;
    struct bn_znode_topic topic;
    bn_arena_init(&a, 16u << 20);
    bn_str_init(&text);
    bn_str_add(&text, "{\"partitions\":{");
    for (int i = 49999; i >= 0; i--) bn_str_addf(&text, "\"%d\":[%d,%d]%s", i, i % 3, 3 + i % 2, i ? "," : "}}");
    ck_assert_int_eq(bn_znode_topic_decode(bn_str_slice(&text), &a, &topic, NULL), BN_OK);
    ck_assert_int_eq(topic.partition_count, 50000);
    for (int32_t i = 0; i < 50000; i += 4999) {
        const struct bn_znode_partition *p = bn_znode_topic_find(&topic, i);
        ck_assert_ptr_nonnull(p);
        ck_assert_int_eq(p->replicas.ids[0], i % 3);
    }
    ck_assert_ptr_null(bn_znode_topic_find(&topic, 50000));
    for (int i = 0; text.len <= BN_ZNODE_DATA_MAX; i++) bn_str_add(&text, "          ");
    ck_assert_int_eq(bn_znode_topic_decode(bn_str_slice(&text), &a, &topic, NULL), BN_BAD);
    bn_str_fini(&text);
    bn_arena_fini(&a);
}
END_TEST

/* Goal: partitions come out ascending whatever the order was, each with its own moves. */
START_TEST(test_order) {
    struct bn_arena a;
    struct bn_znode_topic t;
    bn_arena_init(&a, 1u << 20);
    struct bn_slice text = BN_SLICE_LIT("{\"adding_replicas\":{\"10\":[3],\"4\":[9]},\"removing_replicas\":{\"2\":[1]},"
                                        "\"partitions\":{\"10\":[3,1],\"2\":[1,2],\"0\":[5]}}");
    ck_assert_int_eq(bn_znode_topic_decode(text, &a, &t, NULL), BN_OK);
    ck_assert(!t.has_id);
    ck_assert_int_eq(t.partition_count, 3);
    ck_assert_int_eq(t.partitions[0].id, 0);
    ck_assert_int_eq(t.partitions[1].id, 2);
    ck_assert_int_eq(t.partitions[2].id, 10);
    ck_assert_int_eq(t.partitions[1].removing.count, 1);
    ck_assert_int_eq(t.partitions[1].adding.count, 0);
    ck_assert_int_eq(t.partitions[2].adding.ids[0], 3);
    ck_assert_ptr_eq(bn_znode_topic_find(&t, 2), &t.partitions[1]);
    ck_assert_ptr_null(bn_znode_topic_find(&t, 4));
    bn_arena_fini(&a);
}
END_TEST

Suite *znode_topic_suite(void);
Suite *znode_topic_suite(void) {
    Suite *s = suite_create("znode_topic");
    TCase *tc = tcase_create("topics");
    tcase_add_test(tc, test_sizes);
    tcase_add_test(tc, test_order);
    suite_add_tcase(s, tc);
    return s;
}
