/* creation.c: topics on their way to the controller. A topic that is on its way is not sent again. The controller fills
 * in what a topic does not say from the defaults of this broker, which go along. */
#include "broker/api/creation.h"

#include <stdio.h>

#include "broker/api/request_int.h"
#include "broker/api/topic_name.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/conf/conf.h"
#include "proto/kafka/kapi.h"

enum { CREATING_MAX = 1000, CREATE_VERSION = 7, CREATE_TIMEOUT_MS = 30000 };

struct creation { /* one CreateTopics on its way */
    struct bn_api *api;
    int count;
    char *names[]; /* in api->creating */
};

bool bn_creation_may(struct bn_request *r, struct bn_slice name, size_t more) {
    const struct bn_api *api = bn_request_box(r)->api;
    return api->creating.count + more < CREATING_MAX && !bn_map_get(&api->creating, name);
}

static void on_created(void *arg, int16_t error, struct bn_slice body) {
    struct creation *c = arg;
    (void)body;
    for (int i = 0; i < c->count; i++) {
        if (error) BN_WARN("creation", "Creation of topic %s: %s", c->names[i], bn_errors_name(error));
        bn_map_remove(&c->api->creating, bn_slice_str(c->names[i]));
        bn_alloc_free(c->names[i]);
    }
    bn_alloc_free(c);
}

static void forward(struct bn_request *r, struct creation *c, struct kmsg_create_topics_request_topic *topics) {
    struct kmsg_create_topics_request request = kmsg_create_topics_request_default;
    request.topics.v = topics;
    request.topics.n = c->count;
    request.timeout_ms = CREATE_TIMEOUT_MS;
    struct bn_chain chain;
    bn_chain_init(&chain);
    bn_codec_encode(&kmsg_create_topics_request_desc, CREATE_VERSION, &request, &chain);
    size_t size = chain.size_bytes;
    uint8_t *body = bn_alloc(size);
    int rc = bn_chain_copy_out(&chain, body);
    BN_ASSERT(rc == 0);
    bn_chain_fini(&chain);
    r->deps->forward(r->deps->arg, r->shard, KAPI_CREATE_TOPICS, CREATE_VERSION, bn_slice_of(body, size),
                     r->header.client_id, true, CREATE_TIMEOUT_MS, on_created, c);
    bn_alloc_free(body);
}

void bn_creation_start(struct bn_request *r, struct kmsg_create_topics_request_topic *topics, int32_t count) {
    struct bn_api *api = bn_request_box(r)->api;
    struct creation *c = bn_alloc(sizeof *c + (size_t)count * sizeof *c->names);
    *c = (struct creation){.api = api};
    for (int32_t i = 0; i < count; i++) {
        char *name = bn_alloc_strndup(topics[i].name.ptr, topics[i].name.len);
        bn_map_put(&api->creating, bn_slice_str(name), name);
        c->names[c->count++] = name;
    }
    forward(r, c, topics);
}

void bn_creation_offsets_topic(struct bn_request *r) {
    const struct bn_conf *conf = r->deps->conf;
    struct bn_slice name = BN_SLICE_LIT(BN_TOPIC_NAME_OFFSETS);
    if (!conf || !bn_creation_may(r, name, 0)) return;
    char segment_bytes[24];
    snprintf(segment_bytes, sizeof segment_bytes, "%" PRId64, bn_conf_i64(conf, BN_CONF_OFFSETS_TOPIC_SEGMENT_BYTES));
    struct kmsg_create_topics_request_config configs[] = {
        {BN_SLICE_LIT("cleanup.policy"), BN_SLICE_LIT("compact")},
        {BN_SLICE_LIT("compression.type"), BN_SLICE_LIT("producer")},
        {BN_SLICE_LIT("segment.bytes"), bn_slice_str(segment_bytes)},
    };
    struct kmsg_create_topics_request_topic topic = kmsg_create_topics_request_topic_default;
    topic.name = name;
    topic.num_partitions = bn_conf_int(conf, BN_CONF_OFFSETS_TOPIC_NUM_PARTITIONS);
    topic.replication_factor = (int16_t)bn_conf_int(conf, BN_CONF_OFFSETS_TOPIC_REPLICATION_FACTOR);
    topic.configs.v = configs;
    topic.configs.n = BN_ARRAY_LEN(configs);
    bn_creation_start(r, &topic, 1);
}
