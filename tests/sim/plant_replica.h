/* plant_replica.h: the functions that the linker leads through plant_replica.c, and their real ones. */
#ifndef SIM_PLANT_REPLICA_H
#define SIM_PLANT_REPLICA_H

#include "broker/replica/partition_int.h"
#include "tests/sim/world.h"

#define SIM_PLANT_WRAP(type, name, ...)                                                                                \
    type __real_##name(__VA_ARGS__);                                                                                   \
    type __wrap_##name(__VA_ARGS__)

SIM_PLANT_WRAP(int64_t, bn_isr_watermark, const struct bn_isr *s, const struct bn_isr_view *v, int32_t min_insync);
SIM_PLANT_WRAP(bool, bn_isr_expand, struct bn_isr *s, const struct bn_isr_view *v, int32_t follower);
SIM_PLANT_WRAP(enum bn_isr_outcome, bn_isr_answered, struct bn_isr *s, const struct bn_isr_answer *a, int64_t now_ms);
SIM_PLANT_WRAP(enum bn_isr_verdict, bn_isr_admit, const struct bn_isr *s, const struct bn_isr_view *v,
               const struct bn_isr_fetch *f);
SIM_PLANT_WRAP(bool, bn_isr_fetched, struct bn_isr *s, const struct bn_isr_view *v, const struct bn_isr_fetch *f);
SIM_PLANT_WRAP(void, bn_partition_decide, struct bn_partition *p, const struct bn_image_partition *state);
SIM_PLANT_WRAP(void, bn_partition_refuse, struct bn_partition *p, int16_t error);
SIM_PLANT_WRAP(void, bn_partition_refuse_parked, struct bn_partition *p, int16_t error);
SIM_PLANT_WRAP(int, bn_partition_fetched, struct bn_partition *p, const struct bn_partition_fetched *f);
SIM_PLANT_WRAP(int, bn_logdirs_cut, struct bn_logdirs *d, const struct bn_logdir_point *p, struct bn_err *e);
SIM_PLANT_WRAP(int, bn_logdirs_place, struct bn_logdirs *d, const char *topic, int32_t partition, bool create,
               struct bn_log_open *o, struct bn_err *e);
SIM_PLANT_WRAP(int, bn_logdirs_remove, struct bn_logdirs *d, const char *topic, int32_t partition, bool stray,
               int64_t delay_ms, struct bn_pool *pool, struct bn_err *e);
SIM_PLANT_WRAP(void, bn_agent_register, struct bn_agent *a, const struct bn_agent_registration *registration);

/* An image that a broker has applied. */
void sim_plant_image(const struct sim_proc *p, struct bn_image *image);

#endif
