/* findtime.h: offsets by timestamp (ListOffsets). Private to broker/log. */
#ifndef BN_FINDTIME_H
#define BN_FINDTIME_H

#include "broker/log/log.h"

enum { BN_FINDTIME_EXPAND_MAX = 128 << 20 }; /* bytes one batch may expand to */

/* The first record at or above the log's start, below upper_offset, whose timestamp is at least timestamp_ms. */
int bn_findtime_first(struct bn_log *l, int64_t timestamp_ms, int64_t upper_offset,
                      struct bn_log_found *out) BN_MUST_CHECK;
/* The first record of the largest timestamp. */
int bn_findtime_newest(struct bn_log *l, struct bn_log_found *out) BN_MUST_CHECK;

#endif
