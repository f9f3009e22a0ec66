/* groups_list.c: which groups there are, with their states and types when asked for.
 */
#include <stdio.h>
#include <strings.h>

#include "tools/groups.h"
#include "tools/jsonout.h"

static const char *const states[] = {"PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty",
                                     "Assigning",          "Reconciling"};
static const char *const types[] = {"Consumer", "Classic"};

/* Does a list, separated by commas and in whatever letters, hold a word? NULL and "" hold everything. */
static bool holds(const char *list, struct bn_slice word) {
    for (const char *at = list ? list : ""; *at;) {
        size_t len = strcspn(at, ","), skip = strspn(at, " ");
        size_t end = len;
        while (end > skip && at[end - 1] == ' ') end--;
        if (skip < len && end - skip == word.len && strncasecmp(at + skip, (const char *)word.ptr, word.len) == 0)
            return true;
        at += len + (at[len] == ',');
    }
    return !list || !*list;
}

/* A type as Kafka's tool writes it, whatever letters a broker uses. */
static struct bn_slice type_name(struct bn_slice type) {
    for (size_t i = 0; i < BN_ARRAY_LEN(types); i++) {
        if (type.len > 0 && holds(types[i], type)) return bn_slice_str(types[i]);
    }
    return BN_SLICE_LIT("Unknown");
}

/* Is every word of the list known? Tells what is known otherwise. */
static bool check(const char *what, const char *many, const char *list, const char *const *known, size_t count) {
    for (const char *at = list ? list : ""; *at;) {
        char word[64];
        size_t len = strcspn(at, ",");
        bool ok = false;
        (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
        for (size_t i = 0; i < count; i++) ok |= holds(word, bn_slice_str(known[i]));
        if (!ok) {
            fprintf(stderr, "Invalid %s list '%s'. Valid %s are: ", what, list, many);
            for (size_t i = 0; i < count; i++) fprintf(stderr, "%s%s", i ? ", " : "", known[i]);
            fputc('\n', stderr);
            return false;
        }
        at += len + (at[len] == ',');
    }
    return true;
}

static void print_text(const struct bn_groups *g, const struct bn_groupask_group *all, int count) {
    bool with_type = bn_options_has(g->options, "type"), with_state = bn_options_has(g->options, "state");
    int width = 15;
    for (int i = 0; i < count; i++) width = (int)bn_max_size((size_t)width, all[i].id.len);
    width += 10;
    if (with_type || with_state) {
        printf("%-*s", width, "GROUP");
        if (with_type) printf(" %-20s", "TYPE");
        if (with_state) printf(" %-20s", "STATE");
        putchar('\n');
    } else {
        width = 0;
    }
    for (int i = 0; i < count; i++) {
        printf("%-*.*s", width, BN_SLICE_FMT(all[i].id));
        if (with_type) printf(" %-20.*s", BN_SLICE_FMT(type_name(all[i].type)));
        if (with_state) printf(" %-20.*s", BN_SLICE_FMT(all[i].state.len ? all[i].state : BN_SLICE_LIT("Unknown")));
        putchar('\n');
    }
}

static void print_json(const struct bn_groupask_group *all, int count) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "groups");
    for (int i = 0; i < count; i++) {
        bn_jsonout_object(&j, NULL);
        bn_jsonout_text(&j, "group", all[i].id);
        bn_jsonout_text(&j, "state", all[i].state.len ? all[i].state : BN_SLICE_NULL);
        bn_jsonout_text(&j, "type", all[i].type.len ? type_name(all[i].type) : BN_SLICE_NULL);
        bn_jsonout_text(&j, "protocolType", all[i].protocol_type);
        bn_jsonout_number(&j, "coordinator", all[i].node);
        bn_jsonout_end(&j);
    }
    bn_jsonout_print(&j);
}

bool bn_groups_list(struct bn_groups *g) {
    const char *state = bn_options_get(g->options, "state"), *type = bn_options_get(g->options, "type");
    if (!check("types", "types", type, types, BN_ARRAY_LEN(types)) ||
        !check("state", "states", state, states, BN_ARRAY_LEN(states)))
        return false;
    struct bn_groupask_group *all;
    int count = bn_groupask_list(&g->ask, &all), kept = 0;
    for (int i = 0; i < count; i++) {
        if (holds(state, all[i].state) && holds(type, all[i].type)) all[kept++] = all[i];
    }
    g->failed = count < 0;
    if (g->failed) return true;
    if (g->json)
        print_json(all, kept);
    else
        print_text(g, all, kept);
    return true;
}
