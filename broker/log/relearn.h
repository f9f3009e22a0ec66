/* relearn.h: leader epochs out of batches, where these know more than the epoch file. Private to broker/log. */
#ifndef BN_RELEARN_H
#define BN_RELEARN_H

#include "broker/log/log_int.h"

/* Pool thread, while the log is opened; the first `count` segments are whole, and recovery can walk the others. Where
 * the table that was read from leader-epoch-checkpoint does not tell the epoch of their last batch, or begins above the
 * log's first, it is made anew from the headers of those segments. start_offset: of the checkpoint. window: memory to
 * read into, at least BN_BATCH_HEADER. 0 = it knew; 1 = made anew: the other segments must be walked for theirs; BN_IO.
 * Damage is recovery's business. */
int bn_relearn_run(struct bn_log *l, uint32_t count, int64_t start_offset, struct bn_slice window,
                   struct bn_err *e) BN_MUST_CHECK;

#endif
