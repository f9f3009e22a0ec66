/* groups_describe.c: groups by their partitions, members, state or lag. What a group has committed is read before the
 * ends of the partitions are, so that no lag is negative.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/ends.h"
#include "tools/groups.h"
#include "tools/groups_view.h"

/* ---- collecting ---- */

/* Members with more partitions first, as in Kafka's tool; then by id. */
static int by_count(const void *x, const void *y) {
    const struct bn_groupask_member *const *a = x, *const *b = y;
    if ((*a)->count != (*b)->count) return (*a)->count < (*b)->count ? 1 : -1;
    return bn_slice_cmp((*a)->id, (*b)->id);
}

static bool is_assigned(const struct bn_groups_view_group *v, const struct bn_groupask_place *place) {
    for (size_t i = 0; i < v->group.count; i++) {
        const struct bn_groupask_member *m = &v->group.members[i];
        if (m->count > 0 && bsearch(place, m->places, m->count, sizeof *place, bn_groupask_by_place)) return true;
    }
    return false;
}

static void add_row(struct bn_groups_view_group *v, const struct bn_groupask_member *m,
                    const struct bn_groupask_place *place, const struct bn_groupask_place *committed) {
    v->rows[v->row_count++] = (struct bn_groups_view_row){.topic = place->topic,
                                                          .partition = place->partition,
                                                          .member = m,
                                                          .offset = committed ? committed->offset : -1,
                                                          .end = -1};
}

/* A row for what is assigned, then one for what is only committed. */
static int add_rows(struct bn_groups *g, struct bn_groups_view_group *v) {
    struct bn_arena *arena = bn_session_arena(g->ask.session);
    struct bn_groupask_place *committed;
    size_t count, total;
    int code = bn_groupask_offsets(&g->ask, v->group.id, &committed, &count);
    if (code != KE_NONE) return code;
    total = count;
    for (size_t i = 0; i < v->group.count; i++) total += v->group.members[i].count;
    v->rows = bn_arena_array(arena, total + 1, sizeof *v->rows);
    const struct bn_groupask_member **order = bn_arena_array(arena, v->group.count + 1, sizeof(void *));
    if (!v->rows || !order) return KE_UNKNOWN_SERVER_ERROR;
    for (size_t i = 0; i < v->group.count; i++) order[i] = &v->group.members[i];
    if (v->group.count > 1) qsort(order, v->group.count, sizeof(void *), by_count);
    for (size_t i = 0; i < v->group.count; i++) {
        for (size_t k = 0; k < order[i]->count; k++) {
            const struct bn_groupask_place *place = &order[i]->places[k];
            add_row(v, order[i], place,
                    count > 0 ? bsearch(place, committed, count, sizeof *place, bn_groupask_by_place) : NULL);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_assigned(v, &committed[i])) add_row(v, NULL, &committed[i], &committed[i]);
    }
    return KE_NONE;
}

/* Where the partitions of all rows end. False after telling. */
static bool find_ends(struct bn_groups *g, struct bn_groups_view_group *all, size_t group_count) {
    struct bn_session *s = g->ask.session;
    size_t total = 0, count = 0;
    for (size_t i = 0; i < group_count; i++) total += all[i].row_count;
    if (total == 0) return true;
    const struct kmsg_metadata_response *metadata = bn_session_metadata(s);
    struct bn_ends_place *places = bn_arena_array(bn_session_arena(s), total, sizeof *places);
    if (!metadata || !places) return false;
    for (size_t i = 0; i < group_count; i++) {
        for (size_t k = 0; k < all[i].row_count; k++)
            places[count++] = bn_ends_place(metadata, all[i].rows[k].topic, all[i].rows[k].partition);
    }
    count = bn_ends_unique(places, count); /* groups may share them */
    bool ok = bn_ends_ask(s, places, count, BN_ENDS_LATEST);
    for (size_t i = 0; i < group_count; i++) {
        for (size_t k = 0; k < all[i].row_count; k++) {
            struct bn_groups_view_row *row = &all[i].rows[k];
            const struct bn_ends_place *place = bn_ends_find(places, count, row->topic, row->partition);
            if (place && place->error == KE_NONE) row->end = place->offset;
        }
    }
    return ok;
}

/* What is to be shown of every group. False after telling. */
static bool collect(struct bn_groups *g, struct bn_groups_view_group **out, size_t *count) {
    struct bn_slice *ids;
    size_t id_count;
    bool rows = g->view == BN_GROUPS_OFFSETS || g->view == BN_GROUPS_LAG;
    *count = 0;
    if (!bn_groups_meant(g, &ids, &id_count)) return false;
    struct bn_groups_view_group *all = bn_arena_array(bn_session_arena(g->ask.session), id_count + 1, sizeof *all);
    if (!all) return false;
    for (size_t i = 0; i < id_count; i++) {
        int code = bn_groupask_describe(&g->ask, ids[i], &all[i].group);
        if (code == KE_NONE && rows && !bn_slice_eq_str(all[i].group.state, "Dead")) code = add_rows(g, &all[i]);
        if (code != KE_NONE) return bn_groups_failed(g, code), false;
        ++*count;
    }
    *out = all;
    return !rows || find_ends(g, all, *count);
}

static int by_place(const void *x, const void *y) {
    const struct bn_groups_view_row *a = x, *b = y;
    return bn_slice_cmp_place(a->topic, a->partition, b->topic, b->partition);
}

static int by_id(const void *x, const void *y) {
    const struct bn_groups_view_group *a = x, *b = y;
    return bn_slice_cmp(a->group.id, b->group.id);
}

bool bn_groups_describe(struct bn_groups *g) {
    struct bn_groups_view_group *all;
    size_t count;
    if (!collect(g, &all, &count)) {
        g->failed = true;
        return true;
    }
    if (count > 1) qsort(all, count, sizeof *all, by_id);
    for (size_t i = 0; i < count && g->view == BN_GROUPS_LAG; i++) {
        if (all[i].row_count > 1) qsort(all[i].rows, all[i].row_count, sizeof *all[i].rows, by_place);
    }
    if (g->json)
        bn_groups_view_json(g, all, count);
    else
        bn_groups_view_text(g, all, count);
    return true;
}
