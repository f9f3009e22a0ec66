/* rdk.c: what the test programs on librdkafka share: the clock that their logs are compared by, its properties, and the
 * generation of a group, which it tells nobody. It keeps nothing.
 */
#include "tests/rdk.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t bn_rdk_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int bn_rdk_set(rd_kafka_conf_t *conf, const char *key, const char *value) {
    char why[512];
    if (rd_kafka_conf_set(conf, key, value, why, sizeof why) == RD_KAFKA_CONF_OK) return 0;
    fprintf(stderr, "%s=%s: %s\n", key, value, why);
    return -1;
}

int bn_rdk_set_pair(rd_kafka_conf_t *conf, char *pair) {
    char *value = strchr(pair, '=');
    if (!value) {
        fprintf(stderr, "%s: not PROPERTY=VALUE\n", pair);
        return -1;
    }
    *value++ = 0;
    return bn_rdk_set(conf, pair, value);
}

/* It is in what librdkafka writes for a transactional producer: a magic word, then the number as it lies in memory.
 * There is no other way to it in 2.0. */
int32_t bn_rdk_generation(rd_kafka_t *handle) {
    static const char magic[] = "CGMDv2:";
    int32_t number = -1;
    void *bytes = NULL;
    size_t size = 0;
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(handle);
    if (!metadata) return -1;
    rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(metadata, &bytes, &size);
    if (error) {
        rd_kafka_error_destroy(error);
    } else if (size >= sizeof magic - 1 + sizeof number && memcmp(bytes, magic, sizeof magic - 1) == 0) {
        memcpy(&number, (const char *)bytes + sizeof magic - 1, sizeof number);
    }
    rd_kafka_mem_free(handle, bytes);
    rd_kafka_consumer_group_metadata_destroy(metadata);
    return number;
}
