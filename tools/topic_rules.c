/* topic_rules.c: what kafka-topics.sh refuses before it asks a broker, with the texts of Kafka 3.9's tool, since people
 * search for them. Asks nobody. With --zookeeper the rules are the same as without.
 */
#include "common/base/slice.h"
#include "tools/command.h"
#include "tools/topic.h"

enum {
    CREATE = 1 << BN_TOPIC_CREATE,
    LIST = 1 << BN_TOPIC_LIST,
    DESCRIBE = 1 << BN_TOPIC_DESCRIBE,
    ALTER = 1 << BN_TOPIC_ALTER,
    DELETE = 1 << BN_TOPIC_DELETE,
};

static const char *const actions[] = {
    [BN_TOPIC_CREATE] = "create", [BN_TOPIC_LIST] = "list",     [BN_TOPIC_DESCRIBE] = "describe",
    [BN_TOPIC_ALTER] = "alter",   [BN_TOPIC_DELETE] = "delete",
};

/* Options that go with some actions only. */
static const struct {
    const char *name;
    unsigned with;
} limited[] = {
    {"config", CREATE},
    {"delete-config", ALTER},
    {"partitions", CREATE | ALTER},
    {"replication-factor", CREATE},
    {"replica-assignment", CREATE | ALTER},
    {"if-not-exists", CREATE},
    {"if-exists", DESCRIBE | ALTER | DELETE},
    {"exclude-internal", LIST | DESCRIBE},
    {"under-replicated-partitions", DESCRIBE},
    {"under-min-isr-partitions", DESCRIBE},
    {"at-min-isr-partitions", DESCRIBE},
    {"unavailable-partitions", DESCRIBE},
    {"topics-with-overrides", DESCRIBE},
};

/* Options that exclude each other. */
static const struct {
    const char *name, *other;
} pairs[] = {
    {"replica-assignment", "partitions"},
    {"replica-assignment", "replication-factor"},
    {"under-replicated-partitions", "topics-with-overrides"},
    {"under-min-isr-partitions", "topics-with-overrides"},
    {"at-min-isr-partitions", "topics-with-overrides"},
    {"unavailable-partitions", "topics-with-overrides"},
};

/* Kafka's tool prints a breach bare, ours with the command's name. */
static bool refuse(const struct bn_topic_task *t, const char *head, const char *name, const char *tail) {
    fprintf(stderr, "%s%s%s%s%s\n", t->kafka ? "" : t->program, t->kafka ? "" : ": ", head, name, tail);
    return false;
}

static bool refuse_pair(const struct bn_topic_task *t, const char *name, const char *other) {
    char tail[96];
    (void)snprintf(tail, sizeof tail, "]\" can't be used with option \"[%s]\"", other);
    return refuse(t, "Option \"[", name, tail);
}

static bool required(const struct bn_topic_task *t) {
    bool id = bn_options_has(t->options, "topic-id");
    if (!bn_options_has(t->options, "bootstrap-server") && !bn_options_has(t->options, "broker-list") &&
        !bn_options_has(t->options, "zookeeper")) {
        return refuse(t, "--bootstrap-server must be specified", "", "");
    }
    unsigned action = 1U << t->action;
    if (t->action == BN_TOPIC_DESCRIBE && bn_options_has(t->options, "if-exists") && !t->topic && !id) {
        return refuse(t, "--topic or --topic-id is required to describe a topic", "", "");
    }
    if ((action & (CREATE | ALTER | DELETE)) && !t->topic) {
        return refuse(t, "Missing required argument \"[topic]\"", "", "");
    }
    if (t->action != BN_TOPIC_ALTER) return true;
    if (bn_options_has(t->options, "config")) {
        return refuse(t,
                      "Option combination \"[[bootstrap-server], [config]]\" can't be used with option \"[alter]\" "
                      "(the kafka-configs CLI supports altering topic configs with a --bootstrap-server option)",
                      "", "");
    }
    if (bn_options_has(t->options, "partitions")) return true;
    return refuse(t, "Missing required argument \"[partitions]\"", "", "");
}

bool bn_topic_rules_check(const struct bn_topic_task *t) {
    if (!required(t)) return false;
    for (size_t i = 0; i < BN_ARRAY_LEN(limited); i++) {
        if ((limited[i].with & 1U << t->action) || !bn_options_has(t->options, limited[i].name)) continue;
        return refuse_pair(t, limited[i].name, actions[t->action]);
    }
    for (size_t i = 0; i < BN_ARRAY_LEN(pairs) && t->action != BN_TOPIC_ALTER; i++) {
        if (!bn_options_has(t->options, pairs[i].name) || !bn_options_has(t->options, pairs[i].other)) continue;
        return refuse_pair(t, pairs[i].name, pairs[i].other);
    }
    return true;
}

bool bn_topic_rules_number(const struct bn_topic_task *t, const char *option, int64_t max, const char *beyond,
                           int64_t *out) {
    const char *text = bn_options_get(t->options, option);
    if (!text) return true;
    if (!bn_slice_to_i64(bn_slice_str(text), out) || *out < INT32_MIN || *out > INT32_MAX) {
        fprintf(stderr, "%sCannot parse argument '%s' of option %s\n", t->error_prefix, text, option);
        return false;
    }
    if (!beyond || (*out >= 1 && *out <= max)) return true;
    fprintf(stderr, "%s%s\n", t->error_prefix, beyond);
    return false;
}
