/* crowd_client.c: what a consumer does, after Kafka's own: finds the coordinator, joins, syncs, heartbeats, commits,
 * and what each error makes it do. An eager one gives up what it owns before it joins; a cooperative one keeps it, says
 * so, gives up what it is not given again, and then joins once more. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/crowd.h"

static struct crowd_client *client(struct crowd *w, int at) { return &w->clients[at]; }

/* ---- asking ---- */

static void copy_event(struct crowd *w, const struct crowd_event *from, int64_t in_ms) {
    struct crowd_event *e = crowd_push(w, from->kind, in_ms);
    struct crowd_event own = *e;
    *e = *from;
    e->at_ms = own.at_ms;
    e->order = own.order;
    e->plan = NULL;
    e->twice = true;
}

static struct crowd_event *ask(struct crowd *w, struct crowd_client *c, enum crowd_what what) {
    bool main = what == CROWD_JOIN || what == CROWD_SYNC;
    if (main) c->request++;
    struct crowd_event *e = crowd_push(w, CROWD_ARRIVES, crowd_delay(w));
    e->what = what;
    e->client = (int)(c - w->clients);
    e->house = c->house;
    e->request = c->request;
    e->generation = c->generation;
    e->partitions = c->owned;
    e->said_in = c->assigned_in;
    snprintf(e->id, sizeof e->id, "%s", c->id);
    if (!w->calm && crowd_below(w, 60) == 0) e->house = -1; /* lost on its way */
    bool harmless = c->id[0] || c->instance < 0;            /* nobody sends the first join of a static process twice */
    if (!w->calm && main && harmless && crowd_below(w, 40) == 0) copy_event(w, e, 1 + crowd_below(w, 2000));
    if (main) {
        struct crowd_event *t = crowd_push(w, CROWD_TIMED_OUT, what == CROWD_JOIN ? c->rebalance_ms + 5000 : 12000);
        t->client = e->client;
        t->request = c->request;
    }
    return e;
}

static void join(struct crowd *w, struct crowd_client *c) {
    if (!w->cooperative) c->owned = 0;
    c->phase = CROWD_JOINING;
    ask(w, c, CROWD_JOIN);
}

void crowd_rejoin(struct crowd *w, struct crowd_client *c) { join(w, c); }

static void try_later(struct crowd *w, struct crowd_client *c, int64_t in_ms) {
    if (!w->cooperative) c->owned = 0;
    c->phase = CROWD_JOINING;
    c->request++;
    struct crowd_event *e = crowd_push(w, CROWD_TRIES, in_ms);
    e->client = (int)(c - w->clients);
    e->request = c->request;
}

static void sync(struct crowd *w, struct crowd_client *c, struct crowd_plan *plan) {
    bn_alloc_free(c->plan);
    c->plan = plan;
    c->phase = CROWD_SYNCING;
    ask(w, c, CROWD_SYNC);
}

static void beat_later(struct crowd *w, struct crowd_client *c) {
    struct crowd_event *e = crowd_push(w, CROWD_BEATS, 2000);
    e->client = (int)(c - w->clients);
    e->request = c->request;
}

/* ---- processes ---- */

void crowd_start(struct crowd *w, int instance) {
    int at = 0;
    while (at < CROWD_MAX && w->clients[at].alive) at++;
    if (at == CROWD_MAX) return;
    struct crowd_client *c = client(w, at);
    uint32_t request = c->request; /* late answers to the one before are for nobody */
    bn_alloc_free(c->plan);
    *c = (struct crowd_client){.alive = true,
                               .instance = instance,
                               .process = ++w->processes,
                               .generation = -1,
                               .request = request + 1,
                               .house = w->house,
                               .version = crowd_below(w, 4) ? 9 : 3 + (int)crowd_below(w, 6),
                               .session_ms = crowd_below(w, 4) ? 6000 + 1000 * (int32_t)crowd_below(w, 5) : 30000,
                               .rebalance_ms = 8000 + 1000 * (int32_t)crowd_below(w, 12)};
    join(w, c);
}

void crowd_kill(struct crowd *w, struct crowd_client *c) {
    crowd_tell(w, "client %d '%s'/%d: ends", (int)(c - w->clients), c->id, c->instance);
    if (c->instance >= 0 && c->gave_up) w->cut_short = true;
    c->alive = false;
    c->newest = false;
    c->owned = 0;
    c->request++;
}

void crowd_leave(struct crowd *w, struct crowd_client *c) {
    ask(w, c, CROWD_LEAVE);
    crowd_kill(w, c);
}

static void begin_anew(struct crowd *w, struct crowd_client *c) {
    c->id[0] = '\0';
    c->generation = -1;
    c->owned = 0;
    join(w, c);
}

static void find_coordinator(struct crowd *w, struct crowd_client *c) {
    c->house = w->house;
    if (c->phase != CROWD_IN) try_later(w, c, 100 + crowd_below(w, 100));
}

static void failed(struct crowd *w, struct crowd_client *c, const struct crowd_event *e) {
    switch (e->error) {
    case KE_UNKNOWN_MEMBER_ID:
        begin_anew(w, c);
        break;
    case KE_ILLEGAL_GENERATION:
        c->owned = 0;
        join(w, c);
        break;
    case KE_REBALANCE_IN_PROGRESS:
        join(w, c);
        break;
    case KE_UNKNOWN_SERVER_ERROR:
        try_later(w, c, 100);
        break;
    case KE_NOT_COORDINATOR:
    case KE_COORDINATOR_NOT_AVAILABLE:
        find_coordinator(w, c);
        break;
    case KE_FENCED_INSTANCE_ID:
        if (c->newest)
            crowd_fail(w, "the newest process of instance %d was fenced as '%s' (%d)", c->instance, c->id,
                       (int)e->what);
        crowd_kill(w, c);
        break;
    default:
        crowd_fail(w, "request %d was answered %s", (int)e->what, bn_errors_name(e->error));
    }
}

/* ---- answers ---- */

/* It is told of a generation, heartbeats on, and asks for its assignment long after. */
static bool is_slow(struct crowd *w, struct crowd_client *c, struct crowd_event *e) {
    if (w->calm || e->late || crowd_below(w, 50)) return false;
    struct crowd_event *again = crowd_push(w, CROWD_ANSWERED, crowd_below(w, 90000));
    struct crowd_event own = *again;
    *again = *e;
    again->at_ms = own.at_ms;
    again->order = own.order;
    again->late = true;
    e->plan = NULL;
    c->phase = CROWD_SLOW;
    beat_later(w, c);
    return true;
}

static void joined(struct crowd *w, struct crowd_client *c, struct crowd_event *e) {
    if (e->error == KE_MEMBER_ID_REQUIRED) {
        snprintf(c->id, sizeof c->id, "%s", e->id);
        join(w, c);
    } else if (e->error != KE_NONE) {
        failed(w, c, e);
    } else {
        snprintf(c->id, sizeof c->id, "%s", e->id);
        c->generation = e->generation;
        if (is_slow(w, c, e)) return;
        sync(w, c, e->plan);
        e->plan = NULL;
    }
}

static void synced(struct crowd *w, struct crowd_client *c, const struct crowd_event *e) {
    if (e->error != KE_NONE) {
        failed(w, c, e);
        return;
    }
    uint32_t revoked = c->owned & ~e->partitions;
    if (c->generation < c->assigned_in) crowd_fail(w, "'%s' goes back to generation %d", c->id, c->generation);
    c->owned = e->partitions;
    c->assigned_in = c->generation;
    c->gave_up = w->cooperative && revoked;
    c->phase = CROWD_IN;
    w->syncs++;
    crowd_check_assigned(w, c);
    if (c->gave_up)
        join(w, c);
    else
        beat_later(w, c);
}

static void beaten(struct crowd *w, struct crowd_client *c, const struct crowd_event *e) {
    bool mine = (c->phase == CROWD_IN || c->phase == CROWD_SLOW) && e->generation == c->generation &&
                strcmp(e->id, c->id) == 0;
    if (mine && e->error != KE_NONE && e->what != CROWD_COMMIT) failed(w, c, e);
}

void crowd_client_event(struct crowd *w, struct crowd_event *e) {
    struct crowd_client *c = client(w, e->client);
    bool current = c->alive && e->request == c->request;
    if (!current) return;
    if (e->kind == CROWD_ANSWERED && (e->what < CROWD_BEAT || e->error != KE_NONE))
        crowd_tell(w, "client %d '%s'/%d: request %d: %s as '%s' generation %d, partitions %x%s", e->client, c->id,
                   c->instance, (int)e->what, bn_errors_name(e->error), e->id, e->generation, e->partitions,
                   e->plan ? ", leads" : "");
    if (e->kind == CROWD_TIMED_OUT && c->phase != CROWD_IN)
        crowd_tell(w, "client %d '%s': timed out", e->client, c->id);
    if (e->kind == CROWD_TRIES) {
        join(w, c);
    } else if (e->kind == CROWD_TIMED_OUT) {
        c->house = w->house;
        if (c->phase == CROWD_JOINING || c->phase == CROWD_SYNCING) join(w, c);
    } else if (e->kind == CROWD_BEATS) {
        if (c->phase != CROWD_IN && c->phase != CROWD_SLOW) return;
        bool paused = w->now_ms < c->paused_until_ms;
        if (!paused) ask(w, c, CROWD_BEAT);
        if (!paused && c->owned && crowd_below(w, 3) == 0) ask(w, c, CROWD_COMMIT);
        beat_later(w, c);
    } else if (e->what == CROWD_JOIN && (c->phase == CROWD_JOINING || (c->phase == CROWD_SLOW && e->late))) {
        joined(w, c, e);
    } else if (e->what == CROWD_SYNC && c->phase == CROWD_SYNCING) {
        synced(w, c, e);
    } else if (e->what == CROWD_BEAT || e->what == CROWD_COMMIT) {
        beaten(w, c, e);
    }
}

/* ---- the leader's work ---- */

struct claim {
    uint32_t partitions;
    int32_t said_in;
    int held;
};

static int claimant(const struct claim *claims, int n, int partition) {
    int best = -1;
    for (int i = 0; i < n; i++) {
        bool has = claims[i].partitions & (1u << partition);
        if (has && (best < 0 || claims[i].said_in > claims[best].said_in)) best = i;
    }
    return best;
}

static void give(struct crowd_plan *plan, struct claim *claims, int to, int partition) {
    claims[to].held++;
    plan->of[to].partitions |= 1u << partition;
}

/* Sticky: who owns something keeps it, up to a fair share. What it owns above that goes to nobody this time when the
 * members are cooperative, since it has not given it up yet. Metadata is "<generation>.<partitions>.<salt>". */
struct crowd_plan *crowd_assign(const struct crowd *w, const struct bn_group *g) {
    struct crowd_plan *plan = bn_alloc_zero(1, sizeof *plan);
    struct claim claims[CROWD_MAX * 2] = {{0}};
    int n = plan->count = bn_group_size(g);
    if (n > CROWD_MAX * 2) crowd_fail(w, "%d members", n);
    for (int i = 0; i < n; i++) {
        struct bn_group_member_view m;
        char said[64], *end;
        bn_group_at(g, i, &m);
        snprintf(said, sizeof said, "%.*s", BN_SLICE_FMT(m.metadata));
        snprintf(plan->of[i].id, sizeof plan->of[i].id, "%.*s", BN_SLICE_FMT(m.id));
        claims[i].said_in = (int32_t)strtol(said, &end, 10);
        claims[i].partitions = *end == '.' ? (uint32_t)strtoul(end + 1, NULL, 16) : 0;
    }
    uint32_t claimed = 0;
    int share = (w->partitions + n - 1) / n;
    for (int p = 0; p < w->partitions; p++) {
        int to = claimant(claims, n, p);
        if (to < 0) continue;
        claimed |= 1u << p;
        if (claims[to].held < share) give(plan, claims, to, p);
    }
    for (int p = 0; p < w->partitions; p++) {
        int to = (int)((uint32_t)p * 7u % (uint32_t)n);
        for (int i = 0; i < n; i++)
            if (claims[i].held < claims[to].held) to = i;
        if (!(claimed >> p & 1)) give(plan, claims, to, p);
    }
    return plan;
}
