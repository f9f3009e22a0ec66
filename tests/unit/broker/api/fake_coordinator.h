/* fake_coordinator.h: a coordinator of nothing but answers, in place of broker/group's, for the tests of the handlers
 * of groups. Its world is fake_world's, with the topic __consumer_offsets (id bytes 7, partitions 0 to 2). */
#ifndef FAKE_COORDINATOR_H
#define FAKE_COORDINATOR_H

#include "tests/unit/broker/api/fake_partition.h"

struct bn_coordinator {
    int16_t error;             /* of everything asked */
    struct bn_group *group;    /* the one group, "g"; with members after fake_group_form */
    struct bn_offsets offsets; /* its */
    int asked;
    struct bn_group_join join; /* the last one */
    int32_t generation;        /* of the last heartbeat, sync or commit */
    char member_id[64];
    int64_t commit_ms; /* of the last commit's last item */
};

struct fake_groups {
    struct fake_world world;
    struct bn_coordinator coordinator;
    struct bn_coordinator *coordinators[1];
    struct bn_group_settings settings;
};

void fake_groups_init(struct fake_groups *g);
void fake_groups_fini(struct fake_groups *g);
/* The group has one member, "m1", that leads generation 1 by protocol "range" and is stable. */
void fake_groups_form(struct fake_groups *g);
/* Sends and takes the answer. */
void fake_groups_ask(struct fake_groups *g, int api_key, int version, void *message, void *out);

#endif
