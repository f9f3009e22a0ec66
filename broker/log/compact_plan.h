/* compact_plan.h: what of a log may be cleaned, how much that is, and which segments become one (4-storage 4.12).
 * Private to broker/log. */
#ifndef BN_COMPACT_PLAN_H
#define BN_COMPACT_PLAN_H

#include "common/base/base.h"

struct bn_compact_plan_segment {
    int64_t base, end, size;     /* offsets [base, end), bytes */
    int64_t first_ms, newest_ms; /* times; -1 = none. Only looked at where a lag is configured */
};

struct bn_compact_plan_limits {
    int64_t cleaned_to;    /* where the last cleaning stopped, -1 = never */
    int64_t start, stable; /* the log's start; nothing at or above `stable` is touched */
    int64_t now_ms, lag_min_ms, lag_max_ms;
};

struct bn_compact_plan {
    uint32_t count;           /* segments from the front that may be cleaned */
    int64_t dirty_from, upto; /* offsets; dirty_from == upto: nothing is dirty */
    int64_t clean_bytes, dirty_bytes;
    bool overdue; /* a dirty record is older than lag_max_ms */
};
/* The last of the segments is the active one. */
void bn_compact_plan_make(const struct bn_compact_plan_segment *list, uint32_t count,
                          const struct bn_compact_plan_limits *limits, struct bn_compact_plan *out);
/* The share of dirty bytes, 0 when there is nothing. */
double bn_compact_plan_ratio(const struct bn_compact_plan *p);

struct bn_compact_plan_room {
    int64_t segment_bytes, index_bytes, index_interval;
};
/* How many segments from the first of the list on become one: at least 1, of count > 0. */
uint32_t bn_compact_plan_group(const struct bn_compact_plan_segment *list, uint32_t count,
                               const struct bn_compact_plan_room *room);

#endif
