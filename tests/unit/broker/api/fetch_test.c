/* fetch_test.c: when a fetch answers at once, when it waits, what wakes it, and how much it gives.
 */
#include "tests/unit/broker/api/fake_partition.h"

#include "tests/unit/unit.h"

Suite *fetch_suite(void);

enum { FETCH = 1 };

struct sent {
    struct kmsg_fetch_request request;
    struct kmsg_fetch_request_topic topic;
    struct kmsg_fetch_request_partition partitions[3];
};

static void make(struct sent *s, int count, int32_t max_wait_ms, int32_t min_bytes) {
    *s = (struct sent){.request = kmsg_fetch_request_default, .topic = kmsg_fetch_request_topic_default};
    s->request.max_wait_ms = max_wait_ms;
    s->request.min_bytes = min_bytes;
    s->request.max_bytes = 1 << 20;
    s->request.topics.v = &s->topic;
    s->request.topics.n = 1;
    s->topic.topic = BN_SLICE_LIT("t");
    s->topic.partitions.v = s->partitions;
    s->topic.partitions.n = count;
    for (int i = 0; i < count; i++) {
        s->partitions[i] = kmsg_fetch_request_partition_default;
        s->partitions[i].partition = i;
        s->partitions[i].partition_max_bytes = 1 << 20;
    }
}

static const struct kmsg_fetch_response_partition *answer(struct fake_world *w, int version,
                                                          struct kmsg_fetch_response *r) {
    fake_world_await(w, 1);
    fake_take(&w->fake, FETCH, version, r);
    ck_assert_int_eq(r->error_code, KE_NONE);
    ck_assert_int_eq(r->session_id, 0);
    ck_assert_int_eq(r->responses.n, 1);
    return r->responses.v[0].partitions.v;
}

/* Enough bytes: at once, with the records. */
START_TEST(test_enough_answers_at_once) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    w.roster.partitions[0].end = 4;
    make(&s, 2, 60000, 1);
    fake_world_send(&w, FETCH, 12, &s.request);
    ck_assert_int_eq(w.fake.answers, 1);
    const struct kmsg_fetch_response_partition *p = answer(&w, 12, &r);
    ck_assert_uint_eq(p[0].records.slice.len, 4 * FAKE_RECORD_BYTES);
    ck_assert_int_eq(p[0].high_watermark, 4);
    ck_assert_uint_eq(p[1].records.slice.len, 0);
    fake_world_fini(&w);
}
END_TEST

/* An error is told at once, whatever else is empty. */
START_TEST(test_error_answers_at_once) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    make(&s, 3, 60000, 1);
    fake_world_send(&w, FETCH, 11, &s.request);
    const struct kmsg_fetch_response_partition *p = answer(&w, 11, &r);
    ck_assert_int_eq(p[0].error_code, KE_NONE);
    ck_assert_int_eq(p[2].error_code, KE_NOT_LEADER_OR_FOLLOWER);
    fake_world_fini(&w);
}
END_TEST

/* Nothing there: waits, and the first partition that grows enough wakes it; growth below min_bytes does not. */
START_TEST(test_waits_and_wakes) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    make(&s, 2, 60000, 3 * FAKE_RECORD_BYTES);
    fake_world_send(&w, FETCH, 4, &s.request);
    ck_assert_int_eq(w.fake.answers, 0);
    fake_world_grow(&w, 1, 1);
    fake_world_grow(&w, 0, 1); /* by now the first growth was looked at */
    ck_assert_int_eq(w.fake.answers, 0);
    fake_world_grow(&w, 1, 2);
    const struct kmsg_fetch_response_partition *p = answer(&w, 4, &r);
    ck_assert_uint_eq(p[0].records.slice.len + p[1].records.slice.len, 3 * FAKE_RECORD_BYTES);
    fake_world_fini(&w);
}
END_TEST

/* The wait ends: whatever there is, is the answer. */
START_TEST(test_wait_is_bounded) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    make(&s, 1, 20, 1);
    fake_world_send(&w, FETCH, 4, &s.request);
    const struct kmsg_fetch_response_partition *p = answer(&w, 4, &r);
    ck_assert_uint_eq(p[0].records.slice.len, 0);
    ck_assert_int_eq(p[0].error_code, KE_NONE);
    fake_world_fini(&w);
}
END_TEST

/* max_bytes is used up in the order asked; the first partition gives a whole batch even beyond it (KIP-74). */
START_TEST(test_max_bytes) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    w.roster.partitions[0].end = w.roster.partitions[1].end = 3;
    make(&s, 2, 0, 1);
    s.request.max_bytes = 4 * FAKE_RECORD_BYTES;
    fake_world_send(&w, FETCH, 12, &s.request);
    const struct kmsg_fetch_response_partition *p = answer(&w, 12, &r);
    ck_assert_uint_eq(p[0].records.slice.len, 3 * FAKE_RECORD_BYTES);
    ck_assert_uint_eq(p[1].records.slice.len, 1 * FAKE_RECORD_BYTES);
    fake_world_fini(&w);
    fake_world_init(&w);
    w.roster.partitions[0].end = w.roster.partitions[1].end = 3;
    make(&s, 2, 0, 1);
    s.request.max_bytes = 1;
    fake_world_send(&w, FETCH, 12, &s.request);
    p = answer(&w, 12, &r);
    ck_assert_uint_eq(p[0].records.slice.len, FAKE_RECORD_BYTES);
    ck_assert_uint_eq(p[1].records.slice.len, 0);
    fake_world_fini(&w);
}
END_TEST

/* From 13 on topics go by id; an unknown one is told as such. */
START_TEST(test_topic_ids) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    w.roster.partitions[0].end = 1;
    make(&s, 1, 60000, 1);
    memset(s.topic.topic_id.bytes, 7, 16);
    fake_world_send(&w, FETCH, 17, &s.request);
    ck_assert_uint_eq(answer(&w, 17, &r)[0].records.slice.len, FAKE_RECORD_BYTES);
    fake_world_fini(&w);
    fake_world_init(&w);
    memset(s.topic.topic_id.bytes, 8, 16);
    fake_world_send(&w, FETCH, 13, &s.request);
    ck_assert_int_eq(answer(&w, 13, &r)[0].error_code, KE_UNKNOWN_TOPIC_ID);
    fake_world_fini(&w);
}
END_TEST

/* Nobody was ever given a session: going on with one is refused as Kafka refuses an evicted one. */
START_TEST(test_no_sessions) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    make(&s, 1, 60000, 1);
    s.request.session_id = 5;
    s.request.session_epoch = 1;
    fake_world_send(&w, FETCH, 12, &s.request);
    fake_take(&w.fake, FETCH, 12, &r);
    ck_assert_int_eq(r.error_code, KE_FETCH_SESSION_ID_NOT_FOUND);
    fake_world_fini(&w);
}
END_TEST

/* What a follower says of itself reaches the partition, and counts as its progress once, not each time that the
 * parked request is read again. */
START_TEST(test_follower_fields) {
    for (int version = 12; version <= 15; version += 3) {
        struct fake_world w;
        struct sent s;
        struct kmsg_fetch_response r;
        fake_world_init(&w);
        struct bn_partition *p = &w.roster.partitions[0];
        make(&s, 1, 60000, 1);
        memset(s.topic.topic_id.bytes, 7, 16);
        if (version < 15) s.request.replica_id = 2;
        if (version >= 15) s.request.replica_state.replica_id = 2;
        if (version >= 15) s.request.replica_state.replica_epoch = 77;
        s.partitions[0].fetch_offset = 3;
        s.partitions[0].log_start_offset = 1;
        s.partitions[0].last_fetched_epoch = 4;
        s.partitions[0].current_leader_epoch = 5;
        p->end = 3;
        fake_world_send(&w, FETCH, version, &s.request);
        ck_assert_int_eq(w.fake.answers, 0);
        ck_assert_int_eq(p->read.replica_id, 2);
        ck_assert_int_eq(p->read.replica_epoch, version >= 15 ? 77 : -1);
        ck_assert_int_eq(p->read.replica_log_start, 1);
        ck_assert_int_eq(p->read.last_fetched_epoch, 4);
        ck_assert_int_eq(p->read.current_leader_epoch, 5);
        ck_assert(p->read.progress);
        fake_world_grow(&w, 0, 4);
        ck_assert_uint_eq(answer(&w, version, &r)[0].records.slice.len, FAKE_RECORD_BYTES);
        ck_assert_int_eq(p->reads, 2);
        ck_assert(!p->read.progress);
        fake_world_fini(&w);
    }
}
END_TEST

/* Logs that part are told at once (KIP-595), without records and without an error. */
START_TEST(test_divergence_answers_at_once) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    fake_world_init(&w);
    w.roster.partitions[0].end = 9;
    w.roster.partitions[0].diverging_end = 6;
    make(&s, 2, 60000, 1 << 20);
    s.request.replica_id = 2;
    s.partitions[0].fetch_offset = 7;
    s.partitions[0].last_fetched_epoch = 4;
    fake_world_send(&w, FETCH, 12, &s.request);
    const struct kmsg_fetch_response_partition *p = answer(&w, 12, &r);
    ck_assert_int_eq(p[0].error_code, KE_NONE);
    ck_assert_uint_eq(p[0].records.slice.len, 0);
    ck_assert_int_eq(p[0].diverging_epoch.epoch, 2);
    ck_assert_int_eq(p[0].diverging_epoch.end_offset, 6);
    ck_assert_int_eq(p[1].diverging_epoch.epoch, -1);
    ck_assert_int_eq(p[1].diverging_epoch.end_offset, -1);
    ck_assert_int_eq(p[0].preferred_read_replica, -1);
    fake_world_fini(&w);
}
END_TEST

/* KIP-951: whoever asks the wrong broker is told the leader and where it listens, once for all partitions; the image
 * when the replica here knows less. */
START_TEST(test_tells_the_leader) {
    struct fake_world w;
    struct sent s;
    struct kmsg_fetch_response r;
    for (int version = 13; version <= 17; version += 4) {
        fake_world_init(&w);
        for (int i = 0; i < FAKE_PARTITIONS; i++) {
            w.roster.partitions[i].error = KE_NOT_LEADER_OR_FOLLOWER;
            w.roster.partitions[i].leader = 2;
            w.roster.partitions[i].leader_epoch = i == 0 ? 6 : 4;
        }
        make(&s, 3, 60000, 1);
        memset(s.topic.topic_id.bytes, 7, 16);
        fake_world_send(&w, FETCH, version, &s.request);
        const struct kmsg_fetch_response_partition *p = answer(&w, version, &r);
        static const int32_t leaders[3] = {2, 1, 1}, epochs[3] = {6, 5, 5}; /* the image says 1 at epoch 5 */
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(p[i].error_code, KE_NOT_LEADER_OR_FOLLOWER);
            ck_assert_int_eq(p[i].current_leader.leader_id, version >= 16 ? leaders[i] : -1);
            ck_assert_int_eq(p[i].current_leader.leader_epoch, version >= 16 ? epochs[i] : -1);
        }
        ck_assert_int_eq(r.node_endpoints.n, version >= 16 ? 2 : 0);
        if (version >= 16) {
            ck_assert_int_eq(r.node_endpoints.v[0].node_id, 2);
            ck_assert_int_eq(r.node_endpoints.v[0].port, 9192);
            ck_assert(bn_slice_eq_str(r.node_endpoints.v[0].host, "two.example"));
            ck_assert_int_eq(r.node_endpoints.v[1].node_id, 1);
            ck_assert(bn_slice_eq_str(r.node_endpoints.v[1].rack, "r1"));
        }
        fake_world_fini(&w);
    }
}
END_TEST

/* A consumer that tells its rack is sent to a closer replica at once, and partitions for which there is none give what
 * they have; only Fetch 11 and later may be told, and be served by followers (KIP-392). */
START_TEST(test_sent_to_a_closer_replica) {
    static const struct {
        int version;
        bool rack;
        int32_t expected;
        bool any_replica;
    } cases[] = {
        {12, true, 3, true},
        {11, true, 3, true},
        {12, false, -1, true},
        {10, true, -1, false},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fake_world w;
        struct sent s;
        struct kmsg_fetch_response r;
        fake_world_init(&w);
        w.roster.partitions[0].closer = 3;
        make(&s, 2, cases[i].expected < 0 ? 20 : 60000, 1);
        if (cases[i].rack && cases[i].version >= 11) s.request.rack_id = BN_SLICE_LIT("b");
        fake_world_send(&w, FETCH, cases[i].version, &s.request);
        const struct kmsg_fetch_response_partition *p = answer(&w, cases[i].version, &r);
        ck_assert_int_eq(p[0].preferred_read_replica, cases[i].expected);
        ck_assert_int_eq(p[1].preferred_read_replica, -1);
        ck_assert_int_eq(w.roster.partitions[0].read.any_replica, cases[i].any_replica);
        fake_world_fini(&w);
    }
}
END_TEST

Suite *fetch_suite(void) {
    Suite *s = suite_create("fetch");
    TCase *t = tcase_create("fetch");
    tcase_add_test(t, test_enough_answers_at_once);
    tcase_add_test(t, test_error_answers_at_once);
    tcase_add_test(t, test_waits_and_wakes);
    tcase_add_test(t, test_wait_is_bounded);
    tcase_add_test(t, test_max_bytes);
    tcase_add_test(t, test_topic_ids);
    tcase_add_test(t, test_no_sessions);
    tcase_add_test(t, test_follower_fields);
    tcase_add_test(t, test_divergence_answers_at_once);
    tcase_add_test(t, test_tells_the_leader);
    tcase_add_test(t, test_sent_to_a_closer_replica);
    suite_add_tcase(s, t);
    return s;
}
