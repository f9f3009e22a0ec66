/* logdirs_point.c: the four checkpoint files of each log directory: recovery points, high watermarks, log starts, and
 * how far compacted logs are clean.
 *
 * Invariants: what a file says of a partition that is not open keeps standing in it, because the table, not only the
 * open logs, is written back; offsets that were read before a truncation, or of a directory that was removed, are not
 * written after it. */
#include <stdio.h>

#include "broker/log/checkpoint.h"
#include "broker/log/logdirs_int.h"
#include "common/base/alloc.h"
#include "common/base/str.h"
#include "common/base/trace.h"

static const char *const checkpoint_names[BN_LOGDIRS_FILES] = {
    [BN_LOGDIRS_RECOVERY_POINT] = "recovery-point-offset-checkpoint",
    [BN_LOGDIRS_HIGH_WATERMARK] = "replication-offset-checkpoint",
    [BN_LOGDIRS_LOG_START] = "log-start-offset-checkpoint",
    [BN_LOGDIRS_CLEANED] = "cleaner-offset-checkpoint",
};

struct reading {
    struct bn_logdirs *d;
    int dir;
    enum bn_logdirs_file which;
};

static int read_line(void *arg, struct bn_slice *words, int count) {
    const struct reading *r = arg;
    char name[300];
    int64_t partition, offset;
    if (count != 3 || !bn_slice_to_i64(words[1], &partition) || !bn_slice_to_i64(words[2], &offset)) return BN_BAD;
    if (partition < 0 || partition > INT32_MAX || offset < 0 || words[0].len > 249) return BN_BAD;
    int n = snprintf(name, sizeof name, "%.*s-%" PRId64, BN_SLICE_FMT(words[0]), partition);
    struct bn_logdirs_entry *found = bn_map_get(&r->d->table, bn_slice_of(name, (size_t)n));
    if (found && found->dir == r->dir) found->offsets[r->which] = offset;
    return 0;
}

/* A file that can't be believed counts as absent (Kafka): then everything is scanned. */
void bn_logdirs_read_checkpoints(struct bn_logdirs *d, int i) {
    for (enum bn_logdirs_file w = 0; w < BN_LOGDIRS_FILES; w++) {
        struct reading r = {d, i, w};
        struct bn_err e;
        char *path = bn_alloc_printf("%s/%s", d->dirs[i].path, checkpoint_names[w]);
        if (bn_checkpoint_read(d->env->disk, path, read_line, &r, &e) != 0) {
            BN_WARN("logdirs", "%s: the file is not used", e.text);
            size_t at = 0;
            for (struct bn_map_entry *m; (m = bn_map_next(&d->table, &at));) {
                struct bn_logdirs_entry *n = m->value;
                if (n->dir == i) n->offsets[w] = -1;
            }
        }
        bn_alloc_free(path);
    }
}

void bn_logdirs_set(struct bn_logdirs *d, struct bn_logdirs_entry *n, enum bn_logdirs_file w, int64_t offset) {
    if (n->offsets[w] == offset) return;
    n->offsets[w] = offset;
    d->dirs[n->dir].changed[w] = true;
}

/* The text of one file from the table; lock held. */
static char *checkpoint_text(const struct bn_logdirs *d, int dir, enum bn_logdirs_file w) {
    struct bn_str lines, text;
    size_t at = 0, count = 0;
    bn_str_init(&lines);
    bn_str_init(&text);
    for (struct bn_map_entry *m; (m = bn_map_next(&d->table, &at));) {
        const struct bn_logdirs_entry *n = m->value;
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

/* Writes the file if the table says something else than it. `writing` held. */
static int write_checkpoint(struct bn_logdirs *d, int i, enum bn_logdirs_file w, struct bn_err *e) {
    struct bn_logdirs_dir *dir = &d->dirs[i];
    pthread_mutex_lock(&d->lock);
    bool due = dir->changed[w];
    char *text = due ? checkpoint_text(d, i, w) : NULL;
    if (due) dir->changed[w] = false;
    pthread_mutex_unlock(&d->lock);
    if (!due) return 0;
    char *path = bn_alloc_printf("%s/%s", dir->path, checkpoint_names[w]);
    int rc = bn_disk_write_atomic(d->env->disk, path, text, strlen(text), e);
    bn_alloc_free(path);
    bn_alloc_free(dir->written[w]);
    dir->written[w] = rc == 0 ? text : NULL;
    if (rc == 0) return 0;
    bn_alloc_free(text);
    pthread_mutex_lock(&d->lock);
    dir->changed[w] = true;
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* A partition is made under a name that a former one may have had: no file speaks of that one any more before the new
 * directory is there (safety §3). After a crash its high watermark would be taken for the new one's. `n` is held by the
 * caller, so that it stays. A file that was not written since the start may say anything. */
int bn_logdirs_forget_former(struct bn_logdirs *d, const struct bn_logdirs_entry *n, struct bn_err *e) {
    char *line = bn_alloc_printf("\n%s %" PRId32 " ", n->topic, n->partition);
    int rc = 0;
    pthread_mutex_lock(&d->writing);
    for (enum bn_logdirs_file w = 0; rc == 0 && w < BN_LOGDIRS_FILES; w++) {
        const char *written = d->dirs[n->dir].written[w];
        if (!written || strstr(written, line)) rc = write_checkpoint(d, n->dir, w, e);
    }
    pthread_mutex_unlock(&d->writing);
    bn_alloc_free(line);
    return rc;
}

int64_t bn_logdirs_high_watermark(const struct bn_logdirs *d, const char *topic, int32_t partition) {
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&d->lock;
    pthread_mutex_lock(lock);
    const struct bn_logdirs_entry *n = bn_logdirs_entry(d, topic, partition);
    int64_t hw = n ? bn_max_i64(n->offsets[BN_LOGDIRS_HIGH_WATERMARK], 0) : 0;
    pthread_mutex_unlock(lock);
    return hw;
}

int bn_logdirs_checkpoint(struct bn_logdirs *d, const struct bn_logdir_point *points, size_t count, struct bn_err *e) {
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < count; i++) {
        struct bn_logdirs_entry *n = bn_logdirs_entry(d, points[i].topic, points[i].partition);
        /* Removed (and perhaps made anew), or truncated, since these were read. */
        if (!n || points[i].tenure != n->tenure || points[i].cuts < n->cuts) continue;
        bn_logdirs_set(d, n, BN_LOGDIRS_RECOVERY_POINT, points[i].recovery_point);
        bn_logdirs_set(d, n, BN_LOGDIRS_HIGH_WATERMARK, points[i].high_watermark);
        bn_logdirs_set(d, n, BN_LOGDIRS_LOG_START, points[i].has_log_start ? points[i].log_start_offset : -1);
        bn_logdirs_set(d, n, BN_LOGDIRS_CLEANED, points[i].cleaned_to > 0 ? points[i].cleaned_to : -1);
    }
    pthread_mutex_unlock(&d->lock);
    int rc = 0;
    pthread_mutex_lock(&d->writing);
    for (int i = 0; i < d->count; i++) {
        struct bn_err why;
        int one = 0;
        if (!bn_logdirs_online(d, i)) continue;
        for (enum bn_logdirs_file w = 0; one == 0 && w < BN_LOGDIRS_FILES; w++) one = write_checkpoint(d, i, w, &why);
        if (one == 0) continue;
        if (one != BN_NOROOM) bn_logdirs_fail(d, i, why.text); /* there may be room the next time */
        rc = bn_err_set(e, one, "%s", why.text);
    }
    pthread_mutex_unlock(&d->writing);
    bn_logdirs_remove_due(d);
    return rc;
}

static void lower(struct bn_logdirs *d, struct bn_logdirs_entry *n, enum bn_logdirs_file w, int64_t at_most) {
    bn_logdirs_set(d, n, w, bn_min_i64(n->offsets[w], at_most));
}

/* In a directory that is offline, too: its logs go on, and so does what their truncations must have on disk. */
int bn_logdirs_cut(struct bn_logdirs *d, const struct bn_logdir_point *p, struct bn_err *e) {
    pthread_mutex_lock(&d->lock);
    struct bn_logdirs_entry *n = bn_logdirs_entry(d, p->topic, p->partition);
    if (n && n->tenure != p->tenure) n = NULL;
    int dir = n ? n->dir : -1;
    if (n) {
        n->cuts = p->cuts > n->cuts ? p->cuts : n->cuts;
        lower(d, n, BN_LOGDIRS_RECOVERY_POINT, p->recovery_point);
        lower(d, n, BN_LOGDIRS_LOG_START, p->log_start_offset);
        lower(d, n, BN_LOGDIRS_CLEANED, p->recovery_point); /* it counts as one */
    }
    pthread_mutex_unlock(&d->lock);
    if (dir < 0) return bn_err_set(e, BN_NOTFOUND, "no directory holds %s-%" PRId32, p->topic, p->partition);
    pthread_mutex_lock(&d->writing);
    int rc = write_checkpoint(d, dir, BN_LOGDIRS_RECOVERY_POINT, e);
    if (rc == 0) rc = write_checkpoint(d, dir, BN_LOGDIRS_LOG_START, e);
    if (rc == 0) rc = write_checkpoint(d, dir, BN_LOGDIRS_CLEANED, e);
    pthread_mutex_unlock(&d->writing);
    return rc;
}
