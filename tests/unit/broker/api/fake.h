/* fake.h: a broker of nothing but an image, for the tests of broker/api's handlers: requests go in as structs or as
 * bytes, answers come out decoded. The cluster: brokers 1, 2, 3; 1 and 2 on listeners PLAINTEXT and INTERNAL, 3 on
 * INTERNAL only. */
#ifndef FAKE_H
#define FAKE_H

#include "broker/api/api.h"

enum { FAKE_FORWARDS_MAX = 16 };

struct fake {
    struct bn_api_deps deps;
    struct bn_api *api;
    struct bn_image image;
    struct bn_buf *frame; /* of the last request */
    uint32_t ticket;
    /* what came out */
    int answers, closes;
    char why[512];
    struct bn_chain out; /* answers, in order */
    void *user;          /* the connection's word */
    struct {             /* requests forwarded, not answered yet unless told so */
        int api_key, version;
        bool auto_create;
        uint32_t timeout_ms;
        uint8_t body[4096];
        size_t body_len;
        void (*reply)(void *arg, int16_t error, struct bn_slice body);
        void *arg;
    } forwards[FAKE_FORWARDS_MAX];
    int forward_count;
    int16_t id_error; /* of the next producer id */
    int64_t next_id;
    struct bn_arena arena; /* of decoded answers and of the image */
};

void fake_init(struct fake *f);
void fake_init_on(struct fake *f, struct bn_shard *shard); /* with a loop, for handlers that wait */
void fake_fini(struct fake *f);
struct bn_conn *fake_conn(struct fake *f);
/* Adds a topic with `partitions` partitions, each led by `leader` with replicas 1, 2, 3 in the ISR; id is 16 times
 * id_byte. */
struct bn_image_topic *fake_topic(struct fake *f, const char *name, uint8_t id_byte, int32_t partitions,
                                  int32_t leader);
/* Sends a frame (without its length). */
void fake_frame(struct fake *f, const void *ptr, size_t len);
/* Sends a request of the API's codec; correlation id 77. */
void fake_send(struct fake *f, int api_key, int version, void *message);
/* Takes the next answer: checks length and correlation id, decodes its body into out (a struct of the API's
 * response). */
void fake_take(struct fake *f, int api_key, int version, void *out);
/* fake_send, then fake_take. */
void fake_ask(struct fake *f, int api_key, int version, void *message, void *out);
/* Answers a forwarded request. */
void fake_answer(struct fake *f, int index, int16_t error, struct bn_slice body);

#endif
