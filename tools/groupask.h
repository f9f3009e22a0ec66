/* groupask.h: what commands ask about consumer groups: each question goes to the group's coordinator and is asked again
 * while that is being found, or loads its state. Everything given lives in the session's arena. */
#ifndef BN_GROUPASK_H
#define BN_GROUPASK_H

#include "common/base/slice.h"
#include "tools/session.h"

struct bn_groupask {
    struct bn_session *session;
    const char *program;
    uint64_t until_ms; /* of the monotonic clock: how long to ask again */
};

/* For timeout_ms from now. Borrows both. */
struct bn_groupask bn_groupask_of(struct bn_session *s, const char *program, uint64_t timeout_ms);

struct bn_groupask_place { /* a partition, and what a group has committed of it */
    struct bn_slice topic;
    int32_t partition;
    int64_t offset;
};

struct bn_groupask_member {
    struct bn_slice id, instance_id, client_id, host; /* instance_id may be null */
    struct bn_groupask_place *places;                 /* assigned, by name and number; their offsets mean nothing */
    size_t count;
};

struct bn_groupask_group {
    struct bn_slice id, state, protocol_type, protocol, type; /* type: of a list, "" when the broker does not tell */
    int32_t node;                                             /* the coordinator */
    const char *address;                                      /* its "host:port" */
    struct bn_groupask_member *members;                       /* by id */
    size_t count;
};

/* Every consumer group there is, by name; -1 after telling stderr. An array of *out with id, state, protocol_type, type
 * and node. */
int bn_groupask_list(struct bn_groupask *a, struct bn_groupask_group **out);
/* Kafka's error code; negative after telling stderr that nobody could be asked. A group that there is not is "Dead". */
int bn_groupask_describe(struct bn_groupask *a, struct bn_slice group, struct bn_groupask_group *out);
/* What the group has committed, by name and number. */
int bn_groupask_offsets(struct bn_groupask *a, struct bn_slice group, struct bn_groupask_place **out, size_t *count);
/* Commits in the name of nobody; the places are by name and number. The first error of a partition is the answer. */
int bn_groupask_commit(struct bn_groupask *a, struct bn_slice group, const struct bn_groupask_place *places,
                       size_t count);
int bn_groupask_delete(struct bn_groupask *a, struct bn_slice group);
/* Forgets offsets; errors[i] is that of places[i], and the answer that of the whole. */
int bn_groupask_forget(struct bn_groupask *a, struct bn_slice group, const struct bn_groupask_place *places,
                       size_t count, int16_t *errors);

/* Order by name and number, for qsort. */
int bn_groupask_by_place(const void *x, const void *y);
/* A member's assignment in the consumers' own format (6-groups, 5b): the places in an array of the arena; 0 when it is
 * none. */
size_t bn_groupask_assignment(struct bn_arena *arena, struct bn_slice in, struct bn_groupask_place **out);

#endif
