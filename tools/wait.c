/* wait.c: `barnabas wait`: until ZooKeeper answers, or until every broker named answers and knows of as many brokers as
 * it should. For scripts.
 */
#include <librdkafka/rdkafka.h>

#include "common/base/alloc.h"
#include "common/base/trace.h"
#include "common/sys/clock.h"
#include "tools/client_conf.h"
#include "tools/command.h"
#include "tools/zk_sync.h"

static const struct bn_option table[] = {
    {"zookeeper", BN_OPTION_VALUE, "wait for this ZooKeeper"},
    {"bootstrap-server", BN_OPTION_VALUE, "wait for each of these brokers"},
    {"brokers", BN_OPTION_VALUE, "how many brokers each must know (1)"},
    {"timeout", BN_OPTION_VALUE, "seconds (30)"},
    {"help", BN_OPTION_FLAG, "this text"},
    {NULL, BN_OPTION_FLAG, NULL},
};

static bool zookeeper_answers(const char *connect, uint64_t timeout_ms, struct bn_err *e) {
    struct bn_zk_sync *z = bn_zk_sync_open(connect, timeout_ms, e);
    if (z) bn_zk_sync_close(z);
    return z != NULL;
}

/* How many brokers the one at `address` knows of; -1 when it does not answer. librdkafka redials by itself meanwhile.
 */
static int brokers_known(rd_kafka_t *handle, int timeout_ms) {
    const struct rd_kafka_metadata *metadata = NULL;
    if (rd_kafka_metadata(handle, 0, NULL, &metadata, timeout_ms)) return -1;
    int count = metadata->broker_cnt;
    rd_kafka_metadata_destroy(metadata);
    return count;
}

static bool broker_ready(const char *address, int brokers, uint64_t deadline_ms) {
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bn_client_conf_set(conf, "barnabas wait", "bootstrap.servers", address);
    bn_client_conf_set(conf, "barnabas wait", "log_level", "0");
    bn_client_conf_set(conf, "barnabas wait", "reconnect.backoff.ms", "20");
    bn_client_conf_set(conf, "barnabas wait", "reconnect.backoff.max.ms", "100");
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!handle) return false;
    bool ready = false;
    while (!ready && bn_clock_mono_ms(bn_clock_real()) < deadline_ms) ready = brokers_known(handle, 200) >= brokers;
    rd_kafka_destroy(handle);
    return ready;
}

static int wait_for_brokers(const char *list, int brokers, uint64_t deadline_ms) {
    int rc = BN_COMMAND_OK;
    while (*list && rc == BN_COMMAND_OK) {
        size_t len = strcspn(list, ",");
        char *address = bn_alloc_strndup(list, len);
        if (!broker_ready(address, brokers, deadline_ms)) {
            fprintf(stderr, "barnabas wait: the broker at %s did not answer, or does not know %d brokers, in time\n",
                    address, brokers);
            rc = BN_COMMAND_TIMED_OUT;
        }
        bn_alloc_free(address);
        list += len + (list[len] == ',');
    }
    return rc;
}

int bn_wait_command(int argc, char **argv) {
    struct bn_options o;
    struct bn_err e = BN_ERR_NONE;
    bool bad = false;
    if (bn_options_parse(&o, "barnabas wait", table, argc, argv) < 0) return BN_COMMAND_USAGE;
    int64_t seconds = bn_options_number(&o, "timeout", 30, &bad), brokers = bn_options_number(&o, "brokers", 1, &bad);
    const char *zookeeper = bn_options_get(&o, "zookeeper"), *list = bn_options_get(&o, "bootstrap-server");
    int rc = BN_COMMAND_OK;
    if (bad || bn_options_has(&o, "help") || (!zookeeper && !list)) {
        bn_options_help(table, "barnabas wait --zookeeper host:port | --bootstrap-server host:port,... [--brokers N]");
        rc = bn_options_has(&o, "help") ? BN_COMMAND_OK : BN_COMMAND_USAGE;
        zookeeper = list = NULL;
    }
    bn_trace_set_level(BN_TRACE_FATAL);
    uint64_t deadline_ms = bn_clock_mono_ms(bn_clock_real()) + (uint64_t)seconds * 1000;
    if (zookeeper && !zookeeper_answers(zookeeper, (uint64_t)seconds * 1000, &e)) {
        fprintf(stderr, "barnabas wait: %s\n", e.text);
        rc = BN_COMMAND_TIMED_OUT;
    }
    if (rc == BN_COMMAND_OK && list) rc = wait_for_brokers(list, (int)brokers, deadline_ms);
    bn_options_fini(&o);
    return rc;
}
