/* groups.h: what the modes of bench/groups share. */
#ifndef BN_BENCH_GROUPS_H
#define BN_BENCH_GROUPS_H

#include "bench/groups_member.h"
#include "bench/groups_watch.h"

struct groups_run {
    struct bn_loop *loop;
    struct watch watch;
    const char *bootstrap, *topic;
    int count; /* groups, or members */
    int seconds;
    struct crowd crowd;
    struct member *members;
    char hosts[64][64]; /* of the coordinators */
    int host_count;
};

/* Gives every member, whose group is set, its coordinator; waits until there is one. */
void groups_aim(struct groups_run *r);
void groups_connect(struct groups_run *r); /* all that are aimed and have no connection */
/* Turns the loop until *value is at least so much; ends the program after `seconds`. */
void groups_await(struct groups_run *r, const int *value, int least, double seconds, const char *what);
void groups_pass(struct groups_run *r, double seconds);

void groups_one(struct groups_run *r);

#endif
