/* perf_produce.c: `barnabas bench-produce` and kafka-producer-perf-test.sh (9-tools 9.6), over librdkafka, with Kafka's
 * printed lines. A latency is the time from handing a record over to its acknowledgement.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/sys/clock.h"
#include "tools/admin.h"
#include "tools/client_conf.h"
#include "tools/command.h"
#include "tools/jsonout.h"

static const struct bn_option table[] = {
    {"topic", BN_OPTION_VALUE, "the topic to produce to (required)"},
    {"num-records", BN_OPTION_VALUE, "how many (required)"},
    {"record-size", BN_OPTION_VALUE, "bytes of each: random letters; or one of the next two"},
    {"payload-file", BN_OPTION_VALUE, "take payloads from this file at random"},
    {"payload-monotonic", BN_OPTION_FLAG, "payloads are 0, 1, 2, ..."},
    {"payload-delimiter", BN_OPTION_VALUE, "between the file's payloads (a new line)"},
    {"throughput", BN_OPTION_VALUE, "records a second, -1 for as many as go (required)"},
    {"producer-props", BN_OPTION_VALUE, "bootstrap.servers=host:port acks=1 ...; any number of words"},
    {"producer.config", BN_OPTION_VALUE, "a file of producer properties"},
    {"bootstrap-server", BN_OPTION_VALUE, "host:port,... (instead of the property)"},
    {"transactional-id", BN_OPTION_VALUE, "produce in transactions"},
    {"transaction-duration-ms", BN_OPTION_VALUE, "commit each after so long"},
    {"print-metrics", BN_OPTION_FLAG, NULL},
    {"format", BN_OPTION_VALUE, "text (default) or json: one object at the end"},
    {"help", BN_OPTION_FLAG, "this text"},
    {"version", BN_OPTION_FLAG, "the version"},
    {NULL, BN_OPTION_FLAG, NULL},
};

enum { SAMPLES_MAX = 500000, WINDOW_MS = 5000, LETTERS = 1 << 16, SIZE_MAX_BYTES = 1 << 30 };

struct span { /* what was acknowledged since started_ms */
    uint64_t started_ms;
    int64_t count, bytes, latency_ms, latency_max_ms;
};

struct perf {
    const struct bn_options *options;
    const char *topic;
    int64_t records, size, txn_ms;
    double rate; /* records a second; negative: no limit */
    bool monotonic, json;
    char *text; /* letters to cut payloads from, or the payload file */
    struct bn_slice *payloads;
    size_t payload_count;
    uint64_t random;
    struct span all, window;
    int32_t *samples;
    int64_t sample_count, sample_every, failed;
    rd_kafka_t *handle;
};

static uint64_t now_ms(void) { return bn_clock_mono_ms(bn_clock_real()); }

static uint64_t next_random(struct perf *p) { /* xorshift64* */
    p->random ^= p->random >> 12;
    p->random ^= p->random << 25;
    p->random ^= p->random >> 27;
    return p->random * 0x2545F4914F6CDD1DULL >> 16;
}

/* ---- what was measured ---- */

static double per_second(const struct span *s, double what, uint64_t until_ms) {
    double ms = (double)(until_ms - s->started_ms);
    return 1000.0 * what / (ms > 0 ? ms : 1);
}

static double mean_ms(const struct span *s) { return s->count ? (double)s->latency_ms / (double)s->count : 0; }

static void count_in(struct span *s, int64_t bytes, int64_t latency_ms) {
    s->count++;
    s->bytes += bytes;
    s->latency_ms += latency_ms;
    s->latency_max_ms = bn_max_i64(s->latency_max_ms, latency_ms);
}

static void print_window(struct perf *p, uint64_t at_ms) {
    const struct span *w = &p->window;
    if (!p->json) {
        printf("%" PRId64 " records sent, %.1f records/sec (%.2f MB/sec), %.1f ms avg latency, %.1f ms max latency.\n",
               w->count, per_second(w, (double)w->count, at_ms), per_second(w, (double)w->bytes / (1024 * 1024), at_ms),
               mean_ms(w), (double)w->latency_max_ms);
        fflush(stdout);
    }
    p->window = (struct span){.started_ms = at_ms};
}

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *m, void *opaque) {
    struct perf *p = opaque;
    if (m->err) {
        if (p->failed++ == 0)
            fprintf(stderr, "%s: a record was not written: %s\n", p->options->program, rd_kafka_err2str(m->err));
        return;
    }
    int64_t latency_ms = rd_kafka_message_latency(m) / 1000;
    if (p->all.count % p->sample_every == 0 && p->sample_count < SAMPLES_MAX)
        p->samples[p->sample_count++] = (int32_t)latency_ms;
    count_in(&p->all, (int64_t)m->len, latency_ms);
    count_in(&p->window, (int64_t)m->len, latency_ms);
    uint64_t at_ms = now_ms();
    if (at_ms - p->window.started_ms >= WINDOW_MS) print_window(p, at_ms);
}

static int by_value(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static int32_t percentile(const struct perf *p, double share) {
    return p->sample_count ? p->samples[(int64_t)(share * (double)p->sample_count)] : 0;
}

static void print_total(struct perf *p) {
    uint64_t at_ms = now_ms();
    const struct span *a = &p->all;
    double rate = per_second(a, (double)a->count, at_ms), mb = per_second(a, (double)a->bytes / (1024 * 1024), at_ms);
    qsort(p->samples, (size_t)p->sample_count, sizeof *p->samples, by_value);
    if (!p->json) {
        printf("%" PRId64
               " records sent, %f records/sec (%.2f MB/sec), %.2f ms avg latency, %.2f ms max latency, %d ms 50th, "
               "%d ms 95th, %d ms 99th, %d ms 99.9th.\n",
               a->count, rate, mb, mean_ms(a), (double)a->latency_max_ms, percentile(p, 0.5), percentile(p, 0.95),
               percentile(p, 0.99), percentile(p, 0.999));
        return;
    }
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_number(&j, "records", a->count);
    bn_jsonout_real(&j, "recordsPerSecond", rate);
    bn_jsonout_real(&j, "megabytesPerSecond", mb);
    bn_jsonout_real(&j, "latencyMeanMs", mean_ms(a));
    bn_jsonout_number(&j, "latencyMaxMs", a->latency_max_ms);
    bn_jsonout_number(&j, "latency50Ms", percentile(p, 0.5));
    bn_jsonout_number(&j, "latency95Ms", percentile(p, 0.95));
    bn_jsonout_number(&j, "latency99Ms", percentile(p, 0.99));
    bn_jsonout_number(&j, "latency999Ms", percentile(p, 0.999));
    bn_jsonout_number(&j, "failed", p->failed);
    bn_jsonout_print(&j);
}

/* ---- payloads ---- */

static void make_letters(struct perf *p) {
    size_t len = (size_t)p->size + LETTERS;
    p->text = bn_alloc(len);
    for (size_t i = 0; i < len; i++) p->text[i] = (char)('A' + next_random(p) % 26);
}

static bool read_payloads(struct perf *p, const char *path) {
    const char *delimiter = bn_options_get(p->options, "payload-delimiter");
    if (!delimiter || strcmp(delimiter, "\\n") == 0) delimiter = "\n";
    printf("Reading payloads from: %s\n", path);
    fflush(stdout);
    p->text = bn_admin_read_file(p->options->program, path);
    if (!p->text) return false;
    size_t skip = strlen(delimiter);
    for (char *at = p->text; *at && skip > 0;) {
        char *end = strstr(at, delimiter);
        size_t len = end ? (size_t)(end - at) : strlen(at);
        p->payloads = bn_alloc_resize(p->payloads, (p->payload_count + 1) * sizeof *p->payloads);
        p->payloads[p->payload_count++] = bn_slice_of(at, len);
        at += len + (end ? skip : 0);
    }
    if (p->payload_count == 0) {
        fprintf(stderr, "File does not exist or empty file provided.\n");
        return false;
    }
    printf("Number of messages read: %zu\n", p->payload_count);
    return true;
}

static struct bn_slice payload(struct perf *p, int64_t number, char digits[24]) {
    if (p->monotonic) return bn_slice_of(digits, (size_t)snprintf(digits, 24, "%" PRId64, number));
    if (p->payload_count) return p->payloads[next_random(p) % p->payload_count];
    return bn_slice_of(p->text + next_random(p) % LETTERS, (size_t)p->size);
}

/* ---- sending ---- */

/* Waits, polling, while more was sent than the rate allows. */
static void throttle(struct perf *p, int64_t sent) {
    if (p->rate < 0) return;
    for (;;) {
        double ahead_ms = (double)sent / p->rate * 1000 - (double)(now_ms() - p->all.started_ms);
        if (ahead_ms < 1) return;
        rd_kafka_poll(p->handle, (int)(ahead_ms > 100 ? 100 : ahead_ms));
    }
}

static bool tell(const struct perf *p, const char *what, rd_kafka_error_t *error) {
    if (!error) return true;
    fprintf(stderr, "%s: %s: %s\n", p->options->program, what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

static bool send_one(struct perf *p, rd_kafka_topic_t *topic, int64_t number) {
    char digits[24];
    struct bn_slice value = payload(p, number, digits);
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)value.ptr, value.len,
                            NULL, 0, NULL) < 0) {
        rd_kafka_resp_err_t err = rd_kafka_last_error();
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fprintf(stderr, "%s: %s\n", p->options->program, rd_kafka_err2str(err));
            return false;
        }
        rd_kafka_poll(p->handle, 10);
    }
    rd_kafka_poll(p->handle, 0);
    return true;
}

static bool send_all(struct perf *p, rd_kafka_topic_t *topic) {
    uint64_t begun_ms = now_ms();
    bool ok = p->txn_ms <= 0 || (tell(p, "init transactions", rd_kafka_init_transactions(p->handle, 60000)) &&
                                 tell(p, "begin", rd_kafka_begin_transaction(p->handle)));
    p->all.started_ms = p->window.started_ms = now_ms();
    for (int64_t i = 0; i < p->records && ok; i++) {
        ok = send_one(p, topic, i);
        throttle(p, i + 1);
        if (!ok || p->txn_ms <= 0 || now_ms() - begun_ms < (uint64_t)p->txn_ms) continue;
        ok = tell(p, "commit", rd_kafka_commit_transaction(p->handle, 60000)) &&
             (i + 1 == p->records || tell(p, "begin", rd_kafka_begin_transaction(p->handle)));
        begun_ms = now_ms();
        if (i + 1 == p->records) return ok;
    }
    if (ok && p->txn_ms > 0) ok = tell(p, "commit", rd_kafka_commit_transaction(p->handle, 60000));
    rd_kafka_flush(p->handle, -1);
    return ok;
}

static int run(struct perf *p, rd_kafka_conf_t *conf) {
    char why[512];
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    p->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!p->handle) {
        fprintf(stderr, "%s: %s\n", p->options->program, why);
        rd_kafka_conf_destroy(conf);
        return BN_COMMAND_FAILED;
    }
    p->sample_every = bn_max_i64(1, p->records / SAMPLES_MAX);
    p->samples = bn_alloc_zero(SAMPLES_MAX, sizeof *p->samples);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(p->handle, p->topic, NULL);
    bool ok = topic && send_all(p, topic);
    print_total(p);
    if (topic) rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(p->handle);
    bn_alloc_free(p->samples);
    return ok && p->failed == 0 ? BN_COMMAND_OK : BN_COMMAND_FAILED;
}

/* ---- configuration ---- */

static bool configure(struct perf *p, rd_kafka_conf_t *conf) {
    const struct bn_options *o = p->options;
    const char *me = o->program, *value;
    bool ok = bn_client_conf_set(conf, me, "client.id", "perf-producer-client") &&
              bn_client_conf_set(conf, me, "log_level", "3");
    if ((value = bn_options_get(o, "bootstrap-server")) != NULL)
        ok = ok && bn_client_conf_set(conf, me, "bootstrap.servers", value);
    if ((value = bn_options_get(o, "producer.config")) != NULL) ok = ok && bn_client_conf_load(conf, me, value);
    for (int at = 0; (value = bn_options_next(o, "producer-props", &at)) != NULL;)
        ok = ok && bn_client_conf_set_pair(conf, me, value);
    for (int i = 0; i < o->rest_count; i++) ok = ok && bn_client_conf_set_pair(conf, me, o->rest[i]);
    const char *id = bn_options_get(o, "transactional-id");
    if (p->txn_ms > 0)
        ok = ok && bn_client_conf_set(conf, me, "transactional.id",
                                      id ? id : "performance-producer-default-transactional-id");
    return ok && bn_client_conf_idempotent(conf, o, "producer-props", "producer.config");
}

static bool refuse(const struct perf *p, const char *text) {
    fprintf(stderr, "%s: %s\n", p->options->program, text);
    return false;
}

static bool read_options(struct perf *p) {
    static const char *const required[] = {"topic", "num-records", "throughput"};
    const struct bn_options *o = p->options;
    bool bad = false;
    for (size_t i = 0; i < BN_ARRAY_LEN(required); i++) {
        if (bn_options_has(o, required[i])) continue;
        fprintf(stderr, "%s: error: argument --%s is required\n", o->program, required[i]);
        return false;
    }
    p->topic = bn_options_get(o, "topic");
    p->records = bn_options_number(o, "num-records", 0, &bad);
    p->size = bn_options_number(o, "record-size", -1, &bad);
    p->txn_ms = bn_options_number(o, "transaction-duration-ms", bn_options_has(o, "transactional-id") ? 3000 : 0, &bad);
    p->monotonic = bn_options_has(o, "payload-monotonic");
    char *end = NULL;
    const char *rate = bn_options_get(o, "throughput"), *path = bn_options_get(o, "payload-file");
    p->rate = strtod(rate, &end);
    if (end == rate || *end) return refuse(p, "--throughput needs a number");
    if (bad || p->records < 0) return bad ? false : refuse(p, "--num-records must not be negative");
    if (bn_options_has(o, "record-size") + (path != NULL) + p->monotonic != 1)
        return refuse(p, "error: one of the arguments --record-size --payload-file --payload-monotonic is required");
    if (bn_options_has(o, "record-size") && (p->size < 0 || p->size > SIZE_MAX_BYTES))
        return refuse(p, "--record-size must be from 0 to 1073741824");
    if (!bn_options_has(o, "producer-props") && !bn_options_has(o, "producer.config") &&
        !bn_options_has(o, "bootstrap-server"))
        return refuse(p, "Either --producer-props or --producer.config must be specified.");
    if (p->size >= 0) make_letters(p);
    return bn_admin_json(o, &p->json) && (!path || read_payloads(p, path));
}

int bn_perf_produce_command(int argc, char **argv) {
    struct bn_options o;
    if (bn_options_parse(&o, "kafka-producer-perf-test", table, argc, argv) < 0) return BN_COMMAND_FAILED;
    int rc = bn_admin_help(&o, argc,
                           "kafka-producer-perf-test --topic <topic> --num-records N --record-size N --throughput N "
                           "--producer-props bootstrap.servers=host:port ...",
                           BN_COMMAND_FAILED);
    if (rc < 0) {
        struct perf p = {.options = &o, .random = 0x9E3779B97F4A7C15ULL};
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        if (read_options(&p) && configure(&p, conf)) {
            rc = run(&p, conf);
        } else {
            rd_kafka_conf_destroy(conf);
            rc = BN_COMMAND_FAILED;
        }
        bn_alloc_free(p.text);
        bn_alloc_free(p.payloads);
    }
    bn_options_fini(&o);
    return rc;
}
