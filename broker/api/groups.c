/* groups.c: where a group's coordinator is (6-groups 6.1). */
#include "broker/api/groups.h"

#include "broker/api/topic_name.h"
#include "common/zk/znode_path.h"

int16_t bn_groups_aim(struct bn_request *r, struct bn_scatter_part *part, struct bn_slice group) {
    if (group.len > 0 && !bn_znode_path_group_ok(group)) return KE_INVALID_GROUP_ID;
    const struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    const struct bn_image_topic *t = bn_image_topic(image, BN_SLICE_LIT(BN_TOPIC_NAME_OFFSETS));
    if (!t || t->partition_count == 0) return KE_NOT_COORDINATOR;
    part->topic_id = t->id;
    part->partition = bn_offsets_partition_of(group, t->partition_count);
    return KE_NONE;
}

struct bn_coordinator *bn_groups_coordinator(const struct bn_scatter_part *part) {
    return part->scatter->request->deps->coordinators[part->shard];
}

struct bn_slice bn_groups_keep(struct bn_arena *arena, struct bn_slice s) {
    if (bn_slice_is_null(s)) return s;
    arena->budget_bytes = arena->budget_bytes > SIZE_MAX / 2 ? SIZE_MAX : arena->budget_bytes + s.len + 64;
    const char *copy = bn_arena_copy(arena, s);
    return copy ? bn_slice_of(copy, s.len) : BN_SLICE_LIT("");
}

void bn_groups_named_init(struct bn_groups_named *n) { bn_map_init(&n->names); }

bool bn_groups_named_before(struct bn_groups_named *n, struct bn_slice group) {
    return bn_map_put(&n->names, group, n) != NULL;
}

void bn_groups_named_fini(struct bn_groups_named *n) { bn_map_fini(&n->names); }
