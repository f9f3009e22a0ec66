/* groups.c: what the actions on groups share: which groups and which partitions a command line means, and how errors
 * are told.
 */
#include "tools/groups.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"

void bn_groups_error(struct bn_groups *g, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    bool there = g->kafka && !g->json;
    FILE *to = there ? stdout : stderr;
    fflush(stdout);
    fputs(there ? "\nError: " : "Error: ", to);
    vfprintf(to, fmt, args);
    fputc('\n', to);
    va_end(args);
    g->failed = true;
}

void bn_groups_failed(struct bn_groups *g, int code) {
    char exception[BN_ADMIN_EXCEPTION_MAX];
    g->failed = true;
    if (code < 0 && code != KE_UNKNOWN_SERVER_ERROR) return;
    bn_groups_error(g, "Executing consumer group command failed due to %s: %s", bn_admin_exception(code, exception),
                    bn_errors_text(code));
}

bool bn_groups_meant(struct bn_groups *g, struct bn_slice **out, size_t *count) {
    struct bn_groupask_group *all = NULL;
    int found = g->all ? bn_groupask_list(&g->ask, &all) : (int)g->name_count;
    *count = 0;
    if (found < 0) return g->failed = true, false;
    *out = bn_arena_array(bn_session_arena(g->ask.session), (size_t)found + 1, sizeof **out);
    if (!*out) return g->failed = true, false;
    for (int i = 0; i < found; i++) {
        struct bn_slice id = g->all ? all[i].id : bn_slice_str(g->names[i]);
        bool known = false;
        for (size_t k = 0; !g->all && k < *count; k++) known |= bn_slice_eq((*out)[k], id);
        if (!known) (*out)[(*count)++] = id;
    }
    return true;
}

/* ---- partitions ---- */

struct list {
    struct bn_groupask_place *places;
    size_t count;
};

static void add(struct list *l, struct bn_slice topic, int32_t partition) {
    l->places = bn_alloc_resize(l->places, (l->count + 1) * sizeof *l->places);
    l->places[l->count++] = (struct bn_groupask_place){topic, partition, -1};
}

static void add_whole(struct list *l, const struct kmsg_metadata_response *all, struct bn_slice topic) {
    size_t before = l->count;
    for (int32_t i = 0; i < all->topics.n; i++) {
        if (!bn_slice_eq(all->topics.v[i].name, topic)) continue;
        for (int32_t k = 0; k < all->topics.v[i].partitions.n; k++)
            add(l, topic, all->topics.v[i].partitions.v[k].partition_index);
    }
    if (l->count == before) add(l, topic, -1);
}

/* "t:0,1"; colon is where the name ends. */
static bool add_parts(struct list *l, const char *text, const char *colon) {
    const char *at = colon + 1;
    if (colon == text || !*at || strchr(at, ':')) {
        fprintf(stderr, "Invalid topic arg '%s', expected topic name and partitions\n", text);
        return false;
    }
    while (*at) {
        size_t len = strcspn(at, ",");
        int64_t partition;
        if (!bn_slice_to_i64(bn_slice_of(at, len), &partition) || partition < 0 || partition > INT32_MAX) {
            fprintf(stderr, "Invalid partition '%.*s' specified in topic arg '%s''\n", (int)len, at, text);
            return false;
        }
        add(l, bn_slice_of(text, (size_t)(colon - text)), (int32_t)partition);
        at += len + (at[len] == ',');
    }
    return true;
}

bool bn_groups_topics(struct bn_groups *g, const struct kmsg_metadata_response *all, struct bn_groupask_place **out,
                      size_t *count) {
    struct list l = {NULL, 0};
    const char *text;
    bool ok = true;
    for (int at = 0; ok && (text = bn_options_next(g->options, "topic", &at)) != NULL;) {
        const char *colon = strchr(text, ':');
        if (colon)
            ok = add_parts(&l, text, colon);
        else
            add_whole(&l, all, bn_slice_str(text));
    }
    *count = 0;
    *out = bn_arena_array(bn_session_arena(g->ask.session), l.count + 1, sizeof **out);
    if (!*out) ok = false;
    if (l.count > 1) qsort(l.places, l.count, sizeof *l.places, bn_groupask_by_place);
    for (size_t i = 0; ok && i < l.count; i++) {
        if (*count == 0 || bn_groupask_by_place(&(*out)[*count - 1], &l.places[i]) != 0)
            (*out)[(*count)++] = l.places[i];
    }
    bn_alloc_free(l.places);
    return ok;
}
