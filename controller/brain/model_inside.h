/* model_inside.h: the model as the brain's own files see it. What is `state` is in ZooKeeper; what is `planned` is in a
 * multi that has not been answered; brokers are told the former only.
 *
 *   topic:  CREATING -> LIVE -> MARKED -> ERASING -> gone
 *                \--> gone        \--------------> gone        (refused, or vanished by a stranger's hand)
 *
 * A partition's states and their table are in partition_sm.h; a topic's table is in topics.c. */
#ifndef BN_MODEL_INSIDE_H
#define BN_MODEL_INSIDE_H

#include "common/base/list.h"
#include "common/base/map.h"
#include "controller/brain/event.h"
#include "controller/brain/ids.h"
#include "controller/brain/model.h"
#include "controller/brain/output.h"

#define BN_MODEL_FLIGHTS_MAX                                                                                           \
    16 /* multis of partition states in flight; more wait. 16 * 200 writes fill any ZooKeeper */

struct bn_model_state { /* an owned bn_fact_state */
    int32_t version, leader, leader_epoch, controller_epoch;
    bool recovering;
    struct bn_ids isr, elr;
};

enum bn_model_partition_kind { /* Kafka's four states, by its numbers; see partition_sm.h */
                               BN_MODEL_NEW,
                               BN_MODEL_ONLINE,
                               BN_MODEL_OFFLINE,
                               BN_MODEL_NONEXISTENT,
};

struct bn_model_partition {
    struct bn_model_topic *topic;
    int32_t index;
    enum bn_model_partition_kind kind;
    struct bn_ids replicas, adding, removing;
    bool has_state;
    struct bn_model_state state;   /* with has_state: committed */
    struct bn_model_state planned; /* with busy: in flight */
    int planned_why;               /* enum bn_election_why; NOTHING = an accepted ISR proposal */
    bool busy;      /* a write or a read of its state znode is in flight: at most one, later events wait in the model */
    bool must_bump; /* a member or the leader began a new life: a new leader epoch must be committed before it is
                       admitted */
    bool bump_flying;       /* with busy: the planned state was decided after must_bump was set, so that it clears it */
    bool node_exists;       /* .../partitions/<n> is known to exist */
    bool want_preferred;    /* an election of the preferred leader is asked for, and not yet tried */
    bool want_unclean;      /* an unclean election is asked for, whatever the configuration, and not yet tried */
    bool stuck;             /* its state znode vanished: nothing is written until the topic is read again */
    struct bn_list dirty;   /* in model.dirty: must be looked at */
    struct bn_list changed; /* in model.changed: must be told in the next delta */
    struct bn_list
        proposals;   /* struct bn_alter_item: waiting ISR proposals, oldest first; the head's may be in flight */
    bool *confirmed; /* while the topic is MARKED: per replica, its log is gone. NULL before */
};

enum bn_model_topic_kind {
    BN_MODEL_CREATING,
    BN_MODEL_LIVE,
    BN_MODEL_MARKED,
    BN_MODEL_ERASING,
    BN_MODEL_GONE,
};

struct bn_model_topic {
    char *name;
    enum bn_model_topic_kind kind;
    bool has_id;       /* the znode carries the id; id is meaningful also before, once drawn or restored */
    struct bn_uuid id; /* zero = not yet drawn */
    bool id_stands;    /* the id stands in ZooKeeper, here or as the second copy: brokers may be told of it */
    bool has_partitions_node, has_second_id;
    int32_t version;                          /* of the topic's znode */
    int64_t czxid;                            /* of the topic's znode; 0 = not known */
    struct bn_model_partition **partitions;   /* ascending by index; usually dense */
    int32_t partition_count, led_count;       /* led: has a state with a leader */
    int32_t holds;                            /* flights and requests that point here: a GONE topic is freed at 0 */
    bool busy;                                /* a write or read of the topic's own znodes is in flight */
    bool reread;                              /* news came while busy: read again afterwards */
    bool marker_ours;                         /* DeleteTopics put (or is putting) the marker */
    bool marker_waiting;                      /* a marker was seen while CREATING */
    bool node_gone, marker_gone, config_gone; /* while ERASING: already deleted */
    bool noted;                               /* it was told that the deletion waits for dead brokers */
    struct bn_list dirty;                     /* in model.dirty_topics */
    struct bn_model_config *config_new;       /* while CREATING: its overrides, not yet in ZooKeeper */
    bool config_exists;                       /* while CREATING: its config znode is there already */
    int32_t delta_at;                         /* while a delta is made: its place in it; -1 otherwise */
};

struct bn_model_broker {
    int32_t id;
    bool registered, fit;
    bool leaving; /* this incarnation shuts down */
    int64_t epoch, incarnation;
    char *rack;
    struct bn_fact_endpoint *endpoints; /* owned, with their strings */
    int32_t endpoint_count;
    bool has_admitted; /* /barnabas/admitted/<id> exists */
    int64_t admitted;
    bool admit_flying;
    int64_t fenced; /* the incarnation that we fenced, -1 = none: a list of brokers read before still names it */
    bool fence_flying;
    bool stream_up, stream_imaged;
    uint64_t stream;
    bool hello_waits;
    struct bn_event_hello hello;
    bool image_due; /* after this step's delta */
    bool changed;   /* must be told in the next delta: registered, changed or removed */
};

struct bn_model_config {
    char *key; /* "topics/orders": the map's key */
    char *type, *name;
    struct bn_fact_pair *entries; /* owned, with their strings */
    int32_t entry_count;
    bool changed;
};

struct bn_model {
    struct bn_model_settings settings;
    uint64_t random[4];
    int64_t now_ms;
    bool active, resigned;
    const char *resign_reason; /* in the step's arena */
    int32_t controller_id, controller_epoch;
    char *cluster_id;
    struct bn_map topics;             /* by name */
    struct bn_map topics_by_id;       /* those whose id is known to be in ZooKeeper */
    struct bn_map configs;            /* by "type/name" */
    struct bn_model_broker **brokers; /* ascending by id; also those that are not registered any more */
    int32_t broker_count;
    struct bn_fact_producer_ids producer_ids;
    bool producer_ids_flying;
    struct bn_list dirty, dirty_topics, changed;
    struct bn_list flights; /* struct bn_flight, oldest first */
    uint64_t flight_next;
    int32_t state_flights;
    int32_t bump_count;       /* partitions with must_bump */
    int64_t unclean_after_ms; /* no unclean election before: a broker was fenced by refusal */
    bool unclean_waits;       /* and some partition waits for it */
    bool brokers_changed, configs_changed;
    int64_t timer_ms;                  /* what the shell was asked for; -1 = nothing */
    struct bn_list requests;           /* struct bn_request: admin requests that wait */
    struct bn_list alters;             /* struct bn_alter_request: ISR proposals that wait */
    struct bn_list config_alters;      /* struct bn_config_alter: changes of overrides that wait */
    struct bn_list config_waits;       /* its items that wait for their turn */
    struct bn_map config_busy;         /* "type/name" -> the item that is being read or written */
    struct bn_list id_waits;           /* producer-id requests that wait */
    struct bn_list leaving_waits;      /* controlled shutdowns that wait */
    struct bn_map groups;              /* by name: struct group_entry of groups.c */
    bool groups_listed;                /* they are known */
    struct bn_list group_writes;       /* struct bn_groups_write: coordinators' requests, oldest first */
    struct bn_list group_reads;        /* likewise */
    struct bn_map group_busy;          /* partition of __consumer_offsets -> its request that is under way */
    int64_t rebalance_ms;              /* the next look for misplaced leaders; -1 = none */
    struct bn_output_removed *removed; /* tombstones for the next delta */
    int32_t removed_count;
    int32_t configs_empty; /* told as "no overrides", to be forgotten */
    int64_t sequence;
    bool images_due;            /* something vanished without a tombstone: every stream begins anew */
    struct bn_output_list *out; /* of the step that runs */
};

/* Brokers. */
struct bn_model_broker *bn_model_broker(const struct bn_model *m, int32_t id); /* NULL */
struct bn_model_broker *bn_model_broker_make(struct bn_model *m, int32_t id);
void bn_model_broker_describe(struct bn_model_broker *b, const struct bn_fact_broker *fact); /* rack and endpoints */
bool bn_model_broker_differs(const struct bn_model_broker *b, const struct bn_fact_broker *fact);

/* Topics and partitions. */
struct bn_model_topic *bn_model_topic(const struct bn_model *m, const char *name);               /* NULL */
struct bn_model_topic *bn_model_topic_by_id(const struct bn_model *m, const struct bn_uuid *id); /* NULL */
struct bn_model_topic *bn_model_topic_make(struct bn_model *m, const char *name); /* CREATING, no partitions */
void bn_model_topic_index_id(struct bn_model *m, struct bn_model_topic *t);
void bn_model_topic_forget(struct bn_model *m, struct bn_model_topic *t); /* GONE; freed when nothing points to it */
void bn_model_topic_hold(struct bn_model_topic *t);
void bn_model_topic_release(struct bn_model_topic *t);
struct bn_model_partition *bn_model_partition(const struct bn_model_topic *t, int32_t index); /* NULL */
struct bn_model_partition *bn_model_partition_make(struct bn_model_topic *t, const struct bn_fact_partition *fact);
void bn_model_partition_free(struct bn_model_partition *p); /* takes; out of every list of the model */
void bn_model_partition_dirty(struct bn_model *m, struct bn_model_partition *p);
void bn_model_partition_changed(struct bn_model *m, struct bn_model_partition *p);
void bn_model_topic_dirty(struct bn_model *m, struct bn_model_topic *t);

/* States. */
struct bn_fact_state bn_model_state_fact(const struct bn_model_state *s); /* borrows */
void bn_model_state_set(struct bn_model_state *s, const struct bn_fact_state *fact);
void bn_model_state_free(struct bn_model_state *s);
bool bn_model_state_eq(const struct bn_model_state *s, const struct bn_fact_state *fact);
struct bn_fact_partition bn_model_partition_fact(const struct bn_model_partition *p); /* borrows */
/* Sets the committed state and keeps the topic's count of leaders. */
void bn_model_partition_commit(struct bn_model_partition *p, const struct bn_fact_state *fact);

/* Randomness: seeded, so that a run can be replayed. */
uint64_t bn_model_random(struct bn_model *m);
int32_t bn_model_random_below(struct bn_model *m, int32_t bound);
void bn_model_draw_id(struct bn_model *m, struct bn_uuid *out);

/* Copies into this step's arena. */
char *bn_model_text(struct bn_model *m, const char *text); /* NULL stays NULL */
char *bn_model_textf(struct bn_model *m, const char *fmt, ...) BN_PRINTF(2, 3);
void *bn_model_scratch(struct bn_model *m, size_t count, size_t size); /* zeroed */
struct bn_fact_ids bn_model_copy_ids(struct bn_model *m, struct bn_fact_ids ids);
struct bn_fact_state bn_model_copy_state(struct bn_model *m, struct bn_fact_state s);
struct bn_fact_partition bn_model_copy_partition(struct bn_model *m, struct bn_fact_partition p);

void bn_model_resign(struct bn_model *m, const char *reason);

#define BN_MODEL_INFO(m, ...) bn_output_note((m)->out, BN_OUTPUT_NOTE_INFO, __VA_ARGS__)
#define BN_MODEL_WARN(m, ...) bn_output_note((m)->out, BN_OUTPUT_NOTE_WARN, __VA_ARGS__)

#endif
