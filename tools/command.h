/* command.h: the commands of `barnabas`. Each takes its own argv (argv[0] is its name) and gives the exit code: 0 done,
 * 1 an operation or an item of it failed, 2 usage, 3 unhealthy, 4 timed out waiting; Kafka's front ends keep Kafka's 0
 * and 1. */
#ifndef BN_COMMAND_H
#define BN_COMMAND_H

#include "common/base/base.h"
#include "tools/options.h"

enum { BN_COMMAND_OK, BN_COMMAND_FAILED, BN_COMMAND_USAGE, BN_COMMAND_UNHEALTHY, BN_COMMAND_TIMED_OUT };

int bn_topic_command(int argc, char **argv);          /* barnabas topic create|list|describe|alter|delete */
int bn_topic_command_kafka(int argc, char **argv);    /* kafka-topics.sh */
int bn_config_command(int argc, char **argv);         /* barnabas config describe|set|delete */
int bn_config_command_kafka(int argc, char **argv);   /* kafka-configs.sh */
int bn_offsets_command(int argc, char **argv);        /* barnabas offsets, kafka-get-offsets.sh */
int bn_dump_command(int argc, char **argv);           /* barnabas dump-log, kafka-dump-log.sh */
int bn_perf_produce_command(int argc, char **argv);   /* barnabas bench-produce, kafka-producer-perf-test.sh */
int bn_perf_consume_command(int argc, char **argv);   /* barnabas bench-consume, kafka-consumer-perf-test.sh */
int bn_delete_records_command(int argc, char **argv); /* barnabas delete-records, kafka-delete-records.sh */
int bn_elect_command(int argc, char **argv);          /* barnabas elect, kafka-leader-election.sh */
int bn_log_dirs_command(int argc, char **argv);       /* barnabas log-dirs, kafka-log-dirs.sh */
int bn_api_versions_command(int argc, char **argv);   /* barnabas api-versions, kafka-broker-api-versions.sh */
int bn_cluster_id_command(int argc, char **argv);     /* barnabas cluster, kafka-cluster.sh */
int bn_produce_command(int argc, char **argv);        /* barnabas produce, kafka-console-producer.sh */
int bn_consume_command(int argc, char **argv);        /* barnabas consume, kafka-console-consumer.sh */
int bn_groups_command(int argc, char **argv);         /* barnabas group list|describe|members|lag|reset|delete|… */
int bn_groups_command_kafka(int argc, char **argv);   /* kafka-consumer-groups.sh */
int bn_zk_command(int argc, char **argv);             /* barnabas zk ls|get|stat|tree */
int bn_wait_command(int argc, char **argv);           /* barnabas wait: for ZooKeeper, for brokers */

/* resolve.c: the bootstrap servers a command line names: --bootstrap-server, --broker-list, or the brokers registered
 * at --zookeeper. Gives "host:port,…" (bn_alloc_free it), or NULL after telling stderr. */
char *bn_resolve_bootstrap(const struct bn_options *o);

#endif
