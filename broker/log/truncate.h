/* truncate.h: dropping the end of a log, or all of it. Private to broker/log. */
#ifndef BN_TRUNCATE_H
#define BN_TRUNCATE_H

#include "broker/log/log_int.h"

/* See bn_log_truncate and bn_log_truncate_fully. */
void bn_truncate_run(struct bn_log *l, int64_t offset, const struct bn_log_cut *how);
void bn_truncate_fully(struct bn_log *l, int64_t new_start, const struct bn_log_cut *how);
/* The log goes away; no flush runs. finish: a truncation that is not on disk yet is brought there, on this thread if
 * its job has not begun; else one that has not begun is given up. Waits for one that has. done() still comes, with
 * BN_CLOSED. Any thread. */
void bn_truncate_settle(struct bn_log *l, bool finish);

#endif
