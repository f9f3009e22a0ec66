/* rdk.h: what the test programs on librdkafka share. Any thread may call. */
#ifndef BN_TESTS_RDK_H
#define BN_TESTS_RDK_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds: of one machine, so of all processes of a test. */
int64_t bn_rdk_now_ns(void);

/* 0, or -1 when librdkafka does not take it, which is told on stderr. */
int bn_rdk_set(rd_kafka_conf_t *conf, const char *key, const char *value);

/* The same of "KEY=VALUE", which it takes apart where it stands. */
int bn_rdk_set_pair(rd_kafka_conf_t *conf, char *pair);

/* The generation of the consumer's group that it is a member of, or -1. */
int32_t bn_rdk_generation(rd_kafka_t *handle);

#endif
