/* logdirs_place.c: which partition lives in which of the log directories, and how one goes.
 *
 * Invariants: a directory has one user at a time; nothing is ever deleted that was not renamed -delete first (safety
 * §3); before a name is used again no checkpoint speaks of its former owner. A directory that was set aside comes back
 * when its partition does, known by the topic's id: an empty log in its place would be one of an ISR member that has
 * nothing. */
#include <stdio.h>

#include "broker/log/logdirs_int.h"
#include "broker/log/partdir.h"
#include "broker/log/topicid.h"
#include "common/base/alloc.h"
#include "common/base/trace.h"

static int emptiest(const struct bn_logdirs *d) {
    int best = -1;
    for (int i = 0; i < d->count; i++)
        if (d->dirs[i].online && (best < 0 || d->dirs[i].partitions < d->dirs[best].partitions)) best = i;
    return best;
}

/* ---- strays ---- */

void bn_logdirs_stray_free(struct bn_logdirs_stray *s) {
    bn_alloc_free(s->path);
    bn_alloc_free(s->topic);
}

/* "<topic, as far as it went>-<partition>.<32 hex>-stray" */
static bool parse_stray(const char *path, char topic[BN_PARTDIR_TOPIC], int32_t *partition) {
    char name[BN_PARTDIR_MAX + 1];
    const char *slash = strrchr(path, '/');
    int n = snprintf(name, sizeof name, "%s", slash ? slash + 1 : path);
    char *dot = n > 0 && n < (int)sizeof name ? strrchr(name, '.') : NULL;
    if (!dot) return false;
    *dot = '\0';
    return bn_partdir_parse(name, topic, partition);
}

void bn_logdirs_note_stray(struct bn_logdirs *d, int dir, const char *path, const int64_t *offsets) {
    char topic[BN_PARTDIR_TOPIC];
    struct bn_logdirs_stray s = {.dir = dir};
    const struct bn_index_place place = {.disk = d->env->disk, .dir = path};
    if (!parse_stray(path, topic, &s.partition) || bn_topicid_read(&place, &s.topic_id, NULL) != 0) return;
    s.path = bn_alloc_strdup(path);
    s.topic = bn_alloc_strdup(topic);
    for (int w = 0; w < BN_LOGDIRS_FILES; w++) s.offsets[w] = offsets ? offsets[w] : -1;
    pthread_mutex_lock(&d->lock);
    d->strays = bn_alloc_resize(d->strays, (d->stray_count + 1) * sizeof *d->strays);
    d->strays[d->stray_count++] = s;
    pthread_mutex_unlock(&d->lock);
}

/* Takes the partition's own directory off the list of those set aside; the one that went last. */
static bool take_stray(struct bn_logdirs *d, const char *topic, int32_t partition, const struct bn_uuid *id,
                       struct bn_logdirs_stray *out) {
    for (size_t i = d->stray_count; i-- > 0;) {
        const struct bn_logdirs_stray *s = &d->strays[i];
        bool its = s->partition == partition && bn_uuid_eq(&s->topic_id, id) && d->dirs[s->dir].online &&
                   strncmp(s->topic, topic, strlen(s->topic)) == 0;
        if (!its) continue;
        *out = *s;
        memmove(&d->strays[i], &d->strays[i + 1], (--d->stray_count - i) * sizeof *s);
        return true;
    }
    return false;
}

/* Nothing is believed of it but what stood in the checkpoints when it went: its log is recovered. Where somebody has
 * taken it away, the log begins anew. */
static int bring_home(struct bn_logdirs *d, struct bn_logdirs_entry *n, struct bn_logdirs_stray *s,
                      struct bn_log_open *o, struct bn_err *e) {
    const struct bn_disk *disk = d->env->disk;
    int rc = disk->rename(disk, s->path, n->path, e);
    if (rc == BN_NOTFOUND) {
        pthread_mutex_lock(&d->lock);
        for (int w = 0; w < BN_LOGDIRS_FILES; w++) bn_logdirs_set(d, n, w, -1);
        pthread_mutex_unlock(&d->lock);
        o->log_start_offset = o->recovery_point = o->cleaned_to = 0;
        return 0;
    }
    if (rc == 0) rc = disk->sync_dir(disk, d->dirs[n->dir].path, e);
    if (rc == 0) BN_WARN("logdirs", "%s is back from %s", n->path, s->path);
    return rc;
}

/* ---- placing ---- */

/* A row for a partition that has none: where its directory was set aside, or else in the emptiest one. NULL: every
 * directory is offline. */
static struct bn_logdirs_entry *make_row(struct bn_logdirs *d, const char *topic, int32_t partition,
                                         const struct bn_uuid *id, struct bn_logdirs_stray *stray) {
    bool back = !bn_uuid_is_zero(id) && take_stray(d, topic, partition, id, stray);
    int dir = back ? stray->dir : emptiest(d);
    if (dir < 0) return NULL;
    struct bn_logdirs_entry *n = bn_logdirs_add(d, topic, partition, dir);
    for (int w = 0; back && w < BN_LOGDIRS_FILES; w++) bn_logdirs_set(d, n, w, stray->offsets[w]);
    n->placed = back;
    return n;
}

int bn_logdirs_place(struct bn_logdirs *d, const char *topic, int32_t partition, bool create, struct bn_log_open *o,
                     struct bn_err *e) {
    pthread_mutex_lock(&d->lock);
    struct bn_logdirs_entry *n = bn_logdirs_entry(d, topic, partition);
    struct bn_logdirs_stray stray = {.path = NULL};
    int rc = 0;
    bool made = false;
    if (!n && !create) rc = bn_err_set(e, BN_NOTFOUND, "no directory holds %s-%" PRId32, topic, partition);
    if (!n && create) {
        n = make_row(d, topic, partition, &o->topic_id, &stray);
        made = n != NULL;
        if (!made) rc = bn_err_set(e, BN_IO, "every log directory is offline");
    }
    if (n && !d->dirs[n->dir].online) {
        rc = bn_err_set(e, BN_IO, "log directory %s is offline", d->dirs[n->dir].path);
    } else if (n && create && n->held) {
        rc = bn_err_set(e, BN_AGAIN, "%s is still in use", n->path);
    } else if (n) {
        n->held = n->held || create;
        if (create) n->topic_id = o->topic_id;
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
    if (rc == 0 && made) rc = bn_logdirs_forget_former(d, n, e);
    if (!stray.path) return rc;
    if (rc == 0) rc = bring_home(d, n, &stray, o, e);
    bn_logdirs_stray_free(&stray);
    return rc;
}

bool bn_logdirs_hold(struct bn_logdirs *d, const char *topic, int32_t partition) {
    pthread_mutex_lock(&d->lock);
    struct bn_logdirs_entry *n = bn_logdirs_entry(d, topic, partition);
    bool mine = n && !n->held;
    if (mine) n->held = true;
    pthread_mutex_unlock(&d->lock);
    return mine;
}

bool bn_logdirs_has(const struct bn_logdirs *d, const char *topic, int32_t partition, const struct bn_uuid *id) {
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&d->lock;
    pthread_mutex_lock(lock);
    const struct bn_logdirs_entry *n = bn_logdirs_entry(d, topic, partition);
    bool has = n && bn_uuid_eq(&n->topic_id, id);
    pthread_mutex_unlock(lock);
    return has;
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

/* The partition's row ends once its name is free: who comes before would have his directory renamed in its place. */
static void end_row(struct bn_logdirs *d, struct bn_logdirs_entry *n) {
    pthread_mutex_lock(&d->lock);
    bn_map_remove(&d->table, bn_slice_str(n->name));
    d->dirs[n->dir].partitions--;
    pthread_mutex_unlock(&d->lock);
    bn_logdirs_entry_free(n);
}

int bn_logdirs_remove(struct bn_logdirs *d, const char *topic, int32_t partition, bool stray, int64_t delay_ms,
                      struct bn_pool *pool, struct bn_err *e) {
    const struct bn_disk *disk = d->env->disk;
    pthread_mutex_lock(&d->lock);
    struct bn_logdirs_entry *n = bn_logdirs_entry(d, topic, partition);
    int64_t offsets[BN_LOGDIRS_FILES] = {0};
    if (n) {
        memcpy(offsets, n->offsets, sizeof offsets);
        for (int w = 0; w < BN_LOGDIRS_FILES; w++) bn_logdirs_set(d, n, w, -1);
        n->held = true;
        n->tenure = ++d->tenures; /* what was read of it before says nothing any more */
    }
    pthread_mutex_unlock(&d->lock);
    if (!n) return bn_err_set(e, BN_NOTFOUND, "no directory holds %s-%" PRId32, topic, partition);
    char *to = renamed_path(d, n, stray ? BN_PARTDIR_STRAY : BN_PARTDIR_DELETE);
    int rc = disk->rename(disk, n->path, to, e);
    bool absent = rc == BN_NOTFOUND;
    if (rc == 0) rc = disk->sync_dir(disk, d->dirs[n->dir].path, e);
    if (rc == 0 && stray) bn_logdirs_note_stray(d, n->dir, to, offsets);
    end_row(d, n);
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
