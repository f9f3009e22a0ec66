/* list_groups.c: ListGroups 0-5: the groups that this broker coordinates, by state (4+, KIP-518) and type (5+). Every
 * shard is asked; a part is a shard here, not a partition. */
#include "broker/api/api.h"
#include "broker/api/groups.h"
#include "common/base/alloc.h"

struct list;

struct lane {
    struct bn_msg there, back;
    struct list *list;
    struct bn_shard *shard;
    int16_t error;
    struct bn_arena arena;
    struct kmsg_list_groups_response_group *groups;
    int32_t count, capacity;
};

struct list {
    struct bn_request *request;
    struct kmsg_list_groups_response response;
    int outstanding, lane_count;
    struct lane *lanes; /* the heap's: they outlive the request's memory by their arenas */
};

static bool same(struct bn_slice asked, struct bn_slice word) { /* whatever the case of its letters */
    bool is = asked.len == word.len;
    for (size_t k = 0; is && k < asked.len; k++) is = (asked.ptr[k] | 0x20) == (word.ptr[k] | 0x20);
    return is;
}

static bool wanted(const struct kmsg_list_groups_request *q, const struct bn_group *g) {
    struct bn_slice state = bn_slice_str(bn_group_state_name(bn_group_state(g)));
    bool fits = q->states_filter.n == 0;
    for (int32_t i = 0; i < q->states_filter.n; i++) fits = fits || same(q->states_filter.v[i], state);
    bool classic = q->types_filter.n == 0;
    for (int32_t i = 0; i < q->types_filter.n; i++)
        classic = classic || same(q->types_filter.v[i], BN_SLICE_LIT("classic"));
    return fits && classic;
}

static void add(void *arg, const struct bn_group *g) {
    struct lane *l = arg;
    const struct bn_request *r = l->list->request;
    if (!wanted(r->message, g)) return;
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? l->capacity * 2 : 64;
        l->groups = bn_alloc_resize(l->groups, (size_t)l->capacity * sizeof *l->groups);
    }
    struct bn_slice state = bn_slice_str(bn_group_state_name(bn_group_state(g)));
    l->groups[l->count++] = (struct kmsg_list_groups_response_group){
        .group_id = bn_groups_keep(&l->arena, bn_group_id(g)),
        .protocol_type = bn_groups_text(bn_groups_keep(&l->arena, bn_group_protocol_type(g))),
        .group_state = r->header.api_version >= 4 ? state : BN_SLICE_LIT(""),
        .group_type = r->header.api_version >= 5 ? BN_SLICE_LIT("classic") : BN_SLICE_LIT(""),
    };
}

static void finish(struct list *t) {
    struct bn_request *r = t->request;
    struct lane *lanes = t->lanes;
    int lane_count = t->lane_count;
    int32_t count = 0;
    for (int i = 0; i < lane_count; i++) {
        count += lanes[i].count;
        if (lanes[i].error != KE_NONE) t->response.error_code = lanes[i].error;
    }
    struct kmsg_list_groups_response_group *all = bn_alloc_zero((size_t)count + 1, sizeof *all);
    for (int i = 0; i < lane_count; i++) {
        for (int32_t k = 0; k < lanes[i].count; k++) all[t->response.groups.n++] = lanes[i].groups[k];
    }
    t->response.groups.v = all;
    bn_request_reply(r, &t->response);
    for (int i = 0; i < lane_count; i++) {
        bn_arena_fini(&lanes[i].arena);
        bn_alloc_free(lanes[i].groups);
    }
    bn_alloc_free(lanes);
    bn_alloc_free(all);
}

static void came_back(struct bn_msg *m) {
    struct list *t = BN_CONTAINER_OF(m, struct lane, back)->list;
    if (--t->outstanding == 0) finish(t);
}

static void look(struct bn_msg *m) { /* on each shard */
    struct lane *l = BN_CONTAINER_OF(m, struct lane, there);
    struct bn_request *r = l->list->request;
    struct bn_coordinator *c = r->deps->coordinators[l->shard->index];
    l->error = c ? bn_coordinator_each(c, add, l) : KE_COORDINATOR_NOT_AVAILABLE;
    l->back.run = came_back;
    bn_shard_post(r->shard, &l->back);
}

void bn_api_list_groups(struct bn_request *r) {
    struct list *t = bn_arena_alloc(&r->arena, sizeof *t);
    if (!t) {
        bn_request_close(r, "no memory is left for the answer");
        return;
    }
    t->request = r;
    t->response = kmsg_list_groups_response_default;
    t->lane_count = t->outstanding = r->deps->shard_count;
    t->lanes = bn_alloc_zero((size_t)t->lane_count, sizeof *t->lanes);
    for (int i = 0; i < t->lane_count; i++) {
        struct lane *l = &t->lanes[i];
        l->list = t;
        l->shard = r->deps->shards[i];
        l->there.run = look;
        bn_arena_init(&l->arena, SIZE_MAX);
        bn_shard_post(l->shard, &l->there);
    }
}
