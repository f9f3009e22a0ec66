/* compact_plan.c: pure arithmetic over a list of segments, in Kafka's terms: behind the offset where the last cleaning
 * stopped a log is dirty, up to the first segment that may not be touched: the active one, one that reaches above what
 * is stable, one with a record younger than min.compaction.lag.ms. */
#include "broker/log/compact_plan.h"

enum { TIME_ENTRY = 12, BATCH_MIN = 61 };

static int64_t dirty_from(const struct bn_compact_plan_limits *l, int64_t end) {
    return l->cleaned_to < l->start || l->cleaned_to > end ? l->start : l->cleaned_to;
}

void bn_compact_plan_make(const struct bn_compact_plan_segment *list, uint32_t count,
                          const struct bn_compact_plan_limits *l, struct bn_compact_plan *out) {
    *out = (struct bn_compact_plan){.dirty_from = dirty_from(l, count ? list[count - 1].end : l->start)};
    uint32_t n = 0;
    while (n + 1 < count && list[n].end <= l->stable) {
        const struct bn_compact_plan_segment *s = &list[n];
        bool dirty = s->end > out->dirty_from;
        if (dirty && l->lag_min_ms > 0 && s->newest_ms > l->now_ms - l->lag_min_ms) break;
        if (dirty) {
            out->dirty_bytes += s->size;
            if (s->first_ms >= 0 && l->now_ms - s->first_ms > l->lag_max_ms) out->overdue = true;
        } else {
            out->clean_bytes += s->size;
        }
        n++;
    }
    int64_t upto = n > 0 ? list[n - 1].end : l->start;
    out->count = n;
    out->upto = upto < out->dirty_from ? out->dirty_from : upto;
    if (out->upto == out->dirty_from) {
        out->count = 0;
        out->overdue = false;
    }
}

double bn_compact_plan_ratio(const struct bn_compact_plan *p) {
    int64_t all = p->clean_bytes + p->dirty_bytes;
    return all > 0 ? (double)p->dirty_bytes / (double)all : 0;
}

/* At most so many bytes of time index does a segment of this size have. */
static int64_t index_bytes(int64_t size, int64_t interval) {
    return (size / bn_max_i64(interval, BATCH_MIN) + 2) * TIME_ENTRY;
}

uint32_t bn_compact_plan_group(const struct bn_compact_plan_segment *list, uint32_t count,
                               const struct bn_compact_plan_room *room) {
    int64_t bytes = list[0].size, index = index_bytes(list[0].size, room->index_interval);
    uint32_t n = 1;
    for (; n < count; n++) {
        bytes += list[n].size;
        index += index_bytes(list[n].size, room->index_interval);
        bool fits = bytes <= room->segment_bytes && index <= room->index_bytes &&
                    list[n].end - 1 - list[0].base <= INT32_MAX;
        if (!fits) break;
    }
    return n;
}
