/* logread.h: finding what a fetch wants. Private to broker/log. */
#ifndef BN_LOGREAD_H
#define BN_LOGREAD_H

#include "common/base/chain.h"

struct bn_log;
struct bn_log_range;
struct bn_segment;

/* Known starts of batches: of the last appends, and where the last reads ended. A consumer that goes on where it
 * stopped, or that follows the tail, costs no index look-up. */
struct bn_logread_mark {
    int64_t offset, segment_base, position; /* offset -1 = unused */
};
enum { BN_LOGREAD_TAIL = 16, BN_LOGREAD_READ = 4 };
struct bn_logread_marks {
    struct bn_logread_mark tail[BN_LOGREAD_TAIL], read[BN_LOGREAD_READ];
    uint32_t tail_next, read_next;
};

/* The batch that starts with offset stands at position of s; s is the active segment when tail. */
void bn_logread_mark(struct bn_log *l, const struct bn_segment *s, int64_t offset, int64_t position, bool tail);
void bn_logread_forget(struct bn_log *l); /* the log was truncated */

/* See bn_log_read_range. */
int bn_logread_range(struct bn_log *l, struct bn_log_range *w, struct bn_chain *out) BN_MUST_CHECK;

#endif
