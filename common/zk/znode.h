/* znode.h: what stands in every znode: its struct, encode and decode. Paths are in znode_path.h, the list of all of
 * them in znode.def. Pure: no I/O.
 *
 * Encoders append the JSON exactly as Kafka 3.9 writes it: no spaces, Kafka's own order of keys where it has one.
 * Decoders are as tolerant as Kafka's readers (unknown keys are skipped, optional ones may be absent) and trust
 * nothing: at most 1 MiB, JSON at most 8 levels deep and without duplicate keys, numbers in their range, lists without
 * negative ids.
 *
 *     int bn_znode_<row>_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_<row> *out, struct bn_err
 *     *e);
 *
 * gives 0; BN_BAD with the key and the reason (e may be NULL); or BN_FULL when the arena's budget was hit. Everything
 * out points to is in the arena; nothing is borrowed from data. On an error *out is meaningless. Strings are UTF-8,
 * NUL-terminated, without an inner NUL. Null data is BN_BAD except where a row says otherwise. */
#ifndef BN_ZNODE_H
#define BN_ZNODE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/base/str.h"
#include "common/base/uuid.h"

#define BN_ZNODE_DATA_MAX 1048575 /* ZooKeeper's jute.maxbuffer; more would break the connection */
#define BN_ZNODE_NO_LEADER (-1)

struct bn_znode_ids { /* broker ids in the order that matters: a replica list, an ISR */
    int32_t *ids;
    int32_t count;
};

struct bn_znode_endpoint {
    const char *listener; /* its name: PLAINTEXT, INTERNAL */
    const char *host;     /* IPv6 without brackets; "" = none */
    int32_t port;
    const char *protocol; /* PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL; the listener's name when the znode has no map */
};

struct bn_znode_level { /* a feature */
    const char *name;
    int16_t min, max; /* /feature version 2 has no min: 0 */
};

/* /brokers/ids/<id>, version 5. host and port are those of the first PLAINTEXT endpoint; encode finds them itself. */
struct bn_znode_broker {
    int32_t version;  /* decode: what stood there; encode writes 5 */
    const char *host; /* decode only; NULL = none */
    int32_t port;     /* decode only; -1 = none */
    int32_t jmx_port; /* -1 = off */
    int64_t timestamp_ms;
    struct bn_znode_endpoint *endpoints;
    int32_t endpoint_count;
    const char *rack; /* NULL = none */
    struct bn_znode_level *features;
    int32_t feature_count;
};

/* /brokers/topics/<topic>, version 3. */
struct bn_znode_partition {
    int32_t id;
    struct bn_znode_ids replicas;         /* the full current list; [0] is the preferred leader */
    struct bn_znode_ids adding, removing; /* empty = not being reassigned */
};
struct bn_znode_topic {
    bool has_id;
    struct bn_uuid id;
    struct bn_znode_partition *partitions; /* decode: ascending by id, ids unique */
    int32_t partition_count;
};

/* /brokers/topics/<topic>/partitions; null data is fine: no id. */
struct bn_znode_topic_partitions {
    bool has_id;
    struct bn_uuid id;
};

/* /brokers/topics/<topic>/partitions/<partition>/state; the stat's version is the partition epoch. */
struct bn_znode_state {
    int32_t controller_epoch;
    int32_t leader; /* or BN_ZNODE_NO_LEADER */
    int32_t leader_epoch;
    struct bn_znode_ids isr;
    int8_t recovery_state;   /* 0 recovered, 1 recovering; written only when 1 */
    struct bn_znode_ids elr; /* ours: eligible leaders below min ISR; written only when not empty */
};

/* /controller, version 2 with three keys more (docs/ZNODES.md). */
struct bn_znode_controller {
    int32_t brokerid;
    int64_t timestamp_ms;
    int32_t kraft_epoch; /* -1 */
    const char *host;    /* of the RPC port and the life port; NULL when Kafka itself wrote it */
    int32_t port, life_port; /* -1 when absent */
    const char *machine;     /* see life.h; NULL = not told */
};

struct bn_znode_controller_epoch { /* /controller_epoch, bare text */
    int32_t epoch;
};

struct bn_znode_tp {
    const char *topic;
    int32_t partition;
    struct bn_znode_ids replicas; /* /admin/reassign_partitions only */
};
struct bn_znode_reassign { /* /admin/reassign_partitions */
    struct bn_znode_tp *partitions;
    int32_t count;
};
struct bn_znode_elect { /* /admin/preferred_replica_election */
    struct bn_znode_tp *partitions;
    int32_t count;
};
struct bn_znode_isr_change { /* /isr_change_notification/isr_change_<seq> */
    struct bn_znode_tp *partitions;
    int32_t count;
};
struct bn_znode_log_dir_event { /* /log_dir_event_notification/log_dir_event_<seq> */
    int32_t broker, event;
};

struct bn_znode_pair {
    const char *key, *value;
};
struct bn_znode_config { /* /config/<type>/<entity>; null or empty data = no overrides */
    struct bn_znode_pair *entries;
    int32_t count;
};
/* /config/changes/config_change_<seq>, version 2. Version 1's type and name are turned into a path. */
struct bn_znode_config_change {
    const char *entity_path; /* "topics/t", "users/u/clients/c"; its parts are fit for a path */
};

struct bn_znode_cluster_id { /* /cluster/id */
    const char *id;          /* 22 characters as Kafka makes it; any text of 1..64 characters is accepted */
};

/* /feature: version 2; version 1 is read too. */
struct bn_znode_feature {
    int32_t status; /* 0 disabled, 1 enabled */
    struct bn_znode_level *features;
    int32_t count;
};

struct bn_znode_producer_ids { /* /latest_producer_id_block; null data: broker -1, and a block that ends at -1 */
    int32_t broker;
    int64_t first, last; /* both inclusive */
};

struct bn_znode_consumer_offset { /* /consumers/<group>/offsets/<topic>/<partition>, bare text */
    int64_t offset;
};

/* Members of a consumer group. Slices are clients' bytes; metadata and assignment of any kind. */
struct bn_znode_group_member {
    struct bn_slice member_id;
    struct bn_slice instance_id; /* null = a dynamic member */
    struct bn_slice client_id, client_host;
    int32_t session_timeout_ms, rebalance_timeout_ms;
    struct bn_slice metadata, assignment;
};
struct bn_znode_group_part { /* a znode with members of a group: members-<generation>-<number> */
    int32_t generation, number;
};
/* /consumers/<group>, version 1: the rebalance state. No data at all: no group, only a directory of old consumers. */
struct bn_znode_group {
    int32_t generation;
    int32_t reserved;                             /* generations up to it may have been used */
    struct bn_slice protocol_type, protocol, leader; /* empty = none */
    int64_t timestamp_ms;
    struct bn_znode_group_part *parts; /* with any: the members stand there, in this order */
    int32_t part_count;
    struct bn_znode_group_member *members;
    int32_t member_count;
};
/* /consumers/<group>/members-<generation>-<number>, version 1. */
struct bn_znode_group_members {
    bool consumer; /* encode: the bytes are those of the consumer protocol and are shown */
    struct bn_znode_group_member *members;
    int32_t member_count;
};
#define BN_ZNODE_GROUP_PARTS_MAX 64

/* /barnabas/incarnation/<id>; the stat's version is the incarnation. */
struct bn_znode_incarnation {
    struct bn_uuid boot_id; /* of the process; its life port answers with it */
    const char *host;       /* of the life port */
    int32_t port;
    const char *machine_boot_id; /* /proc/sys/kernel/random/boot_id */
    const char *machine;         /* see life.h; NULL = not told */
    int64_t timestamp_ms;
};

struct bn_znode_admitted { /* /barnabas/admitted/<id>, bare text */
    int64_t incarnation;
};

#define ZNODE_CODEC(name, path, kind, writers, watchers, text) \
    void bn_znode_##name##_encode(struct bn_str *out, const struct bn_znode_##name *in); \
    int bn_znode_##name##_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_##name *out, \
                                 struct bn_err *e) BN_MUST_CHECK;
#define ZNODE_JSON ZNODE_CODEC
#define ZNODE_TEXT ZNODE_CODEC
#include "common/zk/znode.def"
#undef ZNODE_CODEC

/* The rows as data, for documentation, the table test and the fuzzer. Ends with a NULL name. */
struct bn_znode_row {
    const char *name, *path, *kind, *format, *writers, *watchers, *text; /* format: "", "text", "JSON" */
    size_t size;                                                         /* of the struct; 0 = no data */
    void (*encode)(struct bn_str *out, const void *in);
    int (*decode)(struct bn_slice data, struct bn_arena *a, void *out, struct bn_err *e);
};
extern const struct bn_znode_row bn_znode_rows[];

/* Finds a partition of a topic, or NULL. */
const struct bn_znode_partition *bn_znode_topic_find(const struct bn_znode_topic *t, int32_t partition);

#endif
