/* logs.h: the brokers' logs as their bytes say, read past the product; and the replicas that are open now. */
#ifndef SIM_LOGS_H
#define SIM_LOGS_H

#include "broker/replica/partition_int.h"
#include "tests/sim/world.h"

struct sim_topic;

enum { SIM_RECORDS = 32 }; /* of one batch with keys, at most */

struct sim_record {       /* with a key, as it was appended */
    uint64_t key, digest; /* hashes: of the key; of all that it says, and of its place */
    int64_t timestamp;
    bool tombstone;
};

struct sim_batch {
    int64_t base, next, id; /* id: the name that its producer gave it */
    int64_t producer_id;
    int32_t epoch, sequence, length; /* length: bytes, all */
    int16_t producer_epoch;
    uint32_t crc;
    /* Where records have keys: */
    uint32_t kept;                    /* which of its records are in it, by their places, as bits */
    uint64_t sum;                     /* of their digests */
    int64_t horizon;                  /* from then on its tombstones may go; -1 = that is not decided */
    const struct sim_record *records; /* of a compacted topic: as its leader appended them, by their places */
    uint64_t appended_ms;             /* the same */
};

struct sim_log {
    bool there;
    int64_t start, end;
    int32_t count;
    struct sim_batch *batches;
    struct sim_newest *newest; /* invariants_compact.c: by key; NULL until it is asked for */
    int32_t newest_count;
};

struct sim_replica { /* a partition of a running broker */
    struct bn_list link;
    struct sim_proc *proc;
    struct bn_shard *shard;
    struct bn_partition *partition;
    struct bn_log *log;
    struct sim_topic *topic;
    int32_t index;
    /* What was seen last. */
    int64_t high_watermark;
    int64_t committed; /* the highest of them: a follower's goes back to its new leader's, and what counted counts on */
    int32_t leader_epoch;
    bool leads;
};

/* Reads a batch off the front of bytes; false = there is no whole and good one. */
bool sim_logs_batch(struct bn_slice bytes, struct sim_batch *out);
/* Its records with keys, by their places; the caller's for good. NULL = it has none. */
const struct sim_record *sim_logs_records(struct bn_slice bytes);
/* What the broker has of the partition: of a running one as it sees its log, else what is on its disk. */
void sim_logs_read(struct sim_world *w, int broker, const struct sim_topic *t, int32_t index, struct sim_log *out);
void sim_logs_free(struct sim_log *l);
/* The batch that begins at base; NULL. */
const struct sim_batch *sim_logs_at(const struct sim_log *l, int64_t base);
/* Under which epoch its history has this offset, which it has or once had; -1. */
int32_t sim_logs_epoch_at(const struct sim_log *l, int64_t offset);
int64_t sim_logs_end(struct sim_world *w, int broker, const struct sim_topic *t, int32_t index); /* -1 = not there */

/* ---- the open ones ---- */
struct sim_replica *sim_logs_replica(const struct sim_proc *p, const struct sim_topic *t, int32_t index); /* NULL */
struct sim_replica *sim_logs_of_log(const struct sim_proc *p, const struct bn_log *l);                    /* NULL */
struct sim_replica *sim_logs_of_dir(const struct sim_proc *p, const char *dir);                           /* NULL */
void sim_logs_opened(struct sim_proc *p, struct bn_partition *partition, struct bn_log *log);
void sim_logs_left(struct sim_proc *p, const struct bn_log *l); /* it is about to be closed */
void sim_logs_proc_gone(struct sim_proc *p);
/* After something ran on this shard: what has moved is judged. */
void sim_logs_look(struct sim_proc *p, const struct bn_shard *shard);

#endif
