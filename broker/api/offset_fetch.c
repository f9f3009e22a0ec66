/* offset_fetch.c: OffsetFetch 1-9: what groups have committed; one group, or from version 8 on several, each with the
 * topics asked for or (null, from 2 on) all. An offset that is not there is -1, and no error. */
#include <stdlib.h>

#include "broker/api/api.h"
#include "broker/api/groups.h"
#include "common/base/alloc.h"

struct found {
    int32_t partition, leader_epoch;
    int64_t offset;
    struct bn_slice metadata;
};

struct found_topic {
    struct bn_slice name;
    struct found *v;
    int32_t n;
};

struct fetch_part {                 /* one group */
    struct bn_scatter_part scatter; /* first: scatter.h */
    struct bn_slice group;
    const struct kmsg_offset_fetch_request_group_topic *asked; /* the older versions' topics have the same shape */
    int32_t asked_count;                                       /* -1 = all */
    int16_t error;
    struct found_topic *topics;
    int32_t topic_count;
    struct bn_arena arena; /* of what is found: parts run side by side */
};

struct fetch {
    struct bn_scatter scatter;
    struct kmsg_offset_fetch_response response;
};

/* ---- on the coordinator's shard ---- */

static struct found look(struct bn_arena *arena, const struct bn_offsets_entry *e, int32_t partition) {
    if (!e) return (struct found){partition, -1, -1, BN_SLICE_LIT("")};
    return (struct found){partition, e->committed.leader_epoch, e->committed.offset,
                          bn_groups_keep(arena, e->committed.metadata)};
}

static void find_asked(struct fetch_part *p, const struct bn_offsets *offsets) {
    for (int32_t i = 0; i < p->topic_count; i++) {
        struct found_topic *t = &p->topics[i];
        for (int32_t k = 0; k < t->n; k++)
            t->v[k] = look(&p->arena, offsets ? bn_offsets_get(offsets, t->name, t->v[k].partition) : NULL,
                           t->v[k].partition);
    }
}

static int by_name(const void *a, const void *b) {
    const struct bn_offsets_entry *x = *(const struct bn_offsets_entry *const *)a;
    const struct bn_offsets_entry *y = *(const struct bn_offsets_entry *const *)b;
    return bn_slice_cmp_place(x->topic, x->partition, y->topic, y->partition);
}

/* A topic is told once, with all its partitions, as Kafka tells it: some clients keep what comes last under a name. */
static void find_all(struct fetch_part *p, const struct bn_offsets *offsets) {
    size_t count = offsets ? bn_offsets_count(offsets) : 0, at = 0, n = 0;
    const struct bn_offsets_entry *e, **entries = bn_arena_array(&p->arena, count, sizeof(*entries));
    p->topics = bn_arena_array(&p->arena, count, sizeof *p->topics);
    struct found *found = bn_arena_array(&p->arena, count, sizeof *found);
    if (!p->topics || !found || !entries) {
        p->error = KE_UNKNOWN_SERVER_ERROR;
        return;
    }
    while (offsets && (e = bn_offsets_next(offsets, &at)) != NULL) entries[n++] = e;
    qsort(entries, n, sizeof(*entries), by_name);
    for (size_t i = 0; i < n; i++) {
        found[i] = look(&p->arena, entries[i], entries[i]->partition);
        if (i == 0 || bn_slice_cmp(entries[i - 1]->topic, entries[i]->topic) != 0)
            p->topics[p->topic_count++] = (struct found_topic){bn_groups_keep(&p->arena, entries[i]->topic), &found[i],
                                                               0};
        p->topics[p->topic_count - 1].n++;
    }
}

static void run(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct fetch_part *p = BN_CONTAINER_OF(part, struct fetch_part, scatter);
    struct bn_coordinator *c = bn_groups_coordinator(part);
    const struct bn_offsets *offsets = NULL;
    (void)partition;
    p->error = c ? bn_coordinator_offsets(c, part->partition, p->group, &offsets) : KE_NOT_COORDINATOR;
    if (p->error == KE_NONE && p->asked_count >= 0)
        find_asked(p, offsets);
    else if (p->error == KE_NONE)
        find_all(p, offsets);
    bn_scatter_done(part);
}

/* ---- answers ---- */

static bool fill_topics_7(struct bn_request *r, const struct fetch_part *p, struct kmsg_offset_fetch_response *out) {
    int32_t count = p->error == KE_NONE || r->header.api_version < 2 ? p->topic_count : 0;
    out->topics.v = bn_arena_array(&r->arena, (size_t)count, sizeof *out->topics.v);
    if (!out->topics.v) return false;
    out->topics.n = count;
    for (int32_t i = 0; i < count; i++) {
        const struct found_topic *t = &p->topics[i];
        out->topics.v[i].name = t->name;
        out->topics.v[i].partitions.v = bn_arena_array(&r->arena, (size_t)t->n, sizeof *out->topics.v[i].partitions.v);
        if (!out->topics.v[i].partitions.v) return false;
        out->topics.v[i].partitions.n = t->n;
        for (int32_t k = 0; k < t->n; k++)
            out->topics.v[i].partitions.v[k] = (struct kmsg_offset_fetch_response_partition){
                .partition_index = t->v[k].partition,
                .committed_offset = t->v[k].offset,
                .committed_leader_epoch = r->header.api_version >= 5 ? t->v[k].leader_epoch : -1,
                .metadata = t->v[k].metadata,
                .error_code = p->error,
            };
    }
    return true;
}

static bool fill_group(struct bn_request *r, const struct fetch_part *p, struct kmsg_offset_fetch_response_group *out) {
    *out = kmsg_offset_fetch_response_group_default;
    out->group_id = p->group;
    out->error_code = p->error;
    int32_t count = p->error == KE_NONE ? p->topic_count : 0;
    out->topics.v = bn_arena_array(&r->arena, (size_t)count, sizeof *out->topics.v);
    if (!out->topics.v) return false;
    out->topics.n = count;
    for (int32_t i = 0; i < count; i++) {
        const struct found_topic *t = &p->topics[i];
        out->topics.v[i].name = t->name;
        out->topics.v[i].partitions.v = bn_arena_array(&r->arena, (size_t)t->n, sizeof *out->topics.v[i].partitions.v);
        if (!out->topics.v[i].partitions.v) return false;
        out->topics.v[i].partitions.n = t->n;
        for (int32_t k = 0; k < t->n; k++)
            out->topics.v[i].partitions.v[k] = (struct kmsg_offset_fetch_response_group_topic_partition){
                .partition_index = t->v[k].partition,
                .committed_offset = t->v[k].offset,
                .committed_leader_epoch = t->v[k].leader_epoch,
                .metadata = t->v[k].metadata,
            };
    }
    return true;
}

static void gather(struct bn_scatter *s) {
    struct fetch *f = BN_CONTAINER_OF(s, struct fetch, scatter);
    struct bn_request *r = s->request;
    struct fetch_part *parts = s->parts;
    bool filled = true;
    r->arena.budget_bytes = SIZE_MAX; /* sized by what was found */
    if (r->header.api_version < 8) {
        if (r->header.api_version >= 2) f->response.error_code = parts[0].error;
        filled = fill_topics_7(r, &parts[0], &f->response);
    } else {
        f->response.groups.v = bn_arena_array(&r->arena, (size_t)s->count, sizeof *f->response.groups.v);
        filled = f->response.groups.v != NULL;
        f->response.groups.n = filled ? s->count : 0;
        for (int i = 0; filled && i < s->count; i++) filled = fill_group(r, &parts[i], &f->response.groups.v[i]);
    }
    struct bn_arena *arenas = bn_alloc_zero((size_t)s->count, sizeof *arenas);
    int count = s->count;
    for (int i = 0; i < count; i++) arenas[i] = parts[i].arena; /* the parts end with the request */
    if (filled)
        bn_request_reply(r, &f->response);
    else
        bn_request_close(r, "no memory is left for the answer");
    for (int i = 0; i < count; i++) bn_arena_fini(&arenas[i]);
    bn_alloc_free(arenas);
}

/* ---- what is asked ---- */

struct place {
    struct bn_slice topic;
    int32_t partition;
};

static int by_place(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    return bn_slice_cmp_place(x->topic, x->partition, y->topic, y->partition);
}

/* Every partition once, however often it is asked for, as with Kafka: an answer is larger than its question. */
static bool lay_out(struct bn_request *r, struct fetch_part *p) {
    if (p->asked_count < 0) return true;
    size_t count = 0, n = 0;
    for (int32_t i = 0; i < p->asked_count; i++) count += (size_t)p->asked[i].partition_indexes.n;
    struct place *places = bn_arena_array(&r->arena, count, sizeof *places);
    struct found *found = bn_arena_array(&r->arena, count, sizeof *found);
    p->topics = bn_arena_array(&r->arena, (size_t)p->asked_count, sizeof *p->topics);
    if (!places || !found || !p->topics) return false;
    for (int32_t i = 0; i < p->asked_count; i++)
        for (int32_t k = 0; k < p->asked[i].partition_indexes.n; k++)
            places[n++] = (struct place){p->asked[i].name, p->asked[i].partition_indexes.v[k]};
    if (n) qsort(places, n, sizeof *places, by_place);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && by_place(&places[i - 1], &places[i]) == 0) continue;
        *found = (struct found){places[i].partition, -1, -1, BN_SLICE_LIT("")};
        if (i == 0 || bn_slice_cmp(places[i - 1].topic, places[i].topic) != 0)
            p->topics[p->topic_count++] = (struct found_topic){places[i].topic, found, 0};
        p->topics[p->topic_count - 1].n++;
        found++;
    }
    return true;
}

static bool prepare(struct bn_request *r, struct fetch *f) {
    const struct kmsg_offset_fetch_request *q = r->message;
    bool one = r->header.api_version < 8;
    int count = one ? 1 : q->groups.n;
    struct fetch_part *parts = bn_arena_array(&r->arena, (size_t)count, sizeof *parts);
    struct bn_groups_named named;
    f->scatter.parts = parts;
    if (!parts) return false;
    bn_groups_named_init(&named);
    bool fits = true;
    for (int i = 0; i < count && fits; i++) {
        if (!one && bn_groups_named_before(&named, q->groups.v[i].group_id)) continue;
        struct fetch_part *p = &parts[f->scatter.count++];
        bn_arena_init(&p->arena, SIZE_MAX); /* what a group has committed */
        if (one) {
            _Static_assert(sizeof *q->topics.v == sizeof *p->asked, "one shape");
            p->group = q->group_id;
            p->asked = (const void *)q->topics.v;
            p->asked_count = q->topics.n;
        } else {
            p->group = q->groups.v[i].group_id;
            p->asked = q->groups.v[i].topics.v;
            p->asked_count = q->groups.v[i].topics.n;
        }
        fits = lay_out(r, p);
        p->error = bn_groups_aim(r, &p->scatter, p->group);
        p->scatter.skip = p->error != KE_NONE;
    }
    bn_groups_named_fini(&named);
    return fits;
}

void bn_api_offset_fetch(struct bn_request *r) {
    struct fetch *f = bn_arena_alloc(&r->arena, sizeof *f);
    if (f) {
        f->response = kmsg_offset_fetch_response_default;
        f->scatter = (struct bn_scatter){
            .request = r, .part_size = sizeof(struct fetch_part), .run = run, .gather = gather};
        if (prepare(r, f) && bn_scatter_run(&f->scatter)) return;
    }
    bn_request_close(r, "an OffsetFetch names more partitions than its size allows");
}
