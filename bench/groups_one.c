/* groups_one.c: one group of many members: how long until all have their assignment, when they come together, when one
 * more comes, when one goes. In the latter two the others learn of it by a heartbeat, up to 3 s later, as with Java's
 * client; so what the cluster takes is told apart: from the last JoinGroup sent to the last SyncGroup answered. */
#include "bench/groups.h"

#include <stdio.h>
#include <unistd.h>

enum { WAIT_S = 120 };

/* All `size` members are stable in one generation. */
static void await_generation(struct groups_run *r, int size) {
    struct crowd *c = &r->crowd;
    int32_t had = c->generation;
    double until = groups_now() + WAIT_S;
    while (c->generation <= had || c->stable < size) {
        bn_loop_turn(r->loop, 100);
        if (groups_now() > until) groups_die("one group", "is not stable in time");
    }
}

static void tell(struct groups_run *r, const char *what, int size, const struct watch_row *before) {
    const struct crowd *c = &r->crowd;
    struct watch_row after[WATCH_MAX];
    watch_look(&r->watch, after);
    printf("%s: %d members have their assignment after %.3f s (generation %d)\n", what, size,
           c->last_synced - c->first_join, c->generation);
    printf("    last JoinGroup sent at %.3f s, first answered at %.3f s, last at %.3f s; assigned at %.3f s, last "
           "SyncGroup "
           "answered at %.3f s\n",
           c->last_join - c->first_join, c->first_joined - c->first_join, c->last_joined - c->first_join,
           c->assigned - c->first_join, c->last_synced - c->first_join);
    printf("    the leader was told %zu bytes and assigned %zu; joined again after an error: %ld\n", c->told_bytes,
           c->assigned_bytes, c->troubles);
    watch_tell(&r->watch, before, after, c->last_synced - c->first_join);
    fflush(stdout);
}

void groups_one(struct groups_run *r) {
    struct watch_row before[WATCH_MAX];
    struct crowd *c = &r->crowd;
    c->heartbeat_ms = 3000;
    int size = r->count++; /* one more is connected, and waits */
    for (int i = 0; i <= size; i++)
        snprintf(r->members[i].group, sizeof r->members[i].group, "bench-one-%d", (int)getpid());
    groups_aim(r);
    groups_connect(r);
    groups_pass(r, 1);

    watch_look(&r->watch, before);
    for (int i = 0; i < size; i++) member_join(&r->members[i]);
    await_generation(r, size);
    tell(r, "all at once", size, before);

    groups_pass(r, 4);
    watch_look(&r->watch, before);
    c->first_join = 0;
    member_join(&r->members[size]);
    await_generation(r, size + 1);
    tell(r, "one more", size + 1, before);

    groups_pass(r, 4);
    watch_look(&r->watch, before);
    c->first_join = groups_now();
    member_leave(&r->members[size / 2]);
    await_generation(r, size);
    tell(r, "one leaves", size, before);
    r->count = size;
}
