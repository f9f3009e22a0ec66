/* group_store.h: what a store of groups holds of one group: written and read as the coordinator's shell does it. Also
 * for the property test. */
#ifndef GROUP_STORE_H
#define GROUP_STORE_H

#include "broker/group/group.h"
#include "common/base/str.h"

struct group_store_member {
    char *id, *instance_id, *metadata, *assignment; /* instance_id NULL = dynamic */
    int32_t session_ms, rebalance_ms;
};

struct group_store { /* zeroed: nothing is stored */
    int32_t generation, reserved, count;
    char *protocol_type, *protocol, *leader; /* NULL = none */
    struct group_store_member *members;
};

void group_store_fini(struct group_store *s); /* zeroed again */
/* The group as it stands; told in text unless that is NULL. */
void group_store_write(struct group_store *s, const struct bn_group *g, struct bn_str *text);
void group_store_copy(struct group_store *to, const struct group_store *from);
/* g is new. */
void group_store_resume(const struct group_store *s, struct bn_group *g, int64_t now_ms);

#endif
