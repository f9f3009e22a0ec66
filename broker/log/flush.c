/* flush.c: moves the recovery point. A flush takes references to the files between the recovery point and the end (and
 * texts of what is small), syncs them on the pool and reports on the log's shard. At most one job of a log is under
 * way; who asks meanwhile waits for the next one, together: that is the group commit.
 *
 * Order within a job: data and indexes, producer snapshots, the directory, the epoch file. Only when all are down does
 * the recovery point move. A sync that failed is never repeated: the log has failed. `struct bn_flush` outlives the log
 * when a job is under way at its end; its lock is held to take the log off it, to note a
 * result, and to take from the log what is to be flushed, since the log may be closed on the pool. */
#include "broker/log/flush.h"

#include <pthread.h>

#include "common/base/alloc.h"
#include "common/base/trace.h"

struct waiter {
    struct waiter *next;
    void (*done)(void *arg, int status);
    void *arg;
};

struct work {
    const struct bn_disk *disk;
    char *dir;
    struct bn_file **files; /* references */
    size_t file_count;
    char **snapshots; /* paths that may be gone by now */
    size_t snapshot_count;
    char *epochs; /* text for the epoch file, or NULL */
    bool sync_dir, sync_parent;
    int64_t upto;
};

enum state { IDLE, QUEUED, RUNNING, RAN };

struct bn_flush {
    pthread_mutex_t lock;
    pthread_cond_t ran;
    struct bn_log *log; /* NULL once it is gone; guarded by lock */
    enum state state;   /* guarded by lock; only the shard leaves and enters IDLE */
    int users;          /* the log, the job under way; who leaves last frees; guarded by lock */
    bool busy;          /* the shard's: state != IDLE */
    bool again;         /* the shard's: asked for without a waiter while one was under way */
    struct bn_job job;
    struct bn_pool *pool;
    struct bn_mailbox *mailbox;
    struct work work;
    int status;
    struct bn_err error;
    struct waiter *now, *later; /* the shard's: of this job; of the next one */
};

static void work_fini(struct work *w) {
    for (size_t i = 0; i < w->file_count; i++) bn_file_unref(w->files[i]);
    for (size_t i = 0; i < w->snapshot_count; i++) bn_alloc_free(w->snapshots[i]);
    bn_alloc_free(w->files);
    bn_alloc_free(w->snapshots);
    bn_alloc_free(w->epochs);
    bn_alloc_free(w->dir);
    *w = (struct work){0};
}

static void add_file(struct work *w, struct bn_file *f) {
    bn_file_ref(f);
    w->files[w->file_count++] = f;
}

/* On the log's thread. all: the active segment's indexes too. */
static int work_init(struct work *w, struct bn_log *l, bool all) {
    /* A segment that ended at the recovery point has got its last index entries since. */
    uint32_t first = bn_log_segment_of(l, l->recovery_point - 1), n = l->segment_count - first;
    *w = (struct work){
        .disk = l->place.disk,
        .dir = bn_alloc_strdup(l->place.dir),
        .files = bn_alloc_zero((size_t)n * 3, sizeof *w->files),
        .snapshots = bn_alloc_zero((size_t)n + 1, sizeof *w->snapshots),
        .sync_dir = l->dir_dirty,
        .sync_parent = l->dir_new,
        .upto = l->end_offset,
    };
    int rc = 0;
    for (uint32_t i = first; rc == 0 && i < l->segment_count; i++) {
        struct bn_segment *s = l->segments[i];
        bool active = i + 1 == l->segment_count;
        struct bn_file *f;
        rc = bn_segment_ready(s);
        if (rc == 0) rc = bn_segment_file(s, &f);
        if (rc == 0) add_file(w, f);
        if (i > first) w->snapshots[w->snapshot_count++] = bn_index_path(&l->place, s->base_offset, ".snapshot");
        if (active && !all) break;
        if (rc == 0) rc = bn_index_file(&s->offsets, &f);
        if (rc == 0) add_file(w, f);
        if (rc == 0) rc = bn_index_file(&s->times, &f);
        if (rc == 0) add_file(w, f);
    }
    if (all && l->snapshot_offset >= 0)
        w->snapshots[w->snapshot_count++] = bn_index_path(&l->place, l->snapshot_offset, ".snapshot");
    if (l->epochs_dirty) {
        struct bn_str text;
        bn_str_init(&text);
        bn_epochs_format(&l->epochs, &text);
        w->epochs = bn_str_take(&text);
        bn_str_fini(&text);
    }
    if (rc) work_fini(w);
    return rc;
}

static int sync_parent(const struct work *w, struct bn_err *e) {
    const char *slash = strrchr(w->dir, '/');
    if (!slash || slash == w->dir) return w->disk->sync_dir(w->disk, slash ? "/" : ".", e);
    char *parent = bn_alloc_strndup(w->dir, (size_t)(slash - w->dir));
    int rc = w->disk->sync_dir(w->disk, parent, e);
    bn_alloc_free(parent);
    return rc;
}

static int work_run(const struct work *w, struct bn_err *e) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < w->file_count; i++) rc = w->disk->datasync(w->files[i], e);
    for (size_t i = 0; rc == 0 && i < w->snapshot_count; i++) {
        struct bn_file *f;
        rc = w->disk->open(w->disk, w->snapshots[i], BN_DISK_WRITE, &f, e);
        if (rc == BN_NOTFOUND) { /* retention was faster */
            rc = 0;
            continue;
        }
        if (rc) break;
        rc = w->disk->datasync(f, e);
        bn_file_unref(f);
    }
    if (rc == 0 && w->sync_dir) rc = w->disk->sync_dir(w->disk, w->dir, e);
    if (rc == 0 && w->sync_parent) rc = sync_parent(w, e);
    if (rc == 0 && w->epochs) {
        char *path = bn_alloc_printf("%s/leader-epoch-checkpoint", w->dir);
        rc = bn_disk_write_atomic(w->disk, path, w->epochs, strlen(w->epochs), e);
        bn_alloc_free(path);
    }
    return rc;
}

static void flush_run(struct bn_job *job) { /* pool thread */
    struct bn_flush *f = BN_CONTAINER_OF(job, struct bn_flush, job);
    pthread_mutex_lock(&f->lock);
    bool gone = f->log == NULL;
    f->state = RUNNING;
    pthread_mutex_unlock(&f->lock);
    int status = gone ? BN_CLOSED : work_run(&f->work, &f->error);
    pthread_mutex_lock(&f->lock);
    f->status = status;
    f->state = RAN;
    pthread_cond_signal(&f->ran);
    pthread_mutex_unlock(&f->lock);
}

/* What was taken off the log and is not on disk is dirty again. */
static void put_back(struct bn_log *l, const struct work *w) {
    l->epochs_dirty = l->epochs_dirty || w->epochs;
    l->dir_dirty = l->dir_dirty || w->sync_dir;
    l->dir_new = l->dir_new || w->sync_parent;
}

/* Without room for the small files nothing is lost, and the recovery point stays. */
static void note_result(struct bn_log *l, const struct work *w, int status, const struct bn_err *e) {
    if (status == 0) {
        l->recovery_point = bn_max_i64(l->recovery_point, bn_min_i64(w->upto, l->end_offset));
        return;
    }
    if (status == BN_NOROOM) {
        put_back(l, w);
        (void)bn_log_trouble(l, status, "flush");
        return;
    }
    l->failed = true;
    BN_ERROR("log", "[Log partition=%s] a flush failed, the log is offline: %s", l->name, e->text);
}

static void answer(struct waiter *list, int status) {
    while (list) {
        struct waiter *w = list;
        list = w->next;
        w->done(w->arg, status);
        bn_alloc_free(w);
    }
}

static void flush_free(struct bn_flush *f) {
    pthread_cond_destroy(&f->ran);
    pthread_mutex_destroy(&f->lock);
    bn_alloc_free(f);
}

/* Takes what is dirty off the log and submits the job; on the shard, nothing running, under the lock: whoever closes
 * the log on the pool meanwhile finds it either untouched or queued. BN_IO. */
static int submit(struct bn_flush *f, struct bn_log *l) {
    int rc = l->failed ? BN_IO : work_init(&f->work, l, false);
    if (rc) return l->failed ? rc : bn_log_trouble(l, rc, "open files to flush");
    l->dir_dirty = l->dir_new = l->epochs_dirty = false;
    f->now = f->later;
    f->later = NULL;
    f->again = false;
    f->busy = true;
    f->state = QUEUED;
    f->users++;
    bn_pool_submit(f->pool, &f->job);
    return 0;
}

static void flush_done(struct bn_job *job) { /* the shard */
    struct bn_flush *f = BN_CONTAINER_OF(job, struct bn_flush, job);
    pthread_mutex_lock(&f->lock);
    bool gone = f->log == NULL;
    if (!gone) note_result(f->log, &f->work, f->status, &f->error);
    pthread_mutex_unlock(&f->lock);
    work_fini(&f->work);
    struct waiter *now = f->now;
    f->now = NULL;
    answer(now, gone ? BN_CLOSED : f->status ? BN_IO : BN_OK);
    /* An answer may have closed the log. */
    pthread_mutex_lock(&f->lock);
    struct bn_log *l = f->log;
    struct waiter *later = f->later;
    f->state = IDLE;
    f->busy = false;
    bool ends = !l || ((later || f->again) && submit(f, l) != 0);
    if (ends) {
        f->later = NULL;
        f->again = false;
    }
    bool last = --f->users == 0;
    pthread_mutex_unlock(&f->lock);
    if (ends) answer(later, l ? BN_IO : BN_CLOSED);
    if (last) flush_free(f);
}

static struct bn_flush *flush_of(struct bn_log *l, struct bn_pool *pool, struct bn_mailbox *mailbox) {
    if (!l->flush) {
        struct bn_flush *f = bn_alloc_zero(1, sizeof *f);
        pthread_mutex_init(&f->lock, NULL);
        pthread_cond_init(&f->ran, NULL);
        f->log = l;
        f->users = 1;
        f->job.run = flush_run;
        f->job.done = flush_done;
        f->job.key = bn_flush_key(l);
        l->flush = f;
    }
    l->flush->pool = pool;
    l->flush->mailbox = mailbox;
    l->flush->job.reply_to = mailbox;
    return l->flush;
}

static int flush_here(struct bn_log *l, bool all, struct bn_err *e) {
    struct work w;
    if (l->failed) return bn_err_set(e, BN_IO, "the log failed before");
    int rc = work_init(&w, l, all);
    if (rc) return bn_err_set(e, BN_IO, "open the files of %s", l->place.dir);
    rc = work_run(&w, e);
    struct bn_err none = BN_ERR_NONE;
    note_result(l, &w, rc, e ? e : &none);
    if (rc == 0) l->dir_dirty = l->dir_new = l->epochs_dirty = false;
    work_fini(&w);
    return rc ? BN_IO : 0;
}

int bn_flush_now(struct bn_log *l, struct bn_err *e) { return flush_here(l, true, e); }

void bn_flush_start(struct bn_log *l, struct bn_pool *pool, struct bn_mailbox *mailbox,
                    void (*done)(void *arg, int status), void *arg) {
    if (!pool || !mailbox) {
        struct bn_err e = BN_ERR_NONE;
        int rc = flush_here(l, false, &e);
        if (done) done(arg, rc);
        return;
    }
    struct bn_flush *f = l->flush && l->flush->busy ? l->flush : flush_of(l, pool, mailbox);
    if (done) {
        struct waiter *w = bn_alloc(sizeof *w), **at = &f->later;
        *w = (struct waiter){NULL, done, arg};
        while (*at) at = &(*at)->next;
        *at = w;
    }
    if (f->busy) {
        f->again = true;
        return;
    }
    pthread_mutex_lock(&f->lock);
    int rc = submit(f, l);
    pthread_mutex_unlock(&f->lock);
    if (rc != 0) {
        struct waiter *later = f->later;
        f->later = NULL;
        answer(later, BN_IO);
    }
}

void bn_flush_void(struct bn_log *l, int64_t end) {
    struct bn_flush *f = l->flush;
    if (f && f->busy) f->work.upto = bn_min_i64(f->work.upto, end);
}

void bn_flush_detach(struct bn_log *l, bool wait) {
    struct bn_flush *f = l->flush;
    if (!f) return;
    l->flush = NULL;
    pthread_mutex_lock(&f->lock);
    f->log = NULL; /* a job that is still queued does nothing: what it took is dirty again */
    if (f->state == QUEUED) put_back(l, &f->work);
    while (wait && f->state == RUNNING) pthread_cond_wait(&f->ran, &f->lock);
    if (f->state == RAN && f->status == BN_NOROOM)
        put_back(l, &f->work);
    else if (f->state == RAN && f->status != BN_OK && f->status != BN_CLOSED)
        l->failed = true;
    bool last = --f->users == 0;
    pthread_mutex_unlock(&f->lock);
    if (last) flush_free(f); /* else the job's done does */
}
