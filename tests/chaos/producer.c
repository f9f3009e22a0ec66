/* producer.c: an idempotent acks=all producer for tests that break things meanwhile. It owns the log of what was
 * acknowledged.
 *
 *     producer [-X PROPERTY=VALUE]... -b BOOTSTRAP -t TOPIC -l LOG [-p PARTITIONS] [-r RECORDS-PER-SECOND] [-n RECORDS]
 * [-i ID]
 *
 * Record number i goes to partition i % PARTITIONS, with the value "ID i NANOSECONDS" (CLOCK_MONOTONIC when it was
 * handed over). Each acknowledgement is a line of LOG: "i partition offset handed-over acknowledged" (both in
 * nanoseconds); a record that failed for good is "! i partition ERROR". -X sets any property of librdkafka. Records
 * wait in librdkafka's queue while a partition has no leader, and the rate is made up for afterwards, as an application
 * does.
 *
 * SIGTERM, or RECORDS handed over: what is in flight is waited for. Exit: 0 all was acknowledged; 3 a fatal error; 4
 * the flush timed out; 5 a record failed.
 */
#include "tests/rdk.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <unistd.h>

#define FLUSH_MS 120000

struct options {
    const char *topic, *log, *id;
    long partitions, rate, records;
};

struct state {
    FILE *log;
    long failed;
    int fatal;
};

static volatile sig_atomic_t stopped;

static void stop(int signum) { stopped = 1; }

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *m, void *opaque) {
    struct state *s = opaque;
    char value[96], id[32];
    long number = -1;
    int64_t began = 0;
    size_t len = m->len < sizeof value ? m->len : sizeof value - 1;
    memcpy(value, m->payload, len);
    value[len] = 0;
    sscanf(value, "%31s %ld %" SCNd64, id, &number, &began);
    if (m->err) {
        s->failed++;
        fprintf(s->log, "! %ld %d %s\n", number, m->partition, rd_kafka_err2name(m->err));
        return;
    }
    fprintf(s->log, "%ld %d %" PRId64 " %" PRId64 " %" PRId64 "\n", number, m->partition, m->offset, began,
            bn_rdk_now_ns());
}

static void failed(rd_kafka_t *handle, int err, const char *reason, void *opaque) {
    struct state *s = opaque;
    if (err != RD_KAFKA_RESP_ERR__FATAL) return; /* brokers that went away come back */
    char why[512];
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(handle, why, sizeof why);
    fprintf(stderr, "fatal: %s: %s\n", rd_kafka_err2name(cause), why);
    s->fatal = 1;
    stopped = 1;
}

/* Serves callbacks for up to this long, and lets readers of the log see what came. */
static void serve(rd_kafka_t *handle, struct state *s, int ms) {
    if (rd_kafka_poll(handle, ms) > 0) fflush(s->log);
}

static void hand_over(rd_kafka_t *handle, struct state *s, const struct options *o, long number) {
    char value[96];
    int len = snprintf(value, sizeof value, "%s %ld %" PRId64, o->id, number, bn_rdk_now_ns());
    while (!stopped && rd_kafka_producev(handle, RD_KAFKA_V_TOPIC(o->topic),
                                         RD_KAFKA_V_PARTITION((int32_t)(number % o->partitions)),
                                         RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(value, (size_t)len),
                                         RD_KAFKA_V_END)) {
        serve(handle, s, 10);
    }
}

static void run(rd_kafka_t *handle, struct state *s, const struct options *o) {
    int64_t began = bn_rdk_now_ns();
    long sent = 0;
    while (!stopped && (!o->records || sent < o->records)) {
        long due = (long)((double)(bn_rdk_now_ns() - began) * 1e-9 * (double)o->rate) + 1;
        if (o->records && due > o->records) due = o->records;
        for (int burst = 0; sent < due && !stopped && burst < 1000; burst++) hand_over(handle, s, o, sent++);
        serve(handle, s, sent < due ? 0 : 1);
    }
}

static int parse(struct options *o, rd_kafka_conf_t *conf, int argc, char **argv) {
    int c;
    while ((c = getopt(argc, argv, "X:b:t:l:p:r:n:i:")) != -1) {
        switch (c) {
        case 'b':
            if (bn_rdk_set(conf, "bootstrap.servers", optarg)) return -1;
            break;
        case 't':
            o->topic = optarg;
            break;
        case 'l':
            o->log = optarg;
            break;
        case 'i':
            o->id = optarg;
            break;
        case 'p':
            o->partitions = strtol(optarg, NULL, 10);
            break;
        case 'r':
            o->rate = strtol(optarg, NULL, 10);
            break;
        case 'n':
            o->records = strtol(optarg, NULL, 10);
            break;
        case 'X':
            if (bn_rdk_set_pair(conf, optarg)) return -1;
            break;
        default:
            return -1;
        }
    }
    return o->topic && o->log && o->partitions > 0 && o->rate > 0 && optind == argc ? 0 : -1;
}

int main(int argc, char **argv) {
    static const char *const fixed[][2] = {
        {"enable.idempotence", "true"}, {"acks", "all"}, {"linger.ms", "1"}, {"log_level", "3"}};
    struct options o = {.id = "p0", .partitions = 1, .rate = 1000};
    struct state s = {0};
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (bn_rdk_set(conf, fixed[i][0], fixed[i][1])) return 1;
    if (parse(&o, conf, argc, argv)) {
        fprintf(stderr, "usage: producer [-X P=V]... -b BOOTSTRAP -t TOPIC -l LOG [-p PARTITIONS] [-r RATE] [-n "
                        "RECORDS] [-i ID]\n");
        return 2;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_error_cb(conf, failed);
    rd_kafka_conf_set_opaque(conf, &s);
    s.log = fopen(o.log, "w");
    rd_kafka_t *handle = s.log ? rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why) : NULL;
    if (!handle) {
        fprintf(stderr, "cannot start: %s\n", s.log ? why : o.log);
        return 1;
    }
    signal(SIGTERM, stop);
    run(handle, &s, &o);
    int late = !s.fatal && rd_kafka_flush(handle, FLUSH_MS) ? 1 : 0;
    fclose(s.log);
    if (late) fprintf(stderr, "%d records were never answered\n", rd_kafka_outq_len(handle));
    _Exit(s.fatal    ? 3
          : late     ? 4
          : s.failed ? 5
                     : 0); /* destroying a handle with records in it would wait for them again */
}
