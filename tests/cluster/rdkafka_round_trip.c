/* rdkafka_round_trip.c: a librdkafka program as people write them: an idempotent producer sends records with keys,
 * headers and timestamps in one codec, a consumer reads them back, and everything must be the same and in order.
 *
 *     rdkafka_round_trip BOOTSTRAP TOPIC CODEC COUNT
 */
#include "tests/rdk.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>

enum { PARTITIONS = 3 };

static long failed;

static void die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    if (bn_rdk_set(conf, name, value)) exit(1);
}

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *m, void *opaque) {
    if (m->err) {
        fprintf(stderr, "not delivered: %s\n", rd_kafka_err2str(m->err));
        failed++;
    }
}

static int64_t timestamp_of(long i) { return 1700000000000 + i * 3; }

static void send_one(rd_kafka_t *handle, const char *topic, const char *codec, long i) {
    char key[32], value[128], header[32];
    snprintf(key, sizeof key, "key-%ld", i % 100);
    snprintf(value, sizeof value, "%s record %ld of some length that a codec can do something with", codec, i);
    snprintf(header, sizeof header, "%ld", i);
    for (;;) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            handle, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION((int32_t)(i % 100 % PARTITIONS)),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, strlen(key)),
            RD_KAFKA_V_VALUE(value, strlen(value)), RD_KAFKA_V_HEADER("number", header, -1),
            RD_KAFKA_V_HEADER("none", NULL, 0), RD_KAFKA_V_TIMESTAMP(timestamp_of(i)), RD_KAFKA_V_END);
        if (!err) break;
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL) die("produce", rd_kafka_err2str(err));
        rd_kafka_poll(handle, 50);
    }
    if (i % 1000 == 0) rd_kafka_poll(handle, 0);
}

static void produce(const char *bootstrap, const char *topic, const char *codec, long count) {
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", bootstrap);
    set(conf, "enable.idempotence", "true");
    set(conf, "compression.codec", codec);
    set(conf, "linger.ms", "10");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!handle) die("producer", why);
    for (long i = 0; i < count; i++) send_one(handle, topic, codec, i);
    if (rd_kafka_flush(handle, 120000) || failed) die("flush", "not everything was delivered");
    rd_kafka_destroy(handle);
}

static void check(const rd_kafka_message_t *m, const char *codec, long *number) {
    char key[32], value[128];
    rd_kafka_headers_t *headers = NULL;
    const void *header = NULL;
    size_t len = 0;
    if (rd_kafka_message_headers(m, &headers) || rd_kafka_header_get_last(headers, "number", &header, &len))
        die("header", "it is missing");
    *number = strtol(header, NULL, 10);
    if (rd_kafka_header_get_last(headers, "none", &header, &len) || header)
        die("header", "a null value did not stay null");
    snprintf(key, sizeof key, "key-%ld", *number % 100);
    snprintf(value, sizeof value, "%s record %ld of some length that a codec can do something with", codec, *number);
    if (m->key_len != strlen(key) || memcmp(m->key, key, m->key_len) != 0) die("key", key);
    if (m->len != strlen(value) || memcmp(m->payload, value, m->len) != 0) die("value", value);
    rd_kafka_timestamp_type_t type;
    if (rd_kafka_message_timestamp(m, &type) != timestamp_of(*number) || type != RD_KAFKA_TIMESTAMP_CREATE_TIME)
        die("timestamp", value);
}

/* Reads from where the topic stood before producing. */
static long consume(rd_kafka_t *handle, rd_kafka_queue_t *queue, const char *codec, long count) {
    long seen = 0, last[PARTITIONS] = {-1, -1, -1};
    while (seen < count) {
        rd_kafka_message_t *m = rd_kafka_consume_queue(queue, 30000);
        if (!m) die("consume", "nothing came for 30 s");
        if (m->err) die("consume", rd_kafka_message_errstr(m));
        long number = 0;
        check(m, codec, &number);
        if (number <= last[m->partition]) die("order", "a record came twice or too late");
        last[m->partition] = number;
        seen++;
        rd_kafka_message_destroy(m);
    }
    return seen;
}

/* A topic's creation is answered before every leader has heard of it, and a leader may go. A producer or a consumer
 * would ask again by itself; this call of librdkafka leaves that to its caller. */
static int64_t end_of(rd_kafka_t *handle, const char *topic, int32_t partition) {
    int64_t low, high = 0;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int tries = 0; tries < 300; tries++) {
        err = rd_kafka_query_watermark_offsets(handle, topic, partition, &low, &high, 30000);
        if (!err) return high;
        rd_kafka_poll(handle, 100);
    }
    die("watermarks", rd_kafka_err2str(err));
    return -1;
}

int main(int argc, char **argv) {
    if (argc != 5) die("usage", "rdkafka_round_trip BOOTSTRAP TOPIC CODEC COUNT");
    long count = strtol(argv[4], NULL, 10);
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[1]);
    set(conf, "check.crcs", "true");
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!handle) die("consumer", why);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, argv[2], NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    int64_t ends[PARTITIONS];
    for (int32_t p = 0; p < PARTITIONS; p++) {
        ends[p] = end_of(handle, argv[2], p);
    }
    produce(argv[1], argv[2], argv[3], count);
    for (int32_t p = 0; p < PARTITIONS; p++) rd_kafka_consume_start_queue(topic, p, ends[p], queue);
    printf("%ld records\n", consume(handle, queue, argv[3], count));
    for (int32_t p = 0; p < PARTITIONS; p++) rd_kafka_consume_stop(topic, p);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(handle);
    return 0;
}
