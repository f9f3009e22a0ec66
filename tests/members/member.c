/* member.c: one member of a consumer group on librdkafka, for tests that watch groups from within.
 *
 *     member -b BOOTSTRAP -g GROUP -t TOPIC [-a ASSIGNOR] [-s SESSION-MS] [-h HEARTBEAT-MS] [-m MAX-POLL-MS] [-X
 * PROPERTY=VALUE]...
 *
 * It prints what happens to it, a line each (README.md), with the wall clock in milliseconds; and does what lines of
 * its standard input say: "stall" (stop polling), "resume" (commit once, then poll again), "leave". A record's offset
 * is stored for the automatic commit only after its line was printed, so nothing is committed that a killed member had
 * not told.
 */
#include "tests/rdk.h"

#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <unistd.h>

#define POLL_MS 50

struct member {
    rd_kafka_t *handle;
    char typed[256]; /* what came on standard input and is not a whole line yet */
    size_t typed_length;
    int stalled, leaving;
};

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void tell(rd_kafka_t *handle, const char *what, const rd_kafka_topic_partition_list_t *partitions) {
    printf("%.3f %s %" PRId32 " ", now_ms(), what, bn_rdk_generation(handle));
    for (int i = 0; i < partitions->cnt; i++) printf("%s%" PRId32, i ? "," : "", partitions->elems[i].partition);
    printf("%s\n", partitions->cnt ? "" : "-");
}

static void rebalanced(rd_kafka_t *handle, rd_kafka_resp_err_t why, rd_kafka_topic_partition_list_t *partitions,
                       void *opaque) {
    int cooperative = strcmp(rd_kafka_rebalance_protocol(handle), "COOPERATIVE") == 0;
    rd_kafka_error_t *error = NULL;
    if (why == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        tell(handle, "assigned", partitions);
        if (cooperative) {
            error = rd_kafka_incremental_assign(handle, partitions);
        } else {
            rd_kafka_assign(handle, partitions);
        }
    } else {
        tell(handle, rd_kafka_assignment_lost(handle) ? "lost" : "revoked", partitions);
        if (cooperative) {
            error = rd_kafka_incremental_unassign(handle, partitions);
        } else {
            rd_kafka_assign(handle, NULL);
        }
    }
    if (error) {
        printf("%.3f note %s\n", now_ms(), rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
}

static void obey(struct member *m, const char *command) {
    if (strcmp(command, "stall") == 0) {
        m->stalled = 1;
        printf("%.3f stalled\n", now_ms());
    } else if (strcmp(command, "resume") == 0) {
        printf("%.3f commit %s\n", now_ms(), rd_kafka_err2name(rd_kafka_commit(m->handle, NULL, 0)));
        m->stalled = 0;
    } else if (strcmp(command, "leave") == 0) {
        m->leaving = 1;
    }
}

static void listen_to_driver(struct member *m, int timeout_ms) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, timeout_ms) <= 0) return;
    ssize_t got = read(STDIN_FILENO, m->typed + m->typed_length, sizeof m->typed - 1 - m->typed_length);
    if (got <= 0) {
        m->leaving = got == 0 || errno != EINTR; /* the driver is gone */
        return;
    }
    m->typed_length += (size_t)got;
    m->typed[m->typed_length] = 0;
    char *line = m->typed;
    for (char *end = strchr(line, '\n'); end; line = end + 1, end = strchr(line, '\n')) {
        *end = 0;
        obey(m, line);
    }
    m->typed_length = strlen(line);
    memmove(m->typed, line, m->typed_length);
}

static void take(struct member *m) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(m->handle, POLL_MS);
    if (!message) return;
    if (message->err) {
        printf("%.3f note %s\n", now_ms(), rd_kafka_message_errstr(message));
    } else {
        printf("%.3f read %" PRId32 " %" PRId64 " %" PRId64 "\n", now_ms(), message->partition, message->offset,
               message->offset);
        /* Refused when the partition was taken away meanwhile: then it is the next owner's business. */
        rd_kafka_offset_store(message->rkt, message->partition, message->offset);
    }
    rd_kafka_message_destroy(message);
}

static int parse(rd_kafka_conf_t *conf, const char **topic, int argc, char **argv) {
    int c, bad = 0;
    while ((c = getopt(argc, argv, "b:g:t:a:s:h:m:X:")) != -1) {
        switch (c) {
        case 'b':
            bad |= bn_rdk_set(conf, "bootstrap.servers", optarg);
            break;
        case 'g':
            bad |= bn_rdk_set(conf, "group.id", optarg);
            break;
        case 't':
            *topic = optarg;
            break;
        case 'a':
            bad |= bn_rdk_set(conf, "partition.assignment.strategy", optarg);
            break;
        case 's':
            bad |= bn_rdk_set(conf, "session.timeout.ms", optarg);
            break;
        case 'h':
            bad |= bn_rdk_set(conf, "heartbeat.interval.ms", optarg);
            break;
        case 'm':
            bad |= bn_rdk_set(conf, "max.poll.interval.ms", optarg);
            break;
        case 'X':
            bad |= bn_rdk_set_pair(conf, optarg);
            break;
        default:
            return -1;
        }
    }
    return bad || !*topic ? -1 : 0;
}

int main(int argc, char **argv) {
    char why[256];
    const char *topic = NULL;
    struct member m = {0};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bn_rdk_set(conf, "auto.offset.reset", "earliest");
    bn_rdk_set(conf, "auto.commit.interval.ms", "300");
    bn_rdk_set(conf, "enable.auto.offset.store", "false");
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    if (parse(conf, &topic, argc, argv)) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    m.handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!m.handle) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    rd_kafka_poll_set_consumer(m.handle);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    printf("%.3f started\n", now_ms());
    rd_kafka_resp_err_t error = rd_kafka_subscribe(m.handle, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    while (!error && !m.leaving) {
        listen_to_driver(&m, m.stalled ? POLL_MS : 0);
        if (!m.stalled && !m.leaving) take(&m);
    }
    rd_kafka_consumer_close(m.handle);
    printf("%.3f left\n", now_ms());
    rd_kafka_destroy(m.handle);
    return error ? 1 : 0;
}
