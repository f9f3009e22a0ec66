/* fake_coordinator.c: stands in for broker/group's coordinator at link time; its group and offsets are the real ones.
 */
#include "tests/unit/broker/api/fake_coordinator.h"

#include <check.h>

#include "common/base/check.h"

void bn_coordinator_join(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                         struct bn_coordinator_join *j) {
    c->asked++;
    c->join = j->in;
    j->error = c->error;
    j->group = c->error ? NULL : c->group;
    j->out = (struct bn_group_out){.generation = -1, .leader = BN_SLICE_LIT(""), .member_id = j->in.member_id};
    if (!c->error)
        j->out = (struct bn_group_out){.generation = 1,
                                       .protocol_type = BN_SLICE_LIT("consumer"),
                                       .protocol = BN_SLICE_LIT("range"),
                                       .leader = BN_SLICE_LIT("m1"),
                                       .member_id = BN_SLICE_LIT("m1"),
                                       .skip_assignment = true};
    j->done(j);
}

void bn_coordinator_sync(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                         struct bn_coordinator_sync *s) {
    c->asked++;
    c->generation = s->in.generation;
    s->error = c->error;
    s->out = (struct bn_group_out){.assignment = c->error ? BN_SLICE_LIT("") : s->in.assignments[0].assignment,
                                   .protocol_type = BN_SLICE_LIT("consumer"),
                                   .protocol = BN_SLICE_LIT("range")};
    s->done(s);
}

int16_t bn_coordinator_heartbeat(struct bn_coordinator *c, int32_t partition, struct bn_slice group, int32_t generation,
                                 struct bn_slice member_id, struct bn_slice instance_id) {
    c->asked++;
    c->generation = generation;
    snprintf(c->member_id, sizeof c->member_id, "%.*s", BN_SLICE_FMT(member_id));
    return c->error;
}

int16_t bn_coordinator_leave(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                             struct bn_coordinator_leaver *leavers, int32_t count) {
    c->asked++;
    for (int32_t i = 0; i < count; i++)
        leavers[i].error = bn_slice_eq_str(leavers[i].member_id, "m1") ? KE_NONE : KE_UNKNOWN_MEMBER_ID;
    return c->error;
}

void bn_coordinator_commit(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                           struct bn_coordinator_commit *m) {
    c->asked++;
    c->generation = m->generation;
    for (int32_t i = 0; i < m->count; i++) {
        const struct bn_coordinator_commit_item *item = &m->items[i];
        struct bn_grecord_offset o = {item->offset, item->leader_epoch, item->metadata, 1, -1};
        c->commit_ms = item->commit_ms;
        if (item->error == KE_NONE) m->items[i].error = c->error;
        if (m->items[i].error == KE_NONE) bn_offsets_put(&c->offsets, item->topic, item->partition, &o, 1);
    }
    m->done(m);
}

int16_t bn_coordinator_offsets(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                               const struct bn_offsets **out) {
    c->asked++;
    *out = bn_slice_eq_str(group, "g") ? &c->offsets : NULL;
    return c->error;
}

int16_t bn_coordinator_group(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                             const struct bn_group **out) {
    c->asked++;
    *out = bn_slice_eq_str(group, "g") ? c->group : NULL;
    return c->error;
}

int16_t bn_coordinator_each(struct bn_coordinator *c, void (*fn)(void *arg, const struct bn_group *g), void *arg) {
    c->asked++;
    fn(arg, c->group);
    return c->error;
}

void bn_coordinator_delete(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                           struct bn_coordinator_commit *m) {
    c->asked++;
    int16_t error = c->error ? c->error : bn_slice_eq_str(group, "g") ? KE_NONE : KE_GROUP_ID_NOT_FOUND;
    if (m->count == 0) m->items[0].error = error;
    for (int32_t i = 0; i < m->count; i++) {
        if (m->items[i].error == KE_NONE) m->items[i].error = error;
    }
    m->done(m);
}

/* ---- the world ---- */

void fake_groups_init(struct fake_groups *g) {
    *g = (struct fake_groups){.settings = {6000, 1800000, 1000, 0}};
    fake_world_init(&g->world);
    fake_topic(&g->world.fake, "__consumer_offsets", 7, 3, 1);
    g->coordinator.group = bn_group_new(&g->settings, BN_SLICE_LIT("g"));
    bn_offsets_init(&g->coordinator.offsets);
    g->coordinators[0] = &g->coordinator;
    g->world.fake.deps.coordinators = g->coordinators;
}

void fake_groups_fini(struct fake_groups *g) {
    struct bn_group_outs outs = {0};
    bn_group_stop(g->coordinator.group, KE_NOT_COORDINATOR, &outs);
    bn_group_outs_fini(&outs);
    bn_group_free(g->coordinator.group);
    bn_offsets_fini(&g->coordinator.offsets);
    fake_world_fini(&g->world);
}

void fake_groups_form(struct fake_groups *g) {
    const struct bn_group_resume_member m = {
        BN_SLICE_LIT("m1"),     BN_SLICE_NULL,       BN_SLICE_LIT("c"), BN_SLICE_LIT("/h"), 10000, 60000,
        BN_SLICE_LIT("topics"), BN_SLICE_LIT("mine")};
    const struct bn_group_resume r = {1,  16, BN_SLICE_LIT("consumer"), BN_SLICE_LIT("range"), BN_SLICE_LIT("m1"), 0,
                                      &m, 1};
    bn_group_resume(g->coordinator.group, 0, &r);
}

void fake_groups_ask(struct fake_groups *g, int api_key, int version, void *message, void *out) {
    int before = g->world.fake.answers;
    fake_world_send(&g->world, api_key, version, message);
    fake_world_await(&g->world, before + 1);
    fake_take(&g->world.fake, api_key, version, out);
}
