/* topic_command.c: the two faces of topic administration: `barnabas topic VERB NAME` and kafka-topics.sh.
 */
#include "tools/command.h"
#include "tools/topic.h"

#define COMMON_OPTIONS                                                                                                 \
    {"bootstrap-server", BN_OPTION_VALUE, "host:port,..."}, {"broker-list", BN_OPTION_VALUE, NULL},                    \
        {"zookeeper", BN_OPTION_VALUE, "host:port/chroot: ask the brokers registered there"},                          \
        {"partitions", BN_OPTION_VALUE, "how many partitions (create: the broker's default; alter: the new total)"},   \
        {"replication-factor", BN_OPTION_VALUE, "how many replicas (the broker's default)"},                           \
        {"replica-assignment", BN_OPTION_VALUE, "broker ids per partition: 0:1,1:2"},                                  \
        {"config", BN_OPTION_VALUE, "create: a topic's config, key=value; any number"},                                \
        {"if-not-exists", BN_OPTION_FLAG, "create: there already is fine"},                                            \
        {"if-exists", BN_OPTION_FLAG, "alter, delete, describe: absent is fine"},                                      \
        {"exclude-internal", BN_OPTION_FLAG, "list, describe: without internal topics"},                               \
        {"under-replicated-partitions", BN_OPTION_FLAG, "describe: only those with replicas out of sync"},             \
        {"unavailable-partitions", BN_OPTION_FLAG, "describe: only those without a leader"},                           \
        {"under-min-isr-partitions", BN_OPTION_FLAG, "describe: only those below min.insync.replicas"},                \
        {"at-min-isr-partitions", BN_OPTION_FLAG, "describe: only those at min.insync.replicas"},                      \
        {"delete-config", BN_OPTION_VALUE, NULL}, {"topic-id", BN_OPTION_VALUE, "describe: the topic with this id"},   \
        {"topics-with-overrides", BN_OPTION_FLAG, "describe: only topics with configs of their own"},                  \
        {"format", BN_OPTION_VALUE, "list, describe: text (default) or json"},                                         \
        {"command-config", BN_OPTION_VALUE, "a file of client properties"},                                            \
        {"disable-rack-aware", BN_OPTION_FLAG, NULL}, {"force", BN_OPTION_FLAG, NULL},                                 \
        {"partition-size-limit-per-response", BN_OPTION_VALUE, NULL}, {"help", BN_OPTION_FLAG, "this text"},

static const struct bn_option kafka_table[] = {
    {"create", BN_OPTION_FLAG, "create a topic"},
    {"list", BN_OPTION_FLAG, "list topics"},
    {"describe", BN_OPTION_FLAG, "describe topics"},
    {"alter", BN_OPTION_FLAG, "add partitions"},
    {"delete", BN_OPTION_FLAG, "delete topics"},
    {"topic", BN_OPTION_VALUE, "the topic; a regular expression except with --create"},
    {"version", BN_OPTION_FLAG, "the version"},
    COMMON_OPTIONS{NULL, BN_OPTION_FLAG, NULL},
};

static const struct bn_option own_table[] = {COMMON_OPTIONS{NULL, BN_OPTION_FLAG, NULL}};

static const char *const verbs[] = {
    [BN_TOPIC_CREATE] = "create", [BN_TOPIC_LIST] = "list",     [BN_TOPIC_DESCRIBE] = "describe",
    [BN_TOPIC_ALTER] = "alter",   [BN_TOPIC_DELETE] = "delete",
};

int bn_topic_command(int argc, char **argv) {
    struct bn_options o;
    if (bn_options_parse(&o, "barnabas topic", own_table, argc, argv) < 0) return BN_COMMAND_USAGE;
    struct bn_topic_task task = {.program = "barnabas topic", .options = &o, .error_prefix = "barnabas topic: "};
    bool found = false;
    for (size_t i = 0; i < BN_ARRAY_LEN(verbs) && o.rest_count > 0; i++) {
        if (strcmp(o.rest[0], verbs[i]) != 0) continue;
        found = true;
        task.action = (enum bn_topic_action)i;
    }
    task.topic = o.rest_count > 1 ? o.rest[1] : NULL;
    task.zookeeper = bn_options_has(&o, "zookeeper");
    int rc = BN_COMMAND_USAGE;
    if (bn_options_has(&o, "help") || !found || o.rest_count > 2) {
        bn_options_help(
            own_table,
            "barnabas topic create|list|describe|alter|delete [TOPIC] --bootstrap-server host:port [options]");
        if (bn_options_has(&o, "help")) rc = BN_COMMAND_OK;
    } else if (bn_topic_rules_check(&task)) {
        rc = bn_topic_run(&task);
    }
    bn_options_fini(&o);
    return rc;
}

static int run_kafka(const struct bn_options *o) {
    struct bn_topic_task task = {
        .program = "kafka-topics",
        .options = o,
        .error_prefix = "Error while executing topic command : ",
        .kafka = true,
    };
    int actions = 0;
    for (size_t i = 0; i < BN_ARRAY_LEN(verbs); i++) {
        if (!bn_options_has(o, verbs[i])) continue;
        task.action = (enum bn_topic_action)i;
        actions++;
    }
    if (actions != 1) {
        fprintf(stderr, "Command must include exactly one action: --list, --describe, --create, --alter or --delete\n");
        return BN_COMMAND_FAILED;
    }
    task.topic = bn_options_get(o, "topic");
    task.zookeeper = bn_options_has(o, "zookeeper");
    return bn_topic_rules_check(&task) ? bn_topic_run(&task) : BN_COMMAND_FAILED;
}

int bn_topic_command_kafka(int argc, char **argv) {
    struct bn_options o;
    if (bn_options_parse(&o, "kafka-topics", kafka_table, argc, argv) < 0) return BN_COMMAND_FAILED;
    int rc = BN_COMMAND_FAILED;
    if (bn_options_has(&o, "version")) {
        puts(PACKAGE_VERSION);
        rc = BN_COMMAND_OK;
    } else if (argc == 1 || bn_options_has(&o, "help")) {
        bn_options_help(
            kafka_table,
            "kafka-topics --bootstrap-server host:port --create|--list|--describe|--alter|--delete [options]");
        if (argc > 1) rc = BN_COMMAND_OK;
    } else {
        rc = run_kafka(&o);
    }
    bn_options_fini(&o);
    return rc;
}
