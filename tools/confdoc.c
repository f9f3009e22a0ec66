/* confdoc.c: writes docs/CONFIG.md to standard output from the rows of common/conf. Built and run by
 * `make docs-conf`, and by a test that fails when the page is stale. */
#include <stdio.h>

#include "common/conf/conf.h"
#include "common/conf/topic_conf.h"

static const char *const modes[] = {"no", "all, one", "one", "all, one; only so"};

static void print_valid(const char *valid) {
    /* A bar would end the table's cell. */
    for (; valid && *valid; valid++) {
        if (*valid == '|')
            printf(", ");
        else
            putchar(*valid);
    }
}

static void print_text(const char *text) {
    if (!text)
        printf("null");
    else if (*text == '\0')
        printf("empty");
    else
        printf("`%s`", text);
}

static void print_broker_rows(bool honoured) {
    printf("| Key | Type | Default | Values | Changes at run time | %s |\n|---|---|---|---|---|---|\n",
           honoured ? "Meaning" : "Why it has no effect");
    for (int k = 0; k < BN_CONF_COUNT; k++) {
        const struct bn_conf_row *row = bn_conf_row((enum bn_conf_key)k);
        if ((row->effect == NULL) != honoured) continue;
        printf("| `%s` | %s | ", row->name, bn_conf_value_type_name(row->type));
        print_text(row->default_text);
        printf(" | ");
        print_valid(row->valid);
        printf(" | %s | %s |\n", modes[row->mode], honoured ? row->doc : row->effect);
    }
}

static void print_topic_rows(void) {
    printf("| Key | Type | Default | Values | Broker's key | Meaning |\n|---|---|---|---|---|---|\n");
    for (int k = 0; k < BN_TOPIC_CONF_COUNT; k++) {
        const struct bn_topic_conf_row *row = bn_topic_conf_row((enum bn_topic_conf_key)k);
        printf("| `%s` | %s | ", row->name, bn_conf_value_type_name(row->type));
        print_text(row->default_text);
        printf(" | ");
        print_valid(row->valid);
        printf(" | ");
        if (row->synonym != BN_TOPIC_CONF_ALONE) printf("`%s`", bn_conf_row((enum bn_conf_key)row->synonym)->name);
        printf(" | %s", row->doc);
        if (row->effect) printf(" *No effect:* %s", row->effect);
        printf(" |\n");
    }
}

int main(void) {
    printf("# Configuration\n\n"
           "Written by `make docs-conf` from the rows of `common/conf/broker_conf.def` and\n"
           "`common/conf/topic_conf.def`; edit those.\n\n"
           "Broker and controller read the same file, `server.properties`, in Java's properties format;\n"
           "`--override key=value` on the command line goes before it. What is set at run time goes before\n"
           "both: first the one broker's, then that of all brokers. An unknown key is a warning with the nearest\n"
           "name; a wrong value stops the start, and all of them are told at once. Keys of the form\n"
           "`listener.name.<listener>.<key>` are accepted.\n\n"
           "**Changes at run time** (`kafka-configs.sh`, AlterConfigs, IncrementalAlterConfigs, or a tool of Kafka\n"
           "2.x that writes to ZooKeeper): *all* says that the key can be set for all brokers at once, *one* that\n"
           "it can be set for one. It takes effect on every broker within a moment; every other key is refused\n"
           "there. What is set at run time and has no effect is told in the broker's trace when it is set.\n\n"
           "## Keys with an effect\n\n");
    print_broker_rows(true);
    printf("\n## Keys that are accepted without effect\n\n"
           "They are Kafka's, and a file that has them works. Setting one to other than its default is\n"
           "told at the start.\n\n");
    print_broker_rows(false);
    printf("\n## Topics\n\n"
           "Set by `kafka-configs.sh` or when a topic is created. A topic without a value of its own takes\n"
           "that of the broker's key.\n\n");
    print_topic_rows();
    return 0;
}
