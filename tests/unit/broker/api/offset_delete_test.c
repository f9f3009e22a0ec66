/* offset_delete_test.c: goal: each partition has its error, an unknown group is the answer's. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *offset_delete_suite(void);

static struct kmsg_offset_delete_response ask(struct fake_groups *g, const char *group) {
    static struct kmsg_offset_delete_request_partition p[2];
    struct kmsg_offset_delete_request q = kmsg_offset_delete_request_default;
    struct kmsg_offset_delete_request_topic t = kmsg_offset_delete_request_topic_default;
    struct kmsg_offset_delete_response r;
    p[0].partition_index = 0;
    p[1].partition_index = 77;
    q.group_id = bn_slice_str(group);
    q.topics.v = &t;
    q.topics.n = 1;
    t.name = BN_SLICE_LIT("t");
    t.partitions.v = p;
    t.partitions.n = 2;
    fake_groups_ask(g, KAPI_OFFSET_DELETE, 0, &q, &r);
    return r;
}

START_TEST(test_answers) {
    struct fake_groups g;
    fake_groups_init(&g);
    struct kmsg_offset_delete_response r = ask(&g, "g");
    ck_assert_int_eq(r.error_code, KE_NONE);
    ck_assert_int_eq(r.topics.v[0].partitions.v[0].error_code, KE_NONE);
    ck_assert_int_eq(r.topics.v[0].partitions.v[1].error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(ask(&g, "other").error_code, KE_GROUP_ID_NOT_FOUND);
    ck_assert_int_eq(ask(&g, "").error_code, KE_INVALID_GROUP_ID);
    fake_groups_fini(&g);
}
END_TEST

Suite *offset_delete_suite(void) {
    Suite *s = suite_create("offset_delete");
    TCase *t = tcase_create("offset_delete");
    tcase_add_test(t, test_answers);
    suite_add_tcase(s, t);
    return s;
}
