/* disk.c: the real disk, and what can be built from any disk's calls. A failed call says which path and why;
 * EINTR and short transfers never reach the caller. Nothing is cached and nothing is retried: an fsync that
 * failed has lost data, and who asked for it decides what that means. */
#include "common/sys/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/alloc.h"

struct real_file {
    struct bn_file file; /* first */
    char path[];
};

static const char *path_of(const struct bn_file *f) { return BN_CONTAINER_OF(f, const struct real_file, file)->path; }

static int fail(struct bn_err *e, const char *what, const char *path) {
    int err = errno;
    int code = BN_IO;
    if (err == ENOENT) code = BN_NOTFOUND;
    if (err == EEXIST) code = BN_EXISTS;
    if (err == ENOTEMPTY) code = BN_NOTEMPTY;
    if (err == ENOSPC || err == EDQUOT || err == EMFILE || err == ENFILE) code = BN_NOROOM;
    return bn_err_errno(e, code, err, "%s %s", what, path);
}

static void release_file(struct bn_shared *s) {
    struct bn_fd *fd = BN_CONTAINER_OF(s, struct bn_fd, shared);
    struct bn_file *f = BN_CONTAINER_OF(fd, struct bn_file, base);
    close(fd->fd);
    bn_alloc_free(BN_CONTAINER_OF(f, struct real_file, file));
}

static int real_open(const struct bn_disk *d, const char *path, int flags, struct bn_file **out, struct bn_err *e) {
    int how = O_CLOEXEC | (flags & BN_DISK_WRITE ? O_RDWR : O_RDONLY);
    if (flags & BN_DISK_CREATE) how |= O_CREAT;
    if (flags & BN_DISK_EXCLUSIVE) how |= O_EXCL;
    if (flags & BN_DISK_TRUNCATE) how |= O_TRUNC;
    int fd;
    do {
        fd = open(path, how, 0644);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) return fail(e, "open", path);
    size_t len = strlen(path);
    struct real_file *f = bn_alloc(sizeof *f + len + 1);
    memcpy(f->path, path, len + 1);
    bn_shared_init(&f->file.base.shared, release_file);
    f->file.base.fd = fd;
    f->file.disk = d;
    *out = &f->file;
    return 0;
}

static ssize_t real_pread(struct bn_file *f, void *ptr, size_t len, int64_t offset, struct bn_err *e) {
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(f->base.fd, (char *)ptr + done, len - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(e, "read", path_of(f));
        if (n == 0) break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int real_pwritev(struct bn_file *f, const struct iovec *iov, int iov_count, int64_t offset, struct bn_err *e) {
    struct iovec rest[16];
    int at = 0;
    size_t skip = 0; /* bytes of iov[at] that are written */
    for (;;) {
        while (at < iov_count && skip >= iov[at].iov_len) skip -= iov[at++].iov_len;
        if (at == iov_count) return 0;
        int count = iov_count - at < (int)BN_ARRAY_LEN(rest) ? iov_count - at : (int)BN_ARRAY_LEN(rest);
        memcpy(rest, iov + at, (size_t)count * sizeof *rest);
        rest[0].iov_base = (char *)rest[0].iov_base + skip;
        rest[0].iov_len -= skip;
        ssize_t n = pwritev(f->base.fd, rest, count, offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(e, "write", path_of(f));
        skip += (size_t)n;
        offset += n;
    }
}

/* A sync that finds no room has lost what it was to write, like any other that fails. */
static int real_datasync(struct bn_file *f, struct bn_err *e) {
    if (fdatasync(f->base.fd) == 0) return 0;
    (void)fail(e, "sync", path_of(f));
    return BN_IO;
}

static int real_truncate(struct bn_file *f, int64_t size, struct bn_err *e) {
    int rc;
    do {
        rc = ftruncate(f->base.fd, size);
    } while (rc < 0 && errno == EINTR);
    return rc == 0 ? 0 : fail(e, "truncate", path_of(f));
}

static int real_size(struct bn_file *f, int64_t *out, struct bn_err *e) {
    struct stat st;
    if (fstat(f->base.fd, &st) != 0) return fail(e, "stat", path_of(f));
    *out = st.st_size;
    return 0;
}

static int real_allocate(struct bn_file *f, int64_t offset, int64_t len, struct bn_err *e) {
    int rc;
    do {
        rc = fallocate(f->base.fd, FALLOC_FL_KEEP_SIZE, offset, len);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return 0;
    return fail(e, "allocate", path_of(f));
}

static int real_rename(const struct bn_disk *d, const char *from, const char *to, struct bn_err *e) {
    (void)d;
    return rename(from, to) == 0 ? 0 : fail(e, "rename", from);
}

static int real_unlink(const struct bn_disk *d, const char *path, struct bn_err *e) {
    (void)d;
    return unlink(path) == 0 ? 0 : fail(e, "delete", path);
}

static int real_mkdir(const struct bn_disk *d, const char *path, struct bn_err *e) {
    (void)d;
    char *copy = bn_alloc_strdup(path);
    int rc = 0;
    /* Each parent in turn, by cutting the path at its slashes. */
    for (char *p = copy + 1; rc == 0; p++) {
        bool last = *p == '\0';
        if (*p != '/' && !last) continue;
        *p = '\0';
        if (mkdir(copy, 0755) != 0 && errno != EEXIST) rc = fail(e, "make directory", copy);
        if (last) break;
        *p = '/';
    }
    struct stat st;
    if (rc == 0 && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))) {
        errno = ENOTDIR;
        rc = fail(e, "make directory", path);
    }
    bn_alloc_free(copy);
    return rc;
}

static int real_rmdir(const struct bn_disk *d, const char *path, struct bn_err *e) {
    (void)d;
    return rmdir(path) == 0 ? 0 : fail(e, "remove directory", path);
}

static int real_sync_dir(const struct bn_disk *d, const char *path, struct bn_err *e) {
    (void)d;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail(e, "open directory", path);
    int rc = fsync(fd) == 0 ? 0 : fail(e, "sync directory", path);
    close(fd);
    return rc ? BN_IO : 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct bn_disk_entry *)a)->name, ((const struct bn_disk_entry *)b)->name);
}

static bool is_dir(DIR *dir, const struct dirent *de) {
    if (de->d_type != DT_UNKNOWN) return de->d_type == DT_DIR;
    struct stat st;
    return fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int real_list(const struct bn_disk *d, const char *path, struct bn_disk_entry **out, size_t *count,
                     struct bn_err *e) {
    (void)d;
    DIR *dir = opendir(path);
    if (!dir) return fail(e, "list", path);
    struct bn_disk_entry *list = NULL;
    size_t n = 0, capacity = 0;
    for (;;) {
        errno = 0;
        const struct dirent *de = readdir(dir);
        if (!de) break;
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0) continue;
        if (n == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            list = bn_alloc_resize(list, capacity * sizeof *list);
        }
        snprintf(list[n].name, sizeof list[n].name, "%s", de->d_name);
        list[n++].is_dir = is_dir(dir, de);
    }
    int rc = errno ? fail(e, "list", path) : 0;
    closedir(dir);
    if (rc) {
        bn_alloc_free(list);
        return rc;
    }
    if (n) qsort(list, n, sizeof *list, by_name);
    *out = list ? list : bn_alloc(sizeof *list);
    *count = n;
    return 0;
}

static int real_mtime_ms(const struct bn_disk *d, const char *path, int64_t *out, struct bn_err *e) {
    (void)d;
    struct stat st;
    if (stat(path, &st) != 0) return fail(e, "stat", path);
    *out = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return 0;
}

static int real_space(const struct bn_disk *d, const char *path, int64_t *total, int64_t *usable, struct bn_err *e) {
    (void)d;
    struct statvfs st;
    if (statvfs(path, &st) != 0) return fail(e, "statvfs", path);
    *total = (int64_t)(st.f_blocks * st.f_frsize);
    *usable = (int64_t)(st.f_bavail * st.f_frsize);
    return 0;
}

const struct bn_disk *bn_disk_real(void) {
    static const struct bn_disk real = {
        .open = real_open,
        .pread = real_pread,
        .pwritev = real_pwritev,
        .datasync = real_datasync,
        .truncate = real_truncate,
        .size = real_size,
        .allocate = real_allocate,
        .rename = real_rename,
        .unlink = real_unlink,
        .mkdir = real_mkdir,
        .rmdir = real_rmdir,
        .sync_dir = real_sync_dir,
        .list = real_list,
        .mtime_ms = real_mtime_ms,
        .space = real_space,
    };
    return &real;
}

int bn_disk_read_all(const struct bn_disk *d, const char *path, size_t max, uint8_t **out, size_t *len,
                     struct bn_err *e) {
    struct bn_file *f;
    int rc = d->open(d, path, BN_DISK_READ, &f, e);
    if (rc) return rc;
    int64_t size = 0;
    rc = d->size(f, &size, e);
    if (rc == 0 && (uint64_t)size > max) {
        rc = bn_err_set(e, BN_FULL, "read %s: %" PRId64 " bytes, more than %zu", path, size, max);
    }
    uint8_t *bytes = NULL;
    if (rc == 0) {
        /* One byte more than asked for, always NUL, for those who read text. */
        bytes = bn_alloc((size_t)size + 1);
        ssize_t n = d->pread(f, bytes, (size_t)size, 0, e);
        if (n < 0)
            rc = (int)n;
        else
            bytes[ *len = (size_t)n] = '\0';
    }
    bn_file_unref(f);
    if (rc)
        bn_alloc_free(bytes);
    else
        *out = bytes;
    return rc;
}

static int sync_parent(const struct bn_disk *d, const char *path, struct bn_err *e) {
    const char *slash = strrchr(path, '/');
    char *dir = !slash ? bn_alloc_strdup(".") : bn_alloc_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int rc = d->sync_dir(d, dir, e);
    bn_alloc_free(dir);
    return rc;
}

int bn_disk_write_atomic(const struct bn_disk *d, const char *path, const void *ptr, size_t len, struct bn_err *e) {
    char *tmp = bn_alloc_printf("%s.tmp", path);
    struct bn_file *f;
    int rc = d->open(d, tmp, BN_DISK_WRITE | BN_DISK_CREATE | BN_DISK_TRUNCATE, &f, e);
    if (rc == 0) {
        struct iovec iov = {(void *)(uintptr_t)ptr, len};
        rc = d->pwritev(f, &iov, 1, 0, e);
        if (rc == 0) rc = d->datasync(f, e);
        bn_file_unref(f);
        if (rc == 0) rc = d->rename(d, tmp, path, e);
        if (rc == 0)
            rc = sync_parent(d, path, e);
        else
            (void)d->unlink(d, tmp, NULL);
    }
    bn_alloc_free(tmp);
    return rc;
}

int bn_disk_remove_tree(const struct bn_disk *d, const char *path, struct bn_err *e) {
    struct bn_disk_entry *list;
    size_t count;
    int rc = d->list(d, path, &list, &count, e);
    if (rc == BN_NOTFOUND) return 0;
    if (rc) return rc;
    for (size_t i = 0; i < count && rc == 0; i++) {
        char *child = bn_alloc_printf("%s/%s", path, list[i].name);
        rc = list[i].is_dir ? bn_disk_remove_tree(d, child, e) : d->unlink(d, child, e);
        if (rc == BN_NOTFOUND) rc = 0;
        bn_alloc_free(child);
    }
    bn_alloc_free(list);
    if (rc == 0) rc = d->rmdir(d, path, e);
    return rc == BN_NOTFOUND ? 0 : rc;
}

bool bn_disk_exists(const struct bn_disk *d, const char *path) {
    int64_t mtime;
    return d->mtime_ms(d, path, &mtime, NULL) == 0;
}
