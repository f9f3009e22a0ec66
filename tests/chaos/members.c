/* members.c: members of one consumer group, each a consumer of its own, for tests that break things meanwhile. It owns
 * the log of what they saw.
 *
 *     members [-X PROPERTY=VALUE]... -b BOOTSTRAP -t TOPIC -g GROUP -l LOG [-n MEMBERS] [-c COMMIT-MS]
 *
 * Lines of LOG; every one ends with nanoseconds of CLOCK_MONOTONIC:
 *
 *     r MEMBER PARTITION OFFSET AT            a record came
 *     c MEMBER PARTITION OFFSET SENT AT       a commit of this offset, handed over at SENT, was acknowledged
 *     + MEMBER GENERATION PARTITIONS AT       what it was assigned, "1,2,3" or "-"
 *     - MEMBER GENERATION PARTITIONS AT       what it was told to give up
 *     ! MEMBER WORD AT                        a heartbeat or commit was refused with this error of librdkafka's
 *
 * Offsets of all that has come are committed every COMMIT-MS, whether or not the commit before has been answered.
 * SIGTERM: every member leaves its group. Exit: 0; 1 a fatal error; 2 usage.
 */
#include "tests/rdk.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define MEMBERS_MAX 64

struct options {
    const char *topic, *log;
    long members, commit_ms;
};

struct member {
    const struct options *options;
    FILE *log; /* of all; a line is one call */
    rd_kafka_t *handle;
    rd_kafka_queue_t *queue;
    pthread_t thread;
    int number;
};

static volatile sig_atomic_t stopped, fatal;

static void stop(int signum) { stopped = 1; }

static void rebalanced(rd_kafka_t *handle, rd_kafka_resp_err_t why, rd_kafka_topic_partition_list_t *parts, void *arg) {
    const struct member *m = arg;
    char list[4096] = "-";
    size_t len = 0;
    for (int i = 0; i < parts->cnt && len + 16 < sizeof list; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%d", i ? "," : "", parts->elems[i].partition);
    int assigned = why == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    fprintf(m->log, "%c %d %d %s %" PRId64 "\n", assigned ? '+' : '-', m->number, bn_rdk_generation(m->handle), list,
            bn_rdk_now_ns());
    rd_kafka_assign(handle, assigned ? parts : NULL);
}

static void refused(const struct member *m, const char *word) {
    fprintf(m->log, "! %d %s %" PRId64 "\n", m->number, word, bn_rdk_now_ns());
}

static void committed(rd_kafka_t *handle, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *parts,
                      void *arg) {
    int64_t *sent = arg, now = bn_rdk_now_ns();
    const struct member *m = rd_kafka_opaque(handle);
    if (error && error != RD_KAFKA_RESP_ERR__NO_OFFSET) refused(m, rd_kafka_err2name(error));
    for (int i = 0; !error && i < parts->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &parts->elems[i];
        if (p->err)
            refused(m, rd_kafka_err2name(p->err));
        else if (p->offset >= 0)
            fprintf(m->log, "c %d %d %" PRId64 " %" PRId64 " %" PRId64 "\n", m->number, p->partition, p->offset, *sent,
                    now);
    }
    free(sent);
}

/* librdkafka says nothing of a refused heartbeat but this. */
static void logged(const rd_kafka_t *handle, int level, const char *facility, const char *text) {
    static const rd_kafka_resp_err_t words[] = {
        RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
        RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(text, rd_kafka_err2str(words[i]))) refused(rd_kafka_opaque(handle), rd_kafka_err2name(words[i]));
    if (level <= 3) fprintf(stderr, "%s: %s\n", facility, text);
}

static void failed(rd_kafka_t *handle, int err, const char *reason, void *opaque) {
    if (err != RD_KAFKA_RESP_ERR__FATAL) return; /* brokers that went away come back */
    fprintf(stderr, "fatal: %s\n", reason);
    fatal = 1;
    stopped = 1;
}

static void commit(struct member *m) {
    int64_t *sent = malloc(sizeof *sent);
    if (!sent) abort();
    *sent = bn_rdk_now_ns();
    rd_kafka_resp_err_t error = rd_kafka_commit_queue(m->handle, NULL, m->queue, committed, sent);
    if (error) refused(m, rd_kafka_err2name(error));
}

static void *run(void *arg) {
    struct member *m = arg;
    int64_t due = bn_rdk_now_ns(), every = m->options->commit_ms * 1000000;
    while (!stopped) {
        rd_kafka_message_t *r = rd_kafka_consumer_poll(m->handle, 10);
        if (r && !r->err)
            fprintf(m->log, "r %d %d %" PRId64 " %" PRId64 "\n", m->number, r->partition, r->offset, bn_rdk_now_ns());
        if (r) rd_kafka_message_destroy(r);
        if (bn_rdk_now_ns() >= due) {
            commit(m);
            due += every;
            if (due < bn_rdk_now_ns()) due = bn_rdk_now_ns();
        }
    }
    rd_kafka_consumer_close(m->handle);
    return NULL;
}

static int start(struct member *m, const rd_kafka_conf_t *base) {
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(base);
    rd_kafka_conf_set_opaque(conf, m);
    m->handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, m->options->topic, RD_KAFKA_PARTITION_UA);
    int bad = !m->handle || rd_kafka_poll_set_consumer(m->handle) || rd_kafka_subscribe(m->handle, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (bad) {
        fprintf(stderr, "cannot start: %s\n", m->handle ? "no subscription" : why);
        return -1;
    }
    m->queue = rd_kafka_queue_get_consumer(m->handle);
    return pthread_create(&m->thread, NULL, run, m);
}

static int parse(struct options *o, rd_kafka_conf_t *conf, int argc, char **argv) {
    int c;
    while ((c = getopt(argc, argv, "X:b:t:g:l:n:c:")) != -1) {
        switch (c) {
        case 'b':
            if (bn_rdk_set(conf, "bootstrap.servers", optarg)) return -1;
            break;
        case 't':
            o->topic = optarg;
            break;
        case 'g':
            if (bn_rdk_set(conf, "group.id", optarg)) return -1;
            break;
        case 'l':
            o->log = optarg;
            break;
        case 'n':
            o->members = strtol(optarg, NULL, 10);
            break;
        case 'c':
            o->commit_ms = strtol(optarg, NULL, 10);
            break;
        case 'X':
            if (bn_rdk_set_pair(conf, optarg)) return -1;
            break;
        default:
            return -1;
        }
    }
    int fits = o->members > 0 && o->members <= MEMBERS_MAX && o->commit_ms > 0 && optind == argc;
    return o->topic && o->log && fits ? 0 : -1;
}

int main(int argc, char **argv) {
    static const char *const fixed[][2] = {{"auto.offset.reset", "earliest"}, {"enable.auto.commit", "false"},
                                           {"session.timeout.ms", "6000"},    {"heartbeat.interval.ms", "500"},
                                           {"fetch.wait.max.ms", "100"},      {"debug", "consumer,cgrp"}};
    static struct member members[MEMBERS_MAX];
    struct options o = {.members = 1, .commit_ms = 100};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (bn_rdk_set(conf, fixed[i][0], fixed[i][1])) return 1;
    if (parse(&o, conf, argc, argv)) {
        fprintf(stderr, "usage: members [-X P=V]... -b BOOTSTRAP -t TOPIC -g GROUP -l LOG [-n MEMBERS] [-c MS]\n");
        return 2;
    }
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rd_kafka_conf_set_error_cb(conf, failed);
    rd_kafka_conf_set_log_cb(conf, logged);
    FILE *log = fopen(o.log, "w");
    if (!log) return 1;
    setvbuf(log, NULL, _IOLBF, 65536); /* readers see whole lines */
    signal(SIGTERM, stop);
    for (int i = 0; i < o.members; i++) {
        members[i] = (struct member){.options = &o, .log = log, .number = i};
        if (start(&members[i], conf)) return 1;
    }
    for (int i = 0; i < o.members; i++) pthread_join(members[i].thread, NULL);
    fflush(log);
    _Exit(fatal); /* destroying handles would wait for brokers that may be gone */
}
