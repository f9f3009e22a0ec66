/* delete_groups.c: DeleteGroups 0-2: groups without members go, with what they had committed. */
#include "broker/api/api.h"
#include "broker/api/groups.h"

struct delete_part {                /* one group */
    struct bn_scatter_part scatter; /* first: scatter.h */
    struct bn_slice group;
    struct bn_coordinator_commit commit;
    struct bn_coordinator_commit_item item;
    struct kmsg_delete_groups_response_result *answer;
};

struct deletion {
    struct bn_scatter scatter;
    struct kmsg_delete_groups_response response;
};

static void deleted(struct bn_coordinator_commit *of) {
    bn_scatter_done(&BN_CONTAINER_OF(of, struct delete_part, commit)->scatter);
}

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct delete_part *p = BN_CONTAINER_OF(part, struct delete_part, scatter);
    struct bn_coordinator *c = bn_groups_coordinator(part);
    (void)partition;
    if (c) {
        bn_coordinator_delete(c, part->partition, p->group, &p->commit);
        return;
    }
    p->item.error = KE_NOT_COORDINATOR;
    bn_scatter_done(part);
}

static void gather(struct bn_scatter *s) {
    struct deletion *d = BN_CONTAINER_OF(s, struct deletion, scatter);
    const struct delete_part *parts = s->parts;
    for (int i = 0; i < s->count; i++) parts[i].answer->error_code = parts[i].item.error;
    bn_request_reply(s->request, &d->response);
}

static bool prepare(struct bn_request *r, struct deletion *d) {
    const struct kmsg_delete_groups_request *q = r->message;
    struct delete_part *parts = bn_arena_array(&r->arena, (size_t)q->groups_names.n, sizeof *parts);
    d->response.results.v = bn_arena_array(&r->arena, (size_t)q->groups_names.n, sizeof *d->response.results.v);
    if (!parts || !d->response.results.v) return false;
    struct bn_groups_named named;
    bn_groups_named_init(&named);
    d->scatter.parts = parts;
    d->response.results.n = 0;
    for (int32_t i = 0; i < q->groups_names.n; i++) {
        if (bn_groups_named_before(&named, q->groups_names.v[i])) continue;
        struct delete_part *p = &parts[d->scatter.count++];
        p->group = q->groups_names.v[i];
        p->answer = &d->response.results.v[d->response.results.n++];
        p->answer->group_id = p->group;
        p->commit = (struct bn_coordinator_commit){.items = &p->item, .done = deleted};
        p->item.error = bn_groups_aim(r, &p->scatter, p->group);
        p->scatter.skip = p->item.error != KE_NONE;
    }
    bn_groups_named_fini(&named);
    return true;
}

void bn_api_delete_groups(struct bn_request *r) {
    struct deletion *d = bn_arena_alloc(&r->arena, sizeof *d);
    if (d) {
        d->response = kmsg_delete_groups_response_default;
        d->scatter = (struct bn_scatter){
            .request = r, .part_size = sizeof(struct delete_part), .run = run, .gather = gather};
        if (prepare(r, d) && bn_scatter_run(&d->scatter)) return;
    }
    bn_request_close(r, "a DeleteGroups names more groups than its size allows");
}
