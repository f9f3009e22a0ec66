/* request.h: admin requests that wait for what they asked for to be decided and told. */
#ifndef BN_REQUEST_H
#define BN_REQUEST_H

#include "controller/brain/model_inside.h"

enum bn_request_kind {
    BN_REQUEST_CREATE_TOPICS,
    BN_REQUEST_DELETE_TOPICS,
    BN_REQUEST_CREATE_PARTITIONS,
    BN_REQUEST_ELECT_LEADERS,
    BN_REQUEST_ELECT_NODE, /* nobody is answered: the znode is deleted */
};

enum bn_request_phase {
    BN_REQUEST_DECIDED,  /* error, message and the rest are final */
    BN_REQUEST_TURN,     /* CREATE_PARTITIONS: waits until the topic's znode may be written */
    BN_REQUEST_FLYING,   /* CREATE_PARTITIONS: being written */
    BN_REQUEST_LEADERS,  /* waits until every new partition has a leader */
    BN_REQUEST_GONE,     /* DELETE_TOPICS: waits until the topic is MARKED */
    BN_REQUEST_ELECTION, /* ELECT_*: waits until its election has been tried (elect.c) */
};

struct bn_request_item {
    enum bn_request_phase phase;
    char *name; /* NULL = an unknown id */
    struct bn_uuid id;
    int error;
    char *message;
    int32_t num_partitions; /* the total asked for */
    int16_t replication_factor;
    struct bn_model_topic *topic; /* held; NULL before it is known and when decided */
    int32_t first;                /* LEADERS: of partitions first..num_partitions-1 */
    bool has_assignments;         /* CREATE_PARTITIONS */
    struct bn_ids *assignments;
    int32_t assignment_count;
    int32_t partition; /* ELECT_* */
    bool unclean;      /* ELECT_LEADERS */
};

struct bn_request {
    struct bn_list node; /* in model.requests */
    uint64_t token;
    enum bn_request_kind kind;
    int64_t deadline_ms;
    bool at_once;      /* a timeout of 0 or less: answer without waiting */
    bool only_decided; /* ELECT_LEADERS of all: what needed no election is not told */
    bool answered;     /* goes on only because an item has not had its turn */
    int32_t count;
    struct bn_request_item *items;
};

struct bn_request *bn_request_new(struct bn_model *m, uint64_t token, enum bn_request_kind kind, int32_t timeout_ms,
                                  int32_t count);                                     /* shares: in model.requests */
void bn_request_decide(struct bn_request_item *item, int error, const char *message); /* copies */
void bn_request_attach(struct bn_request_item *item, struct bn_model_topic *t,
                       enum bn_request_phase phase); /* holds t */
/* What waits for t cannot come true. */
void bn_request_fail_topic(struct bn_model *m, const struct bn_model_topic *t, int error, const char *message);
void bn_request_topic_marked(struct bn_model *m, const struct bn_model_topic *t);
void bn_request_expand_done(struct bn_model *m, const struct bn_model_topic *t);
void bn_request_expand_failed(struct bn_model *m, const struct bn_model_topic *t); /* its items take their turn again */
/* At the end of a step: turns, leaders, deadlines, answers. */
void bn_request_turns(struct bn_model *m);
void bn_request_settle(struct bn_model *m);
int64_t bn_request_deadline(const struct bn_model *m); /* the earliest; -1 = none */
void bn_request_drop_all(struct bn_model *m);

#endif
