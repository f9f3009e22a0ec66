/* invariants_group.c: the invariants of safety that are about consumer groups, as their members see them (14). What a
 * log has lost excuses what became of commits; nothing excuses generations, which are kept in ZooKeeper.
 *
 * Who a member is: a dynamic one its id, a static one its instance id, which stands in front of its id. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"
#include "tests/sim/groups.h"

/* ---- GenerationOnce ---- */

static struct sim_generation *generation(struct sim_group *g, int32_t number) {
    for (int32_t i = g->generation_count - 1; i >= 0; i--)
        if (g->generations[i].number == number) return &g->generations[i];
    g->generations = bn_alloc_resize(g->generations, (size_t)(g->generation_count + 1) * sizeof *g->generations);
    struct sim_generation *n = &g->generations[g->generation_count++];
    *n = (struct sim_generation){.number = number};
    return n;
}

static int find(char (*list)[SIM_ID_LEN], int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0) return i;
    return -1;
}

/* Where it stands in the list, to whose end it is added; its place, or -1 when it is new. */
static int find_or_add(char (*list)[SIM_ID_LEN], int *count, const char *name) {
    int at = find(list, *count, name);
    if (at >= 0) return at;
    BN_ASSERT(*count < SIM_GROUP_IDS);
    memcpy(list[(*count)++], name, SIM_ID_LEN);
    return -1;
}

static void who(char *out, const char *id) {
    size_t len = id[0] == 's' ? strcspn(id, "-") : strlen(id);
    memset(out, 0, SIM_ID_LEN);
    memcpy(out, id, len);
}

static void same_members(struct sim_world *w, const struct sim_group *g, struct sim_generation *n,
                         const struct sim_joined *j) {
    bool first = n->member_count == 0;
    if (!first && n->member_count != j->count)
        sim_violated(w, "GenerationOnce", "generation %d of %s has %d members, and then %d", n->number, g->name,
                     n->member_count, j->count);
    for (int i = 0; i < j->count; i++) {
        char name[SIM_ID_LEN];
        who(name, j->members[i]);
        if (find_or_add(n->members, &n->member_count, name) < 0 && !first)
            sim_violated(w, "GenerationOnce", "generation %d of %s has a member %s, and before it had not", n->number,
                         g->name, name);
    }
}

/* 14. A (group, generation) has one member set, and one leader. */
void sim_invariant_joined(struct sim_world *w, struct sim_group *g, const struct sim_joined *j) {
    struct sim_generation *n = generation(g, j->generation);
    char leader[SIM_ID_LEN], self[SIM_ID_LEN];
    who(leader, j->leader);
    who(self, j->id);
    if (!n->leader[0]) memcpy(n->leader, leader, sizeof leader);
    if (strcmp(n->leader, leader) != 0)
        sim_violated(w, "GenerationOnce", "generation %d of %s is led by %s, and then by %s", n->number, g->name,
                     n->leader, leader);
    if (j->count) same_members(w, g, n, j);
    find_or_add(n->joined, &n->joined_count, self);
    for (int i = 0; i < n->joined_count && n->member_count; i++)
        if (find(n->members, n->member_count, n->joined[i]) < 0)
            sim_violated(w, "GenerationOnce", "%s is told that it is of generation %d of %s, whose leader is not",
                         n->joined[i], n->number, g->name);
}

/* 14. ... and one assignment, in which each partition has one owner. */
void sim_invariant_synced(struct sim_world *w, struct sim_group *g, const struct sim_member *m, uint64_t hand) {
    struct sim_generation *n = generation(g, m->generation);
    char self[SIM_ID_LEN];
    who(self, m->id);
    if (!n->synced) n->synced = ++w->groups->moment;
    if (!n->hand) n->hand = hand;
    if (!hand || n->hand != hand)
        sim_violated(w, "GenerationOnce", "generation %d of %s is assigned by hand %d, and %s is given that of %d",
                     n->number, g->name, (int)n->hand, self, (int)hand);
    int at = find_or_add(n->given, &n->given_count, self);
    if (at < 0) n->parts[n->given_count - 1] = m->parts;
    for (int i = 0; i < n->given_count; i++)
        if (strcmp(n->given[i], self) == 0 ? n->parts[i] != m->parts : (n->parts[i] & m->parts) != 0)
            sim_violated(w, "GenerationOnce", "in generation %d of %s, %s is given partitions %x, and %s %x", n->number,
                         g->name, n->given[i], n->parts[i], self, m->parts);
}

/* The first generation above that somebody had been given his part of at that moment; -1. */
static int32_t newer(const struct sim_group *g, int32_t number, uint64_t moment) {
    for (int32_t i = 0; i < g->generation_count; i++) {
        const struct sim_generation *n = &g->generations[i];
        if (n->number > number && n->synced && n->synced < moment) return n->number;
    }
    return -1;
}

/* One owner at a time among those whom the coordinator keeps: whom it tells that all is well is of the newest
 * generation. (One that is deposed and does not know it may say so for a while.) */
void sim_invariant_kept_member(struct sim_world *w, const struct sim_group *g, const struct sim_member *m) {
    int32_t n = newer(g, m->generation, m->sent);
    if (n < 0 || g->unsure[m->broker] > m->sent) return;
    sim_violated(w, "GenerationOnce", "broker %d keeps member %d of %s in generation %d, though %d has begun",
                 m->broker + 1, m->number, g->name, m->generation, n);
}

enum { STRAY_MS = 30000 };

/* A static member's return is stored before it is answered: the id that it was told stays its own until it, or a join
 * that it has given up, comes without one. */
void sim_invariant_fenced(struct sim_world *w, const struct sim_member *m) {
    if (m->stray_ms && w->now_ms - m->stray_ms < STRAY_MS) return;
    if (m->broker < 0 || m->group->unsure[m->broker] > m->sent) return;
    sim_violated(w, "GenerationOnce", "static member %d of %s is fenced as %s, and nobody has taken its place",
                 m->number, m->group->name, m->id);
}

/* Half a session after another coordinator has begun to answer, the old one keeps nobody content any more. */
void sim_invariant_deposed(struct sim_world *w, int broker, int32_t partition) {
    const struct sim_topic *t = sim_groups_topic(w);
    if (!t || !w->groups || sim_observer_lossy(t, partition)) return;
    const struct sim_partition *p = &t->partitions[partition];
    bool answers = w->groups->seats[partition].leader_epoch == p->states[p->state_count - 1].leader_epoch;
    uint64_t since_ms = w->groups->seats[partition].since_ms;
    if (!answers || p->states[p->state_count - 1].leader == broker + 1) return;
    if (w->now_ms <= since_ms + SIM_GROUP_SESSION_MS / 2) return;
    sim_violated(w, "GenerationOnce",
                 "broker %d answers heartbeats for __consumer_offsets-%d, which broker %d has coordinated for %d ms",
                 broker + 1, partition, p->states[p->state_count - 1].leader, (int)(w->now_ms - since_ms));
}

/* ---- CommitKept ---- */

static bool is_lossy(const struct sim_world *w, const struct sim_group *g) {
    const struct sim_topic *t = sim_groups_topic(w);
    return !t || sim_observer_lossy(t, g->partition);
}

int32_t sim_invariant_commit_sent(struct sim_world *w, struct sim_group *g, int32_t key, int64_t offset) {
    int32_t n = g->commit_count[key]++;
    if ((n & 31) == 0) g->commits[key] = bn_alloc_resize(g->commits[key], (size_t)(n + 32) * sizeof *g->commits[key]);
    g->commits[key][n] = (struct sim_commit){.offset = offset, .sent = ++w->groups->moment};
    return n;
}

/* All that could be seen before that moment, but this one, came earlier in the log. */
static void overtaken(struct sim_world *w, struct sim_group *g, int32_t key, const struct sim_commit *by,
                      uint64_t before) {
    uint64_t now = ++w->groups->moment;
    for (int32_t i = 0; i < g->commit_count[key]; i++) {
        struct sim_commit *c = &g->commits[key][i];
        if (c != by && c->visible && c->visible < before && !c->dead) c->dead = now;
    }
}

static bool is_refusal(int error) {
    return error == KE_ILLEGAL_GENERATION || error == KE_UNKNOWN_MEMBER_ID || error == KE_FENCED_INSTANCE_ID ||
           error == KE_REBALANCE_IN_PROGRESS || error == KE_COORDINATOR_LOAD_IN_PROGRESS;
}

/* 14. Who is of an older generation commits nothing. */
void sim_invariant_commit_answered(struct sim_world *w, struct sim_group *g, const struct sim_member *m, int32_t key,
                                   int error) {
    struct sim_commit *c = &g->commits[key][m->commits[key]];
    c->refused = is_refusal(error);
    if (error != KE_NONE) return;
    sim_event(w, "member %d of %s hears that offset %d of partition %d is committed", m->number, g->name,
              (int)c->offset, key);
    int32_t n = newer(g, m->generation, c->sent);
    if (n >= 0 && !is_lossy(w, g))
        sim_violated(w, "CommitKept", "member %d of %s commits in generation %d, though %d has begun", m->number,
                     g->name, m->generation, n);
    c->acked = true;
    if (!c->visible) c->visible = ++w->groups->moment;
    overtaken(w, g, key, c, c->sent);
}

static struct sim_commit *commit_of(const struct sim_group *g, int32_t key, int64_t offset) {
    for (int32_t i = g->commit_count[key] - 1; i >= 0; i--)
        if (g->commits[key][i].offset == offset) return &g->commits[key][i];
    return NULL;
}

static void nothing_shown(struct sim_world *w, const struct sim_group *g, int32_t key, uint64_t sent) {
    for (int32_t i = 0; i < g->commit_count[key]; i++) {
        const struct sim_commit *c = &g->commits[key][i];
        if (c->visible && c->visible < sent)
            sim_violated(w, "CommitKept", "%s, partition %d: offset %d was committed, and now there is none", g->name,
                         key, (int)c->offset);
    }
}

/* 14. Visible commits never go back: an acknowledged one is seen from then on, and what was shown once is undone only
 * by one that came later. */
void sim_invariant_committed(struct sim_world *w, struct sim_group *g, int32_t key, int64_t offset, uint64_t sent) {
    if (is_lossy(w, g)) return;
    if (offset < 0) {
        nothing_shown(w, g, key, sent);
        return;
    }
    struct sim_commit *c = commit_of(g, key, offset);
    if (!c || c->refused)
        sim_violated(w, "CommitKept", "%s, partition %d: offset %d is shown, which %s", g->name, key, (int)offset,
                     c ? "was refused" : "nobody has committed");
    if (c->dead && c->dead < sent)
        sim_violated(w, "CommitKept", "%s, partition %d: offset %d is shown, and a later one was before", g->name, key,
                     (int)offset);
    if (!c->visible) c->visible = ++w->groups->moment;
    overtaken(w, g, key, c, sent);
}
