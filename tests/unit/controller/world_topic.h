/* world_topic.h: topics made through an agent of the world, and znodes written by a stranger. */
#ifndef WORLD_TOPIC_H
#define WORLD_TOPIC_H

#include "proto/kafka/codec.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/broker/cluster/cluster_world.h"

struct world_answer {
    bool came;
    int16_t error; /* of the topic */
};

static inline void world_answered(void *arg, int16_t error, struct bn_slice body) {
    struct world_answer *a = arg;
    struct kmsg_create_topics_response m;
    struct bn_arena arena;
    bn_arena_init(&arena, 8 << 20);
    a->came = true;
    a->error = error;
    if (!error) {
        ck_assert_int_eq(bn_codec_decode(&kmsg_create_topics_response_desc, 7, body, &arena, &m, NULL), 0);
        a->error = m.topics.v[0].error_code;
    }
    bn_arena_fini(&arena);
}

/* The answer comes while the world turns. */
static inline void world_ask_topic(struct world *w, int broker, const char *name, int32_t partitions,
                                   struct world_answer *a) {
    struct kmsg_create_topics_request_topic t = {
        .name = bn_slice_str(name), .num_partitions = partitions, .replication_factor = 1};
    struct kmsg_create_topics_request r = {.topics = {&t, 1}, .timeout_ms = 8000};
    struct bn_chain chain;
    uint8_t body[512];
    bn_chain_init(&chain);
    bn_codec_encode(&kmsg_create_topics_request_desc, 7, &r, &chain);
    size_t len = chain.size_bytes;
    ck_assert_int_eq(bn_chain_copy_out(&chain, body), 0);
    bn_chain_fini(&chain);
    *a = (struct world_answer){0};
    bn_forward_admin(w->brokers[broker].agent, w->shard, 19, 7, bn_slice_of(body, len), BN_SLICE_LIT("t"), false, 9000,
                     world_answered, a);
}

static inline int16_t world_make_topic(struct world *w, int broker, const char *name, int32_t partitions) {
    static struct world_answer a;
    world_ask_topic(w, broker, name, partitions, &a);
    WORLD_UNTIL(w, a.came);
    return a.error;
}

static inline void world_written(void *arg, int status, const char *path) {
    (void)path;
    *(int *)arg = status;
}

/* Written through the ZooKeeper client of broker 0, as a stranger's tool would. */
static inline int world_put(struct world *w, const char *path, const char *data, int flags) {
    int status = 99;
    struct bn_zk *zk = w->brokers[0].zk;
    zk->ops->create(zk, path, bn_slice_str(data), flags, world_written, &status);
    WORLD_UNTIL(w, status != 99);
    return status;
}

static inline void world_set_done(void *arg, int status, const struct bn_zk_stat *stat) {
    (void)stat;
    *(int *)arg = status;
}
static inline int world_set(struct world *w, const char *path, const char *data) {
    int status = 99;
    struct bn_zk *zk = w->brokers[0].zk;
    zk->ops->set(zk, path, bn_slice_str(data), -1, world_set_done, &status);
    WORLD_UNTIL(w, status != 99);
    return status;
}

static inline const struct bn_image_topic *world_topic(const struct world *w, int broker, const char *name) {
    return w->brokers[broker].image ? bn_image_topic(w->brokers[broker].image, bn_slice_str(name)) : NULL;
}

static inline void world_with_broker(struct world *w) {
    world_open(w);
    world_start_controller(w, 0);
    world_start_broker(w, 0, 1);
    WORLD_UNTIL(w, world_is_serving(w, 0));
}

#endif
