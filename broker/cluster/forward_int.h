/* forward_int.h: what the files of forward.h share. All of it is on the agent's shard, but for the two that post. */
#ifndef BN_FORWARD_INT_H
#define BN_FORWARD_INT_H

#include <stdatomic.h>

#include "broker/cluster/agent_int.h"
#include "broker/cluster/forward.h"

enum { BN_FORWARD_NONE = 0, BN_FORWARD_REQUEST_TIMED_OUT = 7 };

struct bn_forward_once; /* what is particular to one kind of a question that is said once: forward_once.c */

struct bn_forward_ask { /* one question */
    struct bn_msg msg;
    struct bn_list link;
    struct bn_agent *agent;
    struct bn_shard *shard;
    enum {
        BN_FORWARD_ADMIN,
        BN_FORWARD_PRODUCER_ID,
        BN_FORWARD_DELETED,
        BN_FORWARD_SHUTDOWN,
        BN_FORWARD_ONCE,
    } kind;
    bool in_flight, answered;
    struct bn_timer deadline;
    uint32_t timeout_ms;
    /* ADMIN */
    int api_key, version;
    bool auto_create;
    struct bn_slice body, client_id; /* behind the struct; ONCE: body is the request, packed */
    void (*reply)(void *reply_arg, int16_t error, struct bn_slice body);
    /* PRODUCER_ID */
    void (*reply_id)(void *reply_arg, int16_t error, int64_t id);
    int64_t id;
    /* DELETED */
    struct bn_uuid topic_id;
    char *topic;
    int32_t partition;
    /* SHUTDOWN */
    void (*reply_shutdown)(void *reply_arg, int16_t error, int32_t remaining, int32_t may_move);
    int32_t remaining, may_move;
    /* ONCE */
    const struct bn_forward_once *once;
    bool in_line; /* overtakes no other of these */
    union {
        void (*alter)(void *reply_arg, const Bn__AlterPartitionReply *answer);
        void (*group_write)(void *reply_arg, const Bn__GroupWriteReply *answer);
        void (*group_read)(void *reply_arg, const Bn__GroupReadReply *answer);
    } reply_once;
    void *reply_arg;
    int16_t error;
    uint8_t *answer; /* ADMIN: the body; ONCE: the answer, packed */
    size_t answer_len;
};

struct bn_forward {
    struct bn_agent *agent;
    bool stopped;
    atomic_size_t on_the_way; /* posted by any shard, not yet arrived */
    size_t flight_count;
    struct bn_list waiting;      /* for a controller, in the order of arrival; all but PRODUCER_ID */
    size_t line_waiting;         /* those of them that are in_line */
    struct bn_list in_flight;    /* calls under way */
    struct bn_list id_waiting;   /* PRODUCER_ID */
    int64_t next_id, end_id;     /* the block in use */
    int64_t spare_id, spare_end; /* the next one */
    bool fetching_ids;
    struct bn_timer again; /* sends what was refused */
};

/* On any shard: a question with `extra` bytes behind it, and its way to the agent's shard. */
struct bn_forward_ask *bn_forward_ask_new(struct bn_agent *a, struct bn_shard *shard, int kind, size_t extra);
void bn_forward_post(struct bn_forward_ask *k);
/* What every closure of a call begins with. NULL: answered already, and freed now. */
struct bn_forward_ask *bn_forward_returned(void *data);
/* The question is over on the agent's shard: its answer goes back to the one that asked. */
void bn_forward_answer(struct bn_forward_ask *k, int16_t error);

/* forward_once.c */
void bn_forward_once_send(struct bn_forward_ask *k);
void bn_forward_once_reply(struct bn_forward_ask *k); /* on the shard that asked */

#endif
