/* epochs.h: where each leader epoch starts (3-replication 3.6) and the file leader-epoch-checkpoint. Private to
 * broker/log. */
#ifndef BN_EPOCHS_H
#define BN_EPOCHS_H

#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/base/str.h"

struct bn_epochs_entry {
    int64_t start_offset;
    int32_t epoch;
};

struct bn_epochs {
    struct bn_epochs_entry *entries; /* epoch and start ascend strictly */
    uint32_t count, capacity;
};

void bn_epochs_init(struct bn_epochs *t);
void bn_epochs_fini(struct bn_epochs *t);
/* True if something changed. Negative epochs (old producers of the format) are ignored. */
bool bn_epochs_assign(struct bn_epochs *t, int32_t epoch, int64_t start_offset);
bool bn_epochs_truncate_end(struct bn_epochs *t, int64_t end_offset);     /* drops what starts at or above it */
bool bn_epochs_truncate_start(struct bn_epochs *t, int64_t start_offset); /* the one that covers it now starts there */
int32_t bn_epochs_latest(const struct bn_epochs *t);                      /* -1 */
int32_t bn_epochs_of(const struct bn_epochs *t, int64_t offset);          /* -1 */
void bn_epochs_end_of(const struct bn_epochs *t, int32_t epoch, int64_t log_end, int32_t *found, int64_t *end_offset);
void bn_epochs_format(const struct bn_epochs *t, struct bn_str *out);
/* Replaces all. BN_BAD leaves the table empty. */
int bn_epochs_parse(struct bn_epochs *t, struct bn_slice text, struct bn_err *e) BN_MUST_CHECK;

#endif
