/* metadata_test.c: goal: every rule of Metadata 0-12: who is asked for, what is told, as the client's listener
 * reaches it. */
#include "common/base/alloc.h"
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

static struct kmsg_metadata_request_topic named(const char *name) {
    return (struct kmsg_metadata_request_topic){.name = bn_slice_str(name)};
}

static void ask(struct fake *f, int version, struct kmsg_metadata_request_topic *topics, int count,
                struct kmsg_metadata_response *got) {
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    q.topics.v = topics;
    q.topics.n = count;
    fake_ask(f, KAPI_METADATA, version, &q, got);
}

static const struct kmsg_metadata_response_topic *find(const struct kmsg_metadata_response *got, const char *name) {
    for (int i = 0; i < got->topics.n; i++) {
        if (bn_slice_eq_str(got->topics.v[i].name, name)) return &got->topics.v[i];
    }
    ck_abort_msg("no topic %s in the answer", name);
    return NULL;
}

/* v0: an empty list is all; v1 and later: null is all, empty is none. */
START_TEST(test_all_and_none) {
    struct fake f;
    fake_init(&f);
    fake_topic(&f, "orders", 1, 3, 1);
    fake_topic(&f, "__consumer_offsets", 2, 2, 2);
    struct kmsg_metadata_response got;
    for (int version = 0; version <= 12; version++) {
        ask(&f, version, NULL, version == 0 ? 0 : -1, &got);
        ck_assert_int_eq(got.topics.n, 2);
        ck_assert_int_eq(find(&got, "orders")->partitions.n, 3);
        ck_assert_int_eq(got.brokers.n, 2); /* broker 3 is not on this listener */
        ck_assert(bn_slice_eq_str(got.brokers.v[1].host, "two.example"));
        ck_assert_int_eq(got.brokers.v[1].port, 9192);
        if (version >= 1) {
            ck_assert_int_eq(got.controller_id, 1);
            ck_assert(bn_slice_eq_str(got.brokers.v[0].rack, "r1"));
            ck_assert(bn_slice_is_null(got.brokers.v[1].rack));
            ck_assert(find(&got, "__consumer_offsets")->is_internal);
            ck_assert(!find(&got, "orders")->is_internal);
        }
        if (version >= 2) ck_assert(bn_slice_eq_str(got.cluster_id, "cluster-id-of-the-test"));
        if (version >= 8) ck_assert_int_eq(got.topics.v[0].topic_authorized_operations, INT32_MIN);
        if (version >= 10) ck_assert_int_eq(find(&got, "orders")->topic_id.bytes[15], 1);
        if (version == 0) continue;
        ask(&f, version, NULL, 0, &got);
        ck_assert_int_eq(got.topics.n, 0);
        ck_assert_int_eq(got.brokers.n, 2);
    }
    ck_assert_int_eq(f.forward_count, 0);
    fake_fini(&f);
}
END_TEST

START_TEST(test_partitions) {
    static const struct {
        int32_t leader;
        int version;
        int16_t error;
        int32_t told;
    } cases[] = {
        {1, 12, KE_NONE, 1},
        {-1, 12, KE_LEADER_NOT_AVAILABLE, -1},
        {9, 12, KE_LEADER_NOT_AVAILABLE, -1},  /* not alive */
        {3, 6, KE_LISTENER_NOT_FOUND, -1},     /* alive, but not on this listener */
        {3, 5, KE_LEADER_NOT_AVAILABLE, -1},   /* older clients don't know that code */
        {1, 0, KE_REPLICA_NOT_AVAILABLE, 1},   /* version 0: replica 3 is hidden, and that is an error */
        {-1, 0, KE_LEADER_NOT_AVAILABLE, -1},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fake f;
        fake_init(&f);
        fake_topic(&f, "orders", 1, 2, cases[i].leader);
        struct kmsg_metadata_request_topic topic = named("orders");
        struct kmsg_metadata_response got;
        ask(&f, cases[i].version, &topic, 1, &got);
        const struct kmsg_metadata_response_partition *p = &find(&got, "orders")->partitions.v[1];
        ck_assert_msg(p->error_code == cases[i].error, "case %zu: error %d", i, p->error_code);
        ck_assert_int_eq(p->leader_id, cases[i].told);
        ck_assert_int_eq(p->partition_index, 1);
        ck_assert_int_eq(p->replica_nodes.n, cases[i].version == 0 ? 2 : 3);
        ck_assert_int_eq(p->isr_nodes.n, cases[i].version == 0 ? 2 : 3);
        if (cases[i].version >= 5) {
            ck_assert_int_eq(p->offline_replicas.n, 1);
            ck_assert_int_eq(p->offline_replicas.v[0], 3);
        }
        if (cases[i].version >= 7) ck_assert_int_eq(p->leader_epoch, 5);
        fake_fini(&f);
    }
}
END_TEST

START_TEST(test_by_id) {
    struct fake f;
    fake_init(&f);
    fake_topic(&f, "orders", 7, 1, 1);
    struct kmsg_metadata_request_topic topics[2] = {{.name = BN_SLICE_NULL}, {.name = BN_SLICE_NULL}};
    memset(topics[0].topic_id.bytes, 7, 16);
    memset(topics[1].topic_id.bytes, 8, 16);
    struct kmsg_metadata_response got;
    ask(&f, 12, topics, 2, &got);
    ck_assert_int_eq(got.topics.n, 2);
    ck_assert_int_eq(find(&got, "orders")->error_code, KE_NONE);
    ck_assert_int_eq(got.topics.v[1].error_code, KE_UNKNOWN_TOPIC_ID);
    ck_assert(bn_slice_is_null(got.topics.v[1].name));
    ck_assert_int_eq(got.topics.v[1].topic_id.bytes[0], 8);
    topics[0].name = BN_SLICE_LIT("orders"); /* ids are not for versions 10 and 11 */
    ask(&f, 11, topics, 1, &got);
    ck_assert_int_eq(got.topics.v[0].error_code, KE_INVALID_REQUEST);
    fake_fini(&f);
}
END_TEST

START_TEST(test_creates_once) {
    struct fake f;
    fake_init(&f);
    fake_topic(&f, "there", 1, 1, 1);
    struct kmsg_metadata_request_topic topics[] = {named("new"),   named("there"),
                                                   named("a/b"),   named("new2"),
                                                   named("new"),   named("__consumer_offsets"),
                                                   named("there"), named("..")};
    struct kmsg_metadata_response got;
    ask(&f, 4, topics, 8, &got);
    ck_assert_int_eq(find(&got, "new")->error_code, KE_LEADER_NOT_AVAILABLE);
    ck_assert_int_eq(find(&got, "a/b")->error_code, KE_INVALID_TOPIC_EXCEPTION);
    ck_assert_int_eq(find(&got, "..")->error_code, KE_INVALID_TOPIC_EXCEPTION);
    ck_assert_int_eq(find(&got, "__consumer_offsets")->error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(find(&got, "there")->partitions.n, 1);
    ck_assert_int_eq(got.topics.n, 7); /* "there" is told once */
    ck_assert_int_eq(f.forward_count, 1);
    ck_assert_int_eq(f.forwards[0].api_key, KAPI_CREATE_TOPICS);
    ck_assert(f.forwards[0].auto_create);
    struct kmsg_create_topics_request made;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_codec_decode(&kmsg_create_topics_request_desc, f.forwards[0].version,
                                     bn_slice_of(f.forwards[0].body, f.forwards[0].body_len), &f.arena, &made, &e),
                     0);
    ck_assert_int_eq(made.topics.n, 2);
    ck_assert_int_eq(made.topics.v[0].num_partitions, -1);
    ck_assert_int_eq(made.topics.v[0].replication_factor, -1);
    ask(&f, 4, topics, 1, &got); /* on its way: not asked for again */
    ck_assert_int_eq(find(&got, "new")->error_code, KE_LEADER_NOT_AVAILABLE);
    ck_assert_int_eq(f.forward_count, 1);
    fake_answer(&f, 0, KE_REQUEST_TIMED_OUT, BN_SLICE_NULL);
    ask(&f, 4, topics, 1, &got); /* that failed: once more */
    ck_assert_int_eq(f.forward_count, 2);
    fake_answer(&f, 1, KE_NONE, BN_SLICE_LIT(""));
    fake_fini(&f);
}
END_TEST

START_TEST(test_does_not_create) {
    struct fake f;
    fake_init(&f);
    struct kmsg_metadata_request_topic topic = named("new");
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    struct kmsg_metadata_response got;
    q.topics.v = &topic;
    q.topics.n = 1;
    q.allow_auto_topic_creation = false;
    fake_ask(&f, KAPI_METADATA, 4, &q, &got);
    ck_assert_int_eq(got.topics.v[0].error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
    f.deps.auto_create_topics = false;
    ask(&f, 12, &topic, 1, &got);
    ck_assert_int_eq(got.topics.v[0].error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(f.forward_count, 0);
    f.deps.auto_create_topics = true;
    ask(&f, 1, &topic, 1, &got); /* before the flag there was: always */
    ck_assert_int_eq(f.forward_count, 1);
    fake_answer(&f, 0, KE_NONE, BN_SLICE_LIT(""));
    fake_fini(&f);
}
END_TEST

START_TEST(test_authorized_operations) {
    struct fake f;
    fake_init(&f);
    fake_topic(&f, "orders", 1, 1, 1);
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    struct kmsg_metadata_response got;
    q.topics.n = -1;
    q.include_topic_authorized_operations = true;
    q.include_cluster_authorized_operations = true;
    fake_ask(&f, KAPI_METADATA, 8, &q, &got);
    ck_assert_int_eq(got.topics.v[0].topic_authorized_operations, 3576); /* what kafka-topics' admin client sees */
    ck_assert_int_eq(got.cluster_authorized_operations, 8096);
    fake_fini(&f);
}
END_TEST

/* A topic asked for a thousand times is told once: the answer follows the cluster, not the request. */
START_TEST(test_no_amplification) {
    enum { TIMES = 1000 };
    struct fake f;
    fake_init(&f);
    fake_topic(&f, "orders", 1, 500, 1);
    struct kmsg_metadata_request_topic *topics = bn_alloc_zero(TIMES, sizeof *topics);
    for (int i = 0; i < TIMES; i++) topics[i] = named("orders");
    struct kmsg_metadata_response got;
    ask(&f, 12, topics, TIMES, &got);
    ck_assert_int_eq(got.topics.n, 1);
    bn_alloc_free(topics);
    fake_fini(&f);
}
END_TEST

Suite *metadata_suite(void);
Suite *metadata_suite(void) {
    Suite *s = suite_create("metadata");
    TCase *t = tcase_create("metadata");
    tcase_add_test(t, test_all_and_none);
    tcase_add_test(t, test_partitions);
    tcase_add_test(t, test_by_id);
    tcase_add_test(t, test_creates_once);
    tcase_add_test(t, test_does_not_create);
    tcase_add_test(t, test_authorized_operations);
    tcase_add_test(t, test_no_amplification);
    suite_add_tcase(s, t);
    return s;
}
