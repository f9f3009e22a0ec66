/* member.h: consuming as a member of a group, over librdkafka: the group's id and what Kafka's console tools set with
 * it, joining, and knowing when there is an assignment. */
#ifndef BN_MEMBER_H
#define BN_MEMBER_H

#include <librdkafka/rdkafka.h>

#include "common/base/base.h"
#include "tools/options.h"

struct bn_member {
    const char *program;
    bool assigned;    /* there has been an assignment, perhaps an empty one */
    bool auto_commit; /* what was stored is committed, at last by bn_member_leave */
    /* Called with each new assignment, on the thread that polls; may be NULL. */
    void (*on_assigned)(void *arg, const rd_kafka_topic_partition_list_t *partitions);
    void *arg;
};

/* Does the cluster coordinate groups? False also when nobody answers: then whatever comes next tells. */
bool bn_member_offered(const struct bn_options *o, const char *bootstrap);
/* The group that the command line names: by --group, in --<pairs>, or in the file of --<file>; bn_alloc_free it. *out
 * is NULL when it names none. False after telling, in Kafka's words, that it names several. */
bool bn_member_named(const struct bn_options *o, const char *pairs, const char *file, char **out);
/* Sets the group's id (group NULL: one of its own, prefix with a random number, that commits nothing unless asked to)
 * and the callbacks. m is the opaque of the handle that is made of conf. False after telling. */
bool bn_member_configure(struct bn_member *m, rd_kafka_conf_t *conf, const char *group, const char *prefix,
                         bool commit_given);
/* Subscribes: to these topics, or to those that match include (as bn_pattern_matches reads it) and are not internal.
 * False after telling. */
bool bn_member_join(struct bn_member *m, rd_kafka_t *handle, const char *topic, const char *include);
/* Where the group goes on in the message's partition; also told of the end of one where nothing was read, as Java's
 * consumer commits those. */
void bn_member_store(struct bn_member *m, rd_kafka_t *handle, const rd_kafka_message_t *message, int64_t next_offset);
/* Leaves the group; what was stored is committed before. */
void bn_member_leave(struct bn_member *m, rd_kafka_t *handle);
/* Is it an error that passes while a coordinator is found? */
bool bn_member_passes(rd_kafka_resp_err_t err);

#endif
