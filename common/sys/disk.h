/* disk.h: the door to files. A vtable, so that tests and the simulation can crash, tear and fill a disk.
 * All calls return >= 0 or a negative bn_status with *e (may be NULL) naming the path; they retry EINTR
 * and short transfers. BN_NOROOM: the filesystem or the user's quota is full, or there are no descriptors left; never
 * of a sync. Any thread; a file is written by one at a time. */
#ifndef BN_DISK_H
#define BN_DISK_H

#include <sys/types.h>
#include <sys/uio.h>

#include "common/base/base.h"
#include "common/base/buf.h"
#include "common/base/err.h"

struct bn_disk;

/* An open file; shared, so that a chain part may outlive a segment. `base.fd` is what sendfile uses. */
struct bn_file {
    struct bn_fd base;
    const struct bn_disk *disk;
};
static inline void bn_file_unref(struct bn_file *f) { bn_shared_unref(f ? &f->base.shared : NULL); }
static inline void bn_file_ref(struct bn_file *f) { bn_shared_ref(&f->base.shared); }

struct bn_disk_entry {
    char name[256];
    bool is_dir;
};

enum { BN_DISK_READ = 0, BN_DISK_WRITE = 1, BN_DISK_CREATE = 2, BN_DISK_EXCLUSIVE = 4, BN_DISK_TRUNCATE = 8 };

struct bn_disk {
    int (*open)(const struct bn_disk *, const char *path, int flags, struct bn_file **out, struct bn_err *e);
    /* Bytes read; less than len only at the end of the file. */
    ssize_t (*pread)(struct bn_file *, void *ptr, size_t len, int64_t offset, struct bn_err *e);
    /* All or an error. */
    int (*pwritev)(struct bn_file *, const struct iovec *iov, int iov_count, int64_t offset, struct bn_err *e);
    int (*datasync)(struct bn_file *, struct bn_err *e);
    int (*truncate)(struct bn_file *, int64_t size, struct bn_err *e);
    int (*size)(struct bn_file *, int64_t *out, struct bn_err *e);
    /* Reserves room behind the end without changing the size; a filesystem that can't is no error. */
    int (*allocate)(struct bn_file *, int64_t offset, int64_t len, struct bn_err *e);
    int (*rename)(const struct bn_disk *, const char *from, const char *to, struct bn_err *e);
    int (*unlink)(const struct bn_disk *, const char *path, struct bn_err *e); /* BN_NOTFOUND when absent */
    int (*mkdir)(const struct bn_disk *, const char *path, struct bn_err *e);  /* parents too; there = 0 */
    int (*rmdir)(const struct bn_disk *, const char *path, struct bn_err *e);
    int (*sync_dir)(const struct bn_disk *, const char *path, struct bn_err *e);
    /* Gives an array sorted by name (bn_alloc_free it), without . and .. */
    int (*list)(const struct bn_disk *, const char *path, struct bn_disk_entry **out, size_t *count, struct bn_err *e);
    int (*mtime_ms)(const struct bn_disk *, const char *path, int64_t *out, struct bn_err *e); /* BN_NOTFOUND */
    /* How large the filesystem is that holds path, and how much of it this user may still fill; bytes. */
    int (*space)(const struct bn_disk *, const char *path, int64_t *total, int64_t *usable, struct bn_err *e);
};

const struct bn_disk *bn_disk_real(void);

/* Made of the calls above, for small files. */
/* Gives the bytes with a NUL behind them; BN_FULL when the file is longer than max. */
int bn_disk_read_all(const struct bn_disk *d, const char *path, size_t max, uint8_t **out, size_t *len,
                     struct bn_err *e);
/* Writes path.tmp, syncs, renames, syncs the directory. */
int bn_disk_write_atomic(const struct bn_disk *d, const char *path, const void *ptr, size_t len, struct bn_err *e);
int bn_disk_remove_tree(const struct bn_disk *d, const char *path, struct bn_err *e); /* absent = 0 */
bool bn_disk_exists(const struct bn_disk *d, const char *path);

#endif
