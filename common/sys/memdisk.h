/* memdisk.h: a disk in memory, for tests: it can fail any call, fill up, and lose power. In a library of its
 * own (libmemdisk.a) that no program links. Its files have descriptor -1: they are read, never sent.
 *
 * What survives a power cut is what POSIX promises and no more: the bytes of a file up to its last datasync,
 * and the names in a directory as of its last sync_dir. A file whose bytes were synced under a name that was
 * not is gone. */
#ifndef BN_MEMDISK_H
#define BN_MEMDISK_H

#include "common/sys/disk.h"

enum bn_memdisk_call {
    BN_MEMDISK_OPEN,
    BN_MEMDISK_PREAD,
    BN_MEMDISK_PWRITEV,
    BN_MEMDISK_DATASYNC,
    BN_MEMDISK_TRUNCATE,
    BN_MEMDISK_SIZE,
    BN_MEMDISK_ALLOCATE,
    BN_MEMDISK_RENAME,
    BN_MEMDISK_UNLINK,
    BN_MEMDISK_MKDIR,
    BN_MEMDISK_RMDIR,
    BN_MEMDISK_SYNC_DIR,
    BN_MEMDISK_LIST,
    BN_MEMDISK_MTIME,
    BN_MEMDISK_SPACE,
    BN_MEMDISK_CALLS,
};

struct bn_memdisk;

/* An empty disk; only "/" exists, and every path starts there (a relative one, too). Any thread. */
struct bn_memdisk *bn_memdisk_new(void);
void bn_memdisk_free(struct bn_memdisk *m); /* open files must be closed before */
const struct bn_disk *bn_memdisk_disk(struct bn_memdisk *m);

/* The nth call of this kind from now (1 = the next) fails with BN_IO, and the `times` - 1 behind it too
 * (INT_MAX = for good; 0 = back to health). A failed pwritev has written the first half of its bytes. */
void bn_memdisk_fail(struct bn_memdisk *m, enum bn_memdisk_call call, int nth, int times);
/* Files may grow by this many bytes in all, then writes are cut and fail with BN_NOROOM (< 0 = no bound). */
void bn_memdisk_set_room(struct bn_memdisk *m, int64_t bytes);
/* How many calls of this kind were made. */
int bn_memdisk_calls(struct bn_memdisk *m, enum bn_memdisk_call call);
/* Power off and on. seed 0: everything un-synced is lost. Otherwise of each file's un-synced tail a random part
 * survives, as a real disk may have written some of it, now and then with something else in its midst. Open files stay
 * valid, on what is left of them. */
void bn_memdisk_crash(struct bn_memdisk *m, uint64_t seed);
/* The time that files are stamped with from now on (starts at 1000). */
void bn_memdisk_set_time(struct bn_memdisk *m, int64_t now_ms);
/* Flips the bits of mask in one byte of a file, synced or not: rot. False when there is no such byte. */
bool bn_memdisk_rot(struct bn_memdisk *m, const char *path, int64_t offset, uint8_t mask);

#endif
