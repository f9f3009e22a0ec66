/* config.h: what the two faces of configuration share. */
#ifndef BN_CONFIG_H
#define BN_CONFIG_H

#include "tools/admin.h"

enum bn_config_kind { BN_CONFIG_TOPIC = 2, BN_CONFIG_BROKER = 4, BN_CONFIG_LOGGER = 8 }; /* as on the wire */

struct bn_config_pair {
    struct bn_slice key, value;
};

struct bn_config_task {
    const struct bn_options *options;
    bool kafka;     /* Kafka's face: its lines word for word */
    bool zookeeper; /* asked with --zookeeper: print what Kafka 2.8 printed then */
    bool json, all;
    enum bn_config_kind kind;
    const char *name;   /* "" = the brokers' defaults; NULL = every one of the kind (describe) */
    const char *failed; /* what Kafka's face says before an error: "Error while executing config command with args …" */
    struct bn_config_pair *set;
    struct bn_slice *drop;
    size_t set_count, drop_count;
};

/* The exit code. */
int bn_config_describe(const struct bn_config_task *t, struct bn_session *s);
int bn_config_alter(const struct bn_config_task *t, struct bn_session *s);

/* "topic", "broker", "broker-logger". */
const char *bn_config_kind_name(enum bn_config_kind kind);
/* Kafka's way to write several: "a=b,c=[d,e]". Adds them to the task (borrowing text); false when one has no '='. */
bool bn_config_parse_pairs(struct bn_config_task *t, const char *text);
void bn_config_fini(struct bn_config_task *t);

#endif
