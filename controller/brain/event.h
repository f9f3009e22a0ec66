/* event.h: everything that can happen to the brain. The shell makes one event per happening, in the order in which
 * things happened, and hands it to bn_step_run. The first event of a model is ACTIVATED, after which (and after
 * arming its watches) the shell keeps telling what it reads; a model that gave the output RESIGN is thrown away.
 *
 * Tokens are the shell's own numbers for something that waits (an RPC call, a stream); the brain only gives
 * them back. */
#ifndef BN_EVENT_H
#define BN_EVENT_H

#include "common/base/err.h"
#include "controller/brain/event_admin.h"
#include "controller/brain/fact.h"
#include "controller/brain/output.h"

enum bn_event_kind {
    BN_EVENT_ACTIVATED,     /* u.activated: we are the controller, here is all that stands in ZooKeeper */
    BN_EVENT_BROKERS,       /* u.brokers: all current registrations; also when only endpoints changed */
    BN_EVENT_HELLO,         /* u.hello: a broker opened its stream */
    BN_EVENT_STREAM_DOWN,   /* u.stream: that stream ended */
    BN_EVENT_REFUSED,       /* u.refused: an armed life port refused the connection: the process is gone (safety §1) */
    BN_EVENT_TOPIC,         /* u.topic: whole, with states; read because a watch on it or its parent fired */
    BN_EVENT_TOPIC_GONE,    /* u.name: /brokers/topics/<name> vanished. Harmless when we deleted it ourselves */
    BN_EVENT_DELETE_MARKER, /* u.name: /admin/delete_topics/<name> appeared. Harmless when it is ours */
    BN_EVENT_CONFIG,        /* u.config: overrides changed (types topics and brokers; others are not the brain's) */
    BN_EVENT_CREATE_TOPICS, /* u.create_topics */
    BN_EVENT_DELETE_TOPICS, /* u.delete_topics */
    BN_EVENT_CREATE_PARTITIONS,   /* u.create_partitions */
    BN_EVENT_ALTER_CONFIGS,       /* u.alter_configs */
    BN_EVENT_ALTER_PARTITION,     /* u.alter_partition: a leader proposes an ISR */
    BN_EVENT_REPLICAS_DELETED,    /* u.replicas_deleted: a broker confirmed a removed topic */
    BN_EVENT_PRODUCER_IDS,        /* u.producer_ids */
    BN_EVENT_BROKER_ID,           /* u.broker_id: a broker without an id asks for one */
    BN_EVENT_CONTROLLED_SHUTDOWN, /* u.controlled_shutdown: a broker is about to stop */
    BN_EVENT_ELECT_LEADERS,       /* u.elect_leaders */
    BN_EVENT_ELECT_NODE,          /* u.elect_leaders: /admin/preferred_replica_election appeared */
    BN_EVENT_GROUPS,              /* u.groups: the children of /consumers, once */
    BN_EVENT_GROUP_WRITE,         /* u.group_write: a coordinator's rebalance state */
    BN_EVENT_GROUP_READ,          /* u.group_read: a new coordinator wants to know its groups */
    BN_EVENT_MULTI_DONE,          /* u.multi_done: exactly one for each MULTI and PURGE, in their order */
    BN_EVENT_READ_DONE,           /* u.read_done: exactly one for each BN_OUTPUT_READ */
    BN_EVENT_TICK,                /* BN_OUTPUT_TIMER's time has come (early or spurious ones are harmless) */
};

struct bn_event_activated {
    int32_t controller_id, controller_epoch;
    const char *cluster_id;
    const struct bn_fact_broker *brokers;
    int32_t broker_count;
    /* /barnabas/admitted/<id>: the last incarnation of each broker that a controller has taken out of its old roles
     * (op BN_OUTPUT_OP_ADMIT). Data: decimal text. Absent = none. Without it a failover could not tell a broker that
     * restarted meanwhile from one that ran on. */
    const struct bn_event_admitted {
        int32_t broker;
        int64_t incarnation;
    } * admitted;
    int32_t admitted_count;
    const struct bn_fact_topic *topics;
    int32_t topic_count;
    const struct bn_fact_config *configs; /* every node of /config/topics and /config/brokers, empty ones too */
    int32_t config_count;
    const char *const *delete_markers;
    int32_t delete_marker_count;
    struct bn_fact_producer_ids producer_ids;
};

struct bn_event_brokers {
    const struct bn_fact_broker *brokers;
    int32_t broker_count;
};

/* Answered by REPLY_HELLO: at once with 77 when the incarnation is older than the registered one (or another of the
 * same number); with 0 as soon as this incarnation is admitted, followed by its IMAGE; until then it waits (also for
 * the registration to be seen: make sure that a watch on /brokers/ids is armed). */
struct bn_event_hello {
    uint64_t token; /* names the stream from here on */
    int32_t broker;
    int64_t broker_epoch, incarnation;
};

struct bn_event_stream { /* a hello that still waits is dropped without an answer */
    uint64_t token;
};

struct bn_event_refused {
    int32_t broker;
    int64_t incarnation; /* whose life port it was */
};

struct bn_event_alter_item {
    struct bn_uuid topic_id;
    int32_t partition, leader_epoch, partition_epoch;
    struct bn_fact_ids isr;
    const int64_t *isr_broker_epochs; /* isr.count of them, or NULL; -1 = not known. A member that is not
                                       * in the ISR yet is taken only with its current broker epoch */
    bool recovering;
};
struct bn_event_alter_partition { /* REPLY_ALTER_PARTITION, one result per item, when all are decided */
    uint64_t token;
    int32_t broker;
    int64_t broker_epoch;
    const struct bn_event_alter_item *items;
    int32_t item_count;
};

/* A broker answers every removed_topics entry it is told of, also when it holds nothing of it. REPLY_ACK at once. */
struct bn_event_replicas_deleted {
    uint64_t token;
    int32_t broker;
    int64_t broker_epoch;
    struct bn_uuid topic_id;
    const int32_t *partitions; /* none = all that the broker had of this topic */
    int32_t partition_count;
};

struct bn_event_producer_ids { /* REPLY_PRODUCER_IDS */
    uint64_t token;
    int32_t broker;
    int64_t broker_epoch;
};

struct bn_event_broker_id { /* REPLY_BROKER_ID */
    uint64_t token;
    int32_t reserved_max; /* reserved.broker.max.id */
};

/* REPLY_CONTROLLED_SHUTDOWN, when everything that can be taken from the broker has been, or 77 at once. From then on,
 * for this incarnation, the broker is no candidate and joins no ISR. May be asked again. */
struct bn_event_controlled_shutdown {
    uint64_t token;
    int32_t broker;
    int64_t broker_epoch;
};

/* ELECT_LEADERS: REPLY_ELECT_LEADERS. ELECT_NODE: preferred leaders for the partitions that the znode names; it is
 * deleted when they are decided (token, timeout_ms and unclean do not count). */
struct bn_event_elect_leaders {
    uint64_t token;
    int32_t timeout_ms;
    bool unclean; /* else the preferred leaders */
    bool all;     /* every partition; those whose leader is right already are not in the answer */
    const struct bn_event_elect {
        const char *topic;
        int32_t partition;
    } * partitions;
    int32_t partition_count;
};

struct bn_event_groups { /* until it has come, GROUP_WRITE and GROUP_READ wait */
    const char *const *names;
    int32_t count;
};

/* REPLY_GROUP_WRITE, when all of it is committed: 0; 16 when this broker does not lead that partition of
 * __consumer_offsets under this leader epoch; 77; 41 when it knows a newer leader epoch than we do; 10 for what no
 * znode can hold. Later requests of a partition wait for earlier ones. */
struct bn_event_group_write {
    uint64_t token;
    int32_t broker;
    int64_t broker_epoch;
    int32_t partition, leader_epoch;
    const struct bn_event_group_item {
        struct bn_fact_group group; /* without parts */
        bool reserve_only;          /* only `reserved` is new */
        bool removed;               /* the znode goes; only the name counts */
    } * items;
    int32_t item_count;
};

/* REPLY_GROUP_READ; errors as of a write. */
struct bn_event_group_read {
    uint64_t token;
    int32_t broker;
    int64_t broker_epoch;
    int32_t partition, leader_epoch;
    const char *after; /* names above this one; "" = all */
};

struct bn_event_multi_done {
    uint64_t multi; /* its id */
    int status;     /* 0; BN_STALE, BN_NOTFOUND, BN_EXISTS, BN_NOTEMPTY: that op failed; BN_LOST; BN_CLOSED; BN_IO */
    int failed_op;  /* index into the output's ops; -1 = the guard (/controller_epoch), or not known */
    int32_t seqid_version; /* after SET_SEQID: its new data version. Others follow from what was expected */
};

struct bn_event_read_done { /* results parallel to the output's items */
    uint64_t read;
    int status; /* 0; BN_CLOSED: session expired; else the read as a whole failed and is asked for again */
    const struct bn_event_read_result {
        bool found;
        struct bn_fact_topic topic;               /* BN_OUTPUT_READ_TOPIC */
        struct bn_fact_state state;               /* BN_OUTPUT_READ_STATE */
        struct bn_fact_producer_ids producer_ids; /* BN_OUTPUT_READ_PRODUCER_IDS */
        struct bn_fact_config config;             /* BN_OUTPUT_READ_CONFIG; without entries when not found */
        int32_t version;                          /* of config's or group's znode */
        struct bn_fact_group group;               /* BN_OUTPUT_READ_GROUP; no members of its parts */
        bool has_group;                           /* found, and it can be read */
        const struct bn_fact_group_part *parts;   /* that stand below the group, named by it or not */
        int32_t part_count;
        bool shared; /* something else stands below the group: an old consumer's offsets */
    } * results;
    int32_t result_count;
};

struct bn_event {
    enum bn_event_kind kind;
    int64_t now_ms; /* monotonic; never goes back within a model */
    union {
        struct bn_event_activated activated;
        struct bn_event_brokers brokers;
        struct bn_event_hello hello;
        struct bn_event_stream stream;
        struct bn_event_refused refused;
        struct bn_fact_topic topic;
        const char *name;
        struct bn_fact_config config;
        struct bn_event_create_topics create_topics;
        struct bn_event_delete_topics delete_topics;
        struct bn_event_create_partitions create_partitions;
        struct bn_event_alter_configs alter_configs;
        struct bn_event_alter_partition alter_partition;
        struct bn_event_replicas_deleted replicas_deleted;
        struct bn_event_producer_ids producer_ids;
        struct bn_event_broker_id broker_id;
        struct bn_event_controlled_shutdown controlled_shutdown;
        struct bn_event_elect_leaders elect_leaders;
        struct bn_event_groups groups;
        struct bn_event_group_write group_write;
        struct bn_event_group_read group_read;
        struct bn_event_multi_done multi_done;
        struct bn_event_read_done read_done;
    } u;
};

#endif
