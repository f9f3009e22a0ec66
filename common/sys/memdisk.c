/* memdisk.c: a tree of nodes behind one lock. A node is a file or a directory and dies with its last holder: a
 * name now, a durable name, or an open file. A directory has its names twice, as they are and as of its last
 * sync; a file its bytes likewise. A power cut replaces the first by the second everywhere. */
#include "common/sys/memdisk.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

struct names {
    struct name *list;
    size_t count;
};

struct bytes {
    uint8_t *ptr;
    size_t len, capacity;
};

struct node {
    int refs;
    bool is_dir;
    int64_t mtime_ms;
    struct names now, durable;    /* of a directory */
    struct bytes written, synced; /* of a file */
};

struct name {
    char *text;
    struct node *node;
};

struct bn_memdisk {
    struct bn_disk disk; /* first */
    pthread_mutex_t lock;
    struct node *root;
    int64_t room_bytes; /* < 0 = no bound */
    int64_t now_ms;
    struct {
        int made, fail_at, fail_until; /* in calls made */
    } calls[BN_MEMDISK_CALLS];
};

struct memfile {
    struct bn_file file; /* first */
    struct bn_memdisk *m;
    struct node *node;
    bool writable;
    char path[];
};

static struct bn_memdisk *memdisk_of(const struct bn_disk *d) {
    return (struct bn_memdisk *)(uintptr_t)BN_CONTAINER_OF(d, const struct bn_memdisk, disk);
}

static struct memfile *memfile_of(struct bn_file *f) { return BN_CONTAINER_OF(f, struct memfile, file); }

static struct node *new_node(struct bn_memdisk *m, bool is_dir) {
    struct node *n = bn_alloc_zero(1, sizeof *n);
    n->is_dir = is_dir;
    n->mtime_ms = m->now_ms;
    return n;
}

static void drop_names(struct names *names);

static void drop_node(struct node *n) {
    if (--n->refs > 0) return;
    drop_names(&n->now);
    drop_names(&n->durable);
    bn_alloc_free(n->written.ptr);
    bn_alloc_free(n->synced.ptr);
    bn_alloc_free(n);
}

static void drop_names(struct names *names) {
    for (size_t i = 0; i < names->count; i++) {
        bn_alloc_free(names->list[i].text);
        drop_node(names->list[i].node);
    }
    bn_alloc_free(names->list);
    *names = (struct names){0};
}

static void copy_names(struct names *to, const struct names *from) {
    struct names copy = {bn_alloc_zero(from->count, sizeof *copy.list), from->count};
    for (size_t i = 0; i < from->count; i++) {
        copy.list[i] = (struct name){bn_alloc_strdup(from->list[i].text), from->list[i].node};
        copy.list[i].node->refs++;
    }
    drop_names(to);
    *to = copy;
}

static struct name *find_name(const struct names *names, const char *text, size_t len) {
    for (size_t i = 0; i < names->count; i++) {
        if (strlen(names->list[i].text) == len && memcmp(names->list[i].text, text, len) == 0) return &names->list[i];
    }
    return NULL;
}

static void add_name(struct names *names, const char *text, struct node *n) {
    names->list = bn_alloc_resize(names->list, (names->count + 1) * sizeof *names->list);
    names->list[names->count++] = (struct name){bn_alloc_strdup(text), n};
    n->refs++;
}

static void remove_name(struct names *names, struct name *name) {
    bn_alloc_free(name->text);
    struct node *n = name->node;
    *name = names->list[--names->count];
    drop_node(n);
}

/* Steps over slashes and single dots. */
static const char *skip_to_part(const char *p) {
    while (*p == '/' || (*p == '.' && (p[1] == '/' || p[1] == '\0'))) p++;
    return p;
}

/* The directory that holds (or would hold) path, and the last part of the path; NULL when a parent is missing
 * or is a file. "/" has the empty last part. */
static struct node *find_parent(struct bn_memdisk *m, const char *path, const char **last, size_t *last_len) {
    struct node *at = m->root;
    for (const char *p = skip_to_part(path);;) {
        size_t len = strcspn(p, "/");
        const char *next = skip_to_part(p + len);
        if (*next == '\0') {
            *last = p;
            *last_len = len;
            return at;
        }
        struct name *name = find_name(&at->now, p, len);
        if (!name || !name->node->is_dir) return NULL;
        at = name->node;
        p = next;
    }
}

static struct name *find_path(struct bn_memdisk *m, const char *path, struct node **parent) {
    const char *last;
    size_t len;
    *parent = find_parent(m, path, &last, &len);
    return *parent ? find_name(&(*parent)->now, last, len) : NULL;
}

static struct node *find_node(struct bn_memdisk *m, const char *path) {
    struct node *parent;
    if (*skip_to_part(path) == '\0') return m->root;
    struct name *name = find_path(m, path, &parent);
    return name ? name->node : NULL;
}

/* Takes the lock and counts the call; 0 or the injected failure. */
static int enter(struct bn_memdisk *m, enum bn_memdisk_call call, const char *path, struct bn_err *e) {
    pthread_mutex_lock(&m->lock);
    int at = ++m->calls[call].made;
    if (at < m->calls[call].fail_at || at >= m->calls[call].fail_until) return 0;
    return bn_err_set(e, BN_IO, "%s: Input/output error (injected)", path);
}

static int leave(struct bn_memdisk *m, int rc) {
    pthread_mutex_unlock(&m->lock);
    return rc;
}

static int absent(struct bn_err *e, const char *path) {
    return bn_err_set(e, BN_NOTFOUND, "%s: No such file or directory", path);
}

static void resize_bytes(struct bytes *b, size_t len) {
    if (len > b->capacity) {
        b->capacity = bn_max_size(len, b->capacity * 2);
        b->ptr = bn_alloc_resize(b->ptr, b->capacity);
    }
    if (len > b->len) memset(b->ptr + b->len, 0, len - b->len);
    b->len = len;
}

static void copy_bytes(struct bytes *to, const struct bytes *from) {
    resize_bytes(to, from->len);
    if (from->len) memcpy(to->ptr, from->ptr, from->len);
}

static void release_file(struct bn_shared *s) {
    struct memfile *f = memfile_of(BN_CONTAINER_OF(BN_CONTAINER_OF(s, struct bn_fd, shared), struct bn_file, base));
    struct bn_memdisk *m = f->m;
    pthread_mutex_lock(&m->lock);
    drop_node(f->node);
    pthread_mutex_unlock(&m->lock);
    bn_alloc_free(f);
}

static int open_node(struct bn_memdisk *m, const char *path, int flags, struct node **out, struct bn_err *e) {
    const char *last;
    size_t len;
    struct node *parent = find_parent(m, path, &last, &len);
    if (!parent) return absent(e, path);
    struct name *name = find_name(&parent->now, last, len);
    if (!name && !(flags & BN_DISK_CREATE)) return absent(e, path);
    if (name && (flags & BN_DISK_EXCLUSIVE)) return bn_err_set(e, BN_EXISTS, "%s: File exists", path);
    if (len == 0 || (name && name->node->is_dir)) return bn_err_set(e, BN_IO, "%s: Is a directory", path);
    if (!name) {
        char *text = bn_alloc_strndup(last, len);
        add_name(&parent->now, text, new_node(m, false));
        bn_alloc_free(text);
        name = find_name(&parent->now, last, len);
    }
    if (flags & BN_DISK_TRUNCATE) resize_bytes(&name->node->written, 0);
    *out = name->node;
    return 0;
}

static int mem_open(const struct bn_disk *d, const char *path, int flags, struct bn_file **out, struct bn_err *e) {
    struct bn_memdisk *m = memdisk_of(d);
    struct node *n = NULL;
    int rc = enter(m, BN_MEMDISK_OPEN, path, e);
    if (rc == 0) rc = open_node(m, path, flags, &n, e);
    if (rc) return leave(m, rc);
    size_t len = strlen(path);
    struct memfile *f = bn_alloc(sizeof *f + len + 1);
    memcpy(f->path, path, len + 1);
    bn_shared_init(&f->file.base.shared, release_file);
    f->file.base.fd = -1;
    f->file.disk = d;
    f->m = m;
    f->node = n;
    f->writable = flags & BN_DISK_WRITE;
    n->refs++;
    *out = &f->file;
    return leave(m, 0);
}

static ssize_t mem_pread(struct bn_file *file, void *ptr, size_t len, int64_t offset, struct bn_err *e) {
    struct memfile *f = memfile_of(file);
    int rc = enter(f->m, BN_MEMDISK_PREAD, f->path, e);
    const struct bytes *b = &f->node->written;
    if (rc) return leave(f->m, rc);
    BN_ASSERT(offset >= 0);
    size_t n = (size_t)offset >= b->len ? 0 : bn_min_size(len, b->len - (size_t)offset);
    if (n) memcpy(ptr, b->ptr + offset, n);
    leave(f->m, 0);
    return (ssize_t)n;
}

/* Writes at most `most` bytes of iov. */
static void put_bytes(struct node *n, const struct iovec *iov, int iov_count, size_t offset, size_t most) {
    for (int i = 0; i < iov_count && most > 0; i++) {
        size_t len = bn_min_size(iov[i].iov_len, most);
        if (len == 0) continue;
        if (offset + len > n->written.len) resize_bytes(&n->written, offset + len);
        memcpy(n->written.ptr + offset, iov[i].iov_base, len);
        offset += len;
        most -= len;
    }
}

static int mem_pwritev(struct bn_file *file, const struct iovec *iov, int iov_count, int64_t offset, struct bn_err *e) {
    struct memfile *f = memfile_of(file);
    struct bn_memdisk *m = f->m;
    int rc = enter(m, BN_MEMDISK_PWRITEV, f->path, e);
    size_t total = 0, at = (size_t)offset, before = f->node->written.len;
    for (int i = 0; i < iov_count; i++) total += iov[i].iov_len;
    size_t most = rc ? total / 2 : total;
    if (!f->writable) {
        rc = bn_err_set(e, BN_IO, "write %s: Bad file descriptor", f->path);
        most = 0;
    }
    if (m->room_bytes >= 0 && at + most > before + (size_t)m->room_bytes) {
        size_t end = before + (size_t)m->room_bytes;
        most = end > at ? end - at : 0;
        if (!rc) rc = bn_err_set(e, BN_NOROOM, "write %s: No space left on device", f->path);
    }
    put_bytes(f->node, iov, iov_count, at, most);
    if (m->room_bytes >= 0) m->room_bytes -= (int64_t)(f->node->written.len - before);
    f->node->mtime_ms = m->now_ms;
    return leave(m, rc);
}

static int mem_datasync(struct bn_file *file, struct bn_err *e) {
    struct memfile *f = memfile_of(file);
    int rc = enter(f->m, BN_MEMDISK_DATASYNC, f->path, e);
    if (rc == 0) copy_bytes(&f->node->synced, &f->node->written);
    return leave(f->m, rc);
}

static int mem_truncate(struct bn_file *file, int64_t size, struct bn_err *e) {
    struct memfile *f = memfile_of(file);
    int rc = enter(f->m, BN_MEMDISK_TRUNCATE, f->path, e);
    BN_ASSERT(size >= 0);
    if (rc == 0) {
        resize_bytes(&f->node->written, (size_t)size);
        f->node->mtime_ms = f->m->now_ms;
    }
    return leave(f->m, rc);
}

static int mem_size(struct bn_file *file, int64_t *out, struct bn_err *e) {
    struct memfile *f = memfile_of(file);
    int rc = enter(f->m, BN_MEMDISK_SIZE, f->path, e);
    *out = (int64_t)f->node->written.len;
    return leave(f->m, rc);
}

static int mem_allocate(struct bn_file *file, int64_t offset, int64_t len, struct bn_err *e) {
    struct memfile *f = memfile_of(file);
    (void)offset, (void)len;
    return leave(f->m, enter(f->m, BN_MEMDISK_ALLOCATE, f->path, e));
}

static int move_name(struct bn_memdisk *m, const char *from, const char *to, struct bn_err *e) {
    struct node *from_dir;
    struct name *source = find_path(m, from, &from_dir);
    const char *last;
    size_t len;
    struct node *to_dir = find_parent(m, to, &last, &len);
    if (!source || !to_dir || len == 0) return absent(e, from);
    struct node *n = source->node;
    struct name *target = find_name(&to_dir->now, last, len);
    if (target == source) return 0;
    if (target && (target->node->is_dir != n->is_dir || target->node->now.count)) {
        return bn_err_set(e, BN_NOTEMPTY, "rename %s: %s is in the way", from, to);
    }
    n->refs++;
    if (target) remove_name(&to_dir->now, target);
    remove_name(&from_dir->now, find_path(m, from, &from_dir));
    char *text = bn_alloc_strndup(last, len);
    add_name(&to_dir->now, text, n);
    bn_alloc_free(text);
    drop_node(n);
    return 0;
}

static int mem_rename(const struct bn_disk *d, const char *from, const char *to, struct bn_err *e) {
    struct bn_memdisk *m = memdisk_of(d);
    int rc = enter(m, BN_MEMDISK_RENAME, from, e);
    if (rc == 0) rc = move_name(m, from, to, e);
    return leave(m, rc);
}

static int remove_path(struct bn_memdisk *m, const char *path, bool is_dir, struct bn_err *e) {
    struct node *parent;
    struct name *name = find_path(m, path, &parent);
    if (!name) return absent(e, path);
    if (name->node->is_dir != is_dir) return bn_err_set(e, BN_IO, "remove %s: wrong kind of file", path);
    if (name->node->now.count) return bn_err_set(e, BN_NOTEMPTY, "remove %s: Directory not empty", path);
    remove_name(&parent->now, name);
    return 0;
}

static int mem_unlink(const struct bn_disk *d, const char *path, struct bn_err *e) {
    struct bn_memdisk *m = memdisk_of(d);
    int rc = enter(m, BN_MEMDISK_UNLINK, path, e);
    return leave(m, rc ? rc : remove_path(m, path, false, e));
}

static int mem_rmdir(const struct bn_disk *d, const char *path, struct bn_err *e) {
    struct bn_memdisk *m = memdisk_of(d);
    int rc = enter(m, BN_MEMDISK_RMDIR, path, e);
    return leave(m, rc ? rc : remove_path(m, path, true, e));
}

static int make_path(struct bn_memdisk *m, const char *path, struct bn_err *e) {
    struct node *at = m->root;
    for (const char *p = skip_to_part(path); *p;) {
        size_t len = strcspn(p, "/");
        struct name *name = find_name(&at->now, p, len);
        if (name && !name->node->is_dir) return bn_err_set(e, BN_IO, "make directory %s: Not a directory", path);
        if (!name) {
            char *text = bn_alloc_strndup(p, len);
            add_name(&at->now, text, new_node(m, true));
            bn_alloc_free(text);
            name = find_name(&at->now, p, len);
        }
        at = name->node;
        p = skip_to_part(p + len);
    }
    return 0;
}

static int mem_mkdir(const struct bn_disk *d, const char *path, struct bn_err *e) {
    struct bn_memdisk *m = memdisk_of(d);
    int rc = enter(m, BN_MEMDISK_MKDIR, path, e);
    return leave(m, rc ? rc : make_path(m, path, e));
}

static int mem_sync_dir(const struct bn_disk *d, const char *path, struct bn_err *e) {
    struct bn_memdisk *m = memdisk_of(d);
    int rc = enter(m, BN_MEMDISK_SYNC_DIR, path, e);
    struct node *n = rc ? NULL : find_node(m, path);
    if (rc == 0 && (!n || !n->is_dir)) rc = absent(e, path);
    if (rc == 0) copy_names(&n->durable, &n->now);
    return leave(m, rc);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct bn_disk_entry *)a)->name, ((const struct bn_disk_entry *)b)->name);
}

static int mem_list(const struct bn_disk *d, const char *path, struct bn_disk_entry **out, size_t *count,
                    struct bn_err *e) {
    struct bn_memdisk *m = memdisk_of(d);
    int rc = enter(m, BN_MEMDISK_LIST, path, e);
    const struct node *n = rc ? NULL : find_node(m, path);
    if (rc == 0 && (!n || !n->is_dir)) rc = absent(e, path);
    if (rc) return leave(m, rc);
    struct bn_disk_entry *list = bn_alloc_zero(n->now.count, sizeof *list);
    for (size_t i = 0; i < n->now.count; i++) {
        snprintf(list[i].name, sizeof list[i].name, "%s", n->now.list[i].text);
        list[i].is_dir = n->now.list[i].node->is_dir;
    }
    if (n->now.count) qsort(list, n->now.count, sizeof *list, by_name);
    *out = list;
    *count = n->now.count;
    return leave(m, 0);
}

static int mem_mtime_ms(const struct bn_disk *d, const char *path, int64_t *out, struct bn_err *e) {
    struct bn_memdisk *m = memdisk_of(d);
    int rc = enter(m, BN_MEMDISK_MTIME, path, e);
    const struct node *n = rc ? NULL : find_node(m, path);
    if (rc == 0 && !n) rc = absent(e, path);
    if (rc == 0) *out = n->mtime_ms;
    return leave(m, rc);
}

/* Without a bound the disk is as large as an int64_t says. */
static int mem_space(const struct bn_disk *d, const char *path, int64_t *total, int64_t *usable, struct bn_err *e) {
    struct bn_memdisk *m = memdisk_of(d);
    int rc = enter(m, BN_MEMDISK_SPACE, path, e);
    if (rc == 0 && !find_node(m, path)) rc = absent(e, path);
    if (rc == 0) {
        *usable = m->room_bytes >= 0 ? m->room_bytes : INT64_MAX;
        *total = *usable;
    }
    return leave(m, rc);
}

struct bn_memdisk *bn_memdisk_new(void) {
    static const struct bn_disk calls = {
        mem_open,   mem_pread, mem_pwritev, mem_datasync, mem_truncate, mem_size,     mem_allocate, mem_rename,
        mem_unlink, mem_mkdir, mem_rmdir,   mem_sync_dir, mem_list,     mem_mtime_ms, mem_space,
    };
    struct bn_memdisk *m = bn_alloc_zero(1, sizeof *m);
    m->disk = calls;
    pthread_mutex_init(&m->lock, NULL);
    m->room_bytes = -1;
    m->now_ms = 1000;
    m->root = new_node(m, true);
    m->root->refs = 1;
    return m;
}

void bn_memdisk_free(struct bn_memdisk *m) {
    if (!m) return;
    drop_node(m->root);
    pthread_mutex_destroy(&m->lock);
    bn_alloc_free(m);
}

const struct bn_disk *bn_memdisk_disk(struct bn_memdisk *m) { return &m->disk; }

void bn_memdisk_fail(struct bn_memdisk *m, enum bn_memdisk_call call, int nth, int times) {
    BN_ASSERT(nth > 0 && times >= 0);
    pthread_mutex_lock(&m->lock);
    int made = m->calls[call].made;
    m->calls[call].fail_at = made + nth;
    m->calls[call].fail_until = times > INT32_MAX - made - nth ? INT32_MAX : made + nth + times;
    pthread_mutex_unlock(&m->lock);
}

void bn_memdisk_set_room(struct bn_memdisk *m, int64_t bytes) {
    pthread_mutex_lock(&m->lock);
    m->room_bytes = bytes;
    pthread_mutex_unlock(&m->lock);
}

int bn_memdisk_calls(struct bn_memdisk *m, enum bn_memdisk_call call) {
    pthread_mutex_lock(&m->lock);
    int made = m->calls[call].made;
    pthread_mutex_unlock(&m->lock);
    return made;
}

void bn_memdisk_set_time(struct bn_memdisk *m, int64_t now_ms) {
    pthread_mutex_lock(&m->lock);
    m->now_ms = now_ms;
    pthread_mutex_unlock(&m->lock);
}

enum { TORN = 16 /* bytes */ };

static void crash_file(struct node *n, uint64_t *seed) {
    size_t keep = 0;
    if (*seed && n->written.len > n->synced.len) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        keep = (size_t)((*seed >> 33) % (n->written.len - n->synced.len + 1));
    }
    resize_bytes(&n->written, n->synced.len + keep);
    if (n->synced.len) memcpy(n->written.ptr, n->synced.ptr, n->synced.len);
    if (keep > TORN && *seed >> 62 == 0) { /* once in four: in its midst there are zeros, or what was there before */
        size_t at = (size_t)((*seed >> 11) % (keep - TORN));
        memset(n->written.ptr + n->synced.len + at, *seed >> 61 ? 0xff : 0, TORN);
    }
    copy_bytes(&n->synced, &n->written);
}

/* Leaves files that have lost their name to whoever still has them open. */
static void crash_node(struct node *n, uint64_t *seed) {
    if (!n->is_dir) {
        crash_file(n, seed);
        return;
    }
    copy_names(&n->now, &n->durable);
    for (size_t i = 0; i < n->now.count; i++) crash_node(n->now.list[i].node, seed);
}

void bn_memdisk_crash(struct bn_memdisk *m, uint64_t seed) {
    pthread_mutex_lock(&m->lock);
    crash_node(m->root, &seed);
    pthread_mutex_unlock(&m->lock);
}

bool bn_memdisk_rot(struct bn_memdisk *m, const char *path, int64_t offset, uint8_t mask) {
    pthread_mutex_lock(&m->lock);
    struct node *n = find_node(m, path);
    bool there = n && !n->is_dir && offset >= 0 && (size_t)offset < n->written.len;
    if (there) n->written.ptr[offset] ^= mask;
    if (there && (size_t)offset < n->synced.len) n->synced.ptr[offset] ^= mask;
    pthread_mutex_unlock(&m->lock);
    return there;
}
