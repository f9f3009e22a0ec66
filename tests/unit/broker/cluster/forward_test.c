/* forward_test.c: questions to the controller: topics made and deleted through Kafka's own messages, producer ids
 * without a double, confirmations, ISR proposals; and their end when there is no controller or the broker stops. */
#include "broker/cluster/forward.h"

#include "common/base/alloc.h"
#include "proto/kafka/codec.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/broker/cluster/cluster_world.h"

static struct world w;
static void setup(void) { world_open(&w); }
static void teardown(void) { world_close(&w); }

static void serving(void) {
    world_start_controller(&w, 0);
    world_start_broker(&w, 0, 1);
    WORLD_UNTIL(&w, world_is_serving(&w, 0));
}

struct answer {
    bool came;
    int16_t error;
    uint8_t body[65536];
    size_t len;
};

static void on_reply(void *arg, int16_t error, struct bn_slice body) {
    struct answer *a = arg;
    ck_assert(!a->came);
    a->came = true;
    a->error = error;
    ck_assert_uint_le(body.len, sizeof a->body);
    if (body.len) memcpy(a->body, body.ptr, body.len);
    a->len = body.len;
}

static void send_request(const struct bn_codec_desc *desc, int key, int version, void *request, uint32_t timeout_ms,
                         struct answer *a) {
    struct bn_chain chain;
    uint8_t body[4096];
    bn_chain_init(&chain);
    bn_codec_encode(desc, version, request, &chain);
    ck_assert_uint_le(chain.size_bytes, sizeof body);
    ck_assert_int_eq(bn_chain_copy_out(&chain, body), 0);
    memset(a, 0, sizeof *a);
    bn_forward_admin(w.brokers[0].agent, w.shard, key, version, bn_slice_of(body, chain.size_bytes), BN_SLICE_LIT("me"),
                     false, timeout_ms, on_reply, a);
    ck_assert(!a->came);
    bn_chain_fini(&chain);
}

static void create_topic(const char *name, const char *config, const char *value, struct answer *a) {
    struct kmsg_create_topics_request_config c = {bn_slice_str(config), bn_slice_str(value)};
    struct kmsg_create_topics_request_topic t = {
        .name = bn_slice_str(name), .num_partitions = -1, .replication_factor = -1};
    if (config) {
        t.configs.v = &c;
        t.configs.n = 1;
    }
    struct kmsg_create_topics_request r = {.topics = {&t, 1}, .timeout_ms = 5000};
    send_request(&kmsg_create_topics_request_desc, 19, 7, &r, 6000, a);
    WORLD_UNTIL(&w, a->came);
}

static int16_t create_error(struct answer *a, struct bn_arena *arena, struct kmsg_create_topics_response *m) {
    ck_assert_int_eq(a->error, 0);
    ck_assert_int_eq(
        bn_codec_decode(&kmsg_create_topics_response_desc, 7, bn_slice_of(a->body, a->len), arena, m, NULL), 0);
    ck_assert_int_eq(m->topics.n, 1);
    return m->topics.v[0].error_code;
}

START_TEST(topics_are_made_and_deleted) {
    static struct answer a;
    struct bn_arena arena;
    struct kmsg_create_topics_response m;
    serving();
    bn_arena_init(&arena, 1 << 20);
    create_topic("orders", "retention.ms", "1000", &a);
    ck_assert_int_eq(create_error(&a, &arena, &m), 0);
    ck_assert_int_eq(m.topics.v[0].num_partitions, 2); /* our default came along */
    ck_assert_int_gt(m.topics.v[0].configs.n, 20);
    bool found = false;
    for (int32_t i = 0; i < m.topics.v[0].configs.n; i++) {
        found = found || (bn_slice_eq_str(m.topics.v[0].configs.v[i].name, "retention.ms") &&
                          bn_slice_eq_str(m.topics.v[0].configs.v[i].value, "1000"));
    }
    ck_assert(found);
    WORLD_UNTIL(&w, bn_image_topic(w.brokers[0].image, BN_SLICE_LIT("orders")));
    const struct bn_image_topic *t = bn_image_topic(w.brokers[0].image, BN_SLICE_LIT("orders"));
    ck_assert_int_eq(t->partition_count, 2);
    ck_assert_int_eq(t->partitions[0].leader, 1);
    ck_assert_ptr_nonnull(bn_image_config(w.brokers[0].image, "topics", BN_SLICE_LIT("orders")));

    create_topic("orders", NULL, NULL, &a);
    ck_assert_int_eq(create_error(&a, &arena, &m), KE_TOPIC_ALREADY_EXISTS);
    create_topic("no/name", NULL, NULL, &a);
    ck_assert_int_eq(create_error(&a, &arena, &m), KE_INVALID_TOPIC_EXCEPTION);
    create_topic("t", "retention.mss", "1000", &a);
    ck_assert_int_eq(create_error(&a, &arena, &m), KE_INVALID_CONFIG);
    create_topic("t", "retention.ms", NULL, &a);
    ck_assert_int_eq(create_error(&a, &arena, &m), KE_INVALID_CONFIG);

    struct kmsg_delete_topics_request_topic d = {.name = BN_SLICE_LIT("orders")};
    struct kmsg_delete_topics_request r = {.topics = {&d, 1}, .timeout_ms = 5000};
    send_request(&kmsg_delete_topics_request_desc, 20, 6, &r, 6000, &a);
    WORLD_UNTIL(&w, a.came);
    struct kmsg_delete_topics_response dm;
    ck_assert_int_eq(a.error, 0);
    ck_assert_int_eq(
        bn_codec_decode(&kmsg_delete_topics_response_desc, 6, bn_slice_of(a.body, a.len), &arena, &dm, NULL), 0);
    ck_assert_int_eq(dm.responses.v[0].error_code, 0);
    /* The agent's test confirms that nothing is here; then the znodes go. */
    WORLD_UNTIL(&w, bn_fake_peek(w.server, "/brokers/topics/orders", NULL, NULL) == BN_NOTFOUND);
    ck_assert_ptr_null(bn_image_topic(w.brokers[0].image, BN_SLICE_LIT("orders")));
    ck_assert_int_ge(w.brokers[0].removed_seen, 1);
    bn_arena_fini(&arena);
}
END_TEST

START_TEST(partitions_are_added) {
    static struct answer a;
    struct bn_arena arena;
    struct kmsg_create_partitions_response m;
    serving();
    bn_arena_init(&arena, 1 << 20);
    create_topic("t", NULL, NULL, &a);
    struct kmsg_create_partitions_request_topic t = {.name = BN_SLICE_LIT("t"), .count = 5, .assignments = {NULL, -1}};
    struct kmsg_create_partitions_request r = {.topics = {&t, 1}, .timeout_ms = 5000};
    send_request(&kmsg_create_partitions_request_desc, 37, 3, &r, 6000, &a);
    WORLD_UNTIL(&w, a.came);
    ck_assert_int_eq(a.error, 0);
    ck_assert_int_eq(
        bn_codec_decode(&kmsg_create_partitions_response_desc, 3, bn_slice_of(a.body, a.len), &arena, &m, NULL), 0);
    ck_assert_int_eq(m.results.v[0].error_code, 0);
    WORLD_UNTIL(&w, bn_image_topic(w.brokers[0].image, BN_SLICE_LIT("t"))->partition_count == 5);
    bn_arena_fini(&arena);
}
END_TEST

START_TEST(bad_requests_are_answered) {
    static struct answer a;
    serving();
    bn_forward_admin(w.brokers[0].agent, w.shard, 19, 7, BN_SLICE_LIT("\xff\xff\xff\xff\xff\xff"), BN_SLICE_NULL, false,
                     5000, on_reply, &a);
    WORLD_UNTIL(&w, a.came);
    ck_assert_int_eq(a.error, KE_INVALID_REQUEST);
    memset(&a, 0, sizeof a);
    bn_forward_admin(w.brokers[0].agent, w.shard, 19, 99, BN_SLICE_LIT(""), BN_SLICE_NULL, false, 5000, on_reply, &a);
    WORLD_UNTIL(&w, a.came);
    ck_assert_int_eq(a.error, KE_UNSUPPORTED_VERSION);
}
END_TEST

START_TEST(without_a_controller) {
    static struct answer a;
    world_start_broker(&w, 0, 1);
    bn_forward_admin(w.brokers[0].agent, w.shard, 19, 7, BN_SLICE_LIT("x"), BN_SLICE_NULL, false, 20, on_reply, &a);
    WORLD_UNTIL(&w, a.came);
    ck_assert_int_eq(a.error, KE_REQUEST_TIMED_OUT);
}
END_TEST

START_TEST(waits_for_a_controller) {
    static struct answer a;
    world_start_broker(&w, 0, 1);
    bn_forward_admin(w.brokers[0].agent, w.shard, 19, 7, BN_SLICE_LIT("x"), BN_SLICE_NULL, false, 10000, on_reply, &a);
    for (int i = 0; i < 20; i++) world_turn(&w);
    ck_assert(!a.came);
    world_start_controller(&w, 0);
    WORLD_UNTIL(&w, a.came);
    ck_assert_int_eq(a.error, KE_INVALID_REQUEST);
}
END_TEST

START_TEST(stopping_answers_what_waits) {
    static struct answer a;
    world_start_broker(&w, 0, 1);
    bn_forward_admin(w.brokers[0].agent, w.shard, 19, 7, BN_SLICE_LIT("x"), BN_SLICE_NULL, false, 100000, on_reply, &a);
    world_turn(&w);
    world_stop_broker(&w, 0);
    WORLD_UNTIL(&w, a.came);
    ck_assert_int_eq(a.error, KE_REQUEST_TIMED_OUT);
}
END_TEST

/* ---- producer ids ---- */

enum { IDS = 2500 };
static struct {
    int count, refused;
    int64_t ids[IDS + 10];
} ids;

static void on_id(void *arg, int16_t error, int64_t id) {
    if (error) {
        ck_assert_int_eq(error, KE_COORDINATOR_LOAD_IN_PROGRESS);
        ids.refused++;
    } else {
        ids.ids[ids.count++] = id;
    }
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(producer_ids_are_unique) {
    serving();
    memset(&ids, 0, sizeof ids);
    for (int i = 0; i < IDS / 2; i++) bn_forward_producer_id(w.brokers[0].agent, w.shard, on_id, NULL);
    WORLD_UNTIL(&w, ids.count == IDS / 2);
    bn_fake_expire(w.controllers[0].zk); /* a new reign in the middle of it */
    for (int i = 0; i < IDS / 2; i++) bn_forward_producer_id(w.brokers[0].agent, w.shard, on_id, NULL);
    WORLD_UNTIL(&w, ids.count + ids.refused == IDS);
    qsort(ids.ids, (size_t)ids.count, sizeof ids.ids[0], by_value);
    for (int i = 1; i < ids.count; i++) ck_assert_int_lt(ids.ids[i - 1], ids.ids[i]);
    ck_assert_int_ge(ids.count, IDS / 2);
}
END_TEST

START_TEST(no_ids_without_a_controller) {
    memset(&ids, 0, sizeof ids);
    world_start_broker(&w, 0, 1);
    bn_forward_producer_id(w.brokers[0].agent, w.shard, on_id, NULL);
    WORLD_UNTIL(&w, ids.refused == 1);
}
END_TEST

/* ---- ISR proposals ---- */

static void on_altered(void *arg, const Bn__AlterPartitionReply *m) {
    int *error = arg;
    *error = m ? (m->n_results ? m->results[0]->error : m->error) : -2;
}

START_TEST(isr_proposals_travel) {
    static struct answer a;
    serving();
    create_topic("t", NULL, NULL, &a);
    WORLD_UNTIL(&w, bn_image_topic(w.brokers[0].image, BN_SLICE_LIT("t")));
    const struct bn_image_topic *t = bn_image_topic(w.brokers[0].image, BN_SLICE_LIT("t"));
    Bn__AlterPartitionRequest m = BN__ALTER_PARTITION_REQUEST__INIT;
    Bn__AlterPartitionItem item = BN__ALTER_PARTITION_ITEM__INIT, *items[] = {&item};
    int32_t isr[] = {1};
    uint8_t id[16];
    memcpy(id, t->id.bytes, 16);
    item.topic_id = (ProtobufCBinaryData){16, id};
    item.leader_epoch = t->partitions[0].leader_epoch;
    item.partition_epoch = t->partitions[0].partition_epoch;
    item.isr = isr;
    item.n_isr = 1;
    m.items = items;
    m.n_items = 1;
    int error = 99;
    bn_forward_alter_partition(w.brokers[0].agent, w.shard, &m, on_altered, &error);
    WORLD_UNTIL(&w, error != 99);
    ck_assert_int_eq(error, 0);
    item.leader_epoch = 7;
    error = 99;
    bn_forward_alter_partition(w.brokers[0].agent, w.shard, &m, on_altered, &error);
    WORLD_UNTIL(&w, error != 99);
    ck_assert_int_gt(error, 0);
    item.topic_id.len = 3;
    error = 99;
    bn_forward_alter_partition(w.brokers[0].agent, w.shard, &m, on_altered, &error);
    WORLD_UNTIL(&w, error != 99);
    ck_assert_int_eq(error, KE_INVALID_REQUEST);
}
END_TEST

Suite *forward_suite(void);
Suite *forward_suite(void) {
    Suite *s = suite_create("forward");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, topics_are_made_and_deleted);
    tcase_add_test(t, partitions_are_added);
    tcase_add_test(t, bad_requests_are_answered);
    tcase_add_test(t, without_a_controller);
    tcase_add_test(t, waits_for_a_controller);
    tcase_add_test(t, stopping_answers_what_waits);
    tcase_add_test(t, producer_ids_are_unique);
    tcase_add_test(t, no_ids_without_a_controller);
    tcase_add_test(t, isr_proposals_travel);
    suite_add_tcase(s, t);
    return s;
}
