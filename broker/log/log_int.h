/* log_int.h: what a log is made of. Private to broker/log. */
#ifndef BN_LOG_INT_H
#define BN_LOG_INT_H

#include "broker/log/epochs.h"
#include "broker/log/log.h"
#include "broker/log/logread.h"
#include "broker/log/producer.h"
#include "broker/log/segment.h"

struct bn_compact;
struct bn_flush;
struct bn_truncate;

struct bn_log_deleted { /* a renamed file that a later retention removes */
    char *path;
    int64_t due_ms;
};

struct bn_log {
    const struct bn_env *env;
    struct bn_index_place place; /* dir is ours */
    char *name;
    struct bn_log_config config;
    struct bn_pool *pool; /* for flushes after a roll; NULL: none */
    struct bn_mailbox *mailbox;

    struct bn_segment **segments; /* ascending; the last is the active one. There is always one */
    uint32_t segment_count, segment_capacity;
    struct bn_producer_table producers;
    struct bn_epochs epochs;
    struct bn_logread_marks *marks; /* NULL until something was read or appended */
    struct bn_flush *flush;         /* NULL until the first one */
    struct bn_truncate *truncate;   /* NULL until the first one */
    struct bn_compact *compact;     /* NULL until the first one */
    uint32_t cuts;                  /* how many truncations there were */
    struct bn_log_deleted *deleted;
    uint32_t deleted_count;

    int64_t start_offset, end_offset, recovery_point;
    int64_t cleaned_to;      /* compacted up to here */
    uint64_t clean_from_ms;  /* monotonic; the disk was full, and no cleaning is wanted before */
    uint32_t clean_no_room;  /* how many cleanings in a row found the disk full */
    int64_t snapshot_offset; /* of the newest snapshot, or -1 */
    int64_t roll_jitter_ms;  /* of the active segment */
    bool failed;
    bool uncleanable;  /* a cleaning of it failed, and not for want of room */
    bool swapping;     /* names of segments are between old and new: only open files are read */
    bool cutting;      /* a truncation is not on disk yet: nothing is appended */
    bool used;         /* since the last retention */
    bool dir_dirty;    /* files came or went since the directory was synced */
    bool dir_new;      /* the directory itself was made and its parent is not synced yet */
    bool epochs_dirty; /* the file is older than the table */
};

static inline struct bn_segment *bn_log_active(const struct bn_log *l) { return l->segments[l->segment_count - 1]; }
/* The segment that holds offset, or the first. */
uint32_t bn_log_segment_of(const struct bn_log *l, int64_t offset);
/* Where segment i ends: the base of the next one or the log's end. */
static inline int64_t bn_log_segment_end(const struct bn_log *l, uint32_t i) {
    return i + 1 < l->segment_count ? l->segments[i + 1]->base_offset : l->end_offset;
}
void bn_log_add_segment(struct bn_log *l, struct bn_segment *s); /* takes; its base is above the others' */
/* The age at which a segment is closed: a compacted one in time for max.compaction.lag.ms. */
static inline int64_t bn_log_segment_ms(const struct bn_log *l) {
    const struct bn_log_config *c = &l->config;
    return c->compact ? bn_min_i64(c->segment_ms, c->compaction_lag_max_ms) : c->segment_ms;
}
/* Closes the active segment and starts one at the log's end. 0; BN_NOROOM: nothing has changed; BN_IO: the log has
 * failed. */
int bn_log_roll(struct bn_log *l, int64_t now_ms) BN_MUST_CHECK;
/* Renames all segments away, the last one first, and starts an empty one at base_offset; producers and marks are
 * forgotten. Nothing is synced. 0 or BN_IO (then the log has failed). */
int bn_log_begin_at(struct bn_log *l, int64_t base_offset, int64_t now_ms) BN_MUST_CHECK;
/* Remembers that I/O failed: says so once, and answers BN_IO. */
int bn_log_fail(struct bn_log *l, const char *doing);
/* The same of what failed with rc, but where there was only no room (BN_NOROOM: nothing was changed) the log stays as
 * it is, and may succeed the next time: told now and then. Answers BN_NOROOM or BN_IO. */
int bn_log_trouble(struct bn_log *l, int rc, const char *doing);
/* Writes a producer snapshot as of the log's end, unsynced. */
int bn_log_snapshot(struct bn_log *l) BN_MUST_CHECK;
/* Stamps an epoch's start; the file follows with the next flush. */
void bn_log_note_epoch(struct bn_log *l, int32_t epoch, int64_t start_offset);

#endif
