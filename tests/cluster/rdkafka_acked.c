/* rdkafka_acked.c: produces without end and prints every acknowledged record as "partition offset value", for tests
 * that kill brokers meanwhile. Ends on SIGTERM.
 *
 *     rdkafka_acked BOOTSTRAP TOPIC ACKS
 */
#include "tests/rdk.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>

static volatile sig_atomic_t stopped;

static void stop(int signum) { stopped = 1; }

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *m, void *opaque) {
    if (!m->err) printf("%d %" PRId64 " %.*s\n", m->partition, m->offset, (int)m->len, (const char *)m->payload);
}

int main(int argc, char **argv) {
    char why[256];
    if (argc != 4) return 2;
    signal(SIGTERM, stop);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (bn_rdk_set(conf, "bootstrap.servers", argv[1]) || bn_rdk_set(conf, "acks", argv[3])) return 2;
    if (bn_rdk_set(conf, "linger.ms", "1") || bn_rdk_set(conf, "log_level", "0")) return 2;
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!handle) return 1;
    for (long i = 0; !stopped; i++) {
        char value[64];
        snprintf(value, sizeof value, "value-%ld", i);
        while (!stopped &&
               rd_kafka_producev(handle, RD_KAFKA_V_TOPIC(argv[2]), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_VALUE(value, strlen(value)), RD_KAFKA_V_END)) {
            rd_kafka_poll(handle, 10);
        }
        rd_kafka_poll(handle, 0);
    }
    rd_kafka_poll(handle, 0);
    fflush(stdout);
    _Exit(0); /* what was not acknowledged does not matter */
}
