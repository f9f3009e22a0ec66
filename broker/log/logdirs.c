/* logdirs.c: the entries of log.dirs: the locks on them, whose they are, and what partitions are found there.
 *
 * Invariants: a partition is in one directory; one process has it; directories of two clusters or two brokers are never
 * mixed; a directory that failed stays offline until restart. Where partitions go is logdirs_place.c's, what the
 * checkpoint files say logdirs_point.c's. */
#include <errno.h>
#include <stdio.h>
#include <sys/file.h>

#include "broker/log/logdirs_int.h"
#include "broker/log/partdir.h"
#include "broker/log/topicid.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"

/* ---- the table ---- */

struct bn_logdirs_entry *bn_logdirs_entry(const struct bn_logdirs *d, const char *topic, int32_t partition) {
    char name[300];
    int n = snprintf(name, sizeof name, "%s-%" PRId32, topic, partition);
    return n > 0 && n < (int)sizeof name ? bn_map_get(&d->table, bn_slice_of(name, (size_t)n)) : NULL;
}

struct bn_logdirs_entry *bn_logdirs_add(struct bn_logdirs *d, const char *topic, int32_t partition, int dir) {
    struct bn_logdirs_entry *n = bn_alloc_zero(1, sizeof *n);
    n->name = bn_alloc_printf("%s-%" PRId32, topic, partition);
    n->path = bn_alloc_printf("%s/%s", d->dirs[dir].path, n->name);
    n->topic = bn_alloc_strdup(topic);
    n->partition = partition;
    n->dir = dir;
    n->tenure = ++d->tenures;
    for (int i = 0; i < BN_LOGDIRS_FILES; i++) n->offsets[i] = -1;
    d->dirs[dir].partitions++;
    bn_map_put(&d->table, bn_slice_str(n->name), n);
    return n;
}

void bn_logdirs_entry_free(struct bn_logdirs_entry *n) {
    bn_alloc_free(n->name);
    bn_alloc_free(n->path);
    bn_alloc_free(n->topic);
    bn_alloc_free(n);
}

/* ---- opening ---- */

static int lock_dir(struct bn_logdirs *d, struct bn_logdirs_dir *dir, struct bn_err *e) {
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
    const struct bn_logdirs_dir *dir = &d->dirs[i];
    for (int k = 0; k < i; k++) {
        const struct bn_logdirs_dir *other = &d->dirs[k];
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
static int take_marker(struct bn_logdirs *d, struct bn_logdirs_dir *dir, struct bn_err *e) {
    const struct bn_disk *disk = d->env->disk;
    char *path = bn_alloc_printf("%s/.kafka_cleanshutdown", dir->path);
    int rc = disk->unlink(disk, path, e);
    bn_alloc_free(path);
    dir->clean = rc == 0;
    if (rc == 0) rc = disk->sync_dir(disk, dir->path, e);
    return rc == BN_NOTFOUND ? 0 : rc;
}

static int find_partitions(struct bn_logdirs *d, int i, struct bn_err *e) {
    struct bn_logdirs_dir *dir = &d->dirs[i];
    struct bn_disk_entry *list = NULL;
    size_t n = 0;
    int rc = d->env->disk->list(d->env->disk, dir->path, &list, &n, e);
    for (size_t k = 0; rc == 0 && k < n; k++) {
        char topic[BN_PARTDIR_TOPIC];
        int32_t partition;
        if (!list[k].is_dir) continue;
        if (bn_partdir_is(list[k].name, BN_PARTDIR_DELETE)) {
            d->doomed = bn_alloc_resize(d->doomed, (d->doomed_count + 1) * sizeof *d->doomed);
            d->doomed[d->doomed_count++] = (struct bn_logdirs_doomed){bn_alloc_printf("%s/%s", dir->path, list[k].name),
                                                                      0};
            continue;
        }
        if (bn_partdir_is(list[k].name, BN_PARTDIR_STRAY)) {
            char *path = bn_alloc_printf("%s/%s", dir->path, list[k].name);
            bn_logdirs_note_stray(d, i, path, NULL);
            bn_alloc_free(path);
            continue;
        }
        if (!bn_partdir_parse(list[k].name, topic, &partition)) {
            BN_WARN("logdirs", "%s/%s is no partition's directory: left alone", dir->path, list[k].name);
            continue;
        }
        const struct bn_logdirs_entry *other = bn_logdirs_entry(d, topic, partition);
        if (other) {
            rc = bn_err_set(e, BN_BAD, "%s and %s/%s are the same partition: move one of them away", other->path,
                            dir->path, list[k].name);
            break;
        }
        struct bn_logdirs_entry *n_new = bn_logdirs_add(d, topic, partition, i);
        d->found = bn_alloc_resize(d->found, (size_t)(d->found_count + 1) * sizeof *d->found);
        struct bn_logdir_found *f = &d->found[d->found_count++];
        *f = (struct bn_logdir_found){.partition = partition, .dir_index = i};
        memcpy(f->topic, topic, sizeof topic);
        struct bn_index_place place = {.disk = d->env->disk, .dir = n_new->path};
        if (bn_topicid_read(&place, &f->topic_id, NULL) != 0) f->topic_id = BN_UUID_ZERO;
        n_new->topic_id = f->topic_id;
    }
    bn_alloc_free(list);
    return rc;
}

static int open_dir(struct bn_logdirs *d, int i, struct bn_err *e) {
    struct bn_logdirs_dir *dir = &d->dirs[i];
    int rc = lock_dir(d, dir, e);
    if (rc == 0) rc = bn_dirmeta_read(d->env->disk, dir->path, &dir->meta, &dir->has_meta, e);
    if (rc == 0) rc = check_meta(d, i, e);
    if (rc == 0) rc = find_partitions(d, i, e);
    if (rc == 0) rc = take_marker(d, dir, e);
    if (rc == 0) bn_logdirs_read_checkpoints(d, i);
    return rc;
}

static void logdirs_free(struct bn_logdirs *d) {
    size_t at = 0;
    for (struct bn_map_entry *m; (m = bn_map_next(&d->table, &at));) bn_logdirs_entry_free(m->value);
    bn_map_fini(&d->table);
    for (int i = 0; i < d->count; i++) {
        bn_file_unref(d->dirs[i].lock); /* closing it unlocks */
        bn_alloc_free(d->dirs[i].path);
        for (int w = 0; w < BN_LOGDIRS_FILES; w++) bn_alloc_free(d->dirs[i].written[w]);
    }
    for (size_t i = 0; i < d->doomed_count; i++) bn_alloc_free(d->doomed[i].path);
    for (size_t i = 0; i < d->stray_count; i++) bn_logdirs_stray_free(&d->strays[i]);
    bn_alloc_free(d->strays);
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
        for (int w = 0; w < BN_LOGDIRS_FILES; w++) d->dirs[i].changed[w] = true; /* nothing is known of the files */
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
        struct bn_logdirs_dir *dir = &d->dirs[i];
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

int bn_logdirs_found(const struct bn_logdirs *d, const struct bn_logdir_found **out) {
    *out = d->found;
    return d->found_count;
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
    const struct bn_logdirs_entry *n = bn_logdirs_entry(d, topic, partition);
    int dir = n ? n->dir : -1;
    pthread_mutex_unlock(lock);
    return dir;
}
