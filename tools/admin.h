/* admin.h: what administrative commands share: the options that all of them take, opening the conversation, and telling
 * what failed in the words people search for. */
#ifndef BN_ADMIN_H
#define BN_ADMIN_H

#include "tools/options.h"
#include "tools/session.h"

#define BN_ADMIN_OPTIONS                                                                                               \
    {"bootstrap-server", BN_OPTION_VALUE, "host:port,..."},                                                            \
        {"zookeeper", BN_OPTION_VALUE, "host:port/chroot: ask the brokers registered there"},                          \
        {"command-config", BN_OPTION_VALUE, "a file of client properties"},                                            \
        {"format", BN_OPTION_VALUE, "text (default) or json"}, {"help", BN_OPTION_FLAG, "this text"}, {                \
        "version", BN_OPTION_FLAG, "the version"                                                                       \
    }

/* What --help and --version (and, with Kafka's faces, no argument at all) ask for: printed, and the exit code given;
 * -1 when there is work to do. misuse is the exit code of a usage error: 1 with Kafka's faces. */
int bn_admin_help(const struct bn_options *o, int argc, const char *usage, int misuse);
/* --format. False after telling stderr. */
bool bn_admin_json(const struct bn_options *o, bool *json);
/* The conversation with the cluster that the options name; NULL after telling stderr. */
struct bn_session *bn_admin_open(const struct bn_options *o);
/* Kafka's exception of an error code: "org.apache.kafka.common.errors.UnknownTopicOrPartitionException". */
enum { BN_ADMIN_EXCEPTION_MAX = 128 };
const char *bn_admin_exception(int code, char out[BN_ADMIN_EXCEPTION_MAX]);
/* The broker's message or, when it sent none, the code's sentence. */
struct bn_slice bn_admin_message(struct bn_slice message, int code);
/* On stderr, behind a failure with an unknown topic: what there is instead. Says nothing when nothing is near. */
void bn_admin_suggest_topic(struct bn_session *s, struct bn_slice topic);
/* The whole of a file, NUL-terminated (bn_alloc_free it); NULL after telling stderr, or when it is over 16 MiB. */
char *bn_admin_read_file(const char *program, const char *path);

#endif
