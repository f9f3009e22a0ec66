/* znode_path.h: the paths of znodes, the names inside them, and how users' and clients' names are made safe for them.
 * Pure.
 *
 * A builder writes into the caller's struct and gives back its text, so that it can stand in a call:
 *     zk->ops->get(zk, bn_znode_path_topic(&p, name), ...)
 * It gives NULL when a name cannot stand in a path (empty, ".", "..", with '/' or a control character) or makes the
 * path too long; topic names that passed bn_znode_path_topic_ok and numbers never do. */
#ifndef BN_ZNODE_PATH_H
#define BN_ZNODE_PATH_H

#include "common/base/base.h"
#include "common/base/slice.h"
#include "common/base/str.h"

#define BN_ZNODE_PATH_MAX 1024

struct bn_znode_path {
    char text[BN_ZNODE_PATH_MAX];
};

/* Paths without a variable part. */
#define BN_ZNODE_BROKER_IDS "/brokers/ids"
#define BN_ZNODE_SEQID "/brokers/seqid"
#define BN_ZNODE_TOPICS "/brokers/topics"
#define BN_ZNODE_CONTROLLER "/controller"
#define BN_ZNODE_CONTROLLER_EPOCH "/controller_epoch"
#define BN_ZNODE_DELETES "/admin/delete_topics"
#define BN_ZNODE_REASSIGN "/admin/reassign_partitions"
#define BN_ZNODE_ELECT "/admin/preferred_replica_election"
#define BN_ZNODE_CONFIG "/config"
#define BN_ZNODE_CONFIG_CHANGES "/config/changes"
#define BN_ZNODE_CONFIG_CHANGE_PREFIX "config_change_"
#define BN_ZNODE_ISR_CHANGES "/isr_change_notification"
#define BN_ZNODE_ISR_CHANGE_PREFIX "isr_change_"
#define BN_ZNODE_LOG_DIR_EVENTS "/log_dir_event_notification"
#define BN_ZNODE_LOG_DIR_EVENT_PREFIX "log_dir_event_"
#define BN_ZNODE_CLUSTER_ID "/cluster/id"
#define BN_ZNODE_FEATURE "/feature"
#define BN_ZNODE_PRODUCER_IDS "/latest_producer_id_block"
#define BN_ZNODE_CONSUMERS "/consumers"
#define BN_ZNODE_INCARNATIONS "/barnabas/incarnation"
#define BN_ZNODE_ADMITTED "/barnabas/admitted"

/* The directories a controller makes at its start (bn_zk_make_path each), NULL-terminated, parents first. Kafka's
 * createTopLevelPaths and /barnabas/incarnation. /latest_producer_id_block is among them, with null data. */
extern const char *const bn_znode_path_top_level[];

const char *bn_znode_path_broker(struct bn_znode_path *p, int32_t id);
const char *bn_znode_path_incarnation(struct bn_znode_path *p, int32_t id);
const char *bn_znode_path_topic(struct bn_znode_path *p, struct bn_slice topic);
const char *bn_znode_path_topic_partitions(struct bn_znode_path *p, struct bn_slice topic);
const char *bn_znode_path_partition(struct bn_znode_path *p, struct bn_slice topic, int32_t partition);
const char *bn_znode_path_state(struct bn_znode_path *p, struct bn_slice topic, int32_t partition);
const char *bn_znode_path_delete(struct bn_znode_path *p, struct bn_slice topic);
/* type is one of Kafka's: topics, clients, users, brokers, ips; entity as it stands in the path (already sanitised,
 * or "<default>"). */
const char *bn_znode_path_config(struct bn_znode_path *p, const char *type, struct bn_slice entity);
const char *bn_znode_path_config_user_client(struct bn_znode_path *p, struct bn_slice user, struct bn_slice client);
/* entity_path as a change notice names it: "topics/t", "users/u/clients/c". Every part is checked. */
const char *bn_znode_path_config_entity(struct bn_znode_path *p, struct bn_slice entity_path);
/* The path to create with BN_ZK_SEQUENTIAL: "<parent>/<prefix>". */
const char *bn_znode_path_sequential(struct bn_znode_path *p, const char *parent, const char *prefix);
/* A child as the parent's list names it; for notices that are to be read or removed. */
const char *bn_znode_path_child(struct bn_znode_path *p, const char *parent, struct bn_slice child);
/* group is percent-encoded here. */
const char *bn_znode_path_group(struct bn_znode_path *p, struct bn_slice group);
/* Whether a group of this name can have a znode: 1..249 bytes, none of them 0. */
bool bn_znode_path_group_ok(struct bn_slice group);
/* The group that a child of /consumers is of, appended to out; false: none that we would have made. */
bool bn_znode_path_group_name(struct bn_str *out, struct bn_slice child);
const char *bn_znode_path_group_part(struct bn_znode_path *p, struct bn_slice group, int32_t generation,
                                     int32_t number);
/* "members-5-0" -> 5 and 0. */
bool bn_znode_path_part(struct bn_slice child, int32_t *generation, int32_t *number);
const char *bn_znode_path_consumer_offset(struct bn_znode_path *p, struct bn_slice group, struct bn_slice topic,
                                          int32_t partition);

/* The number of a sequential child ("config_change_0000000012" with its prefix -> 12), or -1. */
int64_t bn_znode_path_seq(struct bn_slice child, const char *prefix);
/* A number that is a child's whole name (broker id, partition), or -1. */
int32_t bn_znode_path_number(struct bn_slice child);
/* Kafka's rule for topic names: 1..249 of [a-zA-Z0-9._-], not "." or "..". */
bool bn_znode_path_topic_ok(struct bn_slice topic);

/* The parts of an entity path. Slices borrow from it. */
struct bn_znode_entity {
    struct bn_slice type, name;         /* "topics", "t" */
    struct bn_slice sub_type, sub_name; /* "clients", "c" under a user; else null */
};
bool bn_znode_path_entity(struct bn_slice entity_path, struct bn_znode_entity *out); /* false: not of that form */

#define BN_ZNODE_DEFAULT "<default>" /* the default entity's literal name */

/* Kafka's Sanitizer (1.7): percent-encoding of UTF-8 such that only [A-Za-z0-9._-] remain plain. Appended to out. */
void bn_znode_path_sanitize(struct bn_str *out, struct bn_slice name);
/* false: a broken escape; out is then as before. */
bool bn_znode_path_desanitize(struct bn_str *out, struct bn_slice text);

#endif
