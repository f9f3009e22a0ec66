/* groups.h: what the parts of `barnabas group` and kafka-consumer-groups.sh share (9-tools 9.4). */
#ifndef BN_GROUPS_H
#define BN_GROUPS_H

#include "tools/groupask.h"
#include "tools/options.h"

enum bn_groups_action {
    BN_GROUPS_LIST,
    BN_GROUPS_DESCRIBE,
    BN_GROUPS_DELETE,
    BN_GROUPS_RESET,
    BN_GROUPS_DELETE_OFFSETS,
};

enum bn_groups_view {
    BN_GROUPS_OFFSETS,
    BN_GROUPS_MEMBERS,
    BN_GROUPS_STATE,
    BN_GROUPS_LAG, /* only of `barnabas group` */
};

struct bn_groups {
    const struct bn_options *options;
    enum bn_groups_action action;
    enum bn_groups_view view;
    bool kafka, json, verbose, all;
    const char **names; /* the groups that are meant, unless all are */
    size_t name_count;
    struct bn_groupask ask;
    bool failed; /* something was told as an error */
};

/* Reads the command line further and says what does not go together, in Kafka's words; false then. */
bool bn_groups_rules(struct bn_groups *g);
/* "Error: " and what went wrong, behind an empty line: on stdout with Kafka's name of the tool, as there, else on
 * stderr. Sets failed. */
void bn_groups_error(struct bn_groups *g, const char *fmt, ...) BN_PRINTF(2, 3);
/* The same about the error code of a question; says nothing more about what could not be asked at all. */
void bn_groups_failed(struct bn_groups *g, int code);
/* The groups that the command line means, in the arena: by name when all are meant. False after telling. */
bool bn_groups_meant(struct bn_groups *g, struct bn_slice **out, size_t *count);

/* Each does one action, and sets failed when something of it failed. False: a mistake of the command line was told. */
bool bn_groups_list(struct bn_groups *g);
bool bn_groups_describe(struct bn_groups *g);
bool bn_groups_reset(struct bn_groups *g);
bool bn_groups_delete(struct bn_groups *g);
bool bn_groups_delete_offsets(struct bn_groups *g);

/* The places that --topic options mean ("t", "t:0,1"), and of topics that there are not a place of partition -1 each.
 * False after telling of a mistake of the command line. Places are by name and number, each once. */
struct kmsg_metadata_response;
bool bn_groups_topics(struct bn_groups *g, const struct kmsg_metadata_response *all, struct bn_groupask_place **out,
                      size_t *count);

#endif
