/* taps_group.c: where the simulation listens in on group coordinators: answers of one who has been deposed and can't
 * know it are noted, since nobody promises that they are the newest (safety §5). */
#include "broker/group/coordinator_int.h"
#include "tests/sim/groups.h"

int16_t __real_bn_coordinator_offsets(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                      const struct bn_offsets **out);
int16_t __wrap_bn_coordinator_offsets(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                      const struct bn_offsets **out);
int16_t __real_bn_coordinator_heartbeat(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                        int32_t generation, struct bn_slice member_id, struct bn_slice instance_id);
int16_t __wrap_bn_coordinator_heartbeat(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                        int32_t generation, struct bn_slice member_id, struct bn_slice instance_id);

static void note(struct bn_coordinator *c, int32_t partition, struct bn_slice group) {
    const struct bn_coordinator_seat *s = bn_coordinator_seat(c, partition);
    int broker = sim_here->current->index;
    if (s && !sim_groups_is_coordinator(sim_here, broker, partition, s->leader_epoch))
        sim_groups_unsure(sim_here, broker, group);
}

int16_t __wrap_bn_coordinator_offsets(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                      const struct bn_offsets **out) {
    note(c, partition, group);
    return __real_bn_coordinator_offsets(c, partition, group, out);
}

int16_t __wrap_bn_coordinator_heartbeat(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                                        int32_t generation, struct bn_slice member_id, struct bn_slice instance_id) {
    note(c, partition, group);
    return __real_bn_coordinator_heartbeat(c, partition, group, generation, member_id, instance_id);
}
