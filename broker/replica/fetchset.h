/* fetchset.h: the partitions that are followed from one leader, and the fetch session that names them to it. Decides
 * what the next request asks and takes answers apart; no connection, no clock of its own. One shard. */
#ifndef BN_FETCHSET_H
#define BN_FETCHSET_H

#include "broker/replica/roster.h"
#include "common/base/arena.h"
#include "common/base/heap.h"

struct bn_partition_key;
struct kmsg_fetch_request;
struct kmsg_fetch_response;
struct kmsg_list_offsets_request;
struct kmsg_list_offsets_response;

enum bn_fetchset_state {
    BN_FETCHSET_FETCHES,
    BN_FETCHSET_ASKS_END,   /* its offset is out of the leader's range: where does the leader's log end? */
    BN_FETCHSET_ASKS_START, /* not below: where does it begin? */
};

struct bn_fetchset_part {    /* in struct bn_partition */
    struct bn_fetchset *set; /* NULL: in none */
    struct bn_list order;    /* in set->all */
    struct bn_list link;     /* in set->changed, set->cutting or set->asking; in none when all is said */
    struct bn_heap_node due; /* in set->delayed */
    enum bn_fetchset_state state;
    uint32_t failures;                     /* in a row */
    uint64_t told_ms;                      /* when people were last told of one, on the loop's clock; 0 = never */
    int32_t leader_epoch, partition_epoch; /* of the decision that is acted on */
    bool in_session;                       /* the leader knows of it, with what follows */
    int64_t offset, log_start;
    int32_t asked_epoch, last_epoch;
};

struct bn_fetchset {
    const struct bn_roster_deps *deps; /* borrowed */
    struct bn_roster *roster;          /* borrowed */
    int32_t leader;                    /* broker id */
    struct bn_list all;                /* in the order in which a full request names them: who got data goes last */
    struct bn_list changed;            /* what the next request may have to say something about */
    struct bn_list cutting, asking;    /* being truncated; out of range */
    struct bn_heap delayed;            /* by when they are tried again, in ms of the loop */
    struct bn_partition_key *forgotten;
    size_t forgotten_count, forgotten_capacity;
    size_t count, session_count; /* partitions; those that the session has */
    int32_t session_id, session_epoch;
    bool got_records;      /* the last answer had some */
    struct bn_arena arena; /* of the last request */
};

void bn_fetchset_part_init(struct bn_fetchset_part *part);

void bn_fetchset_init(struct bn_fetchset *s, const struct bn_roster_deps *deps, struct bn_roster *roster,
                      int32_t leader);
void bn_fetchset_fini(struct bn_fetchset *s); /* drops every partition */
/* Takes it in; or, when it is in already, looks at what has changed. A new decision ends its back-off. */
void bn_fetchset_put(struct bn_fetchset *s, struct bn_partition *p);
void bn_fetchset_drop(struct bn_partition *p); /* from the set it is in; fine when in none */
/* Something waits to be said that the request under way does not say. */
bool bn_fetchset_pending(const struct bn_fetchset *s);
/* When the next one that backs off is due, on the loop's clock; UINT64_MAX: never. */
uint64_t bn_fetchset_due_ms(const struct bn_fetchset *s);
/* The next request begins the session anew, naming every partition. */
void bn_fetchset_renew(struct bn_fetchset *s);

/* Fills *q, whose arrays live until the next call. False: there is nothing to ask for. */
bool bn_fetchset_ask(struct bn_fetchset *s, struct kmsg_fetch_request *q);
/* BN_OK; BN_STALE: the leader does not know the session (renewed); BN_BAD: it refuses for another reason, named in e.
 */
int bn_fetchset_answer(struct bn_fetchset *s, const struct kmsg_fetch_response *r, struct bn_err *e) BN_MUST_CHECK;
/* The same for partitions that are out of range: to be asked before the next fetch. */
bool bn_fetchset_ask_offsets(struct bn_fetchset *s, struct kmsg_list_offsets_request *q);
void bn_fetchset_answer_offsets(struct bn_fetchset *s, const struct kmsg_list_offsets_response *r);

#endif
