/* options.c: command lines as jopt-simple reads them. Knows nothing of any command.
 */
#include "tools/options.h"

#include "common/base/alloc.h"
#include "common/base/slice.h"
#include "tools/near.h"

static const struct bn_option *exact(const struct bn_option *table, const char *name, size_t len) {
    for (const struct bn_option *o = table; o->name; o++) {
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) return o;
    }
    return NULL;
}

/* The one option that begins with name, or NULL; *many tells that several do. */
static const struct bn_option *beginning(const struct bn_option *table, const char *name, size_t len, bool *many) {
    const struct bn_option *found = NULL;
    for (const struct bn_option *o = table; o->name; o++) {
        if (strncmp(o->name, name, len) != 0) continue;
        if (found) *many = true;
        found = o;
    }
    return *many ? NULL : found;
}

static void tell_unknown(const struct bn_options *o, const char *name, size_t len, bool many) {
    fprintf(stderr, "%s: %.*s is not a recognized option", o->program, (int)len, name);
    struct bn_near near;
    bn_near_init(&near, bn_slice_of(name, len));
    for (const struct bn_option *it = o->table; it->name; it++) bn_near_try(&near, bn_slice_str(it->name));
    if (many)
        fprintf(stderr, " (it is the beginning of several)");
    else if (near.best.ptr)
        fprintf(stderr, " (did you mean --%.*s?)", BN_SLICE_FMT(near.best));
    fprintf(stderr, "\n");
}

static void add(struct bn_options *o, const struct bn_option *option, const char *value) {
    o->given = bn_alloc_resize(o->given, (size_t)(o->given_count + 1) * sizeof *o->given);
    o->given[o->given_count++] = (struct bn_options_given){option, value};
}

/* Reads the option at argv[i]; gives how many words it took, or -1. */
static int take(struct bn_options *o, int argc, char **argv, int i) {
    const char *name = argv[i] + (argv[i][1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    bool many = false;
    const struct bn_option *option = exact(o->table, name, len);
    if (!option) option = beginning(o->table, name, len, &many);
    if (!option) {
        tell_unknown(o, name, len, many);
        return -1;
    }
    if (option->kind == BN_OPTION_FLAG) {
        add(o, option, NULL);
        return 1;
    }
    if (equals) {
        add(o, option, equals + 1);
        return 1;
    }
    /* A word that looks like an option is no value, but a negative number is. */
    bool there = i + 1 < argc && (argv[i + 1][0] != '-' || !argv[i + 1][1] || strchr("0123456789", argv[i + 1][1]));
    if (there) {
        add(o, option, argv[i + 1]);
        return 2;
    }
    if (option->kind == BN_OPTION_MAYBE) {
        add(o, option, NULL);
        return 1;
    }
    fprintf(stderr, "%s: Option %s requires an argument\n", o->program, option->name);
    return -1;
}

int bn_options_parse(struct bn_options *o, const char *program, const struct bn_option *table, int argc, char **argv) {
    *o = (struct bn_options){.program = program, .table = table};
    for (int i = 1; i < argc;) {
        if (argv[i][0] != '-' || !argv[i][1]) {
            o->rest = bn_alloc_resize(o->rest, (size_t)(o->rest_count + 1) * sizeof *o->rest);
            o->rest[o->rest_count++] = argv[i++];
            continue;
        }
        int taken = take(o, argc, argv, i);
        if (taken < 0) {
            bn_options_fini(o);
            *o = (struct bn_options){.program = program, .table = table};
            return -1;
        }
        i += taken;
    }
    return 0;
}

void bn_options_fini(struct bn_options *o) {
    bn_alloc_free(o->given);
    bn_alloc_free(o->rest);
}

bool bn_options_has(const struct bn_options *o, const char *name) {
    for (int i = 0; i < o->given_count; i++) {
        if (strcmp(o->given[i].option->name, name) == 0) return true;
    }
    return false;
}

const char *bn_options_get(const struct bn_options *o, const char *name) {
    for (int i = o->given_count - 1; i >= 0; i--) {
        if (strcmp(o->given[i].option->name, name) == 0) return o->given[i].value;
    }
    return NULL;
}

const char *bn_options_next(const struct bn_options *o, const char *name, int *at) {
    while (*at < o->given_count) {
        const struct bn_options_given *g = &o->given[(*at)++];
        if (strcmp(g->option->name, name) == 0 && g->value) return g->value;
    }
    return NULL;
}

int64_t bn_options_number(const struct bn_options *o, const char *name, int64_t fallback, bool *bad) {
    const char *text = bn_options_get(o, name);
    int64_t value = fallback;
    if (text && !bn_slice_to_i64(bn_slice_str(text), &value)) {
        fprintf(stderr, "%s: --%s needs a whole number, not '%s'\n", o->program, name, text);
        *bad = true;
    }
    return value;
}

void bn_options_help(const struct bn_option *table, const char *usage) {
    printf("usage: %s\n", usage);
    for (const struct bn_option *o = table; o->name; o++) {
        if (!o->help) continue;
        char head[80];
        snprintf(head, sizeof head, "--%s%s", o->name,
                 o->kind == BN_OPTION_FLAG    ? ""
                 : o->kind == BN_OPTION_MAYBE ? " [<value>]"
                                              : " <value>");
        printf("  %-40s %s\n", head, o->help);
    }
}
