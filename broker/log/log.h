/* log.h: one partition's bytes on disk, in Kafka's own format (4-storage). Knows nothing of leaders or clients: the
 * partition tells it the leader epoch to stamp and the high watermark that bounds retention.
 *
 * A log belongs to one shard and is touched by that shard's thread only, except where a function says "pool thread". */
#ifndef BN_LOG_H
#define BN_LOG_H

#include "common/base/chain.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/base/uuid.h"
#include "common/sys/env.h"
#include "common/sys/pool.h"

/* What a topic's configuration says to the log (8-config 8.8); milliseconds and bytes; -1 = unlimited where Kafka has
 * it. */
struct bn_log_config {
    int64_t segment_bytes, segment_ms, segment_jitter_ms, segment_index_bytes, index_interval_bytes;
    int64_t max_message_bytes, retention_ms, retention_bytes, file_delete_delay_ms, flush_messages, flush_ms;
    int64_t timestamp_before_max_ms, timestamp_after_max_ms, producer_id_expiration_ms;
    int64_t delete_retention_ms, compaction_lag_min_ms, compaction_lag_max_ms;
    double dirty_ratio_min; /* min.cleanable.dirty.ratio */
    bool log_append_time, compact, delete, preallocate;
    int compression;       /* enum bn_codec_kind to recompress to, or -1 = producer */
    int compression_level; /* of that codec */
};
void bn_log_config_defaults(struct bn_log_config *c); /* Kafka's */

struct bn_log;

struct bn_log_open {
    const struct bn_env *env;
    const char *dir;         /* <log dir>/<topic>-<partition>; made if missing */
    const char *name;        /* "<topic>-<partition>" for messages */
    struct bn_uuid topic_id; /* written to partition.metadata when new; BN_STALE when the one there differs */
    struct bn_log_config config;
    int64_t recovery_point, log_start_offset; /* of the directory's checkpoints; 0 when none */
    int64_t cleaned_to;                       /* the same (cleaner-offset-checkpoint); not above the recovery point */
    bool clean;                               /* the directory was closed cleanly: nothing is scanned */
    uint64_t tenure; /* which directory of that name it is: for checkpoints (bn_logdir_point) */
    /* Where the flushes that the log starts by itself (after a roll) run and report to; NULL: only bn_log_flush
     * flushes. */
    struct bn_pool *pool;
    struct bn_mailbox *mailbox;
};
/* Pool thread. Opens or creates, and recovers past the recovery point (4-storage 4.9). Gives the log. */
int bn_log_open(const struct bn_log_open *o, struct bn_log **out, struct bn_err *e) BN_MUST_CHECK;
/* Pool thread, or at shutdown: flushes everything, trims indexes, writes a producer snapshot. The log is gone after. */
int bn_log_close(struct bn_log *l, struct bn_err *e);
/* Without flushing or writing anything: its directory failed or is being deleted. */
void bn_log_abandon(struct bn_log *l);

enum { BN_LOG_BAD_MAX = 10000 }; /* bad records told of one batch: a peer can size them, by gzip even cheaply */
struct bn_log_bad {
    int32_t index; /* within the batch */
    char message[200];
};

/* A leader's append of what one client sent for one partition (or an internal writer). */
struct bn_log_append {
    /* in */
    uint8_t *bytes; /* batches; patched in place: the caller's frame */
    size_t len;
    bool legacy;          /* message sets of magic 0/1 are allowed (Produce 0-2) and converted */
    bool internal;        /* a coordinator's own write: control batches and any sequence are fine */
    int32_t leader_epoch; /* stamped */
    int64_t now_ms;       /* wall clock */
    /* out */
    int16_t error;      /* Kafka's code; KE_NONE */
    char message[200];  /* for people; "" = none */
    struct bn_log_bad *bad; /* KIP-467: the records that caused error, the first ones at most; bn_alloc_free them */
    int32_t bad_count;
    bool duplicate;     /* nothing was written; the offsets are those of the original (7-txn 7.2) */
    int64_t base_offset, last_offset;
    int64_t append_time_ms; /* -1 for CreateTime */
};
/* Validates in Kafka's order (4-storage 4.5, 7-txn 7.2), assigns offsets, rolls, writes. One bad record rejects all. An
 * I/O error answers KE_KAFKA_STORAGE_ERROR and the log is failed from then on (bn_log_failed): it must not be
 * acknowledged again. Without room (disk, descriptors) the answer is the same, and the log goes on. */
void bn_log_append(struct bn_log *l, struct bn_log_append *a);
bool bn_log_failed(const struct bn_log *l);

/* A follower's append of what it fetched: the leader's batches exactly as they are (3-replication 3.7). */
struct bn_log_replica {
    /* in */
    const uint8_t *bytes; /* borrowed. A last batch that is not there whole is left out */
    size_t len;
    int64_t fetch_offset; /* what was asked for */
    int64_t now_ms;
    /* out */
    size_t taken;       /* bytes appended */
    int64_t skipped;    /* offsets that no batch covers: a compacted topic has such gaps, another should not */
    const char *why;    /* of what was refused (BN_BAD, BN_STALE): "a batch with a wrong checksum"; NULL: nothing was */
    int64_t why_offset; /* and where it should have continued the log */
};
/* All or nothing. Sizes and producers' sequences are the leader's business; epochs, producer state and rolls follow
 * from the batches. Several batches are one write, unless a roll falls between them. 0; BN_STALE: fetch_offset is not
 * the end, or the first batch begins below it (allowed only where nothing stands between the log's start and its end:
 * then the log begins anew with that batch, its start offset stays); BN_BAD: corrupt, offsets or epochs go back;
 * BN_AGAIN: it is being truncated; BN_NOROOM: some of the first batches may have been
 * taken, and the rest may be later; BN_IO: the log has failed. */
int bn_log_append_replica(struct bn_log *l, struct bn_log_replica *r) BN_MUST_CHECK;

/* How a truncation gets to the disk. */
struct bn_log_cut {
    struct bn_pool *pool; /* the one that flushes; NULL: here and now, for a log without one (a test, the simulation) */
    struct bn_mailbox *mailbox; /* the shard's */
    /* Pool thread. What the directory's checkpoints must not exceed any more: on disk when it returns (bn_logdirs_cut).
     * Called only when the recovery point or the start offset goes back. */
    int (*lower)(void *arg, int64_t recovery_point, int64_t start_offset, uint32_t cuts, struct bn_err *e);
    void (*done)(void *arg, int status); /* the shard: BN_OK, BN_IO (the log has failed), BN_CLOSED */
    void *arg;
};
/* Drops every batch that reaches offset or beyond. In memory it is so at once: end, epochs, recovery point, reads. The
 * files follow in a job on the pool, which syncs them and lowers the checkpoints (safety §3), so that the shard never
 * waits for the disk; until done() comes nothing can be appended, nor truncated again (asserted). Below the start
 * offset: bn_log_truncate_fully. The new end is offset, or less where a batch reaches over it. Not below the end: only
 * epochs that start there are forgotten, and done() is called before this returns. */
void bn_log_truncate(struct bn_log *l, int64_t offset, const struct bn_log_cut *how);
/* Drops everything; the log starts empty at new_start, which may be lower or higher than before. */
void bn_log_truncate_fully(struct bn_log *l, int64_t new_start, const struct bn_log_cut *how);
bool bn_log_truncating(const struct bn_log *l);
/* How often it was cut since it was opened: a checkpoint of an older state must not be written (bn_logdir_point). */
uint32_t bn_log_cuts(const struct bn_log *l);

int64_t bn_log_start_offset(const struct bn_log *l);
int64_t bn_log_end_offset(const struct bn_log *l); /* LEO: the next offset to be written */
int64_t bn_log_recovery_point(const struct bn_log *l);
int64_t bn_log_size_bytes(const struct bn_log *l);
const char *bn_log_dir(const struct bn_log *l);
void bn_log_reconfigure(struct bn_log *l, const struct bn_log_config *c);

/* What the log remembers of one producer id (DescribeProducers). */
struct bn_log_producer {
    int64_t id, last_timestamp, txn_start_offset;    /* txn_start_offset: -1 = no open transaction */
    int32_t epoch, last_sequence, coordinator_epoch; /* last_sequence, coordinator_epoch: -1 = none */
};
/* Their count; gives an array (bn_alloc_free it), in no order. */
int bn_log_producers(const struct bn_log *l, struct bn_log_producer **out);

struct bn_log_range {
    int64_t offset, upper_offset;
    size_t max_bytes;
    bool whole_first;
    /* out */
    size_t bytes;
    int64_t first_offset;
};
/* Raw batches from the one that holds `offset` on, as file ranges appended to *out, below upper_offset (exclusive; a
 * batch that starts below it and ends beyond is not given). At most max_bytes, but at least one whole batch when
 * whole_first; always whole batches. Several segments may be crossed. first_offset: the base offset of the first batch
 * given, or in a gap that compaction left something between the offset asked for and it. Nothing to give: 0 bytes.
 * BN_NOTFOUND: offset below the start or above the end (OFFSET_OUT_OF_RANGE). BN_IO.
 */
int bn_log_read_range(struct bn_log *l, struct bn_log_range *range, struct bn_chain *out) BN_MUST_CHECK;
static inline int bn_log_read(struct bn_log *l, int64_t offset, int64_t upper_offset, size_t max_bytes,
                              bool whole_first, struct bn_chain *out, size_t *bytes, int64_t *first_offset) {
    struct bn_log_range r = {offset, upper_offset, max_bytes, whole_first, 0, -1};
    int rc = bn_log_read_range(l, &r, out);
    *bytes = r.bytes;
    *first_offset = r.first_offset;
    return rc;
}

struct bn_log_found {
    int64_t offset, timestamp; /* -1, -1 when there is none */
    int32_t leader_epoch;
};
/* The first record whose timestamp >= timestamp_ms, below upper_offset (ListOffsets by time). */
int bn_log_find_time(struct bn_log *l, int64_t timestamp_ms, int64_t upper_offset,
                     struct bn_log_found *out) BN_MUST_CHECK;
/* The record with the largest timestamp (ListOffsets -3, KIP-734). */
int bn_log_find_max_time(struct bn_log *l, struct bn_log_found *out) BN_MUST_CHECK;

/* Leader epochs (3-replication 3.6). Assigning the latest again does nothing; written in the background. */
void bn_log_assign_epoch(struct bn_log *l, int32_t epoch, int64_t start_offset);
int32_t bn_log_latest_epoch(const struct bn_log *l); /* -1 when none */
void bn_log_end_of_epoch(const struct bn_log *l, int32_t epoch, int32_t *found_epoch, int64_t *end_offset);
int32_t bn_log_epoch_of(const struct bn_log *l, int64_t offset); /* -1 */

/* Retention (4.11): drops whole old segments that end at or below the high watermark; also rolls by time. Files are
 * renamed .deleted and removed by jobs on the pool after file_delete_delay_ms. Returns how many segments went. */
int bn_log_retain(struct bn_log *l, int64_t high_watermark, int64_t now_ms, struct bn_pool *pool);
/* Raises the start offset (DeleteRecords, retention); segments go at the next retention. BN_NOTFOUND if above the high
 * watermark. */
int bn_log_set_start_offset(struct bn_log *l, int64_t offset) BN_MUST_CHECK;

/* Compaction (4.12). How much there is to clean; wanted: by the topic's rules it is time. Never of a log that is being
 * cleaned, nor of one that could not be. */
struct bn_log_dirt {
    bool wanted;
    double ratio; /* the dirty share of what may be cleaned */
    int64_t dirty_bytes;
};
void bn_log_dirt(struct bn_log *l, int64_t high_watermark, int64_t now_ms, struct bn_log_dirt *out);
/* One cleaning. The caller owns it until done(). */
struct bn_log_compaction {
    /* in */
    struct bn_pool *pool; /* where it works, for as long as it takes; NULL: here and now */
    int64_t high_watermark, now_ms;
    size_t map_bytes, buffer_bytes; /* for keys; for copying */
    double map_load;                /* how full the map may get, (0, 1] */
    double bytes_per_second;        /* read and written; <= 0: no bound */
    void (*done)(struct bn_log_compaction *c, int status);
    void *arg;
    /* out */
    bool advanced; /* something is clean that was not */
    int64_t bytes_before, bytes_after;
};
/* Records of older values go, below what is stable; appends, reads and flushes go on meanwhile. done, on the shard:
 * BN_OK; BN_STALE: called off by a truncation, a removal, another policy; BN_CLOSED: the log is gone; other: it can't
 * be cleaned (told), and never will be wanted again. Not while one is under way (asserted). */
void bn_log_compact(struct bn_log *l, struct bn_log_compaction *c);
bool bn_log_compacting(const struct bn_log *l);
/* Ends the one under way soon, with BN_STALE. */
void bn_log_compact_call_off(struct bn_log *l);
int64_t bn_log_cleaned_to(const struct bn_log *l); /* everything below is clean; 0 = nothing */

/* Flushing: everything below the end known at this call; done(arg, status) on the log's shard. A failed sync is final
 * (the log fails). mailbox: the shard's. Called after rolls by the log itself, and for flush.messages / flush.ms by the
 * partition. */
void bn_log_flush(struct bn_log *l, struct bn_pool *pool, struct bn_mailbox *mailbox,
                  void (*done)(void *arg, int status), void *arg);

#endif
