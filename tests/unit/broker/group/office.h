/* office.h: a coordinator on one shard over a partition of nothing but bytes (in broker/replica's place, at link time)
 * and a controller of nothing but a table, for the tests of broker/group's shell. The test's thread turns the loop. */
#ifndef OFFICE_H
#define OFFICE_H

#include "broker/group/coordinator.h"
#include "common/sys/pool.h"

enum { OFFICE_BROKER = 1, OFFICE_WRITES_MAX = 64, OFFICE_READS_MAX = 64 };

struct bn_partition { /* the one partition of __consumer_offsets; of several, each is this */
    struct bn_str bytes;
    int64_t end, high_watermark, epoch_start;
    int64_t heard_ms; /* INT64_MAX: nobody else is in the ISR */
    bool hold;        /* acks=all appends wait for office_commit */
    int16_t error;    /* of the next appends */
    struct bn_partition_append *held[OFFICE_WRITES_MAX];
    int held_count;
    struct bn_partition_interest *interest;
};

struct bn_roster {
    struct bn_image *image;
    int32_t partitions;
    struct bn_partition partition;
};

struct office_read { /* a question that waits */
    int32_t partition;
    void (*reply)(void *arg, const Bn__GroupReadReply *answer);
    void *arg;
};

struct office {
    struct bn_shard *shard;
    struct bn_pool *pool;
    struct bn_roster roster;
    struct bn_coordinator_deps deps;
    struct bn_coordinator *coordinator;
    /* The controller: what it was last told, packed, and how often. */
    uint8_t *stored;
    size_t stored_len;
    int writes, removals;
    int16_t write_error;
    const char *unfit; /* a group that can't be written: a request that names it is refused, MESSAGE_TOO_LARGE */
    struct bn_slice subscription;                                  /* of the members that join from now on; "topics" */
    struct bn_slice instance_id;                                   /* theirs; null: they are dynamic */
    bool deaf;                                                     /* gives no answer */
    void (*waiting)(void *arg, const Bn__GroupWriteReply *answer); /* while deaf */
    void *waiting_arg;
    bool hold_reads; /* answered by office_answer_read */
    struct office_read reads[OFFICE_READS_MAX];
    int read_count;
};

void office_open(struct office *o);
void office_close(struct office *o);
/* Turns the loop until the condition holds (asserted to come). */
void office_until(struct office *o, bool (*holds)(struct office *o, void *arg), void *arg);
void office_turn(struct office *o);
/* This broker leads the partition under this epoch; -1: another does. */
void office_lead(struct office *o, int32_t epoch);
void office_keep(struct office *o, const Bn__GroupWriteRequest *q); /* as if it had been told */
void office_await_loaded(struct office *o);
/* The controller says that the topic was deleted; reset: in a whole image, which has `t` again. */
void office_topic_gone(struct office *o, const char *topic, bool reset);
void office_settle(struct office *o); /* until nothing waits to be said to the controller */
/* To the question that was asked first: there are no groups, or (error) nothing can be said. Gives its partition. */
int32_t office_answer_read(struct office *o, int16_t error);
void office_commit(struct office *o); /* the watermark passes all that is held */

/* A dynamic member without the detour by MEMBER_ID_REQUIRED (JoinGroup 3). */
struct office_join {
    struct bn_coordinator_join join;
    struct bn_group_protocol protocol;
    int answers;
    char member_id[64];
    int32_t generation;
};
void office_join(struct office *o, struct office_join *j, const char *group, const char *member_id);
struct office_sync {
    struct bn_coordinator_sync sync;
    struct bn_group_assignment assignment;
    int answers;
    char got[64];
};
void office_sync(struct office *o, struct office_sync *s, const char *group, const struct office_join *of);
/* The followers have been silent for so long since (-1: there are none), for what comes after, too. */
int16_t office_heartbeat(struct office *o, const char *group, const struct office_join *of, int64_t silent_ms);
struct office_commitment {
    struct bn_coordinator_commit commit;
    struct bn_coordinator_commit_item item;
    int answers;
};
void office_offset(struct office *o, struct office_commitment *c, const char *group, int64_t offset);

#endif
