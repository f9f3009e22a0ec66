/* logdirs.c: the entries of log.dirs and which partition lives in which. Owns the locks on the directories, the table
 * of partitions with their checkpointed offsets, and the removal of directories that were renamed away.
 *
 * Invariants: a partition is in one directory; what a checkpoint file says of a partition that is not open keeps
 * standing in it, because the table, not only the open logs, is written back. `lock` guards table and directories and
 * is never held over I/O except while opening; `writing` serialises the checkpoint files. Nothing is ever deleted that
 * was not renamed -delete first. */
#include "broker/log/logdir.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>

#include "broker/log/checkpoint.h"
#include "broker/log/dirmeta.h"
#include "broker/log/partdir.h"
#include "broker/log/topicid.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/map.h"
#include "common/base/str.h"
#include "common/base/trace.h"

enum which { RECOVERY_POINT, HIGH_WATERMARK, LOG_START, CHECKPOINTS };
static const char *const checkpoint_names[CHECKPOINTS] = {
    [RECOVERY_POINT] = "recovery-point-offset-checkpoint",
    [HIGH_WATERMARK] = "replication-offset-checkpoint",
    [LOG_START] = "log-start-offset-checkpoint",
};

struct entry {  /* a partition */
    char *name; /* "<topic>-<partition>", the key */
    char *path;
    char *topic; /* of its own: names may be long */
    int32_t partition;
    int dir;
    int64_t offsets[CHECKPOINTS]; /* -1 = none */
    uint32_t cuts;                /* of the truncation that checkpoints must know of (bn_logdirs_cut) */
    bool placed;                  /* was handed out before: the clean marker no longer speaks for it */
    bool held;                    /* somebody has it open, or is about to remove it */
};

struct dir {
    char *path;
    struct bn_file *lock;
    struct bn_dirmeta meta;
    char *written[CHECKPOINTS]; /* the last text of each file; guarded by `writing` */
    int partitions;
    bool has_meta, clean, online;
};

struct doomed { /* a directory renamed -delete */
    char *path;
    int64_t due_ms;
};

struct bn_logdirs {
    const struct bn_env *env;
    pthread_mutex_t lock, writing;
    struct dir *dirs;
    int count;
    struct bn_map table;
    struct bn_logdir_found *found;
    int found_count;
    struct doomed *doomed;
    size_t doomed_count;
};

/* ---- the table ---- */

static struct entry *entry_get(const struct bn_logdirs *d, const char *topic, int32_t partition) {
    char name[300];
    int n = snprintf(name, sizeof name, "%s-%" PRId32, topic, partition);
    return n > 0 && n < (int)sizeof name ? bn_map_get(&d->table, bn_slice_of(name, (size_t)n)) : NULL;
}

static struct entry *entry_add(struct bn_logdirs *d, const char *topic, int32_t partition, int dir) {
    struct entry *n = bn_alloc_zero(1, sizeof *n);
    n->name = bn_alloc_printf("%s-%" PRId32, topic, partition);
    n->path = bn_alloc_printf("%s/%s", d->dirs[dir].path, n->name);
    n->topic = bn_alloc_strdup(topic);
    n->partition = partition;
    n->dir = dir;
    for (int i = 0; i < CHECKPOINTS; i++) n->offsets[i] = -1;
    d->dirs[dir].partitions++;
    bn_map_put(&d->table, bn_slice_str(n->name), n);
    return n;
}

static void entry_free(struct entry *n) {
    bn_alloc_free(n->name);
    bn_alloc_free(n->path);
    bn_alloc_free(n->topic);
    bn_alloc_free(n);
}

/* ---- opening ---- */

static int lock_dir(struct bn_logdirs *d, struct dir *dir, struct bn_err *e) {
    const struct bn_disk *disk = d->env->disk;
    int rc = disk->mkdir(disk, dir->path, e);
    if (rc) return rc;
    char *path = bn_alloc_printf("%s/.lock", dir->path);
    rc = disk->open(disk, path, BN_DISK_WRITE | BN_DISK_CREATE, &dir->lock, e);
    if (rc) dir->lock = NULL;
    /* A disk of tests has no descriptor to lock. */
    if (rc == 0 && dir->lock->base.fd >= 0 && flock(dir->lock->base.fd, LOCK_EX | LOCK_NB) != 0)
        rc = bn_err_set(e, BN_EXISTS, "%s is locked: another broker process is using this directory", path);
    bn_alloc_free(path);
    return rc;
}

static int check_meta(const struct bn_logdirs *d, int i, struct bn_err *e) {
    const struct dir *dir = &d->dirs[i];
    for (int k = 0; k < i; k++) {
        const struct dir *other = &d->dirs[k];
        if (!dir->has_meta || !other->has_meta) continue;
        if (strcmp(dir->meta.cluster_id, other->meta.cluster_id) != 0)
            return bn_err_set(e, BN_BAD,
                              "%s/meta.properties says cluster.id=%s, %s/meta.properties says %s: log.dirs must hold "
                              "directories of one cluster only; take out the one that is not of this cluster",
                              dir->path, dir->meta.cluster_id, other->path, other->meta.cluster_id);
        if (dir->meta.broker_id >= 0 && other->meta.broker_id >= 0 && dir->meta.broker_id != other->meta.broker_id)
            return bn_err_set(
                e, BN_BAD,
                "%s/meta.properties says broker.id=%d, %s/meta.properties says %d: log.dirs must hold directories "
                "of one broker only; take out the one that is another's",
                dir->path, dir->meta.broker_id, other->path, other->meta.broker_id);
    }
    return 0;
}

/* Reads and removes the clean-shutdown marker: from here on a crash is a crash. */
static int take_marker(struct bn_logdirs *d, struct dir *dir, struct bn_err *e) {
    const struct bn_disk *disk = d->env->disk;
    char *path = bn_alloc_printf("%s/.kafka_cleanshutdown", dir->path);
    int rc = disk->unlink(disk, path, e);
    bn_alloc_free(path);
    dir->clean = rc == 0;
    if (rc == 0) rc = disk->sync_dir(disk, dir->path, e);
    return rc == BN_NOTFOUND ? 0 : rc;
}

static int find_partitions(struct bn_logdirs *d, int i, struct bn_err *e) {
    struct dir *dir = &d->dirs[i];
    struct bn_disk_entry *list = NULL;
    size_t n = 0;
    int rc = d->env->disk->list(d->env->disk, dir->path, &list, &n, e);
    for (size_t k = 0; rc == 0 && k < n; k++) {
        char topic[BN_PARTDIR_TOPIC];
        int32_t partition;
        if (!list[k].is_dir) continue;
        if (bn_partdir_is(list[k].name, BN_PARTDIR_DELETE)) {
            d->doomed = bn_alloc_resize(d->doomed, (d->doomed_count + 1) * sizeof *d->doomed);
            d->doomed[d->doomed_count++] = (struct doomed){bn_alloc_printf("%s/%s", dir->path, list[k].name), 0};
            continue;
        }
        if (!bn_partdir_parse(list[k].name, topic, &partition)) {
            BN_WARN("logdirs", "%s/%s is no partition's directory: left alone", dir->path, list[k].name);
            continue;
        }
        const struct entry *other = entry_get(d, topic, partition);
        if (other) {
            rc = bn_err_set(e, BN_BAD, "%s and %s/%s are the same partition: move one of them away", other->path,
                            dir->path, list[k].name);
            break;
        }
        const struct entry *n_new = entry_add(d, topic, partition, i);
        d->found = bn_alloc_resize(d->found, (size_t)(d->found_count + 1) * sizeof *d->found);
        struct bn_logdir_found *f = &d->found[d->found_count++];
        *f = (struct bn_logdir_found){.partition = partition, .dir_index = i};
        memcpy(f->topic, topic, sizeof topic);
        struct bn_index_place place = {d->env->disk, n_new->path};
        if (bn_topicid_read(&place, &f->topic_id, NULL) != 0) f->topic_id = BN_UUID_ZERO;
    }
    bn_alloc_free(list);
    return rc;
}

struct reading {
    struct bn_logdirs *d;
    int dir;
    enum which which;
};

static int read_line(void *arg, struct bn_slice *words, int count) {
    const struct reading *r = arg;
    char name[300];
    int64_t partition, offset;
    if (count != 3 || !bn_slice_to_i64(words[1], &partition) || !bn_slice_to_i64(words[2], &offset)) return BN_BAD;
    if (partition < 0 || partition > INT32_MAX || offset < 0 || words[0].len > 249) return BN_BAD;
    int n = snprintf(name, sizeof name, "%.*s-%" PRId64, BN_SLICE_FMT(words[0]), partition);
    struct entry *found = bn_map_get(&r->d->table, bn_slice_of(name, (size_t)n));
    if (found && found->dir == r->dir) found->offsets[r->which] = offset;
    return 0;
}

/* A file that can't be believed counts as absent (Kafka): then everything is scanned. */
static void read_checkpoints(struct bn_logdirs *d, int i) {
    for (enum which w = 0; w < CHECKPOINTS; w++) {
        struct reading r = {d, i, w};
        struct bn_err e;
        char *path = bn_alloc_printf("%s/%s", d->dirs[i].path, checkpoint_names[w]);
        if (bn_checkpoint_read(d->env->disk, path, read_line, &r, &e) != 0) {
            BN_WARN("logdirs", "%s: the file is not used", e.text);
            size_t at = 0;
            for (struct bn_map_entry *m; (m = bn_map_next(&d->table, &at));) {
                struct entry *n = m->value;
                if (n->dir == i) n->offsets[w] = -1;
            }
        }
        bn_alloc_free(path);
    }
}

static int open_dir(struct bn_logdirs *d, int i, struct bn_err *e) {
    struct dir *dir = &d->dirs[i];
    int rc = lock_dir(d, dir, e);
    if (rc == 0) rc = bn_dirmeta_read(d->env->disk, dir->path, &dir->meta, &dir->has_meta, e);
    if (rc == 0) rc = check_meta(d, i, e);
    if (rc == 0) rc = find_partitions(d, i, e);
    if (rc == 0) rc = take_marker(d, dir, e);
    if (rc == 0) read_checkpoints(d, i);
    return rc;
}

static void logdirs_free(struct bn_logdirs *d) {
    size_t at = 0;
    for (struct bn_map_entry *m; (m = bn_map_next(&d->table, &at));) entry_free(m->value);
    bn_map_fini(&d->table);
    for (int i = 0; i < d->count; i++) {
        bn_file_unref(d->dirs[i].lock); /* closing it unlocks */
        bn_alloc_free(d->dirs[i].path);
        for (int w = 0; w < CHECKPOINTS; w++) bn_alloc_free(d->dirs[i].written[w]);
    }
    for (size_t i = 0; i < d->doomed_count; i++) bn_alloc_free(d->doomed[i].path);
    bn_alloc_free(d->doomed);
    bn_alloc_free(d->found);
    bn_alloc_free(d->dirs);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&d->writing);
    bn_alloc_free(d);
}

int bn_logdirs_open(const struct bn_env *env, const char *const *paths, int count, struct bn_logdirs **out,
                    struct bn_err *e) {
    BN_ASSERT(count > 0);
    struct bn_logdirs *d = bn_alloc_zero(1, sizeof *d);
    d->env = env;
    d->count = count;
    d->dirs = bn_alloc_zero((size_t)count, sizeof *d->dirs);
    pthread_mutex_init(&d->lock, NULL);
    pthread_mutex_init(&d->writing, NULL);
    bn_map_init(&d->table);
    int rc = 0;
    for (int i = 0; i < count; i++) {
        d->dirs[i].path = bn_alloc_strdup(paths[i]);
        d->dirs[i].meta.broker_id = -1;
        d->dirs[i].online = true;
    }
    for (int i = 0; rc == 0 && i < count; i++) rc = open_dir(d, i, e);
    if (rc) {
        logdirs_free(d);
        return rc;
    }
    *out = d;
    return 0;
}

/* ---- whose ---- */

int bn_logdirs_broker_id(const struct bn_logdirs *d) {
    for (int i = 0; i < d->count; i++)
        if (d->dirs[i].meta.broker_id >= 0) return d->dirs[i].meta.broker_id;
    return -1;
}

const char *bn_logdirs_cluster_id(const struct bn_logdirs *d) {
    for (int i = 0; i < d->count; i++)
        if (d->dirs[i].meta.cluster_id[0]) return d->dirs[i].meta.cluster_id;
    return NULL;
}

int bn_logdirs_claim(struct bn_logdirs *d, int broker_id, const char *cluster_id, struct bn_err *e) {
    for (int i = 0; i < d->count; i++) {
        struct dir *dir = &d->dirs[i];
        if (dir->has_meta && dir->meta.cluster_id[0] && strcmp(dir->meta.cluster_id, cluster_id) != 0)
            return bn_err_set(
                e, BN_BAD,
                "the cluster id is %s, but %s/meta.properties says %s: this directory belongs to another cluster; "
                "check zookeeper.connect, or point log.dirs elsewhere",
                cluster_id, dir->path, dir->meta.cluster_id);
        if (dir->has_meta && dir->meta.broker_id >= 0 && dir->meta.broker_id != broker_id)
            return bn_err_set(
                e, BN_BAD,
                "broker.id is configured as %d, but %s/meta.properties says %d: set broker.id to that, or point "
                "log.dirs elsewhere",
                broker_id, dir->path, dir->meta.broker_id);
        if (dir->has_meta && dir->meta.cluster_id[0] && dir->meta.broker_id >= 0) continue;
        dir->meta.broker_id = broker_id;
        snprintf(dir->meta.cluster_id, sizeof dir->meta.cluster_id, "%s", cluster_id);
        int rc = bn_dirmeta_write(d->env->disk, dir->path, &dir->meta, e);
        if (rc) return rc;
        dir->has_meta = true;
    }
    return 0;
}

/* ---- placing and removing ---- */

int bn_logdirs_found(const struct bn_logdirs *d, const struct bn_logdir_found **out) {
    *out = d->found;
    return d->found_count;
}

/* The text of one file from the table; lock held. */
static char *checkpoint_text(const struct bn_logdirs *d, int dir, enum which w) {
    struct bn_str lines, text;
    size_t at = 0, count = 0;
    bn_str_init(&lines);
    bn_str_init(&text);
    for (struct bn_map_entry *m; (m = bn_map_next(&d->table, &at));) {
        const struct entry *n = m->value;
        if (n->dir != dir || n->offsets[w] < 0) continue;
        bn_str_addf(&lines, "%s %" PRId32 " %" PRId64 "\n", n->topic, n->partition, n->offsets[w]);
        count++;
    }
    bn_str_addf(&text, "0\n%zu\n", count);
    bn_str_add(&text, lines.ptr);
    char *out = bn_str_take(&text);
    bn_str_fini(&lines);
    bn_str_fini(&text);
    return out;
}

/* `writing` held. */
static int write_checkpoint(struct bn_logdirs *d, int i, enum which w, struct bn_err *e) {
    pthread_mutex_lock(&d->lock);
    bool online = d->dirs[i].online;
    char *text = online ? checkpoint_text(d, i, w) : NULL;
    pthread_mutex_unlock(&d->lock);
    char **written = &d->dirs[i].written[w];
    if (!text || (*written && strcmp(*written, text) == 0)) {
        bn_alloc_free(text);
        return 0;
    }
    char *path = bn_alloc_printf("%s/%s", d->dirs[i].path, checkpoint_names[w]);
    int rc = bn_disk_write_atomic(d->env->disk, path, text, strlen(text), e);
    bn_alloc_free(path);
    bn_alloc_free(*written);
    *written = NULL;
    if (rc == 0)
        *written = text;
    else
        bn_alloc_free(text);
    return rc;
}

/* A partition is made under a name that a former one may have had: no file speaks of that one any more before the new
 * directory is there (safety §3). After a crash its high watermark would be taken for the new one's. `n` is held by the
 * caller, so that it stays. A file that was not written since the start may say anything. */
static int forget_former(struct bn_logdirs *d, const struct entry *n, struct bn_err *e) {
    char *line = bn_alloc_printf("\n%s %" PRId32 " ", n->topic, n->partition);
    int rc = 0;
    pthread_mutex_lock(&d->writing);
    for (enum which w = 0; rc == 0 && w < CHECKPOINTS; w++) {
        const char *written = d->dirs[n->dir].written[w];
        if (!written || strstr(written, line)) rc = write_checkpoint(d, n->dir, w, e);
    }
    pthread_mutex_unlock(&d->writing);
    bn_alloc_free(line);
    return rc;
}

static int emptiest(const struct bn_logdirs *d) {
    int best = -1;
    for (int i = 0; i < d->count; i++)
        if (d->dirs[i].online && (best < 0 || d->dirs[i].partitions < d->dirs[best].partitions)) best = i;
    return best;
}

int bn_logdirs_place(struct bn_logdirs *d, const char *topic, int32_t partition, bool create, struct bn_log_open *o,
                     struct bn_err *e) {
    pthread_mutex_lock(&d->lock);
    struct entry *n = entry_get(d, topic, partition);
    int rc = 0;
    bool made = false;
    if (!n && !create) rc = bn_err_set(e, BN_NOTFOUND, "no directory holds %s-%" PRId32, topic, partition);
    if (!n && create) {
        int dir = emptiest(d);
        if (dir >= 0) n = entry_add(d, topic, partition, dir);
        made = n != NULL;
        if (!made) rc = bn_err_set(e, BN_IO, "every log directory is offline");
    }
    if (n && !d->dirs[n->dir].online) {
        rc = bn_err_set(e, BN_IO, "log directory %s is offline", d->dirs[n->dir].path);
    } else if (n && create && n->held) {
        rc = bn_err_set(e, BN_AGAIN, "%s is still in use", n->path);
    } else if (n) {
        n->held = n->held || create;
        o->env = d->env;
        o->dir = n->path;
        o->name = n->name;
        o->recovery_point = bn_max_i64(n->offsets[RECOVERY_POINT], 0);
        o->log_start_offset = bn_max_i64(n->offsets[LOG_START], 0);
        o->clean = d->dirs[n->dir].clean && !n->placed;
        n->placed = true;
        n->cuts = 0; /* the log that is opened now counts from there */
    }
    pthread_mutex_unlock(&d->lock);
    return rc == 0 && made ? forget_former(d, n, e) : rc;
}

bool bn_logdirs_hold(struct bn_logdirs *d, const char *topic, int32_t partition) {
    pthread_mutex_lock(&d->lock);
    struct entry *n = entry_get(d, topic, partition);
    bool mine = n && !n->held;
    if (mine) n->held = true;
    pthread_mutex_unlock(&d->lock);
    return mine;
}

struct removal {
    struct bn_job job;
    const struct bn_disk *disk;
    char *path;
};

static void remove_tree(const struct bn_disk *disk, const char *path) {
    struct bn_err e;
    int rc = bn_disk_remove_tree(disk, path, &e);
    if (rc != 0) BN_WARN("logdirs", "removing %s, again at the next start: %s", path, e.text);
}

static void removal_run(struct bn_job *job) { /* pool thread */
    struct removal *r = BN_CONTAINER_OF(job, struct removal, job);
    remove_tree(r->disk, r->path);
    bn_alloc_free(r->path);
    bn_alloc_free(r);
}

static char *renamed_path(const struct bn_logdirs *d, const struct entry *n, const char *suffix) {
    uint8_t random[16];
    char name[BN_PARTDIR_MAX + 1];
    d->env->random(random, sizeof random);
    bn_partdir_renamed(name, n->topic, n->partition, random, suffix);
    return bn_alloc_printf("%s/%s", d->dirs[n->dir].path, name);
}

int bn_logdirs_remove(struct bn_logdirs *d, const char *topic, int32_t partition, bool stray, int64_t delay_ms,
                      struct bn_pool *pool, struct bn_err *e) {
    const struct bn_disk *disk = d->env->disk;
    pthread_mutex_lock(&d->lock);
    struct entry *n = entry_get(d, topic, partition);
    if (n) {
        bn_map_remove(&d->table, bn_slice_str(n->name));
        d->dirs[n->dir].partitions--;
    }
    pthread_mutex_unlock(&d->lock);
    if (!n) return bn_err_set(e, BN_NOTFOUND, "no directory holds %s-%" PRId32, topic, partition);
    char *to = renamed_path(d, n, stray ? BN_PARTDIR_STRAY : BN_PARTDIR_DELETE);
    int rc = disk->rename(disk, n->path, to, e);
    bool absent = rc == BN_NOTFOUND;
    if (rc == 0) rc = disk->sync_dir(disk, d->dirs[n->dir].path, e);
    entry_free(n);
    if (rc || stray) {
        bn_alloc_free(to);
        return absent ? 0 : rc;
    }
    if (delay_ms <= 0 && pool) {
        struct removal *r = bn_alloc_zero(1, sizeof *r);
        *r = (struct removal){.job = {.run = removal_run}, .disk = disk, .path = to};
        bn_pool_submit(pool, &r->job);
        return 0;
    }
    pthread_mutex_lock(&d->lock);
    d->doomed = bn_alloc_resize(d->doomed, (d->doomed_count + 1) * sizeof *d->doomed);
    d->doomed[d->doomed_count++] = (struct doomed){to, bn_clock_wall_ms(d->env->clock) + delay_ms};
    pthread_mutex_unlock(&d->lock);
    return 0;
}

static void remove_due(struct bn_logdirs *d) {
    int64_t now_ms = bn_clock_wall_ms(d->env->clock);
    for (;;) {
        char *path = NULL;
        pthread_mutex_lock(&d->lock);
        for (size_t i = 0; i < d->doomed_count && !path; i++) {
            if (d->doomed[i].due_ms > now_ms) continue;
            path = d->doomed[i].path;
            d->doomed[i] = d->doomed[--d->doomed_count];
        }
        pthread_mutex_unlock(&d->lock);
        if (!path) return;
        remove_tree(d->env->disk, path);
        bn_alloc_free(path);
    }
}

int64_t bn_logdirs_high_watermark(const struct bn_logdirs *d, const char *topic, int32_t partition) {
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&d->lock;
    pthread_mutex_lock(lock);
    const struct entry *n = entry_get(d, topic, partition);
    int64_t hw = n ? bn_max_i64(n->offsets[HIGH_WATERMARK], 0) : 0;
    pthread_mutex_unlock(lock);
    return hw;
}

int bn_logdirs_checkpoint(struct bn_logdirs *d, const struct bn_logdir_point *points, size_t count, struct bn_err *e) {
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < count; i++) {
        struct entry *n = entry_get(d, points[i].topic, points[i].partition);
        if (!n || points[i].cuts < n->cuts) continue; /* removed, or truncated, since these were read */
        n->offsets[RECOVERY_POINT] = points[i].recovery_point;
        n->offsets[HIGH_WATERMARK] = points[i].high_watermark;
        n->offsets[LOG_START] = points[i].has_log_start ? points[i].log_start_offset : -1;
    }
    pthread_mutex_unlock(&d->lock);
    int rc = 0;
    pthread_mutex_lock(&d->writing);
    for (int i = 0; i < d->count; i++) {
        struct bn_err why;
        int one = 0;
        for (enum which w = 0; one == 0 && w < CHECKPOINTS; w++) one = write_checkpoint(d, i, w, &why);
        if (one == 0) continue;
        bn_logdirs_fail(d, i, why.text);
        rc = bn_err_set(e, one, "%s", why.text);
    }
    pthread_mutex_unlock(&d->writing);
    remove_due(d);
    return rc;
}

int bn_logdirs_lower(struct bn_logdirs *d, const char *topic, int32_t partition, int64_t recovery_point,
                     struct bn_err *e) {
    return bn_logdirs_cut(d, &(struct bn_logdir_point){topic, partition, 0, recovery_point, INT64_MAX, 0, false, 0}, e);
}

int bn_logdirs_cut(struct bn_logdirs *d, const struct bn_logdir_point *p, struct bn_err *e) {
    pthread_mutex_lock(&d->lock);
    struct entry *n = entry_get(d, p->topic, p->partition);
    int dir = n ? n->dir : -1;
    if (n) {
        n->cuts = p->cuts > n->cuts ? p->cuts : n->cuts;
        n->offsets[RECOVERY_POINT] = bn_min_i64(n->offsets[RECOVERY_POINT], p->recovery_point);
        n->offsets[LOG_START] = bn_min_i64(n->offsets[LOG_START], p->log_start_offset);
    }
    pthread_mutex_unlock(&d->lock);
    if (dir < 0) return bn_err_set(e, BN_NOTFOUND, "no directory holds %s-%" PRId32, p->topic, p->partition);
    pthread_mutex_lock(&d->writing);
    int rc = write_checkpoint(d, dir, RECOVERY_POINT, e);
    if (rc == 0) rc = write_checkpoint(d, dir, LOG_START, e);
    pthread_mutex_unlock(&d->writing);
    return rc;
}

/* ---- the end, and failure ---- */

void bn_logdirs_close(struct bn_logdirs *d, bool clean, int64_t broker_epoch) {
    for (int i = 0; clean && i < d->count; i++) {
        struct bn_err e;
        if (!d->dirs[i].online) continue;
        char *path = bn_alloc_printf("%s/.kafka_cleanshutdown", d->dirs[i].path);
        char *text = bn_alloc_printf("{\"version\":0,\"brokerEpoch\":%" PRId64 "}", broker_epoch);
        if (bn_disk_write_atomic(d->env->disk, path, text, strlen(text), &e) != 0)
            BN_ERROR("logdirs", "the next start will scan %s: %s", d->dirs[i].path, e.text);
        bn_alloc_free(text);
        bn_alloc_free(path);
    }
    logdirs_free(d);
}

void bn_logdirs_fail(struct bn_logdirs *d, int dir_index, const char *why) {
    if (dir_index < 0 || dir_index >= d->count) return;
    pthread_mutex_lock(&d->lock);
    bool was = d->dirs[dir_index].online;
    d->dirs[dir_index].online = false;
    pthread_mutex_unlock(&d->lock);
    if (was) BN_ERROR("logdirs", "log directory %s is offline until restart: %s", d->dirs[dir_index].path, why);
}

int bn_logdirs_count(const struct bn_logdirs *d) { return d->count; }
const char *bn_logdirs_path(const struct bn_logdirs *d, int dir_index) { return d->dirs[dir_index].path; }
bool bn_logdirs_online(const struct bn_logdirs *d, int dir_index) {
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&d->lock;
    pthread_mutex_lock(lock);
    bool online = d->dirs[dir_index].online;
    pthread_mutex_unlock(lock);
    return online;
}

int bn_logdirs_index_of(const struct bn_logdirs *d, const char *topic, int32_t partition) {
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&d->lock;
    pthread_mutex_lock(lock);
    const struct entry *n = entry_get(d, topic, partition);
    int dir = n ? n->dir : -1;
    pthread_mutex_unlock(lock);
    return dir;
}
