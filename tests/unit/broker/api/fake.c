/* fake.c: the dependencies that handlers see, kept in plain arrays; everything on the test's thread, no shard. */
#include "tests/unit/broker/api/fake.h"

#include <check.h>

#include "common/base/bytes.h"
#include "common/sys/env.h"

static struct bn_image *image_of(void *arg, struct bn_shard *shard) { return &((struct fake *)arg)->image; }

static void forward(void *arg, struct bn_shard *shard, int api_key, int version, struct bn_slice body,
                    struct bn_slice client_id, bool auto_create, uint32_t timeout_ms,
                    void (*reply)(void *reply_arg, int16_t error, struct bn_slice body), void *reply_arg) {
    struct fake *f = arg;
    ck_assert_int_lt(f->forward_count, FAKE_FORWARDS_MAX);
    ck_assert_uint_le(body.len, sizeof f->forwards[0].body);
    ck_assert_int_eq(bn_slice_eq_str(client_id, "tester"), 1);
    int i = f->forward_count++;
    f->forwards[i].api_key = api_key;
    f->forwards[i].version = version;
    f->forwards[i].auto_create = auto_create;
    f->forwards[i].timeout_ms = timeout_ms;
    memcpy(f->forwards[i].body, body.ptr, body.len);
    f->forwards[i].body_len = body.len;
    f->forwards[i].reply = reply;
    f->forwards[i].arg = reply_arg;
}

static void producer_id(void *arg, struct bn_shard *shard, void (*reply)(void *reply_arg, int16_t error, int64_t id),
                        void *reply_arg) {
    struct fake *f = arg;
    reply(reply_arg, f->id_error, f->id_error ? -1 : f->next_id++);
}

static struct fake *of(const struct bn_conn *c) { return (struct fake *)(uintptr_t)c; }
static void wire_answer(struct bn_conn *c, uint32_t ticket, struct bn_chain *answer) {
    of(c)->answers++;
    if (answer) bn_chain_splice(&of(c)->out, answer);
}
static void wire_close(struct bn_conn *c, const char *why) {
    of(c)->closes++;
    (void)snprintf(of(c)->why, sizeof of(c)->why, "%s", why);
    bn_api_closed(of(c)->api, c);
}
static const char *wire_listener(const struct bn_conn *c) { return "PLAINTEXT"; }
static const char *wire_host(const struct bn_conn *c) { return "10.0.0.7"; }
static void wire_set_user(struct bn_conn *c, void *user) { of(c)->user = user; }
static void *wire_user(const struct bn_conn *c) { return of(c)->user; }

static const struct bn_api_wire wire = {wire_answer, wire_close, wire_listener, wire_host, wire_set_user, wire_user};

static void add_brokers(struct fake *f) {
    static struct bn_image_endpoint endpoints[3][2] = {
        {{"PLAINTEXT", "PLAINTEXT", "one.example", 9092}, {"INTERNAL", "PLAINTEXT", "10.0.0.1", 9093}},
        {{"PLAINTEXT", "PLAINTEXT", "two.example", 9192}, {"INTERNAL", "PLAINTEXT", "10.0.0.2", 9093}},
        {{"INTERNAL", "PLAINTEXT", "10.0.0.3", 9093}}};
    static struct bn_image_broker brokers[3] = {{.id = 1, .epoch = 10, .rack = "r1", .endpoint_count = 2},
                                                {.id = 2, .epoch = 20, .endpoint_count = 2},
                                                {.id = 3, .epoch = 30, .endpoint_count = 1}};
    static struct bn_image_broker *live[3] = {&brokers[0], &brokers[1], &brokers[2]};
    for (int i = 0; i < 3; i++) brokers[i].endpoints = endpoints[i];
    f->image.brokers = live;
    f->image.broker_count = 3;
}

void fake_init(struct fake *f) { fake_init_on(f, NULL); }

void fake_init_on(struct fake *f, struct bn_shard *shard) {
    *f = (struct fake){.next_id = 1000};
    bn_arena_init(&f->arena, 64 << 20);
    bn_chain_init(&f->out);
    bn_map_init(&f->image.by_name);
    bn_map_init(&f->image.by_id);
    bn_map_init(&f->image.configs);
    static char cluster_id[] = "cluster-id-of-the-test";
    f->image.cluster_id = cluster_id;
    add_brokers(f);
    f->deps = (struct bn_api_deps){.env = bn_env_real(),
                                   .broker_id = 1,
                                   .auto_create_topics = true,
                                   .image = image_of,
                                   .forward = forward,
                                   .producer_id = producer_id,
                                   .arg = f};
    f->api = bn_api_new(&f->deps, shard, &wire);
}

void fake_fini(struct fake *f) {
    bn_api_closed(f->api, fake_conn(f));
    bn_api_free(f->api);
    bn_map_fini(&f->image.by_name);
    bn_map_fini(&f->image.by_id);
    bn_map_fini(&f->image.configs);
    bn_chain_fini(&f->out);
    bn_arena_fini(&f->arena);
}

struct bn_conn *fake_conn(struct fake *f) { return (struct bn_conn *)(uintptr_t)f; }

static void *take(struct fake *f, size_t size) {
    void *p = bn_arena_alloc(&f->arena, size);
    ck_assert_ptr_nonnull(p);
    return p;
}

struct bn_image_topic *fake_topic(struct fake *f, const char *name, uint8_t id_byte, int32_t partitions,
                                  int32_t leader) {
    static int32_t replicas[3] = {1, 2, 3};
    struct bn_image_topic *t = take(f, sizeof *t);
    t->name = bn_arena_copy(&f->arena, bn_slice_str(name));
    memset(t->id.bytes, id_byte, sizeof t->id.bytes);
    t->partitions = take(f, (size_t)partitions * sizeof *t->partitions);
    t->partition_count = partitions;
    for (int32_t i = 0; i < partitions; i++) {
        t->partitions[i] = (struct bn_image_partition){.index = i,
                                                       .leader = leader,
                                                       .leader_epoch = 5,
                                                       .replicas = replicas,
                                                       .replica_count = 3,
                                                       .isr = replicas,
                                                       .isr_count = 3};
    }
    bn_map_put(&f->image.by_name, bn_slice_str(t->name), t);
    bn_map_put(&f->image.by_id, bn_slice_of(t->id.bytes, 16), t);
    return t;
}

void fake_frame(struct fake *f, const void *ptr, size_t len) {
    struct bn_buf *b = bn_buf_new(len);
    memcpy(b->data, ptr, len);
    b->len = len;
    bn_api_frame(f->api, fake_conn(f), f->ticket++, b, bn_slice_of(b->data, len));
    bn_buf_unref(b);
}

void fake_send(struct fake *f, int api_key, int version, void *message) {
    struct bn_header h = {.api_key = (int16_t)api_key,
                          .api_version = (int16_t)version,
                          .correlation_id = 77,
                          .client_id = BN_SLICE_LIT("tester")};
    struct bn_chain chain;
    bn_chain_init(&chain);
    bn_header_encode_request(&h, bn_codec_request(api_key), message, &chain);
    uint8_t *bytes = take(f, chain.size_bytes);
    ck_assert_int_eq(bn_chain_copy_out(&chain, bytes), 0);
    fake_frame(f, bytes + 4, chain.size_bytes - 4);
    bn_chain_fini(&chain);
}

void fake_take(struct fake *f, int api_key, int version, void *out) {
    ck_assert_msg(f->out.size_bytes > 4, "no answer (closed: %s)", f->why);
    uint8_t *all = take(f, f->out.size_bytes);
    ck_assert_int_eq(bn_chain_copy_out(&f->out, all), 0);
    size_t len = bn_get_u32(all);
    ck_assert_uint_le(4 + len, f->out.size_bytes);
    bn_chain_consume(&f->out, 4 + len);
    int32_t correlation_id = 0;
    struct bn_slice body;
    ck_assert_int_eq(bn_header_decode_response(bn_slice_of(all + 4, len), api_key, version, &correlation_id, &body), 0);
    ck_assert_int_eq(correlation_id, 77);
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_codec_decode(bn_codec_response(api_key), version, body, &f->arena, out, &e);
    ck_assert_msg(rc == 0, "answer of version %d: %s", version, e.text);
}

void fake_ask(struct fake *f, int api_key, int version, void *message, void *out) {
    fake_send(f, api_key, version, message);
    fake_take(f, api_key, version, out);
}

void fake_answer(struct fake *f, int index, int16_t error, struct bn_slice body) {
    f->forwards[index].reply(f->forwards[index].arg, error, body);
}
