/* topic.h: what the two faces of topic administration share. */
#ifndef BN_TOPIC_H
#define BN_TOPIC_H

#include "tools/options.h"
#include "tools/session.h"

enum bn_topic_action { BN_TOPIC_CREATE, BN_TOPIC_LIST, BN_TOPIC_DESCRIBE, BN_TOPIC_ALTER, BN_TOPIC_DELETE };

struct bn_topic_task {
    const char *program;
    enum bn_topic_action action;
    const struct bn_options *options;
    const char *topic;        /* name (create), or a pattern; NULL = all */
    const char *error_prefix; /* "Error while executing topic command : " with Kafka's face, else "barnabas topic: " */
    bool zookeeper;           /* asked with --zookeeper: print what Kafka 2.8 printed then */
    bool kafka;               /* Kafka's face: its texts word for word, without our names of errors */
};

/* The exit code. */
int bn_topic_run(const struct bn_topic_task *task);
/* topic_describe.c: `--describe` with all its filters. */
int bn_topic_describe_run(const struct bn_topic_task *task, struct bn_session *s);
/* topic_rules.c: Kafka's rules on which options go together and which values they take, in Kafka's words.
 * False after telling stderr. */
bool bn_topic_rules_check(const struct bn_topic_task *task);
/* An option's number, 1 to max; *out stays when it is not given. False after telling stderr: beyond says what is
 * wrong with a number outside; NULL takes any int32. */
bool bn_topic_rules_number(const struct bn_topic_task *task, const char *option, int64_t max, const char *beyond,
                           int64_t *out);

#endif
