/* produce_test.c: what the handler itself decides, and how each partition's word becomes the answer.
 */
#include "tests/unit/broker/api/fake_partition.h"

#include "tests/unit/unit.h"

Suite *produce_suite(void);

enum { PRODUCE = 0 };

struct sent {
    struct kmsg_produce_request request;
    struct kmsg_produce_request_topic topic;
    struct kmsg_produce_request_partition partitions[3];
    uint8_t records[80];
};

static void make(struct sent *s, const char *topic, int16_t acks, int count) {
    *s = (struct sent){.request = kmsg_produce_request_default, .topic = kmsg_produce_request_topic_default};
    s->request.acks = acks;
    s->request.timeout_ms = 1000;
    s->request.topic_data.v = &s->topic;
    s->request.topic_data.n = 1;
    s->topic.name = bn_slice_str(topic);
    s->topic.partition_data.v = s->partitions;
    s->topic.partition_data.n = count;
    for (int i = 0; i < count; i++) {
        s->partitions[i].index = i;
        s->partitions[i].records.slice = bn_slice_of(s->records, sizeof s->records);
    }
}

/* Each partition answers for itself: one appended, one refused with its bad records, one not here. */
START_TEST(test_partitions_answer_for_themselves) {
    struct fake_world w;
    struct sent s;
    struct kmsg_produce_response r;
    fake_world_init(&w);
    w.roster.partitions[0].end = 40;
    w.roster.partitions[1].error = KE_INVALID_RECORD;
    make(&s, "t", 1, 3);
    fake_world_send(&w, PRODUCE, 9, &s.request);
    fake_take(&w.fake, PRODUCE, 9, &r);
    ck_assert_int_eq(r.responses.n, 1);
    ck_assert_int_eq(r.responses.v[0].partition_responses.n, 3);
    const struct kmsg_produce_response_partition *p = r.responses.v[0].partition_responses.v;
    ck_assert_int_eq(p[0].error_code, KE_NONE);
    ck_assert_int_eq(p[0].base_offset, 40);
    ck_assert_int_eq(p[1].error_code, KE_INVALID_RECORD);
    ck_assert_int_eq(p[1].base_offset, -1);
    ck_assert_int_eq(p[1].record_errors.n, 2);
    ck_assert_int_eq(p[1].record_errors.v[0].batch_index, 3);
    ck_assert_int_eq(p[1].record_errors.v[1].batch_index, 5);
    ck_assert(bn_slice_eq_str(p[1].record_errors.v[1].batch_index_error_message, "no key, 1"));
    ck_assert(bn_slice_eq_str(p[1].error_message, "what is wrong"));
    ck_assert_int_eq(p[2].error_code, KE_NOT_LEADER_OR_FOLLOWER);
    fake_world_fini(&w);
}
END_TEST

/* What the handler refuses without asking a partition. */
START_TEST(test_refusals) {
    static const struct {
        const char *topic;
        int16_t acks, error;
    } cases[] = {
        {"absent", 1, KE_UNKNOWN_TOPIC_OR_PARTITION},
        {"t", 2, KE_INVALID_REQUIRED_ACKS},
        {"t", -2, KE_INVALID_REQUIRED_ACKS},
        {"__consumer_offsets", 1, KE_INVALID_TOPIC_EXCEPTION},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fake_world w;
        struct sent s;
        struct kmsg_produce_response r;
        fake_world_init(&w);
        make(&s, cases[i].topic, cases[i].acks, 1);
        fake_world_send(&w, PRODUCE, 3, &s.request);
        fake_take(&w.fake, PRODUCE, 3, &r);
        ck_assert_int_eq(r.responses.v[0].partition_responses.v[0].error_code, cases[i].error);
        ck_assert_int_eq(w.roster.partitions[0].appends, 0);
        fake_world_fini(&w);
    }
}
END_TEST

/* Old clients don't know 56: they are told 6. */
START_TEST(test_storage_error_of_old_versions) {
    for (int version = 3; version <= 4; version++) {
        struct fake_world w;
        struct sent s;
        struct kmsg_produce_response r;
        fake_world_init(&w);
        w.roster.partitions[0].error = KE_KAFKA_STORAGE_ERROR;
        make(&s, "t", 1, 1);
        fake_world_send(&w, PRODUCE, version, &s.request);
        fake_take(&w.fake, PRODUCE, version, &r);
        int expected = version < 4 ? KE_NOT_LEADER_OR_FOLLOWER : KE_KAFKA_STORAGE_ERROR;
        ck_assert_int_eq(r.responses.v[0].partition_responses.v[0].error_code, expected);
        fake_world_fini(&w);
    }
}
END_TEST

/* acks=0 has no answer; an error closes the connection. */
START_TEST(test_acks_0) {
    struct fake_world w;
    struct sent s;
    fake_world_init(&w);
    make(&s, "t", 0, 2);
    fake_world_send(&w, PRODUCE, 9, &s.request);
    ck_assert_int_eq(w.fake.answers, 1);
    ck_assert_uint_eq(w.fake.out.size_bytes, 0);
    make(&s, "t", 0, 3);
    fake_world_send(&w, PRODUCE, 9, &s.request);
    ck_assert_int_eq(w.fake.closes, 1);
    fake_world_fini(&w);
}
END_TEST

/* The answer waits for the last partition; a connection that went meanwhile is no matter. */
START_TEST(test_waits_for_the_last) {
    struct fake_world w;
    struct sent s;
    fake_world_init(&w);
    w.roster.partitions[1].park = true;
    make(&s, "t", -1, 2);
    fake_world_send(&w, PRODUCE, 9, &s.request);
    ck_assert_int_eq(w.fake.answers, 0);
    fake_world_release(&w, 1);
    ck_assert_int_eq(w.fake.answers, 1);
    fake_world_send(&w, PRODUCE, 9, &s.request);
    bn_api_closed(w.fake.api, fake_conn(&w.fake));
    fake_world_release(&w, 1);
    ck_assert_int_eq(w.fake.answers, 1);
    fake_world_fini(&w);
}
END_TEST

/* Only Produce 0-2 may bring old message sets, and only 7 and later zstd. */
START_TEST(test_versions) {
    struct fake_world w;
    struct sent s;
    fake_world_init(&w);
    make(&s, "t", 1, 1);
    fake_world_send(&w, PRODUCE, 2, &s.request);
    ck_assert(w.roster.partitions[0].seen.log.legacy);
    fake_world_send(&w, PRODUCE, 3, &s.request);
    ck_assert(!w.roster.partitions[0].seen.log.legacy);
    fake_world_fini(&w);
}
END_TEST

Suite *produce_suite(void) {
    Suite *s = suite_create("produce");
    TCase *t = tcase_create("produce");
    tcase_add_test(t, test_partitions_answer_for_themselves);
    tcase_add_test(t, test_refusals);
    tcase_add_test(t, test_storage_error_of_old_versions);
    tcase_add_test(t, test_acks_0);
    tcase_add_test(t, test_waits_for_the_last);
    tcase_add_test(t, test_versions);
    suite_add_tcase(s, t);
    return s;
}
