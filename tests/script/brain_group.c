/* brain_group.c: the world's /consumers. Names stand there as they are; everything lives in the world's arena. */
#include "tests/script/brain_group.h"

#include <stdlib.h>

#include "controller/brain/group_fact.h"

static void *room(struct brain_world *w, int32_t count, size_t size) {
    return bn_arena_array(&w->arena, (size_t)count + 1, size);
}

static void make_members(struct brain_world *w, const char *text, struct bn_fact_group *g) {
    char *end;
    g->member_count = (int32_t)strtol(text, &end, 10);
    size_t size = *end == 'x' ? (size_t)strtol(end + 1, NULL, 10) : 4;
    struct bn_fact_group_member *members = room(w, g->member_count, sizeof *members);
    for (int32_t i = 0; i < g->member_count; i++) {
        members[i].member_id = bn_slice_str(bn_arena_printf(&w->arena, "m%d", i));
        members[i].instance_id = BN_SLICE_NULL;
        members[i].metadata = members[i].assignment = bn_slice_of(room(w, (int32_t)size, 1), size);
    }
    g->members = members;
}

static void make_item(struct brain_world *w, char *word, struct bn_event_group_item *out) {
    char *parts[4] = {word, "", "0", "0"};
    for (int i = 1; i < 4; i++) {
        char *colon = strchr(parts[i - 1], ':');
        if (!colon) break;
        *colon = '\0';
        parts[i] = colon + 1;
    }
    out->removed = strcmp(parts[0], "remove") == 0;
    out->reserve_only = strcmp(parts[0], "reserve") == 0;
    bool plain = !out->removed && !out->reserve_only;
    out->group.name = bn_arena_copy(&w->arena, bn_slice_str(plain ? parts[0] : parts[1]));
    out->group.reserved = (int32_t)strtol(parts[2], NULL, 10);
    if (!plain) return;
    out->group.generation = (int32_t)strtol(parts[1], NULL, 10);
    make_members(w, parts[3], &out->group);
}

void brain_group_write(struct brain_world *w, char **words, int count, struct bn_event_group_write *out) {
    struct bn_event_group_item *items = room(w, count, sizeof *items);
    for (int i = 0; i < count; i++) make_item(w, bn_arena_copy(&w->arena, bn_slice_str(words[i])), &items[i]);
    out->items = items;
    out->item_count = count;
}

void brain_group_print(struct bn_str *s, const struct bn_fact_group *g) {
    bn_str_addf(s, " generation=%d reserved=%d", g->generation, g->reserved);
    if (g->member_count) bn_str_addf(s, " members=%d", g->member_count);
    for (int32_t i = 0; i < g->part_count; i++)
        bn_str_addf(s, "%s%d-%d", i ? "," : " parts=", g->parts[i].generation, g->parts[i].number);
}

char *brain_group_path(struct brain_world *w, const struct bn_output_op *op) {
    const struct bn_fact_group *g = &op->u.group;
    switch (op->kind) {
    case BN_OUTPUT_OP_MAKE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP:
    case BN_OUTPUT_OP_SET_GROUP:
    case BN_OUTPUT_OP_CLEAR_GROUP:
    case BN_OUTPUT_OP_DELETE_GROUP:
        return bn_arena_printf(&w->arena, "/consumers/%s", g->name);
    case BN_OUTPUT_OP_CREATE_GROUP_PART:
    case BN_OUTPUT_OP_DELETE_GROUP_PART:
        return bn_arena_printf(&w->arena, "/consumers/%s/members-%d-%d", g->name, g->parts[0].generation,
                               g->parts[0].number);
    default:
        return NULL;
    }
}

static const char *child(const char *path, const char *parent) { /* what stands behind "parent/", or NULL */
    size_t len = strlen(parent);
    return strncmp(path, parent, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

void brain_group_read(struct brain_world *w, const char *name, struct bn_event_read_result *out) {
    const char *at = bn_arena_printf(&w->arena, "/consumers/%s", name);
    const struct brain_world_node *n = brain_world_find(w, at);
    out->found = n != NULL;
    if (!n) return;
    out->version = n->version;
    out->has_group = n->data.kind == BN_OUTPUT_OP_CREATE_GROUP || n->data.kind == BN_OUTPUT_OP_SET_GROUP;
    if (out->has_group) out->group = n->data.u.group;
    if (out->group.part_count) out->group.member_count = 0; /* they stand there */
    struct bn_fact_group_part *parts = room(w, (int32_t)w->nodes.count, sizeof *parts);
    size_t i = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&w->nodes, &i));) {
        const struct brain_world_node *below = e->value;
        if (!child(below->path, at)) continue;
        if (below->data.kind == BN_OUTPUT_OP_CREATE_GROUP_PART)
            parts[out->part_count++] = below->data.u.group.parts[0];
        else
            out->shared = true;
    }
    out->parts = parts;
}

void brain_group_list(struct brain_world *w, struct bn_event_groups *out) {
    const char **names = room(w, (int32_t)w->nodes.count, sizeof *names);
    size_t at = 0;
    out->names = names;
    for (struct bn_map_entry *e; (e = bn_map_next(&w->nodes, &at));) {
        const char *name = child(((struct brain_world_node *)e->value)->path, "/consumers");
        if (name && !strchr(name, '/')) names[out->count++] = name;
    }
}
