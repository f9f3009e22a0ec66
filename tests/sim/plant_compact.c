/* plant_compact.c: planted bugs of log compaction, each at a border between files of broker/log (the linker's --wrap).
 * Without its plant a wrapper only passes on. One more, a sync that is left out, is in disk.c. */
#include "tests/sim/plant.h"
#include "tests/sim/taps_compact.h"

static bool is(enum sim_plant p) { return sim_planted == p; }

void __wrap_bn_compact_plan_make(const struct bn_compact_plan_segment *list, uint32_t count,
                                 const struct bn_compact_plan_limits *l, struct bn_compact_plan *out) {
    struct bn_compact_plan_limits changed = *l;
    if (is(SIM_PLANT_CLEAN_BEYOND)) changed.stable = INT64_MAX;
    if (is(SIM_PLANT_NO_LAG)) changed.lag_min_ms = 0;
    __real_bn_compact_plan_make(list, count, &changed, out);
}

bool __wrap_bn_compact_map_put(struct bn_compact_map *m, struct bn_slice key, int64_t offset) {
    return __real_bn_compact_map_put(m, key, offset + is(SIM_PLANT_NEWEST_GOES));
}

void __wrap_bn_compact_sift_batch(struct bn_compact_sift *s, const struct bn_batch *b, bool must_stay,
                                  struct bn_str *out) {
    if (is(SIM_PLANT_TOMBSTONE_GOES)) s->delete_retention_ms = 0;
    if (is(SIM_PLANT_SEQUENCE_GOES)) s->producer_count = 0;
    __real_bn_compact_sift_batch(s, b, must_stay && !is(SIM_PLANT_EPOCH_GOES), out);
}

int __wrap_bn_leftover_clean(const struct bn_index_place *place, struct bn_err *e) {
    return is(SIM_PLANT_HALF_SWAPPED) ? 0 : __real_bn_leftover_clean(place, e);
}
