/* taps_group.c: where the simulation listens in on group coordinators: answers of one who has been deposed and can't
 * know it are noted, since nobody promises that they are the newest; but that it keeps no member content for longer
 * than half a session (safety §5). */
#include "broker/group/coordinator_int.h"
#include "proto/kafka/errors.h"
#include "tests/sim/groups.h"
#include "tests/sim/plant_replica.h"

SIM_PLANT_WRAP(int16_t, bn_coordinator_offsets, struct bn_coordinator *c, int32_t partition, struct bn_slice group,
               const struct bn_offsets **out);
SIM_PLANT_WRAP(int16_t, bn_coordinator_heartbeat, struct bn_coordinator *c, int32_t partition, struct bn_slice group,
               int32_t generation, struct bn_slice member_id, struct bn_slice instance_id);
SIM_PLANT_WRAP(void, bn_coordinator_join, struct bn_coordinator *c, int32_t partition, struct bn_slice group,
               struct bn_coordinator_join *j);
SIM_PLANT_WRAP(void, bn_coordinator_sync, struct bn_coordinator *c, int32_t partition, struct bn_slice group,
               struct bn_coordinator_sync *s);
SIM_PLANT_WRAP(void, bn_coordinator_commit, struct bn_coordinator *c, int32_t partition, struct bn_slice group,
               struct bn_coordinator_commit *m);

/* True when it speaks for the group and is not its coordinator. One that loads knows nothing yet, and says "all is
 * well" to heartbeats: nothing is lost meanwhile. */
static bool is_deposed(struct bn_coordinator *c, int32_t partition, struct bn_slice group) {
    const struct bn_coordinator_seat *s = bn_coordinator_seat(c, partition);
    int broker = sim_here->current->index;
    if (!s) return false;
    if (sim_groups_is_coordinator(sim_here, broker, partition, s->leader_epoch)) {
        if (s->loaded)
            sim_groups_took_over(sim_here, partition, s->leader_epoch);
        else
            sim_groups_unsure(sim_here, broker, group);
        return false;
    }
    sim_groups_unsure(sim_here, broker, group);
    return true;
}

int16_t __wrap_bn_coordinator_offsets(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                      const struct bn_offsets **out) {
    is_deposed(c, partition, group);
    return __real_bn_coordinator_offsets(c, partition, group, out);
}

int16_t __wrap_bn_coordinator_heartbeat(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                        int32_t generation, struct bn_slice member_id, struct bn_slice instance_id) {
    bool deposed = is_deposed(c, partition, group);
    int16_t error = __real_bn_coordinator_heartbeat(c, partition, group, generation, member_id, instance_id);
    if (deposed && error == KE_NONE) sim_invariant_deposed(sim_here, sim_here->current->index, partition);
    return error;
}

void __wrap_bn_coordinator_join(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                struct bn_coordinator_join *j) {
    is_deposed(c, partition, group);
    __real_bn_coordinator_join(c, partition, group, j);
}

void __wrap_bn_coordinator_sync(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                struct bn_coordinator_sync *s) {
    is_deposed(c, partition, group);
    __real_bn_coordinator_sync(c, partition, group, s);
}

void __wrap_bn_coordinator_commit(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                  struct bn_coordinator_commit *m) {
    is_deposed(c, partition, group);
    __real_bn_coordinator_commit(c, partition, group, m);
}
