/* checkpoint.h: Kafka's checkpoint text: a version, a count, lines of words (4-storage 4.1). Private to broker/log. */
#ifndef BN_CHECKPOINT_H
#define BN_CHECKPOINT_H

#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/sys/disk.h"

enum { BN_CHECKPOINT_WORDS_MAX = 4 };
#define BN_CHECKPOINT_BYTES_MAX ((size_t)256 << 20)

/* Calls line(arg, words, count) for each entry; it answers 0 or BN_BAD. An empty text has no entries. BN_BAD: another
 * version, a count that is not that of the lines, a line of too many words or one that line() refuses. */
int bn_checkpoint_parse(struct bn_slice text, int (*line)(void *arg, struct bn_slice *words, int count), void *arg,
                        struct bn_err *e) BN_MUST_CHECK;
/* The same of a file; absent = no entries. */
int bn_checkpoint_read(const struct bn_disk *disk, const char *path,
                       int (*line)(void *arg, struct bn_slice *words, int count), void *arg,
                       struct bn_err *e) BN_MUST_CHECK;

#endif
