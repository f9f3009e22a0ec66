/* groups.c: the groups of a run, who looks at their offsets from outside, and when all is well with them. */
#include "tests/sim/groups.h"

#include "broker/group/offsets.h"
#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/sim/clients.h"

struct sim_groups *sim_groups_new(struct sim_world *w) {
    struct sim_groups *s = bn_alloc_zero(1, sizeof *s);
    for (int32_t i = 0; i < SIM_PARTITIONS; i++) s->seats[i].leader_epoch = -1;
    for (int i = 0; i < SIM_GROUPS; i++) {
        snprintf(s->groups[i].name, sizeof s->groups[i].name, "g%d", i);
        s->groups[i].partition = bn_offsets_partition_of(bn_slice_str(s->groups[i].name), SIM_PARTITIONS);
    }
    for (int i = 0; i < SIM_MEMBERS; i++) {
        struct sim_member *m = &s->members[i];
        *m = (struct sim_member){.number = i, .group = &s->groups[i * SIM_GROUPS / SIM_MEMBERS], .wants = true};
        m->broker = -1;
        m->next_ms = w->now_ms + sim_below(w, 4000);
        if (i % 2) snprintf(m->instance, sizeof m->instance, "s%d", i);
    }
    return s;
}

/* ---- who speaks for a group ---- */

struct sim_topic *sim_groups_topic(const struct sim_world *w) {
    return w->observer->current[SIM_OFFSETS];
}

bool sim_groups_is_coordinator(const struct sim_world *w, int broker, int32_t partition, int32_t leader_epoch) {
    const struct sim_topic *t = sim_groups_topic(w);
    const struct sim_partition *p = t ? &t->partitions[partition] : NULL;
    if (!p || !p->state_count) return false;
    const struct sim_state *s = &p->states[p->state_count - 1];
    return s->leader == broker + 1 && s->leader_epoch == leader_epoch;
}

void sim_groups_unsure(struct sim_world *w, int broker, struct bn_slice group) {
    for (int i = 0; w->groups && i < SIM_GROUPS; i++) {
        struct sim_group *g = &w->groups->groups[i];
        if (bn_slice_eq_str(group, g->name)) g->unsure[broker] = ++w->groups->moment;
    }
}

void sim_groups_took_over(struct sim_world *w, int32_t partition, int32_t leader_epoch) {
    if (!w->groups || w->groups->seats[partition].leader_epoch == leader_epoch) return;
    w->groups->seats[partition].leader_epoch = leader_epoch;
    w->groups->seats[partition].since_ms = w->now_ms;
}

/* ---- looking ---- */

static void on_fetched(void *arg, const struct bn_client_answer *a) {
    struct sim_world *w = sim_here;
    struct sim_group *g = arg;
    const struct kmsg_offset_fetch_response *r = a->response;
    g->looker.asking = false;
    if (a->status || r->groups.n != 1 || r->groups.v[0].error_code || r->groups.v[0].topics.n != 1) return;
    const struct kmsg_offset_fetch_response_group_topic *t = &r->groups.v[0].topics.v[0];
    if (g->unsure[g->looker.broker] > g->looker.sent) return; /* it was not the coordinator, and could not know */
    for (int32_t k = 0; k < t->partitions.n; k++)
        sim_invariant_committed(w, g, t->partitions.v[k].partition_index, t->partitions.v[k].committed_offset,
                                g->looker.sent);
    g->looker.settled = w->healing;
}

static void look(struct sim_world *w, struct sim_group *g) {
    struct kmsg_offset_fetch_request_group_topic t = kmsg_offset_fetch_request_group_topic_default;
    struct kmsg_offset_fetch_request_group one = kmsg_offset_fetch_request_group_default;
    struct kmsg_offset_fetch_request r = kmsg_offset_fetch_request_default;
    int32_t all[SIM_PARTITIONS];
    for (int32_t k = 0; k < SIM_PARTITIONS; k++) all[k] = k;
    t.name = bn_slice_str(sim_observer_name(SIM_OFFSETS));
    t.partition_indexes = (typeof(t.partition_indexes)){all, SIM_PARTITIONS};
    one.group_id = bn_slice_str(g->name);
    one.topics = (typeof(one.topics)){&t, 1};
    r.groups = (typeof(r.groups)){&one, 1};
    g->looker.next_ms = w->now_ms + 1 + sim_below(w, 700);
    g->looker.broker = sim_clients_leader(w, sim_groups_topic(w), g->partition);
    struct bn_client *to = g->looker.broker >= 0 ? sim_clients_of(w, g->looker.broker) : NULL;
    struct bn_client_call c = {.api_key = KAPI_OFFSET_FETCH,
                               .version = BN_CLIENT_NEWEST,
                               .request = &r,
                               .timeout_ms = SIM_CALL_MS,
                               .cb = on_fetched,
                               .arg = g};
    g->looker.sent = ++w->groups->moment;
    g->looker.asking = to && bn_client_call(to, &c) == BN_OK;
}

void sim_groups_step(struct sim_world *w) {
    if (!w->groups) return;
    struct sim_where before = sim_enter(w, w->users, w->users->shards[0]);
    for (int i = 0; i < SIM_MEMBERS; i++) sim_members_step(w, &w->groups->members[i]);
    for (int i = 0; i < SIM_GROUPS; i++) {
        struct sim_group *g = &w->groups->groups[i];
        if (!g->looker.asking && g->looker.next_ms <= w->now_ms) look(w, g);
    }
    sim_leave(w, before);
}

/* ---- in the end ---- */

/* 15. Every group is stable, with all its members, who own all there is. */
const char *sim_groups_unsettled(struct sim_world *w) {
    for (int i = 0; w->groups && i < SIM_GROUPS; i++) {
        const struct sim_group *g = &w->groups->groups[i];
        int32_t generation = -1;
        uint8_t parts = 0;
        for (int k = 0; k < SIM_MEMBERS; k++) {
            const struct sim_member *m = &w->groups->members[k];
            if (m->group != g) continue;
            if (m->phase != SIM_MEMBER_IN) return "a group has not taken in all its members";
            if (generation >= 0 && m->generation != generation) return "a group is in several generations";
            if (parts & m->parts) return "a group's partition has two owners";
            generation = m->generation;
            parts |= m->parts;
        }
        if (parts != (1 << SIM_PARTITIONS) - 1) return "a group's partition has no owner";
        if (!g->looker.settled) return "nobody knows what a group has committed";
    }
    return NULL;
}
