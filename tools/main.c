/* main.c: `barnabas`: every tool in one binary, by verb, or by the name of the Kafka script it stands in for.
 */
#include "tools/command.h"
#include "tools/near.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* NULL: Kafka's own name of a tool, not listed */
} commands[] = {
    {"topic", bn_topic_command, "create, list, describe, alter and delete topics"},
    {"config", bn_config_command, "describe, set and delete configs of topics and brokers"},
    {"group", bn_groups_command, "consumer groups: list, describe, lag, members, reset, delete"},
    {"offsets", bn_offsets_command, "offsets of partitions at a time"},
    {"dump-log", bn_dump_command, "what is in the files of a log"},
    {"delete-records", bn_delete_records_command, "move the beginning of partitions"},
    {"elect", bn_elect_command, "elect leaders"},
    {"log-dirs", bn_log_dirs_command, "how large partitions are, by directory"},
    {"cluster", bn_cluster_id_command, "the cluster's id and its brokers"},
    {"api-versions", bn_api_versions_command, "what every broker speaks"},
    {"produce", bn_produce_command, "lines in, records out"},
    {"consume", bn_consume_command, "records in, lines out"},
    {"bench-produce", bn_perf_produce_command, "how fast records go in"},
    {"bench-consume", bn_perf_consume_command, "how fast records come out"},
    {"zk", bn_zk_command, "look at the znodes"},
    {"wait", bn_wait_command, "until a cluster is ready"},
    {"kafka-topics", bn_topic_command_kafka, NULL},
    {"kafka-configs", bn_config_command_kafka, NULL},
    {"kafka-consumer-groups", bn_groups_command_kafka, NULL},
    {"kafka-get-offsets", bn_offsets_command, NULL},
    {"kafka-dump-log", bn_dump_command, NULL},
    {"kafka-producer-perf-test", bn_perf_produce_command, NULL},
    {"kafka-consumer-perf-test", bn_perf_consume_command, NULL},
    {"kafka-delete-records", bn_delete_records_command, NULL},
    {"kafka-leader-election", bn_elect_command, NULL},
    {"kafka-log-dirs", bn_log_dirs_command, NULL},
    {"kafka-cluster", bn_cluster_id_command, NULL},
    {"kafka-broker-api-versions", bn_api_versions_command, NULL},
    {"kafka-console-producer", bn_produce_command, NULL},
    {"kafka-console-consumer", bn_consume_command, NULL},
};

static int usage(FILE *to, int code) {
    fprintf(to, "usage: barnabas <command> [options]\n");
    for (size_t i = 0; i < BN_ARRAY_LEN(commands); i++) {
        if (commands[i].help) fprintf(to, "  %-14s %s\n", commands[i].name, commands[i].help);
    }
    fprintf(to, "barnabas <command> --help tells more.\n");
    return code;
}

int main(int argc, char **argv) {
    if (argc < 2) return usage(stderr, BN_COMMAND_USAGE);
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) return usage(stdout, BN_COMMAND_OK);
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)
        return puts("barnabas " PACKAGE_VERSION), BN_COMMAND_OK;
    for (size_t i = 0; i < BN_ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, argv[1]) == 0) return commands[i].run(argc - 1, argv + 1);
    }
    struct bn_near near;
    bn_near_init(&near, bn_slice_str(argv[1]));
    for (size_t i = 0; i < BN_ARRAY_LEN(commands); i++) bn_near_try(&near, bn_slice_str(commands[i].name));
    fprintf(stderr, "barnabas: there is no command '%s'", argv[1]);
    if (near.best.ptr) return fprintf(stderr, " (did you mean %.*s?)\n", BN_SLICE_FMT(near.best)), BN_COMMAND_USAGE;
    fputc('\n', stderr);
    return usage(stderr, BN_COMMAND_USAGE);
}
