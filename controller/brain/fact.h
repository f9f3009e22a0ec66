/* fact.h: what stands in ZooKeeper, and what brokers are told, as plain structs: the nouns of events and outputs. The
 * shell decodes znodes into them and encodes them back. Strings are UTF-8, NUL-terminated; a count of 0 goes with any
 * pointer. In an event everything is borrowed for the call of bn_step_run; in an output until the list is cleared or
 * the next call of bn_step_run, whichever comes first. */
#ifndef BN_FACT_H
#define BN_FACT_H

#include "common/base/base.h"
#include "common/base/slice.h"
#include "common/base/uuid.h"

#define BN_FACT_NO_LEADER (-1)

struct bn_fact_ids { /* broker ids in the order that matters: a replica list, an ISR */
    const int32_t *ids;
    int32_t count;
};

struct bn_fact_endpoint {
    const char *listener, *security_protocol, *host;
    int32_t port;
};

struct bn_fact_broker { /* /brokers/ids/<id> and /barnabas/incarnation/<id> */
    int32_t id;
    int64_t epoch;       /* czxid of the ephemeral */
    int64_t incarnation; /* data version of the incarnation znode */
    const char *rack;    /* NULL = none */
    const struct bn_fact_endpoint *endpoints;
    int32_t endpoint_count;
};

struct bn_fact_state { /* .../partitions/<n>/state */
    int32_t version;   /* data version = partition epoch */
    int32_t leader;    /* or BN_FACT_NO_LEADER */
    int32_t leader_epoch, controller_epoch;
    struct bn_fact_ids isr;
    bool recovering;        /* leader_recovery_state 1 */
    struct bn_fact_ids elr; /* our extra key; carried through unchanged */
};

struct bn_fact_partition {
    int32_t index;
    struct bn_fact_ids replicas, adding, removing;
    bool has_state;
    struct bn_fact_state state; /* with has_state */
};

struct bn_fact_topic {
    const char *name;
    int32_t version; /* of /brokers/topics/<name> */
    int64_t czxid;   /* of the same, so that a topic made anew under the same name is told apart; 0 = not known */
    bool has_id;     /* the znode has a topic_id */
    struct bn_uuid id;
    bool has_partitions_node; /* /brokers/topics/<name>/partitions exists */
    bool has_second_id;       /* its data has a topic_id: the second copy */
    struct bn_uuid second_id;
    const struct bn_fact_partition *partitions; /* ascending by index */
    int32_t partition_count;
};

struct bn_fact_pair {
    const char *name, *value;
};

struct bn_fact_config {      /* /config/<type>/<entity>: the whole override set */
    const char *type, *name; /* "topics" or "brokers"; the name decoded ("<default>" too) */
    const struct bn_fact_pair *entries;
    int32_t entry_count;
};

struct bn_fact_group_member { /* slices are clients' bytes */
    struct bn_slice member_id;
    struct bn_slice instance_id; /* null = a dynamic member */
    struct bn_slice client_id, client_host, metadata, assignment;
    int32_t session_timeout_ms, rebalance_timeout_ms;
};
struct bn_fact_group_part { /* /consumers/<group>/members-<generation>-<number> */
    int32_t generation, number;
};
struct bn_fact_group { /* /consumers/<group> */
    const char *name;  /* any bytes but 0 */
    int32_t generation;
    int32_t reserved;                                /* generations up to it may have been used */
    struct bn_slice protocol_type, protocol, leader; /* empty = none */
    int64_t timestamp_ms;
    const struct bn_fact_group_part *parts; /* with any: the members stand there */
    int32_t part_count;
    const struct bn_fact_group_member *members;
    int32_t member_count;
};

struct bn_fact_producer_ids { /* /latest_producer_id_block */
    int32_t version;
    int32_t broker;      /* -1 = null data */
    int64_t first, last; /* inclusive; null data: 0 and -1 */
};

#endif
