/* plant_group.c: planted bugs of group coordinators and of the controller that keeps their state: each breaks one rule
 * of safety §5, at a border between files (the linker's --wrap). Without its plant a wrapper only passes on. */
#include "broker/group/coordinator_int.h"
#include "broker/group/group_int.h"
#include "controller/brain/groups.h"
#include "controller/brain/model_inside.h"
#include "proto/kafka/errors.h"
#include "tests/sim/groups.h"
#include "tests/sim/plant.h"
#include "tests/sim/plant_replica.h"

SIM_PLANT_WRAP(void, bn_group_resume, struct bn_group *g, int64_t now_ms, const struct bn_group_resume *r);
SIM_PLANT_WRAP(void, bn_coordinator_store, struct bn_coordinator_club *k);
SIM_PLANT_WRAP(void, bn_groups_request, struct bn_model *m, const struct bn_event_group_write *e);
SIM_PLANT_WRAP(void, bn_group_join, struct bn_group *g, int64_t now_ms, const struct bn_group_join *j,
               struct bn_group_outs *out);
SIM_PLANT_WRAP(void, bn_group_sync, struct bn_group *g, int64_t now_ms, const struct bn_group_sync *s,
               struct bn_group_outs *out);
SIM_PLANT_WRAP(int16_t, bn_group_may_commit, struct bn_group *g, int64_t now_ms, int32_t generation,
               struct bn_slice member_id, struct bn_slice instance_id);
SIM_PLANT_WRAP(bool, bn_group_is_settled, const struct bn_group *g);
SIM_PLANT_WRAP(void, bn_partition_offsets, struct bn_partition *p, struct bn_partition_offsets *q);
SIM_PLANT_WRAP(int64_t, bn_partition_heard_ms, const struct bn_partition *p);

static bool is(enum sim_plant p) { return sim_planted == p; }

/* ---- generations ---- */

void __wrap_bn_group_resume(struct bn_group *g, int64_t now_ms, const struct bn_group_resume *r) {
    struct bn_group_resume changed = *r;
    if (is(SIM_PLANT_BLOCK_REUSED)) changed.reserved = changed.generation;
    __real_bn_group_resume(g, now_ms, &changed);
}

void __wrap_bn_coordinator_store(struct bn_coordinator_club *k) {
    struct bn_coordinator *c = k->seat->c;
    int32_t reserve = k->reserve;
    if (is(SIM_PLANT_UNRECORDED) && reserve) {
        k->reserve = 0;
        bn_group_reserved(k->group, bn_coordinator_now_ms(c), reserve, KE_NONE, &c->outs);
        bn_coordinator_settle(k);
        if (!k->store) return;
    }
    __real_bn_coordinator_store(k);
}

bool __wrap_bn_group_is_settled(const struct bn_group *g) {
    return is(SIM_PLANT_HALF_ROUND) || __real_bn_group_is_settled(g);
}

/* A state that has to be stored first is taken for stored. */
static void early(struct bn_group *g, int64_t now_ms, uint64_t store_before, struct bn_group_outs *out) {
    if (g->last_store != store_before) bn_group_stored(g, now_ms, g->last_store, KE_NONE, out);
}

void __wrap_bn_group_join(struct bn_group *g, int64_t now_ms, const struct bn_group_join *j,
                          struct bn_group_outs *out) {
    uint64_t store = g->last_store;
    __real_bn_group_join(g, now_ms, j, out);
    if (is(SIM_PLANT_STATIC_EARLY)) early(g, now_ms, store, out);
}

void __wrap_bn_group_sync(struct bn_group *g, int64_t now_ms, const struct bn_group_sync *s,
                          struct bn_group_outs *out) {
    uint64_t store = g->last_store;
    __real_bn_group_sync(g, now_ms, s, out);
    if (is(SIM_PLANT_SYNC_EARLY)) early(g, now_ms, store, out);
}

/* ---- who may write ---- */

/* The controller takes whoever writes for the coordinator. */
void __wrap_bn_groups_request(struct bn_model *m, const struct bn_event_group_write *e) {
    struct bn_event_group_write changed = *e;
    const struct bn_model_topic *t = bn_model_topic(m, BN_GROUPS_TOPIC);
    const struct bn_model_partition *p = t ? bn_model_partition(t, e->partition) : NULL;
    const struct bn_model_broker *b = p && p->has_state ? bn_model_broker(m, p->state.leader) : NULL;
    if (is(SIM_PLANT_ANY_COORDINATOR) && b && e->leader_epoch < p->state.leader_epoch) {
        changed.broker = p->state.leader;
        changed.broker_epoch = b->epoch;
        changed.leader_epoch = p->state.leader_epoch;
    }
    __real_bn_groups_request(m, &changed);
}

int64_t __wrap_bn_partition_heard_ms(const struct bn_partition *p) {
    return is(SIM_PLANT_KEEPS_HAPPY) ? INT64_MAX : __real_bn_partition_heard_ms(p);
}

/* ---- commits ---- */

int16_t __wrap_bn_group_may_commit(struct bn_group *g, int64_t now_ms, int32_t generation, struct bn_slice member_id,
                                   struct bn_slice instance_id) {
    int16_t error = __real_bn_group_may_commit(g, now_ms, generation, member_id, instance_id);
    return is(SIM_PLANT_OLD_COMMITS) && error == KE_ILLEGAL_GENERATION ? KE_NONE : error;
}

/* Only a coordinator that loads asks for the latest offset as nobody. */
void __wrap_bn_partition_offsets(struct bn_partition *p, struct bn_partition_offsets *q) {
    __real_bn_partition_offsets(p, q);
    bool loads = q->timestamp == -1 && q->current_leader_epoch >= 0 && strcmp(p->topic, BN_COORDINATOR_TOPIC) == 0;
    if (is(SIM_PLANT_LOAD_EARLY) && loads && q->error == KE_OFFSET_NOT_AVAILABLE) q->error = KE_NONE;
}

void sim_plant_partition_append(struct bn_partition_append *a) {
    if (is(SIM_PLANT_COMMIT_EARLY) && a->log.internal) a->acks = 1;
}
