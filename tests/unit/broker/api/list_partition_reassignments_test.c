/* list_partition_reassignments_test.c: goal: what is being moved is told with whom it goes from and to, all of it or
 * what was asked for; what is at rest or not there is left out. */
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

START_TEST(test_answers) {
    static const struct {
        const char *topic; /* NULL: all */
        int32_t partitions[3];
        int told;
    } cases[] = {{NULL, {0}, 1},           {"moving", {0, 1, 2}, 1}, {"moving", {0, 2, -1}, 0},
                 {"moving", {0, 0, 0}, 0}, {"calm", {0, 1, 2}, 0},   {"absent", {0, 1, 2}, 0}};
    static int32_t added = 4, removed[] = {2, 3};
    struct fake f;
    fake_init(&f);
    (void)fake_topic(&f, "calm", 1, 3, 1);
    struct bn_image_partition *p = &fake_topic(&f, "moving", 2, 3, 1)->partitions[1];
    p->adding = &added;
    p->adding_count = 1;
    p->removing = removed;
    p->removing_count = 2;
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct kmsg_list_partition_reassignments_request q = kmsg_list_partition_reassignments_request_default;
        struct kmsg_list_partition_reassignments_request_topic t = {.name = bn_slice_str(cases[i].topic)};
        struct kmsg_list_partition_reassignments_response got;
        int32_t partitions[3];
        memcpy(partitions, cases[i].partitions, sizeof partitions);
        t.partition_indexes.v = partitions;
        t.partition_indexes.n = 3;
        q.topics.v = &t;
        q.topics.n = cases[i].topic ? 1 : -1;
        fake_ask(&f, KAPI_LIST_PARTITION_REASSIGNMENTS, 0, &q, &got);
        ck_assert_int_eq(got.error_code, KE_NONE);
        ck_assert_int_eq(got.topics.n, cases[i].told);
        if (cases[i].told == 0) continue;
        ck_assert(bn_slice_eq_str(got.topics.v[0].name, "moving"));
        ck_assert_int_eq(got.topics.v[0].partitions.n, 1);
        const struct kmsg_list_partition_reassignments_response_partition *out = got.topics.v[0].partitions.v;
        ck_assert_int_eq(out->partition_index, 1);
        ck_assert_int_eq(out->replicas.n, 3);
        ck_assert_int_eq(out->adding_replicas.n, 1);
        ck_assert_int_eq(out->adding_replicas.v[0], 4);
        ck_assert_int_eq(out->removing_replicas.n, 2);
        ck_assert_int_eq(out->removing_replicas.v[1], 3);
    }
    fake_fini(&f);
}
END_TEST

Suite *list_partition_reassignments_suite(void);
Suite *list_partition_reassignments_suite(void) {
    Suite *s = suite_create("list_partition_reassignments");
    TCase *t = tcase_create("list_partition_reassignments");
    tcase_add_test(t, test_answers);
    suite_add_tcase(s, t);
    return s;
}
