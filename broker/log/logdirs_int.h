/* logdirs_int.h: what the files of logdirs share; private to them. logdirs.c has the directories, logdirs_place.c the
 * partitions in them, logdirs_point.c the checkpoint files. `lock` guards table and directories and is never held over
 * I/O except while opening; `writing` serialises the checkpoint files and is taken before `lock`. */
#ifndef BN_LOGDIRS_INT_H
#define BN_LOGDIRS_INT_H

#include <pthread.h>

#include "broker/log/dirmeta.h"
#include "broker/log/logdir.h"
#include "common/base/map.h"

enum bn_logdirs_file {
    BN_LOGDIRS_RECOVERY_POINT,
    BN_LOGDIRS_HIGH_WATERMARK,
    BN_LOGDIRS_LOG_START,
    BN_LOGDIRS_CLEANED,
    BN_LOGDIRS_FILES
};

struct bn_logdirs_entry { /* a partition */
    char *name;           /* "<topic>-<partition>", the key */
    char *path;
    char *topic; /* of its own: names may be long */
    int32_t partition;
    int dir;
    int64_t offsets[BN_LOGDIRS_FILES]; /* -1 = none */
    struct bn_uuid topic_id;           /* whose it is: of who has it open, or as it was found */
    uint64_t tenure;                   /* which directory of the name this is: numbered as they come */
    uint32_t cuts;                     /* of the truncation that checkpoints must know of (bn_logdirs_cut) */
    bool placed;                       /* was handed out before: the clean marker no longer speaks for it */
    bool held;                         /* somebody has it open, or is about to remove it */
};

struct bn_logdirs_dir {
    char *path;
    struct bn_file *lock;
    struct bn_dirmeta meta;
    char *written[BN_LOGDIRS_FILES]; /* the last text of each file; guarded by `writing` */
    bool changed[BN_LOGDIRS_FILES];  /* since that text was taken from the table, the table may say something else */
    int partitions;
    bool has_meta, clean, online;
};

struct bn_logdirs_doomed { /* a directory renamed -delete */
    char *path;
    int64_t due_ms;
};

struct bn_logdirs_stray { /* a directory renamed -stray */
    char *path, *topic;   /* the topic's name as far as that of the directory has it */
    int32_t partition;
    int dir;
    struct bn_uuid topic_id;
    int64_t offsets[BN_LOGDIRS_FILES]; /* what checkpoints said of it; -1 = none */
};

struct bn_logdirs {
    const struct bn_env *env;
    pthread_mutex_t lock, writing;
    struct bn_logdirs_dir *dirs;
    int count;
    struct bn_map table;
    uint64_t tenures; /* how many there were */
    struct bn_logdir_found *found;
    int found_count;
    struct bn_logdirs_doomed *doomed;
    size_t doomed_count;
    struct bn_logdirs_stray *strays;
    size_t stray_count;
};

/* The table's row of a partition, or NULL; `lock` held. */
struct bn_logdirs_entry *bn_logdirs_entry(const struct bn_logdirs *d, const char *topic, int32_t partition);
/* What file `w` is to say of the partition, -1 = nothing; `lock` held. */
void bn_logdirs_set(struct bn_logdirs *d, struct bn_logdirs_entry *n, enum bn_logdirs_file w, int64_t offset);
/* A new row, without a word of any checkpoint; `lock` held. */
struct bn_logdirs_entry *bn_logdirs_add(struct bn_logdirs *d, const char *topic, int32_t partition, int dir);
void bn_logdirs_entry_free(struct bn_logdirs_entry *n); /* one that is off the table */
/* What the files of one directory say of the partitions found in it. While opening. */
void bn_logdirs_read_checkpoints(struct bn_logdirs *d, int i);
/* What to do before a directory of that name is made; `n` is held by the caller. Takes both locks. */
int bn_logdirs_forget_former(struct bn_logdirs *d, const struct bn_logdirs_entry *n, struct bn_err *e);
/* Remembers a directory that was set aside, by its path; what checkpoints said of it, NULL = nothing. Takes `lock`. */
void bn_logdirs_note_stray(struct bn_logdirs *d, int dir, const char *path, const int64_t *offsets);
void bn_logdirs_stray_free(struct bn_logdirs_stray *s);
/* Deletes the renamed directories whose time has come. Takes `lock`. */
void bn_logdirs_remove_due(struct bn_logdirs *d);

#endif
