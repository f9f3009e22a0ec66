/* timeindex.h: what the time index means on top of index.h. Private to broker/log. */
#ifndef BN_TIMEINDEX_H
#define BN_TIMEINDEX_H

#include "broker/log/index.h"

/* Adds (timestamp_ms, offset) if the timestamp is above the last entry's: up to there, nothing is newer. */
int bn_timeindex_add(struct bn_index *x, int64_t timestamp_ms, int64_t offset) BN_MUST_CHECK;
/* The last entry; timestamp -1 and the base offset when there is none. */
int bn_timeindex_last(struct bn_index *x, int64_t *timestamp_ms, int64_t *offset) BN_MUST_CHECK;
/* An offset from which on a search for timestamp_ms may start: nothing before it is as new. */
int bn_timeindex_start(struct bn_index *x, int64_t timestamp_ms, int64_t *offset) BN_MUST_CHECK;

#endif
