/* flight.h: multis and reads that have been asked for and not answered. */
#ifndef BN_FLIGHT_H
#define BN_FLIGHT_H

#include "controller/brain/model_inside.h"

enum bn_flight_kind {
    BN_FLIGHT_STATES,       /* partition states: partition_sm.c */
    BN_FLIGHT_CREATE,       /* a topic's config, znode and second copy of the id: topics.c */
    BN_FLIGHT_EXPAND,       /* more partitions in a topic's znode: topics.c */
    BN_FLIGHT_TOPIC_ID,     /* the id and its second copy: topics.c */
    BN_FLIGHT_READ_TOPIC,   /* a read only: topics.c */
    BN_FLIGHT_MARK,         /* a delete marker: deletion.c */
    BN_FLIGHT_UNMARK,       /* a delete marker that is not followed: deletion.c */
    BN_FLIGHT_ERASE,        /* a piece of a topic's znodes, or the purge of what strangers put there: deletion.c */
    BN_FLIGHT_PRODUCER_IDS, /* blocks.c */
    BN_FLIGHT_BROKER_ID,    /* blocks.c */
    BN_FLIGHT_ADMIT,        /* liveness.c */
    BN_FLIGHT_FENCE,        /* liveness.c */
    BN_FLIGHT_CONFIG,       /* a reading or a writing of overrides: config_alter.c */
    BN_FLIGHT_ELECT_NODE,   /* elect.c */
    BN_FLIGHT_GROUPS,       /* a reading or a writing of groups: groups.c */
};

struct bn_flight_op {
    enum bn_output_op_kind kind;
    struct bn_model_partition *partition; /* or NULL */
};

struct bn_flight {
    struct bn_list node; /* in model.flights */
    uint64_t id;
    enum bn_flight_kind kind;
    bool reading;                 /* a READ_DONE will answer, else a MULTI_DONE */
    bool kept;                    /* a handler sent it off again as a read */
    struct bn_model_topic *topic; /* held; NULL when it has none */
    struct bn_flight_op *ops;     /* what was sent, to explain a failed_op */
    int32_t op_count, op_capacity;
    struct bn_model_partition **parts; /* STATES: each of these is busy because of this flight; their topics are held */
    int32_t part_count;
    char *name;                      /* UNMARK, READ_TOPIC */
    bool marker;                     /* READ_TOPIC: a delete marker was seen and waits for the topic to be known */
    struct bn_fact_partition *added; /* EXPAND: owned, replicas too */
    int32_t added_count;
    int32_t broker;                       /* ADMIT, FENCE, PRODUCER_IDS */
    int64_t incarnation;                  /* ADMIT, FENCE */
    uint64_t token;                       /* BROKER_ID */
    int32_t reserved_max;                 /* BROKER_ID */
    struct bn_fact_producer_ids ids;      /* PRODUCER_IDS */
    struct bn_config_alter_item *altered; /* CONFIG: who asked; it outlives the flight */
    struct bn_groups_write *groups;       /* GROUPS: who asked; it outlives the flight */
    struct bn_output_op *building;        /* until sent: in the step's arena */
    size_t bytes;                         /* estimated */
};

struct bn_flight *bn_flight_new(struct bn_model *m, enum bn_flight_kind kind, struct bn_model_topic *topic);
/* Appends an op: path filled from the partition (if any) or the flight's topic; bytes is an estimate of its data. */
struct bn_output_op *bn_flight_op(struct bn_model *m, struct bn_flight *f, enum bn_output_op_kind kind,
                                  struct bn_model_partition *p, size_t bytes);
bool bn_flight_has_room(const struct bn_flight *f, int32_t ops, size_t bytes);
void bn_flight_add_part(struct bn_flight *f, struct bn_model_partition *p); /* holds its topic */
void bn_flight_send(struct bn_model *m, struct bn_flight *f);               /* takes; as a MULTI */
void bn_flight_purge(struct bn_model *m, struct bn_flight *f);              /* takes; as a PURGE of its topic */
void bn_flight_read(struct bn_model *m,
                    struct bn_flight *f); /* takes, or keeps in flight: reads all that it is about */
void bn_flight_done(struct bn_model *m, const struct bn_event_multi_done *e);
void bn_flight_read_done(struct bn_model *m, const struct bn_event_read_done *e);
void bn_flight_drop_all(struct bn_model *m);

#endif
