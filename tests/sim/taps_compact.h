/* taps_compact.h: the functions of a cleaning that the linker leads through taps_compact.c and plant_compact.c, and
 * their real ones. */
#ifndef SIM_TAPS_COMPACT_H
#define SIM_TAPS_COMPACT_H

#include "broker/log/compact_pass.h"
#include "broker/log/leftover.h"
#include "tests/sim/plant_replica.h"

SIM_PLANT_WRAP(int, bn_compact_pass_index, struct bn_compact_pass *p, struct bn_err *e);
SIM_PLANT_WRAP(int, bn_compact_pass_write, struct bn_compact_pass *p, struct bn_err *e);
SIM_PLANT_WRAP(int, bn_compact_pass_swap, const struct bn_compact_pass *p, struct bn_err *e);
SIM_PLANT_WRAP(void, bn_compact_plan_make, const struct bn_compact_plan_segment *list, uint32_t count,
               const struct bn_compact_plan_limits *l, struct bn_compact_plan *out);
SIM_PLANT_WRAP(bool, bn_compact_map_put, struct bn_compact_map *m, struct bn_slice key, int64_t offset);
SIM_PLANT_WRAP(void, bn_compact_sift_batch, struct bn_compact_sift *s, const struct bn_batch *b, bool must_stay,
               struct bn_str *out);
SIM_PLANT_WRAP(int, bn_leftover_clean, const struct bn_index_place *place, struct bn_err *e);

#endif
