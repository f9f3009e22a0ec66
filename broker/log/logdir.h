/* logdir.h: the entries of log.dirs: lock, meta.properties, checkpoints, clean-shutdown marker, placement, and what to
 * do with directories the cluster no longer knows (4-storage 4.1, 4.9, 4.10; safety §3: absence is not deletion). */
#ifndef BN_LOGDIR_H
#define BN_LOGDIR_H

#include "broker/log/log.h"

struct bn_logdirs;

struct bn_logdir_found { /* a partition directory found at start */
    char topic[250];
    int32_t partition;
    struct bn_uuid topic_id; /* zero when partition.metadata is absent */
    int dir_index;
};

/* Locks every directory (made if missing), checks that cluster ids and broker ids agree (BN_BAD names the file and the
 * remedy), reads and removes the clean marker, reads checkpoints. cluster_id may be NULL when not known yet. broker_id
 * -1: what meta.properties says wins. */
int bn_logdirs_open(const struct bn_env *env, const char *const *paths, int count, struct bn_logdirs **out,
                    struct bn_err *e) BN_MUST_CHECK;
int bn_logdirs_broker_id(const struct bn_logdirs *d);          /* of meta.properties, or -1 */
const char *bn_logdirs_cluster_id(const struct bn_logdirs *d); /* of meta.properties, or NULL */
/* Writes meta.properties where missing; BN_BAD when what is there differs. */
int bn_logdirs_claim(struct bn_logdirs *d, int broker_id, const char *cluster_id, struct bn_err *e) BN_MUST_CHECK;

int bn_logdirs_found(const struct bn_logdirs *d, const struct bn_logdir_found **out); /* borrowed array, its count */
/* Where the log of this partition is, or (create) shall be: the directory with the fewest partitions. Fills dir, name
 * and checkpoints of *o (strings live as long as d, or until the partition is dropped). With create the directory is
 * the caller's alone until bn_logdirs_remove: a topic of the same name that comes sooner hears BN_AGAIN, and asks
 * again. A partition without a directory whose own was set aside (by the topic's id, o->topic_id) gets that back.
 * Thread-safe. BN_NOTFOUND when absent and !create; BN_IO when every directory is offline. */
int bn_logdirs_place(struct bn_logdirs *d, const char *topic, int32_t partition, bool create, struct bn_log_open *o,
                     struct bn_err *e) BN_MUST_CHECK;
/* The same without opening it, for who is about to remove a directory that was found; false = somebody has it. */
bool bn_logdirs_hold(struct bn_logdirs *d, const char *topic, int32_t partition) BN_MUST_CHECK;
/* Whether a directory of this topic is here under its name: open, on its way out, or as it was found. Thread-safe. */
bool bn_logdirs_has(const struct bn_logdirs *d, const char *topic, int32_t partition, const struct bn_uuid *id);
/* Renames the partition's directory to <name>.<32 hex>-delete (or -stray) and, for delete, removes the tree on the pool
 * after delay_ms. Thread-safe. */
int bn_logdirs_remove(struct bn_logdirs *d, const char *topic, int32_t partition, bool stray, int64_t delay_ms,
                      struct bn_pool *pool, struct bn_err *e) BN_MUST_CHECK;
/* The high watermark checkpointed for the partition at the last stop, or 0. */
int64_t bn_logdirs_high_watermark(const struct bn_logdirs *d, const char *topic, int32_t partition);

struct bn_logdir_point { /* one line of the four checkpoint files */
    const char *topic;
    int32_t partition;
    uint64_t tenure; /* bn_log_open.tenure, as bn_logdirs_place gave it */
    int64_t recovery_point, log_start_offset, high_watermark;
    bool has_log_start; /* log start > first segment's base: then it is written */
    int64_t cleaned_to; /* bn_log_cleaned_to; 0 = no line */
    uint32_t cuts;      /* bn_log_cuts when the offsets were read */
};
/* Pool thread. Takes up what is said of partitions (one that is not named keeps what was said before) and writes the
 * checkpoint files for which that makes a difference. A point of a directory that was removed since, though another of
 * that name may be there now, or was truncated since, is passed over. */
int bn_logdirs_checkpoint(struct bn_logdirs *d, const struct bn_logdir_point *points, size_t count, struct bn_err *e);
/* Pool thread. What a truncation calls (bn_log_cut.lower), and who opened a log that recovery cut below the recovery
 * point that place() gave: recovery point (what was cleaned counts as one) and log start are at most p's on disk
 * when this returns (only then may anything be appended), and a checkpoint of what was read before (fewer cuts) does
 * not raise them again. BN_NOTFOUND when the directory is not there any more. */
int bn_logdirs_cut(struct bn_logdirs *d, const struct bn_logdir_point *p, struct bn_err *e) BN_MUST_CHECK;
/* Last: writes .kafka_cleanshutdown ({"version":0,"brokerEpoch":N}) to every healthy directory, releases locks, frees.
 * clean = false: no marker. */
void bn_logdirs_close(struct bn_logdirs *d, bool clean, int64_t broker_epoch);
/* A directory that failed is offline until restart; its partitions answer KAFKA_STORAGE_ERROR. */
void bn_logdirs_fail(struct bn_logdirs *d, int dir_index, const char *why);
int bn_logdirs_count(const struct bn_logdirs *d);
const char *bn_logdirs_path(const struct bn_logdirs *d, int dir_index);
bool bn_logdirs_online(const struct bn_logdirs *d, int dir_index);
int bn_logdirs_index_of(const struct bn_logdirs *d, const char *topic, int32_t partition); /* -1 */

#endif
