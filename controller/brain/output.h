/* output.h: everything the brain asks of its shell. The shell performs a step's outputs in their order, starting each
 * without waiting for the end of the one before (multis are pipelined: ZooKeeper keeps their order). */
#ifndef BN_OUTPUT_H
#define BN_OUTPUT_H

#include "common/base/arena.h"
#include "common/base/base.h"
#include "controller/brain/fact.h"
#include "controller/brain/kerr.h"

#define BN_OUTPUT_OPS_MAX 200            /* of one multi, without the guard */
#define BN_OUTPUT_BYTES_MAX (256 * 1024) /* estimated data and paths of one multi; one op alone may be larger */

enum bn_output_kind {
    BN_OUTPUT_MULTI, /* u.multi: one ZooKeeper multi, after a check of /controller_epoch as its first op */
    BN_OUTPUT_PURGE, /* u.purge: delete the whole subtree below and at a topic's znode, children first, each delete
                      * guarded; nodes already gone are fine. For when strangers put znodes there. Ends as MULTI_DONE */
    BN_OUTPUT_READ,  /* u.read: sync, then read these anew (an answer was lost, or somebody else wrote) */
    BN_OUTPUT_DELTA, /* u.delta: to every stream that has been given an IMAGE in an earlier output */
    BN_OUTPUT_IMAGE, /* u.delta with reset: to the stream u.delta.token only; in pieces (`more`) of one sequence */
    BN_OUTPUT_REPLY, /* u.reply: the answer to a token */
    BN_OUTPUT_PROBE, /* u.probe: a stream ended; dial the life port if it is armed; REFUSED when it refuses */
    BN_OUTPUT_CLOSE, /* u.token: close this stream (a newer one of the same broker came, or its registration is gone) */
    BN_OUTPUT_TIMER, /* u.at_ms: send TICK then. Replaces the timer before it; at most one is armed */
    BN_OUTPUT_NOTE,  /* u.note: a line for the trace, in Kafka's words */
    BN_OUTPUT_RESIGN, /* u.note.text is the reason: close every stream, fail what waits, give up /controller, drop
                       * the model. Always the last output; outputs before it are still performed */
};

/* `version` is the expected data version; -1 = any. Data is what the fact says. */
enum bn_output_op_kind {
    BN_OUTPUT_OP_CREATE_CONFIG, /* /config/<type>/<name> of u.config, with it */
    BN_OUTPUT_OP_SET_CONFIG,
    BN_OUTPUT_OP_TELL_CONFIG,   /* a new /config/changes/config_change_<seq> that names u.config's entity */
    BN_OUTPUT_OP_DELETE_CONFIG, /* /config/topics/<topic> */
    BN_OUTPUT_OP_CREATE_TOPIC,  /* /brokers/topics/<topic> with u.assignment */
    BN_OUTPUT_OP_SET_TOPIC,
    BN_OUTPUT_OP_DELETE_TOPIC,
    BN_OUTPUT_OP_CREATE_PARTITIONS, /* /brokers/topics/<topic>/partitions: the second copy of the id, u.assignment.id */
    BN_OUTPUT_OP_SET_PARTITIONS,
    BN_OUTPUT_OP_DELETE_PARTITIONS,
    BN_OUTPUT_OP_CREATE_PARTITION, /* .../partitions/<partition>: null data */
    BN_OUTPUT_OP_DELETE_PARTITION,
    BN_OUTPUT_OP_CREATE_STATE, /* .../partitions/<partition>/state with u.state (whose version is what it will be) */
    BN_OUTPUT_OP_SET_STATE,
    BN_OUTPUT_OP_DELETE_STATE,
    BN_OUTPUT_OP_CREATE_MARKER, /* /admin/delete_topics/<topic>: null data */
    BN_OUTPUT_OP_DELETE_MARKER,
    BN_OUTPUT_OP_SET_PRODUCER_IDS, /* /latest_producer_id_block with u.producer_ids */
    BN_OUTPUT_OP_SET_SEQID,        /* /brokers/seqid: empty data, any version */
    BN_OUTPUT_OP_CREATE_ADMITTED,  /* /barnabas/admitted/<broker>: decimal text of u.incarnation; parents exist */
    BN_OUTPUT_OP_SET_ADMITTED,
    BN_OUTPUT_OP_CHECK_INCARNATION, /* a check of /barnabas/incarnation/<broker> at version u.incarnation */
    BN_OUTPUT_OP_DELETE_BROKER,     /* /brokers/ids/<broker>: any version, under the check before it */
    /* Groups; u.group.name is the path's. */
    BN_OUTPUT_OP_MAKE_GROUP,   /* /consumers/<group> with null data, for parts to stand below */
    BN_OUTPUT_OP_CREATE_GROUP, /* with u.group; its members too, unless it has parts */
    BN_OUTPUT_OP_SET_GROUP,
    BN_OUTPUT_OP_CLEAR_GROUP, /* set to null data */
    BN_OUTPUT_OP_DELETE_GROUP,
    BN_OUTPUT_OP_CREATE_GROUP_PART, /* u.group's members go to its only part */
    BN_OUTPUT_OP_DELETE_GROUP_PART, /* u.group's only part */
    BN_OUTPUT_OP_DELETE_ELECT,      /* /admin/preferred_replica_election: any version */
};

enum bn_output_verb { BN_OUTPUT_CREATE, BN_OUTPUT_SET, BN_OUTPUT_DELETE, BN_OUTPUT_CHECK };
enum bn_output_verb bn_output_verb(enum bn_output_op_kind kind); /* what such an op does to its znode */

struct bn_output_op {
    enum bn_output_op_kind kind;
    const char *topic; /* NULL where the path has none */
    int32_t partition; /* -1 where the path has none */
    int32_t broker;    /* -1 where the path has none */
    int32_t version;   /* SET, DELETE */
    union {
        struct bn_fact_config config;
        struct bn_output_assignment {
            struct bn_uuid id;
            const struct bn_fact_partition *partitions; /* replicas, adding, removing; states do not count */
            int32_t partition_count;
        } assignment;
        struct bn_fact_state state;
        struct bn_fact_producer_ids producer_ids;
        int64_t incarnation;
        struct bn_fact_group group;
    } u;
};

struct bn_output_multi {
    uint64_t id;
    const struct bn_output_op *ops;
    int32_t op_count;
};

struct bn_output_purge {
    uint64_t id;
    const char *topic;
};

struct bn_output_read_item {
    enum {
        BN_OUTPUT_READ_TOPIC,
        BN_OUTPUT_READ_STATE,
        BN_OUTPUT_READ_PRODUCER_IDS,
        BN_OUTPUT_READ_CONFIG,
        BN_OUTPUT_READ_GROUP,
    } kind;
    const char *topic;       /* TOPIC: its znode, its partitions znode and every state below. STATE */
    int32_t partition;       /* STATE */
    const char *type, *name; /* CONFIG: the entity. GROUP: its name */
};
struct bn_output_read {
    uint64_t id;
    const struct bn_output_read_item *items;
    int32_t item_count;
};

struct bn_output_topic { /* in a delta: the changed partitions; only partitions with a state are told */
    const char *name;
    struct bn_uuid id;
    const struct bn_output_partition {
        struct bn_fact_partition fact; /* has_state */
        bool is_new;                   /* still in its first state: an empty log may be made for it */
    } * partitions;
    int32_t partition_count;
};

struct bn_output_removed { /* the tombstone: evidence on which replicas delete directories, and must confirm */
    const char *name;
    struct bn_uuid id;
    int32_t partition_count;
};

struct bn_output_delta {
    uint64_t token;          /* IMAGE: the stream */
    int32_t broker;          /* IMAGE */
    int64_t for_incarnation; /* IMAGE */
    bool reset;              /* IMAGE */
    int32_t controller_epoch, controller_id;
    int64_t sequence; /* DELTA: one more than the last. IMAGE: that of the last DELTA */
    const char *cluster_id;
    const struct bn_fact_broker *brokers; /* registered or changed */
    int32_t broker_count;
    const int32_t *removed_brokers;
    int32_t removed_broker_count;
    const struct bn_output_topic *topics;
    int32_t topic_count;
    const struct bn_output_removed *removed_topics; /* an IMAGE has every deletion that is not finished */
    int32_t removed_topic_count;
    const struct bn_fact_config *configs;
    int32_t config_count;
};

/* CREATE_TOPICS, DELETE_TOPICS, CREATE_PARTITIONS, ALTER_CONFIGS, ELECT_LEADERS: in the order of the request */
struct bn_output_topic_result {
    const char *name;  /* NULL: an unknown id of DELETE_TOPICS */
    struct bn_uuid id; /* zero = none */
    int16_t error;
    const char *message; /* NULL = none */
    /* CREATE_TOPICS, without error: what was made. The configs of the answer are the shell's. */
    int32_t num_partitions;
    int16_t replication_factor;
    int32_t partition; /* ELECT_LEADERS */
};

struct bn_output_alter_result {
    struct bn_uuid topic_id;
    int32_t partition;
    int16_t error;
    const struct bn_fact_partition *state; /* the current one, whatever the error; NULL = unknown partition */
};

struct bn_output_reply {
    uint64_t token;
    enum {
        BN_OUTPUT_REPLY_HELLO, /* error only */
        BN_OUTPUT_REPLY_CREATE_TOPICS,
        BN_OUTPUT_REPLY_DELETE_TOPICS,
        BN_OUTPUT_REPLY_CREATE_PARTITIONS,
        BN_OUTPUT_REPLY_ALTER_PARTITION,
        BN_OUTPUT_REPLY_ACK, /* error only */
        BN_OUTPUT_REPLY_PRODUCER_IDS,
        BN_OUTPUT_REPLY_BROKER_ID,
        BN_OUTPUT_REPLY_ALTER_CONFIGS,
        BN_OUTPUT_REPLY_CONTROLLED_SHUTDOWN,
        BN_OUTPUT_REPLY_ELECT_LEADERS,
        BN_OUTPUT_REPLY_GROUP_WRITE, /* error only */
        BN_OUTPUT_REPLY_GROUP_READ,
    } kind;
    int16_t error;       /* of the request as a whole; then there are no results */
    const char *message; /* NULL = none */
    const struct bn_output_topic_result *topics;
    int32_t topic_count;
    const struct bn_output_alter_result *alters;
    int32_t alter_count;
    int64_t first_producer_id;
    int32_t producer_id_count;
    int32_t broker_id;
    /* CONTROLLED_SHUTDOWN: what the broker leads on, of more than one replica. While may_move is not 0, some of these
     * have a replica elsewhere that lives and may still come into the ISR: asking again may help. */
    const struct bn_output_remaining {
        const char *topic;
        int32_t partition;
    } * remaining;
    int32_t remaining_count, may_move;
    /* GROUP_READ: what stands in these groups' znodes, read after this output, is the answer: as many as it takes. */
    const char *const *groups;
    int32_t group_count;
};

struct bn_output_probe {
    int32_t broker;
    int64_t incarnation;
};

struct bn_output_note {
    enum { BN_OUTPUT_NOTE_INFO, BN_OUTPUT_NOTE_WARN, BN_OUTPUT_NOTE_ERROR } level;
    const char *text;
};

struct bn_output {
    enum bn_output_kind kind;
    union {
        struct bn_output_multi multi;
        struct bn_output_purge purge;
        struct bn_output_read read;
        struct bn_output_delta delta;
        struct bn_output_reply reply;
        struct bn_output_probe probe;
        uint64_t token;
        int64_t at_ms;
        struct bn_output_note note;
    } u;
};

/* The outputs of a step. Items and everything they point to live in the arena (or in the model until its next step). */
struct bn_output_list {
    struct bn_arena arena;
    struct bn_output *items;
    int32_t count, capacity;
};

void bn_output_init(struct bn_output_list *l);
void bn_output_fini(struct bn_output_list *l);
void bn_output_clear(struct bn_output_list *l); /* after performing; keeps memory for the next step */
/* Zeroed; the list owns it; valid until the next add. */
struct bn_output *bn_output_add(struct bn_output_list *l, enum bn_output_kind kind);
void bn_output_note(struct bn_output_list *l, int level, const char *fmt, ...) BN_PRINTF(3, 4);

#endif
