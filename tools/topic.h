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
};

/* The exit code. */
int bn_topic_run(const struct bn_topic_task *task);
/* topic_describe.c: `--describe` with all its filters. */
int bn_topic_describe_run(const struct bn_topic_task *task, struct bn_session *s);
/* Does a topic's name match the task's pattern: a regular expression over the whole name, commas separating
 * alternatives, as in Kafka's tools? A pattern that is no regular expression matches nothing. */
bool bn_topic_matches(const struct bn_topic_task *task, struct bn_slice name);

#endif
