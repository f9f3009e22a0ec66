/* logdirs_place.c: which partition lives in which of the log directories, and how one goes.
 *
 * Invariants: a directory has one user at a time; nothing is ever deleted that was not renamed -delete first (safety
 * §3); before a name is used again no checkpoint speaks of its former owner. */
#include <stdio.h>

#include "broker/log/logdirs_int.h"
#include "broker/log/partdir.h"
#include "common/base/alloc.h"
#include "common/base/trace.h"

static int emptiest(const struct bn_logdirs *d) {
    int best = -1;
    for (int i = 0; i < d->count; i++)
        if (d->dirs[i].online && (best < 0 || d->dirs[i].partitions < d->dirs[best].partitions)) best = i;
    return best;
}

int bn_logdirs_place(struct bn_logdirs *d, const char *topic, int32_t partition, bool create, struct bn_log_open *o,
                     struct bn_err *e) {
    pthread_mutex_lock(&d->lock);
    struct bn_logdirs_entry *n = bn_logdirs_entry(d, topic, partition);
    int rc = 0;
    bool made = false;
    if (!n && !create) rc = bn_err_set(e, BN_NOTFOUND, "no directory holds %s-%" PRId32, topic, partition);
    if (!n && create) {
        int dir = emptiest(d);
        if (dir >= 0) n = bn_logdirs_add(d, topic, partition, dir);
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
        o->tenure = n->tenure;
        o->log_start_offset = bn_max_i64(n->offsets[BN_LOGDIRS_LOG_START], 0);
        o->cleaned_to = bn_max_i64(n->offsets[BN_LOGDIRS_CLEANED], 0);
        /* A cleaning syncs all that it keeps. Kafka, which writes its recovery points once a minute, lets the cleaner's
         * be the higher one: without that, a gap that its compaction has made would be taken for a lost tail. */
        o->recovery_point = bn_max_i64(n->offsets[BN_LOGDIRS_RECOVERY_POINT], o->cleaned_to);
        o->clean = d->dirs[n->dir].clean && !n->placed;
        n->placed = true;
        n->cuts = 0; /* the log that is opened now counts from there */
    }
    pthread_mutex_unlock(&d->lock);
    return rc == 0 && made ? bn_logdirs_forget_former(d, n, e) : rc;
}

bool bn_logdirs_hold(struct bn_logdirs *d, const char *topic, int32_t partition) {
    pthread_mutex_lock(&d->lock);
    struct bn_logdirs_entry *n = bn_logdirs_entry(d, topic, partition);
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

static char *renamed_path(const struct bn_logdirs *d, const struct bn_logdirs_entry *n, const char *suffix) {
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
    struct bn_logdirs_entry *n = bn_logdirs_entry(d, topic, partition);
    if (n) {
        for (int w = 0; w < BN_LOGDIRS_FILES; w++) bn_logdirs_set(d, n, w, -1);
        bn_map_remove(&d->table, bn_slice_str(n->name));
        d->dirs[n->dir].partitions--;
    }
    pthread_mutex_unlock(&d->lock);
    if (!n) return bn_err_set(e, BN_NOTFOUND, "no directory holds %s-%" PRId32, topic, partition);
    char *to = renamed_path(d, n, stray ? BN_PARTDIR_STRAY : BN_PARTDIR_DELETE);
    int rc = disk->rename(disk, n->path, to, e);
    bool absent = rc == BN_NOTFOUND;
    if (rc == 0) rc = disk->sync_dir(disk, d->dirs[n->dir].path, e);
    bn_logdirs_entry_free(n);
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
    d->doomed[d->doomed_count++] = (struct bn_logdirs_doomed){to, bn_clock_wall_ms(d->env->clock) + delay_ms};
    pthread_mutex_unlock(&d->lock);
    return 0;
}

void bn_logdirs_remove_due(struct bn_logdirs *d) {
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
